//! `scan`: a severity, a map of rules, or the path of a file that holds them.

use std::time::Duration;

use super::collect::ProblemCollector;
use crate::checks::document::{Content, Node, read_document};
use crate::checks::form::{FromNode, read_all};
use crate::checks::reader::{DocumentResources, Reader, suggest_choices};
use crate::checks::{document_form, document_words};
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::runner::Runner;
use crate::scan::{FailOn, Policy, Unsupported};

const INPUT: &str = "scan";
const UNSUPPORTED: &[(&str, Unsupported)] = &[
    ("refuse", Unsupported::Refuse),
    ("allow", Unsupported::Allow),
];
/// A basic scan takes seconds to a minute; Inspector's first scan of a large image takes some
/// minutes.
const DEFAULT_WAIT: Duration = Duration::from_mins(5);
/// GitHub's limit for a job.
const MAX_WAIT: Duration = Duration::from_hours(6);

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<Policy> {
    let text = inputs.scan.as_deref()?;
    if mode.plans_deployment() && inputs.image.is_none() {
        collect.add_problem(
            INPUT,
            "it is given without an image",
            "set image, or leave it out: only an image that this run brings is judged",
        );
    }
    collect.note_substitute_file(INPUT, text, runner);
    collect.value_or_problems(read_policy(text, runner))
}

fn read_policy(text: &str, runner: &Runner) -> Result<Policy, Vec<Problem>> {
    if let Some((_, fail_on)) = FailOn::WORDS
        .iter()
        .find(|(word, _)| text.eq_ignore_ascii_case(word))
    {
        return Ok(Policy {
            fail_on: *fail_on,
            wait: DEFAULT_WAIT,
            ignore: Vec::new(),
            unsupported: Unsupported::Refuse,
        });
    }
    if text.contains(['\n', '{']) || text.contains(": ") {
        return parse(text, "inline");
    }
    match runner.workspace.read(text) {
        Ok(content) => parse(&content, text),
        Err(_) if !text.contains(['/', '.']) => Err(vec![unknown_severity(text)]),
        Err(error) => {
            let remedy =
                "give a severity, inline YAML, or the path of a file that the job has checked out";
            Err(vec![Problem::new(INPUT, format!("{text} {error}"), remedy)])
        }
    }
}

fn unknown_severity(text: &str) -> Problem {
    let words: Vec<&str> = FailOn::WORDS.iter().map(|(word, _)| *word).collect();
    Problem::new(
        INPUT,
        format!("`{text}` is neither a severity nor a file in the workspace"),
        suggest_choices(text, &words),
    )
}

fn parse(text: &str, origin: &str) -> Result<Policy, Vec<Problem>> {
    let root = read_document(text, INPUT, origin)?;
    let mut reader = Reader::new(INPUT, origin, DocumentResources::NONE);
    let form = ScanForm::from_node(&mut reader, &root, INPUT);
    let problems = reader.finish();
    form.filter(|_| problems.is_empty())
        .map(ScanForm::into_policy)
        .ok_or(problems)
}

document_form! {
    /// What the registry's scan of an image may find.
    #[schemars(rename = "Scan")]
    struct ScanForm: "`scan`" {
        /// The least severity that fails; every worse one fails too.
        #[required("Write `fail-on:` with the least severity that fails, such as `high`")]
        fail_on: FailOn,
        /// How long the run waits for the scan: `90s`, `5m`; 5m when absent.
        wait: Option<ScanWait>,
        /// Vulnerabilities that are known and accepted, by name.
        ignore: Option<Ignored>,
        /// What happens with an image that the scanner cannot read; refuse when absent.
        unsupported: Option<Unsupported>,
    }
}

document_words!(FailOn: FailOn::WORDS);
document_words!(Unsupported: UNSUPPORTED);

