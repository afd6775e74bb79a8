//! One-off tasks that other runs, or an earlier attempt of this one, have started for the same
//! service.
//!
//! One file, because a third of it is the tests of its private rules.
//!
//! A task carries its run in its group: that needs no permission, is no input of the action, and
//! DescribeTasks shows it.

use std::cmp::Ordering;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{AwaitedTasks, OneOff, wait_until_stopped};
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::DesiredTaskStatus;
use crate::aws::ecs_shapes::Task;
use crate::documents::run_task::{TaskRequest, TaskWait};
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::identity::{RevisionArn, ServiceName};
use crate::observe::task_failures::{DESCRIBE_ACTION, LIST_ACTION};
use crate::outcome::Reason;
use crate::poll_interval::PollInterval;
use crate::run_order::stale_failure;
use crate::steps::rollout::ONE_AT_A_TIME;
use crate::survey::is_earlier_attempt;

/// How the groups of one-off tasks begin.
const GROUP_PREFIX: &str = "ecs-bluegreen";
/// A group has at most 255 characters: longer names of services are cut.
const MAX_SERVICE: usize = 160;
/// How much of the digest of what a task does is used: enough to distinguish two tasks of one
/// workflow run.
const DIGEST_LENGTH: usize = 12;
/// A task that was just started may be listed late: the list is read so often.
const LOOKS: u32 = 6;
/// The limitation where tasks cannot be read.
const LIMITED: &str = "one-off tasks that other runs have started at the same time, or an earlier attempt of this run, are not noticed";

/// The run and the service of a one-off task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TaskMark {
    run: String,
    /// What it does: two tasks of a workflow run for one service may differ.
    purpose: String,
    service: String,
}

impl TaskMark {
    pub(super) fn new(run: &str, service: &ServiceName, asked: &TaskRequest) -> Self {
        let mut purpose = format!(
            "{:x}",
            Sha256::digest(json!(asked.overrides.items).to_string())
        );
        purpose.truncate(DIGEST_LENGTH);
        Self {
            run: run.to_owned(),
            purpose,
            service: short_name(service).chars().take(MAX_SERVICE).collect(),
        }
    }

    /// The mark as the group of a task.
    pub(super) fn group(&self) -> String {
        format!(
            "{GROUP_PREFIX}:{}:{}:{}",
            self.run, self.purpose, self.service
        )
    }

    fn from_task(task: &Task) -> Option<Self> {
        let mut parts = task
            .group
            .as_deref()?
            .strip_prefix(GROUP_PREFIX)?
            .strip_prefix(':')?
            .splitn(3, ':')
            .map(str::to_owned);
        Some(Self {
            run: parts.next()?,
            purpose: parts.next()?,
            service: parts.next()?,
        })
    }
}

/// The one-off task that was found before ours is started.
#[derive(Debug)]
pub enum ExistingTask {
    /// Nothing that concerns this run.
    Nothing,
    /// An earlier attempt of this workflow run has started the same task: it runs, or has
    /// succeeded.
    Own(Box<Task>),
    /// A task of another run is not over.
    Other(Box<OtherTask>),
}

/// A one-off task of another run.
#[derive(Debug, Clone)]
pub struct OtherTask {
    run: String,
    task: Task,
}

impl OtherTask {
    pub(super) fn describe(&self) -> String {
        format!(
            "the one-off task of workflow run {} for this service is {} (task {})",
            self.run,
            self.task.last_status,
            self.task.id()
        )
    }

    pub(super) fn failure(&self) -> Failure {
        Failure::new(Reason::AlreadyRunning, self.describe())
            .with_hint(
                "run this again once that task has stopped, or wait for it with if-running: wait",
            )
            .with_hint(ONE_AT_A_TIME)
    }
}

/// How the other's task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherEnd {
    /// Every deciding container ended with 0: its run continues with its rollout.
    Succeeded,
    /// It failed, or its exit codes are not known.
    Failed,
}

type Marked = (TaskMark, Task);

