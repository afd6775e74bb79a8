//! `scan`: a severity, a map of rules, or the path of a file that holds them.

use std::time::Duration;

use super::collect::Collect;
use crate::checks::document::{Content, Node, read_document};
use crate::checks::reader::{Outside, Reader, one_of};
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::runner::Runner;
use crate::scan::{FailOn, Policy, Unsupported};

#[cfg(test)]
pub(crate) mod schema;

const INPUT: &str = "scan";
const KEYS: &[&str] = &["fail-on", "wait", "ignore", "unsupported"];
const UNSUPPORTED: &[(&str, Unsupported)] = &[
    ("refuse", Unsupported::Refuse),
    ("allow", Unsupported::Allow),
];
/// A basic scan takes seconds to a minute; Inspector's first one some minutes for a large image.
const WAIT: Duration = Duration::from_mins(5);
/// No job of GitHub lasts longer.
const LONGEST: Duration = Duration::from_hours(6);

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut Collect,
) -> Option<Policy> {
    let text = inputs.scan.as_deref()?;
    if mode == Mode::Deploy && inputs.image.is_none() {
        collect.problem(
            INPUT,
            "it is given without an image",
            "set image, or leave it out: only an image that this run brings is judged",
        );
    }
    collect.elsewhere(INPUT, text, runner);
    collect.keep_all(policy(text, runner))
}

fn policy(text: &str, runner: &Runner) -> Result<Policy, Vec<Problem>> {
    if let Some((_, fail_on)) = FailOn::WORDS
        .iter()
        .find(|(word, _)| text.eq_ignore_ascii_case(word))
    {
        return Ok(Policy {
            fail_on: *fail_on,
            wait: WAIT,
            ignore: Vec::new(),
            unsupported: Unsupported::Refuse,
        });
    }
    if text.contains(['\n', '{']) || text.contains(": ") {
        return parse(text, "inline");
    }
    match runner.workspace.read(text) {
        Ok(content) => parse(&content, text),
        Err(_) if !text.contains(['/', '.']) => Err(vec![no_severity(text)]),
        Err(error) => {
            let remedy =
                "give a severity, inline YAML, or the path of a file that the job has checked out";
            Err(vec![Problem::new(INPUT, format!("{text} {error}"), remedy)])
        }
    }
}

fn no_severity(text: &str) -> Problem {
    let words: Vec<&str> = FailOn::WORDS.iter().map(|(word, _)| *word).collect();
    Problem::new(
        INPUT,
        format!("`{text}` is neither a severity nor a file in the workspace"),
        one_of(text, &words),
    )
}

fn parse(text: &str, origin: &str) -> Result<Policy, Vec<Problem>> {
    let root = read_document(text, INPUT, origin)?;
    let mut reader = Reader::new(INPUT, origin, Outside::NOTHING);
    let policy = read(&mut reader, &root);
    let problems = reader.finish();
    policy.filter(|_| problems.is_empty()).ok_or(problems)
}

fn read(reader: &mut Reader<'_>, root: &Node) -> Option<Policy> {
    let fields = reader.fields(root, "`scan`", KEYS)?;
    let fail_on = fields
        .get("fail-on")
        .map(|node| reader.word(node, "`fail-on`", FailOn::WORDS));
    if fail_on.is_none() {
        reader.report(
            root.place,
            "There is no `fail-on`",
            "Write `fail-on:` with the least severity that fails, such as `high`",
        );
    }
    let wait = fields
        .get("wait")
        .map_or(Some(WAIT), |node| wait(reader, node));
    let ignore = fields
        .get("ignore")
        .map_or(Some(Vec::new()), |node| ignored(reader, node));
    let unsupported = fields
        .get("unsupported")
        .map_or(Some(Unsupported::Refuse), |node| {
            reader.word(node, "`unsupported`", UNSUPPORTED)
        });
    Some(Policy {
        fail_on: fail_on??,
        wait: wait?,
        ignore: ignore?,
        unsupported: unsupported?,
    })
}

fn wait(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let wait = reader.duration(node, "`wait`")?;
    if wait > LONGEST {
        reader.report(
            node.place,
            "`wait` is longer than 6h, and so than a job lasts",
            "Write a time such as `5m`",
        );
    }
    Some(wait.min(LONGEST))
}

/// One name will do for a list of one.
fn ignored(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let items = if let Content::Text(_) = &node.content {
        std::slice::from_ref(node)
    } else {
        reader.list(node, "`ignore`")?
    };
    let names: Vec<_> = items.iter().map(|item| name(reader, item)).collect();
    names.into_iter().collect()
}

/// A wildcard or several names in one would ignore nothing, and nobody would notice.
fn name(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let name = reader.text(node, "a name in `ignore`")?;
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.:".contains(letter));
    if !is_name {
        reader.report(
            node.place,
            format!("`{name}` is not the name of a vulnerability"),
            "Write each one out, such as `CVE-2024-6387`",
        );
    }
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Severity;

    fn read(text: &str) -> Result<Policy, Vec<String>> {
        let found = policy(text, &Runner::default());
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
            (FailOn::AtLeast(Severity::High), WAIT)
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
        assert!(read("wait: 5m").unwrap_err()[0].contains("There is no `fail-on`"));
        assert!(read("fail-on: [high").unwrap_err()[0].contains("Not valid YAML"));
    }
}
