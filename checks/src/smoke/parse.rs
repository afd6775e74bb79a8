//! The user's document → a [`Suite`], or every problem it has at once, each with its place and its
//! remedy.
//!
//! Here stands what a suite, its defaults and a test look like; requests, expectations, flows and
//! captures have files of their own.

mod capture;
mod expect;
mod flow;
pub(super) mod keys;
mod load;
mod matrix;
mod names;
mod preset;
mod request;
mod secrets;
mod testers;
mod transport;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;

use crate::document::{Node, read_document};
use crate::moment::{MOMENTS, Moment};
use crate::problem::Problem;
use crate::reader::{Fields, Outside, Reader};
use crate::template::Template;

use super::flow::{Capture, CaptureSource, RunCondition};
use super::form::{Expect, Redirects, Request, Retry, SmokeTest, StatusPattern, Suite, Transport};
use super::secrets::SecretWanted;
use flow::Entries;
use keys::{DEFAULTS_KEYS, RETRY_KEYS, SUITE_KEYS};
use preset::SmokePreset;

/// The input that the document belongs to.
const INPUT: &str = "smoke-tests";

/// A new task is expected to answer within a minute of being called healthy; a second between two
/// questions burdens nobody.
const RETRY: Retry = Retry {
    budget: Duration::from_mins(1),
    every: Duration::from_secs(1),
};

/// Longer than any answer that users would put up with.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Repeating faster than this is a load test.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Production is tested beside its users.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// When a test runs that does not say so.
const BOTH_SIDES: &[Moment] = &[Moment::Green, Moment::Production];

/// What a test takes over when it says nothing itself.
#[derive(Clone)]
struct Defaults {
    timeout: Duration,
    retry: Retry,
    transport: Transport,
    test_header: Option<(HeaderName, Template)>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            retry: RETRY,
            transport: Transport::default(),
            test_header: None,
        }
    }
}

/// Reads a suite; `origin` is the file as the user wrote it, or `inline`. `outside` gives the files
/// that the document names: they are read now, so that a file that is missing or malformed is a
/// problem of the document.
pub fn parse(text: &str, origin: &str, outside: Outside<'_>) -> Result<Suite, Vec<Problem>> {
    let root = read_document(text, INPUT, origin)?;
    let mut reader = Reader::new(INPUT, origin, outside);
    names::of_the_run(&mut reader);
    let declared = secrets::declared(&mut reader, &root);
    let suite = suite(&mut reader, &root).unwrap_or_default();
    let (problems, variables) = reader.finish_with_variables();
    let used = |secret: &SecretWanted| {
        variables
            .iter()
            .any(|variable| variable.secret() == Some(&secret.name))
    };
    let secrets = declared.into_iter().filter(used).collect();
    if problems.is_empty() {
        Ok(Suite {
            variables,
            secrets,
            ..suite
        })
    } else {
        Err(problems)
    }
}

fn suite(reader: &mut Reader<'_>, root: &Node) -> Option<Suite> {
    let fields = reader.fields(root, "the smoke tests", SUITE_KEYS)?;
    let named = fields
        .get("variables")
        .map(|node| variables::variables(reader, node))
        .unwrap_or_default();
    let defaults = fields
        .get("defaults")
        .and_then(|node| defaults(reader, node))
        .unwrap_or_default();
    let warm_ups = fields
        .get("warm-up")
        .map(|node| load::warm_ups(reader, node, &defaults))
        .unwrap_or_default();
    let loads = fields
        .get("load")
        .map(|node| load::loads(reader, node, &defaults))
        .unwrap_or_default();
    let testers = fields
        .get("testers")
        .map(|node| testers::testers(reader, node))
        .unwrap_or_default();
    let bake_interval = fields
        .get("bake-interval")
        .and_then(|node| bake_interval(reader, node));
    reader.scope.take_used();
    let entries = entries(reader, root, &fields, &defaults)?;
    let tests = entries.tests.into_iter().map(Arc::new).collect();
    Some(Suite {
        named,
        tests,
        flows: entries.flows,
        testers,
        warm_ups,
        loads,
        bake_interval,
        ..Suite::default()
    })
}

fn entries(
    reader: &mut Reader<'_>,
    root: &Node,
    fields: &Fields<'_>,
    defaults: &Defaults,
) -> Option<Entries> {
    let Some(node) = fields.get("tests") else {
        if fields.get("load").is_some() || fields.get("testers").is_some() {
            return Some(Entries::default());
        }
        reader.report(
            root.place,
            "There are no `tests`",
            "Write `tests:` with at least one test, or leave the input empty",
        );
        return None;
    };
    let items = reader.list(node, "`tests`")?;
    if items.is_empty() {
        reader.report(
            node.place,
            "`tests` is empty",
            "Write at least one test, or leave the input empty",
        );
    }
    let mut entries = Entries::default();
    for item in items {
        entries.read(reader, item, defaults);
    }
    Some(entries)
}

fn bake_interval(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let interval = reader.duration(node, "`bake-interval`")?;
    if interval < SHORTEST_INTERVAL {
        reader.report(
            node.place,
            "`bake-interval` is shorter than 1s",
            "Write at least `1s`, or leave it out for every minute",
        );
    }
    Some(interval)
}

fn defaults(reader: &mut Reader<'_>, node: &Node) -> Option<Defaults> {
    let fields = reader.fields(node, "`defaults`", DEFAULTS_KEYS)?;
    let test_header = fields
        .get("test-header")
        .and_then(|node| transport::test_header(reader, node));
    Some(Defaults {
        test_header,
        ..own_or(reader, &fields, &Defaults::default())
    })
}

