"""The command line: reads the options, runs main and (when asked) post, writes the report."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from .action import Action, read_action
from .execute import Cancellation, execute
from .folders import Folders
from .launch import Step, launch
from .processor import Processor
from .report import step_report


def main(arguments):
    """The exit code of this program: 0 when the step ran, whatever it answered; with `--exit-code`, the step's own."""
    options = _parse(arguments)
    action = read_action(Path(options.action).read_text()) if options.action else Action()
    with tempfile.TemporaryDirectory(prefix="runner-", ignore_cleanup_errors=True) as root:
        folders = Folders(root, options.workspace)
        report = {"main": _run(_main_step(options, action), folders, options, _cancellation(options)), "post": None}
        if options.post:
            report["post"] = _run(_post_step(options, action, report["main"]["state"]), folders, options, None)
    _write(report, options.report)
    return report["main"]["exit"] if options.exit_code else 0


def _cancellation(options):
    return Cancellation(after=options.cancel_after, text=options.cancel_on)


def _main_step(options, action):
    return Step(
        image=options.image,
        binary=options.binary,
        entrypoint=options.entrypoint or (action.entrypoint if options.image else None),
        args=options.arg or action.args,
        inputs={**action.defaults, **dict(options.input)},
        env=dict(options.env),
        github=dict(options.github),
        state=dict(options.state),
        network=options.network,
    )


def _post_step(options, action, state):
    step = _main_step(options, action)
    step.entrypoint = options.post_entrypoint or (action.post_entrypoint if options.image else None)
    step.state = {**step.state, **state}
    return step


def _run(step, folders, options, cancellation):
    files = folders.command_files()
    processor = Processor(options.canary)
    watch = (lambda line: print(line, file=sys.stderr, flush=True)) if options.live else None
    ended = execute(launch(step, folders, files), processor, watch, cancellation, options.timeout)
    return step_report(ended, processor, files, options.secret)


def _write(report, path):
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    if path:
        Path(path).write_text(text)
    else:
        sys.stdout.write(text)


def _pair(text):
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="runner.py", description="Runs a Docker action as the GitHub runner does; reports as JSON.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image", help="the container image to run")
    what.add_argument("--binary", help="a plain binary to run instead, with the same environment")
    for name, explanation in _PAIRS.items():
        parser.add_argument(f"--{name}", action="append", default=[], type=_pair, metavar="NAME=VALUE", help=explanation)
    parser.add_argument("--arg", action="append", default=[], help="an argument after the image (default: the action's args)")
    parser.add_argument("--action", metavar="ACTION.YML", help="take declared inputs, defaults, args and entrypoints from this file")
    parser.add_argument("--workspace", help="GITHUB_WORKSPACE (default: an empty folder)")
    parser.add_argument("--entrypoint", help="of main")
    parser.add_argument("--post", action="store_true", help="run the post step afterwards, with the saved state")
    parser.add_argument("--post-entrypoint", help="of post; for --binary the path of a binary")
    parser.add_argument("--network", help="as in a job that itself runs in a container")
    parser.add_argument("--cancel-after", type=float, metavar="SECONDS", help="SIGINT then, SIGTERM 7.5 s later, SIGKILL 2.5 s after that")
    parser.add_argument("--cancel-on", metavar="TEXT", help="the same, from the moment a line of the output contains TEXT")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="kill everything then (default 600)")
    parser.add_argument("--secret", action="append", default=[], help="a value that must appear nowhere; found places are `leaks`")
    parser.add_argument("--canary", action="append", default=[], help="text from outside; a command containing it counts as injected")
    parser.add_argument("--live", action="store_true", help="show the output on stderr as it comes")
    parser.add_argument("--report", metavar="FILE", help="write the report there instead of stdout")
    parser.add_argument("--exit-code", action="store_true", help="end with the exit code of main")
    return parser.parse_args(arguments)


_PAIRS = {
    "input": "an input as in the workflow's `with:`",
    "env": "a variable of the job",
    "github": "a value of the github context, for example sha=…",
    "state": "saved state that main already finds",
}
