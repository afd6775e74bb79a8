"""Builds the environment of a container action: inputs, state, and the parts of the `github` and `runner` contexts that are let through."""

import os

GITHUB_CONTEXT = frozenset(
    """action action_path action_ref action_repository actor actor_id api_url artifacts artifacts_list base_ref env event_name
    event_path graphql_url head_ref job output path ref ref_name ref_protected ref_type repository repository_id
    repository_owner repository_owner_id retention_days run_attempt run_id run_number server_url sha state step_summary
    triggering_actor workflow workflow_ref workflow_sha workspace""".split()
)
"""Names of the `github` context that become GITHUB_ variables. `token` is not among them."""

_DEFAULTS = {
    "action": "deploy",
    "actor": "octocat",
    "actor_id": "1",
    "api_url": "http://127.0.0.1:9/api",
    "event_name": "push",
    "graphql_url": "http://127.0.0.1:9/graphql",
    "job": "deploy",
    "ref": "refs/heads/main",
    "ref_name": "main",
    "ref_type": "branch",
    "repository": "octo/shop",
    "repository_owner": "octo",
    "run_attempt": "1",
    "run_id": "1658821493",
    "run_number": "7",
    "server_url": "https://github.com",
    "sha": "3d1a7c9e5b2f4a6880c1d2e3f4a5b6c7d8e9f001",
    "triggering_actor": "octocat",
    "workflow": "deploy",
    "workflow_ref": "octo/shop/.github/workflows/deploy.yml@refs/heads/main",
}
_CLIENT = ("PATH", "DOCKER_HOST", "DOCKER_API_VERSION", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""What the docker client itself needs; none of it enters the container."""


def input_name(name):
    """The variable of an input: upper case, spaces become `_`, hyphens stay."""
    return "INPUT_" + name.replace(" ", "_").upper()


def step_environment(step, folders, files):
    """The variables of one step with the values that the host would see; a later group wins over an earlier one."""
    values = dict(step.env)
    values.update({f"STATE_{name}": value for name, value in step.state.items()})
    values.update({input_name(name): value for name, value in step.inputs.items()})
    values["HOME"] = str(folders.home)
    values.update(_github(step.github, folders, files))
    values.update(_runner(folders))
    values.update(ACTIONS_RUNTIME_URL="http://127.0.0.1:9/runtime/", ACTIONS_RUNTIME_TOKEN="runtime-token")
    return values


def _github(overrides, folders, files):
    unknown = sorted(set(overrides) - GITHUB_CONTEXT)
    if unknown:
        raise ValueError(f"the runner lets no {', '.join(unknown)} of the github context through")
    context = {**_DEFAULTS, "event_path": str(folders.workflow / "event.json"), "workspace": str(folders.workspace)}
    context.update({name: str(file) for name, file in files.items()})
    context.update(overrides)
    return {f"GITHUB_{name.upper()}": value for name, value in context.items()}


def _runner(folders):
    return {
        "RUNNER_ARCH": "X64",
        "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_NAME": "rehearsal",
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(folders.temp),
        "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
        # The real one lies above the workspace and is not mounted, so it stays a host path in the container.
        "RUNNER_WORKSPACE": str(folders.workspace.parent),
    }


def to_container(value, mappings):
    """A value that is, or begins with, a mapped host folder, rewritten to the folder in the container."""
    for host, container in reversed(mappings):
        if value == host or value.startswith(host + "/"):
            return container + value[len(host) :]
    return value


def client_environment():
    """The part of our own environment that the docker client keeps."""
    return {name: os.environ[name] for name in _CLIENT if name in os.environ}
