"""Puts together what the runner would have made of one step, as a dictionary for JSON."""

from .files import parse_outputs, parse_pairs, parse_path, summary_is_uploaded


def step_report(ended, processor, files, secrets):
    """Everything about one step. `secrets` are values that must appear nowhere."""
    texts = {name: file.read_bytes() for name, file in files.items()}
    outputs, state, env = (parse(_text(texts[name])) for parse, name in _PARSERS)
    seen = processor.seen
    errors = [*seen.errors, *(pairs.error for pairs in (outputs, state, env) if pairs.error)]
    report = {
        "exit": ended.exit,
        "seconds": ended.seconds,
        "timed_out": ended.timed_out,
        "conclusion": "cancelled" if ended.signals else "failure" if ended.exit or errors else "success",
        "signals": ended.signals,
        "left_running": ended.left_running,
        "outputs": outputs.values,
        "state": state.values,
        "env": env.values,
        "path": parse_path(_text(texts["path"])),
        "summary": _text(texts["step_summary"]),
        "summary_uploaded": summary_is_uploaded(texts["step_summary"]),
        "errors": errors,
        "masks": seen.masks,
        "annotations": seen.annotations,
        "groups": seen.groups,
        "debug": seen.debug,
        "injected_commands": seen.injected,
        "commands_left_stopped": processor.stop_token is not None,
        "shown": seen.shown,
        "log": seen.log,
    }
    report["dropped_outputs"] = _dropped(outputs.values, seen.masks)
    report["leaks"] = _leaks(report, secrets)
    return report


_PARSERS = ((parse_outputs, "output"), (parse_pairs, "state"), (parse_pairs, "env"))


def _text(data):
    return data.decode("utf-8-sig", errors="replace")


def _dropped(outputs, masks):
    """Outputs that a job could not hand on, because they contain a masked value."""
    return sorted(name for name, value in outputs.items() if any(mask in value for mask in masks))


def _leaks(report, secrets):
    """Where a secret can be read: `log` means the log as it was written, before any masking."""
    places = {
        "log": "\n".join(line for line in report["log"] if not line.lstrip().startswith("::add-mask::")),
        "summary": report["summary"],
        **{f"outputs.{name}": value for name, value in report["outputs"].items()},
        **{f"state.{name}": value for name, value in report["state"].items()},
        **{f"env.{name}": value for name, value in report["env"].items()},
    }
    return sorted(place for place, text in places.items() if any(secret in text for secret in secrets if secret))
