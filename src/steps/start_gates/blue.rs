//! The gate `blue-healthy`: production's smoke tests, on what serves before anything is written. A
//! test that fails there has failed before this deployment, and is not green's fault.

use crate::checks::gates::{GateFinding, GateKind};
use crate::checks::moment::Moment;
use crate::checks::smoke::{self, RunLimits, Suite, TestResult, TestVerdict, Values};
use crate::documents::described::from_described;
use crate::observe::revision_version::find_version;
use crate::plan::StartGatesPlan;
use crate::run::Run;
use crate::start_gates::GateReading;
use crate::steps::revision::Revision;
use crate::steps::secrets;
use crate::steps::smoke::{build_values, describe_failure};
use crate::survey::RegisteredRevision;

pub(super) async fn read(run: &Run, plan: &StartGatesPlan) -> GateReading {
    let finding = find(run, plan).await.unwrap_or_else(|finding| finding);
    GateReading::new(GateKind::BlueHealthy, "", finding)
}

async fn find(run: &Run, plan: &StartGatesPlan) -> Result<GateFinding, GateFinding> {
    let checks = &plan.checks;
    let (Some(suite), Some(url), Some(blue)) =
        (&checks.suite, checks.url(Moment::Production), &plan.blue)
    else {
        let why = "what serves now is not known";
        return Err(GateFinding::unreadable(
            why,
            "allow the reads of docs/iam.md",
        ));
    };
    let values = blue_values(run, plan, (suite, blue)).await?;
    let limits = RunLimits::default();
    let results = smoke::run(suite, Moment::Production, url, &values, &limits, &|_| {}).await;
    let failed: Vec<&TestResult> = results
        .iter()
        .filter(|result| result.verdict == TestVerdict::Failed)
        .collect();
    run.set_failed_before(failed.iter().map(|result| result.name.clone()).collect());
    Ok(match failed.first() {
        None => GateFinding::open(match results.len() {
            1 => "1 smoke test passes on blue".to_owned(),
            passed => format!("{passed} smoke tests pass on blue"),
        }),
        Some(failed) => GateFinding::closed(
            format!(
                "{}; it failed before this deployment, so green is not its cause",
                describe_failure(failed, "on blue")
            ),
            "when the test passes on what serves now, or is corrected",
        ),
    })
}

/// The values of the tests' variables for blue, not for what is to be deployed.
async fn blue_values(
    run: &Run,
    plan: &StartGatesPlan,
    (suite, blue): (&Suite, &RegisteredRevision),
) -> Result<Values, GateFinding> {
    let revision = Revision {
        arn: blue.arn.clone(),
        definition: from_described(&blue.answer),
        registered: false,
    };
    let version = if suite.uses_version() {
        let found = find_version(run, &revision.definition).await;
        found.ok_or_else(|| {
            GateFinding::unreadable(
                "the tests use ${version}, and the image that serves now has no tag that tells it",
                "push images with a tag of their version, or test for the version in a test that is only for green",
            )
        })?
    } else {
        String::new()
    };
    let secrets = secrets::fetch(run, &plan.checks).await.map_err(|failure| {
        let remedy = failure.hints.first().map(ToString::to_string);
        GateFinding::unreadable(failure.sentence(), remedy.unwrap_or_default())
    })?;
    Ok(Values {
        version,
        secrets,
        ..build_values(&plan.checks, None, &revision)
    })
}
