//! Texts with variables `${…}`: `${version}`, `${digest}`, `${revision}`, `${env.NAME}`,
//! `${secret.NAME}`, and names that the document itself declares.
//!
//! Secrets are: every `${secret.NAME}`; every `${env.NAME}` unless the workflow says otherwise; and
//! names of the document that are declared secret. Only [`Template::render_masked`] may be shown to
//! people. `$${` is a plain `${`.

mod bindings;
mod json;
mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thiserror::Error;

use crate::scrub::mask;
use crate::secret::Secret;
pub use bindings::Bindings;
pub(crate) use json::JsonTemplate;
pub(crate) use pattern::Pattern;

/// The values of the variables in this run.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// `${version}`
    pub version: String,
    /// `${digest}`: the image's, with its algorithm.
    pub digest: String,
    /// `${revision}`: the task definition's.
    pub revision: String,
    /// `${env.NAME}` by name.
    pub environment: BTreeMap<String, Secret>,
    /// The names of `environment` whose values are no secrets.
    pub plain: BTreeSet<String>,
    /// `${secret.NAME}` by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Values that exist only during a run; empty before it.
    pub bindings: Bindings,
}

impl Values {
    /// All given values that must never be shown.
    pub fn secret_values(&self) -> impl Iterator<Item = &Secret> {
        let environment = self
            .environment
            .iter()
            .filter(|(name, _)| !self.plain.contains(*name))
            .map(|(_, value)| value);
        environment.chain(self.secrets.values())
    }
}

/// A variable that may be used in `${…}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variable {
    Version,
    Digest,
    Revision,
    /// `${env.NAME}`
    Environment(String, Secrecy),
    /// `${secret.NAME}`
    Secret(String),
    /// A name of the document: `base`, `matrix.locale`, a variable, a capture.
    Binding(String, Secrecy),
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secrecy {
    /// It may.
    Open,
    /// It must not: it is masked.
    Secret,
}

/// The variables that are not `env.NAME`, by name.
const BUILT_IN: [(&str, Variable); 3] = [
    ("version", Variable::Version),
    ("digest", Variable::Digest),
    ("revision", Variable::Revision),
];

/// Shown in place of a secret.
const MASK: &str = "***";

impl Variable {
    fn parse(name: &str) -> Option<Self> {
        if let Some(environment) = name.strip_prefix("env.") {
            return is_variable_name(environment)
                .then(|| Self::Environment(environment.to_owned(), Secrecy::Secret));
        }
        if let Some(secret) = name.strip_prefix("secret.") {
            return is_variable_name(secret).then(|| Self::Secret(secret.to_owned()));
        }
        let built_in = BUILT_IN
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, variable)| variable);
        let own = name.strip_prefix("matrix.").unwrap_or(name);
        built_in
            .or_else(|| is_value_name(own).then(|| Self::Binding(name.to_owned(), Secrecy::Open)))
    }

    /// The name that is written in `${…}`, unless it is one of the environment or a secret.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Version => Some("version"),
            Self::Digest => Some("digest"),
            Self::Revision => Some("revision"),
            Self::Binding(name, _) => Some(name),
            Self::Environment(..) | Self::Secret(_) => None,
        }
    }

    /// The name of the environment variable, if it is one.
    pub(crate) fn environment(&self) -> Option<&str> {
        match self {
            Self::Environment(name, _) => Some(name),
            Self::Version | Self::Digest | Self::Revision | Self::Secret(_) | Self::Binding(..) => {
                None
            }
        }
    }

    /// The name of the secret, if it is one that the document declares.
    pub(crate) fn secret(&self) -> Option<&str> {
        match self {
            Self::Secret(name) => Some(name),
            Self::Version
            | Self::Digest
            | Self::Revision
            | Self::Environment(..)
            | Self::Binding(..) => None,
        }
    }

    /// Whether its value must never be shown.
    fn is_secret(&self) -> bool {
        match self {
            Self::Environment(_, secrecy) | Self::Binding(_, secrecy) => {
                *secrecy == Secrecy::Secret
            }
            Self::Secret(_) => true,
            Self::Version | Self::Digest | Self::Revision => false,
        }
    }

    /// The value, masked if it is secret; a variable without a value yet is shown as `${name}`.
    fn render_masked(&self, values: &Values) -> String {
        match self {
            Self::Binding(name, _) if !values.bindings.contains(name) => format!("${{{name}}}"),
            variable if variable.is_secret() => MASK.to_owned(),
            Self::Binding(..) => mask(self.value(values)),
            variable => variable.value(values).to_owned(),
        }
    }

    fn value<'v>(&self, values: &'v Values) -> &'v str {
        match self {
            Self::Version => &values.version,
            Self::Digest => &values.digest,
            Self::Revision => &values.revision,
            Self::Environment(name, _) => values.environment.get(name).map_or("", Secret::expose),
            Self::Binding(name, _) => values.bindings.text(name).unwrap_or_default(),
            Self::Secret(name) => values.secrets.get(name).map_or("", Secret::expose),
        }
    }
}

/// Whether a text can be the name of an environment variable.
pub(crate) fn is_variable_name(text: &str) -> bool {
    let legal = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.starts_with(|character: char| !character.is_ascii_digit()) && text.chars().all(legal)
}

/// Whether a document may declare a value of this name: letters, digits, `_` and `-`, beginning
/// with a letter or `_`.
pub(crate) fn is_value_name(name: &str) -> bool {
    let legal =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(legal)
}

