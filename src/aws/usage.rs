//! What uses revisions and images: the services and tasks of all clusters of the account and
//! region.

use super::ecs_shapes::{Service, Task};
use super::error::from_sdk;
use super::response::ResponseRecorder;
use super::{Aws, AwsError};
use crate::identity::{ClusterName, RevisionArn, TaskArn};

/// DescribeServices takes at most this many.
const SERVICES_AT_ONCE: usize = 10;
/// DescribeTasks takes at most this many.
const TASKS_AT_ONCE: usize = 100;

impl Aws {
    /// All clusters.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn list_all_clusters(&self) -> Result<Vec<ClusterName>, AwsError> {
        let pages = self.ecs().list_clusters().into_paginator().items().send();
        let arns = pages.collect::<Result<Vec<String>, _>>().await;
        Ok(from_sdk("ecs:ListClusters", arns)?
            .into_iter()
            .map(ClusterName::from)
            .collect())
    }

    /// All services of a cluster, as they are now.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn describe_all_services(
        &self,
        cluster: &ClusterName,
    ) -> Result<Vec<Service>, AwsError> {
        const ACTION: &str = "ecs:DescribeServices";
        let call = self.ecs().list_services().cluster(cluster.as_str());
        let pages = call.into_paginator().items().send();
        let arns = from_sdk(
            "ecs:ListServices",
            pages.collect::<Result<Vec<String>, _>>().await,
        )?;
        let mut services = Vec::new();
        for some in arns.chunks(SERVICES_AT_ONCE) {
            let answer = ResponseRecorder::default();
            let call = self
                .ecs()
                .describe_services()
                .cluster(cluster.as_str())
                .set_services(Some(some.to_vec()));
            from_sdk(
                ACTION,
                call.customize().interceptor(answer.clone()).send().await,
            )?;
            let found = answer.json(ACTION)?["services"].take();
            let found: Vec<Service> = serde_json::from_value(found)
                .map_err(|error| AwsError::incomplete_answer(ACTION, &error.to_string()))?;
            services.extend(found);
        }
        Ok(services)
    }

    /// All running tasks of a cluster.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn describe_all_tasks(&self, cluster: &ClusterName) -> Result<Vec<Task>, AwsError> {
        let call = self.ecs().list_tasks().cluster(cluster.as_str());
        let pages = call.into_paginator().items().send();
        let arns = from_sdk(
            "ecs:ListTasks",
            pages.collect::<Result<Vec<String>, _>>().await,
        )?;
        let arns: Vec<TaskArn> = arns.into_iter().map(TaskArn::from).collect();
        let mut tasks = Vec::new();
        for some in arns.chunks(TASKS_AT_ONCE) {
            tasks.extend(self.describe_tasks(cluster, some).await?);
        }
        Ok(tasks)
    }

    /// All ACTIVE revisions of a family.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn list_all_revisions(&self, family: &str) -> Result<Vec<RevisionArn>, AwsError> {
        let call = self
            .ecs()
            .list_task_definitions()
            .family_prefix(family)
            .status(aws_sdk_ecs::types::TaskDefinitionStatus::Active);
        let pages = call.into_paginator().items().send();
        let arns = from_sdk(
            "ecs:ListTaskDefinitions",
            pages.collect::<Result<Vec<String>, _>>().await,
        )?;
        Ok(arns.into_iter().map(RevisionArn::from).collect())
    }
}
