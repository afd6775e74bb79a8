//! What every rollout that ECS performs has to leave behind.

use serde_json::{Value, json};

use super::incidents::call;
use super::play::Play;

/// The hooks that the service's own definition has now.
pub(crate) async fn hooks(play: &Play) -> Value {
    let service = call(
        &play.stage,
        "ecs.DescribeServices",
        &json!({ "cluster": "prod", "services": ["api"] }),
    )
    .await;
    service["services"][0]["deploymentConfiguration"]["lifecycleHooks"].clone()
}

/// Somebody's own pause, without a mark of ours.
pub(crate) fn foreign_pause_hook(stages: &[&str]) -> Value {
    json!({ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": { "timeoutInMinutes": 60, "action": "ROLLBACK" } })
}

/// All of production is on one target group, no hook of ours is left, and no deployment is under
/// way.
pub(crate) async fn assert_finished(play: &Play, group: &str) {
    assert_serves(play, group);
    assert_no_hook_of_ours(play).await;
    for deployment in play.stage.service_deployments() {
        let is_over = [
            "SUCCESSFUL",
            "STOPPED",
            "ROLLBACK_SUCCESSFUL",
            "ROLLBACK_FAILED",
        ]
        .contains(&deployment.status.as_str());
        assert!(is_over, "{deployment:?}");
    }
}

/// All of production is on one target group, as the load balancer does it.
pub(crate) fn assert_serves(play: &Play, group: &str) {
    let weights = play.stage.weights("prod");
    let serving: Vec<&str> = weights
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(serving, [group], "{weights:?}");
}

/// A hook of ours that is left would stop the next deployment that anyone starts.
pub(crate) async fn assert_no_hook_of_ours(play: &Play) {
    let hooks = hooks(play).await;
    assert!(!hooks.to_string().contains("ecsBluegreenAction"), "{hooks}");
    // Without a mark they are recognized by their time-out: every story's own hooks last an hour or
    // a day.
    let is_ours = |hook: &Value| {
        hook["targetType"] == "PAUSE"
            && ![60, 1440]
                .map(Value::from)
                .contains(&hook["timeoutConfiguration"]["timeoutInMinutes"])
    };
    assert!(
        !hooks.as_array().into_iter().flatten().any(is_ours),
        "{hooks}"
    );
}
