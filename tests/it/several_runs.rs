//! Several runs on one service: one is in progress when another begins, and a job is run again
//! after its machine died.

use std::time::Duration;

use ecs_bluegreen_sim::RollingOptions;
use insta::assert_snapshot;

use crate::harness::{Action, Incident, Play, Story, When};

fn serves(play: &Play) -> Vec<String> {
    play.stage
        .weights("prod")
        .into_iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(group, _)| group)
        .collect()
}

/// A rollout that waits for a person: it is in progress for as long as a story needs.
async fn begin_waiting_rollout(story: Story) -> Play {
    let mut play = story.begin().await;
    let first = play
        .act(
            Action::deploy_tested("1.1.0")
                .with("approval", "before-traffic")
                .env("GITHUB_RUN_ID", "42"),
        )
        .await;
    assert_eq!(first.outputs["outcome"], "waiting", "{}", first.text());
    play
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_fail_or_is_older_does_not_touch_what_another_has_begun() {
    let mut play = begin_waiting_rollout(Story::blue_green()).await;
    let second = play
        .act(Action::deploy_tested("1.2.0").with("if-running", "fail"))
        .await;
    assert_eq!(second.calls, []);
    let older = play
        .act(Action::deploy_tested("1.2.0").env("GITHUB_RUN_ID", "41"))
        .await;
    assert_eq!(
        (older.calls.len(), older.output("reason")),
        (0, "stale-run"),
        "{}",
        older.text()
    );
    assert!(
        older
            .log_with("::error")
            .contains("this run is older than workflow run "),
        "{}",
        older.text()
    );
    play.act(Action::to_service().with("mode", "abort")).await;
    play.end().await;
    assert_snapshot!(second.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (already-running)::deployment [service deployment] of api:2 is in progress (IN_PROGRESS at POST_TEST_TRAFFIC_SHIFT, made [time], by workflow run [run])
      hint: wait for it; or let the run do so (if-running: wait), or roll it back first (if-running: supersede)
      hint: by hand: aws ecs stop-service-deployment --service-deployment-arn arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] --stop-type ROLLBACK
    Outcome: not-deployed (already-running), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_another_and_then_deploys() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let mut play = begin_waiting_rollout(story).await;
        let id = play
            .stage
            .service_deployments()
            .pop()
            .map(|deployment| deployment.arn);
        let stop = match id {
            Some(arn) => Incident::Call(
                "ecs.StopServiceDeployment",
                serde_json::json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }),
            ),
            None => Incident::Call(
                "codedeploy.StopDeployment",
                serde_json::json!({ "deploymentId": "$DEPLOYMENT", "autoRollbackEnabled": true }),
            ),
        };
        let second = Action::deploy("1.2.0")
            .with("if-running", "wait")
            .on_incident(When::Line("waiting until it is over"), stop);
        let second = play.act(second).await;
        assert_eq!(second.outputs["outcome"], "deployed", "{}", second.text());
        // CodeDeploy's rollback is a deployment of its own, which is waited for too.
        assert!(
            (1..=2).contains(
                &second
                    .log
                    .iter()
                    .filter(|line| line.contains("waiting until it is over"))
                    .count()
            )
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_another_back_first_when_it_is_told_to() {
    for story in [Story::codedeploy(), Story::canary()] {
        let mut play = begin_waiting_rollout(story).await;
        let second = play
            .act(Action::deploy("1.2.0").with("if-running", "supersede"))
            .await;
        assert_eq!(second.outputs["outcome"], "deployed", "{}", second.text());
        assert!(
            second
                .text()
                .contains("it is rolled back first (if-running: supersede)")
        );
        assert!(
            second.text().contains("undone: task definition api:2"),
            "nobody else removes it: {}",
            second.text()
        );
        assert!(
            !play.users().versions.contains_key("1.1.0"),
            "nobody saw what was taken back"
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_rollout_in_progress_is_refused_waited_for_or_replaced() {
    for (policy, code) in [("fail", 10), ("wait", 0), ("supersede", 0), ("", 0)] {
        let mut play = Story::rolling(RollingOptions::default())
            .in_real_time()
            .begin()
            .await;
        play.act(Action::deploy("1.1.0").with("wait-for-service-stability", "false"))
            .await;
        let second = play
            .act(Action::deploy("1.2.0").with("if-running", policy))
            .await;
        assert_eq!(second.code, Some(code), "{policy}: {}", second.text());
        play.end().await;
    }
}

/// The machine dies at a point of the run, without a post step; the job is run again.
async fn run_again(
    story: Story,
    action: impl Fn() -> Action,
    moment: When,
) -> (Play, crate::harness::ActionRun) {
    let mut play = story.begin().await;
    let main = play.act(action().on_incident(moment, Incident::Kill)).await;
    assert_eq!(main.code, None, "{}", main.text());
    let again = play.act(action().env("GITHUB_RUN_ATTEMPT", "2")).await;
    (play, again)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_again_goes_on_where_the_dead_one_was() {
    for (story, create) in [
        (Story::codedeploy(), "codedeploy:CreateDeployment"),
        (Story::canary(), "ecs:UpdateService"),
    ] {
        let (play, again) = run_again(
            story,
            || Action::deploy_tested("1.1.0"),
            When::Line("Deployment started"),
        )
        .await;
        assert_eq!(again.outputs["outcome"], "deployed", "{}", again.text());
        assert!(
            again
                .text()
                .contains("was started by this workflow run and is followed on"),
            "{}",
            again.text()
        );
        let ledger = play.stage.ledger();
        let started = ledger
            .iter()
            .filter(|call| {
                call.operation == create && call.request.get("taskDefinition").is_some_and(|_| true)
            })
            .count();
        let created = ledger
            .iter()
            .filter(|call| call.operation == "codedeploy:CreateDeployment")
            .count();
        assert_eq!(started + created, 1, "one deployment: {ledger:?}");
        assert_eq!(
            ledger
                .iter()
                .filter(|call| call.operation == "ecs:RegisterTaskDefinition")
                .count(),
            1,
            "one revision"
        );
        assert_eq!(serves(&play), ["api-2"]);
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_again_adopts_a_deployment_without_gates_and_its_task_is_not_run_again() {
    let overrides = r#"[{ "name": "app", "command": ["migrate"] }]"#;
    let action = || {
        Action::deploy("1.1.0")
            .with("run-task", "true")
            .with("run-task-container-overrides", overrides)
    };
    let (play, again) = run_again(
        Story::blue_green(),
        action,
        When::Line("Deployment started"),
    )
    .await;
    assert_eq!(again.outputs["outcome"], "deployed", "{}", again.text());
    assert!(
        again
            .text()
            .contains("was started by this workflow run and is followed on"),
        "{}",
        again.text()
    );
    let ledger = play.stage.ledger();
    let count = |operation: &str| {
        ledger
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    };
    assert_eq!(
        (
            count("ecs:UpdateService"),
            count("ecs:RunTask"),
            count("ecs:RegisterTaskDefinition")
        ),
        (1, 1, 1),
        "{ledger:?}"
    );
    assert_eq!(serves(&play), ["api-2"]);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_again_leaves_a_deployment_without_gates_of_somebody_else_alone() {
    let mut play = Story::blue_green().begin().await;
    let theirs =
        serde_json::json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true });
    crate::harness::call(&play.stage, "ecs.UpdateService", &theirs).await;
    let again = play
        .act(
            Action::deploy("1.1.0")
                .with("if-running", "fail")
                .env("GITHUB_RUN_ATTEMPT", "2"),
        )
        .await;
    assert_eq!(
        (again.output("outcome"), again.output("reason")),
        ("not-deployed", "already-running"),
        "{}",
        again.text()
    );
    assert_eq!(again.count("ecs:StopServiceDeployment"), 0);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_job_that_is_run_again_adopts_its_own_deployment() {
    let story = Story::rolling(RollingOptions::default()).in_real_time();
    let (play, again) = run_again(
        story,
        || Action::deploy("1.1.0"),
        When::Line("Deployment started"),
    )
    .await;
    assert_eq!(again.code, Some(0), "{}", again.text());
    let updates = play
        .stage
        .ledger()
        .iter()
        .filter(|call| call.operation == "ecs:UpdateService")
        .count();
    assert_eq!(updates, 1, "{}", again.text());
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_a_dead_run_left_goes_with_the_next_run_even_when_nothing_is_deployed() {
    let mut play = Story::blue_green().begin().await;
    let main = play
        .act(
            Action::deploy_tested("1.1.0")
                .on_incident(When::Line("Smoke tests on green: "), Incident::Kill),
        )
        .await;
    assert_eq!(main.code, None);
    // AWS's own timeout takes the deployment back; the hook stays on the service.
    play.act(
        Action::to_service()
            .with("mode", "abort")
            .env("GITHUB_RUN_ID", "43"),
    )
    .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let next = play
        .act(
            Action::to_service()
                .with("task-definition-arn", "api:1")
                .env("GITHUB_RUN_ID", "44"),
        )
        .await;
    assert_eq!(
        next.outputs["outcome"],
        "already-deployed",
        "{}",
        next.text()
    );
    let service = crate::harness::call(
        &play.stage,
        "ecs.DescribeServices",
        &serde_json::json!({ "cluster": "prod", "services": ["api"] }),
    )
    .await;
    assert_eq!(
        service["services"][0]["deploymentConfiguration"]["lifecycleHooks"],
        serde_json::json!([])
    );
    play.end().await;
}

/// What GitHub's API knows of this workflow: a newer run has deployed another commit.
fn overtaken(options: &mut ecs_bluegreen_sim::StageOptions) {
    options.github.repository = "org/repo".to_owned();
    options.github.runs = vec![ecs_bluegreen_sim::GithubRun::new_successful(
        9,
        9,
        "9999999999999999999999999999999999999999",
    )];
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_newer_one_has_overtaken_does_not_overwrite_it() {
    let mut play = Story::codedeploy().stage(overtaken).begin().await;
    let stale = play
        .act(Action::deploy("1.1.0").with("github-token", "token"))
        .await;
    assert_eq!(stale.calls, []);
    let allowed = play
        .act(
            Action::deploy("1.1.0")
                .with("github-token", "token")
                .with("stale-run", "allow"),
        )
        .await;
    assert_eq!(allowed.outputs["outcome"], "deployed", "{}", allowed.text());
    play.end().await;
    assert_snapshot!(stale.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (stale-run)::this run, #7, is stale: run #9 of the workflow has deployed main already, with commit 9999999
      Caused by: the newer run: https://github.com/org/repo/actions/runs/9
      hint: set stale-run: allow to deploy the older commit all the same, or mode: rollback to go back on purpose
    Outcome: not-deployed (stale-run), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_github_does_not_tell_the_run_goes_on_and_says_what_to_allow() {
    let denied = |options: &mut ecs_bluegreen_sim::StageOptions| {
        overtaken(options);
        options.github.access = ecs_bluegreen_sim::GithubAccess::Denied;
    };
    let mut play = Story::codedeploy().stage(denied).begin().await;
    let run = play
        .act(Action::deploy("1.1.0").with("github-token", "token"))
        .await;
    play.end().await;
    assert_eq!(run.outputs["outcome"], "deployed", "{}", run.text());
    assert!(run.text().contains("actions: read"), "{}", run.text());
}

/// A service that scales by itself, and is scaled in during a rollout unless that is suspended.
fn scaled(story: Story) -> Story {
    let suspended = ecs_bluegreen_sim::Suspension::default();
    let scaling = ecs_bluegreen_sim::ScalingOptions {
        min: 1,
        max: 4,
        suspended,
        scale_in_after_ms: None,
    };
    story.service(|service| service.scaling = Some(scaling))
}

fn is_suspended(play: &Play) -> bool {
    play.stage
        .scaling_view("api")
        .is_some_and(|scaling| scaling.suspended.scale_in)
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_in_rests_during_the_rollout_and_works_again_in_every_end() {
    for (version, code) in [("1.1.0", 0), ("1.2.0", 20)] {
        let mut play = scaled(Story::codedeploy()).begin().await;
        let run = play
            .act(Action::deploy_tested(version).with("suspend-autoscaling", "true"))
            .await;
        assert_eq!(run.code, Some(code), "{}", run.text());
        let register = run
            .calls
            .iter()
            .filter(|call| call.operation.ends_with("RegisterScalableTarget"))
            .count();
        assert_eq!(register, 2, "suspended and restored: {:?}", run.calls);
        assert!(!is_suspended(&play));
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_in_rests_again_when_another_job_opens_the_gate() {
    let mut play = scaled(Story::blue_green()).begin().await;
    let action = Action::deploy_tested("1.1.0")
        .with("suspend-autoscaling", "true")
        .with("approval", "before-traffic");
    assert_eq!(play.act(action).await.outputs["outcome"], "waiting");
    assert!(!is_suspended(&play), "nobody knows when the answer comes");
    let answer = Action::to_service()
        .with("mode", "continue")
        .with("suspend-autoscaling", "true");
    let run = play.act(answer.env("GITHUB_RUN_ID", "43")).await;
    assert!(!is_suspended(&play));
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    application-autoscaling:TagResource
    application-autoscaling:RegisterScalableTarget
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    application-autoscaling:RegisterScalableTarget
    application-autoscaling:UntagResource
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_in_that_may_not_rest_leaves_the_gate_to_the_next_answer() {
    let deny = |options: &mut ecs_bluegreen_sim::StageOptions| {
        options.denied = vec!["application-autoscaling:RegisterScalableTarget".to_owned()];
    };
    let mut play = scaled(Story::blue_green()).stage(deny).begin().await;
    assert_eq!(
        play.act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
            .await
            .outputs["outcome"],
        "waiting"
    );
    let answer = || {
        Action::to_service()
            .with("mode", "continue")
            .env("GITHUB_RUN_ID", "43")
    };
    let denied = play.act(answer().with("suspend-autoscaling", "true")).await;
    assert_eq!(serves(&play), ["api-1"]);
    let then = play.act(answer()).await;
    assert_eq!(
        (then.code, serves(&play)),
        (Some(0), vec!["api-2".to_owned()]),
        "{}",
        then.text()
    );
    play.end().await;
    assert_snapshot!(denied.ending(), @"
    exit code 30
    ---
    Scale-in of the service could not be suspended: application-autoscaling:RegisterScalableTarget is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: application-autoscaling:RegisterScalableTarget on resource: arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/* because no identity-based policy allows the application-autoscaling:RegisterScalableTarget action: deployment [service deployment] of api:2 is in progress (IN_PROGRESS at POST_TEST_TRAFFIC_SHIFT, made [time], by workflow run [run]), and is left as it is.
    ::error title=still-running (denied)::scale-in of the service could not be suspended
      Caused by: application-autoscaling:RegisterScalableTarget is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: application-autoscaling:RegisterScalableTarget on resource: arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/* because no identity-based policy allows the application-autoscaling:RegisterScalableTarget action
      Caused by: deployment [service deployment] of api:2 is in progress (IN_PROGRESS at POST_TEST_TRAFFIC_SHIFT, made [time], by workflow run [run]), and is left as it is
      hint: allow application-autoscaling:RegisterScalableTarget on arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/* for the role that the job uses (docs/iam.md), or leave suspend-autoscaling out to deploy without it
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: still-running (denied), exit code 30, after [time]
    ---
    application-autoscaling:TagResource
    application-autoscaling:RegisterScalableTarget → AccessDeniedException
    application-autoscaling:UntagResource
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_in_that_a_dead_run_left_suspended_is_restored_by_post_and_by_the_next_run() {
    for by_post in [true, false] {
        let mut play = scaled(Story::blue_green()).begin().await;
        let action = || Action::deploy_tested("1.1.0").with("suspend-autoscaling", "true");
        let main = play
            .act(action().on_incident(When::Line("Deployment started"), Incident::Kill))
            .await;
        assert!(is_suspended(&play));
        if by_post {
            play.post(&main).await;
        } else {
            play.act(
                Action::to_service()
                    .with("mode", "abort")
                    .env("GITHUB_RUN_ID", "43"),
            )
            .await;
            let next = play
                .act(Action::deploy("1.0.0").env("GITHUB_RUN_ID", "44"))
                .await;
            assert_eq!(next.code, Some(0), "{}", next.text());
        }
        assert!(!is_suspended(&play), "{by_post}");
        play.end().await;
    }
}
