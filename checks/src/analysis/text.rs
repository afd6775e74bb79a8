//! Texts of queries with variables, among them those of a side: `${target-group}` is green's or
//! blue's, whoever is asked about.
//!
//! A value of `${env.NAME}` is a secret, unless the workflow says otherwise: [`Text::shown`] is the
//! only form that people may read. `$${` is a plain `${`.

use std::collections::BTreeSet;

use crate::secret::Secret;
use crate::template::{Secrecy, Values};

use super::sides::{SideValues, SideVariable};

/// Stands for a secret where people read.
const MASK: &str = "***";

/// A text with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Version,
    Digest,
    Environment(String, Secrecy),
    Side(SideVariable),
}

/// Why a text cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextError {
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Text {
    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find("${") {
            let (before, after) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                pieces.push(Piece::Words(format!("{before}${{")));
                rest = after;
                continue;
            }
            let (name, after) = after.split_once('}').ok_or_else(unclosed)?;
            pieces.push(Piece::Words(before.to_owned()));
            pieces.push(Piece::named(name).ok_or_else(|| unknown(name))?);
            rest = after;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Words(String::new()));
        Ok(Self(pieces))
    }

    /// The text that is sent. It may hold secrets.
    pub(crate) fn render(&self, values: &Values, side: &SideValues<'_>) -> String {
        self.join(values, side, |name, _| exposed(values, name))
    }

    /// The text as people may read it.
    pub(crate) fn shown(&self, values: &Values, side: &SideValues<'_>) -> String {
        self.join(values, side, |name, secrecy| match secrecy {
            Secrecy::Secret => MASK,
            Secrecy::Open => exposed(values, name),
        })
    }

    /// The environment variables that it names.
    pub(crate) fn environment(&self) -> BTreeSet<String> {
        let names = self.0.iter().filter_map(|piece| match piece {
            Piece::Environment(name, _) => Some(name.clone()),
            Piece::Words(_) | Piece::Version | Piece::Digest | Piece::Side(_) => None,
        });
        names.collect()
    }

    /// Says of every variable of the environment whether it is a secret.
    pub(crate) fn classify(&mut self, mut secrecy_of: impl FnMut(&str) -> Secrecy) {
        for piece in &mut self.0 {
            if let Piece::Environment(name, secrecy) = piece {
                *secrecy = secrecy_of(name);
            }
        }
    }

    /// What it needs to know of a side.
    pub(crate) fn of_side(&self) -> impl Iterator<Item = SideVariable> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Side(variable) => Some(*variable),
            Piece::Words(_) | Piece::Version | Piece::Digest | Piece::Environment(..) => None,
        })
    }

    fn join<'a>(
        &'a self,
        values: &'a Values,
        side: &SideValues<'a>,
        environment: impl Fn(&'a str, Secrecy) -> &'a str,
    ) -> String {
        let words = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.as_str(),
            Piece::Version => &values.version,
            Piece::Digest => &values.digest,
            Piece::Environment(name, secrecy) => environment(name, *secrecy),
            Piece::Side(variable) => side.value(*variable).unwrap_or_default(),
        });
        words.collect()
    }
}

impl Piece {
    fn named(name: &str) -> Option<Self> {
        if let Some(environment) = name.strip_prefix("env.") {
            let legal = |character: char| character.is_ascii_alphanumeric() || character == '_';
            let starts_well =
                environment.starts_with(|character: char| !character.is_ascii_digit());
            return (starts_well && environment.chars().all(legal))
                .then(|| Self::Environment(environment.to_owned(), Secrecy::Secret));
        }
        match name {
            "version" => Some(Self::Version),
            "digest" => Some(Self::Digest),
            _ => SideVariable::named(name).map(Self::Side),
        }
    }
}

fn exposed<'a>(values: &'a Values, name: &str) -> &'a str {
    values.environment.get(name).map_or("", Secret::expose)
}

fn unclosed() -> TextError {
    TextError {
        message: "A variable that begins with `${` has no end".to_owned(),
        remedy: "Write `${name}`, or `$${` for a plain `${`".to_owned(),
    }
}

fn unknown(name: &str) -> TextError {
    let known = "Known here: `${target-group}`, `${load-balancer}`, `${side}`, `${revision}`, `${cluster}`, `${service}`, `${version}`, \
                 `${digest}`, `${env.NAME}`; a plain `${` is written `$${`";
    TextError {
        message: format!("Unknown variable `${{{name}}}`"),
        remedy: known.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::question::Side;
    use crate::analysis::sides::tests::sides;

    #[test]
    fn a_text_is_filled_for_its_side_and_secrets_are_masked_for_people() {
        let environment = [("T".to_owned(), Secret::new("hunter2"))].into();
        let values = Values {
            version: "v1".to_owned(),
            environment,
            ..Values::default()
        };
        let sides = sides();
        let table = [
            (
                Side::Green,
                "${side} ${target-group} ${revision}",
                "green targetgroup/green/2 api:8",
            ),
            (
                Side::Blue,
                "${side} ${target-group} ${revision}",
                "blue targetgroup/blue/1 api:7",
            ),
            (
                Side::Green,
                "${load-balancer} ${cluster}/${service} ${version}",
                "app/front/9 prod/api v1",
            ),
            (
                Side::Green,
                "rate(x{a=\"b\"}[1m]) $${x} ${env.T}",
                "rate(x{a=\"b\"}[1m]) ${x} ***",
            ),
        ];
        for (side, text, expected) in table {
            let text = Text::parse(text).unwrap();
            assert_eq!(text.shown(&values, &sides.values(side)), expected);
            assert_eq!(
                text.render(&values, &sides.values(side)),
                expected.replace("***", "hunter2")
            );
        }
    }

    #[test]
    fn unknown_and_unclosed_variables_are_refused() {
        for text in [
            "${target_group}",
            "${}",
            "${env.}",
            "${env.1A}",
            "${version",
            "${ side }",
        ] {
            assert!(Text::parse(text).is_err(), "{text}");
        }
    }
}
