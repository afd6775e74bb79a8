//! PURE: what main saves for `post` in GITHUB_STATE: the armed undos, and the step that they belong
//! to.
//!
//! The state is an environment variable by the time `post` reads it, which other steps can set. So
//! `post` undoes only what its own attempt of the workflow run armed, on the cluster, the service
//! and the deployment group of its own inputs. Each undo is read by itself: one that cannot be used
//! is reported, and the rest is undone.
//!
//! One file, because more than half of it is the tests of what a manipulated state must not do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RolloutUndo as _, ServiceKey, Undo};
use crate::aws::arn::short_name;
use crate::identity::{ApplicationName, ClusterName, DeploymentGroupName, ServiceName};
use crate::scrub::mask;

/// How the names of testers' containers begin; the run's id and eight digits follow.
pub const TESTER_CONTAINER: &str = "ecs-bluegreen-tester";

/// The step that armed the undos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoOwner {
    /// The attempt of the workflow run: `GITHUB_RUN_ID-GITHUB_RUN_ATTEMPT`.
    pub attempt: String,
    /// The cluster, as the input says it.
    pub cluster: ClusterName,
    /// The service, as the input says it.
    pub service: Option<ServiceName>,
    /// CodeDeploy's application and deployment group.
    #[serde(default)]
    pub group: (ApplicationName, DeploymentGroupName),
    /// The words of the input `migrate-undo`: of a saved migration no other command is run.
    #[serde(skip)]
    pub migrate_undo: Option<Vec<String>>,
    /// Whether its mode answers a rollout that another run has started.
    #[serde(default)]
    pub answers: bool,
}

/// What `post` found in the state.
#[derive(Debug, Default, PartialEq)]
pub struct RestoredUndos {
    /// The undos to carry out, newest last.
    pub undos: Vec<Undo>,
    /// The entries that cannot be used, and why.
    pub unusable: Vec<UnusableUndo>,
}

/// A part of the state that `post` does not act upon.
#[derive(Debug, PartialEq, Eq)]
pub struct UnusableUndo {
    /// What the entry is, as far as it can be read.
    pub what: String,
    /// Why it cannot be used.
    pub why: String,
}

#[derive(Serialize, Deserialize)]
struct SavedState {
    #[serde(flatten)]
    owner: UndoOwner,
    undos: Vec<Value>,
}

/// Writes the state as one line of JSON.
pub fn save(owner: &UndoOwner, armed: &[Undo]) -> String {
    let undos = armed
        .iter()
        .filter_map(|undo| serde_json::to_value(undo).ok())
        .collect();
    serde_json::to_string(&SavedState {
        owner: owner.clone(),
        undos,
    })
    .unwrap_or_default()
}

/// Reads the state for the step that `owner` describes; a blank one holds nothing.
pub fn restore(text: &str, owner: &UndoOwner) -> RestoredUndos {
    if text.trim().is_empty() {
        return RestoredUndos::default();
    }
    let unusable = |why: String| RestoredUndos {
        undos: Vec::new(),
        unusable: vec![UnusableUndo {
            what: "the saved state".into(),
            why,
        }],
    };
    let saved: SavedState = match serde_json::from_str(text) {
        Ok(saved) => saved,
        Err(error) => {
            return unusable(format!("it cannot be read: {}", mask(&error.to_string())));
        }
    };
    if let Some(why) = why_not_ours(&saved, owner) {
        return unusable(why);
    }
    let mut restored = RestoredUndos::default();
    for (index, value) in saved.undos.iter().enumerate() {
        match restore_one(value, owner) {
            Ok(undo) => restored.undos.push(undo),
            Err(why) => restored.unusable.push(UnusableUndo {
                what: describe_entry(value, index),
                why,
            }),
        }
    }
    restored
}

