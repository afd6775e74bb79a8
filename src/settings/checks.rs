//! `smoke-tests`, `test-url`, `production-url`, the alarms, and `analysis`.

use super::collect::{OptionalInput, ProblemCollector};
use super::{CheckSettings, alarms, exposure, gates};
use crate::checks::analysis::{self, Analysis};
use crate::checks::environment::Environment;
use crate::checks::smoke::{self, DocumentResources, Suite};
use crate::checks::tester::Tester;
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::runner::Runner;
use crate::secret::Secret;

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<CheckSettings> {
    let test_url = collect.read_url("test-url", inputs.test_url.as_deref());
    let production_url = collect.read_url("production-url", inputs.production_url.as_deref());
    let alarms = alarms::settings(inputs, collect);
    let exposure = exposure::settings(inputs, collect);
    let environment = exposure.restrict(&runner.variables);
    let suite = OptionalInput::read(inputs.smoke_tests.as_deref(), |text| {
        read_suite(text, runner, environment, collect)
    });
    let analysis = OptionalInput::read(inputs.analysis.as_deref(), |text| {
        read_analysis(text, inputs, runner, environment, collect)
    });
    // A broken gate must not hold a rollback.
    let written = inputs.gates.as_deref().filter(|_| mode.plans_deployment());
    let gates = OptionalInput::read(written, |text| {
        gates::read_gates(text, inputs, (runner, environment), collect)
    });
    if suite.is_invalid() || analysis.is_invalid() || gates.is_invalid() {
        return None;
    }
    let (suite, analysis, gates) = (suite.valid(), analysis.valid(), gates.valid());
    let asked = suite
        .iter()
        .flat_map(Suite::required_env)
        .chain(analysis.iter().flat_map(Analysis::required_env));
    let of_gates = gates
        .iter()
        .flat_map(|settings| settings.gates.required_env());
    let asked = asked.chain(of_gates);
    let environment = asked
        .filter_map(|name| {
            Some((
                name.to_owned(),
                Secret::new(runner.variables.get(name)?.clone()),
            ))
        })
        .collect();
    let checks = CheckSettings {
        suite,
        test_url,
        production_url,
        environment,
        plain_names: exposure.plain_names,
        alarms,
        analysis,
        gates,
    };
    gates::refuse_untested_blue(&checks, collect);
    refuse_idle_testers(&checks, collect);
    Some(checks)
}

/// A test runs at the sides that have a URL. A tester with no URL at all would silently not run.
fn refuse_idle_testers(checks: &CheckSettings, collect: &mut ProblemCollector) {
    let is_idle = |tester: &&Tester| tester.on.iter().all(|moment| checks.url(*moment).is_none());
    for tester in checks.suite.iter().flat_map(Suite::testers).filter(is_idle) {
        collect.add_problem(
            "smoke-tests",
            format!(
                "the tester `{}` would never run: there is no URL for the moments at which it runs",
                tester.name
            ),
            "set test-url for green, production-url for the others, or change its `on`",
        );
    }
}

/// An input that is one line without a colon followed by a space is a path; useful YAML has at
/// least one.
fn read_suite(
    text: &str,
    runner: &Runner,
    environment: Environment<'_>,
    collect: &mut ProblemCollector,
) -> Option<Suite> {
    let files = |path: &str| {
        runner
            .workspace
            .read_document_file(path)
            .map_err(|error| error.to_string())
    };
    let outside = DocumentResources {
        files: &files,
        environment,
    };
    if text.contains('\n') || text.contains(": ") {
        return collect.value_or_problems(smoke::parse(text, "inline", outside));
    }
    let content = collect.read_file(
        "smoke-tests",
        text,
        runner,
        "give inline YAML, or the path of a file that the job has checked out",
    )?;
    collect.value_or_problems(smoke::parse(&content, text, outside))
}

/// The input `analysis`; it needs a rollout that is followed.
fn read_analysis(
    text: &str,
    inputs: &Inputs,
    runner: &Runner,
    environment: Environment<'_>,
    collect: &mut ProblemCollector,
) -> Option<Analysis> {
    if inputs.service.is_none() {
        collect.add_problem(
            "analysis",
            "there is no service whose rollout could be measured",
            "set service",
        );
    }
    if analysis::is_inline(text) {
        return collect.value_or_problems(analysis::parse(text, "inline", environment));
    }
    let remedy = "give presets such as `error-rate < 5 %`, inline YAML, or the path of a file that the job has checked out";
    let content = collect.read_file("analysis", text, runner, remedy)?;
    collect.value_or_problems(analysis::parse(&content, text, environment))
}
