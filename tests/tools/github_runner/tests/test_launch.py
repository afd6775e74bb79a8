"""How a step is started: names, paths, mounts, arguments."""

import tempfile
import unittest

from github_runner.action import read_action
from github_runner.environment import input_name, to_container
from github_runner.folders import Folders
from github_runner.launch import Step, launch

ACTION = """
name: Deploy
inputs:
  task-definition:
    description: >
      A file: with a colon
    required: false
  wait-for-minutes:
    description: How long
    default: "30"
  mode:
    default: deploy  # the usual
outputs:
  outcome:
    description: What serves traffic
runs:
  using: docker
  image: Dockerfile
  post-entrypoint: /post
  args:
    - run
    - '--fast'
"""


class Names(unittest.TestCase):
    def test_hyphens_stay_and_spaces_become_underscores(self):
        self.assertEqual(input_name("task-definition"), "INPUT_TASK-DEFINITION")
        self.assertEqual(input_name("run-task-assign-public-IP"), "INPUT_RUN-TASK-ASSIGN-PUBLIC-IP")
        self.assertEqual(input_name("my input"), "INPUT_MY_INPUT")

    def test_only_a_value_that_begins_with_a_mapped_folder_is_rewritten(self):
        mappings = [("/t", "/github/runner_temp"), ("/t/_github_home", "/github/home")]
        cases = {"/t/x": "/github/runner_temp/x", "/t/_github_home": "/github/home", "/tx": "/tx", "a:/t/x": "a:/t/x", "": ""}
        self.assertEqual({value: to_container(value, mappings) for value in cases}, cases)


class Actions(unittest.TestCase):
    def test_inputs_defaults_arguments_and_entrypoints(self):
        action = read_action(ACTION)
        self.assertEqual(action.defaults, {"task-definition": "", "wait-for-minutes": "30", "mode": "deploy"})
        self.assertEqual((action.entrypoint, action.post_entrypoint, action.args), (None, "/post", ["run", "--fast"]))

    def test_the_job_s_token_as_a_default_is_absent_here(self):
        self.assertEqual(read_action("inputs:\n  token:\n    default: ${{ github.token }}\n").defaults, {"token": ""})

    def test_a_default_that_is_not_plain_is_refused(self):
        for default in ("${{ inputs.other }}", "|", "[a]"):
            with self.assertRaises(ValueError):
                read_action(f"inputs:\n  token:\n    default: {default}\n")


class Launches(unittest.TestCase):
    def started(self, **options):
        with tempfile.TemporaryDirectory() as root:
            folders = Folders(root)
            return launch(Step(**options), folders, folders.command_files()), folders

    def test_a_container_gets_names_in_its_arguments_and_values_in_the_environment(self):
        started, _ = self.started(image="demo", inputs={"task-definition": "a.json"}, env={"AWS_SECRET_ACCESS_KEY": "hidden"})
        self.assertEqual(started.command[:2], ["docker", "run"])
        self.assertIn("INPUT_TASK-DEFINITION", started.command)
        self.assertNotIn("hidden", " ".join(started.command))
        self.assertEqual(started.environment["AWS_SECRET_ACCESS_KEY"], "hidden")

    def test_paths_are_those_of_the_container(self):
        started, _ = self.started(image="demo")
        values = started.environment
        self.assertEqual(values["HOME"], "/github/home")
        self.assertEqual(values["GITHUB_WORKSPACE"], "/github/workspace")
        self.assertEqual(values["RUNNER_TEMP"], "/github/runner_temp")
        self.assertTrue(values["GITHUB_OUTPUT"].startswith("/github/file_commands/set_output_"))

    def test_there_are_six_mounts_and_neither_terminal_nor_user(self):
        command = self.started(image="demo")[0].command
        self.assertEqual(command.count("-v"), 6)
        self.assertFalse({"-t", "-i", "--init", "--user", "--network", "--add-host"} & set(command))

    def test_arguments_follow_the_image_and_an_entrypoint_comes_before(self):
        command = self.started(image="demo", args=["run"], entrypoint="/post")[0].command
        self.assertEqual(command[-2:], ["demo", "run"])
        self.assertEqual(command[command.index("--entrypoint") + 1], "/post")

    def test_a_job_that_sets_ci_keeps_its_value(self):
        self.assertIn("CI=true", self.started(image="demo")[0].command)
        self.assertNotIn("CI=true", self.started(image="demo", env={"CI": "no"})[0].command)

    def test_a_binary_gets_the_folders_of_the_host_and_nothing_of_ours(self):
        started, folders = self.started(binary="/bin/true")
        self.assertEqual(started.environment["GITHUB_WORKSPACE"], str(folders.workspace))
        self.assertNotIn("PATH", started.environment)

    def test_the_token_of_the_context_is_never_let_through(self):
        with self.assertRaises(ValueError):
            self.started(binary="/bin/true", github={"token": "x"})


if __name__ == "__main__":
    unittest.main()
