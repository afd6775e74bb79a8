"""How a stream is cut into lines."""

import unittest

from github_runner.lines import LineSplitter, split_lines


class Lines(unittest.TestCase):
    def test_each_kind_of_end_closes_a_line(self):
        self.assertEqual(split_lines(b"a\nb\r\nc\rd"), [("a", "\n"), ("b", "\r\n"), ("c", "\r"), ("d", "")])

    def test_a_return_at_the_end_of_a_chunk_waits_for_its_line_feed(self):
        splitter = LineSplitter()
        self.assertEqual(splitter.feed(b"a\r"), [])
        self.assertEqual(splitter.feed(b"\nb"), [("a", "\r\n")])
        self.assertEqual(splitter.close(), [("b", "")])

    def test_a_return_at_the_end_of_the_stream_closes_its_line(self):
        self.assertEqual(split_lines(b"a\r"), [("a", "\r")])

    def test_an_empty_line_is_a_line_and_an_empty_stream_has_none(self):
        self.assertEqual(split_lines(b"\n"), [("", "\n")])
        self.assertEqual(split_lines(b""), [])

    def test_a_character_may_be_cut_by_a_chunk(self):
        splitter = LineSplitter()
        self.assertEqual(splitter.feed("é\n".encode()[:1]), [])
        self.assertEqual(splitter.feed("é\n".encode()[1:]), [("é", "\n")])

    def test_bytes_that_are_no_text_become_a_replacement_character(self):
        self.assertEqual(split_lines(b"\xff\n"), [("\ufffd", "\n")])


if __name__ == "__main__":
    unittest.main()
