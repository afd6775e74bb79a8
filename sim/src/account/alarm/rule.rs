//! `AlarmRule`: `ALARM("a") AND (OK(b) OR NOT INSUFFICIENT_DATA(c))`, `TRUE`, `FALSE`. Pure.

use thiserror::Error;

use crate::options::AlarmState;

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("The alarm rule cannot be read at {0:?}")]
pub(crate) struct RuleError(String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    Always,
    Never,
    Is(AlarmState, String),
    Not(Box<Self>),
    All(Box<Self>, Box<Self>),
    Any(Box<Self>, Box<Self>),
}

impl Rule {
    /// Reads a rule.
    pub(crate) fn parse(text: &str) -> Result<Self, RuleError> {
        let mut reader = Reader {
            rest: text.trim_start(),
        };
        let rule = reader.parse_or()?;
        if reader.rest.is_empty() {
            Ok(rule)
        } else {
            Err(reader.error())
        }
    }

    /// Whether it holds, given the states of alarms.
    pub(crate) fn holds(&self, state_of: &impl Fn(&str) -> AlarmState) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Is(state, name) => state_of(name) == *state,
            Self::Not(rule) => !rule.holds(state_of),
            Self::All(left, right) => left.holds(state_of) && right.holds(state_of),
            Self::Any(left, right) => left.holds(state_of) || right.holds(state_of),
        }
    }

    /// The alarms that it speaks of.
    pub(crate) fn children(&self) -> Vec<&str> {
        match self {
            Self::Always | Self::Never => Vec::new(),
            Self::Is(_, name) => vec![name],
            Self::Not(rule) => rule.children(),
            Self::All(left, right) | Self::Any(left, right) => left
                .children()
                .into_iter()
                .chain(right.children())
                .collect(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn error(&self) -> RuleError {
        RuleError(self.rest.chars().take(20).collect())
    }

    fn consume(&mut self, word: &str) -> bool {
        let taken = self.rest.strip_prefix(word);
        self.rest = taken.unwrap_or(self.rest).trim_start();
        taken.is_some()
    }

    fn expect(&mut self, word: &str) -> Result<(), RuleError> {
        if self.consume(word) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    fn parse_or(&mut self) -> Result<Rule, RuleError> {
        let mut left = self.parse_and()?;
        while self.consume("OR") {
            left = Rule::Any(Box::new(left), Box::new(self.parse_and()?));
        }
        Ok(left)
    }

    fn parse_and(&mut self) -> Result<Rule, RuleError> {
        let mut left = self.parse_term()?;
        while self.consume("AND") {
            left = Rule::All(Box::new(left), Box::new(self.parse_term()?));
        }
        Ok(left)
    }

    fn parse_term(&mut self) -> Result<Rule, RuleError> {
        if self.consume("NOT") {
            return self.parse_term().map(|rule| Rule::Not(Box::new(rule)));
        }
        if self.consume("(") {
            let inner = self.parse_or()?;
            return self.expect(")").map(|()| inner);
        }
        if self.consume("TRUE") {
            return Ok(Rule::Always);
        }
        if self.consume("FALSE") {
            return Ok(Rule::Never);
        }
        let states = [
            AlarmState::Alarm,
            AlarmState::Ok,
            AlarmState::InsufficientData,
        ];
        let state = states
            .into_iter()
            .find(|state| self.consume(state.as_str()))
            .ok_or_else(|| self.error())?;
        self.expect("(")?;
        let name = self.parse_name()?;
        self.expect(")").map(|()| Rule::Is(state, name))
    }

    /// A name or an ARN, quoted or not.
    fn parse_name(&mut self) -> Result<String, RuleError> {
        let is_quoted = self.rest.starts_with('"');
        let (from, end) = if is_quoted { (1, '"') } else { (0, ')') };
        let length = self
            .rest
            .get(from..)
            .and_then(|rest| rest.find(end))
            .ok_or_else(|| self.error())?;
        let name = self
            .rest
            .get(from..from + length)
            .unwrap_or_default()
            .trim();
        let name = name
            .rsplit_once(":alarm:")
            .map_or(name, |(_, name)| name)
            .to_owned();
        self.rest = self
            .rest
            .get(from + length + from..)
            .unwrap_or_default()
            .trim_start();
        if name.is_empty() {
            Err(self.error())
        } else {
            Ok(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` is in ALARM, `b` has too few data, all others are OK.
    fn holds(rule: &str) -> Result<bool, RuleError> {
        let state_of = |name: &str| match name {
            "a" => AlarmState::Alarm,
            "b" => AlarmState::InsufficientData,
            _ => AlarmState::Ok,
        };
        Rule::parse(rule).map(|rule| rule.holds(&state_of))
    }

    #[test]
    fn rules_hold_as_cloudwatch_documents() {
        let table = [
            ("ALARM(a)", true),
            (r#"ALARM("a")"#, true),
            (
                r#"ALARM("arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a")"#,
                true,
            ),
            ("OK(a)", false),
            ("INSUFFICIENT_DATA(b) AND ALARM(a)", true),
            ("NOT ALARM(a) OR OK(c)", true),
            ("NOT (ALARM(a) OR OK(c))", false),
            ("ALARM(c) AND ALARM(b) OR ALARM(a)", true),
            ("ALARM(c) AND (ALARM(b) OR ALARM(a))", false),
            ("FALSE OR TRUE", true),
            (r#"ALARM("a b (c)")"#, false),
        ];
        for (rule, expected) in table {
            assert_eq!(holds(rule), Ok(expected), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in [
            "",
            "ALARM",
            "ALARM()",
            "ALARM(a",
            "ALARM(a) ALARM(b)",
            "RINGS(a)",
            "(TRUE",
        ] {
            assert!(holds(rule).is_err(), "{rule}");
        }
    }
}
