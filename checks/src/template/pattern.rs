//! A regular expression with variables.

use regex::{Regex, RegexBuilder};

use super::{Template, Values};

/// The size limit of a compiled pattern in bytes: search time grows with it.
const MAX_PATTERN_SIZE: usize = 2 * 1024 * 1024;

/// A regular expression with variables, whose values are taken literally.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Template);

impl Pattern {
    /// The error is the regex crate's, about the pattern with every variable empty.
    pub(crate) fn new(template: Template) -> Result<Self, regex::Error> {
        let pattern = Self(template);
        pattern.compile(&Values::default()).map(|_| pattern)
    }

    pub(crate) fn is_match(&self, text: &str, values: &Values) -> bool {
        self.compile(values).is_ok_and(|regex| regex.is_match(text))
    }

    /// The first group of the first match, or all of it when the pattern has no group that matched.
    pub(crate) fn first_match(&self, text: &str, values: &Values) -> Option<String> {
        let regex = self.compile(values).ok()?;
        let found = regex.captures(text)?;
        found
            .iter()
            .skip(1)
            .flatten()
            .next()
            .or_else(|| found.get(0))
            .map(|part| part.as_str().to_owned())
    }

    pub(crate) fn render_masked(&self, values: &Values) -> String {
        self.0.render_masked(values)
    }

    fn compile(&self, values: &Values) -> Result<Regex, regex::Error> {
        // In a group, so that `${version}?` and the like mean the whole value.
        let pattern = self
            .0
            .render_with(values, |value| format!("(?:{})", regex::escape(value)));
        RegexBuilder::new(&pattern)
            .size_limit(MAX_PATTERN_SIZE)
            .dfa_size_limit(MAX_PATTERN_SIZE)
            .build()
    }
}
