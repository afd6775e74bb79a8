//! `mode: smoke`: the smoke tests against what serves now. Nothing is deployed or rolled back.

use super::{Ending, Halt, checks, planning, run_step};
use crate::aws::ecs::ServiceLookup;
use crate::checks::moment::Moment;
use crate::checks::smoke::Values;
use crate::documents::described::from_described;
use crate::error::Failure;
use crate::event::{Event, Step};
use crate::outcome::{Outcome, Reason};
use crate::plan::ChecksPlan;
use crate::planner::Planner;
use crate::problem::Problem;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::smoke;

/// Instead of what a deployment would advise.
const HINT: &str = "this is what serves now: mode: rollback goes back to the last good deployment";

pub(super) async fn test(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let plan = planner.checks();
    if plan.host.service.is_some() {
        planning::begin_sessions(run, planner).await?;
    }
    let prepared = checks::prepare(run, &plan).await?;
    let revision = read_serving_revision(run, &plan).await?;
    let values = Values {
        secrets: prepared.secrets,
        ..smoke::build_values(&plan, None, &revision)
    };
    let (mut passed, mut failures) = (0, Vec::new());
    for (moment, step) in [
        (Moment::Green, Step::Gate),
        (Moment::Production, Step::Production),
    ] {
        if !checks::has_tests(&plan, moment) {
            continue;
        }
        let tests = checks::run_tests(run, &plan, moment, &values, || {});
        match run_step(run, step, tests, |passed| format!("{passed} passed")).await {
            Ok(count) => passed += count,
            // Nothing was tested: AWS did not start a tester, or did not answer.
            Err(failure) if failure.reason != Reason::SmokeFailed => return Err(failure.into()),
            Err(mut failure) => {
                failure
                    .hints
                    .retain(|hint| hint.as_str() == smoke::UNREACHABLE);
                if moment == Moment::Production {
                    failure = failure.with_hint(HINT);
                }
                failures.push(failure);
            }
        }
    }
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    Ok(ending(run, passed, failures))
}

/// The revision that serves, for the variables of the tests; an empty one without a service.
async fn read_serving_revision(run: &Run, plan: &ChecksPlan) -> Result<Revision, Halt> {
    let mut revision = Revision {
        arn: String::new().into(),
        definition: serde_json::Value::Null,
        registered: false,
    };
    let Some(service) = &plan.host.service else {
        return Ok(revision);
    };
    let cluster = &plan.host.cluster;
    let found = run
        .aws
        .describe_service(cluster, service)
        .await
        .map_err(Failure::from)?;
    let ServiceLookup::Service(service) = found else {
        return Err(Halt::Refused(vec![Problem::new(
            "service",
            format!("there is no service `{service}` in cluster `{cluster}`"),
            "check service, cluster and aws-region, or leave service out",
        )]));
    };
    revision.arn.clone_from(service.revision());
    let described = run
        .aws
        .describe_task_definition(revision.arn.as_str())
        .await;
    let check = "the digest of what serves is not known to the tests";
    if let Some(answer) = run.optional_read(check, described) {
        revision.definition = from_described(&answer);
    }
    Ok(revision)
}

fn ending(run: &Run, passed: usize, failures: Vec<Failure>) -> Ending {
    let failed: Vec<String> = failures
        .iter()
        .map(|failure| failure.sentence().to_owned())
        .collect();
    for failure in failures {
        run.emit(Event::Failed { failure });
    }
    if failed.is_empty() {
        Ending {
            outcome: Outcome::Tested,
            reason: Reason::AsPlanned,
            sentence: match passed {
                1 => "1 test passed; nothing was deployed".to_owned(),
                _ => format!("{passed} tests passed; nothing was deployed"),
            },
        }
    } else {
        Ending {
            outcome: Outcome::TestsFailed,
            reason: Reason::SmokeFailed,
            sentence: format!("{}; nothing was deployed or rolled back", failed.join("; ")),
        }
    }
}
