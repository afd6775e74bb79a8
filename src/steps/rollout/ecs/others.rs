//! Deployments that somebody else has started at the same time as ours.

use std::time::Duration;

use tokio::time::Instant;

use super::EcsRollout;
use super::contest::{Contest, contest};
use super::trouble::named;
use crate::aws::ecs_rollout_shapes::Brief;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::steps::rollout::ONE_AT_A_TIME;

/// ECS stops an older deployment with the update that starts a newer one; a read may be some
/// seconds old.
const STOPS: Duration = Duration::from_secs(20);

impl EcsRollout<'_> {
    /// Somebody else may have begun a deployment between our look at the service and our update.
    /// ECS stops the older one for ours; where it does not, what serves when ours comes is not the
    /// blue that we know.
    pub(super) async fn outlast_others(&self) -> Result<(), Failure> {
        let (began, mut backoff, mut is_told) = (Instant::now(), Backoff::default(), false);
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
            match contest(&self.arn, &self.own_plan.known, &history) {
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
            backoff.rest().await;
        }
    }

    async fn yields(&self, other: &Brief) -> Failure {
        let sentence = format!(
            "{} was started at the same time; ours is rolled back",
            named(self.run, other).await
        );
        Failure::new(Reason::AlreadyRunning, sentence).hint(ONE_AT_A_TIME)
    }
}
