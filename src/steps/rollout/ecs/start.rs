//! Starting a service deployment: one UpdateService with the revision, the strategy and our pauses;
//! adopted when the answer is lost; its own snapshot read back before any traffic can move.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::EcsRollout;
use super::marks::ServiceUpdateCall;
use super::search::{
    LIST_LOOKS, NEVER_LISTED, UpdateAnswer, classify_answer, find_after_lost_answer, find_listed,
    superseded_by_same_revision,
};
use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::documents::deployment_configuration::{self as configuration, HookIdentity, Pause};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::event::{Event, StartedRollout};
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{DeploymentCriteria, DeploymentSearch};
use crate::observe::task_failures::TaskFailures;
use crate::outcome::Reason;
use crate::plan::{EcsPlan, RolloutPlan};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::rollout::rolling::base_request;
use crate::steps::rollout::{Interrupted, RolloutOrigin};
use crate::undo::{EcsUndo, HooksUndo, Undo};

impl<'a> EcsRollout<'a> {
    /// Updates the service; armed before, adopted when the answer is lost, and checked before
    /// traffic moves.
    pub(in crate::steps::rollout) async fn start(
        run: &'a Run,
        plan: &'a RolloutPlan,
        own_plan: &'a EcsPlan,
        revision: &'a Revision,
    ) -> Result<Self, Interrupted> {
        let pause = new_pause(run, own_plan, revision);
        let body = build_request(plan, own_plan, revision, pause.as_ref());
        if body.get("deploymentConfiguration").is_some() {
            let strategy = own_plan
                .configuration
                .is_some()
                .then(|| configuration::strategy_members(own_plan.present_configuration.as_ref()));
            let (place, run_id) = (plan.place.clone(), Some(run.id.clone()));
            let before = configuration::hooks_of_others(
                own_plan.present_configuration.as_ref(),
                HookIdentity::from_pause(own_plan.leftover_pause.as_ref()),
            );
            run.arm(Undo::Hooks(HooksUndo {
                place,
                strategy,
                run: run_id,
                pause: pause.clone(),
                before,
            }));
        }
        let undo = EcsUndo {
            place: plan.place.clone(),
            ours: revision.arn.clone(),
            before: own_plan.existing_deployments.clone(),
            deployment: None,
            blue: plan.blue.clone(),
            is_first: own_plan.is_first,
            in_place: own_plan.strategy == Strategy::Rolling,
            run: run_mark(run, own_plan, &body),
            desired: plan
                .update
                .desired_count
                .filter(|count| *count != own_plan.desired_count)
                .map(|_| own_plan.desired_count),
        };
        let armed = run.arm(Undo::Ecs(undo.clone()));
        let wanted = DeploymentCriteria {
            place: &plan.place,
            existing_deployments: &own_plan.existing_deployments,
            revision: &revision.arn,
            run: undo.run.as_deref(),
        };
        let mut update = ServiceUpdateCall {
            run,
            place: &plan.place,
            body,
            pause: pause.as_ref(),
        };
        let found = match classify_answer(run, armed, update.send().await)? {
            UpdateAnswer::Answered => find_listed(run, wanted, LIST_LOOKS).await?,
            UpdateAnswer::Lost => find_after_lost_answer(run, wanted, &mut update).await?,
        };
        let deployment = match found {
            DeploymentSearch::Ours(deployment) => deployment,
            DeploymentSearch::OtherRuns(other) => {
                armed.disarm();
                return Err(Box::pin(superseded_by_same_revision(run, plan, &other)).await);
            }
            DeploymentSearch::Nothing => {
                return Err(Failure::new(Reason::AwsFailed, NEVER_LISTED).into());
            }
        };
        armed.refine(Undo::Ecs(EcsUndo {
            deployment: Some(deployment.arn.clone()),
            ..undo
        }));
        let mut rollout = Self::attach(
            run,
            plan,
            own_plan,
            revision,
            &deployment,
            RolloutOrigin::Started,
        );
        rollout.pause = pause;
        rollout.check_pauses(&deployment)?;
        rollout.resolve_conflict().await?;
        Ok(rollout)
    }