#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum TemplateError {
    #[error("A variable that begins with `${{` has no end")]
    Unclosed,
    #[error("Unknown variable `${{{0}}}`")]
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Variable(Variable),
}

/// A text with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<TemplatePart>);

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find("${") {
            let (before, after) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                parts.push(TemplatePart::Text(format!("{before}${{")));
                rest = after;
                continue;
            }
            let (name, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
            parts.push(TemplatePart::Text(before.to_owned()));
            parts.push(TemplatePart::Variable(
                Variable::parse(name).ok_or_else(|| TemplateError::Unknown(name.to_owned()))?,
            ));
            rest = after;
        }
        parts.push(TemplatePart::Text(rest.to_owned()));
        parts.retain(|part| *part != TemplatePart::Text(String::new()));
        Ok(Self(parts))
    }

    /// The text that is sent or compared. It may hold secrets.
    pub(crate) fn render(&self, values: &Values) -> String {
        self.render_with(values, str::to_owned)
    }

    /// The same, with every variable's value (but not the text around it) changed.
    pub(crate) fn render_with(&self, values: &Values, change: impl Fn(&str) -> String) -> String {
        self.render_parts(|variable| change(variable.value(values)))
    }

    /// The text to be shown: secrets are `***`.
    pub(crate) fn render_masked(&self, values: &Values) -> String {
        self.render_parts(|variable| variable.render_masked(values))
    }

    pub(crate) fn holds_secret(&self) -> bool {
        self.variables().any(Variable::is_secret)
    }

    /// Sets the secrecy of every name of the document.
    pub(crate) fn classify_bindings(&mut self, mut secrecy_of: impl FnMut(&str) -> Secrecy) {
        for part in &mut self.0 {
            if let TemplatePart::Variable(Variable::Binding(name, secrecy)) = part {
                *secrecy = secrecy_of(name);
            }
        }
    }

    /// Sets the secrecy of every environment variable.
    pub(crate) fn classify_environment(&mut self, mut secrecy_of: impl FnMut(&str) -> Secrecy) {
        for part in &mut self.0 {
            if let TemplatePart::Variable(Variable::Environment(name, secrecy)) = part {
                *secrecy = secrecy_of(name);
            }
        }
    }

    /// The JSON value if the template is exactly one variable: `"${id}"` stays the number that was
    /// captured.
    fn sole_value<'v>(&self, values: &'v Values) -> Option<&'v Value> {
        match self.0.as_slice() {
            [TemplatePart::Variable(Variable::Binding(name, _))] => values.bindings.json(name),
            _ => None,
        }
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|part| match part {
            TemplatePart::Text(_) => None,
            TemplatePart::Variable(variable) => Some(variable),
        })
    }

    fn render_parts(&self, render_variable: impl Fn(&Variable) -> String) -> String {
        let rendered = self.0.iter().map(|part| match part {
            TemplatePart::Text(text) => text.clone(),
            TemplatePart::Variable(variable) => render_variable(variable),
        });
        rendered.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let environment = [("TOKEN".to_owned(), Secret::new("hunter2"))].into();
        let mut bindings = Bindings::default();
        bindings.bind("id", 7.into());
        Values {
            version: "v1.2".to_owned(),
            digest: "sha256:ab".to_owned(),
            revision: "api:7".to_owned(),
            environment,
            bindings,
            ..Values::default()
        }
    }

    #[test]
    fn variables_are_replaced_and_secrets_masked_for_people() {
        let table = [
            ("plain", "plain", "plain"),
            (
                "${version} on ${revision}",
                "v1.2 on api:7",
                "v1.2 on api:7",
            ),
            ("Bearer ${env.TOKEN}", "Bearer hunter2", "Bearer ***"),
            ("task ${id} of ${none}", "task 7 of ", "task 7 of ${none}"),
            (
                "$${version} costs $5",
                "${version} costs $5",
                "${version} costs $5",
            ),
        ];
        for (text, rendered, masked) in table {
            let template = Template::parse(text).unwrap();
            assert_eq!(
                (
                    template.render(&values()).as_str(),
                    template.render_masked(&values()).as_str()
                ),
                (rendered, masked)
            );
        }
    }

    #[test]
    fn unknown_and_unclosed_variables_are_refused() {
        for text in [
            "${a b}",
            "${1}",
            "${a.b}",
            "${matrix.}",
            "${}",
            "${env.}",
            "${env.1A}",
            "${env.A-B}",
            "${version",
            "${ version }",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_of_the_document_keeps_its_type_where_it_stands_alone_and_its_secret_everywhere() {
        let json = |text: &str, secrecy| {
            let mut template = Template::parse(text).unwrap();
            template.classify_bindings(|_| secrecy);
            let json = JsonTemplate::Text(template);
            format!(
                "{} {} {}",
                json.render(&values()),
                json.render_masked(&values()),
                json.holds_secret()
            )
        };
        assert_eq!(json("${id}", Secrecy::Open), "7 7 false");
        assert_eq!(json("no. ${id}", Secrecy::Open), r#""no. 7" "no. 7" false"#);
        assert_eq!(json("${id}", Secrecy::Secret), r#"7 "***" true"#);
        assert_eq!(format!("{:?}", values().bindings), r#"{"id"}"#);
    }

    #[test]
    fn a_variable_in_a_pattern_is_taken_literally() {
        let pattern = Pattern::new(Template::parse("^${version}$").unwrap()).unwrap();
        assert!(pattern.is_match("v1.2", &values()) && !pattern.is_match("v1x2", &values()));
        assert!(Pattern::new(Template::parse("(").unwrap()).is_err());
    }
}
