"""Reads the files through which a step answers the runner: GITHUB_OUTPUT, GITHUB_STATE, GITHUB_ENV, GITHUB_PATH and the step summary."""

from dataclasses import dataclass, field

SUMMARY_LIMIT = 1024 * 1024
"""Bytes of a step summary; above it the runner uploads nothing."""


@dataclass
class Pairs:
    """The pairs of a command file. A bad line ends the reading and fails the step; the pairs before it stay."""

    values: dict = field(default_factory=dict)
    error: str | None = None


class _Malformed(Exception):
    """A line that is neither `K=V` nor a complete `K<<D` block."""


class _Reader:
    """Lines of a text, cut at LF only: on Linux a CR stays in the value."""

    def __init__(self, text):
        self._text, self.index = text, 0

    def line(self):
        """The next line and whether an LF closed it, or `(None, False)` at the end."""
        if self.index >= len(self._text):
            return None, False
        end = self._text.find("\n", self.index)
        start, closed = self.index, end >= 0
        self.index = end + 1 if closed else len(self._text)
        return self._text[start : end if closed else len(self._text)], closed

    def between(self, start, end):
        return self._text[start:end] if end > start else ""


def parse_pairs(text):
    """The pairs of GITHUB_OUTPUT, GITHUB_STATE or GITHUB_ENV."""
    pairs, reader = Pairs(), _Reader(text)
    try:
        while (line := reader.line()[0]) is not None:
            if line:
                name, value = _pair(line, reader)
                pairs.values[name] = value
    except _Malformed as error:
        pairs.error = str(error)
    return pairs


def _pair(line, reader):
    equals, heredoc = line.find("="), line.find("<<")
    if equals >= 0 and (heredoc < 0 or equals < heredoc):
        return tuple(line.split("=", 1))
    if heredoc >= 0:
        return _heredoc(line, reader)
    raise _Malformed(f"Invalid format '{line}'")


def _heredoc(line, reader):
    name, delimiter = line.split("<<", 1)
    if not name or not delimiter:
        raise _Malformed(f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty")
    start = end = reader.index
    following, closed = reader.line()
    while following != delimiter:
        if following is None:
            raise _Malformed(f"Invalid value. Matching delimiter not found '{delimiter}'")
        if not closed:
            raise _Malformed("Invalid value. EOF marker missing new line.")
        end = reader.index - 1
        following, closed = reader.line()
    return name, reader.between(start, end)


def parse_outputs(text):
    """As `parse_pairs`; an output additionally needs a name."""
    pairs = parse_pairs(text)
    if "" in pairs.values:
        del pairs.values[""]
        pairs.error = pairs.error or "An output has no name"
    return pairs


def parse_path(text):
    """The folders which GITHUB_PATH prepends: each line once, the last mention counts."""
    lines = [line for line in text.splitlines() if line]
    return [line for index, line in enumerate(lines) if line not in lines[index + 1 :]]


def summary_is_uploaded(content):
    """Whether the runner shows this step summary (given as bytes)."""
    return 0 < len(content) <= SUMMARY_LIMIT