impl OneOff<'_> {
    /// Looks for one-off tasks of the service. What cannot be read is reported, and taken for
    /// absent.
    pub async fn find(&self) -> ExistingTask {
        let Some(mark) = self.mark() else {
            return ExistingTask::Nothing;
        };
        let read = async || {
            let mut tasks = self.list_marked(&mark, DesiredTaskStatus::Running).await?;
            tasks.extend(self.list_marked(&mark, DesiredTaskStatus::Stopped).await?);
            Ok::<_, AwsError>(tasks)
        };
        let Some(tasks) = self.read_or_skip(read).await else {
            return ExistingTask::Nothing;
        };
        match classify(
            tasks,
            &mark,
            &self.revision.arn,
            &self.deciding_containers(),
        ) {
            // Tasks that no run waits for may run for hours, or never end.
            ExistingTask::Other(_) if self.plan.request.wait == TaskWait::DoNotWait => {
                ExistingTask::Nothing
            }
            found => found,
        }
    }

    async fn read_or_skip<T>(&self, read: impl AsyncFnOnce() -> Result<T, AwsError>) -> Option<T> {
        if self.run.is_denied(LIST_ACTION) || self.run.is_denied(DESCRIBE_ACTION) {
            return None;
        }
        self.run.optional_read(LIMITED, read().await)
    }

    async fn list_marked(
        &self,
        mark: &TaskMark,
        wanted: DesiredTaskStatus,
    ) -> Result<Vec<Marked>, AwsError> {
        let family = short_name(&self.revision.arn)
            .split(':')
            .next()
            .unwrap_or_default();
        let tasks = self
            .run
            .aws
            .list_family_tasks(&self.plan.host.cluster, family, wanted)
            .await?;
        let marked = tasks
            .into_iter()
            .filter_map(|task| Some((TaskMark::from_task(&task)?, task)));
        Ok(marked
            .filter(|(other, _)| other.service == mark.service)
            .collect())
    }

    /// Waits for another run's task, as `if-running` says. What it does cannot be undone, so it is
    /// not stopped.
    ///
    /// # Errors
    /// The run does not wait, or has waited too long.
    pub async fn wait_for_other(&self, other: &OtherTask) -> Result<OtherEnd, Failure> {
        if !self.plan.order.waits_for_a_task() {
            return Err(other.failure());
        }
        if self.plan.order.gives_way_to(&self.run.id, &other.run) {
            let sentence = format!(
                "this run is older than workflow run {}, whose one-off task is {}",
                other.run, other.task.last_status
            );
            return Err(stale_failure(sentence));
        }
        self.run.emit(QueueFact::Waits {
            running: other.describe().into(),
            position: None,
        });
        let (what, deadline) = (
            format!("one-off task of workflow run {}", other.run),
            self.plan.order.longest_wait(),
        );
        let watched = AwaitedTasks {
            what: &what,
            arns: std::slice::from_ref(&other.task.task_arn),
            deadline,
        };
        match wait_until_stopped(self.run, &self.plan.host, &watched, None).await? {
            Some(tasks)
                if !tasks.is_empty() && tasks.iter().all(|task| has_succeeded(task, &[])) =>
            {
                Ok(OtherEnd::Succeeded)
            }
            Some(_) => Ok(OtherEnd::Failed),
            None => {
                let waited = crate::duration::HumanDuration(deadline);
                let sentence = format!(
                    "the {what} for this service was not over after {waited} (task {})",
                    other.task.id()
                );
                Err(Failure::new(Reason::AlreadyRunning, sentence).with_hint(ONE_AT_A_TIME))
            }
        }
    }

    /// The other run's task that is older than ours, where both were started at the same time; and
    /// ours as it was read with it.
    pub(super) async fn find_older_task(&self, ours: &Task) -> Option<(OtherTask, Task)> {
        let mark = self
            .mark()
            .filter(|_| self.plan.request.wait != TaskWait::DoNotWait)?;
        let mut poll_interval = PollInterval::new(self.plan.host.poll);
        let mut last = LOOKS;
        for look in 1..=LOOKS {
            let tasks = self
                .read_or_skip(async || self.list_marked(&mark, DesiredTaskStatus::Running).await)
                .await?;
            let own = tasks
                .iter()
                .find(|(_, task)| task.task_arn == ours.task_arn)
                .map(|(_, task)| task.clone());
            if let Some(older) = find_older(&tasks, &mark, own.as_ref().unwrap_or(ours)) {
                return Some((older, own.unwrap_or_else(|| ours.clone())));
            }
            if own.is_some() {
                // What was started before ours is listed with it, or soon after.
                last = last.min(look + 1);
            }
            if look >= last {
                break;
            }
            poll_interval.wait().await;
        }
        None
    }
}

