//! One-off tasks that other runs, or an earlier attempt of this one, have started for the same
//! service.
//!
//! One file, because a third of it is the tests of its private rules.
//!
//! A check, a verification and an undo of a migration count as the migration itself.

use std::cmp::Ordering;

use super::mark::{MarkedTask, TaskMark};
use super::{AwaitedTasks, OneOff, wait_until_stopped};
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::DesiredTaskStatus;
use crate::aws::ecs_shapes::Task;
use crate::documents::run_task::TaskWait;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::identity::{ClusterName, RevisionArn};
use crate::observe::task_failures::{DESCRIBE_ACTION, LIST_ACTION};
use crate::outcome::Reason;
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::run_order::stale_failure;
use crate::steps::rollout::ONE_AT_A_TIME;
use crate::survey::is_earlier_attempt;

/// A task that was just started may be listed late: the list is read so often.
const LOOKS: u32 = 6;
/// The limitation where tasks cannot be read.
const LIMITED: &str = "one-off tasks that other runs have started at the same time, or an earlier attempt of this run, are not noticed";

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
    kind: MarkedTask,
    task: Task,
}

impl OtherTask {
    fn new(mark: TaskMark, task: Task) -> Self {
        Self {
            kind: mark.kind(),
            run: mark.run,
            task,
        }
    }

    pub(super) fn describe(&self) -> String {
        format!(
            "the {} of workflow run {} for this service is {} (task {})",
            self.kind.noun(),
            self.run,
            self.task.last_status,
            self.task.id()
        )
    }

    /// Whether its run has more to do before the service may be deployed to: after a migration, a
    /// check or a verification another task may follow, whatever its exit code; after an undo
    /// nothing does.
    pub fn is_followed_by_more(&self, end: OtherEnd) -> bool {
        match self.kind {
            MarkedTask::OneOff => end == OtherEnd::Succeeded,
            MarkedTask::Migration | MarkedTask::Check | MarkedTask::Verification => true,
            MarkedTask::Undo => false,
        }
    }

    /// Whether both are tasks of the same run.
    pub fn is_of_same_run(&self, other: &Self) -> bool {
        self.run == other.run
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

pub(in crate::steps) type Marked = (TaskMark, Task);

/// The marked tasks of a revision's family, of any service.
pub(super) async fn list_marked(
    run: &Run,
    cluster: &ClusterName,
    revision: &RevisionArn,
    wanted: DesiredTaskStatus,
) -> Result<Vec<Marked>, AwsError> {
    let family = family_of(revision);
    let tasks = run.aws.list_family_tasks(cluster, family, wanted).await?;
    let marked = tasks
        .into_iter()
        .filter_map(|task| Some((TaskMark::from_task(&task)?, task)));
    Ok(marked.collect())
}

/// The family of a revision's ARN.
pub fn family_of(revision: &RevisionArn) -> &str {
    let name = short_name(revision);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

impl OneOff<'_> {
    /// Looks for one-off tasks of the service. What cannot be read is reported, and taken for
    /// absent.
    pub async fn find(&self) -> ExistingTask {
        let Some(mark) = self.mark() else {
            return ExistingTask::Nothing;
        };
        let read = async || self.list_all_marked(&mark).await;
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
        let cluster = &self.plan.host.cluster;
        let marked = list_marked(self.run, cluster, &self.revision.arn, wanted).await?;
        let is_for_service = |(other, _): &Marked| other.service == mark.service;
        Ok(marked.into_iter().filter(is_for_service).collect())
    }

    /// Whether what a check has found may be wrong by now: another run's task has changed the
    /// database, or does so, since this one was started.
    pub(in crate::steps) async fn is_overtaken(&self, since: f64) -> bool {
        let Some(mark) = self.mark() else {
            return false;
        };
        let read = async || self.list_all_marked(&mark).await;
        let tasks = self.read_or_skip(read).await.unwrap_or_default();
        tasks.iter().any(|(other, task)| {
            other.run != mark.run
                && other.kind() != MarkedTask::Check
                && (!task.is_stopped() || task.created_at > since)
        })
    }

    /// Whether a migration, or the undo of one, of any run has been started since then.
    pub(in crate::steps) async fn has_migrated_since(&self, since: f64) -> bool {
        let Some(mark) = self.mark() else {
            return false;
        };
        let read = async || self.list_all_marked(&mark).await;
        let tasks = self.read_or_skip(read).await.unwrap_or_default();
        tasks.iter().any(|(other, task)| {
            matches!(other.kind(), MarkedTask::Migration | MarkedTask::Undo)
                && task.created_at > since
        })
    }

    async fn list_all_marked(&self, mark: &TaskMark) -> Result<Vec<Marked>, AwsError> {
        let mut tasks = self.list_marked(mark, DesiredTaskStatus::Running).await?;
        tasks.extend(self.list_marked(mark, DesiredTaskStatus::Stopped).await?);
        Ok(tasks)
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
                "this run is older than workflow run {}, whose {} is {}",
                other.run,
                other.kind.noun(),
                other.task.last_status
            );
            return Err(stale_failure(sentence));
        }
        self.run.emit(QueueFact::Waits {
            running: other.describe().into(),
            position: None,
        });
        let (what, deadline) = (
            format!("{} of workflow run {}", other.kind.noun(), other.run),
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
    // What an earlier attempt has migrated is being undone, or something newer is.
    let is_undoing = |(mark, task): &&Marked| {
        mark.kind() == MarkedTask::Undo && mark.run != own.run && !task.is_stopped()
    };
    if let Some((mark, task)) = tasks.iter().find(is_undoing) {
        let other = OtherTask::new(mark.clone(), task.clone());
        return ExistingTask::Other(Box::new(other));
    }
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
        ExistingTask::Other(Box::new(OtherTask::new(mark, task)))
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
    // A check changes nothing, and its run finds our task before it changes anything.
    let others = tasks.iter().filter(|(other, task)| {
        other.run != mark.run && !task.is_stopped() && other.kind() != MarkedTask::Check
    });
    let (mark, task) = others
        .filter(|other| compare_age(other, &ours).is_lt())
        .min_by(|one, other| compare_age(one, other))?;
    Some(OtherTask::new(mark.clone(), task.clone()))
}

/// Whether the containers that count, all where none are named, have ended with 0.
pub fn has_succeeded(task: &Task, deciding: &[String]) -> bool {
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
            ..Container::default()
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
    fn what_is_being_undone_is_waited_for_also_where_an_earlier_attempt_does_it() {
        let (mut mark, undoing) = task("42-1-aa", 2.0, None);
        mark.purpose = "undo-0a1b".into();
        let tasks = [task("42-1-aa", 1.0, Some(0)), (mark, undoing)];
        assert_eq!(classify_as_text(&tasks, "42-2-own"), "other 42-1-aa");
    }

    #[test]
    fn a_check_of_another_run_is_in_nobody_s_way() {
        let (mut mark, checking) = task("42-1-a", 0.5, None);
        mark.purpose = "check-0a1b".into();
        let ours = task("43-1-b", 1.0, None);
        let tasks = [(mark, checking), ours.clone()];
        assert!(find_older(&tasks, &ours.0, &ours.1).is_none());
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
