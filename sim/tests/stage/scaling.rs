//! Application Auto Scaling: a service's scalable target, what suspends it, and what happens to a
//! rollout that does not.

use std::time::Duration;

use ecs_bluegreen_sim::{
    Controller, Exposure, GroupOptions, ScalingOptions, ServiceOptions, StageOptions, Suspension,
    SuspensionUpdate, Switches, TaskEngine,
};
use serde_json::{Value, json};

use crate::codedeploy::{reach, request};
use crate::harness::{PATIENCE, Play, definition, page};

/// Load is low so many milliseconds after a rollout began.
const LOW_AFTER: u64 = 50;

fn api() -> Value {
    json!({ "ServiceNamespace": "ecs", "ResourceId": "service/prod/api", "ScalableDimension": "ecs:service:DesiredCount" })
}

fn with(members: Value) -> Value {
    let (mut all, Value::Object(members)) = (api(), members) else {
        panic!("members")
    };
    all.as_object_mut().expect("members").extend(members);
    all
}

async fn stage(suspension: SuspensionUpdate) -> Play {
    let switches = Switches {
        suspension,
        ..Switches::default()
    };
    let options = StageOptions {
        engine: TaskEngine::Imaginary,
        switches,
        ..StageOptions::default()
    };
    Play::with(Controller::CodeDeploy(GroupOptions::default()), options).await
}

