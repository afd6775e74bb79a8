//! Counts failed tasks of green while it comes up, and again while it serves. Green whose tasks
//! fail again and again never becomes healthy, and AWS would go on replacing them for an hour, a
//! day, or forever. What cannot be read limits what is noticed, never the outcome.

use std::collections::BTreeSet;

use crate::aws::AwsError;
use crate::aws::ecs_shapes::Task;
use crate::decide::{Goal, RolloutFailure};
use crate::identity::{RevisionArn, TaskArn};
use crate::outcome::Reason;
use crate::run::Run;
use crate::scrub::mask;
use crate::undo::ServiceKey;

/// So many failed tasks are no coincidence.
pub const LIMIT: usize = 3;
/// Tasks are read at every twelfth look, about twice a minute, which keeps the run within its
/// request rate.
const LOOKS_PER_CHECK: u32 = 12;
/// DescribeTasks takes so many at once.
const MAX_TASKS: usize = 100;
/// The IAM action that lists stopped tasks.
pub const LIST_ACTION: &str = "ecs:ListTasks";
/// The IAM action that shows why they stopped.
pub const DESCRIBE_ACTION: &str = "ecs:DescribeTasks";
/// What is not noticed when tasks cannot be read.
const LIMITED: &str =
    "tasks that fail again and again are noticed only when the controller gives up";

/// Which failed tasks are counted.
#[derive(Debug, Clone, Copy)]
pub struct CountedTasks<'c> {
    /// The service.
    pub place: &'c ServiceKey,
    /// Green's revision.
    pub revision: &'c RevisionArn,
    /// When AWS began the rollout, by its own clock: earlier failures of the revision belong to
    /// another rollout.
    pub since: f64,
    /// The deployment that starts green's tasks, where it is known.
    pub deployment: Option<&'c str>,
}

/// The failed tasks of one rollout.
#[derive(Debug, Default)]
pub struct TaskFailures {
    /// Tasks that need not be described again.
    described: BTreeSet<TaskArn>,
    /// Why each of ours failed, in AWS's words.
    reasons: Vec<String>,
}

impl TaskFailures {
    /// Reads tasks that have stopped since, if that is due at the `look`th look at the rollout.
    pub async fn read_when_due(&mut self, run: &Run, counted: &CountedTasks<'_>, look: u32) {
        if look.is_multiple_of(LOOKS_PER_CHECK)
            && !run.is_denied(LIST_ACTION)
            && !run.is_denied(DESCRIBE_ACTION)
        {
            let read = self.read(run, counted).await;
            run.optional_read(LIMITED, read);
        }
    }

    /// Starts counting now: tasks that stopped before are ignored.
    ///
    /// # Errors Tasks cannot be listed.
    pub async fn start_now(run: &Run, place: &ServiceKey) -> Result<Self, AwsError> {
        let listed = run
            .aws
            .list_stopped_task_arns(&place.cluster, &place.service)
            .await?;
        Ok(Self {
            described: listed.into_iter().collect(),
            reasons: Vec::new(),
        })
    }

    /// Reads tasks that have stopped since.
    ///
    /// # Errors
    ///
    /// They cannot be listed or described.
    pub async fn read(&mut self, run: &Run, counted: &CountedTasks<'_>) -> Result<(), AwsError> {
        let listed = run
            .aws
            .list_stopped_task_arns(&counted.place.cluster, &counted.place.service)
            .await?;
        let new: Vec<TaskArn> = listed
            .into_iter()
            .filter(|arn| !self.described.contains(arn))
            .take(MAX_TASKS)
            .collect();
        if !new.is_empty() {
            run.aws
                .describe_tasks(&counted.place.cluster, &new)
                .await?
                .iter()
                .for_each(|task| self.add(task, counted));
        }
        Ok(())
    }

    /// The reason is known as soon as a task begins to stop.
    fn add(&mut self, task: &Task, counted: &CountedTasks<'_>) {
        if task.stop_code.is_none() && !task.is_stopped() {
            return;
        }
        let is_new = self.described.insert(task.task_arn.clone());
        if is_new && counted.matches(task) && task.has_failed() {
            let reason = task.stopped_reason.as_deref().map(mask);
            self.reasons.push(
                reason
                    .or_else(|| task.stop_code.clone())
                    .unwrap_or_default(),
            );
        }
    }

    /// The number of failed tasks.
    pub fn count(&self) -> usize {
        self.reasons.len()
    }

