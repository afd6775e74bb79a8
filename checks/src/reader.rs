//! Reads a document's nodes as values, and collects every problem on the way instead of stopping at
//! the first.
//!
//! A method that returns `None` has reported a problem. The reader is independent of the single
//! forms; it has what they share: texts with variables, the names that a document gives to values,
//! and files that it names.
//!
//! One file, because it is a single list of methods, one for each kind of value.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::document::{Content, Entry, Node, Place};
use crate::duration::parse_duration;
use crate::environment::Environment;
use crate::nearest::find_nearest;
use crate::problem::{Position, Problem};
use crate::scope::{Scope, Unresolved};
use crate::template::{JsonTemplate, Pattern, Secrecy, Template, TemplateError, Variable};

/// Reads a file of the workspace; the error says why it cannot be read
/// (`cannot be read (there is no such file)`).
pub type Files<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// What a document may use besides its own text: files and environment variables.
#[derive(Clone, Copy)]
pub struct DocumentResources<'a> {
    /// The files of the workspace.
    pub files: Files<'a>,
    /// The environment variables that documents may use.
    pub environment: Environment<'a>,
}

impl DocumentResources<'static> {
    /// For documents that use neither files nor variables.
    pub const NONE: Self = Self {
        files: &|_| Err("cannot be read here".to_owned()),
        environment: Environment::EMPTY,
    };
}

/// Collects the problems of one document.
pub struct Reader<'a> {
    input: &'static str,
    origin: &'a str,
    resources: DocumentResources<'a>,
    problems: Vec<Problem>,
    /// The names that the document gives to values.
    pub(crate) scope: Scope,
    /// The names that may be used in `${secret.NAME}`; none where documents have no secrets.
    pub(crate) declared_secrets: Option<BTreeSet<String>>,
    variables: BTreeSet<Variable>,
}

/// The entries of a mapping whose keys are known.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'n>(&'n [Entry]);

impl<'n> Fields<'n> {
    /// The value of a key that is there and not null.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key that is there and not null.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.0
            .iter()
            .find(|entry| entry.key == key && !matches!(entry.value.content, Content::Null))
    }

    /// The entry of a key that is there.
    pub fn entry_or_null(&self, key: &str) -> Option<&'n Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// The entries whose key is one of these, in the order of the document.
    pub fn entries_with<K: AsRef<str>>(&self, keys: &[K]) -> Vec<&'n Entry> {
        self.0
            .iter()
            .filter(|entry| keys.iter().any(|key| key.as_ref() == entry.key))
            .collect()
    }
}

impl<'a> Reader<'a> {
    /// A reader of a document that the user gave to `input` and that came from `origin` (a path, or
    /// `inline`).
    pub fn new(input: &'static str, origin: &'a str, resources: DocumentResources<'a>) -> Self {
        Self {
            input,
            origin,
            resources,
            problems: Vec::new(),
            scope: Scope::default(),
            declared_secrets: None,
            variables: BTreeSet::new(),
        }
    }

    /// The problems, in the order of the document.
    pub fn finish(self) -> Vec<Problem> {
        self.finish_with_variables().0
    }

    /// The problems, in the order of the document, and the variables that it uses.
    pub(crate) fn finish_with_variables(mut self) -> (Vec<Problem>, BTreeSet<Variable>) {
        for (name, place, reason) in self.scope.take_unresolved() {
            let (message, remedy) = self.describe_unresolved(&name, reason);
            self.report(place, message, remedy);
        }
        self.problems.sort_by_key(|problem| {
            problem
                .position
                .as_ref()
                .map(|position| (position.line, position.column))
        });
        (self.problems, self.variables)
    }

    fn describe_unresolved(&self, name: &str, reason: Unresolved) -> (String, String) {
        match reason {
            Unresolved::Unknown => (
                format!("Unknown variable `${{{name}}}`"),
                self.list_variables(),
            ),
            Unresolved::TooEarly => (
                format!("`${{{name}}}` is used before it has a value"),
                "Put what gives it its value (a test with `capture`, an earlier variable) before what uses it".to_owned(),
            ),
            Unresolved::OutOfScope => (
                format!("`${{{name}}}` is used outside of the test or flow with the `matrix` that gives it its value"),
                "It has one value for each combination: use it in the steps of the same flow".to_owned(),
            ),
        }
    }

