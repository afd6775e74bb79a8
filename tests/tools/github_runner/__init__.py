"""The rules of the GitHub runner for Docker container actions, as one package.

What is modelled: how the container is started, which environment and mounts it gets, how its command files and its output
are read, and what a cancelled job sends it. What is not: expressions, problem matchers, and the effect of the deprecated
commands (`set-output`, `save-state`, `set-env`, `add-path`), which are reported as injected instead.
"""
