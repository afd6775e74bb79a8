//! ECS moves the traffic: its own blue/green, canary and linear, gated by our pauses.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, Play, Story, call};

/// The hooks that the service's own definition has now.
async fn hooks(play: &Play) -> Value {
    let service = call(&play.stage, "ecs.DescribeServices", &json!({ "cluster": "prod", "services": ["api"] })).await;
    service["services"][0]["deploymentConfiguration"]["lifecycleHooks"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_green_is_tested_at_its_gates_and_leaves_no_hook() {
    let mut play = Story::blue_green().begin().await;
    let told = play.act(Action::tested("1.1.0")).await;
    assert!(play.users().versions.contains_key("1.1.0"), "users see the new version");
    assert_eq!(hooks(&play).await, json!([]));
    play.end().await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_waits_for_us_before_each_of_its_steps() {
    let mut play = Story::canary().begin().await;
    let told = play.act(Action::tested("1.1.0")).await;
    play.end().await;
    assert_snapshot!(told.text(), @"");
}
