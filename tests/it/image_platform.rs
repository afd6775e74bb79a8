//! The image must be for the platform that the task definition needs.

use ecs_bluegreen_sim::RollingOptions;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, Story, definition};

fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

fn with_platform(platform: &Value) -> Value {
    let mut definition = definition("${registry}/app:1.0.0");
    definition["runtimePlatform"] = platform.clone();
    definition
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_for_another_platform_is_refused_before_anything_is_sent() {
    let arm =
        with_platform(&json!({ "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" }));
    let mut play = story().begin().await;
    let run = play
        .act(
            Action::deploy("1.1.0")
                .with("task-definition", "task.json")
                .file("task.json", &arm.to_string()),
        )
        .await;
    assert_eq!(
        play.stage.world().list_tags("app").await.expect("tags"),
        ["1.0.0"]
    );
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: the task definition needs an image for linux/arm64, and this one is for linux/amd64
      hint: build it for linux/arm64 (docker buildx build --platform), or set runtimePlatform in the task definition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_of_the_live_revision_counts_too() {
    let windows = with_platform(&json!({ "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" }));
    let run = story()
        .service(|service| service.task_definition = windows)
        .run(Action::deploy("1.1.0"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: the task definition needs an image for windows/amd64, and this one is for linux/amd64
      hint: build it for windows/amd64 (docker buildx build --platform), or set runtimePlatform in the task definition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_for_the_platform_that_is_written_is_deployed() {
    let intel =
        with_platform(&json!({ "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" }));
    let run = story()
        .service(|service| service.task_definition = intel)
        .run(Action::deploy("1.1.0"))
        .await;
    assert_eq!(run.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_in_the_registry_already_is_looked_at_too() {
    let arm = with_platform(&json!({ "cpuArchitecture": "ARM64" }));
    let mut play = story().begin().await.push_version("1.1.0").await;
    let action = Action::to_service()
        .with("image", "$REGISTRY/app:1.1.0")
        .with("task-definition", "task.json");
    let run = play.act(action.file("task.json", &arm.to_string())).await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: the task definition needs an image for linux/arm64, and this one is for linux/amd64
      hint: build it for linux/arm64 (docker buildx build --platform), or set runtimePlatform in the task definition
    ");
}
