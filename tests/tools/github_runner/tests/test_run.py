"""The whole way with a plain program: what it writes, and how it is cancelled."""

import json
import os
import tempfile
import textwrap
import unittest
from pathlib import Path

from github_runner.cli import main


def run(script, *options):
    """The report about a shell script that plays the action."""
    with tempfile.TemporaryDirectory() as folder:
        binary, report = Path(folder) / "action", Path(folder) / "report.json"
        binary.write_text("#!/bin/sh\n" + textwrap.dedent(script))
        os.chmod(binary, 0o755)
        main(["--binary", str(binary), "--report", str(report), *options])
        return json.loads(report.read_text())


class Runs(unittest.TestCase):
    def test_outputs_state_and_summary_come_back(self):
        report = run('echo "a=1" >>"$GITHUB_OUTPUT"; echo "b=2" >>"$GITHUB_STATE"; echo "# Done" >>"$GITHUB_STEP_SUMMARY"')["main"]
        self.assertEqual((report["outputs"], report["state"], report["summary"]), ({"a": "1"}, {"b": "2"}, "# Done\n"))
        self.assertEqual((report["exit"], report["conclusion"], report["summary_uploaded"]), (0, "success", True))

    def test_post_finds_the_state_of_main_and_fresh_files(self):
        report = run('test -n "$STATE_b" && echo "seen=$STATE_b" >>"$GITHUB_OUTPUT"; echo "b=2" >>"$GITHUB_STATE"', "--post")
        self.assertEqual((report["main"]["outputs"], report["post"]["outputs"]), ({}, {"seen": "2"}))

    def test_a_malformed_file_fails_a_step_that_ended_well(self):
        report = run('echo nonsense >>"$GITHUB_OUTPUT"')["main"]
        self.assertEqual((report["exit"], report["conclusion"]), (0, "failure"))

    def test_standard_input_is_closed_and_both_streams_are_read(self):
        report = run("cat; echo out; echo '::warning::err' >&2; exit 20")["main"]
        self.assertEqual(sorted(report["log"]), ["::warning::err", "out"])
        self.assertEqual((report["exit"], len(report["annotations"])), (20, 1))

    def test_an_output_with_a_masked_value_is_dropped_by_the_job(self):
        report = run('echo "::add-mask::123456"; echo "arn=arn:123456:x" >>"$GITHUB_OUTPUT"')["main"]
        self.assertEqual(report["dropped_outputs"], ["arn"])

    def test_a_secret_is_found_wherever_it_leaks_but_not_in_its_own_mask(self):
        script = 'echo "::add-mask::$TOKEN"; echo "x $TOKEN"; echo "$TOKEN" >>"$GITHUB_STEP_SUMMARY"; echo "t=$TOKEN" >>"$GITHUB_OUTPUT"'
        report = run(script, "--env", "TOKEN=canary", "--secret", "canary")["main"]
        self.assertEqual(report["leaks"], ["log", "outputs.t", "summary"])
        self.assertEqual(run('echo "::add-mask::canary"', "--secret", "canary")["main"]["leaks"], [])

    def test_a_cancelled_step_gets_an_interrupt_and_its_files_are_still_read(self):
        script = """
            trap 'echo "outcome=rolled-back" >>"$GITHUB_OUTPUT"; exit 20' INT
            echo waiting
            while :; do sleep 0.05; done
        """
        report = run(script, "--cancel-after", "0.3", "--timeout", "20")["main"]
        self.assertEqual((report["signals"], report["exit"], report["conclusion"]), (["SIGINT"], 20, "cancelled"))
        self.assertEqual(report["outputs"], {"outcome": "rolled-back"})

    def test_a_line_of_the_output_can_cancel(self):
        script = """
            trap 'exit 20' INT
            sleep 0.2; echo "green stands at the gate"
            while :; do sleep 0.05; done
        """
        report = run(script, "--cancel-on", "at the gate", "--timeout", "20")["main"]
        self.assertEqual((report["signals"], report["exit"]), (["SIGINT"], 20))

    def test_a_step_that_never_ends_is_killed_at_our_own_limit(self):
        report = run("echo waiting; exec sleep 30", "--timeout", "0.5", "--env", f"PATH={os.environ['PATH']}")["main"]
        self.assertEqual((report["signals"], report["exit"]), (["TIMEOUT"], 137))


if __name__ == "__main__":
    unittest.main()