/// Why the state is not this step's.
fn why_not_ours(saved: &SavedState, owner: &UndoOwner) -> Option<String> {
    if saved.owner.attempt != owner.attempt {
        return Some(format!(
            "it is of run {}, and this is run {}",
            saved.owner.attempt, owner.attempt
        ));
    }
    let place = |owner: &UndoOwner| match &owner.service {
        Some(service) => format!(
            "service {} on {}",
            short_name(service),
            short_name(&owner.cluster)
        ),
        None => format!("cluster {}", short_name(&owner.cluster)),
    };
    let (saved_for, expected) = (place(&saved.owner), place(owner));
    (saved_for != expected)
        .then(|| format!("it is of {saved_for}, and this step is for {expected}"))
}

fn restore_one(value: &Value, owner: &UndoOwner) -> Result<Undo, String> {
    let undo: Undo = serde_json::from_value(value.clone())
        .map_err(|error| format!("it cannot be read: {}", mask(&error.to_string())))?;
    let agrees = match &undo {
        Undo::Revision(undo) => {
            undo.arn.as_str().contains(":task-definition/")
                && is_revision_of(undo.service.as_ref(), owner)
        }
        Undo::Task(undo) => short_name(&undo.cluster) == short_name(&owner.cluster),
        Undo::Migration(undo) => undo.belongs_to(owner),
        Undo::Backup(undo) => undo.is_plausible(),
        Undo::CodeDeploy(undo) => undo.belongs_to(owner),
        Undo::Rolling(undo) => undo.belongs_to(owner),
        Undo::Ecs(undo) => undo.belongs_to(owner),
        Undo::Hooks(undo) => is_service_of(&undo.place, owner),
        Undo::Scaling(undo) => {
            is_service_of(&undo.place, owner) && undo.resource == scaling_resource(&undo.place)
        }
        Undo::Tester(undo) => is_tester_container(&undo.container, &owner.attempt),
    };
    if agrees {
        Ok(undo)
    } else {
        Err("it does not belong to the service, the cluster and the run of this step".into())
    }
}

pub(super) fn is_service_of(place: &ServiceKey, owner: &UndoOwner) -> bool {
    short_name(&place.cluster) == short_name(&owner.cluster)
        && owner
            .service
            .as_ref()
            .is_some_and(|service| short_name(service) == short_name(&place.service))
}

/// Whether a revision belongs to the step's service, where the step has one.
fn is_revision_of(place: Option<&ServiceKey>, owner: &UndoOwner) -> bool {
    match place {
        Some(place) => is_service_of(place, owner),
        None => owner.service.is_none(),
    }
}

/// Whether a deployment's run is an attempt of the step's own workflow run. A step that answers a
/// gate undoes another run's.
pub(super) fn is_run_of(run: &str, owner: &UndoOwner) -> bool {
    let workflow = owner.attempt.split('-').next().unwrap_or_default();
    owner.answers
        || run
            .strip_prefix(workflow)
            .is_some_and(|rest| rest.starts_with('-'))
}

fn scaling_resource(place: &ServiceKey) -> String {
    format!(
        "service/{}/{}",
        short_name(&place.cluster),
        short_name(&place.service)
    )
}

/// The name goes into a path of the Docker engine's API, which can delete anything: only names that
/// this run gives.
fn is_tester_container(container: &str, attempt: &str) -> bool {
    let is_nonce =
        |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let nonces = container
        .strip_prefix(&format!("{TESTER_CONTAINER}-{attempt}-"))
        .and_then(|rest| rest.split_once('-'));
    nonces.is_some_and(|(run, own)| is_nonce(run) && is_nonce(own))
}

