//! `AlarmRule`: `ALARM("a") AND (OK(b) OR NOT INSUFFICIENT_DATA(c))`, `TRUE`, `FALSE`. Pure.

use thiserror::Error;

use crate::options::AlarmState;

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("The alarm rule cannot be read at {0:?}")]
pub(crate) struct RuleError(String);

/// A rule.
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
        let rule = reader.any()?;
        if reader.rest.is_empty() {
            Ok(rule)
        } else {
            Err(reader.wrong())
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
    fn wrong(&self) -> RuleError {
        RuleError(self.rest.chars().take(20).collect())
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.rest.strip_prefix(word);
        self.rest = taken.unwrap_or(self.rest).trim_start();
        taken.is_some()
    }

    fn need(&mut self, word: &str) -> Result<(), RuleError> {
        if self.take(word) {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    fn any(&mut self) -> Result<Rule, RuleError> {
        let mut left = self.all()?;
        while self.take("OR") {
            left = Rule::Any(Box::new(left), Box::new(self.all()?));
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Rule, RuleError> {
        let mut left = self.one()?;
        while self.take("AND") {
            left = Rule::All(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Rule, RuleError> {
        if self.take("NOT") {
            return self.one().map(|rule| Rule::Not(Box::new(rule)));
        }
        if self.take("(") {
            let inner = self.any()?;
            return self.need(")").map(|()| inner);
        }
        if self.take("TRUE") {
            return Ok(Rule::Always);
        }
        if self.take("FALSE") {
            return Ok(Rule::Never);
        }
        let states = [
            AlarmState::Alarm,
            AlarmState::Ok,
            AlarmState::InsufficientData,
        ];
        let state = states
            .into_iter()
            .find(|state| self.take(state.as_str()))
            .ok_or_else(|| self.wrong())?;
        self.need("(")?;
        let name = self.name()?;
        self.need(")").map(|()| Rule::Is(state, name))
    }

    /// A name or an ARN, quoted or not.
    fn name(&mut self) -> Result<String, RuleError> {
        let is_quoted = self.rest.starts_with('"');
        let (from, end) = if is_quoted { (1, '"') } else { (0, ')') };
        let length = self
            .rest
            .get(from..)
            .and_then(|rest| rest.find(end))
            .ok_or_else(|| self.wrong())?;
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
            Err(self.wrong())
        } else {
            Ok(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` rings, `b` has too few data, all others are OK.
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
