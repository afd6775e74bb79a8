//! Application Auto Scaling: the scalable target of an ECS service, which of its activities are
//! suspended, and the tag of the run that suspended them.

use aws_sdk_applicationautoscaling::types::{
    ScalableDimension, ServiceNamespace, SuspendedState as State,
};

use super::error::from_sdk;
use super::{Aws, AwsError, AwsErrorKind};
use crate::aws::arn::short_name;
use crate::identity::{ClusterName, ScalableTargetArn, ServiceName};
use serde::{Deserialize, Serialize};

/// Which activities of a scalable target are suspended. (also :38 and :80)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspendedState {
    /// Scaling in by policies.
    pub scale_in: bool,
    /// Scaling out by policies.
    pub scale_out: bool,
    /// Scheduled actions.
    pub scheduled: bool,
}

/// The tag of a scalable target whose scale-in a run of ours suspended; its value is the run's id.
pub const TAG: &str = "ecs-bluegreen-action:scale-in-suspended-by";
/// The dimension of an ECS service that is scaled.
pub const DIMENSION: &str = "ecs:service:DesiredCount";

/// The scalable target of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalableTarget {
    /// The scalable target's ARN.
    pub arn: ScalableTargetArn,
    /// The minimum number of tasks.
    pub min: i32,
    /// The maximum number of tasks.
    pub max: i32,
    /// Which of its activities are suspended.
    pub suspended: SuspendedState,
}

/// Application Auto Scaling's name for a service; cluster and service by name or ARN.
pub fn resource_id(cluster: &ClusterName, service: &ServiceName) -> String {
    format!("service/{}/{}", short_name(cluster), short_name(service))
}

impl Aws {
    /// The service's scalable target, if it has one.
    pub async fn describe_scalable_target(
        &self,
        resource: &str,
    ) -> Result<Option<ScalableTarget>, AwsError> {
        const ACTION: &str = "application-autoscaling:DescribeScalableTargets";
        let call = self
            .scaling()
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_ids(resource);
        let answer = from_sdk(
            ACTION,
            call.scalable_dimension(ScalableDimension::from(DIMENSION))
                .send()
                .await,
        )?;
        let Some(target) = answer.scalable_targets().first() else {
            return Ok(None);
        };
        let arn = target
            .scalable_target_arn()
            .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the scalable target's ARN"))?;
        let suspended = target
            .suspended_state()
            .map(from_sdk_state)
            .unwrap_or_default();
        Ok(Some(ScalableTarget {
            arn: arn.into(),
            min: target.min_capacity(),
            max: target.max_capacity(),
            suspended,
        }))
    }

    /// Sets which activities of the target are suspended; its capacities stay as they are.
    pub async fn set_suspended(
        &self,
        resource: &str,
        wanted: SuspendedState,
    ) -> Result<(), AwsError> {
        self.write_retry
            .send(async || {
                let call = self
                    .scaling_once()
                    .register_scalable_target()
                    .service_namespace(ServiceNamespace::Ecs)
                    .resource_id(resource);
                let call = call
                    .scalable_dimension(ScalableDimension::from(DIMENSION))
                    .suspended_state(to_sdk_state(wanted));
                from_sdk(
                    "application-autoscaling:RegisterScalableTarget",
                    call.send().await,
                )
                .map(drop)
                .map_err(as_throttled)
            })
            .await
    }

    /// The run id in our tag of the target, if it has our tag.
    pub async fn read_suspending_run(
        &self,
        target: &ScalableTargetArn,
    ) -> Result<Option<String>, AwsError> {
        let call = self
            .scaling()
            .list_tags_for_resource()
            .resource_arn(target.as_str());
        let answer = from_sdk(
            "application-autoscaling:ListTagsForResource",
            call.send().await,
        )?;
        Ok(answer.tags.and_then(|mut tags| tags.remove(TAG)))
    }

    /// Sets our tag of the target to the run id.
    pub async fn tag_target(&self, target: &ScalableTargetArn, run: &str) -> Result<(), AwsError> {
        self.write_retry
            .send(async || {
                let call = self
                    .scaling_once()
                    .tag_resource()
                    .resource_arn(target.as_str())
                    .tags(TAG, run);
                from_sdk("application-autoscaling:TagResource", call.send().await)
                    .map(drop)
                    .map_err(as_throttled)
            })
            .await
    }

    /// Removes our tag from the target.
    pub async fn untag_target(&self, target: &ScalableTargetArn) -> Result<(), AwsError> {
        self.write_retry
            .send(async || {
                let call = self
                    .scaling_once()
                    .untag_resource()
                    .resource_arn(target.as_str())
                    .tag_keys(TAG);
                from_sdk("application-autoscaling:UntagResource", call.send().await)
                    .map(drop)
                    .map_err(as_throttled)
            })
            .await
    }
}

/// A target that somebody else is updating accepts the request a little later, so the error is
/// treated as throttling.
fn as_throttled(error: AwsError) -> AwsError {
    if error.has_code("ConcurrentUpdate") {
        AwsError {
            kind: AwsErrorKind::Throttled,
            ..error
        }
    } else {
        error
    }
}

fn from_sdk_state(state: &State) -> SuspendedState {
    SuspendedState {
        scale_in: state.dynamic_scaling_in_suspended().unwrap_or(false),
        scale_out: state.dynamic_scaling_out_suspended().unwrap_or(false),
        scheduled: state.scheduled_scaling_suspended().unwrap_or(false),
    }
}

fn to_sdk_state(wanted: SuspendedState) -> State {
    State::builder()
        .dynamic_scaling_in_suspended(wanted.scale_in)
        .dynamic_scaling_out_suspended(wanted.scale_out)
        .scheduled_scaling_suspended(wanted.scheduled)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_names_also_when_it_is_given_by_arns() {
        for (cluster, service) in [
            ("prod", "api"),
            (
                "arn:aws:ecs:eu-central-1:123456789012:cluster/prod",
                "arn:aws:ecs:eu-central-1:123456789012:service/prod/api",
            ),
        ] {
            assert_eq!(
                resource_id(&cluster.into(), &service.into()),
                "service/prod/api"
            );
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        for wanted in [
            SuspendedState::default(),
            SuspendedState {
                scale_in: true,
                scale_out: false,
                scheduled: true,
            },
            SuspendedState {
                scale_in: false,
                scale_out: true,
                scheduled: false,
            },
        ] {
            assert_eq!(from_sdk_state(&to_sdk_state(wanted)), wanted);
        }
    }
}
