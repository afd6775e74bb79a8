//! PURE: what a deployment would do, for people who decide about it, and the digest with which a
//! later deployment is compared.
//!
//! One file, because each part of the preview is also a part of the digest.

use std::time::Duration;

use serde_json::Value;

use super::{Plan, QueuePlan, RolloutPlan, TaskPlan};
use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::choices::{Approval, Follow, ScaleIn};
use crate::documents::compare::{diff, is_equivalent};
use crate::documents::described::from_described;
use crate::documents::run_task::describe_words;
use crate::documents::task_definition::with_image;
use crate::duration::HumanDuration;
use crate::event::{
    PLAN_VERSION, Parts, PlannedDeployment, PlannedImage, PlannedRevision, PlannedStep, Step,
};
use crate::plan_digest;
use crate::registry::{EstimatedSize, PushEstimate};
use crate::rollout_kind::GatePlan;
use crate::survey::{ImageFound, Snapshot};
use crate::text::Text;

/// What a deployment by this plan would do. `estimate` is what the push of its image would send.
pub fn preview(
    plan: &Plan,
    snapshot: &Snapshot,
    queue: &QueuePlan,
    estimate: Option<&PushEstimate>,
) -> PlannedDeployment {
    let image = image(plan, snapshot, estimate);
    let pinned = image.as_ref().map(|image| image.to.as_str());
    let definition = pinned.map_or_else(
        || plan.definition.clone(),
        |pinned| with_image(&plan.definition, &plan.image_containers, pinned),
    );
    let task_definition = revision(plan, &definition);
    let service_changes = plan
        .rollout
        .as_ref()
        .map(service_changes)
        .unwrap_or_default();
    let is_unchanged = is_unchanged(plan, &task_definition, snapshot);
    PlannedDeployment {
        version: PLAN_VERSION,
        digest: digest(plan, snapshot),
        changes: !is_unchanged,
        controller: plan
            .rollout
            .as_ref()
            .map(|rollout| rollout.kind.controller().to_owned()),
        serves: plan
            .rollout
            .as_ref()
            .map(|rollout| rollout.blue.revision.clone())
            .filter(|blue| !blue.is_empty()),
        steps: if is_unchanged {
            migration_step(plan)
        } else {
            steps(plan, image.as_ref(), &task_definition)
        },
        if_left_alone: plan
            .rollout
            .as_ref()
            .filter(|_| !is_unchanged)
            .map(|rollout| rollout.kind.if_left_alone().into()),
        before: before(snapshot, queue),
        image,
        task_definition,
        service_changes,
    }
}

/// One hash for each part, so that a part that differs can be named without the plan that was
/// reviewed.
///
/// The image has a part of its own: the definition is hashed without it, so that a plan reads the
/// same before and after the image was pushed.
pub fn digest(plan: &Plan, snapshot: &Snapshot) -> String {
    let service = plan.rollout.as_ref().map(|rollout| {
        let change = rollout.kind.configuration_change();
        format!(
            "{change:?} {:?} {:?}",
            rollout.update,
            service_changes(rollout)
        )
    });
    plan_digest::of(&[
        image_identity(snapshot),
        plan.definition.to_string(),
        service.unwrap_or_default(),
        describe_rollout(plan),
        describe_checks(plan),
    ])
}

/// What tells the image from another one, before and after it was pushed.
fn image_identity(snapshot: &Snapshot) -> String {
    match &snapshot.image {
        Some(ImageFound::Local { source, .. }) => source
            .identity()
            .map(ToString::to_string)
            .unwrap_or_default(),
        Some(ImageFound::InRegistry { pinned, .. }) => pinned.clone(),
        Some(ImageFound::ByName(name)) => name.clone(),
        None => String::new(),
    }
}

/// Everything that decides how it is rolled out. Only its hash leaves this module.
fn describe_rollout(plan: &Plan) -> String {
    let task = plan
        .task
        .as_ref()
        .map(|task| format!("{:?} {:?}", task.request, task.migration));
    let rollout = plan.rollout.as_ref().map(|rollout| {
        let kind = &rollout.kind;
        let times = (
            kind.gate_timeout(),
            rollout.expected_duration,
            rollout.deadline,
        );
        let choices = (
            kind.controller(),
            kind.gate(),
            rollout.approval,
            rollout.follow,
        );
        let (steps, alarms) = (kind.traffic_steps(), rollout.alarms.all_names());
        let own = (kind.own_settings(), &rollout.blue.revision);
        format!(
            "{:?} {choices:?} {times:?} {steps:?} {alarms:?} {own:?}",
            rollout.place
        )
    });
    format!("{rollout:?} {task:?} {:?}", plan.scan)
}

