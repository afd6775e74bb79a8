//! Amazon ECS: which operation goes where.

mod configuration;
mod deployment_list;
mod deployment_steering;
mod deployment_view;
mod load_balancers;
mod revisions;
mod service_revisions;
mod service_view;
mod services;
mod task_view;
mod tasks;

use std::sync::Arc;

use serde_json::json;

use crate::account::last_part;
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;

/// Answers an operation of ECS.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "RegisterTaskDefinition" => revisions::register(cloud, asked),
        "DescribeTaskDefinition" => revisions::describe(cloud, asked),
        "ListTaskDefinitions" => revisions::list(cloud, asked),
        "DeregisterTaskDefinition" => revisions::deregister(cloud, asked),
        "ListClusters" => {
            Ok(json!({ "clusterArns": [cloud.look(|account| account.place.cluster_arn())] }))
        }
        "ListServices" => services::list(cloud, asked),
        "DescribeServices" => services::describe(cloud, asked),
        "UpdateService" => services::update(cloud, asked),
        "TagResource" | "UntagResource" => services::tag(cloud, asked),
        "ListServiceDeployments" => deployment_list::list(cloud, asked),
        "DescribeServiceDeployments" => deployment_list::describe(cloud, asked),
        "DescribeServiceRevisions" => service_revisions::describe(cloud, asked),
        "ContinueServiceDeployment" => deployment_steering::go_on(cloud, asked),
        "StopServiceDeployment" => deployment_steering::stop(cloud, asked),
        "RunTask" => tasks::run(cloud, asked),
        "DescribeTasks" => tasks::describe(cloud, asked),
        "ListTasks" => tasks::list(cloud, asked),
        "StopTask" => tasks::stop(cloud, asked),
        _ => return None,
    })
}

/// Refuses a cluster that is not the stage's. Without one AWS takes the cluster `default`.
fn in_cluster(cloud: &Cloud, asked: Asked<'_>) -> Result<(), Refusal> {
    let name = asked.text("cluster").map_or("default", last_part);
    if name == cloud.options.cluster {
        Ok(())
    } else {
        Err(Refusal::new(
            "ClusterNotFoundException",
            "Cluster not found.",
        ))
    }
}