fn describe_entry(value: &Value, index: usize) -> String {
    let kind = value
        .get("undo")
        .and_then(Value::as_str)
        .unwrap_or("unknown");
    format!("undo {} of the saved state ({kind})", index + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::scaling::SuspendedState;
    use crate::documents::deployment_configuration::Pause;
    use crate::undo::{
        Blue, CodeDeployUndo, HooksUndo, RevisionUndo, RollingUndo, ScalingUndo, TaskUndo,
        TesterUndo,
    };

    fn owner() -> UndoOwner {
        let group = ("AppECS-prod-api".into(), "DgpECS-prod-api".into());
        UndoOwner {
            attempt: "4711-1".into(),
            cluster: "prod".into(),
            service: Some("api".into()),
            group,
            migrate_undo: None,
            answers: false,
        }
    }

    fn place(cluster: &str, service: &str) -> ServiceKey {
        ServiceKey {
            cluster: cluster.into(),
            service: service.into(),
        }
    }

    fn revision(place: Option<ServiceKey>) -> Undo {
        Undo::Revision(RevisionUndo {
            arn: "arn:aws:ecs:eu-central-1:1:task-definition/api:4".into(),
            service: place,
        })
    }

    fn own_revision() -> Undo {
        revision(Some(place("prod", "api")))
    }

    fn tester(container: &str) -> Undo {
        Undo::Tester(TesterUndo {
            container: container.into(),
        })
    }

    fn scaling(resource: &str) -> Undo {
        let was = SuspendedState::default();
        Undo::Scaling(ScalingUndo {
            place: place("prod", "api"),
            resource: resource.into(),
            run: "4711-1-0a1b2c3d".into(),
            was,
        })
    }

    #[test]
    fn what_a_step_saves_its_post_restores() {
        let arn = "arn:aws:ecs:eu-central-1:1:cluster/prod";
        let pause = Pause {
            stages: vec!["POST_SCALE_UP".into()],
            minutes: 30,
            run: "4711-1-0a1b2c3d".into(),
            is_registered: true,
        };
        let before = vec![json!({ "targetType": "PAUSE" })];
        let hooks = Undo::Hooks(HooksUndo {
            place: place("prod", "api"),
            strategy: None,
            run: None,
            pause: Some(pause),
            before,
        });
        let task = TaskUndo {
            cluster: "prod".into(),
            started_by: "GitHub-Actions".into(),
            revision: "r".into(),
            ..TaskUndo::default()
        };
        let container = tester("ecs-bluegreen-tester-4711-1-0a1b2c3d-01234567");
        let armed = [
            revision(Some(place(arn, "api"))),
            hooks,
            Undo::Task(task),
            container,
            scaling("service/prod/api"),
        ];
        let restored = restore(&save(&owner(), &armed), &owner());
        assert_eq!(
            restored,
            RestoredUndos {
                undos: armed.to_vec(),
                unusable: Vec::new()
            }
        );
        assert_eq!(restore("", &owner()), RestoredUndos::default());
        let without = UndoOwner {
            service: None,
            ..owner()
        };
        assert_eq!(
            restore(&save(&without, &[revision(None)]), &without).undos,
            [revision(None)]
        );
    }

    fn codedeploy(application: &str, group: &str, run: &str) -> Undo {
        let (application, group, run) = (application.into(), group.into(), run.into());
        let (place, deployment, blue) = (place("prod", "api"), Some("d-1".into()), Blue::default());
        Undo::CodeDeploy(CodeDeployUndo {
            place,
            application,
            group,
            run,
            deployment,
            blue,
            is_restored: false,
        })
    }

    #[test]
    fn a_deployment_of_another_group_or_workflow_run_is_not_the_step_s_unless_it_answers() {
        let (application, group) = ("AppECS-prod-api", "DgpECS-prod-api");
        let table = [
            (
                codedeploy(application, group, "4711-1-0a1b2c3d"),
                true,
                true,
            ),
            // An earlier attempt's, which this one has adopted.
            (
                codedeploy(application, group, "4711-0-0a1b2c3d"),
                true,
                true,
            ),
            (
                codedeploy(application, group, "47112-1-0a1b2c3d"),
                false,
                true,
            ),
            (codedeploy(application, group, "42-1-0a1b2c3d"), false, true),
            (codedeploy(application, group, ""), false, true),
            (
                codedeploy("AppECS-prod-shop", group, "4711-1-0a1b2c3d"),
                false,
                false,
            ),
            (
                codedeploy(application, "DgpECS-prod-shop", "4711-1-0a1b2c3d"),
                false,
                false,
            ),
        ];
        for (undo, is_deploy_s, is_answer_s) in table {
            for (answers, expected) in [(false, is_deploy_s), (true, is_answer_s)] {
                let owner = UndoOwner { answers, ..owner() };
                let restored = restore(&save(&owner, std::slice::from_ref(&undo)), &owner);
                assert_eq!(
                    restored.undos.len() == 1,
                    expected,
                    "{answers} {undo:?} {restored:?}"
                );
            }
        }
    }

    #[test]
    fn a_service_is_given_back_no_revision_of_another_family() {
        let rolling = |previous: &str| {
            let (previous, ours) = (
                format!("arn:aws:ecs:eu-central-1:1:task-definition/{previous}").into(),
                "api:4".into(),
            );
            Undo::Rolling(RollingUndo {
                place: place("prod", "api"),
                previous,
                ours,
                before: Vec::new(),
                deployment: None,
                desired: None,
            })
        };
        for (previous, expected) in [("api:3", 1), ("admin:1", 0), ("api-2:3", 0)] {
            assert_eq!(
                restore(&save(&owner(), &[rolling(previous)]), &owner())
                    .undos
                    .len(),
                expected,
                "{previous}"
            );
        }
    }

    #[test]
    fn the_state_of_another_run_cluster_or_service_is_not_used_at_all() {
        let other = |change: fn(&mut UndoOwner)| {
            let mut other = owner();
            change(&mut other);
            other
        };
        let table = [
            (
                other(|owner| owner.cluster = "test".into()),
                "it is of service api on test, and this step is for service api on prod",
            ),
            (
                other(|owner| owner.service = Some("shop".into())),
                "it is of service shop on prod, and this step is for service api on prod",
            ),
            (
                other(|owner| owner.service = None),
                "it is of cluster prod, and this step is for service api on prod",
            ),
            (
                other(|owner| owner.attempt = "4711-2".into()),
                "it is of run 4711-2, and this is run 4711-1",
            ),
        ];
        for (saved, expected) in table {
            let restored = restore(&save(&saved, &[own_revision()]), &owner());
            assert_eq!(
                (restored.undos.len(), restored.unusable[0].why.as_str()),
                (0, expected)
            );
        }
    }

    #[test]
    fn an_undo_that_cannot_be_used_is_named_and_the_others_are_restored() {
        let others = [
            revision(None),
            revision(Some(place("prod", "shop"))),
            revision(Some(place("test", "api"))),
            tester("../images/prod"),
            tester("ecs-bluegreen-tester-4711-1-0a1b2c3d-0123456/"),
            tester("ecs-bluegreen-tester-9-1-0a1b2c3d-01234567"),
            scaling("service/prod/shop"),
        ];
        for other in others {
            let restored = restore(&save(&owner(), &[own_revision(), other.clone()]), &owner());
            assert_eq!(
                (restored.undos.len(), restored.unusable.len()),
                (1, 1),
                "{other:?}"
            );
            assert!(
                restored.unusable[0].why.contains("does not belong"),
                "{restored:?}"
            );
        }
        let mut saved: Value = serde_json::from_str(&save(&owner(), &[own_revision()])).unwrap();
        saved["undos"]
            .as_array_mut()
            .unwrap()
            .extend([json!({ "undo": "teleport" }), json!(5)]);
        let restored = restore(&saved.to_string(), &owner());
        let whats: Vec<&str> = restored
            .unusable
            .iter()
            .map(|unusable| unusable.what.as_str())
            .collect();
        assert_eq!(
            whats,
            [
                "undo 2 of the saved state (teleport)",
                "undo 3 of the saved state (unknown)"
            ]
        );
        assert_eq!(restored.undos, [own_revision()]);
    }

    #[test]
    fn a_state_that_is_none_is_said() {
        for text in ["{", "[]", "5", r#"{"attempt":"4711-1"}"#] {
            let restored = restore(text, &owner());
            assert!(
                restored.unusable[0].why.starts_with("it cannot be read"),
                "{text}: {restored:?}"
            );
        }
    }
}
