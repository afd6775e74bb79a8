//! When the tags of an image move: one that is new at once, one that names another image once the
//! new one serves.

use ecs_bluegreen_sim::world::registry::{RegistryFault, RegistryFaultKind};
use ecs_bluegreen_sim::{
    RepositoryOptions, RollingOptions, ScanFinding, ScanOptions, ScanReading, Toggle,
};
use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Incident, Play, Story, When};

/// A stage on which `latest` names the version that serves.
async fn begin(story: Story) -> Play {
    let play = story.begin().await;
    play.tag_version("1.0.0", "latest").await
}

fn rolling() -> Story {
    Story::rolling(RollingOptions::default())
}

fn tagged(action: Action) -> Action {
    action.with("tags", "1.1.0, latest")
}

/// The digest that a tag names.
async fn digest_of_tag(play: &Play, tag: &str) -> String {
    play.stage
        .world()
        .fetch_manifest("app", tag)
        .await
        .map(|manifest| manifest.digest)
        .unwrap_or_default()
}

/// Where `latest` is after a run that brings 1.1.0 and does not succeed.
async fn assert_stays(story: Story, action: Action, outcome: &str) -> ActionRun {
    let mut play = begin(story).await;
    let before = digest_of_tag(&play, "latest").await;
    let run = play.act(action).await;
    assert_eq!(run.output("outcome"), outcome, "{}", run.text());
    assert_eq!(
        digest_of_tag(&play, "latest").await,
        before,
        "the tag is where it was: {}",
        run.text()
    );
    assert_eq!(
        digest_of_tag(&play, "1.1.0").await,
        run.output("image-digest"),
        "a tag that is new is set at the push"
    );
    assert!(
        run.log
            .join("\n")
            .contains("Tag latest was not moved to this image; it named sha256:"),
        "{}",
        run.text()
    );
    play.end().await;
    run
}

