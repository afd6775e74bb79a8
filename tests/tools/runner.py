#!/usr/bin/env python3
"""Runs a Docker action, or its plain binary, as the GitHub runner does, and reports as JSON what the runner would have made of it.

See `github_runner/` for the rules and `runner.py --help` for the options.
"""

import sys

from github_runner.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
