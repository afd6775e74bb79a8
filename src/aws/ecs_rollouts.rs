//! ECS's own deployments: list, describe, continue, stop; and the service revisions that they
//! deploy.

use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, StopServiceDeploymentStopType};
use serde_json::Value;

use super::ecs::parse_answer;
use super::ecs_rollout_shapes::{ServiceDeployment, ServiceDeploymentSummary, ServiceRevision};
use super::error::from_sdk;
use super::response::ResponseRecorder;
use super::{Aws, AwsError};
use crate::identity::{ClusterName, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, texts};

/// The Describe calls take at most this many.
const MAX_ARNS: usize = 20;
/// ListServiceDeployments returns at most this many at once.
const PAGE_SIZE: i32 = 100;

/// The answer to a paused deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseAnswer {
    /// Continue with the deployment.
    Continue,
    /// Roll back.
    Rollback,
}

impl Aws {
    /// The service's deployments of the last 90 days, newest first, one page of them.
    pub async fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentSummary>, AwsError> {
        const ACTION: &str = "ecs:ListServiceDeployments";
        let answer = ResponseRecorder::default();
        let call = self
            .ecs()
            .list_service_deployments()
            .cluster(cluster.as_str())
            .service(service.as_str())
            .max_results(PAGE_SIZE);
        from_sdk(
            ACTION,
            call.customize().interceptor(answer.clone()).send().await,
        )?;
        let mut briefs: Vec<ServiceDeploymentSummary> =
            read_members(ACTION, &answer, "serviceDeployments")?;
        briefs.sort_by(|one, other| {
            other
                .created_at
                .total_cmp(&one.created_at)
                .then_with(|| other.arn.cmp(&one.arn))
        });
        Ok(briefs)
    }

    /// The deployments as they are now, in the order of the request; those that no longer exist are
    /// left out.
    pub async fn describe_service_deployments(
        &self,
        arns: &[ServiceDeploymentArn],
    ) -> Result<Vec<ServiceDeployment>, AwsError> {
        const ACTION: &str = "ecs:DescribeServiceDeployments";
        let mut all: Vec<ServiceDeployment> = Vec::new();
        for some in arns.chunks(MAX_ARNS) {
            let answer = ResponseRecorder::default();
            let call = self
                .ecs()
                .describe_service_deployments()
                .set_service_deployment_arns(Some(texts(some)));
            from_sdk(
                ACTION,
                call.customize().interceptor(answer.clone()).send().await,
            )?;
            let found: Vec<ServiceDeployment> =
                read_members(ACTION, &answer, "serviceDeployments")?;
            all.extend(some.iter().filter_map(|arn| {
                found
                    .iter()
                    .find(|deployment| deployment.arn == *arn)
                    .cloned()
            }));
        }
        Ok(all)
    }

    /// One deployment as it is now.
    pub async fn describe_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeployment>, AwsError> {
        Ok(self
            .describe_service_deployments(std::slice::from_ref(arn))
            .await?
            .into_iter()
            .next())
    }

    /// The service revisions, resolved, in the order of the request.
    pub async fn describe_service_revisions(
        &self,
        arns: &[ServiceRevisionArn],
    ) -> Result<Vec<ServiceRevision>, AwsError> {
        const ACTION: &str = "ecs:DescribeServiceRevisions";
        let mut all: Vec<ServiceRevision> = Vec::new();
        for some in arns.chunks(MAX_ARNS) {
            let answer = ResponseRecorder::default();
            let call = self
                .ecs()
                .describe_service_revisions()
                .set_service_revision_arns(Some(texts(some)));
            from_sdk(
                ACTION,
                call.customize().interceptor(answer.clone()).send().await,
            )?;
            let found: Vec<ServiceRevision> = read_members(ACTION, &answer, "serviceRevisions")?;
            all.extend(some.iter().filter_map(|arn| {
                found
                    .iter()
                    .find(|revision| revision.service_revision_arn == *arn)
                    .cloned()
            }));
        }
        Ok(all)
    }

    /// Answers a pause. ECS refuses the answer to a pause that was answered before; the next read
    /// shows why.
    pub async fn continue_service_deployment(
        &self,
        deployment: &ServiceDeploymentArn,
        hook: &str,
        answer: PauseAnswer,
    ) -> Result<(), AwsError> {
        let action = match answer {
            PauseAnswer::Continue => DeploymentLifecycleHookAction::Continue,
            PauseAnswer::Rollback => DeploymentLifecycleHookAction::Rollback,
        };
        self.write_retry
            .send(async || {
                let call = self
                    .ecs_once()
                    .continue_service_deployment()
                    .service_deployment_arn(deployment.as_str())
                    .hook_id(hook);
                from_sdk(
                    "ecs:ContinueServiceDeployment",
                    call.action(action.clone()).send().await,
                )
                .map(drop)
            })
            .await
    }

    /// Stops the deployment with a rollback. Sending it twice is safe.
    pub async fn stop_service_deployment(
        &self,
        deployment: &ServiceDeploymentArn,
    ) -> Result<(), AwsError> {
        self.write_retry
            .send(async || {
                let call = self
                    .ecs()
                    .stop_service_deployment()
                    .service_deployment_arn(deployment.as_str());
                from_sdk(
                    "ecs:StopServiceDeployment",
                    call.stop_type(StopServiceDeploymentStopType::Rollback)
                        .send()
                        .await,
                )
                .map(drop)
            })
            .await
    }
}

fn read_members<T: serde::de::DeserializeOwned>(
    action: &'static str,
    answer: &ResponseRecorder,
    member: &str,
) -> Result<Vec<T>, AwsError> {
    match answer.json(action)?.get_mut(member).map(Value::take) {
        Some(found) => parse_answer(action, found),
        None => Ok(Vec::new()),
    }
}
