"""How a line is read as a command."""

import unittest

from github_runner.commands import Form, parse


class CurrentForm(unittest.TestCase):
    def test_name_properties_and_data(self):
        command = parse("::error file=a.rs,line=3,title=No::it broke")
        self.assertEqual((command.name, command.data, command.form), ("error", "it broke", Form.CURRENT))
        self.assertEqual(command.properties, {"file": "a.rs", "line": "3", "title": "No"})

    def test_space_before_the_command_is_ignored_and_text_is_not(self):
        self.assertEqual(parse("  ::group::build").data, "build")
        self.assertIsNone(parse("text ::group::build"))

    def test_data_is_unescaped_with_the_percent_sign_last(self):
        self.assertEqual(parse("::notice::a%0Ab%0D%25 %250A %3A").data, "a\nb\r% %0A %3A")

    def test_properties_are_unescaped_with_colon_and_comma_too(self):
        self.assertEqual(parse("::error title=a%3A%3Ab%2Cc::m").properties, {"title": "a::b,c"})

    def test_an_unescaped_double_colon_in_a_property_begins_the_data(self):
        command = parse("::error title=arn:aws:iam::1:role/x::m")
        self.assertEqual((command.properties, command.data), ({"title": "arn:aws:iam"}, "1:role/x::m"))

    def test_a_property_without_name_or_value_is_dropped(self):
        self.assertEqual(parse("::error title=,file=a,line::m").properties, {"file": "a"})

    def test_names_ignore_case_and_unknown_names_are_text(self):
        self.assertEqual(parse("::ADD-MASK::x").name, "ADD-MASK")
        self.assertIsNone(parse("::deploy::x"))
        self.assertIsNone(parse("::error"))
        self.assertIsNone(parse(""))


class LegacyForm(unittest.TestCase):
    def test_it_is_honoured_anywhere_in_a_line(self):
        command = parse("app says ##[error]it broke")
        self.assertEqual((command.name, command.data, command.form), ("error", "it broke", Form.LEGACY))

    def test_its_escapes_differ(self):
        command = parse("##[set-output name=a%3Bb;x=1]%5D%0A%25")
        self.assertEqual((command.properties, command.data), ({"name": "a;b", "x": "1"}, "]\n%"))

    def test_an_unclosed_or_unknown_one_is_text(self):
        self.assertIsNone(parse("##[error it broke"))
        self.assertIsNone(parse("##[section]x"))

    def test_the_current_form_is_tried_first(self):
        self.assertEqual(parse("::group::##[error]x").form, Form.CURRENT)
        self.assertEqual(parse("::unknown::##[error]x").form, Form.LEGACY)


if __name__ == "__main__":
    unittest.main()