fn classify(
    tasks: Vec<Marked>,
    own: &TaskMark,
    revision: &RevisionArn,
    deciding: &[String],
) -> ExistingTask {
    let is_same = |(mark, task): &&Marked| {
        is_earlier_attempt(&mark.run, &own.run)
            && mark.purpose == own.purpose
            && task.task_definition_arn == *revision
    };
    let newest = tasks.iter().filter(is_same).max_by(|(_, one), (_, other)| {
        (!one.is_stopped())
            .cmp(&!other.is_stopped())
            .then(one.created_at.total_cmp(&other.created_at))
    });
    if let Some((_, task)) =
        newest.filter(|(_, task)| !task.is_stopped() || has_succeeded(task, deciding))
    {
        return ExistingTask::Own(Box::new(task.clone()));
    }
    let others = tasks
        .into_iter()
        .filter(|(mark, task)| mark.run != own.run && !task.is_stopped());
    let oldest = others.min_by(compare_age);
    oldest.map_or(ExistingTask::Nothing, |(mark, task)| {
        ExistingTask::Other(Box::new(OtherTask {
            run: mark.run,
            task,
        }))
    })
}

/// Of two tasks in the same instant the older one wins, by AWS's clock; of two of the same age that
/// of the run whose id comes first.
fn compare_age((one_mark, one): &Marked, (other_mark, other): &Marked) -> Ordering {
    one.created_at
        .total_cmp(&other.created_at)
        .then_with(|| one_mark.run.cmp(&other_mark.run))
}

fn find_older(tasks: &[Marked], mark: &TaskMark, ours: &Task) -> Option<OtherTask> {
    let ours = (mark.clone(), ours.clone());
    let others = tasks
        .iter()
        .filter(|(other, task)| other.run != mark.run && !task.is_stopped());
    let oldest = others
        .filter(|other| compare_age(other, &ours).is_lt())
        .min_by(|one, other| compare_age(one, other))?;
    Some(OtherTask {
        run: oldest.0.run.clone(),
        task: oldest.1.clone(),
    })
}

