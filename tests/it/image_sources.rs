//! Images that are in a registry already: brought from one repository to another, with the credentials that belong to each.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecs_bluegreen_sim::{RollingOptions, Stage, StageOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Story, Told, layout};

const PASSWORD: &str = "canary-of-the-other-registry";

fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

/// Somebody else's registry, with the sample application in it. It only takes the user `AWS`, and its own password.
async fn elsewhere() -> Stage {
    let options = StageOptions { registry_password: PASSWORD.to_owned(), ..StageOptions::default() };
    let other = Stage::start(options).await.expect("a stage");
    other.world().push_layout(Path::new(&layout("1.1.0")), "team/app", "1.1.0").await.expect("pushed");
    other
}

fn from(other: &Stage) -> Action {
    let image = format!("docker://{}/team/app:1.1.0", other.registry_host());
    Action::service().with("image", &image).with("repository", "app").with("tags", "1.1.0")
}

fn docker_config(entry: &serde_json::Value, other: &Stage) -> String {
    json!({ "auths": { format!("https://{}/v2/", other.registry_host()): entry } }).to_string()
}

fn image_group(told: &Told) -> String {
    let lines = told.log.iter().skip_while(|line| *line != "::group::Image").take_while(|line| !line.starts_with("✓"));
    told.redacted(&lines.cloned().collect::<Vec<_>>().join("\n"))
}

fn keeps_the_secret(told: &Told) {
    let log: Vec<&String> = told.log.iter().filter(|line| !line.starts_with("::add-mask::")).collect();
    assert!(log.iter().all(|line| !line.contains(PASSWORD)) && !told.summary.contains(PASSWORD), "the password is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_promoted_from_one_repository_to_another_without_a_rebuild() {
    let story = story().stage(|options| options.repositories.push("prod/app".to_owned()));
    let mut play = story.begin().await.pushed("1.1.0").await;
    let staging = play.stage.world().manifest("app", "1.1.0").await.expect("an image").digest;
    let action = Action::service().with("image", "docker://$REGISTRY/app:1.1.0").with("repository", "prod/app").with("tags", "1.1.0");
    let told = play.act(action).await;
    play.end().await;
    assert_eq!(told.output("image-digest"), staging, "what was tested is what runs");
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tag_on_an_image_that_is_there_moves_nothing() {
    let mut play = story().begin().await.pushed("1.1.0").await;
    let action = Action::service().with("image", "docker://$REGISTRY/app:1.1.0").with("repository", "app").with("tags", "release");
    let told = play.act(action).await;
    let release = play.stage.world().manifest("app", "release").await.expect("an image").digest;
    play.end().await;
    assert_eq!(told.output("image-digest"), release);
    assert_snapshot!(image_group(&told), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_comes_from_another_registry_with_the_credentials_that_are_given() {
    let other = elsewhere().await;
    let told = story().told(from(&other).with("registry-username", "AWS").with("registry-password", PASSWORD)).await;
    keeps_the_secret(&told);
    assert_snapshot!(image_group(&told), @"");
    assert_eq!(told.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_docker_configuration_of_the_job_opens_the_other_registry() {
    let other = elsewhere().await;
    let entry = json!({ "auth": STANDARD.encode(format!("AWS:{PASSWORD}")) });
    let action = from(&other).with("docker-config", "docker").file("docker/config.json", &docker_config(&entry, &other));
    let told = story().told(action).await;
    keeps_the_secret(&told);
    assert_eq!(told.output("outcome"), "deployed", "{}", told.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_a_program_of_the_host_keeps_are_said_to_be_out_of_reach() {
    let other = elsewhere().await;
    let config = json!({ "credHelpers": { other.registry_host(): "gcloud" } }).to_string();
    let told = story().told(from(&other).with("docker-config", "config.json").file("config.json", &config)).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_before_anything_is_written() {
    let other = elsewhere().await;
    let told = story().told(from(&other).with("registry-username", "AWS").with("registry-password", "not-the-password")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_credentials_and_a_file_that_is_not_there_are_problems() {
    let action =
        Action::service().with("image", "docker://ghcr.io/org/app:1").with("repository", "app").with("registry-username", "octocat");
    assert_snapshot!(story().told(action.with("docker-config", "nowhere")).await.ending(), @"");
    assert_snapshot!(story().told(Action::deploy("1.1.0").with("registry-password", "secret")).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_the_other_registry_does_not_have_is_refused() {
    let other = elsewhere().await;
    let image = format!("docker://{}/team/app:9.9.9", other.registry_host());
    let action = from(&other).with("image", &image).with("registry-username", "AWS").with("registry-password", PASSWORD);
    assert_snapshot!(story().told(action).await.ending(), @"");
}
