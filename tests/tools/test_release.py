"""What a release makes: the commit of the tags, the pins in the docs, the bill of materials."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from check_examples import pin_problems

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "ghcr.io/acme/ecs-bluegreen-action@sha256:" + "0123456789abcdef" * 4


def run(*command, cwd):
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=True).stdout


def copy(source, target):
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


class Release(unittest.TestCase):
    """A release of this working copy, made in a repository of its own."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.repository = Path(folder.name)
        listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
        for name in filter(None, listed.split("\0")):
            copy(ROOT / name, cls.repository / name)
        changelog = cls.repository / "CHANGELOG.md"
        cls.version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
        changelog.write_text(changelog.read_text().replace("## [Unreleased]", f"## [Unreleased]\n\n## [{cls.version}]", 1))
        cls.git("init", "--quiet")
        cls.git("add", "--all")
        cls.git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "test")
        run("tests/tools/release_commit", cls.version, IMAGE, "acme/ecs-bluegreen-action", cwd=cls.repository)
        cls.commit = cls.git("rev-parse", f"v{cls.version}^{{commit}}").strip()

    @classmethod
    def git(cls, *arguments):
        return run("git", *arguments, cwd=cls.repository)

    def test_both_tags_are_one_commit_whose_action_names_the_image_by_digest(self):
        self.assertEqual(self.git("rev-parse", f"v{self.version.split('.')[0]}").strip(), self.commit)
        self.assertIn(f"\n  image: docker://{IMAGE}\n", self.git("show", f"{self.commit}:action.yml"))
        self.assertEqual(self.git("diff", "--name-only", f"{self.commit}~", self.commit), "action.yml\n")

    def test_the_docs_pin_that_commit_and_nothing_else_changes(self):
        changed = self.git("diff", f"{self.commit}~", f"release-{self.version}")
        added = [line for line in changed.splitlines() if re.match(r"\+(?!\+\+ )", line)]
        self.assertGreater(len(added), 10)
        self.assertEqual([line for line in added if f"uses: acme/ecs-bluegreen-action@{self.commit} # v{self.version}" not in line], [])
        pages = self.git("grep", "-hE", r"uses: .*ecs-bluegreen-action@", f"release-{self.version}", "--", "*.md", "examples")
        self.assertEqual([line for line in pages.splitlines() if self.commit not in line], [])

    def test_zizmor_finds_nothing_in_the_examples_without_any_exception(self):
        self.git("switch", "--quiet", f"release-{self.version}")
        examples = sorted((self.repository / "examples/workflows").glob("*.yml"))
        judged = subprocess.run(
            [ROOT / "target/venv/bin/zizmor", "--offline", "--no-config", "--no-progress", "--quiet", *examples], capture_output=True, text=True, check=False
        )
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)


class Pins(unittest.TestCase):
    def test_an_action_of_others_is_pinned_by_its_whole_commit_and_says_its_version(self):
        commit = "3d3c42e5aac5ba805825da76410c181273ba90b1"
        good = f"  - uses: actions/checkout@{commit} # v7.0.1\nuses: org/ecs-bluegreen-action@v1\nuses: ./.github/workflows/x.yml\n# uses: a/b@main\n"
        self.assertEqual(list(pin_problems(good)), [])
        for bad in ("actions/checkout@v5", f"actions/checkout@{commit}", f"actions/checkout@{commit[:12]} # v7.0.1", "actions/checkout@main # v1"):
            self.assertEqual(len(list(pin_problems(f"- uses: {bad}\n"))), 1, bad)


class BillOfMaterials(unittest.TestCase):
    def test_it_lists_what_is_linked_with_the_locked_checksums(self):
        bill = json.loads(run("tests/tools/sbom", "aarch64-unknown-linux-gnu", cwd=ROOT))
        self.assertTrue(bill["bomFormat"] == "CycloneDX" and bill["serialNumber"] and bill["specVersion"])
        crates = {crate["name"]: crate for crate in bill["components"]}
        lock = (ROOT / "Cargo.lock").read_text()
        ring = crates["ring"]
        self.assertIn(f'name = "ring"\nversion = "{ring["version"]}"', lock)
        self.assertIn(ring["hashes"][0]["content"], lock)
        # Tests alone use proptest, build scripts cc, and serde_derive runs in the compiler.
        self.assertEqual({"proptest", "cc", "serde_derive"} & set(crates), set())
        self.assertEqual([name for name, crate in crates.items() if "licenses" not in crate], [])


if __name__ == "__main__":
    unittest.main()
