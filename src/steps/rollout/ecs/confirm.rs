//! Where production's traffic goes: nothing counts as shifted before it is observed.

use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_rollout_shapes::{DeploymentStatus, ServiceDeployment};
use crate::decide::{RolloutFailure, RolloutStatus};
use crate::documents::strategy::Strategy;
use crate::event::{ObservedBy, Serving};
use crate::observe::traffic::{self, ProductionTraffic};
use crate::outcome::Reason;
use crate::plan::Balancer;

use super::EcsRollout;
use super::description::green_percent;

/// After so many reads, what they show is not from before the shift.
const SURE_LOOKS: u32 = 6;

impl EcsRollout<'_> {
    /// Where production goes, for services whose load balancer is shifted.
    pub(super) async fn observe_traffic(&self) -> Option<ProductionTraffic> {
        match self.own_plan.balancer {
            // Tasks are replaced behind one target group: its weights show nothing.
            Balancer::LoadBalancer if self.own_plan.strategy == Strategy::Rolling => None,
            Balancer::LoadBalancer => {
                traffic::observe(self.run, &self.plan.place, &self.plan.blue).await
            }
            Balancer::Lattice
            | Balancer::Gateway
            | Balancer::ServiceConnect
            | Balancer::Headless => None,
        }
    }

    /// Nothing counts as shifted before the listeners, or the next best observer, show it.
    pub(super) async fn confirm_shift(
        &mut self,
        deployment: &ServiceDeployment,
        status: RolloutStatus,
    ) -> RolloutStatus {
        if self.observed_by.is_some() && status == RolloutStatus::Shifted {
            return status;
        }
        if self.own_plan.strategy == Strategy::Rolling {
            return self.confirm_rolling(status).await;
        }
        let observed_by = match self.observe_traffic().await {
            Some(observed) if observed.sole_side() == Some(Serving::Green) => observed.observed_by,
            Some(observed) => return self.status_if_shared(deployment, observed),
            // Users are shifted, and no read shows where to.
            None if self.own_plan.balancer.unread_name().is_some()
                && deployment.status() == DeploymentStatus::Successful =>
            {
                ObservedBy::Controller
            }
            None if deployment.status() == DeploymentStatus::Successful => ObservedBy::Deployment,
            None if green_percent(deployment).is_some_and(|percent| percent < 100.0) => {
                return RolloutStatus::Shifting;
            }
            None => ObservedBy::Controller,
        };
        self.confirm_green(observed_by);
        status
    }

    /// ECS shifts no traffic any more, and some of it is not on green: somebody has changed the
    /// weights.
    pub(super) fn status_if_shared(
        &mut self,
        deployment: &ServiceDeployment,
        observed: ProductionTraffic,
    ) -> RolloutStatus {
        self.shared_looks += 1;
        if self.shared_looks < SURE_LOOKS {
            return RolloutStatus::Shifting;
        }
        let sentence = format!(
            "service deployment {} has shifted all traffic, and somebody has changed the weights since",
            deployment.id()
        );
        RolloutStatus::Ended(RolloutFailure {
            reason: Reason::RolloutFailed,
            sentence,
            cause: Some(observed.describe()),
        })
    }

    /// Tasks are replaced behind one target group: that only green serves is seen at the service's
    /// deployments.
    async fn confirm_rolling(&mut self, status: RolloutStatus) -> RolloutStatus {
        let place = &self.plan.place;
        let read = self
            .run
            .aws
            .describe_service(&place.cluster, &place.service)
            .await;
        let read = self.run.optional_read(
            "that only the new revision runs is taken from the controller",
            read,
        );
        let observed_by = match read {
            Some(ServiceLookup::Service(service)) if service.runs_only(&self.revision.arn) => {
                ObservedBy::Deployment
            }
            Some(_) => return RolloutStatus::Shifting,
            None => ObservedBy::Controller,
        };
        self.confirm_green(observed_by);
        status
    }

    pub(super) fn confirm_green(&mut self, observed_by: ObservedBy) {
        if self.observed_by.replace(observed_by).is_none() {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, observed_by);
        }
    }
}
