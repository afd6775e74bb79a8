//! ECS: services, task definitions, tasks. Answers are read as JSON, definitions are sent as the
//! user's JSON.
//!
//! One file, because each AWS service has one file for its calls.

use aws_sdk_ecs::operation::list_tasks::builders::ListTasksFluentBuilder;
use aws_sdk_ecs::types::{DesiredStatus, TaskDefinitionStatus};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ecs_shapes::{Service, Task};
use super::error::from_sdk;
use super::response::{ResponseRecorder, replace_body};
use super::{Aws, AwsError};
use crate::identity::{
    ClusterName, RevisionArn, ServiceArn, ServiceName, TaskArn, identities, texts,
};

/// DescribeTasks takes at most this many.
const MAX_TASKS: usize = 100;
/// ListTasks returns up to a hundred at once; a service runs at most five thousand.
const MAX_PAGES: usize = 50;

/// The service tag by which later runs recognize our PAUSE hooks when ECS dropped their marks.
pub const PAUSE_TAG: &str = "ecs-bluegreen-action:pause-hooks";

/// The answer of DescribeServices about one service.
#[derive(Debug, Clone)]
pub enum ServiceLookup {
    /// The service exists.
    Service(Box<Service>),
    /// It does not exist, with AWS's reason, such as `MISSING`.
    Missing(String),
}

/// Which tasks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesiredTaskStatus {
    /// Tasks that run or are starting.
    Running,
    /// Tasks that stopped within about the last hour.
    Stopped,
}

/// The answer of RunTask.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunTaskResult {
    /// The tasks that were started.
    pub tasks: Vec<Task>,
    /// Why other tasks were not placed.
    pub failures: Vec<PlacementFailure>,
}

/// Why ECS could not do something for a resource.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PlacementFailure {
    /// The ARN of the resource.
    pub arn: Option<String>,
    /// AWS's code, such as `RESOURCE:MEMORY`.
    pub reason: Option<String>,
    /// More details.
    pub detail: Option<String>,
}

impl Aws {
    /// The service as it is now, tags included.
    pub async fn describe_service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<ServiceLookup, AwsError> {
        const ACTION: &str = "ecs:DescribeServices";
        let answer = ResponseRecorder::default();
        let call = self
            .ecs()
            .describe_services()
            .cluster(cluster.as_str())
            .services(service.as_str())
            .include(aws_sdk_ecs::types::ServiceField::Tags);
        from_sdk(
            ACTION,
            call.customize().interceptor(answer.clone()).send().await,
        )?;
        let mut answer = answer.json(ACTION)?;
        match answer["services"].get_mut(0).map(Value::take) {
            Some(found) => {
                let mut service = parse_answer::<Service>(ACTION, found.clone())?;
                service.answer = found;
                Ok(ServiceLookup::Service(Box::new(service)))
            }
            None => Ok(ServiceLookup::Missing(
                answer["failures"][0]["reason"]
                    .as_str()
                    .unwrap_or("MISSING")
                    .to_owned(),
            )),
        }
    }

    /// ARNs of the account's clusters.
    pub async fn list_cluster_arns(&self) -> Result<Vec<String>, AwsError> {
        Ok(
            from_sdk("ecs:ListClusters", self.ecs().list_clusters().send().await)?
                .cluster_arns()
                .to_vec(),
        )
    }

    /// ARNs of a cluster's services, a hundred at most.
    pub async fn list_service_arns(&self, cluster: &ClusterName) -> Result<Vec<String>, AwsError> {
        let call = self
            .ecs()
            .list_services()
            .cluster(cluster.as_str())
            .max_results(100);
        Ok(from_sdk("ecs:ListServices", call.send().await)?
            .service_arns()
            .to_vec())
    }

    /// The whole answer of DescribeTaskDefinition, tags included.
    pub async fn describe_task_definition(&self, revision: &str) -> Result<Value, AwsError> {
        const ACTION: &str = "ecs:DescribeTaskDefinition";
        let answer = ResponseRecorder::default();
        let call = self
            .ecs()
            .describe_task_definition()
            .task_definition(revision)
            .include(aws_sdk_ecs::types::TaskDefinitionField::Tags);
        from_sdk(
            ACTION,
            call.customize().interceptor(answer.clone()).send().await,
        )?;
        answer.json(ACTION)
    }

