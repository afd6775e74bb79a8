//! PURE: Settings and one survey of AWS → Plan, or every reason why not. Nothing is left to choose
//! afterwards.
//!
//! One file, because the plan's types are filled here in one place, from the parts in `plan/`.

use std::ops::Deref;
use std::time::Duration;

use serde_json::Value;

use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::DeploymentController;
use crate::checks::analysis::TrafficSchedule;
use crate::choices::{Approval, DroppedFields, Follow, PollSettings, ScaleIn};
use crate::documents::compare::ShownField;
use crate::documents::task_definition::TaskDefinition;
use crate::error::Failure;
use crate::identity::{ClusterName, RevisionArn, ServiceName};
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::rollout_kind::PlannedRollout;
use crate::run_order::RunOrder;
use crate::settings::{AppSpecSource, DefinitionSource, Settings};
use crate::survey::{RegisteredRevision, Snapshot};
use crate::undo::{Blue, ServiceKey};

mod alarms;
mod blue;
mod checks;
mod cleanup;
mod clearance;
mod codedeploy;
mod deadline;
mod definition;
mod ecs;
mod image;
mod preview;
mod refuse;
mod rolling;
mod running;
mod scan;
mod sides;
mod start_gates;
mod task;
mod test_url;
#[cfg(test)]
mod tests;
mod unusable;
mod unused;
mod unwatched;
mod verification;
mod warn;
mod weights;

pub use alarms::AlarmsPlan;
use blue::identify_blue;
pub use checks::ChecksPlan;
pub use cleanup::CleanupPlan;
pub use clearance::{
    Clearance, LeftoverHooks, LeftoversPlan, QueuePlan, SupersedePlan, WaitPlan, clearance,
};
pub use codedeploy::{AppSpecPlan, BuiltParts, CodeDeployPlan, GroupKey};
pub use ecs::{Balancer, EcsPlan};
pub use image::{ImagePlan, RepositoryNeed, RepositoryPlan};
pub use preview::{PreviewReads, digest, preview};
pub use rolling::RollingPlan;
pub use running::{
    HistoryQuery, InProgressPlan, RollbackChecks, RollbackPlan, RunningUndos, in_progress, rollback,
};
pub use scan::ScanPlan;
pub use sides::{ROLLBACK_RESERVE, traffic_queries};
pub use start_gates::{StartGatesPlan, start_gates};
pub use task::{MigrationPlan, MigrationUndoPlan, TaskHost, TaskPlan, command_override};
pub use test_url::TestUrlPlan;
pub use verification::{Obstacles, Verification, needs, verification};

/// Everything a deployment will do.
#[derive(Debug)]
pub struct Plan {
    /// The definition to register, without the image.
    pub definition: Value,
    /// The containers that get the image.
    pub image_containers: Vec<String>,
    /// The registered revisions the definition is compared with, the one that serves first.
    pub comparable_revisions: Vec<RegisteredRevision>,
    /// The fields of the definition whose values are shown, besides those that always are.
    pub shown_values: Vec<ShownField>,
    /// What happens when AWS drops a field of it.
    pub dropped_fields: DroppedFields,
    /// The repository that the image is pushed to.
    pub repository: Option<RepositoryPlan>,
    /// The image.
    pub image: Option<ImagePlan>,
    /// Which findings its scan may have.
    pub scan: Option<ScanPlan>,
    /// The task that runs before the rollout.
    pub task: Option<TaskPlan>,
    /// The rollout; none without a service.
    pub rollout: Option<RolloutPlan>,
    /// The checks of green and of production.
    pub checks: ChecksPlan,
    /// Which run goes first when others deploy the same service.
    pub order: RunOrder,
    /// How often AWS is read.
    pub poll: PollSettings,
    /// The undos of what an earlier attempt of this run has started.
    pub adopted_undos: RunningUndos,
    /// Notes about the inputs.
    pub notes: Vec<String>,
    /// Lines that describe the plan in the log.
    pub lines: Vec<String>,
    /// Things the user should know.
    pub warnings: Vec<String>,
}

