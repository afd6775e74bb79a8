//! Application Auto Scaling: the scalable target of an ECS service, which of its activities are
//! suspended, and the tag of the run that suspended them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService, entries, text};
use super::{Aws, AwsError, AwsErrorKind};
use crate::aws::arn::short_name;
use crate::identity::{ClusterName, ScalableTargetArn, ServiceName};

const SCALING: SignedService = SignedService {
    signing_name: "application-autoscaling",
    host: "application-autoscaling",
    id: "Application Auto Scaling",
    protocol: SignedProtocol::Json("AnyScaleFrontendService"),
};
/// Application Auto Scaling's name for ECS.
const NAMESPACE: &str = "ecs";

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
        let input = json!({
            "ServiceNamespace": NAMESPACE, "ResourceIds": [resource], "ScalableDimension": DIMENSION,
        });
        let call = SignedCall::new(SCALING, ACTION, self.partition.region());
        let answer = self.read_signed(call, &input).await?;
        let Some(target) = entries(&answer["ScalableTargets"]).first() else {
            return Ok(None);
        };
        let arn = text(&target["ScalableTargetARN"])
            .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the scalable target's ARN"))?;
        let capacity = |name: &str| {
            let capacity = target[name].as_i64().unwrap_or_default();
            i32::try_from(capacity).unwrap_or(i32::MAX)
        };
        Ok(Some(ScalableTarget {
            arn: arn.into(),
            min: capacity("MinCapacity"),
            max: capacity("MaxCapacity"),
            suspended: parse_state(&target["SuspendedState"]),
        }))
    }

    /// Sets which activities of the target are suspended; its capacities stay as they are.
    pub async fn set_suspended(
        &self,
        resource: &str,
        wanted: SuspendedState,
    ) -> Result<(), AwsError> {
        let input = json!({
            "ServiceNamespace": NAMESPACE,
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
            "SuspendedState": format_state(wanted),
        });
        self.write_scaling("application-autoscaling:RegisterScalableTarget", &input)
            .await
    }

    /// The run id in our tag of the target, if it has our tag.
    pub async fn read_suspending_run(
        &self,
        target: &ScalableTargetArn,
    ) -> Result<Option<String>, AwsError> {
        const ACTION: &str = "application-autoscaling:ListTagsForResource";
        let call = SignedCall::new(SCALING, ACTION, self.partition.region());
        let input = json!({ "ResourceARN": target.as_str() });
        let answer = self.read_signed(call, &input).await?;
        Ok(answer["Tags"][TAG].as_str().map(str::to_owned))
    }

    /// Sets our tag of the target to the run id.
    pub async fn tag_target(&self, target: &ScalableTargetArn, run: &str) -> Result<(), AwsError> {
        let input = json!({ "ResourceARN": target.as_str(), "Tags": { TAG: run } });
        self.write_scaling("application-autoscaling:TagResource", &input)
            .await
    }

    /// Removes our tag from the target.
    pub async fn untag_target(&self, target: &ScalableTargetArn) -> Result<(), AwsError> {
        let input = json!({ "ResourceARN": target.as_str(), "TagKeys": [TAG] });
        self.write_scaling("application-autoscaling:UntagResource", &input)
            .await
    }

    async fn write_scaling(&self, action: &'static str, input: &Value) -> Result<(), AwsError> {
        let call = SignedCall::new(SCALING, action, self.partition.region());
        self.write_retry
            .send(async || {
                let answer = self.send_signed(call, input).await;
                answer.map(drop).map_err(as_throttled)
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

fn parse_state(state: &Value) -> SuspendedState {
    let is_suspended = |name: &str| state[name].as_bool().unwrap_or_default();
    SuspendedState {
        scale_in: is_suspended("DynamicScalingInSuspended"),
        scale_out: is_suspended("DynamicScalingOutSuspended"),
        scheduled: is_suspended("ScheduledScalingSuspended"),
    }
}

fn format_state(wanted: SuspendedState) -> Value {
    json!({
        "DynamicScalingInSuspended": wanted.scale_in,
        "DynamicScalingOutSuspended": wanted.scale_out,
        "ScheduledScalingSuspended": wanted.scheduled,
    })
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
            assert_eq!(parse_state(&format_state(wanted)), wanted);
        }
    }
}
