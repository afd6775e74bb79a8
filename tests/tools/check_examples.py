#!/usr/bin/env python3
"""Checks every example of the action, in the documentation and in examples/workflows, against action.yml: each `with:` key is an input,
each `steps.ID.outputs.NAME` of that step is an output. Also that other people's actions are pinned by commit, and that every relative link
and its anchor lead somewhere.

Needs PyYAML, which `tests/tools/setup` installs.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = re.compile(r"(^|/)ecs-bluegreen-action@")
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)
USES = re.compile(r"^[ -]*uses: *([\w.-]+/[^@\s]+)@(.*)$", re.MULTILINE)
PIN = re.compile(r"[0-9a-f]{40} # v?[0-9]\S*")
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


def documents():
    """The Markdown files of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def example_problems(blocks, action):
    """What is wrong with these YAML examples."""
    for block in blocks:
        try:
            content = yaml.safe_load(block)
        except yaml.YAMLError as error:
            yield f"an example is no YAML: {error}"
            continue
        for step in steps(content):
            unknown = set(step.get("with") or {}) - set(action["inputs"])
            yield from (f"an example sets '{name}', which is no input" for name in sorted(unknown))
            yield from output_problems(block, step.get("id"), action)


def steps(node):
    """Every step below `node` that uses this action."""
    if isinstance(node, dict):
        if OURS.search(str(node.get("uses", ""))):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from steps(child)


def output_problems(block, identifier, action):
    if identifier:
        for name in re.findall(rf"steps\.{re.escape(identifier)}\.outputs\.([\w-]+)", block):
            if name not in action["outputs"]:
                yield f"an example reads '{name}', which is no output"


def pin_problems(text):
    """Actions of others that are not pinned by their whole commit, with the version beside it. Ours is pinned by each release."""
    for action, reference in USES.findall(text):
        if not OURS.search(f"{action}@") and not PIN.fullmatch(reference.strip()):
            yield f"'{action}@{reference}' is not pinned by commit with its version, as in `{action}@COMMIT # v1.2.3`"


def link_problems(path, text):
    """Links in `text` to files or headings that do not exist."""
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        if not file.exists():
            yield f"the link to {target} leads nowhere"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            yield f"the link to {target} names no heading there"


def anchors(text):
    """The anchors that GitHub makes of headings, and explicit ones."""
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}
    return slugs | set(ANCHOR.findall(text))


def main():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    problems = []
    for path in documents():
        text = path.read_text()
        found = [*example_problems(BLOCK.findall(text), action), *pin_problems(text), *link_problems(path, text)]
        problems += [f"{path.relative_to(ROOT)}: {problem}" for problem in found]
    for path in sorted((ROOT / "examples" / "workflows").glob("*.yml")):
        text = path.read_text()
        found = [*example_problems([text], action), *pin_problems(text)]
        problems += [f"{path.relative_to(ROOT)}: {problem}" for problem in found]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