    /// Follows a deployment that is there already; the caller arms its undo.
    pub(in crate::steps::rollout) fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        own_plan: &'a EcsPlan,
        revision: &'a Revision,
        deployment: &ServiceDeployment,
        origin: RolloutOrigin,
    ) -> Self {
        let partition = run.aws.partition();
        let console = format!(
            "https://{}/ecs/v2/clusters/{}/services/{}/deployments/{}?region={}",
            partition.console(),
            plan.cluster,
            plan.service,
            deployment.id(),
            partition.region()
        );
        let service_deployment = Some(deployment.arn.clone());
        run.emit(Event::RolloutStarted(StartedRollout {
            deployment: deployment.id().into(),
            service_deployment,
            console,
            codedeploy: false,
            found: origin == RolloutOrigin::Found,
        }));
        Self {
            run,
            plan,
            own_plan,
            revision,
            arn: deployment.arn.clone(),
            green: None,
            looks: 0,
            answered: BTreeMap::new(),
            waiting_pause: None,
            paused_stages: configuration::all_paused_stages(&deployment.deployment_configuration),
            pause: None,
            inherits_gate: configuration::marked_stages(&deployment.deployment_configuration)
                .contains(configuration::GREEN)
                && !own_plan.pauses.contains(configuration::GREEN),
            early_pauses: configuration::count_early_pauses(&deployment.deployment_configuration),
            traffic_steps: usize::try_from(configuration::traffic_step_count(
                &deployment.deployment_configuration,
            ))
            .unwrap_or(1),
            seen_pauses: BTreeSet::new(),
            timeout_minutes: configuration::green_pause_minutes(
                &deployment.deployment_configuration,
            ),
            is_green_passed: false,
            is_production_passed: false,
            outage: Outage::default(),
            observed_by: None,
            task_failures: TaskFailures::default(),
            shared_looks: 0,
        }
    }

    /// The deployment's own snapshot of the configuration governs it: without its gates it must not
    /// reach users.
    fn check_pauses(&self, deployment: &ServiceDeployment) -> Result<(), Failure> {
        let paused = configuration::all_paused_stages(&deployment.deployment_configuration);
        let missing: BTreeSet<&String> = self.own_plan.pauses.difference(&paused).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.into_iter().map(String::as_str).collect::<Vec<_>>();
        let sentence = format!(
            "service deployment {} does not pause at {}, although it was asked to",
            deployment.id(),
            missing.join(", ")
        );
        Err(
            Failure::new(Reason::HooksMissing, sentence).with_hint(format!(
                "put the hooks into the service's own definition, with manage-hooks: false: {}",
                configuration::hook_snippet(&missing, self.own_plan.pause_minutes)
            )),
        )
    }
}

/// Our pause, where the service's own hooks leave a gate open.
fn new_pause(run: &Run, own_plan: &EcsPlan, revision: &Revision) -> Option<Pause> {
    (!own_plan.added_pauses.is_empty()).then(|| Pause {
        stages: own_plan.added_pauses.clone(),
        minutes: own_plan.pause_minutes,
        run: run.id.clone(),
        is_registered: revision.registered,
    })
}

/// The request: the configuration as it was planned, with our pause.
fn build_request(
    plan: &RolloutPlan,
    own_plan: &EcsPlan,
    revision: &Revision,
    pause: Option<&Pause>,
) -> Value {
    let mut body = base_request(plan, revision);
    let (planned, present) = (
        own_plan.configuration.as_ref(),
        own_plan.present_configuration.as_ref(),
    );
    let changed = match pause {
        Some(pause) => configuration::with_pause(planned, present, pause),
        None => planned.cloned(),
    };
    if let Some(changed) = changed {
        body["deploymentConfiguration"] = changed;
    }
    body
}

/// Our run id, where the deployment carries it. None while hooks of an earlier run are on the
/// service: another run's deployment could be taken for ours by them.
fn run_mark(run: &Run, own_plan: &EcsPlan, body: &Value) -> Option<String> {
    let sent = body
        .get("deploymentConfiguration")
        .and_then(configuration::marked_run);
    let leftover = own_plan
        .present_configuration
        .as_ref()
        .and_then(configuration::marked_run);
    (sent.is_some() && leftover.is_none()).then(|| run.id.clone())
}
