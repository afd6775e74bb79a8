//! ECS, rolling: a deployment of ours inside the service, recognised by its id and revision, never
//! by the clock.

use serde_json::json;

use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::{ServiceLookup, update_request};
use crate::aws::ecs_sentences::remedy;
use crate::aws::ecs_shapes::{RollingDeployment, Service};
use crate::choices::Follow;
use crate::decide::{Goal, Seen, Trouble};
use crate::error::{Explain, Failure};
use crate::event::fact::{AwsFact, SoughtEffect};
use crate::event::{Event, ObservedBy, Progress, Serving, StartedRollout, Tasks};
use crate::observe::outage::Outage;
use crate::outcome::Reason;
use crate::plan::{RollingWay, RolloutKind, RolloutPlan};
use crate::poll_interval::Backoff;
use crate::run::{ArmedUndo, Run};
use crate::scrub::masked;
use crate::steps::revision::Revision;
use crate::steps::task_failures::{
    CountedTasks, DESCRIBE, LIMIT, LIST, TaskFailures, never_healthy,
};
use crate::undo::{RollingUndo, Undo};

use super::RolloutObservation;

/// A new deployment may take some looks to be shown.
const SHOWN: u32 = 14;
/// A read may be older than our update; what is read so often in a row is true.
const STALE: u32 = 6;
/// A circuit breaker that has not ended the deployment after so many failed tasks more than it
/// bears does not end it: tasks that become healthy for a while reset its count.
const RESET: i64 = 2;

/// A rolling deployment of ours.
pub struct Rolling<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    id: String,
    wants_zero: bool,
    /// Whether it was seen to be over without a task.
    serves_nothing: bool,
    blind: Outage,
    looks: u32,
    /// How often in a row ours was not shown.
    unseen: u32,
    /// Running and wanted tasks when it was complete.
    tasks: Option<(i64, i64)>,
    task_failures: TaskFailures,
}