async fn targets(play: &Play) -> Value {
    play.ask(
        "scaling.DescribeScalableTargets",
        json!({ "ServiceNamespace": "ecs", "ResourceIds": ["service/prod/api"] }),
    )
    .await["ScalableTargets"]
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_registered_suspended_tagged_and_shown() {
    let play = stage(SuspensionUpdate::Replaced).await;
    assert_eq!(targets(&play).await, json!([]));
    assert_eq!(
        play.refused(
            "scaling.RegisterScalableTarget",
            with(json!({ "MinCapacity": 1 }))
        )
        .await,
        "ValidationException"
    );
    let made = play
        .ask(
            "scaling.RegisterScalableTarget",
            with(json!({ "MinCapacity": 1, "MaxCapacity": 4 })),
        )
        .await;
    let suspended = json!({ "SuspendedState": { "DynamicScalingInSuspended": true } });
    assert_eq!(
        play.ask("scaling.RegisterScalableTarget", with(suspended))
            .await,
        made
    );
    let target = targets(&play).await[0].clone();
    assert_eq!(
        (&target["MinCapacity"], &target["MaxCapacity"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(target["SuspendedState"]["DynamicScalingInSuspended"], true);
    assert_eq!(target["ScalableTargetARN"], made["ScalableTargetARN"]);
    let arn = made["ScalableTargetARN"].clone();
    play.ask(
        "scaling.TagResource",
        json!({ "ResourceARN": arn, "Tags": { "run": "7", "team": "a" } }),
    )
    .await;
    play.ask(
        "scaling.UntagResource",
        json!({ "ResourceARN": arn, "TagKeys": ["team", "none"] }),
    )
    .await;
    let tags = play
        .ask("scaling.ListTagsForResource", json!({ "ResourceARN": arn }))
        .await;
    assert_eq!(tags, json!({ "Tags": { "run": "7" } }));
    assert_eq!(page(&play, "scaling/api").await["tags"], tags["Tags"]);
    let mutations: Vec<String> = play
        .stage
        .ledger()
        .into_iter()
        .map(|entry| entry.operation)
        .collect();
    let expected = [
        "RegisterScalableTarget",
        "RegisterScalableTarget",
        "RegisterScalableTarget",
        "TagResource",
        "UntagResource",
    ];
    assert_eq!(
        mutations,
        expected.map(|operation| format!("application-autoscaling:{operation}"))
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_suspension_leaves_out_is_a_switch() {
    for (update, stays) in [
        (SuspensionUpdate::Replaced, false),
        (SuspensionUpdate::Merged, true),
    ] {
        let play = stage(update).await;
        let all = json!({ "MinCapacity": 1, "MaxCapacity": 4, "SuspendedState": { "ScheduledScalingSuspended": true } });
        play.ask("scaling.RegisterScalableTarget", with(all)).await;
        let later = json!({ "SuspendedState": { "DynamicScalingInSuspended": true } });
        play.ask("scaling.RegisterScalableTarget", with(later))
            .await;
        let suspended = Suspension {
            scale_in: true,
            scale_out: false,
            scheduled: stays,
        };
        assert_eq!(
            play.stage
                .scaling_view("api")
                .map(|target| target.suspended),
            Some(suspended)
        );
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_or_is_denied_is_refused() {
    let play = stage(SuspensionUpdate::Replaced).await;
    let table = [
        (
            "RegisterScalableTarget",
            json!({ "ServiceNamespace": "ecs" }),
            "ValidationException",
        ),
        (
            "RegisterScalableTarget",
            with(json!({ "ResourceId": "service/prod/other", "MinCapacity": 1, "MaxCapacity": 1 })),
            "ValidationException",
        ),
        (
            "RegisterScalableTarget",
            with(json!({ "MinCapacity": 3, "MaxCapacity": 1 })),
            "ValidationException",
        ),
        (
            "DescribeScalableTargets",
            json!({ "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount" }),
            "ValidationException",
        ),
        (
            "DescribeScalableTargets",
            json!({ "ServiceNamespace": "ecs", "NextToken": "x" }),
            "InvalidNextTokenException",
        ),
        (
            "ListTagsForResource",
            json!({ "ResourceARN": "arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/0" }),
            "ResourceNotFoundException",
        ),
    ];
    for (operation, request, code) in table {
        assert_eq!(
            play.refused(&format!("scaling.{operation}"), request).await,
            code,
            "{operation}"
        );
    }
    play.stage.deny(&["application-autoscaling:Describe*"]);
    assert_eq!(
        play.refused(
            "scaling.DescribeScalableTargets",
            json!({ "ServiceNamespace": "ecs" })
        )
        .await,
        "AccessDeniedException"
    );
    play.stage.shutdown().await;
}

/// A service of three tasks whose rollout waits at its gate for longer than load stays high; how
/// many tasks it wants then.
async fn desired_at_the_gate(suspended: Suspension) -> u32 {
    let play = stage(SuspensionUpdate::Replaced).await;
    let shop = ServiceOptions {
        name: "shop".to_owned(),
        controller: Controller::CodeDeploy(GroupOptions::default()),
        desired: 3,
        task_definition: definition("no-such-image"),
        status: "ACTIVE".to_owned(),
        exposure: Some(Exposure {
            production: "shop".to_owned(),
            test: None,
            ..Exposure::new("app", 8080)
        }),
        scaling: Some(ScalingOptions {
            min: 1,
            max: 4,
            suspended,
            scale_in_after_ms: Some(LOW_AFTER),
        }),
    };
    play.stage.add_service(shop).await.expect("a service");
    assert!(play.stage.wait_until_steady("shop", PATIENCE).await);
    let mut deployment = request("api:2");
    deployment["applicationName"] = json!("AppECS-prod-shop");
    deployment["deploymentGroupName"] = json!("DgpECS-prod-shop");
    let id = play.ask("codedeploy.CreateDeployment", deployment).await["deploymentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    reach(&play, &id, "Ready").await;
    tokio::time::sleep(Duration::from_millis(4 * LOW_AFTER)).await;
    let desired = play
        .stage
        .service_view("shop")
        .expect("the service")
        .desired;
    play.stage.shutdown().await;
    desired
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_scaled_in_once_unless_scale_in_is_suspended() {
    assert_eq!(desired_at_the_gate(Suspension::default()).await, 2);
    assert_eq!(
        desired_at_the_gate(Suspension {
            scale_in: true,
            ..Suspension::default()
        })
        .await,
        3
    );
}
