"""Reads the few facts of an action.yml that the runner needs to start a container action.

Only the plain subset that this repository's action.yml is written in: two spaces of indentation, one-line defaults, args as a
list. Whatever else it meets in those places is an error, so that it never starts an action with wrong inputs unnoticed.
"""

import json
import re
from dataclasses import dataclass, field

_ENTRY = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z][\w-]*):(?: +(?P<value>\S.*?))? *$")


@dataclass
class Action:
    """What `runs` and `inputs` say."""

    defaults: dict = field(default_factory=dict)
    """Every declared input with its default, `""` where there is none: that is how an unset input arrives."""
    entrypoint: str | None = None
    post_entrypoint: str | None = None
    args: list = field(default_factory=list)


def read_action(text):
    """The action that `text`, the content of an action.yml, describes."""
    action, path = Action(), []
    for line in text.splitlines():
        if path[:2] == ["runs", "args"] and line.strip().startswith("- "):
            action.args.append(_scalar(line.strip()[2:]))
        elif (entry := _ENTRY.match(line)) and len(entry["indent"]) // 2 <= len(path):
            path = [*path[: len(entry["indent"]) // 2], entry["name"]]
            _note(action, path, entry["value"])
    return action


def _note(action, path, value):
    if len(path) == 2 and path[0] == "inputs":
        action.defaults[path[1]] = ""
    elif len(path) == 3 and path[0] == "inputs" and path[2] == "default":
        action.defaults[path[1]] = _default(value)
    elif path == ["runs", "entrypoint"]:
        action.entrypoint = _scalar(value)
    elif path == ["runs", "post-entrypoint"]:
        action.post_entrypoint = _scalar(value)
    elif path == ["runs", "args"] and value:
        raise ValueError("runs.args is not a list of lines")


def _default(value):
    """A default; the runner evaluates expressions, and this job has no token of its own."""
    return "" if (value or "").strip() == "${{ github.token }}" else _scalar(value)


def _scalar(value):
    """A one-line YAML scalar as text."""
    value = (value or "").strip()
    if value.startswith('"'):
        return json.loads(value)
    if value.startswith("'"):
        return value[1:-1].replace("''", "'")
    if value[:1] in ("|", ">", "[", "{", "&", "*", "!") or "${{" in value:
        raise ValueError(f"not a plain one-line value: {value}")
    return value.split(" #")[0].strip()
