"""Follows the output of a step as the runner does: acts on commands, masks what is shown, and remembers all of it."""

from dataclasses import dataclass, field

from .commands import REGISTERED, STOP, Form, parse

ANNOTATION_LENGTH = 4096
ANNOTATIONS_PER_LEVEL = 10
_LEVELS = ("error", "warning", "notice")
_OWN = frozenset({"add-mask", "debug", "endgroup", "error", "group", "notice", "warning", STOP})
"""The commands an honest action of ours writes. Any other that takes effect came from somewhere else."""


@dataclass
class Seen:
    """Everything the runner learned from a step's output."""

    log: list = field(default_factory=list)
    """Every line as it was written, commands included."""
    shown: list = field(default_factory=list)
    """What a person sees in the job's log: masked, and without the commands that are not echoed."""
    masks: list = field(default_factory=list)
    annotations: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    debug: list = field(default_factory=list)
    injected: list = field(default_factory=list)
    """Commands that took effect and that the action cannot have meant."""
    errors: list = field(default_factory=list)
    """Commands that the runner refused, which fails the step."""


class Processor:
    """One step's output, line by line. stdout and stderr share it, as they share the state in the runner."""

    def __init__(self, canaries=()):
        self.seen = Seen()
        self._canaries = tuple(canaries)
        self._token = None
        self._stop_masks = []
        self._after_bare_return = False
        self._open_group = None

    @property
    def stop_token(self):
        """The token that would resume commands, while they are stopped."""
        return self._token

    def take(self, line, end="\n"):
        """Acts on one line; `end` is what closed it."""
        self.seen.log.append(line)
        command = parse(line, REGISTERED | ({self._token.lower()} if self._token else set()))
        broken, self._after_bare_return = self._after_bare_return, end == "\r"
        if command is None or not self._act(command, line, broken):
            self._show(line)

    def _act(self, command, line, broken):
        """Whether the line was consumed as a command."""
        name = command.name.lower()
        if self._token:
            return self._resume(name, line)
        if self._is_foreign(command, name, line, broken):
            self.seen.injected.append(line)
        if name == STOP:
            self._stop(command.data, line)
        elif name == "add-mask":
            self._mask(command.data)
        elif name in ("group", "endgroup"):
            self._group(name, command.data)
        elif name == "debug":
            self.seen.debug.append(command.data)
        elif name in _LEVELS:
            self._annotate(name, command)
        return True

    def _is_foreign(self, command, name, line, broken):
        return command.form is Form.LEGACY or name not in _OWN or broken or any(canary in line for canary in self._canaries)

    def _stop(self, token, line):
        if not token or token.lower() in REGISTERED or token.lower() == "pause-logging":
            self.seen.errors.append(f"Refused stop token '{token}'")
            return
        self._token = token
        if len(token) > 6:
            self._stop_masks.append(token)
        self._show(line)

    def _resume(self, name, line):
        if name != self._token.lower():
            return False
        self._token = None
        self._show(line)
        return True

    def _mask(self, value):
        if not value.strip():
            self._annotation("warning", "Can't add secret mask for empty string in ##[add-mask] command.", {})
            return
        for part in [value, *(line.strip() for line in value.replace("\r", "\n").split("\n"))]:
            if part and part not in self.seen.masks:
                self.seen.masks.append(part)

    def _group(self, name, title):
        """Notes where a group begins and ends. The runner's groups do not nest: a new one closes the one before."""
        if self._open_group:
            self._open_group["closed"] = name == "endgroup"
        self._open_group = None
        if name == "group":
            self._open_group = {"title": self.masked(title), "lines": [], "closed": False}
            self.seen.groups.append(self._open_group)
        self.seen.shown.append(self.masked(f"##[{name}]{title if name == 'group' else ''}"))

    def _annotate(self, level, command):
        self._annotation(level, command.data, command.properties)

    def _annotation(self, level, message, properties):
        count = sum(1 for annotation in self.seen.annotations if annotation["level"] == level)
        shown = count < ANNOTATIONS_PER_LEVEL
        message = self.masked(message[:ANNOTATION_LENGTH])
        properties = {name: self.masked(value) for name, value in properties.items()}
        self.seen.annotations.append({"level": level, "message": message, "properties": properties, "kept": shown})
        self._show(f"##[{level}]{message}")

    def _show(self, line):
        shown = self.masked(line)
        self.seen.shown.append(shown)
        if self._open_group:
            self._open_group["lines"].append(shown)

    def masked(self, text):
        """`text` with every mask replaced; the longest first, so that a mask inside another leaves nothing behind."""
        for mask in sorted([*self.seen.masks, *self._stop_masks], key=len, reverse=True):
            text = text.replace(mask, "***")
        return text
