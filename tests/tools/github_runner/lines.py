"""Cuts a stream of bytes into lines the way the runner reads a process: LF, CR LF and a lone CR each end a line."""

import codecs


class LineSplitter:
    """Takes chunks as they arrive and gives back the lines that are complete.

    Bytes that are not UTF-8 become U+FFFD, as in the runner. Each line comes with the end that closed it, because a line that
    follows a lone CR is one that the writer probably did not mean to begin.
    """

    def __init__(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, chunk):
        """The `(text, end)` pairs which `chunk` completes; `end` is `"\\n"`, `"\\r\\n"` or `"\\r"`."""
        self._rest += self._decoder.decode(chunk)
        return list(self._complete())

    def close(self):
        """What is left when the stream ends: nothing, or one line; its end is `""` when nothing closed it."""
        self._rest += self._decoder.decode(b"", final=True)
        rest, self._rest = self._rest, ""
        if rest.endswith("\r"):
            return [(rest[:-1], "\r")]
        return [(rest, "")] if rest else []

    def _complete(self):
        while (found := _next_end(self._rest)) is not None:
            position, end = found
            yield self._rest[:position], end
            self._rest = self._rest[position + len(end) :]


def _next_end(text):
    """Where the first line of `text` ends, or `None`. A CR at the very end is not decided yet: an LF may follow."""
    for position, character in enumerate(text):
        if character == "\n":
            return position, "\n"
        if character == "\r":
            following = text[position + 1 : position + 2]
            if not following:
                return None
            return (position, "\r\n") if following == "\n" else (position, "\r")
    return None


def split_lines(data):
    """All lines of a complete stream."""
    splitter = LineSplitter()
    return splitter.feed(data) + splitter.close()
