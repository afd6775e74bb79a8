"""The command line that starts a step: the container as the runner starts it, or the plain binary with the same environment."""

import re
import uuid
from dataclasses import dataclass, field

from .environment import client_environment, step_environment, to_container

LABEL = "a1b2c3"
"""Stands for the six characters by which a real runner labels its containers."""


@dataclass
class Step:
    """One run of the action: main or post."""

    image: str | None = None
    binary: str | None = None
    entrypoint: str | None = None
    args: list = field(default_factory=list)
    inputs: dict = field(default_factory=dict)
    env: dict = field(default_factory=dict)
    github: dict = field(default_factory=dict)
    state: dict = field(default_factory=dict)
    network: str | None = None


@dataclass
class Launch:
    """What to execute. `container` is the container's name, and `None` for a plain binary."""

    command: list
    environment: dict
    folder: str
    container: str | None


def launch(step, folders, files):
    """How to start `step`."""
    values = step_environment(step, folders, files)
    return _container(step, folders, values) if step.image else _plain(step, folders, values)


def _plain(step, folders, values):
    values.update({"GITHUB_ACTIONS": "true", "CI": values.get("CI", "true")})
    return Launch([step.entrypoint or step.binary, *step.args], values, str(folders.workspace), None)


def _container(step, folders, values):
    mappings = folders.mappings()
    values = {name: to_container(value, mappings) for name, value in values.items()}
    name = f"{re.sub('[^A-Za-z0-9]', '', step.image)}_{uuid.uuid4().hex[:6]}"
    command = ["docker", "run", "--name", name, "--label", LABEL, "--workdir", "/github/workspace", "--rm"]
    for variable in values:
        command += ["-e", variable]
    command += ["-e", "GITHUB_ACTIONS=true", *([] if "CI" in values else ["-e", "CI=true"])]
    command += ["--entrypoint", step.entrypoint] if step.entrypoint else []
    command += ["--network", step.network] if step.network else []
    for host, inside in [("/var/run/docker.sock", "/var/run/docker.sock"), *mappings]:
        command += ["-v", f"{host}:{inside}"]
    # The values travel in the client's environment, never in its arguments, which other processes can read.
    environment = {**client_environment(), **values, **_kept_path(values)}
    return Launch([*command, step.image, *step.args], environment, str(folders.workspace), name)


def _kept_path(values):
    """A job's own PATH would hide the docker client from us, but not from a runner that knows its full path."""
    return {} if "PATH" not in values else {"PATH": f"{values['PATH']}:{client_environment().get('PATH', '')}"}
