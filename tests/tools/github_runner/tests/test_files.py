"""How the command files are read."""

import unittest

from github_runner.files import SUMMARY_LIMIT, parse_outputs, parse_pairs, parse_path, summary_is_uploaded


class Pairs(unittest.TestCase):
    def check(self, text, values, error=None):
        pairs = parse_pairs(text)
        self.assertEqual(pairs.values, values)
        self.assertEqual(pairs.error, error)

    def test_lines_and_blocks(self):
        self.check("a=1\nb<<END\n2\n3\nEND\n\nc=4", {"a": "1", "b": "2\n3", "c": "4"})

    def test_whichever_sign_comes_first_decides(self):
        self.check("a=b<<c\n", {"a": "b<<c"})
        self.check("a<<b=c\nv\nb=c\n", {"a": "v"})

    def test_values_are_kept_as_they_are(self):
        self.check(" a = 1 \r\nb=\n", {" a ": " 1 \r", "b": ""})

    def test_an_empty_block_is_an_empty_value(self):
        self.check("a<<E\nE\n", {"a": ""})

    def test_a_block_keeps_inner_blank_lines_and_loses_only_its_last_line_end(self):
        self.check("a<<E\n\nx\n\nE\n", {"a": "\nx\n"})

    def test_a_delimiter_counts_only_alone_on_its_line(self):
        self.check("a<<E\n E\nE \nE", {"a": " E\nE "})

    def test_a_later_pair_replaces_an_earlier_one(self):
        self.check("a=1\na=2\n", {"a": "2"})

    def test_a_bad_line_fails_and_leaves_the_pairs_before_it(self):
        self.check("a=1\nnonsense\nb=2\n", {"a": "1"}, "Invalid format 'nonsense'")

    def test_a_block_needs_name_and_delimiter(self):
        message = "Invalid format '{}'. Name must not be empty and delimiter must not be empty"
        self.check("<<E\n1\nE\n", {}, message.format("<<E"))
        self.check("a<<\n1\n", {}, message.format("a<<"))

    def test_a_block_that_never_ends_is_an_error(self):
        self.check("a<<E\n1\n", {}, "Invalid value. Matching delimiter not found 'E'")
        self.check("a<<E\n1", {}, "Invalid value. EOF marker missing new line.")

    def test_an_output_needs_a_name(self):
        self.assertEqual(parse_outputs("=1\n").error, "An output has no name")


class Others(unittest.TestCase):
    def test_a_folder_of_the_path_counts_once_where_it_was_said_last(self):
        self.assertEqual(parse_path("/a\n\n/b\n/a\n"), ["/b", "/a"])

    def test_an_empty_or_too_large_summary_is_not_shown(self):
        self.assertFalse(summary_is_uploaded(b""))
        self.assertTrue(summary_is_uploaded(b"x" * SUMMARY_LIMIT))
        self.assertFalse(summary_is_uploaded(b"x" * (SUMMARY_LIMIT + 1)))


if __name__ == "__main__":
    unittest.main()
