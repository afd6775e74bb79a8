//! Texts with variables, patterns and JSON out of a document's nodes; remembers which variables
//! were used, and reports names that mean nothing where they are used.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{Content, Entry, Node};
use crate::environment::Environment;
use crate::problem::Problem;
use crate::reader::Reader;
use crate::scope::{Scope, Unresolved};
use crate::template::{JsonTemplate, Pattern, Secrecy, Template, Variable, known_here};

/// Gives a file of the workspace, or says why it cannot be read (`cannot be read (there is no such
/// file)`).
pub type Files<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// What a document may use that is not in it.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// The files of the workspace.
    pub files: Files<'a>,
    /// The environment, as far as documents are given it.
    pub environment: Environment<'a>,
}

/// A reader that understands variables, and paths of files.
pub(crate) struct Words<'a> {
    pub(crate) reader: Reader<'a>,
    /// The names that the document gives to values.
    pub(crate) scope: Scope,
    variables: BTreeSet<Variable>,
    /// The names that may stand in `${secret.NAME}`.
    pub(crate) declared: BTreeSet<String>,
    outside: Outside<'a>,
}

impl<'a> Words<'a> {
    pub(crate) fn new(reader: Reader<'a>, outside: Outside<'a>) -> Self {
        Self {
            reader,
            scope: Scope::default(),
            variables: BTreeSet::new(),
            declared: BTreeSet::new(),
            outside,
        }
    }

    pub(crate) fn finish(mut self) -> (Vec<Problem>, BTreeSet<Variable>) {
        for (name, place, reason) in self.scope.take_unresolved() {
            let (message, remedy) = self.unresolved(&name, reason);
            self.reader.report(place, message, remedy);
        }
        (self.reader.finish(), self.variables)
    }

    fn unresolved(&self, name: &str, reason: Unresolved) -> (String, String) {
        match reason {
            Unresolved::Unknown => {
                let known: Vec<&str> = self.scope.names().into_iter().collect();
                (format!("Unknown variable `${{{name}}}`"), known_here(&known))
            }
            Unresolved::TooEarly => (
                format!("`${{{name}}}` is used before it has a value"),
                "Put what gives it its value (a test with `capture`, an earlier variable) before what uses it".to_owned(),
            ),
            Unresolved::Inside => (
                format!("`${{{name}}}` is used outside of the test or flow with the `matrix` that gives it its value"),
                "It has one value for each combination: use it in the steps of the same flow".to_owned(),
            ),
        }
    }

    /// The content of the file that a path leads to.
    pub(crate) fn file(&mut self, node: &Node, what: &str) -> Option<Vec<u8>> {
        let path = self.reader.text(node, what)?;
        let remedy = "Write the path of a file that the job has checked out";
        (self.outside.files)(&path)
            .map_err(|why| {
                self.reader
                    .report(node.place, format!("{what}: `{path}` {why}"), remedy);
            })
            .ok()
    }

    /// A text with variables.
    pub(crate) fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let text = self.reader.text(node, what)?;
        self.parsed(node, &text)
    }

    /// A regular expression with variables.
    pub(crate) fn pattern(&mut self, node: &Node, what: &str) -> Option<Pattern> {
        let template = self.template(node, what)?;
        Pattern::new(template)
            .map_err(|error| self.bad_pattern(node, what, &error))
            .ok()
    }

    /// Any value, as the JSON it stands for.
    pub(crate) fn json(&mut self, node: &Node) -> Option<JsonTemplate> {
        Some(match &node.content {
            Content::Null => JsonTemplate::Fixed(Value::Null),
            Content::Boolean(value) => JsonTemplate::Fixed(Value::Bool(*value)),
            Content::Number(value) => JsonTemplate::Fixed(Value::Number(value.clone())),
            Content::Text(text) => JsonTemplate::Text(self.parsed(node, text)?),
            Content::List(items) => JsonTemplate::List(self.json_items(items)?),
            Content::Mapping(entries) => JsonTemplate::Object(self.json_entries(entries)?),
        })
    }

    fn json_items(&mut self, items: &[Node]) -> Option<Vec<JsonTemplate>> {
        // Collected first, so that every item's problems are found.
        let items: Vec<_> = items.iter().map(|item| self.json(item)).collect();
        items.into_iter().collect()
    }

    fn json_entries(&mut self, entries: &[Entry]) -> Option<Vec<(String, JsonTemplate)>> {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| Some((entry.key.clone(), self.json(&entry.value)?)))
            .collect();
        entries.into_iter().collect()
    }

    /// A text that was read already, as a template.
    pub(crate) fn parsed(&mut self, node: &Node, text: &str) -> Option<Template> {
        let mut template = Template::parse(text)
            .map_err(|error| self.reader.report(node.place, error.message, error.remedy))
            .ok()?;
        template.classify(|name| self.scope.look_up(name, node.place));
        template.classify_environment(|name| self.environment(node, name));
        if let Some(name) = template
            .variables()
            .filter_map(Variable::secret)
            .find(|name| !self.declared.contains(*name))
        {
            self.reader.report(
                node.place,
                format!("`${{secret.{name}}}` is not declared"),
                format!("Write `secrets: {{ {name}: … }}` at the top, with the name or ARN of a secret in AWS Secrets Manager"),
            );
        }
        self.variables.extend(template.variables().cloned());
        Some(template)
    }

    /// Whether a variable of the environment is a secret; one that is withheld is reported.
    fn environment(&mut self, node: &Node, name: &str) -> Secrecy {
        self.outside
            .environment
            .secrecy(name)
            .unwrap_or_else(|withheld| {
                self.reader
                    .report(node.place, withheld.message, withheld.remedy);
                Secrecy::Secret
            })
    }

    fn bad_pattern(&mut self, node: &Node, what: &str, error: &regex::Error) {
        // The last line of the crate's drawing is the reason.
        let reason = error.to_string();
        let reason = reason
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        self.reader.report(
            node.place,
            format!("{what} is not a regular expression: {reason}"),
            "Write a regular expression of Rust's `regex` crate (no look-around)",
        );
    }
}
