//! Starting a service deployment: one UpdateService with the revision, the strategy and our pauses;
//! adopted when the answer is lost; its own snapshot read back before any traffic can move.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::EcsRollout;
use super::marks::Update;
use super::search::{LISTED, NOT_LISTED, Sent, after_lost, listed, same_revision, sent};
use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::documents::deployment_configuration::{self as configuration, KnownHooks, Pause};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::event::{Event, StartedRollout};
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{DeploymentSearch, Wanted};
use crate::observe::task_failures::TaskFailures;
use crate::outcome::Reason;
use crate::plan::{EcsPlan, RolloutPlan};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::rollout::rolling::request;
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
        let pause = pause(run, own_plan, revision);
        let body = body(plan, own_plan, revision, pause.as_ref());
        if body.get("deploymentConfiguration").is_some() {
            let strategy = own_plan
                .configuration
                .is_some()
                .then(|| configuration::strategy_members(own_plan.present.as_ref()));
            let (place, run_id) = (plan.place.clone(), Some(run.id.clone()));
            let before = configuration::others_hooks(
                own_plan.present.as_ref(),
                KnownHooks::by_form(own_plan.left.as_ref()),
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
            before: own_plan.known.clone(),
            deployment: None,
            blue: plan.blue.clone(),
            is_first: own_plan.is_first,
            in_place: own_plan.strategy == Strategy::Rolling,
            run: marks(run, own_plan, &body),
            desired: plan
                .update
                .desired_count
                .filter(|count| *count != own_plan.desired)
                .map(|_| own_plan.desired),
        };
        let armed = run.arm(Undo::Ecs(undo.clone()));
        let wanted = Wanted {
            place: &plan.place,
            known: &own_plan.known,
            revision: &revision.arn,
            run: undo.run.as_deref(),
        };
        let mut update = Update {
            run,
            place: &plan.place,
            body,
            pause: pause.as_ref(),
        };
        let found = match sent(run, armed, update.send().await)? {
            Sent::Answered => listed(run, wanted, LISTED).await?,
            Sent::Lost => after_lost(run, wanted, &mut update).await?,
        };
        let deployment = match found {
            DeploymentSearch::Ours(deployment) => deployment,
            DeploymentSearch::OtherRuns(theirs) => {
                armed.disarm();
                return Err(Box::pin(same_revision(run, plan, &theirs)).await);
            }
            DeploymentSearch::Nothing => {
                return Err(Failure::new(Reason::AwsFailed, NOT_LISTED).into());
            }
        };
        armed.narrow(Undo::Ecs(EcsUndo {
            deployment: Some(deployment.arn.clone()),
            ..undo
        }));
        let mut ecs = Self::attach(
            run,
            plan,
            own_plan,
            revision,
            &deployment,
            RolloutOrigin::Started,
        );
        ecs.pause = pause;
        ecs.has_its_pauses(&deployment)?;
        ecs.outlast_others().await?;
        Ok(ecs)
    }

    /// Follows a deployment that is there already; its undo is the caller's business.
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
        run.tell(Event::RolloutStarted(StartedRollout {
            deployment: deployment.id().to_owned(),
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
            waiting: None,
            pauses: configuration::all_paused_stages(&deployment.deployment_configuration),
            pause: None,
            inherits_gate: configuration::stages_of_runs(&deployment.deployment_configuration)
                .contains(configuration::GREEN)
                && !own_plan.pauses.contains(configuration::GREEN),
            early: configuration::early_pauses(&deployment.deployment_configuration),
            shares: usize::try_from(configuration::shares(&deployment.deployment_configuration))
                .unwrap_or(1),
            seen_pauses: BTreeSet::new(),
            timeout_minutes: configuration::pause_of(&deployment.deployment_configuration),
            is_green_passed: false,
            is_production_passed: false,
            outage: Outage::default(),
            observed_by: None,
            task_failures: TaskFailures::default(),
            shared_looks: 0,
        }
    }

    /// The deployment's own snapshot says what governs it: without its gates it must not reach
    /// users.
    fn has_its_pauses(&self, deployment: &ServiceDeployment) -> Result<(), Failure> {
        let there = configuration::all_paused_stages(&deployment.deployment_configuration);
        let missing: BTreeSet<&String> = self.own_plan.pauses.difference(&there).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.into_iter().map(String::as_str).collect::<Vec<_>>();
        let sentence = format!(
            "service deployment {} does not pause at {}, although it was asked to",
            deployment.id(),
            missing.join(", ")
        );
        Err(Failure::new(Reason::HooksMissing, sentence).hint(format!(
            "put the hooks into the service's own definition, with manage-hooks: false: {}",
            configuration::snippet(&missing, self.own_plan.pause_minutes)
        )))
    }
}

/// Our pause, where the service's own hooks leave a gate open.
fn pause(run: &Run, own_plan: &EcsPlan, revision: &Revision) -> Option<Pause> {
    (!own_plan.added_pauses.is_empty()).then(|| Pause {
        stages: own_plan.added_pauses.clone(),
        minutes: own_plan.pause_minutes,
        run: run.id.clone(),
        is_registered: revision.registered,
    })
}

/// The request: the configuration as it was planned, with our pause.
fn body(
    plan: &RolloutPlan,
    own_plan: &EcsPlan,
    revision: &Revision,
    pause: Option<&Pause>,
) -> Value {
    let mut body = request(plan, revision);
    let (planned, present) = (own_plan.configuration.as_ref(), own_plan.present.as_ref());
    let changed = match pause {
        Some(pause) => configuration::with_pause(planned, present, pause),
        None => planned.cloned(),
    };
    if let Some(changed) = changed {
        body["deploymentConfiguration"] = changed;
    }
    body
}

/// Our run id, where a deployment of ours carries it and no hook of a former run could be taken for
/// another run's deployment.
fn marks(run: &Run, own_plan: &EcsPlan, body: &Value) -> Option<String> {
    let sent = body
        .get("deploymentConfiguration")
        .and_then(configuration::marked_run);
    let left = own_plan
        .present
        .as_ref()
        .and_then(configuration::marked_run);
    (sent.is_some() && left.is_none()).then(|| run.id.clone())
}
