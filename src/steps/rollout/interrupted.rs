//! Why a wait for a rollout ended without what was waited for, and what a person may do about it.

use super::{Controller, Rollout};
use crate::decide::Trouble;
use crate::error::{Failure, StoppedContainer};
use crate::outcome::Reason;
use crate::steps::stopped;

/// Why a wait ended without what was waited for.
#[derive(Debug)]
pub enum Interrupted {
    /// It is to be taken back.
    Failed(Failure),
    /// Our deadline passed.
    Left(Failure),
    /// It is not ours any more.
    Superseded(Failure),
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Rollout<'_> {
    pub(super) async fn interrupted(&self, trouble: Trouble) -> Interrupted {
        let mut failure = Failure::new(trouble.reason, trouble.sentence);
        failure.chain.extend(trouble.cause);
        if trouble.reason == Reason::Superseded {
            return Interrupted::Superseded(failure.hint("let one workflow deploy at a time: give it a concurrency group"));
        }
        let failure = failure.with_stopped(self.stopped(trouble.reason).await);
        Interrupted::Failed(match trouble.reason {
            Reason::TasksUnhealthy => {
                failure.hint("mend what the containers stopped for; when none stopped, look at the target group's health check")
            }
            Reason::Alarm => failure.hint("look at what the alarm measures while green served traffic"),
            Reason::Timeout => failure.hint("let the gate wait longer, or let the smoke tests give up sooner"),
            Reason::Stopped => failure.hint("ask who stopped it, in the deployment's console page or in CloudTrail"),
            Reason::GateBypassed => failure.hint("ask who opened it, in the deployment's console page or in CloudTrail"),
            Reason::RolloutFailed if matches!(self.controller, Controller::Native(_)) => {
                failure.hint("look at the service's events and, when a hook failed, at its function's log")
            }
            Reason::Denied => failure.hint("docs/iam.md has the policy"),
            _ => failure,
        })
    }

    /// Evidence is only worth its requests where tasks are the likely cause.
    async fn stopped(&self, reason: Reason) -> Vec<StoppedContainer> {
        match reason {
            Reason::TasksUnhealthy | Reason::RolloutFailed => {
                stopped::of_service(self.run, &self.plan.place, &self.revision.arn, &self.revision.definition).await
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn left(&self) -> Failure {
        let waited = crate::duration::Human(self.plan.deadline);
        Failure::new(Reason::Timeout, format!("the rollout was not over after {waited}"))
            .caused_by(self.goes_on())
            .hint("raise wait-for-minutes or deadline, or use wait-until: shifted")
    }
}
