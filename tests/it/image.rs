//! Where the image comes from and where it goes.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_the_registry_is_pinned_where_it_is() {
    let mut play = Story::codedeploy()
        .begin()
        .await
        .push_version("1.1.0")
        .await;
    let run = play
        .act(
            Action::to_service()
                .with("image", "$REGISTRY/app:1.1.0")
                .with("version", "1.1.0"),
        )
        .await;
    play.end().await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app:1.1.0 is in the registry already, [size] moved
    [registry]/app@[digest], [size] moved
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_gets_all_its_tags_and_the_repository_s_whole_name_will_do() {
    let mut play = Story::codedeploy().begin().await;
    let run = play
        .act(
            Action::deploy("1.1.0")
                .with("repository", "$REGISTRY/app")
                .with("tags", "1.1.0, latest\nfriday"),
        )
        .await;
    let mut tags = play.stage.world().list_tags("app").await.expect("tags");
    tags.sort();
    assert_eq!(tags, ["1.0.0", "1.1.0", "friday", "latest"]);
    assert_eq!(
        play.stage
            .world()
            .fetch_manifest("app", "latest")
            .await
            .expect("an image")
            .digest,
        run.output("image-digest")
    );
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_nowhere_is_refused_before_anything_is_written() {
    let action = Action::to_service().with("image", "$REGISTRY/app:9.9.9");
    assert_snapshot!(Story::codedeploy().run(action).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: `[registry]/app:9.9.9` was not found: [registry]/app has no `9.9.9`
      hint: build and load the image before this step, or check image and repository
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_that_is_not_there_is_refused_before_anything_is_written() {
    let action = Action::to_service()
        .with("image", "oci:build/image")
        .with("repository", "app");
    assert_snapshot!(Story::codedeploy().run(action).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: build/image cannot be read (there is no such file); tried [workspace]/build/image
      hint: the path is relative to the workspace; files outside the workspace are not seen by the action
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_must_not_be_pushed_and_is_not_there_is_refused() {
    assert_snapshot!(Story::codedeploy().run(Action::deploy("1.1.0").with("push", "never")).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::push: an image in a layout or an archive has no name in the registry
      hint: leave push out, or name the image in the registry
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_deployment_looks_for_the_image() {
    let action = Action::to_service()
        .with("mode", "status")
        .with("image", "oci:build/image")
        .with("repository", "team/nowhere");
    let run = Story::codedeploy().run(action).await;
    assert_eq!(run.code, Some(0), "{}", run.ending());
}