    /// The reason in AWS's words; none when no task has failed.
    pub fn cause(&self) -> Option<String> {
        let distinct: BTreeSet<&str> = self.reasons.iter().map(String::as_str).collect();
        (!distinct.is_empty()).then(|| distinct.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// The failure that so many failed tasks mean. None while fewer have failed, and for a run that
    /// only follows what AWS does.
    pub fn trouble(&self, limit: usize, goal: Goal) -> Option<RolloutFailure> {
        (self.count() >= limit.max(LIMIT) && goal != Goal::Watch)
            .then(|| unhealthy_trouble(self.count(), self.cause()))
    }
}

/// The failure "green does not become healthy".
pub fn unhealthy_trouble(failed: usize, cause: Option<String>) -> RolloutFailure {
    let sentence = format!("green does not become healthy: {failed} of its tasks have failed");
    RolloutFailure {
        reason: Reason::TasksUnhealthy,
        sentence,
        cause,
    }
}

impl CountedTasks<'_> {
    fn matches(&self, task: &Task) -> bool {
        let is_of_deployment = match (self.deployment, &task.started_by) {
            (Some(deployment), Some(started_by)) => deployment == started_by,
            _ => true,
        };
        task.task_definition_arn == *self.revision
            && task.created_at >= self.since
            && is_of_deployment
    }
}

impl Task {
    /// Whether it failed by itself. Tasks that a person, a deployment or scaling stopped say
    /// nothing about their revision.
    pub fn has_failed(&self) -> bool {
        match self.stop_code.as_deref() {
            Some("EssentialContainerExited" | "TaskFailedToStart") => true,
            Some("UserInitiated") => false,
            _ => self.failed_health_checks(),
        }
    }

    /// Whether it was stopped because the health checks of the load balancer or of its containers
    /// failed. The scheduler stops it then, with the same code as a task that is no longer needed.
    pub fn failed_health_checks(&self) -> bool {
        let reason = self
            .stopped_reason
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        reason.contains("failed") && reason.contains("health check")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: &str = "arn:aws:ecs:eu-central-1:1:task-definition/api:2";

    fn task(id: &str, code: &str, reason: &str) -> Task {
        Task {
            task_arn: id.into(),
            task_definition_arn: GREEN.into(),
            stop_code: Some(code.into()).filter(|code: &String| !code.is_empty()),
            stopped_reason: Some(reason.into()),
            created_at: 10.0,
            started_by: Some("ecs-svc/2".into()),
            ..Task::default()
        }
    }

    #[test]
    fn a_task_fails_by_its_own_fault_or_by_its_health_checks() {
        let target_group = "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/api-2/0a";
        let failed = [
            (
                "EssentialContainerExited",
                "Essential container in task exited",
            ),
            (
                "TaskFailedToStart",
                "CannotPullContainerError: pull image manifest has been retried 1 time(s)",
            ),
            (
                "ServiceSchedulerInitiated",
                &format!("Task failed ELB health checks in (target-group {target_group})"),
            ),
            (
                "ServiceSchedulerInitiated",
                "Task failed container health checks",
            ),
            ("", "Task failed ELB health checks in (elb api)"),
        ];
        for (code, reason) in failed {
            assert!(task("t", code, reason).has_failed(), "{code}: {reason}");
        }
        let not_failed = [
            (
                "ServiceSchedulerInitiated",
                "Scaling activity initiated by (deployment ecs-svc/1)",
            ),
            (
                "ServiceSchedulerInitiated",
                "Scaling activity initiated by deployment ecs-svc/1",
            ),
            (
                "UserInitiated",
                "Task failed health checks, says somebody who stopped it",
            ),
            ("SpotInterruption", "Your Spot Task was interrupted."),
            ("TerminationNotice", "The host is retired"),
            ("", ""),
        ];
        for (code, reason) in not_failed {
            assert!(!task("t", code, reason).has_failed(), "{code}: {reason}");
        }
    }

    #[test]
    fn each_failed_task_of_this_rollout_counts_once_and_no_other() {
        let place = ServiceKey {
            cluster: "prod".into(),
            service: "api".into(),
        };
        let counted = CountedTasks {
            place: &place,
            revision: &GREEN.into(),
            since: 10.0,
            deployment: Some("ecs-svc/2"),
        };
        let mut failures = TaskFailures::default();
        let crash = |id: &str| {
            task(
                id,
                "EssentialContainerExited",
                "Essential container in task exited",
            )
        };
        let others = [
            Task {
                task_definition_arn: "arn:aws:ecs:eu-central-1:1:task-definition/api:1".into(),
                ..crash("blue")
            },
            Task {
                created_at: 9.9,
                ..crash("of an earlier rollout")
            },
            Task {
                started_by: Some("ecs-svc/1".into()),
                ..crash("of another deployment")
            },
            Task {
                stop_code: None,
                ..crash("still runs")
            },
        ];
        others
            .iter()
            .chain(&[crash("1"), crash("1"), crash("2")])
            .for_each(|task| failures.add(task, &counted));
        assert_eq!(
            (failures.count(), failures.trouble(0, Goal::Gate)),
            (2, None)
        );
        failures.add(
            &task(
                "3",
                "ServiceSchedulerInitiated",
                "Task failed container health checks",
            ),
            &counted,
        );
        assert_eq!(
            failures
                .trouble(0, Goal::Gate)
                .and_then(|trouble| trouble.cause),
            Some("Essential container in task exited; Task failed container health checks".into())
        );
        assert_eq!(
            failures.trouble(0, Goal::Watch),
            None,
            "AWS goes on, and whoever watches sees that"
        );
        assert_eq!(
            failures.trouble(4, Goal::Gate),
            None,
            "a service that bears more is left to it"
        );
    }
}
