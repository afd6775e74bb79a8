//! PURE: what a deployment would do, for people who decide about it, and the digest with which a
//! later deployment is compared.
//!
//! One file, because each part of the preview is also a part of the digest.

use serde_json::Value;

use super::{Plan, QueuePlan, RolloutPlan};
use crate::aws::ecs_shapes::Service;
use crate::choices::ScaleIn;
use crate::documents::compare::{diff, is_equivalent};
use crate::documents::described::from_described;
use crate::documents::task_definition::with_image;
use crate::event::{
    FoundDrift, PLAN_VERSION, Parts, PlannedDeployment, PlannedImage, PlannedRevision,
};
use crate::plan_digest;
use crate::registry::{EstimatedSize, PushEstimate};
use crate::survey::{ImageFound, Snapshot};
use crate::text::Text;

mod planned_steps;

use planned_steps::{list_steps, migration_step};

/// What was read for the preview only.
#[derive(Debug, Default)]
pub struct PreviewReads {
    /// What the push of the image would send; none where nothing is pushed.
    pub estimate: Option<PushEstimate>,
    /// What the registry's scanner found in an image that is there already, a line for each of its
    /// platforms.
    pub scans: Vec<Text>,
    /// What was changed on the service since the last deployment; none without a service.
    pub drift: Option<FoundDrift>,
}

/// What a deployment by this plan would do.
pub fn preview(
    plan: &Plan,
    snapshot: &Snapshot,
    queue: &QueuePlan,
    seen: PreviewReads,
) -> PlannedDeployment {
    let PreviewReads {
        estimate,
        scans,
        drift,
    } = seen;
    let image =
        image(plan, snapshot, estimate.as_ref()).map(|image| PlannedImage { scans, ..image });
    let pinned = image.as_ref().map(|image| image.to.as_str());
    let definition = pinned.map_or_else(
        || plan.definition.clone(),
        |pinned| with_image(&plan.definition, &plan.image_containers, pinned),
    );
    let task_definition = revision(plan, &definition);
    let is_unchanged = is_unchanged(plan, &task_definition, snapshot);
    // What is set with a rollout is not set where there is none.
    let service_changes = plan
        .rollout
        .as_ref()
        .filter(|_| !is_unchanged)
        .map(|rollout| service_changes(rollout, snapshot.service.as_ref()))
        .unwrap_or_default();
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
            list_steps(plan, image.as_ref(), &task_definition)
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
        drift,
    }
}

/// One hash for each part, so that a part that differs can be named without the plan that was
/// reviewed.
///
/// The image has a part of its own: the definition is hashed without it, so that a plan reads the
/// same before and after the image was pushed.
pub fn digest(plan: &Plan, snapshot: &Snapshot) -> String {
    // Not what is there now: autoscaling may change the number of tasks until then.
    let service = plan.rollout.as_ref().map(|rollout| {
        let change = rollout.kind.configuration_change();
        let during = (rollout.scale_in, rollout.kind.temporary_changes());
        format!("{change:?} {:?} {during:?}", rollout.update)
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
        scans: Vec::new(),
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
                scans: Vec::new(),
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
fn service_changes(rollout: &RolloutPlan, service: Option<&Service>) -> Vec<Text> {
    let mut lines = update_changes(rollout, service);
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

fn update_changes(rollout: &RolloutPlan, service: Option<&Service>) -> Vec<String> {
    let update = &rollout.update;
    let present = service.map_or(&Value::Null, |service| &service.answer);
    let mut lines = Vec::new();
    if update.force_new_deployment {
        let line = "a deployment is started although nothing changed (force-new-deployment)";
        lines.push(line.to_owned());
    }
    let count = update.desired_count.map(Value::from);
    let before = rollout.kind.desired_count().map(Value::from);
    lines.extend(change_line("desiredCount", before.as_ref(), count));
    let tags = update.enable_ecs_managed_tags.map(Value::from);
    let none = Value::Bool(false);
    let before = present.get("enableECSManagedTags");
    let before = before.or(service.map(|_| &none));
    lines.extend(change_line("enableECSManagedTags", before, tags));
    let from = update.propagate_tags.clone().map(Value::from);
    lines.extend(change_line(
        "propagateTags",
        present.get("propagateTags"),
        from,
    ));
    if update.volume.is_some() {
        lines.push("volumeConfigurations: as the inputs say".to_owned());
    }
    lines
}

/// None where nothing is set, or what is there already.
fn change_line(field: &str, before: Option<&Value>, after: Option<Value>) -> Option<String> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let after = after.filter(|after| before != Some(after))?;
    let before = before.map(|before| format!("{} → ", text(before)));
    Some(format!(
        "{field}: {}{}",
        before.unwrap_or_default(),
        text(&after)
    ))
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
