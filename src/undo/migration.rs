//! Undo the migration, by a command of the user.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ServiceKey;
use super::saved::{UndoOwner, is_run_of, is_service_of};
use crate::aws::arn::short_name;
use crate::documents::run_task::describe_words;
use crate::event::Migration;
use crate::identity::{ClusterName, RevisionArn};

/// A migration that ran, and the task that undoes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationUndo {
    /// Cluster, by name or ARN.
    pub cluster: ClusterName,
    /// The service that the migration was for.
    pub service: Option<ServiceKey>,
    /// The new revision, which knows the migration.
    pub revision: RevisionArn,
    /// The run that migrated.
    pub run: String,
    /// The container in which the command runs.
    pub container: String,
    /// The words of the command.
    pub words: Vec<String>,
    /// The whole request to RunTask.
    pub request: Value,
    /// How long it may take.
    pub timeout_seconds: u64,
    /// The time between two looks at it, if fixed.
    pub poll_milliseconds: Option<u64>,
    /// The migration, for the report.
    pub migration: Migration,
}

/// What became of a migration that is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationFate {
    /// This command has undone it.
    UndoneBy(String),
    /// It stays, for this reason.
    KeptBecause(String),
}

impl MigrationFate {
    /// What follows the migration in a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::UndoneBy(command) => format!("was undone by \"{command}\""),
            Self::KeptBecause(why) => format!(
                "is not undone, because {why}: the schema may be ahead of the version that serves"
            ),
        }
    }
}

/// What a request for the task may have.
const MEMBERS: [&str; 12] = [
    "cluster",
    "taskDefinition",
    "startedBy",
    "overrides",
    "clientToken",
    "group",
    "launchType",
    "capacityProviderStrategy",
    "networkConfiguration",
    "tags",
    "enableECSManagedTags",
    "volumeConfigurations",
];

impl MigrationUndo {
    /// The command, as people are shown it.
    pub fn command(&self) -> String {
        describe_words(&self.words)
    }

    /// What would be undone, in words.
    pub fn describe(&self) -> String {
        format!("migration (by \"{}\")", self.command())
    }

    /// Whether the step may run it: the command is its own input's, and the request runs that
    /// command and nothing else. Whether the revision is one of the service's is seen in AWS.
    pub fn belongs_to(&self, owner: &UndoOwner) -> bool {
        let overrides =
            json!({ "containerOverrides": [{ "name": self.container, "command": self.words }] });
        let is_own_service = match &self.service {
            Some(place) => is_service_of(place, owner),
            None => owner.service.is_none(),
        };
        let cluster = self.request["cluster"].as_str().unwrap_or_default();
        let has_known_members = self.request.as_object().is_some_and(|members| {
            members
                .keys()
                .all(|member| MEMBERS.contains(&member.as_str()))
        });
        owner.migrate_undo.as_ref() == Some(&self.words)
            && is_run_of(&self.run, owner)
            && is_own_service
            && short_name(&self.cluster) == short_name(&owner.cluster)
            && short_name(cluster) == short_name(&owner.cluster)
            && self.request["overrides"] == overrides
            && has_known_members
            && self.request["taskDefinition"].as_str() == Some(self.revision.as_str())
            && self.revision.as_str().contains(":task-definition/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Migration, TaskEnd};

    fn undo() -> MigrationUndo {
        let revision = "arn:aws:ecs:eu-central-1:1:task-definition/api:2";
        MigrationUndo {
            cluster: "prod".into(),
            service: Some(ServiceKey {
                cluster: "prod".into(),
                service: "api".into(),
            }),
            revision: revision.into(),
            run: "4711-1-0a1b2c3d".into(),
            container: "app".into(),
            words: vec!["down".into()],
            request: json!({ "cluster": "prod", "taskDefinition": revision,
                "overrides": { "containerOverrides": [{ "name": "app", "command": ["down"] }] } }),
            timeout_seconds: 600,
            poll_milliseconds: None,
            migration: Migration::ended("up".into(), "t".into(), Some(TaskEnd::Exited { code: 0 })),
        }
    }

    fn owner(migrate_undo: &[&str]) -> UndoOwner {
        UndoOwner {
            attempt: "4711-1".into(),
            cluster: "prod".into(),
            service: Some("api".into()),
            group: ("A".into(), "G".into()),
            migrate_undo: Some(migrate_undo.iter().map(|word| (*word).into()).collect()),
            answers: false,
        }
    }

    #[test]
    fn only_the_command_of_the_step_s_own_input_is_run_and_only_in_its_place() {
        assert!(undo().belongs_to(&owner(&["down"])));
        assert!(!undo().belongs_to(&owner(&["drop"])));
        let changes: [fn(&mut MigrationUndo); 7] = [
            |undo| undo.words = vec!["drop".into()],
            |undo| undo.run = "42-1-0a1b2c3d".into(),
            |undo| undo.cluster = "test".into(),
            |undo| undo.request["cluster"] = json!("test"),
            |undo| undo.request["overrides"]["containerOverrides"][0]["command"] = json!(["drop"]),
            |undo| undo.request["taskDefinition"] = json!("admin:1"),
            |undo| undo.request["enableExecuteCommand"] = json!(true),
        ];
        for change in changes {
            let mut changed = undo();
            change(&mut changed);
            assert!(!changed.belongs_to(&owner(&["down"])), "{changed:?}");
        }
    }

    #[test]
    fn it_survives_the_runner_s_state_file() {
        let text = serde_json::to_string(&undo()).unwrap();
        assert_eq!(
            serde_json::from_str::<MigrationUndo>(&text).unwrap(),
            undo()
        );
        assert_eq!(undo().describe(), "migration (by \"down\")");
    }
}
