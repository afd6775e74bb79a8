//! What a task carries in its group: its run, what it does, and its service. That needs no permission,
//! is no input of the action, and DescribeTasks shows it.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::Task;
use crate::documents::run_task::TaskRequest;
use crate::identity::ServiceName;

/// How the groups of tasks before a rollout begin.
const GROUP_PREFIX: &str = "ecs-bluegreen";
/// A group has at most 255 characters: longer names of services are cut.
const MAX_SERVICE: usize = 160;
/// How much of the digest of what a task does is used: enough to distinguish two tasks of one
/// workflow run.
const DIGEST_LENGTH: usize = 12;

/// What a marked task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkedTask {
    /// The one-off task.
    OneOff,
    /// The migration.
    Migration,
    /// The command that looks whether anything is pending.
    Check,
    /// The command after the migration.
    Verification,
    /// The command that undoes the migration.
    Undo,
}

impl MarkedTask {
    const ALL: [Self; 5] = [
        Self::OneOff,
        Self::Migration,
        Self::Check,
        Self::Verification,
        Self::Undo,
    ];

    /// The word in the group. One-off tasks have none, as those of earlier versions.
    fn word(self) -> &'static str {
        match self {
            Self::OneOff => "",
            Self::Migration => "migrate-",
            Self::Check => "check-",
            Self::Verification => "verify-",
            Self::Undo => "undo-",
        }
    }

    fn from_purpose(purpose: &str) -> Self {
        let is_meant = |kind: &Self| *kind != Self::OneOff && purpose.starts_with(kind.word());
        Self::ALL.into_iter().find(is_meant).unwrap_or(Self::OneOff)
    }

    /// What people call it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::OneOff => "one-off task",
            Self::Migration => "migration",
            Self::Check => "migrate-check",
            Self::Verification => "migrate-verify",
            Self::Undo => "migrate-undo",
        }
    }
}

/// The run and the service of a task before a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMark {
    pub(super) run: String,
    /// What it does: two tasks of a workflow run for one service may differ.
    pub(super) purpose: String,
    pub(super) service: String,
}

impl TaskMark {
    pub(in crate::steps) fn new(
        kind: MarkedTask,
        run: &str,
        service: &ServiceName,
        asked: &TaskRequest,
    ) -> Self {
        let mut digest = format!(
            "{:x}",
            Sha256::digest(json!(asked.overrides.items).to_string())
        );
        digest.truncate(DIGEST_LENGTH);
        Self {
            run: run.to_owned(),
            purpose: format!("{}{digest}", kind.word()),
            service: service_in_mark(service),
        }
    }

    /// The mark as the group of a task.
    pub(in crate::steps) fn group(&self) -> String {
        format!(
            "{GROUP_PREFIX}:{}:{}:{}",
            self.run, self.purpose, self.service
        )
    }

    /// The mark of a task that has one.
    pub fn from_task(task: &Task) -> Option<Self> {
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

    /// What the task is for.
    pub fn kind(&self) -> MarkedTask {
        MarkedTask::from_purpose(&self.purpose)
    }

    /// The run that started it.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Whether it is a task for this service.
    pub fn is_for(&self, service: &ServiceName) -> bool {
        self.service == service_in_mark(service)
    }
}

fn service_in_mark(service: &ServiceName) -> String {
    short_name(service).chars().take(MAX_SERVICE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(purpose: &str) -> TaskMark {
        TaskMark {
            run: "42-1-aa".into(),
            purpose: purpose.into(),
            service: "api".into(),
        }
    }

    #[test]
    fn a_group_says_whose_task_it_is_and_what_for_and_fits_into_aws_s_limit() {
        let table = [
            ("0a1b", MarkedTask::OneOff),
            ("migrate-0a1b", MarkedTask::Migration),
            ("check-0a1b", MarkedTask::Check),
            ("verify-0a1b", MarkedTask::Verification),
            ("undo-0a1b", MarkedTask::Undo),
        ];
        for (purpose, kind) in table {
            let group = mark(purpose).group();
            assert_eq!(group, format!("ecs-bluegreen:42-1-aa:{purpose}:api"));
            let task = Task {
                group: Some(group),
                ..Task::default()
            };
            let read = TaskMark::from_task(&task).unwrap();
            assert_eq!((&read, read.kind()), (&mark(purpose), kind));
            assert!(read.is_for(&"arn:aws:ecs:eu-central-1:1:service/prod/api".into()));
            assert!(!read.is_for(&"web".into()));
        }
        let long = TaskMark {
            service: "s".repeat(MAX_SERVICE),
            run: "12345678901234-99-abcdef01".into(),
            purpose: format!("migrate-{}", "0".repeat(DIGEST_LENGTH)),
        };
        assert!(long.group().len() <= 255);
    }

    #[test]
    fn other_groups_are_no_marks() {
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
    }
}
