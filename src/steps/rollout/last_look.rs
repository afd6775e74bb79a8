//! The last check before a rollout is called successful: what is true of the load balancer and of
//! green's targets now.

use std::time::Duration;

use super::Rollout;
use crate::aws::arn::short_name;
use crate::choices::Follow;
use crate::error::Failure;
use crate::event::Serving;
use crate::outcome::Reason;
use crate::steps::green_health::{CONFIRM_AFTER, GreenHealth, RECOVERY_TIMEOUT};

/// A read may be older than the shift, so it is repeated.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

impl Rollout<'_> {
    /// Checks that green serves now, as far as that can be read.
    ///
    /// # Errors
    /// Production is not all on green any more, or nothing of green can answer.
    pub async fn take_last_look(&self) -> Result<(), Failure> {
        if self.serves_nothing() {
            return Ok(());
        }
        self.check_all_on_green().await?;
        let patience = if self.is_blue_kept() {
            CONFIRM_AFTER
        } else {
            RECOVERY_TIMEOUT
        };
        let health = GreenHealth::new(
            self.run,
            self.plan,
            self.revision,
            self.serving_target_groups().await,
        );
        match health.find_failure(patience).await {
            Ok(Some(failure)) => Err(self.with_rollback_hint(failure)),
            Ok(None) => Ok(()),
            Err(error) => {
                health.report_unchecked(&error);
                Ok(())
            }
        }
    }

    async fn check_all_on_green(&self) -> Result<(), Failure> {
        if !self.plan.kind.has_blue() {
            return Ok(()); // without a second side no weights are moved
        }
        for look in 1..=LOOKS {
            match self.followed.current_traffic().await {
                Some(observed) if observed.sole_side() != Some(Serving::Green) => {
                    if look == LOOKS {
                        let sentence = format!(
                            "production is not all on green any more: {}",
                            observed.describe()
                        );
                        return Err(
                            self.with_rollback_hint(Failure::new(Reason::RolloutFailed, sentence))
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
    fn is_blue_kept(&self) -> bool {
        self.keeps_blue() && self.plan.follow == Follow::Shifted
    }

    fn with_rollback_hint(&self, failure: Failure) -> Failure {
        let is_gone = self.plan.kind.has_blue() && !self.is_blue_kept();
        let blue = short_name(&self.plan.blue.revision);
        let hint = format!(
            "blue is gone: mode: rollback with rollback-to: {blue} brings the old revision back (docs/stuck.md)"
        );
        if is_gone {
            failure.with_hint(hint)
        } else {
            failure
        }
    }
}
