//! What is there when a story is over: who answers users, what is in progress, what of ours is
//! left.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_bluegreen::drift::RECORD_TAG;
use ecs_bluegreen_sim::Stage;
use serde_json::{Value, json};

use crate::harness::{call, client};

/// Requests that tell who answers users: more than enough for a tenth of traffic to be met.
const REQUESTS: usize = 60;
/// Tasks that are not needed any more take a short time to end.
const SETTLED: Duration = Duration::from_secs(15);
/// The states in which a deployment is over, as CodeDeploy and ECS name them.
const OVER: &[&str] = &[
    "Succeeded",
    "Stopped",
    "Failed",
    "SUCCESSFUL",
    "STOPPED",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
];

/// Everything about the service that a call could change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct World {
    /// The versions that answer users.
    pub(super) versions: BTreeSet<String>,
    weights: Vec<(String, u32)>,
    /// Deployments with their status.
    deployments: Vec<(String, String)>,
    fleets: BTreeSet<(String, String, String)>,
    configuration: Value,
    desired: Value,
    tags: Value,
    registered: Vec<String>,
    /// One-off tasks, by what became of their container.
    one_off: Vec<String>,
}

/// Looks, once tasks and deployments have come to rest.
pub(super) async fn observe(stage: &Stage) -> World {
    stage.wait_until(SETTLED, is_at_rest).await;
    let described = call(
        stage,
        "ecs.DescribeServices",
        &json!({ "cluster": "prod", "services": ["api"], "include": ["TAGS"] }),
    )
    .await;
    let service = &described["services"][0];
    let listed = call(
        stage,
        "ecs.ListTaskDefinitions",
        &json!({ "familyPrefix": "api", "status": "ACTIVE" }),
    )
    .await;
    let arns = listed["taskDefinitionArns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    World {
        versions: answering_versions(stage).await,
        weights: stage.weights("prod"),
        deployments: deployments(stage),
        fleets: fleets(stage),
        configuration: service["deploymentConfiguration"].clone(),
        desired: service["desiredCount"].clone(),
        tags: service["tags"].clone(),
        registered: arns.map(last_part).collect(),
        one_off: one_off(stage).await,
    }
}

async fn one_off(stage: &Stage) -> Vec<String> {
    let mut arns = Vec::new();
    for status in ["RUNNING", "STOPPED"] {
        let listed = call(
            stage,
            "ecs.ListTasks",
            &json!({ "cluster": "prod", "family": "api", "desiredStatus": status }),
        )
        .await;
        arns.extend(listed["taskArns"].as_array().into_iter().flatten().cloned());
    }
    let described = call(
        stage,
        "ecs.DescribeTasks",
        &json!({ "cluster": "prod", "tasks": arns }),
    )
    .await;
    let tasks = described["tasks"].as_array().into_iter().flatten();
    let ours = tasks.filter(|task| {
        task["group"]
            .as_str()
            .is_some_and(|group| group.starts_with("ecs-bluegreen:"))
    });
    ours.map(|task| {
        format!(
            "{} {}",
            task["lastStatus"], task["containers"][0]["exitCode"]
        )
    })
    .collect()
}

/// No deployment is in progress, and the tasks of one revision run.
fn is_at_rest(stage: &Stage) -> bool {
    in_progress(&deployments(stage)).is_empty() && running_revisions(&fleets(stage)).len() == 1
}

/// Who answers users, asked as they ask.
async fn answering_versions(stage: &Stage) -> BTreeSet<String> {
    let url = format!(
        "{}/health",
        stage.listener_url("prod").expect("a production listener")
    );
    let (users, mut versions) = (client(), BTreeSet::new());
    for _ in 0..REQUESTS {
        let answer = users
            .get(&url)
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a text");
        let health: Value = serde_json::from_str(&answer).expect("JSON");
        versions.insert(health["version"].as_str().unwrap_or_default().to_owned());
    }
    versions
}

fn deployments(stage: &Stage) -> Vec<(String, String)> {
    let codedeploy = stage
        .deployments()
        .into_iter()
        .map(|id| (id.clone(), stage.deployment_status(&id).unwrap_or_default()));
    codedeploy
        .chain(
            stage
                .service_deployments()
                .into_iter()
                .map(|deployment| (deployment.arn, deployment.status)),
        )
        .collect()
}

fn fleets(stage: &Stage) -> BTreeSet<(String, String, String)> {
    let view = stage.service_view("api").expect("the service");
    let running = view.fleets.into_iter().filter(|fleet| fleet.running > 0);
    running
        .map(|fleet| (fleet.id, fleet.status, last_part(&fleet.revision)))
        .collect()
}

fn running_revisions(fleets: &BTreeSet<(String, String, String)>) -> BTreeSet<&str> {
    fleets
        .iter()
        .map(|(_, _, revision)| revision.as_str())
        .collect()
}

fn in_progress(deployments: &[(String, String)]) -> Vec<&(String, String)> {
    deployments
        .iter()
        .filter(|(_, status)| !OVER.contains(&status.as_str()))
        .collect()
}

fn last_part(arn: &str) -> String {
    arn.rsplit_once('/')
        .map_or(arn, |(_, last)| last)
        .to_owned()
}

impl World {
    /// The one version that answers all users.
    pub(super) fn version(&self) -> &str {
        assert_eq!(
            self.versions.len(),
            1,
            "production is on both sides: {self:#?}"
        );
        self.versions.first().expect("one")
    }

    /// Production is whole on one side: by the answers, by the weights, by the tasks; and nothing
    /// goes on.
    pub(super) fn is_whole(&self) {
        self.version();
        let weighted: Vec<_> = self
            .weights
            .iter()
            .filter(|(_, weight)| *weight > 0)
            .collect();
        assert_eq!(
            weighted.len(),
            1,
            "production's weights are on both sides: {self:#?}"
        );
        assert_eq!(
            running_revisions(&self.fleets).len(),
            1,
            "tasks of two revisions run: {self:#?}"
        );
        assert_eq!(
            in_progress(&self.deployments),
            Vec::<&(String, String)>::new(),
            "a deployment goes on: {self:#?}"
        );
    }

    /// The hooks that are on the service.
    pub(super) fn has_no_hooks(&self) {
        let hooks = self.configuration["lifecycleHooks"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(hooks, 0, "hooks of ours are left on the service: {self:#?}");
    }

    /// No tag is on the service but the record of what was deployed, which stays.
    pub(super) fn has_no_temporary_tags(&self) {
        let tags = self.tags.as_array().into_iter().flatten();
        let left: Vec<&Value> = tags.filter(|tag| tag["key"] != RECORD_TAG).collect();
        assert!(
            left.is_empty(),
            "a tag of ours is left on the service: {self:#?}"
        );
    }

    /// Revisions that are registered and neither serve nor were there before.
    pub(super) fn unused(&self) -> Vec<&str> {
        let serving = running_revisions(&self.fleets);
        self.registered
            .iter()
            .map(String::as_str)
            .filter(|revision| *revision != "api:1" && !serving.contains(revision))
            .collect()
    }

    /// One-off tasks that ran or run.
    pub(super) fn one_off_tasks(&self) -> usize {
        self.one_off.len()
    }

    /// How many deployments there have been.
    pub(super) fn deployed(&self) -> usize {
        self.deployments.len()
    }
}
