//! Production's weights as they are before anything is begun: exactly one side serves, and it is
//! the one that the service runs on.

use ecs_bluegreen_sim::world::load::{FailureTolerance, LoadOptions};
use ecs_bluegreen_sim::{Fault, FaultKind, Toggle};
use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Story};

/// Users are sent to a side without tasks, and nobody can help that.
fn any_failure(users: &LoadOptions) -> LoadOptions {
    LoadOptions {
        tolerated: FailureTolerance::Any,
        ..users.clone()
    }
}

async fn with_weights(story: Story, weights: &[(&str, u32)], action: Action) -> ActionRun {
    let mut play = story.users(any_failure).begin().await;
    play.stage.set_weights("prod", weights);
    let run = play.act(action).await;
    play.end().await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_that_is_not_all_on_blue_is_refused_before_anything_is_begun() {
    let mut ends = Vec::new();
    for story in [Story::codedeploy, Story::blue_green] {
        for weights in [
            [("api-1", 50), ("api-2", 50)],
            [("api-1", 0), ("api-2", 100)],
        ] {
            let run = with_weights(story(), &weights, Action::deploy_tested("1.1.0")).await;
            assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
            ends.push(run.ending());
        }
    }
    assert_eq!(
        ends[..2],
        ends[2..],
        "the same for CodeDeploy and for ECS's own"
    );
    assert_snapshot!(ends[..2].join("\n\n"), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: production's traffic is shared between both sides, and the service's revision api:1 is registered in target group api-1: rule arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/stage/c7ff6dcd94d7161e/6754af9632a2745e/52a5a04d053db0e7 forwards 50 to api-1, 50 to api-2
      hint: give api-1 all of the weight (aws elbv2 modify-rule --rule-arn RULE --actions …; for a network load balancer modify-listener), or use mode: rollback

    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: production's traffic goes to the other side, and the service's revision api:1 is registered in target group api-1: rule arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/stage/c7ff6dcd94d7161e/6754af9632a2745e/52a5a04d053db0e7 forwards 0 to api-1, 100 to api-2
      hint: give api-1 all of the weight (aws elbv2 modify-rule --rule-arn RULE --actions …; for a network load balancer modify-listener), or use mode: rollback
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ecs_says_of_weights_that_nobody_could_read_has_a_remedy() {
    let story = Story::blue_green().switches(|switches| switches.preflight = Toggle::On);
    let story = story
        .stage(|options| options.denied = vec!["elasticloadbalancing:DescribeRules".to_owned()]);
    let run = with_weights(
        story,
        &[("api-1", 50), ("api-2", 50)],
        Action::deploy("1.1.0"),
    )
    .await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(10), "not-deployed"),
        "{}",
        run.text()
    );
    assert_snapshot!(run.log_with("hint:"), @"  hint: more than one target group has weight in the production rule: give the target group that the service runs on all of the weight (aws elbv2 modify-rule --rule-arn RULE --actions …), and deploy again");
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_were_set_right_are_believed_although_they_are_read_late() {
    let mut play = Story::blue_green().users(any_failure).begin().await;
    play.stage
        .set_weights("prod", &[("api-1", 50), ("api-2", 50)]);
    assert_eq!(play.act(Action::deploy("1.1.0")).await.code, Some(2));
    play.stage
        .set_weights("prod", &[("api-1", 100), ("api-2", 0)]);
    play.stage
        .inject(Fault::on_first_call("DescribeRules", FaultKind::StaleRead));
    let run = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
}