/// A rollout of a service.
#[derive(Debug)]
pub struct RolloutPlan {
    /// The service.
    pub place: ServiceKey,
    /// The cluster's name, for ids and links.
    pub cluster: ClusterName,
    /// The service's name.
    pub service: ServiceName,
    /// What serves now.
    pub blue: Blue,
    /// The number of tasks that serve now.
    pub tasks: i64,
    /// How long it is followed.
    pub deadline: Duration,
    /// How long the traffic shift and the wait with blue take, as far as the run follows them.
    pub expected_duration: Duration,
    /// How traffic shifts to green, where both sides can be told apart.
    pub traffic_schedule: Option<TrafficSchedule>,
    /// The alarms that cause a rollback.
    pub alarms: AlarmsPlan,
    /// Where test-url leads, as far as that is known.
    pub test_url: TestUrlPlan,
    /// Who opens green's gate.
    pub approval: Approval,
    /// How far it is followed.
    pub follow: Follow,
    /// How often AWS is read.
    pub poll: PollSettings,
    /// What happens to scale-in meanwhile.
    pub scale_in: ScaleIn,
    /// What UpdateService sets besides the revision.
    pub update: ServiceUpdate,
    /// Whether the desired count is zero.
    pub wants_zero: bool,
    /// The controller, with what it needs.
    pub kind: RolloutKind,
}

impl RolloutPlan {
    /// Whether the service runs this revision already, with the requested number of tasks.
    pub fn runs_already(&self, revision: &RevisionArn) -> bool {
        let as_many = |desired: i32| {
            self.update
                .desired_count
                .is_none_or(|count| count == desired)
        };
        *revision == self.blue.revision
            && !self.update.force_new_deployment
            && self.kind.desired_count().is_none_or(as_many)
    }
}

/// The plan of one kind of rollout.
#[derive(Debug)]
pub enum RolloutKind {
    /// By CodeDeploy.
    CodeDeploy(Box<CodeDeployPlan>),
    /// By ECS, with weights and gates.
    Ecs(Box<EcsPlan>),
    /// By ECS, as a rolling update.
    Rolling(RollingPlan),
}

impl Deref for RolloutKind {
    type Target = dyn PlannedRollout;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::CodeDeploy(plan) => &**plan,
            Self::Ecs(plan) => &**plan,
            Self::Rolling(plan) => plan,
        }
    }
}

