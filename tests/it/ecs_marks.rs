//! PAUSE hooks of ours whose marks AWS drops or refuses, or that another tool has written back
//! without what it does not know: whatever becomes of the run, the next deployment that anyone
//! starts does not stop at them.

use std::time::Duration;

use ecs_bluegreen::drift::RECORD_TAG;
use ecs_bluegreen_sim::{BareHook, EcsStrategyOptions, HookDetails, RemovedHooks, Stage};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::ecs::{assert_finished, foreign_pause_hook, hooks};
use crate::harness::{Action, ActionRun, Incident, Play, Story, When, call};

const AT_TESTS: When = When::Line("Smoke tests on green");
const UNMARKED: [HookDetails; 2] = [HookDetails::Dropped, HookDetails::Refused];

fn story(hook_details: HookDetails) -> Story {
    Story::blue_green().switches(|switches| switches.hook_details = hook_details)
}

/// The service's tags, without the record of what was deployed.
async fn tags(play: &Play) -> Value {
    let asked = json!({ "cluster": "prod", "services": ["api"], "include": ["TAGS"] });
    let service = call(&play.stage, "ecs.DescribeServices", &asked).await;
    let tags = service["services"][0]["tags"].as_array().cloned();
    tags.into_iter()
        .flatten()
        .filter(|tag| tag["key"] != RECORD_TAG)
        .collect()
}

/// Nothing of ours is left: neither hooks nor the tag that names them.
async fn is_clean(play: &Play, group: &str) {
    assert_finished(play, group).await;
    assert_eq!(
        (hooks(play).await, tags(play).await),
        (json!([]), json!([]))
    );
}

/// A run whose machine dies while green is tested; its deployment is still there.
async fn dies(play: &mut Play) {
    let dead = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(AT_TESTS, Incident::Kill))
        .await;
    assert_eq!(dead.code, None);
    assert_eq!(
        hooks(play).await.as_array().map(Vec::len),
        Some(1),
        "the dead run has left its hook"
    );
}

/// Somebody sends its deployment back.
async fn is_rejected(play: &Play) {
    let arn = play
        .stage
        .service_deployments()
        .pop()
        .expect("a deployment");
    let body = json!({ "serviceDeploymentArn": arn.arn, "stopType": "ROLLBACK" });
    call(&play.stage, "ecs.StopServiceDeployment", &body).await;
    let is_over = |stage: &Stage| {
        stage
            .service_deployments()
            .last()
            .is_some_and(|own| own.status == "ROLLBACK_SUCCESSFUL")
    };
    assert!(
        play.stage
            .wait_until(Duration::from_secs(10), is_over)
            .await
    );
}