    /// Registers the definition and returns AWS's whole answer.
    pub async fn register_task_definition(&self, definition: &Value) -> Result<Value, AwsError> {
        const ACTION: &str = "ecs:RegisterTaskDefinition";
        let family = definition["family"].as_str().unwrap_or_default();
        self.write_retry
            .send(async || {
                let answer = ResponseRecorder::default();
                let call = self.ecs_once().register_task_definition().family(family);
                from_sdk(
                    ACTION,
                    call.customize()
                        .mutate_request(replace_body(definition))
                        .interceptor(answer.clone())
                        .send()
                        .await,
                )?;
                answer.json(ACTION)
            })
            .await
    }

    /// The family's newest ACTIVE revisions, newest first.
    pub async fn list_newest_revisions(&self, family: &str) -> Result<Vec<RevisionArn>, AwsError> {
        let call = self
            .ecs()
            .list_task_definitions()
            .family_prefix(family)
            .status(TaskDefinitionStatus::Active)
            .sort(aws_sdk_ecs::types::SortOrder::Desc);
        let answer = from_sdk("ecs:ListTaskDefinitions", call.max_results(10).send().await)?;
        Ok(identities(answer.task_definition_arns()))
    }

    /// Deregisters a revision. It is no error when the revision is already INACTIVE.
    pub async fn deregister_task_definition(&self, revision: &RevisionArn) -> Result<(), AwsError> {
        const ACTION: &str = "ecs:DeregisterTaskDefinition";
        self.write_retry
            .send(async || {
                from_sdk(
                    ACTION,
                    self.ecs_once()
                        .deregister_task_definition()
                        .task_definition(revision.as_str())
                        .send()
                        .await,
                )
                .map(drop)
            })
            .await
    }

    /// Sends UpdateService with the given request and returns the service as AWS answered.
    pub async fn update_service(&self, request: &Value) -> Result<Service, AwsError> {
        const ACTION: &str = "ecs:UpdateService";
        self.write_retry
            .send(async || {
                let answer = ResponseRecorder::default();
                let call = self
                    .ecs_once()
                    .update_service()
                    .service(request["service"].as_str().unwrap_or_default());
                from_sdk(
                    ACTION,
                    call.customize()
                        .mutate_request(replace_body(request))
                        .interceptor(answer.clone())
                        .send()
                        .await,
                )?;
                parse_answer(ACTION, answer.json(ACTION)?["service"].take())
            })
            .await
    }

    /// Sets the tag that says which hooks are ours.
    pub async fn tag_service(&self, service: &ServiceArn, value: &str) -> Result<(), AwsError> {
        self.set_service_tag(service, PAUSE_TAG, value).await
    }

    /// Sets a tag of a service; its value has at most 256 characters.
    pub async fn set_service_tag(
        &self,
        service: &ServiceArn,
        key: &str,
        value: &str,
    ) -> Result<(), AwsError> {
        let tag = aws_sdk_ecs::types::Tag::builder()
            .key(key)
            .value(value)
            .build();
        let call = self
            .ecs()
            .tag_resource()
            .resource_arn(service.as_str())
            .tags(tag);
        from_sdk("ecs:TagResource", call.send().await).map(drop)
    }

    /// Removes that tag; it is no error when the tag is missing.
    pub async fn untag_service(&self, service: &ServiceArn) -> Result<(), AwsError> {
        let call = self
            .ecs()
            .untag_resource()
            .resource_arn(service.as_str())
            .tag_keys(PAUSE_TAG);
        from_sdk("ecs:UntagResource", call.send().await).map(drop)
    }

    /// Runs a task. The request contains a client token, so it can be repeated safely.
    pub async fn run_task(&self, request: &Value) -> Result<RunTaskResult, AwsError> {
        const ACTION: &str = "ecs:RunTask";
        let answer = ResponseRecorder::default();
        let call = self
            .ecs()
            .run_task()
            .task_definition(request["taskDefinition"].as_str().unwrap_or_default());
        from_sdk(
            ACTION,
            call.customize()
                .mutate_request(replace_body(request))
                .interceptor(answer.clone())
                .send()
                .await,
        )?;
        parse_answer(ACTION, answer.json(ACTION)?)
    }

