//! Deployments that somebody else has started at the same time as ours.

use std::time::Duration;

use tokio::time::Instant;

use super::EcsRollout;
use super::conflict::{Conflict, detect_conflict};
use super::failure::describe_deployment;
use crate::aws::ecs_rollout_shapes::ServiceDeploymentSummary;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::steps::rollout::ONE_AT_A_TIME;

/// ECS stops an older deployment with the update that starts a newer one; a read may be some
/// seconds old.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

impl EcsRollout<'_> {
    /// Somebody else may start a deployment between our read of the service and our update. ECS
    /// stops the older one for ours; where it does not, blue is not the revision that we planned to
    /// return to, and ours is rolled back.
    pub(super) async fn resolve_conflict(&self) -> Result<(), Failure> {
        let (began, mut backoff, mut is_reported) = (Instant::now(), Backoff::default(), false);
        loop {
            let history = self
                .read_history("whether somebody else deployed at the same time is not known")
                .await
                .unwrap_or_default();
            match detect_conflict(&self.arn, &self.own_plan.existing_deployments, &history) {
                Conflict::Resolved => return Ok(()),
                Conflict::Overtaken(other) => return Err(self.yield_failure(other).await),
                Conflict::Unresolved(other) if began.elapsed() > STOP_TIMEOUT => {
                    return Err(self.yield_failure(other).await);
                }
                Conflict::Unresolved(other) if !is_reported => {
                    let description = describe_deployment(self.run, other).await;
                    self.run.emit(QueueFact::StartedTogether {
                        theirs: description.into(),
                    });
                    is_reported = true;
                }
                Conflict::Unresolved(_) => {}
            }
            backoff.wait().await;
        }
    }

    async fn yield_failure(&self, other: &ServiceDeploymentSummary) -> Failure {
        let sentence = format!(
            "{} was started at the same time; ours is rolled back",
            describe_deployment(self.run, other).await
        );
        Failure::new(Reason::AlreadyRunning, sentence).with_hint(ONE_AT_A_TIME)
    }
}
