//! ECS, rolling: a deployment of ours inside the service, recognised by its id and revision, never
//! by the clock.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::{RollingDeployment, Service};
use crate::decide::{Goal, RolloutStatus};
use crate::event::{Event, ObservedBy, Progress, Serving, StartedRollout, Tasks};
use crate::identity::{RollingDeploymentId, TargetGroupArn};
use crate::observe::outage::Outage;
use crate::observe::task_failures::TaskFailures;
use crate::plan::RolloutPlan;
use crate::rollout_kind::{FollowedRollout, RolloutObservation};
use crate::run::Run;
use crate::steps::revision::Revision;

use super::RolloutOrigin;

mod failure;
mod start;

pub(super) use start::{RollingError, base_request};

/// A read may be older than our update; what is read so often in a row is current.
const STALE_LOOKS: u32 = 6;

pub(super) struct RollingRollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    id: RollingDeploymentId,
    existing_deployments: &'a [RollingDeploymentId],
    /// Whether it was seen to be over without a task.
    serves_nothing: bool,
    outage: Outage,
    looks: u32,
    /// How often in a row ours was not shown.
    missing_looks: u32,
    /// Running and wanted tasks when it was complete.
    tasks: Option<(i64, i64)>,
    task_failures: TaskFailures,
}

impl<'a> RollingRollout<'a> {
    /// Follows a deployment that is there already, and was not among those `before` it; the caller
    /// arms its undo.
    pub(super) fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        existing_deployments: &'a [RollingDeploymentId],
        revision: &'a Revision,
        id: RollingDeploymentId,
        origin: RolloutOrigin,
    ) -> Self {
        let region = run.aws.partition().region();
        let console = format!(
            "https://{}/ecs/v2/clusters/{}/services/{}/deployments?region={region}",
            run.aws.partition().console(),
            plan.cluster,
            plan.service
        );
        run.emit(Event::RolloutStarted(StartedRollout {
            deployment: id.clone().into(),
            service_deployment: None,
            console,
            codedeploy: false,
            found: origin == RolloutOrigin::Found,
        }));
        Self {
            run,
            plan,
            revision,
            id,
            existing_deployments,
            serves_nothing: false,
            outage: Outage::default(),
            looks: 0,
            missing_looks: 0,
            tasks: None,
            task_failures: TaskFailures::default(),
        }
    }

    async fn look_at_service(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self
            .run
            .aws
            .describe_service(&self.plan.place.cluster, &self.plan.place.service)
            .await
        {
            Ok(ServiceLookup::Service(service)) => {
                self.outage.clear();
                let seen = match self.interpret(&service) {
                    seen @ (RolloutStatus::Preparing | RolloutStatus::Shifting) => self
                        .check_task_failures(&service, goal)
                        .await
                        .map_or(seen, RolloutStatus::Ended),
                    seen => seen,
                };
                RolloutObservation {
                    status: seen,
                    progress: self.progress(&service),
                    is_throttled: false,
                }
            }
            Ok(ServiceLookup::Missing(word)) => RolloutObservation {
                status: RolloutStatus::Ended(failure::explain_deleted_service(&word)),
                progress: None,
                is_throttled: false,
            },
            Err(error) => RolloutObservation::from_error(&mut self.outage, &error),
        }
    }

    fn interpret(&mut self, service: &Service) -> RolloutStatus {
        if !service.is_active() {
            return RolloutStatus::Ended(failure::explain_deleted_service(&service.status));
        }
        let ours = service
            .deployments
            .iter()
            .find(|deployment| deployment.id == self.id);
        self.missing_looks = if ours.is_none() {
            self.missing_looks + 1
        } else {
            0
        };
        match ours {
            None if self.is_stale(service) => RolloutStatus::Preparing,
            None => RolloutStatus::Ended(self.explain_replacement(service, None)),
            Some(ours) if ours.is_failed() => {
                RolloutStatus::Ended(failure::explain_failure(service, ours))
            }
            Some(ours) if ours.status != "PRIMARY" => {
                RolloutStatus::Ended(self.explain_replacement(service, Some(ours)))
            }
            Some(_) if service.desired_count == 0 && !self.plan.wants_zero => {
                RolloutStatus::Ended(failure::explain_zero_tasks())
            }
            Some(ours) if is_complete(service, ours) => {
                self.tasks = Some((ours.running_count, ours.desired_count));
                self.complete(service, ours)
            }
            Some(ours) if ours.running_count > 0 && self.has_replaced_tasks(service) => {
                RolloutStatus::Shifting
            }
            Some(_) => RolloutStatus::Preparing,
        }
    }

    /// Without ours, and with a primary deployment from before it: the read is older than our
    /// update, unless it stays so.
    fn is_stale(&self, service: &Service) -> bool {
        let primary = service.primary_deployment();
        self.missing_looks < STALE_LOOKS
            && primary.is_some_and(|primary| {
                self.existed_before(primary) && !failure::is_rolled_back(service, &self.id, primary)
            })
    }

    /// Whether a deployment was there before ours: it cannot have replaced ours.
    fn existed_before(&self, deployment: &RollingDeployment) -> bool {
        deployment.id != self.id && self.existing_deployments.contains(&deployment.id)
    }

    /// Whether old tasks are gone: ECS stops them as soon as enough of ours are healthy.
    fn has_replaced_tasks(&self, service: &Service) -> bool {
        let old_tasks: i64 = service
            .deployments
            .iter()
            .filter(|other| other.id != self.id)
            .map(|other| other.running_count)
            .sum();
        old_tasks < self.plan.tasks.min(service.desired_count)
    }

    fn complete(&mut self, service: &Service, ours: &RollingDeployment) -> RolloutStatus {
        self.serves_nothing = service.desired_count == 0 && ours.running_count == 0;
        if !self.serves_nothing {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, ObservedBy::Deployment);
        }
        RolloutStatus::Completed
    }

    async fn service_target_groups(&self) -> Vec<TargetGroupArn> {
        let place = &self.plan.place;
        let found = self
            .run
            .aws
            .describe_service(&place.cluster, &place.service)
            .await;
        match self
            .run
            .optional_read("whether green's targets are healthy is not checked", found)
        {
            Some(ServiceLookup::Service(service)) => service.target_groups(),
            Some(ServiceLookup::Missing(_)) | None => Vec::new(),
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

/// ECS shows COMPLETED; where a service has no such state, its counts decide.
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

impl FollowedRollout for RollingRollout<'_> {
    fn observe(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation> {
        self.look_at_service(goal).boxed_local()
    }

    fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    fn if_left_alone(&self) -> String {
        "ECS continues to replace the tasks".to_owned()
    }

    fn observed_by(&self) -> ObservedBy {
        ObservedBy::Deployment
    }

    fn is_in_place(&self) -> bool {
        true
    }

    fn serving_target_groups(&self) -> LocalBoxFuture<'_, Vec<TargetGroupArn>> {
        self.service_target_groups().boxed_local()
    }

    fn missing_tasks(&self) -> Option<(i64, i64)> {
        self.tasks.filter(|(running, desired)| running < desired)
    }

    fn serves_nothing(&self) -> bool {
        self.serves_nothing
    }
}
