//! Amazon ECS: which operation goes where.

mod configuration;
mod deployment_control;
mod deployment_list;
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

use crate::account::name_from_arn;
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "RegisterTaskDefinition" => revisions::register(cloud, input),
        "DescribeTaskDefinition" => revisions::describe(cloud, input),
        "ListTaskDefinitions" => revisions::list(cloud, input),
        "DeregisterTaskDefinition" => revisions::deregister(cloud, input),
        "ListClusters" => {
            Ok(json!({ "clusterArns": [cloud.read(|account| account.location.cluster_arn())] }))
        }
        "ListServices" => services::list(cloud, input),
        "DescribeServices" => services::describe(cloud, input),
        "UpdateService" => services::update(cloud, input),
        "TagResource" | "UntagResource" => services::update_tags(cloud, input),
        "ListServiceDeployments" => deployment_list::list(cloud, input),
        "DescribeServiceDeployments" => deployment_list::describe(cloud, input),
        "DescribeServiceRevisions" => service_revisions::describe(cloud, input),
        "ContinueServiceDeployment" => deployment_control::continue_deployment(cloud, input),
        "StopServiceDeployment" => deployment_control::stop(cloud, input),
        "RunTask" => tasks::run(cloud, input),
        "DescribeTasks" => tasks::describe(cloud, input),
        "ListTasks" => tasks::list(cloud, input),
        "StopTask" => tasks::stop(cloud, input),
        _ => return None,
    })
}

/// Refuses a cluster that is not the stage's. Without one AWS takes the cluster `default`.
fn check_cluster(cloud: &Cloud, input: Input<'_>) -> Result<(), ServiceError> {
    let name = input.text("cluster").map_or("default", name_from_arn);
    if name == cloud.options.cluster {
        Ok(())
    } else {
        Err(ServiceError::new(
            "ClusterNotFoundException",
            "Cluster not found.",
        ))
    }
}