/// ECS did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("ECS did not start the deployment")]
pub struct RollingError(#[from] AwsError);

impl Explain for RollingError {
    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn hint(&self) -> Option<String> {
        self.0
            .hint()
            .or_else(|| remedy(&self.0.message).map(str::to_owned))
    }
}

impl<'a> Rolling<'a> {
    /// Updates the service; armed before, adopted when the answer is lost.
    pub async fn start(
        run: &'a Run,
        plan: &'a RolloutPlan,
        way: &RollingWay,
        revision: &'a Revision,
    ) -> Result<Self, Failure> {
        let undo = RollingUndo {
            place: plan.place.clone(),
            previous: plan.blue.revision.clone(),
            ours: revision.arn.clone(),
            before: way.before.clone(),
            deployment: None,
            desired: plan
                .update
                .desired_count
                .filter(|count| *count != way.desired)
                .map(|_| way.desired),
        };
        let armed = run.arm(Undo::Rolling(undo.clone()));
        let service = update(run, armed, plan, way, revision).await?;
        let id = match started(plan, way, revision, &service) {
            Some(id) => id,
            // Nobody follows it: the service's own word that it takes the revision is enough.
            None if plan.follow == Follow::Not && service.task_definition == revision.arn => {
                service
                    .primary_deployment()
                    .map(|primary| primary.id.clone())
                    .unwrap_or_default()
            }
            None => shown(run, plan, way, revision).await?,
        };
        armed.narrow(Undo::Rolling(RollingUndo {
            deployment: Some(id.clone()),
            ..undo
        }));
        Ok(Self::attach(run, plan, revision, id, false))
    }

    /// Follows a deployment that is there already; its undo is the caller's business.
    pub fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        revision: &'a Revision,
        id: String,
        found: bool,
    ) -> Self {
        let region = run.aws.partition().region();
        let console = format!(
            "https://{}/ecs/v2/clusters/{}/services/{}/deployments?region={region}",
            run.aws.partition().console(),
            plan.cluster,
            plan.service
        );
        run.tell(Event::RolloutStarted(StartedRollout {
            deployment: id.clone(),
            service_deployment: None,
            console,
            codedeploy: false,
            found,
        }));
        Self {
            run,
            plan,
            revision,
            id,
            wants_zero: wants_zero(plan),
            serves_nothing: false,
            blind: Outage::default(),
            looks: 0,
            unseen: 0,
            tasks: None,
            task_failures: TaskFailures::default(),
        }
    }

    /// Whether it was complete without a task: none is wanted, and none runs.
    pub fn serves_nothing(&self) -> bool {
        self.serves_nothing
    }

    /// Running and wanted tasks when it was complete, where some were missing.
    pub fn missing_tasks(&self) -> Option<(i64, i64)> {
        self.tasks.filter(|(running, desired)| running < desired)
    }

    /// Tasks of green that have failed.
    pub fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    /// Looks at the service.
    pub async fn look(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self
            .run
            .aws
            .describe_service(&self.plan.place.cluster, &self.plan.place.service)
            .await
        {
            Ok(ServiceLookup::Service(service)) => {
                self.blind.sees();
                let seen = match self.seen(&service) {
                    seen @ (Seen::Preparing | Seen::Shifting) => self
                        .never_healthy(&service, goal)
                        .await
                        .map_or(seen, Seen::Ended),
                    seen => seen,
                };
                RolloutObservation {
                    seen,
                    progress: self.progress(&service),
                    is_throttled: false,
                }
            }
            Ok(ServiceLookup::Missing(word)) => RolloutObservation {
                seen: Seen::Ended(gone(&word)),
                progress: None,
                is_throttled: false,
            },
            Err(error) => RolloutObservation::blind(&mut self.blind, &error),
        }
    }

    fn seen(&mut self, service: &Service) -> Seen {
        if !service.is_active() {
            return Seen::Ended(gone(&service.status));
        }
        let ours = service
            .deployments
            .iter()
            .find(|deployment| deployment.id == self.id);
        self.unseen = if ours.is_none() { self.unseen + 1 } else { 0 };
        match ours {
            None if self.is_stale(service) => Seen::Preparing,
            None => Seen::Ended(self.replaced(service, None)),
            Some(ours) if ours.is_failed() => Seen::Ended(failed(service, ours)),
            Some(ours) if ours.status != "PRIMARY" => {
                Seen::Ended(self.replaced(service, Some(ours)))
            }
            Some(_) if service.desired_count == 0 && !self.wants_zero => Seen::Ended(zero()),
            Some(ours) if is_complete(service, ours) => {
                self.tasks = Some((ours.running_count, ours.desired_count));
                self.completed(service.desired_count == 0 && ours.running_count == 0)
            }
            Some(ours) if ours.running_count > 0 && self.has_replaced(service) => Seen::Shifting,
            Some(_) => Seen::Preparing,
        }
    }

    /// Without ours, and with a primary deployment from before it: the read is older than our
    /// update, unless it stays so.
    fn is_stale(&self, service: &Service) -> bool {
        let primary = service.primary_deployment();
        self.unseen < STALE
            && primary.is_some_and(|primary| {
                self.was_before(primary) && !is_rolled_back(service, &self.id, primary)
            })
    }

    /// Whether a deployment was there before ours: it cannot have taken the place of ours.
    fn was_before(&self, deployment: &RollingDeployment) -> bool {
        matches!(&self.plan.way, RolloutKind::Rolling(way) if deployment.id != self.id && way.before.contains(&deployment.id))
    }

    /// Whether tasks of before are gone: ECS takes them away as soon as enough of ours are healthy.
    fn has_replaced(&self, service: &Service) -> bool {
        let left: i64 = service
            .deployments
            .iter()
            .filter(|other| other.id != self.id)
            .map(|other| other.running_count)
            .sum();
        left < self.plan.tasks.min(service.desired_count)
    }

    /// What ends it although ECS would go on: tasks of ours that fail again and again. A circuit
    /// breaker comes first.
    async fn never_healthy(&mut self, service: &Service, goal: Goal) -> Option<Trouble> {
        let ours = service
            .deployments
            .iter()
            .find(|deployment| deployment.id == self.id)?;
        let counted = CountedTasks {
            place: &self.plan.place,
            revision: &self.revision.arn,
            since: ours.created_at,
            deployment: Some(&self.id),
        };
        self.task_failures
            .look(self.run, &counted, self.looks)
            .await;
        let limit = service.tolerated_failures().map_or(LIMIT, |borne| {
            usize::try_from(borne + RESET).unwrap_or(LIMIT)
        });
        self.task_failures.trouble(limit, goal).or_else(|| {
            self.counted_by_ecs(service, ours, limit)
                .filter(|_| goal != Goal::Watch)
        })
    }

    /// Where tasks cannot be read, ECS's own count and words are taken.
    fn counted_by_ecs(
        &self,
        service: &Service,
        ours: &RollingDeployment,
        limit: usize,
    ) -> Option<Trouble> {
        let failed = usize::try_from(ours.failed_tasks).unwrap_or_default();
        let is_only_source = self.run.is_denied(LIST) || self.run.is_denied(DESCRIBE);
        (is_only_source && failed >= limit.max(LIMIT))
            .then(|| never_healthy(failed, why_in_events(service)))
    }

    fn completed(&mut self, serves_nothing: bool) -> Seen {
        self.serves_nothing = serves_nothing;
        if !serves_nothing {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, ObservedBy::Deployment);
        }
        Seen::Completed
    }

    /// Ours is not what ECS works towards any more: ECS rolled it back, or somebody deployed
    /// something else.
    fn replaced(&self, service: &Service, ours: Option<&RollingDeployment>) -> Trouble {
        let primary = service.primary_deployment();
        let is_rollback = primary.is_some_and(|primary| {
            primary.task_definition == self.plan.blue.revision
                && is_rolled_back(service, &self.id, primary)
        });
        if is_rollback {
            let event = service
                .events
                .iter()
                .find(|event| event.message.contains(&self.id) && event.message.contains("failed"));
            let cause = ours
                .and_then(|ours| ours.rollout_state_reason.clone())
                .or_else(|| event.map(|event| event.message.clone()));
            let cause = cause.as_deref().map(masked);
            return Trouble {
                reason: Reason::TasksUnhealthy,
                sentence: format!("ECS rolled deployment {} back", self.id),
                cause,
            };
        }
        if let Some(former) = primary.filter(|primary| self.was_before(primary)) {
            let former = format!("{} of {}", former.id, short_name(&former.task_definition));
            let sentence = format!(
                "deployment {} was rolled back: {former}, which ran before it, is primary again",
                self.id
            );
            return Trouble {
                reason: Reason::Stopped,
                sentence,
                cause: ours
                    .and_then(|ours| ours.rollout_state_reason.as_deref())
                    .map(masked),
            };
        }
        let newer = primary.map_or_else(
            || "no deployment".to_owned(),
            |primary| {
                format!(
                    "deployment {} of {} ({})",
                    primary.id,
                    short_name(&primary.task_definition),
                    primary.rollout_state.as_deref().unwrap_or("state unknown")
                )
            },
        );
        Trouble {
            reason: Reason::Superseded,
            sentence: format!("{newer} took the place of ours, {}", self.id),
            cause: None,
        }
    }

    fn progress(&self, service: &Service) -> Option<Progress> {
        let ours = service
            .deployments
            .iter()
            .find(|deployment| deployment.id == self.id)?;
        let tasks = Tasks {
            running: ours.running_count,
            desired: ours.desired_count,
            failed: ours.failed_tasks,
        };
        Some(Progress {
            stage: ours
                .rollout_state
                .clone()
                .unwrap_or_else(|| ours.status.clone())
                .into(),
            traffic: None,
            tasks: Some(tasks),
        })
    }
}