/// Whether the containers that count, all where none are named, have ended with 0.
fn has_succeeded(task: &Task, deciding: &[String]) -> bool {
    let mut counted = task
        .containers
        .iter()
        .filter(|container| deciding.is_empty() || deciding.contains(&container.name))
        .peekable();
    counted.peek().is_some() && counted.all(|container| container.exit_code == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecs_shapes::Container;

    const OURS: &str = "arn:aws:ecs:eu-central-1:1:task-definition/api:2";

    fn mark(run: &str) -> TaskMark {
        TaskMark {
            run: run.into(),
            purpose: "0a1b".into(),
            service: "api".into(),
        }
    }

    /// A task of a run, made at that second; one with an exit code is over.
    fn task(run: &str, at: f64, exit: Option<i32>) -> Marked {
        let status = if exit.is_some() { "STOPPED" } else { "PENDING" };
        let containers = vec![Container {
            name: "app".into(),
            exit_code: exit,
            reason: None,
        }];
        let (task_definition_arn, last_status) = (OURS.into(), status.to_owned());
        let group = Some(mark(run).group());
        (
            mark(run),
            Task {
                task_arn: format!("t/{run}").into(),
                created_at: at,
                task_definition_arn,
                last_status,
                containers,
                group,
                ..Task::default()
            },
        )
    }

    fn classify_as_text(tasks: &[Marked], own: &str) -> String {
        match classify(
            tasks.to_vec(),
            &mark(own),
            &OURS.into(),
            &["app".to_owned()],
        ) {
            ExistingTask::Nothing => "nothing".into(),
            ExistingTask::Own(task) => format!("own {}", task.id()),
            ExistingTask::Other(other) => format!("other {}", other.task.id()),
        }
    }

    #[test]
    fn a_group_says_whose_task_it_is_and_fits_into_aws_s_limit() {
        let (_, marked) = task("42-1-aa", 1.0, None);
        assert_eq!(
            marked.group.as_deref(),
            Some("ecs-bluegreen:42-1-aa:0a1b:api")
        );
        assert_eq!(TaskMark::from_task(&marked), Some(mark("42-1-aa")));
        for strange in [
            None,
            Some("family:api"),
            Some("service:api"),
            Some("ecs-bluegreen:42"),
            Some("ecs-bluegreen"),
        ] {
            assert_eq!(
                TaskMark::from_task(&Task {
                    group: strange.map(str::to_owned),
                    ..Task::default()
                }),
                None,
                "{strange:?}"
            );
        }
        let long = TaskMark {
            service: "s".repeat(MAX_SERVICE),
            run: "12345678901234-99-abcdef01".into(),
            purpose: "0".repeat(DIGEST_LENGTH),
        };
        assert!(long.group().len() <= 255);
    }

    #[test]
    fn before_ours_is_run_tasks_of_other_runs_and_of_earlier_attempts_count() {
        let table: &[(&[Marked], &str)] = &[
            (&[], "nothing"),
            (&[task("43-1-bb", 1.0, None)], "other 43-1-bb"),
            (
                &[task("43-1-bb", 1.0, Some(0)), task("44-1-cc", 2.0, Some(3))],
                "nothing",
            ),
            (
                &[task("44-1-cc", 2.0, None), task("43-1-bb", 1.0, None)],
                "other 43-1-bb",
            ),
            (&[task("42-1-aa", 1.0, None)], "own 42-1-aa"),
            (&[task("42-1-aa", 1.0, Some(0))], "own 42-1-aa"),
            (
                &[task("42-1-aa", 1.0, Some(0)), task("43-1-bb", 2.0, None)],
                "own 42-1-aa",
            ),
            (&[task("42-1-aa", 1.0, Some(3))], "nothing"),
            (
                &[task("42-1-aa", 1.0, Some(3)), task("43-1-bb", 2.0, None)],
                "other 43-1-bb",
            ),
            // The same attempt's other job, and a later attempt, are others.
            (&[task("42-2-dd", 1.0, None)], "other 42-2-dd"),
            (&[task("42-2-own", 1.0, None)], "nothing"),
        ];
        for (tasks, expected) in table {
            assert_eq!(classify_as_text(tasks, "42-2-own"), *expected, "{tasks:?}");
        }
    }

    #[test]
    fn an_earlier_attempt_s_task_that_ran_something_else_is_not_taken_for_this_one_s() {
        let (mut other, theirs) = task("42-1-aa", 1.0, Some(0));
        other.purpose = "ffff".into();
        assert_eq!(classify_as_text(&[(other, theirs)], "42-2-own"), "nothing");
        let (mark, theirs) = task("42-1-aa", 1.0, Some(0));
        let of_another_revision = Task {
            task_definition_arn: "arn:aws:ecs:eu-central-1:1:task-definition/api:1".into(),
            ..theirs
        };
        assert_eq!(
            classify_as_text(&[(mark, of_another_revision)], "42-2-own"),
            "nothing"
        );
    }

    #[test]
    fn of_two_tasks_in_the_same_instant_both_runs_find_the_same_winner() {
        for (ours, theirs, is_ours_older) in [
            (task("43-1-b", 1.0, None), task("42-1-a", 1.001, None), true),
            (
                task("43-1-b", 1.001, None),
                task("42-1-a", 1.0, None),
                false,
            ),
            (task("42-1-a", 1.0, None), task("43-1-b", 1.0, None), true),
            (task("43-1-b", 1.0, None), task("42-1-a", 1.0, None), false),
        ] {
            let tasks = [ours.clone(), theirs.clone()];
            assert_eq!(
                find_older(&tasks, &ours.0, &ours.1).is_none(),
                is_ours_older,
                "{ours:?} {theirs:?}"
            );
            assert_eq!(
                find_older(&tasks, &theirs.0, &theirs.1).is_none(),
                !is_ours_older,
                "{ours:?} {theirs:?}"
            );
        }
        let over = task("42-1-a", 0.5, Some(0));
        let ours = task("43-1-b", 1.0, None);
        assert!(
            find_older(&[over, ours.clone()], &ours.0, &ours.1).is_none(),
            "what is over is in nobody's way"
        );
    }
}