/// Everything that is asked of green and production. Only its hash leaves this module.
fn describe_checks(plan: &Plan) -> String {
    let checks = &plan.checks;
    format!(
        "{:?} {:?} {:?} {:?}",
        checks.suite,
        checks.analysis,
        checks.test_url.as_ref().map(url::Url::as_str),
        checks.production_url.as_ref().map(url::Url::as_str)
    )
}

fn image(
    plan: &Plan,
    snapshot: &Snapshot,
    estimate: Option<&PushEstimate>,
) -> Option<PlannedImage> {
    let (asked, found) = (plan.image.as_ref()?, snapshot.image.as_ref()?);
    let from = asked.reference.to_string();
    let there = |to: &str| PlannedImage {
        from: from.clone(),
        to: to.to_owned(),
        sent: Parts::default(),
        uncompressed: false,
        existing: 0,
    };
    Some(match (found, estimate) {
        (ImageFound::InRegistry { pinned, .. }, _) => there(pinned),
        (ImageFound::ByName(name), _) => there(name),
        (ImageFound::Local { target, .. }, estimate) => {
            let name = format!("{}/{}", target.host(), target.repository);
            let digest = estimate.and_then(|estimate| estimate.digest.as_ref());
            let to = match (digest, asked.tags.first()) {
                (Some(digest), _) => format!("{name}@{digest}"),
                (None, Some(tag)) => format!("{name}:{}", tag.as_str()),
                (None, None) => name,
            };
            let (bytes, uncompressed) = match estimate.map(|estimate| estimate.size) {
                Some(EstimatedSize::Exact(bytes)) => (bytes, false),
                Some(EstimatedSize::Uncompressed(bytes)) => (bytes, true),
                None => (0, false),
            };
            PlannedImage {
                from,
                to,
                sent: Parts {
                    count: estimate.map_or(0, |estimate| estimate.missing),
                    bytes,
                },
                uncompressed,
                existing: estimate.map_or(0, |estimate| estimate.existing),
            }
        }
    })
}

fn revision(plan: &Plan, definition: &Value) -> PlannedRevision {
    let registered = plan
        .comparable_revisions
        .iter()
        .find(|registered| is_equivalent(definition, &registered.answer));
    let previous = plan.comparable_revisions.first();
    let changes = previous
        .filter(|_| registered.is_none())
        .map(|previous| {
            diff(
                &from_described(&previous.answer),
                definition,
                &plan.shown_values,
            )
        })
        .unwrap_or_default();
    PlannedRevision {
        family: definition["family"].as_str().unwrap_or_default().to_owned(),
        registered: registered.map(|registered| registered.arn.clone()),
        previous: previous.map(|previous| previous.arn.clone()),
        changes: changes
            .iter()
            .map(|change| change.to_string().into())
            .collect(),
    }
}

/// The settings sent to ECS or CodeDeploy besides the revision that differ from the present ones.
fn service_changes(rollout: &RolloutPlan) -> Vec<Text> {
    let update = &rollout.update;
    let mut lines: Vec<String> = Vec::new();
    if update.force_new_deployment {
        lines
            .push("a deployment is started although nothing changed (force-new-deployment)".into());
    }
    if let Some(count) = update.desired_count {
        let before = rollout
            .kind
            .desired_count()
            .map(|desired| format!("{desired} → "))
            .unwrap_or_default();
        lines.push(format!("desiredCount: {before}{count}"));
    }
    if let Some(tags) = update.enable_ecs_managed_tags {
        lines.push(format!("enableECSManagedTags: {tags}"));
    }
    if let Some(from) = &update.propagate_tags {
        lines.push(format!("propagateTags: {from}"));
    }
    if update.volume.is_some() {
        lines.push("volumeConfigurations: as the inputs say".into());
    }
    if let Some((before, after)) = rollout.kind.configuration_change() {
        lines.extend(
            diff(before, after, &[])
                .iter()
                .map(|change| format!("deploymentConfiguration.{change}")),
        );
    }
    if rollout.scale_in == ScaleIn::Suspended {
        lines.push("scale-in is suspended during the rollout, and restored at its end".into());
    }
    lines.extend(rollout.kind.temporary_changes());
    lines.into_iter().map(Text::from).collect()
}

fn is_unchanged(plan: &Plan, revision: &PlannedRevision, snapshot: &Snapshot) -> bool {
    let Some(registered) = &revision.registered else {
        return false;
    };
    let is_ours = snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours);
    plan.rollout
        .as_ref()
        .is_none_or(|rollout| !is_ours && rollout.runs_already(registered))
}

