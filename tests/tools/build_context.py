#!/usr/bin/env python3
"""Copies to a folder what `docker build` would send as its context: build_context.py SOURCE FOLDER.

The rules are those of Docker's .dockerignore (moby/patternmatcher, and the walk of moby/go-archive). What is in FOLDER and not in the
context is removed; time stamps are kept, so that cargo compiles there only what has changed.
"""

import filecmp
import os
import posixpath
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple


class Pattern(NamedTuple):
    """One line: what it matches is left out, or, after `!`, taken in again."""

    path: str
    includes: bool
    regex: re.Pattern


def parse(text):
    """The patterns of a .dockerignore file. Only a line that begins with `#` is a comment."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n") if not line.startswith("#")]
    return [pattern(line) for line in lines if line]


def pattern(line):
    includes = line.startswith("!")
    path = line.removeprefix("!").strip()
    if not path:
        raise ValueError(f"'{line}' names no path")
    # `/a`, `a/` and `./a` are all `a`.
    path = posixpath.normpath(path).lstrip("/") or "/"
    return Pattern(path, includes, re.compile(expression(path), re.DOTALL))


TOKEN = re.compile(r"\*\*/?|\*|\?|\\.|\[\^?(?:\\.|[^\]\\])+\]|.", re.DOTALL)


def expression(path):
    """The regular expression of a path with wildcards."""
    tokens = list(TOKEN.finditer(path))
    return "".join(translated(token.group(), first=token.start() == 0, last=token.end() == len(path)) for token in tokens) + r"\Z"


def translated(token, first, last):
    if token.startswith("**"):
        if last:
            return ".*"
        # At the front `**name` matches at the end of any name, elsewhere `**` stands for whole folders.
        return ".*" if first and token == "**" else "(?:.*/)?"
    if token == "*":
        return "[^/]*"
    if token == "?":
        return "[^/]"
    if token.startswith("[") and len(token) > 1:
        return token
    return re.escape(token[1:] if token.startswith("\\") and len(token) > 1 else token)


def excluded(path, patterns):
    """Whether the last pattern that matches `path` or a folder above it leaves it out."""
    parts = path.split("/")
    paths = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    result = False
    for one in patterns:
        if one.includes == result and any(one.regex.match(candidate) for candidate in paths):
            result = not one.includes
    return result


def skipped(folder, patterns):
    """Whether Docker does not even look into an excluded folder: no `!` pattern begins with its name."""
    return not any(one.includes and f"{one.path}/".startswith(f"{folder}/") for one in patterns)


def context(root, patterns):
    """The paths of all files and links that belong to the context, sorted."""
    return sorted(walk(Path(root), "", patterns))


def walk(root, prefix, patterns):
    for entry in os.scandir(root / prefix):
        path = f"{prefix}{entry.name}"
        left_out = excluded(path, patterns)
        if entry.is_dir(follow_symlinks=False):
            if not (left_out and skipped(path, patterns)):
                yield from walk(root, f"{path}/", patterns)
        elif not left_out:
            yield path


def context_of(root):
    """The context of a folder that has a .dockerignore file."""
    return context(root, parse((Path(root) / ".dockerignore").read_text()))


def mirror(root, target):
    """Makes `target` hold exactly the context of `root`."""
    wanted = context_of(root)
    for name in wanted:
        copy(root / name, target / name)
    for path in sorted(target.rglob("*"), reverse=True):
        name = path.relative_to(target).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in wanted:
            path.unlink()


def copy(source, target):
    if is_copied(source, target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def is_copied(source, target):
    regular = not source.is_symlink() and not target.is_symlink() and target.is_file()
    return regular and source.stat().st_mode == target.stat().st_mode and filecmp.cmp(source, target)


if __name__ == "__main__":
    mirror(Path(sys.argv[1]), Path(sys.argv[2]))