    /// The tasks as they are now.
    pub async fn describe_tasks(
        &self,
        cluster: &ClusterName,
        tasks: &[TaskArn],
    ) -> Result<Vec<Task>, AwsError> {
        const ACTION: &str = "ecs:DescribeTasks";
        let answer = ResponseRecorder::default();
        let call = self
            .ecs()
            .describe_tasks()
            .cluster(cluster.as_str())
            .set_tasks(Some(texts(&tasks[..tasks.len().min(MAX_TASKS)])));
        from_sdk(
            ACTION,
            call.customize().interceptor(answer.clone()).send().await,
        )?;
        parse_answer(ACTION, answer.json(ACTION)?["tasks"].take())
    }

    /// ARNs of a service's stopped tasks, in no order.
    pub async fn list_stopped_task_arns(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<TaskArn>, AwsError> {
        self.list_task_arns_of_service(cluster, service, &DesiredStatus::Stopped)
            .await
    }

    /// ARNs of a service's running or starting tasks.
    pub async fn list_service_task_arns(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<TaskArn>, AwsError> {
        self.list_task_arns_of_service(cluster, service, &DesiredStatus::Running)
            .await
    }

    async fn list_task_arns_of_service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        status: &DesiredStatus,
    ) -> Result<Vec<TaskArn>, AwsError> {
        self.list_task_arns(|| {
            self.ecs()
                .list_tasks()
                .cluster(cluster.as_str())
                .service_name(service.as_str())
                .desired_status(status.clone())
        })
        .await
    }

    /// The tasks of a family, no matter who started them.
    pub async fn list_family_tasks(
        &self,
        cluster: &ClusterName,
        family: &str,
        wanted: DesiredTaskStatus,
    ) -> Result<Vec<Task>, AwsError> {
        let status = match wanted {
            DesiredTaskStatus::Running => DesiredStatus::Running,
            DesiredTaskStatus::Stopped => DesiredStatus::Stopped,
        };
        let arns = self
            .list_task_arns(|| {
                self.ecs()
                    .list_tasks()
                    .cluster(cluster.as_str())
                    .family(family)
                    .desired_status(status.clone())
            })
            .await?;
        let mut tasks = Vec::new();
        for some in arns.chunks(MAX_TASKS) {
            tasks.extend(self.describe_tasks(cluster, some).await?);
        }
        Ok(tasks)
    }

    async fn list_task_arns(
        &self,
        call: impl Fn() -> ListTasksFluentBuilder,
    ) -> Result<Vec<TaskArn>, AwsError> {
        let (mut arns, mut token) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let call = call();
            let answer = from_sdk(
                "ecs:ListTasks",
                call.set_next_token(token.take()).send().await,
            )?;
            arns.extend(identities::<TaskArn>(answer.task_arns()));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(arns)
    }

    /// ARNs of running tasks of a family with this `startedBy`.
    pub async fn list_tasks_started_by(
        &self,
        cluster: &ClusterName,
        started_by: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        let call = self
            .ecs()
            .list_tasks()
            .cluster(cluster.as_str())
            .started_by(started_by)
            .desired_status(DesiredStatus::Running);
        Ok(identities(
            from_sdk("ecs:ListTasks", call.send().await)?.task_arns(),
        ))
    }

    /// Stops a task; it is no error when it has stopped already.
    pub async fn stop_task(
        &self,
        cluster: &ClusterName,
        task: &TaskArn,
        why: &str,
    ) -> Result<(), AwsError> {
        let call = self
            .ecs()
            .stop_task()
            .cluster(cluster.as_str())
            .task(task.as_str())
            .reason(why);
        from_sdk("ecs:StopTask", call.send().await).map(drop)
    }
}

/// An UpdateService request that changes only the revision.
pub fn update_request(
    cluster: &ClusterName,
    service: &ServiceName,
    revision: &RevisionArn,
) -> Value {
    json!({ "cluster": cluster, "service": service, "taskDefinition": revision })
}

/// An UpdateService request that changes only the deployment configuration, and so starts no
/// deployment.
pub fn configuration_request(
    cluster: &ClusterName,
    service: &ServiceName,
    changed: &Value,
) -> Value {
    json!({ "cluster": cluster, "service": service, "deploymentConfiguration": changed })
}

/// Reads an answer into a type.
pub(super) fn parse_answer<T: DeserializeOwned>(
    action: &'static str,
    answer: Value,
) -> Result<T, AwsError> {
    serde_json::from_value(answer)
        .map_err(|error| AwsError::incomplete_answer(action, &error.to_string()))
}
