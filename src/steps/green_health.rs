//! Whether green can still answer once it has production's traffic: its targets at the load
//! balancer, its running tasks where there is none, and tasks of it that stop again and again. What
//! cannot be read is skipped and reported; it is never a failure.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::AwsError;
use crate::aws::arn::{short_name, target_group_name};
use crate::aws::ecs::ServiceLookup;
use crate::aws::elb::TargetHealth;
use crate::choices::PollSettings;
use crate::error::Failure;
use crate::identity::TargetGroupArn;
use crate::observe::stopped_tasks;
use crate::observe::task_failures::{
    CountedTasks, DESCRIBE_ACTION, LIMIT, LIST_ACTION, TaskFailures,
};
use crate::outcome::Reason;
use crate::plan::RolloutPlan;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::undo::ServiceKey;

const TARGET_HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
/// For the sentences of this file: when green failed.
const WITH_ALL_TRAFFIC: &str = "while green had all of production's traffic";
/// A crash under full load comes soon after it.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// Five reads a minute, which fit beside the reads of the rollout and of alarms.
const LOOK_INTERVAL: Duration = Duration::from_secs(12);
/// Where the user set the time between reads, green's health is read at this multiple of it.
const FIXED_INTERVAL_FACTOR: u32 = 4;
/// Nothing is concluded from one read: it may be stale.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// For how long nothing of green must answer before it counts as a failure, while traffic can still
/// return to blue.
pub const CONFIRM_AFTER: Duration = Duration::from_secs(6);
/// The same where blue is gone, or where new targets are still being checked.
pub const RECOVERY_TIMEOUT: Duration = Duration::from_secs(20);
/// Stopped tasks are listed at the first read, and at every third one after it.
const LIST_EVERY: u32 = 3;
/// Tasks that stopped longer ago than this do not count any more.
const COUNT_WINDOW: Duration = Duration::from_mins(10);

/// Green, and where it shows whether it can answer.
pub struct GreenHealth<'a> {
    run: &'a Run,
    place: &'a ServiceKey,
    revision: &'a Revision,
    /// ARNs of its target groups; none where no load balancer leads to it.
    groups: Vec<TargetGroupArn>,
    /// About how many tasks it has.
    tasks: i64,
    poll: PollSettings,
}

/// What one read showed.
#[derive(Debug, PartialEq, Eq)]
enum GreenState {
    Answering,
    NotAnswering { why: String, is_recovering: bool },
    Unknown,
}

/// Tasks of green that failed since the watch began.
#[derive(Default)]
struct Crashes {
    failures: TaskFailures,
    since: Option<Instant>,
}

impl<'a> GreenHealth<'a> {
    /// Green behind these target groups, or without any.
    pub fn new(
        run: &'a Run,
        plan: &'a RolloutPlan,
        revision: &'a Revision,
        groups: Vec<TargetGroupArn>,
    ) -> Self {
        Self {
            run,
            place: &plan.place,
            revision,
            groups,
            tasks: plan.tasks,
            poll: plan.poll,
        }
    }

    /// Completes only when green cannot answer any more.
    pub async fn watch(&self) -> Failure {
        let mut crashes = Crashes::default();
        for look in 0_u32.. {
            match self.find_failure(CONFIRM_AFTER).await {
                Ok(Some(failure)) => return failure,
                Ok(None) => {}
                // A temporary error is retried by the next read.
                Err(error) if !error.is_final() => {}
                Err(error) => self.report_unchecked(&error),
            }
            if look.is_multiple_of(LIST_EVERY)
                && let Some(failure) = self.check_crashes(&mut crashes).await
            {
                return failure;
            }
            tokio::time::sleep(if look == 0 {
                self.pause().min(FIRST_PAUSE)
            } else {
                self.pause()
            })
            .await;
        }
        std::future::pending().await
    }

    fn pause(&self) -> Duration {
        self.poll
            .fixed_interval
            .map_or(LOOK_INTERVAL, |fixed| fixed * FIXED_INTERVAL_FACTOR)
    }

    /// Reports that green's health is not watched.
    pub fn report_unchecked(&self, error: &AwsError) {
        self.run
            .limit_check("whether green stays healthy is not checked", error);
    }

