//! `smoke-tests`, `test-url`, `production-url`, and the alarms.

use super::collect::Collect;
use super::{Checks, alarms};
use crate::checks::smoke::{self, Suite};
use crate::checks::tester::Tester;
use crate::inputs::Inputs;
use crate::problem::Problem;
use crate::runner::Runner;
use crate::secret::Secret;

pub(super) fn settings(inputs: &Inputs, runner: &Runner, collect: &mut Collect) -> Option<Checks> {
    let test_url = collect.url("test-url", inputs.test_url.as_deref());
    let production_url = collect.url("production-url", inputs.production_url.as_deref());
    let alarms = alarms::settings(inputs, collect);
    let Some(text) = inputs.smoke_tests.as_deref() else {
        return Some(Checks { suite: None, test_url, production_url, environment: Vec::new(), alarms });
    };
    let suite = suite(text, runner, collect)?;
    let environment = environment(&suite, runner, collect);
    let checks = Checks { suite: Some(suite), test_url, production_url, environment, alarms };
    idle_testers(&checks, collect);
    Some(checks)
}

/// A test runs at the sides that have a URL; a tester that has none at all was meant to run and would not.
fn idle_testers(checks: &Checks, collect: &mut Collect) {
    let is_idle = |tester: &&Tester| tester.on.iter().all(|moment| checks.url(*moment).is_none());
    for tester in checks.suite.iter().flat_map(Suite::testers).filter(is_idle) {
        collect.problem(
            "smoke-tests",
            format!("the tester `{}` would never run: there is no URL for the moments at which it runs", tester.name),
            "set test-url for green, production-url for the others, or change its `on`",
        );
    }
}

/// A path is one line without a colon followed by a space; YAML that is worth testing has at least one.
fn suite(text: &str, runner: &Runner, collect: &mut Collect) -> Option<Suite> {
    let files = |path: &str| runner.workspace.bytes(path).map_err(|error| error.to_string());
    if text.contains('\n') || text.contains(": ") {
        return collect.keep_all(smoke::parse(text, "inline", &files));
    }
    let content = runner.workspace.read(text);
    let content = content.map_err(|error| {
        Problem::new("smoke-tests", format!("{text} {error}"), "give inline YAML, or the path of a file that the job has checked out")
    });
    let content = collect.keep(content)?;
    collect.keep_all(smoke::parse(&content, text, &files))
}

fn environment(suite: &Suite, runner: &Runner, collect: &mut Collect) -> Vec<(String, Secret)> {
    let mut values = Vec::new();
    for name in suite.needs_env() {
        match runner.variables.get(name) {
            Some(value) => values.push((name.to_owned(), Secret::new(value.clone()))),
            None => collect.problem(
                "smoke-tests",
                format!("${{env.{name}}} is used, but the environment has no {name}"),
                format!("set {name} under `env:` of the step"),
            ),
        }
    }
    values
}
