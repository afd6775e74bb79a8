//! Starting a service deployment: one UpdateService with the revision, the strategy and our pauses;
//! adopted when the answer is lost; its own snapshot read back before any traffic can move.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::EcsRollout;
use super::contest::{Contest, contest};
use super::marks::Update;
use super::trouble::named;
use crate::aws::AwsError;
use crate::aws::ecs_rollout_shapes::{Brief, ServiceDeployment};
use crate::documents::deployment_configuration::{self as configuration, KnownHooks, Pause};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::event::fact::{AwsFact, QueueFact, SoughtEffect};
use crate::event::{Event, StartedRollout};
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{DeploymentSearch, Wanted, find_wanted};
use crate::observe::serving;
use crate::outcome::Reason;
use crate::plan::{EcsWay, RolloutPlan};
use crate::poll_interval::Backoff;
use crate::run::{ArmedUndo, Run};
use crate::steps::revision::Revision;
use crate::steps::rollout::rolling::{RollingError, request};
use crate::steps::rollout::{Interrupted, ONE_AT_A_TIME};
use crate::steps::task_failures::TaskFailures;
use crate::undo::{EcsUndo, HooksUndo, Undo};

/// A new deployment may take some looks to be listed.
const LISTED: u32 = 14;
/// One whose start was not answered is given up sooner, and started again.
const LOST: u32 = 6;
/// ECS stops an older deployment with the update that starts a newer one; a read may be some
/// seconds old.
const STOPS: Duration = Duration::from_secs(20);
const NOT_LISTED: &str = "ECS took the update, but no deployment of it appeared";

impl<'a> EcsRollout<'a> {
    /// Updates the service; armed before, adopted when the answer is lost, and checked before
    /// traffic moves.
    pub async fn start(
        run: &'a Run,
        plan: &'a RolloutPlan,
        way: &'a EcsWay,
        revision: &'a Revision,
    ) -> Result<Self, Interrupted> {
        let pause = pause(run, way, revision);
        let body = body(plan, way, revision, pause.as_ref());
        if body.get("deploymentConfiguration").is_some() {
            let strategy = way
                .configuration
                .is_some()
                .then(|| configuration::strategy_members(way.present.as_ref()));
            let (place, run_id) = (plan.place.clone(), Some(run.id.clone()));
            let before = configuration::others_hooks(
                way.present.as_ref(),
                KnownHooks::by_form(way.left.as_ref()),
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
            before: way.known.clone(),
            deployment: None,
            blue: plan.blue.clone(),
            is_first: way.is_first,
            in_place: way.strategy == Strategy::Rolling,
            run: marks(run, way, &body),
            desired: plan
                .update
                .desired_count
                .filter(|count| *count != way.desired)
                .map(|_| way.desired),
        };
        let armed = run.arm(Undo::Ecs(undo.clone()));
        let wanted = Wanted {
            place: &plan.place,
            known: &way.known,
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
        let mut ecs = Self::attach(run, plan, way, revision, &deployment, false);
        ecs.pause = pause;
        ecs.has_its_pauses(&deployment)?;
        ecs.outlasts_others().await?;
        Ok(ecs)
    }

    /// Follows a deployment that is there already; its undo is the caller's business.
    pub fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        way: &'a EcsWay,
        revision: &'a Revision,
        deployment: &ServiceDeployment,
        found: bool,
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
            found,
        }));
        Self {
            run,
            plan,
            way,
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
                && !way.pauses.contains(configuration::GREEN),
            early: configuration::early_pauses(&deployment.deployment_configuration),
            shares: usize::try_from(configuration::shares(&deployment.deployment_configuration))
                .unwrap_or(1),
            seen_pauses: BTreeSet::new(),
            timeout_minutes: configuration::pause_of(&deployment.deployment_configuration),
            is_green_passed: false,
            is_production_passed: false,
            blind: Outage::default(),
            witness: None,
            task_failures: TaskFailures::default(),
            shared_looks: 0,
        }
    }

    /// Somebody else may have begun a deployment between our look at the service and our update.
    /// ECS stops the older one for ours; where it does not, what serves when ours comes is not the
    /// blue that we know.
    async fn outlasts_others(&self) -> Result<(), Failure> {
        let (began, mut easing, mut is_told) = (Instant::now(), Backoff::default(), false);
        loop {
            let place = &self.plan.place;
            let read = self
                .run
                .aws
                .service_deployments(&place.cluster, &place.service)
                .await;
            let history = self
                .run
                .optional_read(
                    "whether somebody else deployed at the same time is not known",
                    read,
                )
                .unwrap_or_default();
            match contest(&self.arn, &self.way.known, &history) {
                Contest::Settled => return Ok(()),
                Contest::Overtaken(other) => return Err(self.yields(other).await),
                Contest::Open(other) if began.elapsed() > STOPS => {
                    return Err(self.yields(other).await);
                }
                Contest::Open(other) if !is_told => {
                    let theirs = named(self.run, other).await;
                    self.run.tell(QueueFact::StartedTogether {
                        theirs: theirs.into(),
                    });
                    is_told = true;
                }
                Contest::Open(_) => {}
            }
            easing.rest().await;
        }
    }

    async fn yields(&self, other: &Brief) -> Failure {
        let sentence = format!(
            "{} was started at the same time; ours is rolled back",
            named(self.run, other).await
        );
        Failure::new(Reason::AlreadyRunning, sentence).hint(ONE_AT_A_TIME)
    }

    /// The deployment's own snapshot says what governs it: without its gates it must not reach
    /// users.
    fn has_its_pauses(&self, deployment: &ServiceDeployment) -> Result<(), Failure> {
        let there = configuration::all_paused_stages(&deployment.deployment_configuration);
        let missing: BTreeSet<&String> = self.way.pauses.difference(&there).collect();
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
            configuration::snippet(&missing, self.way.pause_minutes)
        )))
    }
}

