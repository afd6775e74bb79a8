//! Where production's traffic goes: nothing counts as shifted before somebody confirms it.

use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_rollout_shapes::{DeploymentStatus, ServiceDeployment};
use crate::decide::{Seen, Trouble};
use crate::documents::strategy::Strategy;
use crate::event::{ObservedBy, Serving};
use crate::observe::traffic::{self, Observed};
use crate::outcome::Reason;
use crate::plan::Balancer;

use super::EcsRollout;
use super::shown::on_green;

/// What is read so often is no read from before the shift.
const SURE: u32 = 6;

impl EcsRollout<'_> {
    /// Where production goes, for services whose load balancer is shifted.
    pub(super) async fn observe_traffic(&self) -> Option<Observed> {
        match self.own_plan.balancer {
            // Tasks are replaced behind one target group: weights say nothing.
            Balancer::Load if self.own_plan.strategy == Strategy::Rolling => None,
            Balancer::Load => traffic::observe(self.run, &self.plan.place, &self.plan.blue).await,
            Balancer::Lattice
            | Balancer::Gateway
            | Balancer::ServiceConnect
            | Balancer::Headless => None,
        }
    }

    /// Nothing counts as shifted before the listeners, or the next best observer, say so.
    pub(super) async fn confirm(&mut self, deployment: &ServiceDeployment, seen: Seen) -> Seen {
        if self.observed_by.is_some() && seen == Seen::Shifted {
            return seen;
        }
        if self.own_plan.strategy == Strategy::Rolling {
            return self.confirm_rolling(seen).await;
        }
        let observed_by = match self.observe_traffic().await {
            Some(observed) if observed.whole() == Some(Serving::Green) => observed.observed_by,
            Some(observed) => return self.shared(deployment, observed),
            // Users are shifted, and nobody saw where to.
            None if self.own_plan.balancer.unread().is_some()
                && deployment.status() == DeploymentStatus::Successful =>
            {
                ObservedBy::Controller
            }
            None if deployment.status() == DeploymentStatus::Successful => ObservedBy::Deployment,
            None if on_green(deployment).is_some_and(|percent| percent < 100.0) => {
                return Seen::Shifting;
            }
            None => ObservedBy::Controller,
        };
        self.confirm_green(observed_by);
        seen
    }

    /// ECS shifts no traffic any more, and some of it is not on green: somebody has changed the
    /// weights.
    pub(super) fn shared(&mut self, deployment: &ServiceDeployment, observed: Observed) -> Seen {
        self.shared_looks += 1;
        if self.shared_looks < SURE {
            return Seen::Shifting;
        }
        let sentence = format!(
            "service deployment {} has shifted all traffic, and somebody has changed the weights since",
            deployment.id()
        );
        Seen::Ended(Trouble {
            reason: Reason::RolloutFailed,
            sentence,
            cause: Some(observed.words()),
        })
    }

    /// Tasks are replaced behind one target group: that only green serves is seen at the service's
    /// deployments.
    async fn confirm_rolling(&mut self, seen: Seen) -> Seen {
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
            Some(_) => return Seen::Shifting,
            None => ObservedBy::Controller,
        };
        self.confirm_green(observed_by);
        seen
    }

    pub(super) fn confirm_green(&mut self, observed_by: ObservedBy) {
        if self.observed_by.replace(observed_by).is_none() {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, observed_by);
        }
    }
}
