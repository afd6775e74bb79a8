//! What can be undone, as data. An undo is saved before its effect and refined when AWS has
//! answered.
//!
//! An undo describes what we are about to create, so that it is usable even when the answer is
//! lost. `unwind` carries it out; this module makes no calls.

use crate::aws::arn::short_name;
use crate::aws::scaling::SuspendedState;
use serde::{Deserialize, Serialize};

use crate::documents::deployment_configuration::Pause;
use crate::event::{OneOffKind, OneOffTask};
use crate::identity::{ClusterName, RevisionArn, ServiceName, TargetGroupArn, TaskArn, TaskSetId};

mod backup;
mod codedeploy;
mod ecs;
mod migration;
mod rolling;
mod rollout;
pub mod saved;

pub use backup::BackupUndo;
pub use codedeploy::CodeDeployUndo;
pub use ecs::EcsUndo;
pub use migration::{MigrationFate, MigrationUndo};
pub use rolling::RollingUndo;
pub use rollout::RolloutUndo;

/// An effect of ours and how to recognise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// A revision that this run registered.
    Revision(RevisionUndo),
    /// A one-off task that this run started.
    Task(TaskUndo),
    /// The migration of the database.
    Migration(MigrationUndo),
    /// The backup of the database, which is kept.
    Backup(BackupUndo),
    /// A CodeDeploy deployment that this run created.
    CodeDeploy(CodeDeployUndo),
    /// A rolling deployment that this run started.
    Rolling(RollingUndo),
    /// A deployment of ECS's own that this run started.
    Ecs(EcsUndo),
    /// PAUSE hooks, and the strategy, that this run set on the service.
    Hooks(HooksUndo),
    /// The service's scale-in, which this run suspended.
    Scaling(ScalingUndo),
    /// A tester's container on the runner's Docker engine.
    Tester(TesterUndo),
}

/// Deregister our revision, unless it is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionUndo {
    /// The revision that the run registered.
    pub arn: RevisionArn,
    /// The service that may be using it.
    pub service: Option<ServiceKey>,
}

/// The cluster and the name of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKey {
    /// Cluster, by name or ARN.
    pub cluster: ClusterName,
    /// Service, by name or ARN.
    pub service: ServiceName,
}

/// Stop our task, unless it has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskUndo {
    /// Cluster, by name or ARN.
    pub cluster: ClusterName,
    /// The task's `startedBy`.
    pub started_by: String,
    /// The revision it runs.
    pub revision: RevisionArn,
    /// The task's group, where only our tasks have it.
    #[serde(default)]
    pub group: Option<String>,
    /// The ARNs of the tasks, once known.
    pub arns: Vec<TaskArn>,
    /// For a one-off task, whose effects are permanent; none for a tester's.
    #[serde(default)]
    pub one_off: Option<OneOffUndo>,
}

/// What is reported of the one-off task, because nothing undoes what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneOffUndo {
    /// What the task is for.
    #[serde(default)]
    pub kind: OneOffKind,
    /// The command that the overrides give it.
    pub command: Option<String>,
    /// What ran, once it has ended or is not waited for.
    pub ran: Vec<OneOffTask>,
}

/// What served production before the rollout, in every way it can be recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blue {
    /// Blue's revision.
    pub revision: RevisionArn,
    /// Blue's task set, for CodeDeploy.
    pub task_set: Option<TaskSetId>,
    /// ARNs of blue's target groups.
    pub target_groups: Vec<TargetGroupArn>,
    /// ARNs of the production listeners.
    pub listeners: Vec<String>,
}

/// Remove our PAUSE hooks; restore the strategy as well when the rollout failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksUndo {
    /// The service that was changed.
    pub place: ServiceKey,
    /// The strategy's members before, when this run changes them; they stay when the rollout
    /// succeeds.
    pub strategy: Option<serde_json::Value>,
    /// The run whose hooks they are; none where hooks of any run are meant.
    #[serde(default)]
    pub run: Option<String>,
    /// The hook that was added, by which it is recognised where AWS does not keep its mark.
    #[serde(default)]
    pub pause: Option<Pause>,
    /// The hooks there were before.
    #[serde(default)]
    pub before: Vec<serde_json::Value>,
}