    /// The remedy for a name that means nothing: those that do.
    fn list_variables(&self) -> String {
        let own = self.scope.names().into_iter();
        let own: Vec<String> = own.map(|name| format!("`${{{name}}}`, ")).collect();
        let own = own.concat();
        let secret = match self.declared_secrets {
            Some(_) => ", `${secret.NAME}`",
            None => "",
        };
        format!(
            "Known here: {own}`${{version}}`, `${{digest}}`, `${{revision}}`, `${{env.NAME}}`{secret}; a plain `${{` is written `$${{`"
        )
    }

    /// A place of this document.
    pub(crate) fn position(&self, place: Place) -> Position {
        place.to_position(self.origin)
    }

    /// Reports a problem at a place.
    pub fn report(&mut self, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        let problem = Problem::new(self.input, message, remedy).at_position(self.position(place));
        self.problems.push(problem);
    }

    /// Reports a problem at a place, because of which there is no value.
    pub fn refuse<T>(
        &mut self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        self.report(place, message, remedy);
        None
    }

    /// A mapping with known keys; unknown ones are reported and left out. `what` names it: "a
    /// test", "`expect`".
    pub fn fields<'n, K: AsRef<str>>(
        &mut self,
        node: &'n Node,
        what: &str,
        known_keys: &[K],
    ) -> Option<Fields<'n>> {
        let entries = self.entries(node, what)?;
        let is_known = |entry: &&Entry| known_keys.iter().any(|key| key.as_ref() == entry.key);
        for entry in entries.iter().filter(|entry| !is_known(entry)) {
            self.report(
                entry.place,
                format!("Unknown key `{}` in {what}", entry.key),
                suggest_choices(&entry.key, known_keys),
            );
        }
        Some(Fields(entries))
    }

    /// A mapping with keys of the user's choice.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        if let Content::Mapping(entries) = &node.content {
            return Some(entries);
        }
        self.refuse_type(node, what, "a mapping", "Write `key: value` pairs")
    }

    /// A sequence.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let Content::List(items) = &node.content {
            return Some(items);
        }
        self.refuse_type(
            node,
            what,
            "a list",
            "Write one `- ` line for each, or `[a, b]`",
        )
    }

    /// A text. Numbers and booleans are taken as they are written: `1.10` stays `1.10`.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.content {
            Content::Text(text) => Some(text.clone()),
            Content::Number(_) | Content::Boolean(_) => Some(node.written.clone()),
            Content::Null | Content::List(_) | Content::Mapping(_) => self.refuse_type(
                node,
                what,
                "a text",
                "Write a text, in quotes where it has special characters",
            ),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Content::Boolean(value) = node.content {
            return Some(value);
        }
        self.refuse_type(node, what, "true or false", "Write `true` or `false`")
    }

    /// A duration such as `90s`.
    pub fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        parse_duration(&text)
            .map_err(|error| {
                self.report(
                    node.place,
                    format!("{what}: {error}"),
                    "Write a whole number with its unit: ms, s, m or h",
                );
            })
            .ok()
    }

    /// One of the words of a table, as its value.
    pub fn word<T: Copy>(&mut self, node: &Node, what: &str, table: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some((_, value)) = table.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        self.report(
            node.place,
            format!("{what} cannot be `{text}`"),
            suggest_choices(&text, &words),
        );
        None
    }

    /// A text that is not empty.
    pub(crate) fn non_empty_text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?;
        if text.trim().is_empty() {
            return self.refuse(
                node.place,
                format!("{what} is empty"),
                "Write a text, or leave it out",
            );
        }
        Some(text)
    }

    /// A number.
    pub(crate) fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        let text = self.text(node, what)?;
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number),
            _ => self.refuse(
                node.place,
                format!("{what}: `{text}` is not a number"),
                "Write a number such as `5` or `0.25`",
            ),
        }
    }

    /// A whole number from zero.
    pub(crate) fn count(&mut self, node: &Node, what: &str) -> Option<u32> {
        let text = self.text(node, what)?;
        text.trim().parse().ok().or_else(|| {
            self.refuse(
                node.place,
                format!("{what}: `{text}` is not a count"),
                "Write a whole number such as `0` or `3`",
            )
        })
    }

    /// The content of the file that a path leads to.
    pub(crate) fn file(&mut self, node: &Node, what: &str) -> Option<Vec<u8>> {
        let path = self.text(node, what)?;
        match (self.resources.files)(&path) {
            Ok(content) => Some(content),
            Err(why) => self.refuse(
                node.place,
                format!("{what}: `{path}` {why}"),
                "Write the path of a file that the job has checked out",
            ),
        }
    }

    /// A text with variables.
    pub(crate) fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let text = self.text(node, what)?;
        self.parse_template(node, &text)
    }

    /// Texts with variables, by names of the user's choice.
    pub(crate) fn templates(&mut self, node: &Node, what: &str) -> Option<Vec<(String, Template)>> {
        let entries = self.entries(node, what)?;
        let texts: Vec<_> = entries
            .iter()
            .map(|entry| {
                let text = self.template(&entry.value, &format!("`{}` of {what}", entry.key))?;
                Some((entry.key.clone(), text))
            })
            .collect();
        texts.into_iter().collect()
    }

    /// A regular expression with variables.
    pub(crate) fn pattern(&mut self, node: &Node, what: &str) -> Option<Pattern> {
        let template = self.template(node, what)?;
        match Pattern::new(template) {
            Ok(pattern) => Some(pattern),
            Err(error) => self.refuse(
                node.place,
                format!(
                    "{what} is not a regular expression: {}",
                    describe_regex_error(&error)
                ),
                "Write a regular expression of Rust's `regex` crate (no look-around)",
            ),
        }
    }

    /// Any value, as JSON with variables.
    pub(crate) fn json(&mut self, node: &Node) -> Option<JsonTemplate> {
        Some(match &node.content {
            Content::Null => JsonTemplate::Fixed(Value::Null),
            Content::Boolean(value) => JsonTemplate::Fixed(Value::Bool(*value)),
            Content::Number(value) => JsonTemplate::Fixed(Value::Number(value.clone())),
            Content::Text(text) => JsonTemplate::Text(self.parse_template(node, text)?),
            Content::List(items) => {
                // Collected first, so that every item's problems are found.
                let items: Vec<_> = items.iter().map(|item| self.json(item)).collect();
                JsonTemplate::List(items.into_iter().collect::<Option<_>>()?)
            }
            Content::Mapping(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), self.json(&entry.value)?)))
                    .collect();
                JsonTemplate::Object(entries.into_iter().collect::<Option<_>>()?)
            }
        })
    }

    /// A text that was read already, as a template.
    pub(crate) fn parse_template(&mut self, node: &Node, text: &str) -> Option<Template> {
        let mut template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                let remedy = match error {
                    TemplateError::Unclosed => {
                        "Write `${name}`, or `$${` for a plain `${`".to_owned()
                    }
                    TemplateError::Unknown(_) => self.list_variables(),
                };
                return self.refuse(node.place, error.to_string(), remedy);
            }
        };
        template.classify_bindings(|name| self.scope.look_up(name, node.place));
        template.classify_environment(|name| self.environment_secrecy(node, name));
        for name in template.variables().filter_map(Variable::secret) {
            self.check_secret(node.place, name);
        }
        self.variables.extend(template.variables().cloned());
        Some(template)
    }

    fn check_secret(&mut self, place: Place, name: &str) {
        match &self.declared_secrets {
            None => {
                let remedy = self.list_variables();
                self.report(
                    place,
                    format!("Unknown variable `${{secret.{name}}}`"),
                    remedy,
                );
            }
            Some(declared) if !declared.contains(name) => self.report(
                place,
                format!("`${{secret.{name}}}` is not declared"),
                format!("Write `secrets: {{ {name}: … }}` at the top, with the name or ARN of a secret in AWS Secrets Manager"),
            ),
            Some(_) => {}
        }
    }

    /// Whether a variable of the environment is a secret; one that is withheld is reported.
    fn environment_secrecy(&mut self, node: &Node, name: &str) -> Secrecy {
        self.resources
            .environment
            .secrecy(name)
            .unwrap_or_else(|withheld| {
                self.report(node.place, withheld.message, withheld.remedy);
                Secrecy::Secret
            })
    }

    fn refuse_type<T>(&mut self, node: &Node, what: &str, wanted: &str, remedy: &str) -> Option<T> {
        let kind = match node.content {
            Content::Null => "empty",
            Content::Boolean(_) => "true or false",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Mapping(_) => "a mapping",
        };
        self.report(
            node.place,
            format!("{what} must be {wanted}, and is {kind}"),
            remedy,
        );
        None
    }
}

/// The last line of the regex crate's multi-line message is the reason.
fn describe_regex_error(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// A remedy that lists the allowed words, the most similar first.
pub fn suggest_choices<K: AsRef<str>>(given: &str, choices: &[K]) -> String {
    let choices: Vec<&str> = choices.iter().map(AsRef::as_ref).collect();
    let list: Vec<String> = choices.iter().map(|word| format!("`{word}`")).collect();
    let list = list.join(", ");
    match find_nearest(given, choices.iter().copied()) {
        Some(word) => format!("Did you mean `{word}`? Known here: {list}"),
        None => format!("Known here: {list}"),
    }
}
