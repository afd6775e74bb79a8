#!/usr/bin/env python3
"""Judges the report of a run whose inputs must be refused: check_refusal.py REPORT.

It holds for the contract with the runner alone: exit code 2 for refused inputs, an error annotation that names the input,
readable command files, no command that we did not mean, and a post step that finds nothing to take back.
"""

import json
import sys
from pathlib import Path


def problems(report):
    """What is not as it should be."""
    main, post = report["main"], report["post"]
    errors = [annotation["message"] for annotation in main["annotations"] if annotation["level"] == "error"]
    expectations = {
        f"main ended with {main['exit']}, not with 2 (inputs refused)": main["exit"] == 2,
        "no error annotation names desired-count": any("desired-count" in message for message in errors),
        f"the post step ended with {post['exit']}": post["exit"] == 0,
        "the step summary is empty or too large": main["summary_uploaded"],
    }
    for name, step in (("main", main), ("post", post)):
        expectations[f"{name}: command files are malformed: {step['errors']}"] = not step["errors"]
        expectations[f"{name}: injected commands: {step['injected_commands']}"] = not step["injected_commands"]
        expectations[f"{name}: commands were left stopped"] = not step["commands_left_stopped"]
        expectations[f"{name}: outputs that a job would drop: {step['dropped_outputs']}"] = not step["dropped_outputs"]
    return [problem for problem, holds in expectations.items() if not holds]


def main():
    report = json.loads(Path(sys.argv[1]).read_text())
    found = problems(report)
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    if found:
        print("\n".join(report["main"]["log"]), file=sys.stderr)
    else:
        print("ok: refused inputs end with 2, name the input, and touch nothing")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