/// Whether no task is wanted: as the inputs say, else as the service did.
fn wants_zero(plan: &RolloutPlan) -> bool {
    plan.update.desired_count.map_or_else(
        || matches!(&plan.way, RolloutKind::Rolling(way) if way.desired == 0),
        |count| count == 0,
    )
}

/// ECS marks the deployment that rolls back in its own reason, and says so in the service's events.
fn is_rolled_back(service: &Service, ours: &str, primary: &RollingDeployment) -> bool {
    let says = |text: &str| text.contains("rolling back");
    let in_reason = primary.rollout_state_reason.as_deref().is_some_and(says);
    let in_events = service.events.iter().any(|event| {
        (says(&event.message) && event.message.contains(&primary.id))
            || (event.message.contains(ours) && event.message.contains("failed"))
    });
    in_reason || in_events
}

/// COMPLETED is ECS's word; services that have no such word yet are judged by their counts.
fn is_complete(service: &Service, ours: &RollingDeployment) -> bool {
    match ours.rollout_state {
        // With early success criteria ECS completes while old tasks still serve; green has not all
        // of it until they are gone.
        Some(_) => {
            ours.is_completed()
                && service
                    .deployments
                    .iter()
                    .all(|other| other.id == ours.id || other.running_count == 0)
        }
        None => {
            service.deployments.len() == 1
                && ours.running_count == ours.desired_count
                && ours.desired_count > 0
        }
    }
}

fn failed(service: &Service, ours: &RollingDeployment) -> Trouble {
    let breaker = service.circuit_breaker();
    let follows = if breaker.rollback {
        "ECS rolls it back"
    } else {
        "ECS leaves it as it is"
    };
    let sentence = format!(
        "deployment {} failed after {} tasks could not be kept running; {follows}",
        ours.id, ours.failed_tasks
    );
    Trouble {
        reason: Reason::TasksUnhealthy,
        sentence,
        cause: ours.rollout_state_reason.as_deref().map(masked),
    }
}

fn gone(word: &str) -> Trouble {
    Trouble {
        reason: Reason::Superseded,
        sentence: format!("the service is {word} now: somebody deleted it while it was deployed"),
        cause: None,
    }
}