/// What UpdateService sets besides the revision.
#[derive(Debug)]
pub struct ServiceUpdate {
    /// Whether a deployment is started although nothing changed.
    pub force_new_deployment: bool,
    /// The desired count; unchanged when none.
    pub desired_count: Option<i32>,
    /// `enableECSManagedTags` of the request; not sent when none.
    pub enable_ecs_managed_tags: Option<bool>,
    /// `propagateTags` of the request; not sent when none.
    pub propagate_tags: Option<String>,
    /// The managed EBS volume in the form of UpdateService.
    pub volume: Option<Value>,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanRefusal {
    /// Problems with the inputs, or with what they name.
    Problems(Vec<Problem>),
    /// The run cannot start now, but may later.
    Failure(Failure),
}

/// Makes the plan of a deployment by this run.
///
/// # Errors
/// Every reason why the run cannot start.
pub fn plan(settings: &Settings, snapshot: &Snapshot, run: &str) -> Result<Plan, PlanRefusal> {
    let mut problems = refuse::find_problems(settings, snapshot);
    problems.extend(refuse::scan_problem(settings, snapshot));
    problems.extend(snapshot_problems(settings, snapshot));
    problems.extend(weights::find_problem(settings, snapshot));
    // Without a definition, further problems would only repeat the reason.
    let Some((definition, notes)) = collect_problems(
        &mut problems,
        definition::build_definition(settings, snapshot),
    ) else {
        return Err(PlanRefusal::Problems(problems));
    };
    problems.extend(image::find_problem(settings, snapshot, &definition));
    problems.extend(verification::problems_before_write(
        settings,
        snapshot,
        &definition,
    ));
    problems.extend(verification::lint_problems(settings, &definition));
    let image_containers = collect_problems(
        &mut problems,
        definition::find_image_containers(settings, &definition),
    );
    problems.extend(
        image_containers
            .iter()
            .flat_map(|containers| unusable::find_problems(&definition, containers)),
    );
    let image_containers = image_containers.unwrap_or_default();
    let rollout = collect_problems(
        &mut problems,
        plan_rollout(settings, snapshot, Some(&definition)),
    )
    .flatten();
    problems.extend(settings.task.iter().flat_map(|asked| {
        crate::documents::overrides::check_container_overrides(
            &asked.overrides,
            TaskDefinition(&definition),
        )
    }));
    let task = collect_problems(
        &mut problems,
        task::plan(settings, &definition, &image_containers),
    )
    .flatten();
    problems.extend(sides::find_problems(settings, snapshot, rollout.as_ref()));
    if !problems.is_empty() {
        return Err(PlanRefusal::Problems(problems));
    }
    refuse::check_startable(settings, snapshot)
        .and_then(|()| alarms::check_alarms(settings, snapshot))
        .map_err(PlanRefusal::Failure)?;
    let mut warnings = collect_warnings(settings, snapshot, rollout.as_ref(), notes);
    warnings.extend(verification::lint_warnings(settings, &definition));
    let repository = image::plan_repository(settings, snapshot);
    let mut lines = describe_plan(settings, snapshot, rollout.as_ref());
    lines.extend(repository.as_ref().and_then(RepositoryPlan::describe));
    Ok(Plan {
        definition,
        image_containers,
        comparable_revisions: definition::comparable_revisions(settings, snapshot),
        shown_values: settings.definition.shown_values.clone(),
        dropped_fields: settings.definition.dropped_fields,
        repository,
        image: image::plan(settings),
        scan: scan::plan(settings),
        task,
        rollout,
        checks: ChecksPlan::new(settings),
        order: task::run_order(settings),
        poll: settings.rollout.poll,
        adopted_undos: running::adopted_undos(settings, snapshot, run),
        notes: settings.notes.clone(),
        lines,
        warnings,
    })
}

fn collect_warnings(
    settings: &Settings,
    snapshot: &Snapshot,
    rollout: Option<&RolloutPlan>,
    definition_warnings: Vec<String>,
) -> Vec<String> {
    let mut warnings = warn::find_warnings(settings, snapshot);
    warnings.extend(alarms::find_warnings(settings, snapshot));
    warnings.extend(sides::gate_warning(settings, rollout));
    warnings.extend(definition_warnings);
    warnings.extend(test_url::unreachable_urls(snapshot).1);
    warnings
}

/// Problems that can be found in an incomplete survey, after one of its reads has failed.
pub fn partial_survey_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    let mut problems = refuse::find_problems(settings, snapshot);
    problems.extend(snapshot_problems(settings, snapshot));
    problems.extend(app_spec_problems(settings, snapshot));
    let is_known = match &settings.definition.source {
        DefinitionSource::File(_) => true,
        DefinitionSource::Registered(_) => snapshot.base_revision.is_some(),
        DefinitionSource::Live => snapshot.live_revision.is_some(),
    };
    if is_known
        && needs_revision(settings)
        && let Some((definition, _)) = collect_problems(
            &mut problems,
            definition::build_definition(settings, snapshot),
        )
    {
        let _ = collect_problems(
            &mut problems,
            definition::find_image_containers(settings, &definition),
        );
        problems.extend(verification::problems_before_write(
            settings,
            snapshot,
            &definition,
        ));
        problems.extend(verification::lint_problems(settings, &definition));
    }
    problems
}

/// Problems of the snapshot that do not depend on inputs, for a run whose inputs are wrong.
pub fn input_independent_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    snapshot_problems(settings, snapshot)
        .into_iter()
        .chain(app_spec_problems(settings, snapshot))
        .collect()
}

/// Problems that need no definition: alarms, the repository, URLs.
fn snapshot_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    let mut problems = alarms::find_problems(settings, snapshot);
    problems.extend(image::repository_problems(settings, snapshot));
    problems.extend(test_url::find_problems(settings, snapshot));
    problems
}

/// Whether the mode needs a task definition and an AppSpec.
fn needs_revision(settings: &Settings) -> bool {
    settings.mode.plans_deployment() || settings.mode == Mode::Rollback
}