fn tagged(run: &ActionRun) -> String {
    let tagged = run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:TagResource")
        .expect("a tag");
    run.redact(&tagged.request["tags"].to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_marks_are_dropped_or_refused_a_tag_tells_whose_the_hooks_are() {
    let mut ends = Vec::new();
    for hook_details in UNMARKED {
        let mut play = story(hook_details).begin().await;
        let run = play
            .act(Action::deploy_tested_by("1.1.0", &["health"]))
            .await;
        is_clean(&play, "api-2").await;
        play.end().await;
        assert_eq!(run.output("outcome"), "deployed");
        assert_eq!(
            tagged(&run),
            r#"[{"key":"ecs-bluegreen-action:pause-hooks","value":"[run] 30 POST_TEST_TRAFFIC_SHIFT+POST_PRODUCTION_TRAFFIC_SHIFT registered"}]"#
        );
        ends.push(run.ending());
    }
    assert_snapshot!(ends.join("\n\n"), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:TagResource
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ecs:UntagResource

    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService → InvalidParameterException
    ecs:TagResource
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ecs:UntagResource
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_run_left_without_marks_goes_with_the_next_run() {
    for hook_details in UNMARKED {
        let mut play = story(hook_details).begin().await;
        dies(&mut play).await;
        is_rejected(&play).await;
        let run = play
            .act(Action::deploy_tested_by("1.1.0", &["health"]).env("GITHUB_RUN_ID", "4712"))
            .await;
        is_clean(&play, "api-2").await;
        play.end().await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.log.join("\n"));
        assert_eq!(
            run.count("ecs:ContinueServiceDeployment"),
            2,
            "its own gates, and none of a hook that was left"
        );
        assert_ne!(
            run.log_with("left on the service"),
            "",
            "{}",
            run.log.join("\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_run_left_without_marks_goes_when_its_deployment_is_rolled_back_by_another_run()
{
    for hook_details in UNMARKED {
        let mut play = story(hook_details).begin().await;
        dies(&mut play).await;
        let back = play
            .act(
                Action::to_service()
                    .with("mode", "rollback")
                    .env("GITHUB_RUN_ID", "4712"),
            )
            .await;
        is_clean(&play, "api-1").await;
        play.end().await;
        assert_eq!(
            (back.output("outcome"), back.output("reason")),
            ("deployed", "rollback-asked"),
            "{}",
            back.log.join("\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_marks_and_without_leave_to_tag_a_run_that_is_run_again_still_knows_its_hooks() {
    for hook_details in UNMARKED {
        let own = foreign_pause_hook(&["PRE_SCALE_UP"]);
        let options = EcsStrategyOptions {
            hooks: vec![own],
            ..EcsStrategyOptions::default()
        };
        let story = Story::ecs(options).switches(|switches| switches.hook_details = hook_details);
        let mut play = story
            .stage(|options| options.denied = vec!["ecs:TagResource".to_owned()])
            .begin()
            .await;
        let before = hooks(&play).await;
        let open = || {
            Incident::Call(
                "ecs.ContinueServiceDeployment",
                json!({ "serviceDeploymentArn": "$ARN", "hookId": "$HOOK" }),
            )
        };
        let action = || {
            Action::deploy_tested_slowly("1.1.0")
                .on_incident(When::State("PRE_SCALE_UP paused"), open())
        };
        let dead = play
            .act(action().on_incident(AT_TESTS, Incident::Kill))
            .await;
        assert_eq!(
            (dead.code, hooks(&play).await.as_array().map(Vec::len)),
            (None, Some(2))
        );
        assert_ne!(
            dead.log_with(
                "PAUSE hooks that a killed run leaves on the service are not known to later runs"
            ),
            ""
        );
        let again = play
            .act(Action::deploy_tested_slowly("1.1.0").env("GITHUB_RUN_ATTEMPT", "2"))
            .await;
        assert_finished(&play, "api-2").await;
        assert_eq!(hooks(&play).await, before, "{}", again.log.join("\n"));
        play.end().await;
        assert_eq!(
            again.output("outcome"),
            "deployed",
            "{}",
            again.log.join("\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_another_tool_wrote_back_without_their_type_go_all_the_same() {
    let stages = json!(["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]);
    let bare = json!({ "lifecycleHooks": [{ "lifecycleStages": stages }] });
    let update = json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": bare });
    for hook_details in [HookDetails::Stored, HookDetails::Dropped] {
        let story = story(hook_details).switches(|switches| switches.bare_hook = BareHook::Taken);
        let mut play = story.begin().await;
        let run = play
            .act(Action::deploy_tested_slowly("1.1.0").on_incident(
                AT_TESTS,
                Incident::Call("ecs.UpdateService", update.clone()),
            ))
            .await;
        is_clean(&play, "api-2").await;
        play.end().await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.log.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_another_tool_removes_are_missed_where_the_deployment_loses_them_too() {
    let removal = json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": { "lifecycleHooks": [] } });
    let story =
        || Story::blue_green().switches(|switches| switches.removed_hooks = RemovedHooks::Dropped);
    // Green waits at its gate already: what is lost is production's, and that is tested all the
    // same.
    let mut play = story().begin().await;
    let run = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(
            AT_TESTS,
            Incident::Call("ecs.UpdateService", removal.clone()),
        ))
        .await;
    is_clean(&play, "api-2").await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.log.join("\n"));
    // Green's own gate is lost: users meet what nobody has tested.
    let mut play = story().begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").on_incident(
            When::State("PRE_SCALE_UP"),
            Incident::Call("ecs.UpdateService", removal),
        ))
        .await;
    is_clean(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "gate-bypassed"),
        "{}",
        run.log.join("\n")
    );
}