/// Remove the tester's container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TesterUndo {
    /// The container's name, which is ours alone.
    pub container: String,
}

/// Let the service scale in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalingUndo {
    /// The service that was changed.
    pub place: ServiceKey,
    /// Application Auto Scaling's name for it: `service/CLUSTER/SERVICE`.
    pub resource: String,
    /// The run id in the scalable target's tag.
    pub run: String,
    /// What was suspended before.
    pub was: SuspendedState,
}

impl Undo {
    /// What would be undone, in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Revision(undo) => format!("task definition {}", short_name(&undo.arn)),
            Self::Task(undo) => undo
                .one_off
                .as_ref()
                .map_or(OneOffKind::Task, |one_off| one_off.kind)
                .noun()
                .to_owned(),
            Self::Migration(undo) => undo.describe(),
            Self::Backup(undo) => undo.describe(),
            Self::CodeDeploy(undo) => undo.describe(),
            Self::Rolling(undo) => undo.describe(),
            Self::Ecs(undo) => undo.describe(),
            Self::Hooks(_) => "PAUSE hooks of this run".to_owned(),
            Self::Scaling(undo) => format!("suspended scale-in of {}", undo.resource),
            Self::Tester(undo) => format!("container {}", undo.container),
        }
    }

    /// The rollout that would be undone; none for all else.
    pub fn rollout(&self) -> Option<&dyn RolloutUndo> {
        match self {
            Self::CodeDeploy(undo) => Some(undo),
            Self::Ecs(undo) => Some(undo),
            Self::Rolling(undo) => Some(undo),
            Self::Revision(_)
            | Self::Task(_)
            | Self::Migration(_)
            | Self::Backup(_)
            | Self::Hooks(_)
            | Self::Scaling(_)
            | Self::Tester(_) => None,
        }
    }

    /// The part of the effect that stays, in a sentence. `fate` is what became of the migration.
    pub fn permanent_effect(&self, fate: Option<&MigrationFate>) -> Option<String> {
        if let Self::Backup(backup) = self {
            return Some(format!("{} is kept", backup.describe()));
        }
        let Self::Task(TaskUndo {
            arns,
            one_off: Some(one_off),
            ..
        }) = self
        else {
            return None;
        };
        let noun = one_off.kind.noun();
        let stays = match (one_off.kind, fate) {
            (OneOffKind::Migration, Some(fate)) => fate.describe(),
            (OneOffKind::Migration, None) => {
                "is not undone: the schema may be ahead of the version that serves".to_owned()
            }
            (OneOffKind::Task, _) => "is not undone".to_owned(),
        };
        if !one_off.ran.is_empty() {
            let ran: Vec<String> = one_off.ran.iter().map(OneOffTask::describe).collect();
            return Some(format!("the {noun} ran ({}) and {stays}", ran.join("; ")));
        }
        let command = one_off
            .command
            .as_ref()
            .map(|command| format!(" (command \"{command}\")"))
            .unwrap_or_default();
        (!arns.is_empty())
            .then(|| format!("the {noun} was started{command} and what it did {stays}"))
    }

    /// What the task before the rollout was for, if this is its undo.
    pub fn one_off_kind(&self) -> Option<OneOffKind> {
        let Self::Task(undo) = self else {
            return None;
        };
        undo.one_off.as_ref().map(|one_off| one_off.kind)
    }

    /// Whether this was only changed for the rollout: it is restored however the run ends, also in
    /// success.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Hooks(_) | Self::Scaling(_) | Self::Tester(_))
    }

    /// Forgets the old strategy: the new one stays, because its rollout does.
    pub fn keep_strategy(&mut self) {
        if let Self::Hooks(hooks) = self {
            hooks.strategy = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TaskEnd;

    fn one_off(arns: &[&str], ran: Vec<OneOffTask>) -> Undo {
        Undo::Task(TaskUndo {
            cluster: "prod".into(),
            started_by: "x".into(),
            revision: "api:2".into(),
            group: None,
            arns: arns.iter().map(|arn| TaskArn::from(*arn)).collect(),
            one_off: Some(OneOffUndo {
                kind: OneOffKind::Task,
                command: Some("migrate".into()),
                ran,
            }),
        })
    }

    #[test]
    fn of_a_migration_it_is_said_that_the_schema_may_be_ahead_or_by_what_it_was_undone() {
        let ran = OneOffTask {
            command: Some("migrate".into()),
            task: "a".into(),
            container: "app".into(),
            end: TaskEnd::Exited { code: 0 },
        };
        let Undo::Task(mut task) = one_off(&["a"], vec![ran]) else {
            panic!("a task's undo");
        };
        task.one_off.as_mut().unwrap().kind = OneOffKind::Migration;
        let undo = Undo::Task(task);
        assert_eq!(
            undo.permanent_effect(None).unwrap(),
            "the migration ran (command \"migrate\", exit 0) and is not undone: the schema may be ahead of the version that serves"
        );
        assert_eq!(
            undo.permanent_effect(Some(&MigrationFate::UndoneBy("down".into())))
                .unwrap(),
            "the migration ran (command \"migrate\", exit 0) and was undone by \"down\""
        );
        let kept = MigrationFate::KeptBecause("run 43 has migrated since".into());
        assert_eq!(
            undo.permanent_effect(Some(&kept)).unwrap(),
            "the migration ran (command \"migrate\", exit 0) and is not undone, because run 43 has migrated since: the schema may be ahead of the version that serves"
        );
        assert_eq!(undo.describe(), "migration");
    }

    #[test]
    fn a_one_off_task_that_ran_or_may_have_run_stays_and_a_tester_leaves_nothing() {
        let end = TaskEnd::Exited { code: 3 };
        let ran = OneOffTask {
            command: Some("migrate".into()),
            task: "a".into(),
            container: "app".into(),
            end,
        };
        let own = OneOffTask {
            command: None,
            end: TaskEnd::Stopped,
            ..ran.clone()
        };
        let effect = |undo: &Undo| undo.permanent_effect(None);
        assert_eq!(
            effect(&one_off(&["a"], vec![ran])).unwrap(),
            "the one-off task ran (command \"migrate\", exit 3) and is not undone"
        );
        let words =
            "the one-off task ran (container app, stopped before its end) and is not undone";
        assert_eq!(effect(&one_off(&["a"], vec![own])).unwrap(), words);
        let begun =
            "the one-off task was started (command \"migrate\") and what it did is not undone";
        assert_eq!(effect(&one_off(&["a"], Vec::new())).unwrap(), begun);
        assert_eq!(effect(&one_off(&[], Vec::new())), None);
        let tester = TaskUndo {
            arns: vec!["a".into()],
            ..TaskUndo::default()
        };
        assert_eq!(effect(&Undo::Task(tester)), None);
    }

    #[test]
    fn a_task_s_undo_of_an_earlier_version_is_read() {
        let text =
            r#"{"undo":"task","cluster":"prod","started_by":"x","revision":"api:2","arns":["a"]}"#;
        assert!(matches!(
            serde_json::from_str::<Undo>(text).unwrap(),
            Undo::Task(TaskUndo { one_off: None, .. })
        ));
    }

    #[test]
    fn an_undo_survives_the_runner_s_state_file() {
        let undo = Undo::Revision(RevisionUndo {
            arn: "arn:aws:ecs:eu-central-1:1:task-definition/api:4".into(),
            service: None,
        });
        let text = serde_json::to_string(&undo).unwrap();
        assert_eq!(serde_json::from_str::<Undo>(&text).unwrap(), undo);
        assert_eq!(undo.describe(), "task definition api:4");
    }
}