fn before(snapshot: &Snapshot, queue: &QueuePlan) -> Vec<Text> {
    let Some(running) = &snapshot.running else {
        return Vec::new();
    };
    let then = match queue {
        QueuePlan::Free if running.is_ours => {
            "it was started by this workflow run, and is followed"
        }
        QueuePlan::Free => return Vec::new(),
        QueuePlan::Replaced => "the new deployment takes its place",
        QueuePlan::Refused => "a deployment is refused until it is over (if-running)",
        QueuePlan::Wait(_) => "a deployment waits until it is over (if-running)",
        QueuePlan::Supersede(_) => "it is stopped and rolled back first (if-running)",
    };
    vec![format!("{}: {then}", running.describe()).into()]
}

fn steps(
    plan: &Plan,
    image: Option<&PlannedImage>,
    revision: &PlannedRevision,
) -> Vec<PlannedStep> {
    let mut steps = Vec::new();
    let mut add = |step, what: String, lasts: Option<Duration>| {
        steps.push(PlannedStep {
            step,
            what: what.into(),
            seconds: lasts
                .map(|lasts| lasts.as_secs())
                .filter(|seconds| *seconds > 0),
        });
    };
    if let Some(image) = image {
        add(Step::Image, image_step(image), None);
    }
    if plan.scan.is_some() {
        add(
            Step::Scan,
            "the registry's scan of the image is judged".into(),
            None,
        );
    }
    add(
        Step::Revision,
        match &revision.registered {
            Some(arn) => format!("{} is registered already", short_name(arn)),
            None => format!("a new revision of {} is registered", revision.family),
        },
        None,
    );
    if let Some(task) = &plan.task {
        let (step, what) = task_step(task);
        add(step, what, None);
    }
    if let Some(rollout) = &plan.rollout {
        for (step, what, lasts) in rollout_steps(plan, rollout) {
            add(step, what, lasts);
        }
    }
    steps
}

/// A migration runs also where nothing is rolled out.
fn migration_step(plan: &Plan) -> Vec<PlannedStep> {
    let task = plan.task.as_ref().filter(|task| task.migration.is_some());
    let step = task.map(task_step).map(|(step, what)| PlannedStep {
        step,
        what: what.into(),
        seconds: None,
    });
    step.into_iter().collect()
}

/// The task before the rollout.
fn task_step(task: &TaskPlan) -> (Step, String) {
    match &task.migration {
        None => (
            Step::Task,
            format!(
                "a task of the new revision runs; at most {}",
                HumanDuration(task.deadline)
            ),
        ),
        Some(migration) => (
            Step::Migration,
            format!(
                "{}\"{}\" runs in a task of the new revision{}; at most {}",
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
                HumanDuration(task.deadline)
            ),
        ),
    }
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

fn rollout_steps(plan: &Plan, rollout: &RolloutPlan) -> Vec<(Step, String, Option<Duration>)> {
    let kind = &rollout.kind;
    let mut steps = vec![(
        Step::Green,
        format!("it comes up ({})", kind.controller()),
        None,
    )];
    if rollout.follow == Follow::LeaveToAws {
        return steps;
    }
    if kind.gate() == GatePlan::Test {
        steps.push((
            Step::Gate,
            plan.checks.sentence(Moment::Green, "green"),
            None,
        ));
    }
    if rollout.approval == Approval::BeforeTraffic {
        let waits = kind.gate_timeout().as_secs() / 60;
        let within = if waits > 0 {
            format!(" within {waits} min")
        } else {
            String::new()
        };
        steps.push((
            Step::Gate,
            format!("a person answers{within}, with mode: continue or mode: abort"),
            None,
        ));
    }
    let shares = kind.traffic_steps();
    let shift: Duration = shares.iter().flatten().map(|(_, lasts)| *lasts).sum();
    let way = match shares.as_deref() {
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
    steps.push((Step::Shift, way, Some(shift)));
    if plan.checks.has(Moment::Production) {
        let what = plan.checks.sentence(Moment::Production, "production");
        steps.push((Step::Production, what, None));
    }
    let bake = rollout.expected_duration.saturating_sub(shift);
    if kind.has_blue() && rollout.follow == Follow::Completed {
        steps.push((
            Step::Bake,
            "blue is kept, then taken away".into(),
            Some(bake),
        ));
    }
    steps
}

fn shortened(percents: &[String]) -> String {
    match percents {
        [first, second, .., last] if percents.len() > 4 => {
            format!("{first}, {second} … {last}")
        }
        _ => percents.join(", "),
    }
}