/// Requests to the registry that set a tag.
fn writes(play: &Play, tag: &str) -> usize {
    let registry = play
        .stage
        .world()
        .registry()
        .expect("the stage's own registry");
    registry
        .requests()
        .iter()
        .filter(|request| request.matches("PUT", &format!("/manifests/{tag}")))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_scan_leaves_the_tag_where_it_was() {
    let finding = ScanFinding::new("HIGH", "CVE-2024-0727", ("openssl", "3.0.11-1~deb12u2"));
    let scans = ScanOptions {
        on_push: Toggle::On,
        looks: vec![ScanReading::completed(vec![finding])],
        ..ScanOptions::default()
    };
    let story = rolling().stage(|options| drop(options.scans.insert("app".to_owned(), scans)));
    let run = assert_stays(
        story,
        tagged(Action::deploy("1.1.0")).with("scan", "high"),
        "not-deployed",
    )
    .await;
    assert_snapshot!(run.log_with("latest"), @"
    tag latest names [digest] now; it moves last, when everything else has succeeded
    Tag latest was not moved to this image; it named [digest]
    ");
    assert!(
        run.summary
            .contains("| Tags not set | latest was not moved to this image; it named sha256"),
        "{}",
        run.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_on_green_leaves_the_tag_where_it_was() {
    // The version calls itself otherwise.
    let action = tagged(Action::deploy_tested_by("1.1.0", &["health"])).with("version", "2.0.0");
    assert_stays(Story::codedeploy(), action, "rolled-back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_on_production_leaves_the_tag_where_it_was() {
    let action = tagged(Action::deploy_tested_by("1.1.0", &["health"]))
        .without("test-url")
        .with("version", "2.0.0");
    assert_stays(Story::blue_green(), action, "rolled-back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_leaves_the_tag_where_it_was() {
    let action = tagged(Action::deploy_tested_slowly("1.1.0"))
        .on_incident(When::Line("Smoke tests on green"), Incident::Interrupt);
    assert_stays(Story::codedeploy(), action, "rolled-back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_an_answer_says_which_tag_does_not_move_by_itself() {
    let action = tagged(Action::deploy_tested("1.1.0")).with("approval", "before-traffic");
    let run = assert_stays(Story::blue_green(), action, "waiting").await;
    assert_snapshot!(run.log_with("latest"), @"
    tag latest names [digest] now; it moves last, when everything else has succeeded
    Tag latest was not moved to this image; it named [digest], and mode: continue will not set it either (docs/images.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_approval_a_step_with_the_image_that_serves_moves_the_tag() {
    let mut play = begin(Story::blue_green()).await;
    let first = play
        .act(tagged(Action::deploy_tested("1.1.0")).with("approval", "before-traffic"))
        .await;
    let released = play
        .act(
            Action::to_service()
                .with("mode", "continue")
                .with("deployment", first.output("deployment-id")),
        )
        .await;
    assert_eq!(
        (released.output("outcome"), writes(&play, "latest")),
        ("deployed", 0),
        "{}",
        released.text()
    );
    let there = Action::to_service()
        .with("image", "app:1.1.0")
        .with("repository", "app")
        .with("push", "never");
    let run = play.act(there.with("tags-when-deployed", "latest")).await;
    assert_eq!(
        (
            run.output("outcome"),
            digest_of_tag(&play, "latest").await.as_str()
        ),
        ("already-deployed", first.output("image-digest"))
    );
    assert!(run.calls.is_empty(), "nothing else is done: {}", run.text());
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_is_not_waited_for_leaves_the_tag_where_it_was() {
    let action = tagged(Action::deploy("1.1.0")).with("wait-for-service-stability", "false");
    assert_stays(rolling(), action, "started").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_moves_last_when_the_new_image_serves() {
    let mut play = begin(Story::codedeploy()).await;
    let run = play.act(tagged(Action::deploy_tested("1.1.0"))).await;
    assert_eq!(
        (
            digest_of_tag(&play, "latest").await.as_str(),
            writes(&play, "latest")
        ),
        (run.output("image-digest"), 1)
    );
    let again = play.act(tagged(Action::deploy_tested("1.1.0"))).await;
    assert_eq!(
        (again.output("outcome"), writes(&play, "latest")),
        ("already-deployed", 1),
        "a tag that names the image is not touched"
    );
    play.end().await;
    assert_snapshot!(run.log_with("latest"), @"
    tag latest names [digest] now; it moves last, when everything else has succeeded
    tag latest names the new image
    ✓ Image tags: latest ([time])
    ");
    let line = |words: &str| run.log.iter().position(|line| line.starts_with(words));
    assert!(
        line("✓ Bake") < line("tag latest names the new image"),
        "{}",
        run.text()
    );
    assert!(
        run.summary
            .contains("tags <code>1.1.0</code> <code>latest</code>"),
        "{}",
        run.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_waits_for_the_deployment_is_set_last_although_it_is_new() {
    let mut play = rolling().begin().await;
    let action = Action::deploy_tested_by("1.1.0", &["health"])
        .without("test-url")
        .with("version", "2.0.0");
    let failed = play.act(action.with("tags-when-deployed", "live")).await;
    assert_eq!(
        (
            failed.output("outcome"),
            digest_of_tag(&play, "live").await.as_str()
        ),
        ("rolled-back", ""),
        "{}",
        failed.text()
    );
    assert_snapshot!(failed.log_with("live"), @"
    tag live is set last, when everything else has succeeded
    Tag live was not set on this image
    ");
    let run = play
        .act(Action::deploy("1.1.0").with("tags-when-deployed", "live"))
        .await;
    assert_eq!(
        digest_of_tag(&play, "live").await,
        run.output("image-digest")
    );
    play.end().await;
    assert_snapshot!(run.log_with("live"), @"
    tag live is set last, when everything else has succeeded
    tag live names the new image
    ✓ Image tags: live ([time])
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_there_already_gets_the_tags_of_what_serves() {
    let mut play = begin(rolling()).await.push_version("1.1.0").await;
    let action = Action::to_service()
        .with("image", "$REGISTRY/app:1.1.0")
        .with("repository", "app")
        .with("push", "never");
    let run = play.act(action.with("tags-when-deployed", "latest")).await;
    assert_eq!(
        (
            run.output("outcome"),
            digest_of_tag(&play, "latest").await.as_str()
        ),
        ("deployed", run.output("image-digest"))
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_a_tag_moves_when_all_else_is_done() {
    let mut play = begin(rolling()).await;
    let definition = crate::harness::definition("x").to_string();
    let action = tagged(Action::deploy("1.1.0"))
        .without("service")
        .file("task.json", &definition)
        .with("task-definition", "task.json");
    let run = play.act(action).await;
    assert_eq!(
        (
            run.output("reason"),
            digest_of_tag(&play, "latest").await.as_str()
        ),
        ("no-service", run.output("image-digest"))
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_cannot_be_moved_is_a_warning_and_green_serves_all_the_same() {
    let refused =
        RegistryFaultKind::refuse_with(403, "DENIED", "not authorized to perform: ecr:PutImage");
    let mut play = begin(rolling()).await;
    play.stage
        .world()
        .registry()
        .expect("a registry")
        .inject(RegistryFault::on_every_request(
            "PUT",
            "/manifests/latest",
            refused,
        ));
    let run = play.act(tagged(Action::deploy("1.1.0"))).await;
    play.end().await;
    assert_snapshot!(run.ending(), @r#"
    exit code 0
    ---
    ::warning title=note::the tag latest could not be set: the registry [registry] does not allow to write a manifest in `app`: not authorized to perform: ecr:PutImage; allow ecr:BatchGetImage and ecr:PutImage, or set it by hand: aws ecr put-image --repository-name app --image-tag latest --image-digest [digest] --image-manifest "$(aws ecr batch-get-image --repository-name app --image-ids imageDigest=[digest] --query 'images[0].imageManifest' --output text)"
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments); tags not set: latest.
    Tag latest was not moved to this image; it named [digest]
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_whose_answer_is_lost_or_throttled_is_set_again() {
    for kind in [
        RegistryFaultKind::LandsThenCuts,
        RegistryFaultKind::throttle(None),
    ] {
        let mut play = begin(rolling()).await;
        play.stage
            .world()
            .registry()
            .expect("a registry")
            .inject(RegistryFault::on_first_request(
                "PUT",
                "/manifests/latest",
                kind,
            ));
        let run = play.act(tagged(Action::deploy("1.1.0"))).await;
        assert_eq!(
            (
                run.output("outcome"),
                digest_of_tag(&play, "latest").await.as_str()
            ),
            ("deployed", run.output("image-digest"))
        );
        assert_eq!(writes(&play, "latest"), 2);
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_may_not_move_is_refused_before_anything_is_sent() {
    let repository = RepositoryOptions::new("app").with_immutable_tags(&[]);
    let mut play =
        begin(rolling().stage(|options| options.ecr.repositories.push(repository))).await;
    let run = play
        .act(Action::deploy("1.1.0").with("tags-when-deployed", "latest"))
        .await;
    assert_eq!(
        (run.code, run.calls.len()),
        (Some(2), 0),
        "{}",
        run.ending()
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_wait_for_a_deployment_need_one_that_is_followed() {
    let run = rolling()
        .run(
            Action::deploy("1.1.0")
                .with("tags-when-deployed", "live")
                .with("wait-for-service-stability", "false"),
        )
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::wait-for-service-stability: false leaves the rollout to AWS, but tags that wait for the new image to serve need it to be followed
      hint: leave it out, or leave tags-when-deployed out
    ");
}
