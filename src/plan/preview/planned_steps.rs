//! PURE: the steps of a planned deployment, with what is asked of whom and how long each takes.

use std::time::Duration;

use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::choices::{Approval, Follow};
use crate::documents::run_task::describe_words;
use crate::duration::HumanDuration;
use crate::event::{PlannedImage, PlannedRevision, PlannedStep, Step};
use crate::plan::{Plan, RolloutPlan, TaskPlan};
use crate::rollout_kind::GatePlan;

/// How long a step takes, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
struct Lasting {
    at_least: Duration,
    at_most: Option<Duration>,
}

impl Lasting {
    fn at_least(at_least: Duration) -> Self {
        Self {
            at_least,
            at_most: None,
        }
    }

    fn at_most(at_most: Duration) -> Self {
        Self {
            at_most: Some(at_most).filter(|time| !time.is_zero()),
            ..Self::default()
        }
    }
}

fn planned_step(step: Step, what: String, lasting: Lasting) -> PlannedStep {
    PlannedStep {
        step,
        what: what.into(),
        seconds: Some(lasting.at_least.as_secs()).filter(|seconds| *seconds > 0),
        at_most_seconds: lasting.at_most.map(|time| time.as_secs()),
    }
}

/// Every step of a deployment, in their order.
pub(super) fn list_steps(
    plan: &Plan,
    image: Option<&PlannedImage>,
    revision: &PlannedRevision,
) -> Vec<PlannedStep> {
    let mut steps = Vec::new();
    let mut add = |step, what, lasting| steps.push(planned_step(step, what, lasting));
    if let Some(image) = image {
        add(Step::Image, image_step(image), Lasting::default());
    }
    if let Some(scan) = &plan.scan {
        add(
            Step::Scan,
            "the registry's scan of the image is judged".to_owned(),
            Lasting::at_most(scan.policy.wait),
        );
    }
    add(
        Step::Revision,
        match &revision.registered {
            Some(arn) => format!("{} is registered already", short_name(arn)),
            None => format!("a new revision of {} is registered", revision.family),
        },
        Lasting::default(),
    );
    if let Some(task) = &plan.task {
        steps.push(task_step(task));
    }
    if let Some(rollout) = &plan.rollout {
        steps.extend(rollout_steps(plan, rollout));
    }
    steps
}

/// A migration runs also where nothing is rolled out.
pub(super) fn migration_step(plan: &Plan) -> Vec<PlannedStep> {
    let task = plan.task.as_ref().filter(|task| task.migration.is_some());
    task.map(task_step).into_iter().collect()
}

/// The task before the rollout.
fn task_step(task: &TaskPlan) -> PlannedStep {
    let (step, what) = match &task.migration {
        None => (Step::Task, "a task of the new revision runs".to_owned()),
        Some(migration) => (
            Step::Migration,
            format!(
                "{}\"{}\" runs in a task of the new revision{}",
                migration
                    .backup
                    .as_ref()
                    .map(|backup| format!("after a snapshot of {}, ", backup.database))
                    .unwrap_or_default(),
                describe_words(&migration.command),
                if migration.companions.check.is_some() {
                    ", unless nothing is pending"
                } else {
                    ""
                },
            ),
        ),
    };
    planned_step(step, what, Lasting::at_most(task.deadline))
}

fn image_step(image: &PlannedImage) -> String {
    if image.sent.count == 0 {
        return format!("{} is there already", image.to);
    }
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let size = image.sent.bytes as f64 / 1_048_576.0;
    let size = if image.uncompressed {
        format!("at most {size:.1} MiB, before compression")
    } else {
        format!("{size:.1} MiB")
    };
    format!(
        "{} of {} parts are sent to {} ({size})",
        image.sent.count,
        image.sent.count + image.existing,
        image.to
    )
}

fn rollout_steps(plan: &Plan, rollout: &RolloutPlan) -> Vec<PlannedStep> {
    let kind = &rollout.kind;
    let mut steps = Vec::new();
    let mut add = |step, what, lasting| steps.push(planned_step(step, what, lasting));
    if rollout.follow == Follow::LeaveToAws {
        let what = format!(
            "its rollout is started ({}) and left to AWS (wait-for-service-stability)",
            kind.controller()
        );
        add(Step::Green, what, Lasting::default());
        return steps;
    }
    add(
        Step::Green,
        format!(
            "it comes up ({}); the whole rollout is followed for {} at most",
            kind.controller(),
            HumanDuration(rollout.deadline)
        ),
        Lasting::default(),
    );
    if kind.gate() == GatePlan::Test {
        let what = plan.checks.sentence(Moment::Green, "green");
        add(Step::Gate, what, Lasting::default());
    }
    if rollout.approval == Approval::BeforeTraffic {
        let what = "a person answers, with mode: continue or mode: abort".to_owned();
        add(Step::Gate, what, Lasting::at_most(kind.gate_timeout()));
    }
    let shift = shift_duration(rollout);
    add(
        Step::Shift,
        describe_shift(plan, rollout),
        Lasting::at_least(shift),
    );
    if plan.checks.has(Moment::Production) {
        let what = plan.checks.sentence(Moment::Production, "production");
        add(Step::Production, what, Lasting::default());
    }
    let bake = rollout.expected_duration.saturating_sub(shift);
    if kind.has_blue() && rollout.follow == Follow::Completed {
        let asked = if plan.checks.has(Moment::Bake) {
            format!("; {}", plan.checks.sentence(Moment::Bake, "production"))
        } else {
            String::new()
        };
        let what = format!("blue is kept, then taken away{asked}");
        add(Step::Bake, what, Lasting::at_least(bake));
    }
    steps
}

fn shift_duration(rollout: &RolloutPlan) -> Duration {
    let shares = rollout.kind.traffic_steps();
    shares.iter().flatten().map(|(_, lasts)| *lasts).sum()
}

/// How traffic moves, and what is looked at meanwhile.
fn describe_shift(plan: &Plan, rollout: &RolloutPlan) -> String {
    let way = match rollout.kind.traffic_steps().as_deref() {
        None => "tasks are replaced one after the other".to_owned(),
        Some([]) => "all traffic moves at once".to_owned(),
        Some(shares) => {
            let percents: Vec<String> = shares
                .iter()
                .map(|(percent, _)| format!("{percent} %"))
                .collect();
            format!("traffic moves by {}, then 100 %", shortened(&percents))
        }
    };
    let asked = if plan.checks.has(Moment::Step) {
        format!("; {}", plan.checks.sentence(Moment::Step, "green"))
    } else {
        String::new()
    };
    let alarms = rollout.alarms.all_names();
    let alarms = if alarms.is_empty() {
        String::new()
    } else {
        format!("; watched alarms: {}", alarms.join(", "))
    };
    format!("{way}{asked}{alarms}")
}

fn shortened(percents: &[String]) -> String {
    match percents {
        [first, second, .., last] if percents.len() > 4 => {
            format!("{first}, {second} … {last}")
        }
        _ => percents.join(", "),
    }
}
