//! How long AWS could not be read, whether waiting may help, and when it has lasted too long.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{AwsError, AwsErrorKind};
use crate::decide::{OUTAGE_BUDGET, OutageCause};

/// Since when AWS could not be read, if it cannot be.
#[derive(Debug, Default)]
pub struct Outage {
    since: Option<Instant>,
}

impl Outage {
    /// Ends the outage, because AWS answered.
    pub fn clear(&mut self) {
        self.since = None;
    }

    /// What a failed read means for a rollout. Throttling is not an outage: AWS is reachable.
    pub fn classify_error(&mut self, error: &AwsError) -> OutageCause {
        let since = self.record_failure();
        if error.kind == AwsErrorKind::Credentials {
            return OutageCause::NoCredentials(error.to_string());
        }
        if error.is_final() {
            return OutageCause::Denied(error.to_string());
        }
        let since = if error.kind == AwsErrorKind::Throttled {
            Duration::ZERO
        } else {
            since
        };
        OutageCause::Failing {
            since,
            why: error.to_string(),
        }
    }

    /// Handles a read of something that is being rolled back: the value, or none when it should be
    /// read again. Errors: the error is final, or the outage has lasted too long.
    pub fn tolerate<T>(&mut self, read: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
        match read {
            Ok(seen) => {
                self.clear();
                Ok(Some(seen))
            }
            Err(error) if error.is_final() || self.record_failure() > OUTAGE_BUDGET => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Records another failed read; returns for how long AWS could not be read.
    pub fn record_failure(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: AwsErrorKind) -> AwsError {
        AwsError {
            action: "ecs:DescribeServices",
            kind,
            code: "Code".into(),
            message: "message".into(),
        }
    }

    #[test]
    fn a_denial_is_the_end_at_once_and_a_failure_is_borne_for_a_while() {
        for kind in [
            AwsErrorKind::Denied,
            AwsErrorKind::Credentials,
            AwsErrorKind::Refused,
        ] {
            assert!(matches!(
                Outage::default().classify_error(&error(kind)),
                OutageCause::Denied(_) | OutageCause::NoCredentials(_)
            ));
            assert_eq!(
                Outage::default().tolerate::<()>(Err(error(kind))),
                Err(error(kind))
            );
        }
        for kind in [
            AwsErrorKind::Throttled,
            AwsErrorKind::Failed,
            AwsErrorKind::Unanswered,
        ] {
            assert!(matches!(
                Outage::default().classify_error(&error(kind)),
                OutageCause::Failing { .. }
            ));
            assert_eq!(Outage::default().tolerate::<()>(Err(error(kind))), Ok(None));
        }
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let long_ago = || Outage {
            since: Instant::now().checked_sub(OUTAGE_BUDGET + Duration::from_secs(1)),
        };
        let mut blind = long_ago();
        assert_eq!(
            blind.tolerate::<()>(Err(error(AwsErrorKind::Failed))),
            Err(error(AwsErrorKind::Failed))
        );
        assert!(matches!(
            blind.classify_error(&error(AwsErrorKind::Throttled)),
            OutageCause::Failing {
                since: Duration::ZERO,
                ..
            }
        ));
        let mut blind = long_ago();
        assert_eq!(blind.tolerate(Ok(1)), Ok(Some(1)));
        assert_eq!(
            blind.tolerate::<()>(Err(error(AwsErrorKind::Failed))),
            Ok(None)
        );
    }
}
