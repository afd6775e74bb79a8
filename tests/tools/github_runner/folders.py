"""The folders and command files which the runner prepares for a step, and what became of them."""

import json
import shutil
import uuid
from pathlib import Path

_FILES = {"output": "set_output_", "state": "save_state_", "env": "set_env_", "path": "add_path_", "step_summary": "step_summary_"}


class Folders:
    """The runner's temp folder with its parts, and the workspace."""

    def __init__(self, root, workspace=None):
        self.temp = Path(root) / "_temp"
        self.workspace = Path(workspace).resolve() if workspace else Path(root) / "workspace"
        self.home = self.temp / "_github_home"
        self.workflow = self.temp / "_github_workflow"
        self.commands = self.temp / "_runner_file_commands"
        for folder in (self.workspace, self.home, self.workflow, self.commands):
            folder.mkdir(parents=True, exist_ok=True)
        (self.workflow / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))

    def mappings(self):
        """Host folder to container folder; the one added last is tried first, as in the runner."""
        pairs = [
            (self.temp, "/github/runner_temp"),
            (self.home, "/github/home"),
            (self.workflow, "/github/workflow"),
            (self.commands, "/github/file_commands"),
            (self.workspace, "/github/workspace"),
        ]
        return [(str(host), container) for host, container in pairs]

    def command_files(self):
        """Fresh, empty command files for one step, by the name of their place in the `github` context."""
        suffix = uuid.uuid4()
        files = {name: self.commands / f"{prefix}{suffix}" for name, prefix in _FILES.items()}
        for file in files.values():
            file.touch(mode=0o644)
        return files

    def remove(self):
        """Takes the temp folder away; the container wrote into it as root, so leftovers are no error."""
        shutil.rmtree(self.temp, ignore_errors=True)