impl ScanForm {
    fn into_policy(self) -> Policy {
        Policy {
            fail_on: self.fail_on,
            wait: self.wait.map_or(DEFAULT_WAIT, |wait| wait.0),
            ignore: self.ignore.map(|names| names.0).unwrap_or_default(),
            unsupported: self.unsupported.unwrap_or(Unsupported::Refuse),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct ScanWait(Duration);

impl FromNode for ScanWait {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let wait = reader.duration(node, what)?;
        if wait > MAX_WAIT {
            return reader.refuse(
                node.place,
                format!("{what} is longer than 6h, and so than a job lasts"),
                "Write a time such as `5m`",
            );
        }
        Some(Self(wait))
    }
}

/// Names of vulnerabilities; a single name counts as a list.
#[derive(Debug, Clone)]
struct Ignored(Vec<String>);

impl FromNode for Ignored {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = if let Content::Text(_) = &node.content {
            std::slice::from_ref(node)
        } else {
            reader.list(node, what)?
        };
        read_all(reader, items, read_name).map(Self)
    }
}

/// A wildcard, or several names in one text, would silently ignore nothing.
fn read_name(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let name = reader.text(node, "a name in `ignore`")?;
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    if name.is_empty() || !name.chars().all(is_legal) {
        return reader.refuse(
            node.place,
            format!("`{name}` is not the name of a vulnerability"),
            "Write each one out, such as `CVE-2024-6387`",
        );
    }
    Some(name)
}

#[cfg(test)]
pub(crate) mod schema {
    //! The JSON Schema, for editors.
    #![expect(dead_code, reason = "the types are read by their derive only")]

    use schemars::JsonSchema;

    use super::{Ignored, ScanForm, ScanWait};
    use crate::checks::document_schema;

    /// A duration such as `90s`, `10m` or `1h30m`.
    #[derive(JsonSchema)]
    struct Span(
        #[schemars(regex(pattern = r"^\s*(?=\d)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?\s*$"))] String,
    );

    #[derive(JsonSchema)]
    #[schemars(untagged)]
    enum Names {
        One(Name),
        Many(Vec<Name>),
    }

    /// Such as `CVE-2024-6387`.
    #[derive(JsonSchema)]
    struct Name(#[schemars(regex(pattern = r"^[A-Za-z0-9._:-]+$"))] String);

    document_schema!(ScanWait as Span);
    document_schema!(Ignored as Names);

    /// The schema as it is in the repository.
    pub(crate) fn schema() -> serde_json::Value {
        schemars::schema_for!(ScanForm).to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Severity;

    fn read(text: &str) -> Result<Policy, Vec<String>> {
        let found = read_policy(text, &Runner::default());
        found.map_err(|problems| {
            problems
                .iter()
                .map(|problem| format!("{problem} → {}", problem.remedy))
                .collect()
        })
    }

    #[test]
    fn a_bare_severity_is_a_whole_policy() {
        let policy = read("High").unwrap();
        assert_eq!(
            (policy.fail_on, policy.wait),
            (FailOn::AtLeast(Severity::High), DEFAULT_WAIT)
        );
        assert_eq!(policy.unsupported, Unsupported::Refuse);
    }

    #[test]
    fn a_map_says_the_rest() {
        let policy =
            read("{ fail-on: any, wait: 90s, ignore: [CVE-2024-1, GHSA-x-y], unsupported: allow }")
                .unwrap();
        assert_eq!(
            (policy.fail_on, policy.wait, policy.unsupported),
            (FailOn::Any, Duration::from_secs(90), Unsupported::Allow)
        );
        assert!(policy.ignores("cve-2024-1") && !policy.ignores("CVE-2024-11"));
        assert_eq!(
            read("fail-on: low\nignore: CVE-2024-1").unwrap().ignore,
            ["CVE-2024-1"]
        );
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let problems =
            read("fail-on: higher\nwait: soon\nignore:\n  - CVE-2024-*\n  - CVE-2024-1 CVE-2024-2\nunsuported: allow").unwrap_err();
        let places = [
            "inline:1:10",
            "inline:2:7",
            "inline:4:5",
            "inline:5:5",
            "inline:6:1",
        ];
        assert_eq!(problems.len(), places.len(), "{problems:#?}");
        assert!(
            problems
                .iter()
                .zip(places)
                .all(|(problem, place)| problem.contains(place)),
            "{problems:#?}"
        );
        assert!(
            problems[0].contains("Did you mean `high`?"),
            "{problems:#?}"
        );
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        assert!(read("higher").unwrap_err()[0].contains("Did you mean `high`?"));
        assert!(read("ci/scan.yml").unwrap_err()[0].contains("there is no such file"));
        assert!(
            read("{ fail-on: low, wait: 9999999h }").unwrap_err()[0].contains("longer than 6h")
        );
        assert!(read("wait: 5m").unwrap_err()[0].contains("`scan` has no `fail-on`"));
        assert!(read("fail-on: [high").unwrap_err()[0].contains("Not valid YAML"));
    }
}