/// Problems with an AppSpec for a service that needs one. If the service could not be read:
/// problems with an AppSpec that the user named.
fn app_spec_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    if !needs_revision(settings) {
        return Vec::new();
    }
    let Some(service) = &snapshot.service else {
        return settings.rollout.named_app_spec_problems().to_vec();
    };
    match &settings.rollout.app_spec {
        AppSpecSource::Unusable(problems)
            if service.controller() == DeploymentController::CodeDeploy =>
        {
            problems.clone()
        }
        AppSpecSource::Unusable(_) | AppSpecSource::File { .. } | AppSpecSource::Built => {
            Vec::new()
        }
    }
}

fn collect_problems<T>(problems: &mut Vec<Problem>, result: Result<T, Vec<Problem>>) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

/// Whether some of production's traffic does not go to blue, as far as it was read.
pub fn is_traffic_split(settings: &Settings, snapshot: &Snapshot) -> bool {
    weights::find_problem(settings, snapshot).is_some()
}

/// The plan for a rollout in progress: nothing is registered, so no definition is needed.
///
/// # Errors
///
/// Every reason why it cannot be followed.
fn plan_attached(
    settings: &Settings,
    snapshot: &Snapshot,
) -> Result<Option<RolloutPlan>, Vec<Problem>> {
    let problems = refuse::find_problems(settings, snapshot);
    if problems.is_empty() {
        plan_rollout(settings, snapshot, None)
    } else {
        Err(problems)
    }
}

fn plan_rollout(
    settings: &Settings,
    snapshot: &Snapshot,
    definition: Option<&Value>,
) -> Result<Option<RolloutPlan>, Vec<Problem>> {
    let Some(service) = &snapshot.service else {
        return Ok(None);
    };
    let kind = match service.controller() {
        DeploymentController::CodeDeploy => RolloutKind::CodeDeploy(Box::new(codedeploy::plan(
            settings, snapshot, service, definition,
        )?)),
        DeploymentController::Ecs(word) => match ecs::plan(settings, snapshot, service, &word)? {
            Some(plan) => RolloutKind::Ecs(Box::new(plan)),
            None => RolloutKind::Rolling(rolling::plan(service)),
        },
        DeploymentController::Other(_) => return Ok(None),
    };
    Ok(Some(RolloutPlan {
        place: running::service_key(settings),
        cluster: service.cluster_name().into(),
        service: service.service_name.clone(),
        blue: identify_blue(snapshot, service),
        tasks: service.running_count,
        deadline: deadline::deadline(settings, &kind),
        expected_duration: kind.expected_duration(settings),
        traffic_schedule: sides::traffic_schedule(&kind),
        alarms: alarms::plan(settings, snapshot),
        test_url: test_url::plan(snapshot, &kind),
        approval: settings.control.approval,
        follow: settings.rollout.follow,
        poll: settings.rollout.poll,
        scale_in: settings.control.scale_in,
        update: plan_update(settings),
        wants_zero: kind.wants_zero_tasks(settings.rollout.desired_count),
        kind,
    }))
}

fn plan_update(settings: &Settings) -> ServiceUpdate {
    let rollout = &settings.rollout;
    ServiceUpdate {
        force_new_deployment: rollout.force_new_deployment,
        desired_count: rollout.desired_count,
        enable_ecs_managed_tags: rollout.enable_ecs_managed_tags,
        propagate_tags: rollout.propagate_tags.clone(),
        volume: rollout.volume.configuration.clone(),
    }
}

/// The line of a plan with tests of green.
const TESTED: &str = "green is tested before users reach it";
/// The line of a plan without.
const UNTESTED: &str = "green is not tested before users reach it (no smoke-tests with test-url)";

fn describe_plan(
    settings: &Settings,
    snapshot: &Snapshot,
    rollout: Option<&RolloutPlan>,
) -> Vec<String> {
    let Some(rollout) = rollout else {
        return vec![
            "no service is given: the definition is registered, no traffic is touched".into(),
        ];
    };
    let mut lines = vec![format!(
        "{} serves with {} tasks",
        short_name(&rollout.blue.revision),
        rollout.tasks
    )];
    if settings.mode == Mode::Migrate {
        lines.push("only the migration runs: no traffic is touched".into());
        return lines;
    }
    lines.extend(rollout.kind.describe(settings));
    if warn::zero_tasks_warning(settings, snapshot).is_some() {
        lines.retain(|line| line != TESTED);
    }
    lines.extend(unwatched::find_warning(settings, snapshot, rollout));
    lines
}