/// Our pause, where the service's own hooks leave a gate open.
fn pause(run: &Run, way: &EcsWay, revision: &Revision) -> Option<Pause> {
    (!way.added_pauses.is_empty()).then(|| Pause {
        stages: way.added_pauses.clone(),
        minutes: way.pause_minutes,
        run: run.id.clone(),
        is_registered: revision.registered,
    })
}

/// The request: the configuration as it was planned, with our pause.
fn body(plan: &RolloutPlan, way: &EcsWay, revision: &Revision, pause: Option<&Pause>) -> Value {
    let mut body = request(plan, revision);
    let (planned, present) = (way.configuration.as_ref(), way.present.as_ref());
    let changed = match pause {
        Some(pause) => configuration::with_pause(planned, present, pause),
        None => planned.cloned(),
    };
    if let Some(changed) = changed {
        body["deploymentConfiguration"] = changed;
    }
    body
}

/// Whether AWS answered.
enum Sent {
    Answered,
    Lost,
}

/// When the answer is lost, the list of deployments says whether it landed. Sent again after all,
/// the same revision starts nothing twice.
async fn after_lost(
    run: &Run,
    wanted: Wanted<'_>,
    update: &mut Update<'_>,
) -> Result<DeploymentSearch, Failure> {
    if let Ok(found @ (DeploymentSearch::Ours(_) | DeploymentSearch::OtherRuns(_))) =
        listed(run, wanted, LOST).await
    {
        update.keep_known(None).await;
        return Ok(found);
    }
    update.send().await.map_err(RollingError::from)?;
    listed(run, wanted, LISTED).await
}

/// Our run id, where a deployment of ours carries it and no hook of a former run could be taken for
/// another run's deployment.
fn marks(run: &Run, way: &EcsWay, body: &Value) -> Option<String> {
    let sent = body
        .get("deploymentConfiguration")
        .and_then(configuration::marked_run);
    let left = way.present.as_ref().and_then(configuration::marked_run);
    (sent.is_some() && left.is_none()).then(|| run.id.clone())
}

/// Another run has started a deployment of the very same revision: it is theirs, and nothing of
/// ours is to be rolled back.
async fn same_revision(run: &Run, plan: &RolloutPlan, theirs: &ServiceDeployment) -> Interrupted {
    let by = configuration::marked_run(&theirs.deployment_configuration)
        .map(|run| format!(" by workflow run {run}"))
        .unwrap_or_default();
    let sentence = format!(
        "service deployment {} ({}) brings the same revision, started{by} at the same time",
        theirs.id(),
        theirs.word
    );
    let serves = Box::pin(serving::now(run, &plan.place, &plan.blue)).await;
    Interrupted::Superseded {
        failure: Failure::new(Reason::Superseded, sentence).hint(ONE_AT_A_TIME),
        serves,
    }
}

fn sent(run: &Run, armed: ArmedUndo<'_>, answer: Result<(), AwsError>) -> Result<Sent, Failure> {
    match answer {
        Ok(()) => Ok(Sent::Answered),
        Err(error) if error.may_have_landed() => {
            run.tell(AwsFact::AnswerLost {
                error: error.to_string().into(),
                effect: SoughtEffect::DeploymentStarted,
            });
            Ok(Sent::Lost)
        }
        Err(error) => {
            armed.disarm();
            Err(RollingError::from(error).into())
        }
    }
}

/// A new deployment may take a while to be listed.
async fn listed(run: &Run, wanted: Wanted<'_>, looks: u32) -> Result<DeploymentSearch, Failure> {
    let mut easing = Backoff::default();
    let (mut last, mut theirs) = (None, None);
    for _ in 0..looks {
        match find_wanted(run, wanted).await {
            Ok(DeploymentSearch::Nothing) => {}
            // Ours may be listed later than theirs.
            Ok(found @ DeploymentSearch::OtherRuns(_)) => theirs = Some(found),
            Ok(found) => return Ok(found),
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => last = Some(error),
        }
        easing.rest().await;
    }
    if let Some(theirs) = theirs {
        return Ok(theirs);
    }
    last.map_or(Ok(DeploymentSearch::Nothing), |error| {
        Err(Failure::new(Reason::AwsFailed, NOT_LISTED).caused_by(error.to_string()))
    })
}
