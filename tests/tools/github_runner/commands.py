"""Reads one line of output as a workflow command, in the current and in the legacy form. Knows nothing of what a command does."""

from dataclasses import dataclass, field
from enum import Enum

STOP = "stop-commands"
REGISTERED = frozenset(
    """add-mask add-matcher add-path debug echo endgroup error group notice remove-matcher save-state set-env set-output
    stop-commands warning""".split()
)

# The order matters: `%25` is undone last, so that `%250A` stays the text `%0A`.
_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_LEGACY = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


class Form(Enum):
    """How a command was written."""

    CURRENT = "current"
    """`::name key=value::data` at the start of a line."""
    LEGACY = "legacy"
    """`##[name key=value]data`, honoured anywhere in a line."""


@dataclass
class Command:
    """A workflow command that the runner would act upon."""

    name: str
    data: str
    form: Form
    properties: dict = field(default_factory=dict)


def parse(line, registered=REGISTERED):
    """The command in `line`, or `None`. The current form is tried first; a name that is not registered is plain text."""
    return _parse_current(line, registered) or _parse_legacy(line, registered)


def _parse_current(line, registered):
    text = line.lstrip()
    end = text.find("::", 2)
    if not text.startswith("::") or end < 0:
        return None
    name, properties = _head(text[2:end], ",", _PROPERTY)
    return Command(name, _unescape(text[end + 2 :], _DATA), Form.CURRENT, properties) if name.lower() in registered else None


def _parse_legacy(line, registered):
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, properties = _head(line[start + 3 : end], ";", _LEGACY)
    return Command(name, _unescape(line[end + 1 :], _LEGACY), Form.LEGACY, properties) if name.lower() in registered else None


def _head(text, separator, escapes):
    """The name and the properties of a command. A property without a name or without a value is dropped."""
    name, _, rest = text.partition(" ")
    pairs = (part.lstrip("=").split("=", 1) for part in rest.strip().split(separator))
    return name, {pair[0]: _unescape(pair[1], escapes) for pair in pairs if len(pair) == 2 and pair[0] and pair[1]}


def _unescape(text, escapes):
    for escaped, plain in escapes:
        text = text.replace(escaped, plain)
    return text
