//! Where the image comes from and where it goes.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_the_registry_is_pinned_where_it_is() {
    let mut play = Story::codedeploy().begin().await.pushed("1.1.0").await;
    let told = play.act(Action::service().with("image", "$REGISTRY/app:1.1.0").with("version", "1.1.0")).await;
    play.end().await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_gets_all_its_tags_and_the_repository_s_whole_name_will_do() {
    let mut play = Story::codedeploy().begin().await;
    let told = play.act(Action::deploy("1.1.0").with("repository", "$REGISTRY/app").with("tags", "1.1.0, latest\nfriday")).await;
    let mut tags = play.stage.world().tags("app").await.expect("tags");
    tags.sort();
    assert_eq!(tags, ["1.0.0", "1.1.0", "friday", "latest"]);
    assert_eq!(play.stage.world().manifest("app", "latest").await.expect("an image").digest, told.output("image-digest"));
    play.end().await;
    assert_eq!(told.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_nowhere_is_refused_before_anything_is_written() {
    let action = Action::service().with("image", "$REGISTRY/app:9.9.9");
    assert_snapshot!(Story::codedeploy().told(action).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_that_is_not_there_is_refused_before_anything_is_written() {
    let action = Action::service().with("image", "oci:build/image").with("repository", "app");
    assert_snapshot!(Story::codedeploy().told(action).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_must_not_be_pushed_and_is_not_there_is_refused() {
    assert_snapshot!(Story::codedeploy().told(Action::deploy("1.1.0").with("push", "never")).await.ending(), @"");
}
