//! Why a wait for a rollout ended without reaching its goal, and what a person may do about it.

use super::Rollout;
use crate::aws::ecs_remedies::remedy;
use crate::decide::RolloutFailure;
use crate::error::{Failure, StoppedContainer};
use crate::event::Progress;
use crate::observe::task_failures::LIMIT;
use crate::observe::{serving, stopped_tasks};
use crate::outcome::Reason;
use crate::text::Text;

/// The advice that keeps two runs from deploying at the same time.
pub const ONE_AT_A_TIME: &str = "let one workflow deploy at a time: give it a concurrency group";

/// Why a wait ended without reaching its goal.
#[derive(Debug)]
pub enum Interrupted {
    /// The rollout failed and has to be rolled back.
    Failed(Failure),
    /// The rollout was not started: another one is in progress.
    Busy(Failure),
    /// Our deadline passed; AWS continues.
    LeftRunning(Failure),
    /// Another rollout replaced ours.
    Superseded {
        /// The failure, which names the other rollout.
        failure: Failure,
        /// What serves production now, in a sentence.
        serves: String,
    },
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

const UNHEALTHY: &str = "fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period";

/// Added to the failure of a rolling deployment: it has no green side that users could not reach.
const SHARED_GROUP: &str = "new and old tasks are behind the same target group: those of the new ones that are healthy have had traffic";

/// How far the rollout was when it was last read.
fn describe_progress(shown: &Progress) -> String {
    let tasks = shown.tasks.map(|tasks| {
        format!(
            ", with {} of green's {} tasks running",
            tasks.running, tasks.desired
        )
    });
    format!(
        "the rollout was at {}{}",
        shown.stage,
        tasks.unwrap_or_default()
    )
}

impl Rollout<'_> {
    pub(super) async fn to_interrupted(&self, rollout_failure: RolloutFailure) -> Interrupted {
        let mut failure = Failure::new(rollout_failure.reason, rollout_failure.sentence);
        failure.chain.extend(rollout_failure.cause.map(Text::from));
        if rollout_failure.reason == Reason::Superseded {
            let serves = Box::pin(serving::describe(
                self.run,
                &self.plan.place,
                &self.plan.blue,
            ))
            .await;
            return Interrupted::Superseded {
                failure: failure.with_hint(ONE_AT_A_TIME),
                serves,
            };
        }
        let remedy = failure.chain.iter().find_map(|sentence| remedy(sentence));
        let failure = remedy.into_iter().fold(
            failure.with_stopped(self.read_stopped_containers(rollout_failure.reason).await),
            Failure::with_hint,
        );
        Interrupted::Failed(match rollout_failure.reason {
            Reason::TasksUnhealthy => failure.with_hint(UNHEALTHY),
            Reason::Alarm => {
                failure.with_hint("look at what the alarm measures while green served traffic")
            }
            Reason::Timeout => {
                failure.with_hint("let the gate wait longer, or let the smoke tests give up sooner")
            }
            Reason::Stopped => failure
                .with_hint("ask who stopped it, in the deployment's console page or in CloudTrail"),
            Reason::GateBypassed => failure
                .with_hint("ask who opened it, in the deployment's console page or in CloudTrail"),
            Reason::RolloutFailed => self
                .followed
                .hint_when_failed()
                .into_iter()
                .fold(failure, Failure::with_hint),
            Reason::Denied => failure.with_hint("docs/iam.md has the policy"),
            _ => failure,
        })
    }

    /// Stopped containers are read only where tasks are the likely cause.
    async fn read_stopped_containers(&self, reason: Reason) -> Vec<StoppedContainer> {
        match reason {
            Reason::TasksUnhealthy | Reason::RolloutFailed => {
                stopped_tasks::containers_of_service(
                    self.run,
                    &self.plan.place,
                    &self.revision.arn,
                    &self.revision.definition,
                )
                .await
            }
            _ => Vec::new(),
        }
    }

    /// Our deadline passed before any traffic moved: green is rolled back, and not left to AWS,
    /// which may continue with it for a day.
    pub(super) async fn no_traffic_failure(&self) -> Failure {
        let waited = crate::duration::HumanDuration(self.plan.deadline);
        let mut failure = Failure::new(
            Reason::Timeout,
            format!("{} after {waited}", self.describe_missing_shift()),
        );
        failure.chain.extend(
            self.last_progress
                .as_ref()
                .map(describe_progress)
                .map(Text::from),
        );
        failure.chain.extend(
            self.shares_target_group()
                .then(|| SHARED_GROUP.to_owned())
                .map(Text::from),
        );
        failure
            .chain
            .extend(self.followed.task_failures().cause().map(Text::from));
        let failure =
            failure.with_stopped(self.read_stopped_containers(Reason::TasksUnhealthy).await);
        if self.followed.task_failures().count() > 0 {
            return failure.with_hint(UNHEALTHY);
        }
        failure.with_hint("the service's events say what green waits for: tasks that cannot be placed, or health checks; where it only needs longer, raise wait-for-minutes or deadline")
    }

    /// What had not happened by the deadline.
    fn describe_missing_shift(&self) -> &'static str {
        let on_green = self
            .last_progress
            .as_ref()
            .and_then(|shown| shown.traffic)
            .map(|traffic| traffic.green);
        match on_green {
            _ if self.followed.is_in_place() => "none of the old tasks had been replaced",
            Some(share) if share <= 0.0 => "no traffic had moved to green",
            Some(_) | None => "the rollout had not reached its traffic shift",
        }
    }

    /// Whether tasks of green are behind the same target group as the old ones.
    fn shares_target_group(&self) -> bool {
        let running = self
            .last_progress
            .as_ref()
            .and_then(|shown| shown.tasks)
            .map_or(0, |tasks| tasks.running);
        self.followed.is_in_place() && running > 0
    }

    pub(super) fn left_running_failure(&self) -> Failure {
        let waited = crate::duration::HumanDuration(self.plan.deadline);
        let mut failure = Failure::new(
            Reason::Timeout,
            format!("the rollout was not over after {waited}"),
        )
        .with_cause(self.if_left_alone());
        if self.waits_for_others {
            return failure.with_hint("the gate is somebody else's to answer: ask them, or roll green back with mode: abort");
        }
        let failures = self.followed.task_failures();
        if failures.count() < LIMIT {
            return failure
                .with_hint("raise wait-for-minutes or deadline, or use wait-until: shifted");
        }
        failure.chain.extend(failures.cause().map(Text::from));
        failure.with_hint("green does not become healthy: mode: abort rolls it back")
    }
}
