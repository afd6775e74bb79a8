"""What the runner makes of a step's output."""

import unittest

from github_runner.lines import split_lines
from github_runner.processor import ANNOTATION_LENGTH, Processor


def processed(text, **options):
    processor = Processor(**options)
    for line, end in split_lines(text.encode()):
        processor.take(line, end)
    return processor


class Masks(unittest.TestCase):
    def test_a_mask_hides_what_comes_after_it(self):
        seen = processed("abc\n::add-mask::abc\nabc!\n").seen
        self.assertEqual(seen.shown, ["abc", "***!"])
        self.assertEqual(seen.masks, ["abc"])

    def test_each_line_of_a_mask_is_a_mask(self):
        seen = processed("::add-mask::one%0A two\nsay two and one\n").seen
        self.assertEqual(seen.masks, ["one\n two", "one", "two"])
        self.assertEqual(seen.shown, ["say *** and ***"])

    def test_a_longer_mask_goes_first(self):
        self.assertEqual(processed("::add-mask::ab\n::add-mask::abc\nabc\n").seen.shown, ["***"])

    def test_an_empty_mask_is_a_warning(self):
        self.assertEqual(processed("::add-mask:: \n").seen.annotations[0]["level"], "warning")


class Annotations(unittest.TestCase):
    def test_level_properties_and_message(self):
        seen = processed("::error title=Rolled back,file=a.yml,line=2::smoke%0Afailed\n").seen
        self.assertEqual(seen.annotations[0]["properties"], {"title": "Rolled back", "file": "a.yml", "line": "2"})
        self.assertEqual(seen.annotations[0]["message"], "smoke\nfailed")

    def test_the_eleventh_of_a_level_is_not_kept(self):
        seen = processed("::warning::x\n" * 11 + "::error::y\n").seen
        self.assertEqual([annotation["kept"] for annotation in seen.annotations], [True] * 10 + [False, True])

    def test_a_message_is_cut(self):
        self.assertEqual(len(processed("::error::" + "x" * 5000 + "\n").seen.annotations[0]["message"]), ANNOTATION_LENGTH)


class Groups(unittest.TestCase):
    def test_lines_belong_to_the_open_group(self):
        seen = processed("::group::Push\none\n::endgroup::\ntwo\n").seen
        self.assertEqual(seen.groups, [{"title": "Push", "lines": ["one"], "closed": True}])

    def test_a_group_that_another_interrupts_was_not_closed(self):
        seen = processed("::group::a\n::group::b\n::endgroup::\n").seen
        self.assertEqual([group["closed"] for group in seen.groups], [False, True])


class StoppedCommands(unittest.TestCase):
    def test_nothing_is_a_command_until_the_token_comes(self):
        processor = processed("::stop-commands::k7f3q9z\n::error::no\n##[error]no\n::k7f3q9z::\n::error::yes\n")
        self.assertEqual([annotation["message"] for annotation in processor.seen.annotations], ["yes"])
        self.assertEqual(processor.seen.injected, [])
        self.assertIsNone(processor.stop_token)

    def test_the_token_is_masked_when_it_is_longer_than_six(self):
        self.assertEqual(processed("::stop-commands::k7f3q9z\nk7f3q9z\n").seen.shown[1], "***")
        self.assertEqual(processed("::stop-commands::abc123\nabc123\n").seen.shown[1], "abc123")

    def test_an_output_that_ends_stopped_is_told(self):
        self.assertEqual(processed("::stop-commands::k7f3q9z\n").stop_token, "k7f3q9z")

    def test_a_command_name_is_no_token(self):
        seen = processed("::stop-commands::error\n::error::still heard\n").seen
        self.assertEqual((len(seen.errors), len(seen.annotations)), (1, 1))


class Injection(unittest.TestCase):
    def check(self, text, injected, **options):
        self.assertEqual(processed(text, **options).seen.injected, injected)

    def test_the_legacy_form_inside_a_line(self):
        self.check("the task said: ##[add-mask]a\n", ["the task said: ##[add-mask]a"])

    def test_a_command_after_a_lone_return(self):
        self.check("the task said: x\r::error::y\n", ["::error::y"])

    def test_a_return_with_a_line_feed_is_an_ordinary_line_end(self):
        self.check("x\r\n::error::y\n", [])

    def test_a_command_that_we_never_write(self):
        self.check("::set-env name=A::b\n", ["::set-env name=A::b"])

    def test_a_command_that_carries_a_canary(self):
        self.check("::error::canary-1\n", ["::error::canary-1"], canaries=["canary-1"])

    def test_an_own_command_is_not_injected(self):
        self.check("::group::a\nx\n::endgroup::\n::debug::y\n", [])


if __name__ == "__main__":
    unittest.main()