/// What these fields say, and `inherited` where they are silent.
fn own_or(reader: &mut Reader<'_>, fields: &Fields<'_>, inherited: &Defaults) -> Defaults {
    let timeout = fields
        .get("timeout")
        .and_then(|node| timeout(reader, node, "`timeout`"))
        .unwrap_or(inherited.timeout);
    let retry = fields
        .get("retry")
        .and_then(|node| retry(reader, node, inherited.retry))
        .unwrap_or(inherited.retry);
    let transport = transport::transport(reader, fields, &inherited.transport);
    Defaults {
        timeout,
        retry,
        transport,
        test_header: inherited.test_header.clone(),
    }
}

fn timeout(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Duration> {
    let timeout = reader.duration(node, what)?;
    if timeout.is_zero() {
        reader.report(
            node.place,
            format!("{what} is zero: no request could be answered"),
            "Write a time such as `5s`",
        );
    }
    Some(timeout)
}

fn retry(reader: &mut Reader<'_>, node: &Node, inherited: Retry) -> Option<Retry> {
    let fields = reader.fields(node, "`retry`", RETRY_KEYS)?;
    let budget = fields
        .get("for")
        .and_then(|node| reader.duration(node, "`for`"))
        .unwrap_or(inherited.budget);
    let every = fields
        .get("every")
        .and_then(|node| pause(reader, node))
        .unwrap_or(inherited.every);
    Some(Retry { budget, every })
}

fn pause(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let every = reader.duration(node, "`every`")?;
    if every < SHORTEST_PAUSE {
        reader.report(
            node.place,
            "`every` is shorter than 10ms",
            "Write at least `10ms`; `retry: { for: 0s }` switches repeating off",
        );
    }
    Some(every)
}

/// A test, without what places it among others: its name, when and in whose turn it runs.
fn test(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    defaults: &Defaults,
) -> Option<SmokeTest> {
    let request = request::request(reader, node, fields);
    let expect = fields.get("expect").map_or_else(
        || Some(Expect::default()),
        |node| expect::expect(reader, node),
    );
    let preset = preset::preset(reader, fields);
    let captures = fields
        .get("capture")
        .map_or_else(|| Some(Vec::new()), |node| capture::captures(reader, node));
    let expect =
        expect.map(|expect| redirect_captured(expect, captures.as_deref().unwrap_or_default()));
    let Defaults {
        timeout,
        retry,
        transport,
        test_header,
    } = own_or(reader, fields, defaults);
    let redirects = redirects(reader, fields, expect.as_ref(), preset.as_ref());
    let request = Request {
        test_header,
        ..request?
    };
    let test = SmokeTest {
        name: String::new(),
        request,
        transport,
        redirects: redirects?,
        timeout,
        retry,
        expect: expect?,
        captures: captures?,
        needs: BTreeSet::new(),
        run_condition: RunCondition::InOrder,
    };
    preset::applied(reader, fields, test, preset)
}

/// Who captures a part of a redirect looks at one.
fn redirect_captured(mut expect: Expect, captures: &[Capture]) -> Expect {
    let captured = captures
        .iter()
        .any(|capture| matches!(capture.source, CaptureSource::Redirect(_)));
    if captured && expect.redirect.is_none() && expect.status.is_empty() {
        expect.status.push(StatusPattern::Class(3));
    }
    expect
}

fn name(
    reader: &mut Reader<'_>,
    test: &Node,
    fields: &Fields<'_>,
    names: &mut BTreeSet<String>,
) -> Option<String> {
    let Some(node) = fields.get("name") else {
        reader.report(
            test.place,
            "A test has no `name`",
            "Write `name:` with words for the log and the summary",
        );
        return None;
    };
    let name = reader.text(node, "`name`")?;
    if name.trim().is_empty() || name.contains("${") || name.contains(char::is_control) {
        reader.report(
            node.place,
            "A `name` is one line of plain words, without variables",
            "Write words that say what is tested",
        );
    } else if !names.insert(name.clone()) {
        reader.report(
            node.place,
            format!("Two tests have the name `{name}`"),
            "Give each test a name of its own",
        );
    }
    Some(name)
}

/// When something runs, where it says so.
fn on(reader: &mut Reader<'_>, fields: &Fields<'_>, absent: &[Moment]) -> Option<Vec<Moment>> {
    let Some(node) = fields.get("on") else {
        return Some(absent.to_vec());
    };
    let items = node.one_or_more();
    if items.is_empty() {
        reader.report(
            node.place,
            "`on` is empty: the test would never run",
            "Write `green`, `step`, `production` or `bake`, or leave `on` out",
        );
    }
    let moments: Vec<_> = items
        .iter()
        .map(|item| reader.word(item, "`on`", MOMENTS))
        .collect();
    moments.into_iter().collect()
}

/// Redirects are followed unless the test wants to look at one.
fn redirects(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    expect: Option<&Expect>,
    preset: Option<&SmokePreset>,
) -> Option<Redirects> {
    let judged = preset.is_some() || expect.is_some_and(Expect::looks_at_redirect);
    let Some(node) = fields.get("follow") else {
        return Some(if judged {
            Redirects::Judge
        } else {
            Redirects::Follow
        });
    };
    let follow = reader.boolean(node, "`follow`")?;
    if follow && judged {
        reader.report(
            node.place,
            "`follow: true` contradicts the redirect that is expected",
            "Leave `follow` out, or expect what the last answer is",
        );
    }
    Some(if follow {
        Redirects::Follow
    } else {
        Redirects::Judge
    })
}

#[cfg(test)]
pub(super) mod tests;
