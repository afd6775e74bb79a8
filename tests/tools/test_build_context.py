"""What Docker sends as a build's context, and whether the action can be compiled from it."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from build_context import context, context_of, excluded, mirror, parse

ROOT = Path(__file__).resolve().parents[2]

# Patterns, and which of FILES they leave; Docker itself is asked too.
FILES = [".env", "LICENSE", "a", "a.txt", "docs/README.md", "docs/a/b.txt", "src/a.txt", "src/deep/a.txt", "src/deep/er/c.rs", "x[1]/y", "zé/q"]
CASES = [
    ("", FILES),
    ("# comment\n\n", FILES),
    ("*", []),
    ("**", []),
    ("*\n!src", ["src/a.txt", "src/deep/a.txt", "src/deep/er/c.rs"]),
    ("*\n!src/\n", ["src/a.txt", "src/deep/a.txt", "src/deep/er/c.rs"]),
    ("*\n!/src/deep\nsrc/deep/er/../a.txt", ["src/deep/er/c.rs"]),
    ("*\n!src/deep/a.txt\n", ["src/deep/a.txt"]),
    ("  *  \n ! LICENSE \n", ["LICENSE"]),
    # The last pattern that matches decides, and nothing looks into an excluded folder whose name begins no `!` pattern.
    ("!LICENSE\n*", []),
    ("*\n!**/*.rs", []),
    ("*/*\n!**/*.rs", [".env", "LICENSE", "a", "a.txt"]),
    ("*\n!src/**/*.rs", []),
    ("*\n!src/deep/**", ["src/deep/a.txt", "src/deep/er/c.rs"]),
    ("*.txt", [name for name in FILES if name != "a.txt"]),
    ("*/*.txt", [name for name in FILES if name != "src/a.txt"]),
    ("**/*.txt", [name for name in FILES if not name.endswith(".txt")]),
    ("**/deep", [name for name in FILES if "deep" not in name]),
    ("**.rs", [name for name in FILES if not name.endswith(".rs")]),
    ("src/**", [name for name in FILES if not name.startswith("src/")]),
    ("sr?/?.txt", [name for name in FILES if name != "src/a.txt"]),
    ("[a-b].txt\n.*", [name for name in FILES if name not in ("a.txt", ".env")]),
    ("x\\[1\\]", [name for name in FILES if not name.startswith("x")]),
    ("z?/q", [name for name in FILES if not name.startswith("z")]),
]


def need_engine(test):
    """Leaves the test out where no engine answers; under CI=true nothing may be left out."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        return
    if os.environ.get("CI") == "true":
        test.fail("no Docker engine answers, and under CI=true nothing may be skipped")
    test.skipTest("no Docker engine answers")


def docker_context(root, name):
    """What the engine has after `COPY . /context/`, in a build with `root` as its context."""

    def docker(*arguments, **options):
        return subprocess.run(["docker", *arguments], capture_output=True, check=True, **options).stdout

    with tempfile.NamedTemporaryFile("w", suffix=".Dockerfile") as file:
        file.write("FROM scratch\nCOPY . /context/\n")
        file.flush()
        docker("build", "--tag", name, "--file", file.name, str(root))
    container = docker("create", name, "none", text=True).strip()
    try:
        listed = subprocess.run(["tar", "--list", "--quoting-style=literal"], input=docker("export", container), capture_output=True, check=True)
    finally:
        docker("rm", container)
        docker("rmi", name)
    paths = listed.stdout.decode().splitlines()
    return sorted(path.removeprefix("context/") for path in paths if path.startswith("context/") and not path.endswith("/"))


class Rules(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in FILES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(name)

    def test_the_files_that_patterns_leave(self):
        for text, expected in CASES:
            with self.subTest(text):
                self.assertEqual(context(self.root, parse(text)), sorted(expected))

    def test_docker_itself_leaves_the_same(self):
        need_engine(self)
        for number, (text, expected) in enumerate(CASES):
            # The file with the rules is sent as well, unless a rule says otherwise.
            (self.root / ".dockerignore").write_text(f"{text}\n.dockerignore")
            with self.subTest(text):
                self.assertEqual(docker_context(self.root, f"context-test:{os.getpid()}-{number}"), sorted(expected))

    def test_a_path_that_is_excluded_by_a_folder_above_it(self):
        self.assertTrue(excluded("target/release/x", parse("target")))
        self.assertFalse(excluded("targets/x", parse("target")))

    def test_a_mirror_keeps_times_and_drops_what_is_gone(self):
        (self.root / ".dockerignore").write_text("*\n!src\n")
        target = self.root / "target/context"
        os.utime(self.root / "src/a.txt", (1, 1))
        mirror(self.root, target)
        self.assertEqual((target / "src/a.txt").stat().st_mtime, 1)
        (self.root / "src/deep/er/c.rs").unlink()
        (self.root / "src/a.txt").write_text("changed")
        mirror(self.root, target)
        found = sorted(path.relative_to(target).as_posix() for path in target.rglob("*"))
        self.assertEqual(found, ["src", "src/a.txt", "src/deep", "src/deep/a.txt"])
        self.assertEqual((target / "src/a.txt").read_text(), "changed")


class OurContext(unittest.TestCase):
    """The context of this repository, which `make release` compiles in release."""

    def test_it_is_what_docker_sends(self):
        need_engine(self)
        self.assertEqual(docker_context(ROOT, f"context-test:{os.getpid()}"), context_of(ROOT))

    def test_cargo_resolves_the_locked_workspace_in_it(self):
        with tempfile.TemporaryDirectory() as folder:
            mirror(ROOT, Path(folder))
            resolved = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1"], cwd=folder, capture_output=True, text=True, check=False)
            self.assertEqual(resolved.returncode, 0, resolved.stderr)

    def test_make_and_the_dockerfile_compile_by_one_script_alone(self):
        made = subprocess.run(["make", "--dry-run", "release"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        self.assertIn("target/context/tests/tools/build_release\n", made)
        dockerfile = (ROOT / "Dockerfile").read_text()
        self.assertIn("\nRUN tests/tools/build_release ", dockerfile)
        self.assertNotRegex(made + dockerfile, r"cargo (build|rustc|install)|rustc ")

    def test_nothing_is_in_it_that_the_binary_is_not_made_of(self):
        folders = {name.split("/")[0] for name in context_of(ROOT)}
        self.assertEqual(folders, {"Cargo.lock", "Cargo.toml", "LICENSE", "checks", "examples", "registry", "sim", "src", "tests"})


if __name__ == "__main__":
    unittest.main()
