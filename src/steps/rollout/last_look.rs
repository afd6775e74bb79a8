//! The last look before a rollout is called good: what is true of the load balancer and of green's
//! targets now.

use std::time::Duration;

use super::Rollout;
use crate::aws::arn::short_name;
use crate::choices::Follow;
use crate::error::Failure;
use crate::event::Serving;
use crate::outcome::Reason;
use crate::steps::green_health::{GreenHealth, RECOVERY, SURE};

/// A read may be older than the shift.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

impl Rollout<'_> {
    /// Green serves now, as far as that can be read.
    ///
    /// # Errors
    /// Production is not all on green any more, or nothing of green can answer.
    pub async fn last_look(&self) -> Result<(), Failure> {
        if self.serves_nothing() {
            return Ok(());
        }
        self.all_on_green().await?;
        let patience = if self.blue_is_there() { SURE } else { RECOVERY };
        let health = GreenHealth::new(
            self.run,
            self.plan,
            self.revision,
            self.serving_groups().await,
        );
        match health.failure(patience).await {
            Ok(Some(failure)) => Err(self.with_way_back(failure)),
            Ok(None) => Ok(()),
            Err(error) => {
                health.skip(&error);
                Ok(())
            }
        }
    }

    async fn all_on_green(&self) -> Result<(), Failure> {
        if !self.plan.kind.has_blue() {
            return Ok(()); // with nothing beside it no weights are moved
        }
        for look in 1..=LOOKS {
            match self.followed.observe().await {
                Some(observed) if observed.whole() != Some(Serving::Green) => {
                    if look == LOOKS {
                        let sentence = format!(
                            "production is not all on green any more: {}",
                            observed.words()
                        );
                        return Err(
                            self.with_way_back(Failure::new(Reason::RolloutFailed, sentence))
                        );
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Some(_) | None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Whether AWS still keeps blue.
    fn blue_is_there(&self) -> bool {
        self.keeps_blue() && self.plan.follow == Follow::Shifted
    }

    fn with_way_back(&self, failure: Failure) -> Failure {
        let is_gone = self.plan.kind.has_blue() && !self.blue_is_there();
        let blue = short_name(&self.plan.blue.revision);
        let hint = format!(
            "blue is gone: mode: rollback with rollback-to: {blue} brings the old revision back (docs/stuck.md)"
        );
        if is_gone { failure.hint(hint) } else { failure }
    }
}