    /// Why green cannot answer; none where it can, and where AWS does not say.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn find_failure(&self, timeout: Duration) -> Result<Option<Failure>, AwsError> {
        let began = Instant::now();
        loop {
            let (why, is_recovering) = match self.look_at_targets().await {
                Ok(GreenState::NotAnswering { why, is_recovering }) => (why, is_recovering),
                Ok(GreenState::Answering | GreenState::Unknown) => return Ok(None),
                Err(error) if error.is_final() || began.elapsed() >= timeout => return Err(error),
                Err(_) => {
                    tokio::time::sleep(RETRY_PAUSE).await;
                    continue;
                }
            };
            let timeout = if is_recovering {
                timeout.max(RECOVERY_TIMEOUT)
            } else {
                timeout
            };
            if began.elapsed() >= timeout {
                return Ok(Some(
                    self.unhealthy_failure(format!("{WITH_ALL_TRAFFIC}, {why}"))
                        .await,
                ));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn look_at_targets(&self) -> Result<GreenState, AwsError> {
        if self.groups.is_empty() || self.run.is_denied(TARGET_HEALTH) {
            return self.look_at_tasks().await;
        }
        for group in &self.groups {
            match state_of_targets(self.run.aws.describe_target_health(group).await?, group) {
                GreenState::Answering => {}
                other => return Ok(other),
            }
        }
        Ok(GreenState::Answering)
    }

    async fn look_at_tasks(&self) -> Result<GreenState, AwsError> {
        let found = self
            .run
            .aws
            .describe_service(&self.place.cluster, &self.place.service)
            .await?;
        let ServiceLookup::Service(service) = found else {
            return Ok(GreenState::Unknown);
        };
        Ok(match service.running_tasks_of(&self.revision.arn) {
            Some(0) => GreenState::NotAnswering {
                why: format!("no task of {} was running", short_name(&self.revision.arn)),
                is_recovering: false,
            },
            Some(_) => GreenState::Answering,
            None => GreenState::Unknown,
        })
    }

    /// A failure when too many tasks of green have stopped. Tasks that stopped before the first
    /// read, or longer ago than the window, do not count.
    async fn check_crashes(&self, crashes: &mut Crashes) -> Option<Failure> {
        if self.run.is_denied(LIST_ACTION) || self.run.is_denied(DESCRIBE_ACTION) {
            return None;
        }
        if let Err(error) = self.count_crashes(crashes).await {
            // A temporary error is retried by the next read.
            if error.is_final() {
                self.run.limit_check(
                    "whether green's tasks stop again and again is not checked",
                    &error,
                );
            }
            return None;
        }
        let (count, half) = (
            crashes.failures.count(),
            usize::try_from(self.tasks).unwrap_or_default().div_ceil(2),
        );
        if count < LIMIT.max(half) {
            return None;
        }
        let why = format!(
            "{count} tasks of {} stopped",
            short_name(&self.revision.arn)
        );
        Some(
            self.unhealthy_failure(format!("{WITH_ALL_TRAFFIC}, {why}"))
                .await,
        )
    }

    async fn count_crashes(&self, crashes: &mut Crashes) -> Result<(), AwsError> {
        if crashes
            .since
            .is_none_or(|since| since.elapsed() >= COUNT_WINDOW)
        {
            *crashes = Crashes {
                failures: TaskFailures::start_now(self.run, self.place).await?,
                since: Some(Instant::now()),
            };
            return Ok(());
        }
        let counted = CountedTasks {
            place: self.place,
            revision: &self.revision.arn,
            since: 0.0,
            deployment: None,
        };
        crashes.failures.read(self.run, &counted).await
    }

    async fn unhealthy_failure(&self, sentence: String) -> Failure {
        let stopped = stopped_tasks::containers_of_service(
            self.run,
            self.place,
            &self.revision.arn,
            &self.revision.definition,
        )
        .await;
        Failure::new(Reason::TasksUnhealthy, sentence)
            .with_hint("fix what the containers stopped for; when none stopped, look at the target group's health check")
            .with_stopped(stopped)
    }
}

fn state_of_targets(health: TargetHealth, group: &TargetGroupArn) -> GreenState {
    if health.healthy + health.unknown > 0 {
        return GreenState::Answering;
    }
    let name = target_group_name(group);
    let why = match health.all {
        0 => format!("target group {name} had no target left"),
        1 => format!("the one target in target group {name} was not healthy"),
        all => format!("none of the {all} targets in target group {name} was healthy"),
    };
    GreenState::NotAnswering {
        why,
        is_recovering: health.initial > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str =
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api-2/f2f7dc8efc522ab2";

    #[test]
    fn one_target_that_answers_or_that_aws_does_not_check_is_enough() {
        let health = TargetHealth {
            healthy: 1,
            all: 3,
            ..TargetHealth::default()
        };
        assert_eq!(
            state_of_targets(health, &GROUP.into()),
            GreenState::Answering
        );
        assert_eq!(
            state_of_targets(
                TargetHealth {
                    unknown: 1,
                    all: 1,
                    ..TargetHealth::default()
                },
                &GROUP.into()
            ),
            GreenState::Answering
        );
    }

    #[test]
    fn a_group_without_a_healthy_target_says_what_it_has_and_whether_it_may_recover() {
        let none = |all, initial| {
            state_of_targets(
                TargetHealth {
                    initial,
                    all,
                    ..TargetHealth::default()
                },
                &GROUP.into(),
            )
        };
        let expected = |why: &str, is_recovering| GreenState::NotAnswering {
            why: why.to_owned(),
            is_recovering,
        };
        assert_eq!(
            none(0, 0),
            expected("target group api-2 had no target left", false)
        );
        assert_eq!(
            none(1, 0),
            expected(
                "the one target in target group api-2 was not healthy",
                false
            )
        );
        assert_eq!(
            none(2, 1),
            expected(
                "none of the 2 targets in target group api-2 was healthy",
                true
            )
        );
    }
}
