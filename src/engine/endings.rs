//! How a mode ends when nothing went wrong: outcome, reason, and what serves in a sentence.

use super::Ending;
use crate::aws::arn::short_name;
use crate::event::Event;
use crate::outcome::{Outcome, Reason};
use crate::plan::{Plan, RolloutPlan};
use crate::rollout_kind::GatePlan;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::rollout::Rollout;

/// Nothing was rolled out: there is no service, or it runs the revision already.
pub(super) fn unchanged_ending(plan: &Plan, revision: &Revision) -> Ending {
    plan.rollout
        .as_ref()
        .map_or_else(|| registered_ending(revision), already_deployed_ending)
}

fn registered_ending(revision: &Revision) -> Ending {
    let sentence = format!(
        "{}; no service was given, so no traffic was touched",
        describe_revision(revision)
    );
    Ending {
        outcome: Outcome::Registered,
        reason: Reason::NoService,
        sentence,
    }
}

/// What was to be deployed serves already.
fn already_deployed_ending(plan: &RolloutPlan) -> Ending {
    let sentence = format!(
        "{} serves production already: nothing was to be deployed",
        short_name(&plan.blue.revision)
    );
    Ending {
        outcome: Outcome::AlreadyDeployed,
        reason: Reason::AlreadyRuns,
        sentence,
    }
}

pub(super) fn left_to_aws_ending(revision: &Revision) -> Ending {
    let sentence = format!(
        "the rollout of {} was started and is left to AWS; what serves traffic was not looked at",
        short_name(&revision.arn)
    );
    Ending {
        outcome: Outcome::Started,
        reason: Reason::NotWaited,
        sentence,
    }
}

/// Green waits at its gate and is tested; a person opens it.
pub(super) fn waiting_ending(run: &Run, rollout: &Rollout<'_>) -> Ending {
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    let is_unproven = run.test_url().is_some_and(|seen| seen.is_unproven());
    let green = match rollout.gate() {
        GatePlan::Test if rollout.serves_nothing() => "green is up, and was not tested",
        GatePlan::Test if is_unproven => {
            "green is up, and what passed at test-url is not proven to have reached it"
        }
        GatePlan::Test => "green is up and tested",
        GatePlan::Pass | GatePlan::Absent => "green is up, and was not tested",
    };
    let sentence = format!(
        "{green}; blue serves 100 % of production; {}; answer with mode: continue or mode: abort",
        rollout.if_left_alone()
    );
    Ending {
        outcome: Outcome::Waiting,
        reason: Reason::Approval,
        sentence,
    }
}

/// The analysis is inconclusive, and a person has to decide.
pub(super) fn inconclusive_ending(run: &Run, rollout: &Rollout<'_>, verdict: &str) -> Ending {
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    let (serves, if_left_alone) = (rollout.describe_serving(), rollout.if_left_alone());
    let sentence =
        format!("{verdict}; {serves}; {if_left_alone}; answer with mode: continue or mode: abort");
    Ending {
        outcome: Outcome::Waiting,
        reason: Reason::Inconclusive,
        sentence,
    }
}

pub(super) fn deployed_ending(run: &Run, rollout: &Rollout<'_>) -> Ending {
    let revision = rollout.revision();
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    if rollout.serves_nothing() {
        let sentence = format!(
            "{} is rolled out with zero tasks: nothing runs, nothing serves, and nothing was tested",
            short_name(&revision.arn)
        );
        return Ending {
            outcome: Outcome::Started,
            reason: Reason::ZeroTasks,
            sentence,
        };
    }
    let missing = rollout.missing_tasks().map(|(running, desired)| {
        format!("; {running} of its {desired} tasks ran when ECS called the deployment successful")
    });
    let sentence = format!(
        "green serves 100 % of production: {} ({}){}",
        short_name(&revision.arn),
        rollout.observed_by().describe(),
        missing.unwrap_or_default()
    );
    Ending {
        outcome: Outcome::Deployed,
        reason: Reason::AsPlanned,
        sentence,
    }
}

/// The revision, and whether the run registered it.
pub(super) fn describe_revision(revision: &Revision) -> String {
    let how = if revision.registered {
        "registered"
    } else {
        "is registered already, unchanged"
    };
    format!("{} {how}", short_name(&revision.arn))
}