fn zero() -> Trouble {
    Trouble {
        reason: Reason::ZeroTasks,
        sentence:
            "the service wants zero tasks now: somebody scaled it down, so nothing of ours serves"
                .into(),
        cause: None,
    }
}

async fn update(
    run: &Run,
    armed: ArmedUndo<'_>,
    plan: &RolloutPlan,
    way: &RollingWay,
    revision: &Revision,
) -> Result<Service, Failure> {
    let request = request(plan, revision);
    let error = match run.aws.update_service(&request).await {
        Ok(service) => return Ok(service),
        Err(error) => error,
    };
    if !error.may_have_landed() {
        armed.disarm();
        return Err(RollingError(error).into());
    }
    run.tell(AwsFact::AnswerLost {
        error: error.to_string().into(),
        effect: SoughtEffect::DeploymentStarted,
    });
    if let ServiceLookup::Service(service) = run
        .aws
        .describe_service(&plan.place.cluster, &plan.place.service)
        .await
        .map_err(RollingError)?
        && ours(&service, &way.before, &revision.arn).is_some()
    {
        return Ok(*service);
    }
    Ok(run
        .aws
        .update_service(&request)
        .await
        .map_err(RollingError)?)
}

/// The request with everything but the deployment's configuration.
pub(super) fn request(plan: &RolloutPlan, revision: &Revision) -> serde_json::Value {
    let update = &plan.update;
    let mut request = update_request(&plan.place.cluster, &plan.place.service, &revision.arn);
    let optional = [
        (
            "forceNewDeployment",
            update.force_new_deployment.then(|| json!(true)),
        ),
        (
            "desiredCount",
            update.desired_count.map(|count| json!(count)),
        ),
        (
            "enableECSManagedTags",
            update.enable_ecs_managed_tags.map(|tags| json!(tags)),
        ),
        (
            "propagateTags",
            update.propagate_tags.as_ref().map(|tags| json!(tags)),
        ),
        (
            "volumeConfigurations",
            update.volume.as_ref().map(|volume| json!([volume])),
        ),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            request[key] = value;
        }
    }
    request
}

/// What the service's events say of tasks that fail, the newest first.
fn why_in_events(service: &Service) -> Option<String> {
    let says_why = |text: &str| {
        ["unhealthy", "unable to", "failed"]
            .iter()
            .any(|word| text.contains(word))
    };
    service
        .events
        .iter()
        .map(|event| &event.message)
        .find(|message| says_why(message))
        .map(|message| masked(message))
}

/// Whether an UpdateService with this revision starts a deployment. A service that has it already,
/// also from another run whose rollout is in progress, only takes the other settings.
fn starts_one(plan: &RolloutPlan, way: &RollingWay, revision: &Revision) -> bool {
    revision.arn != way.target || plan.update.force_new_deployment || plan.update.volume.is_some()
}

/// The deployment that is followed: the new one of our revision, or the one that runs it already
/// where none is started.
fn started(
    plan: &RolloutPlan,
    way: &RollingWay,
    revision: &Revision,
    service: &Service,
) -> Option<String> {
    let runs = || {
        service
            .primary_deployment()
            .filter(|primary| primary.task_definition == revision.arn)
    };
    let found = ours(service, &way.before, &revision.arn);
    let found = if starts_one(plan, way, revision) {
        found
    } else {
        found.or_else(runs)
    };
    found.map(|deployment| deployment.id.clone())
}

/// The same, where AWS's answer did not show it yet.
async fn shown(
    run: &Run,
    plan: &RolloutPlan,
    way: &RollingWay,
    revision: &Revision,
) -> Result<String, Failure> {
    let mut easing = Backoff::default();
    let mut blind = Outage::default();
    for _ in 0..SHOWN {
        let read = blind
            .keep(
                run.aws
                    .describe_service(&plan.place.cluster, &plan.place.service)
                    .await,
            )
            .map_err(RollingError)?;
        if let Some(ServiceLookup::Service(service)) = read
            && let Some(id) = started(plan, way, revision, &service)
        {
            return Ok(id);
        }
        easing.rest().await;
    }
    let sentence = format!(
        "ECS took the update, but no deployment of {} appeared",
        short_name(&revision.arn)
    );
    Err(Failure::new(Reason::AwsFailed, sentence)
        .hint("look at the service's deployments and events in the AWS console"))
}

/// The deployment that was not there before and brings our revision.
fn ours<'s>(
    service: &'s Service,
    before: &[String],
    revision: &str,
) -> Option<&'s RollingDeployment> {
    service.deployments.iter().find(|deployment| {
        deployment.task_definition == revision && !before.contains(&deployment.id)
    })
}
