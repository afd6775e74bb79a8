//! `mode: drift`, and what a plan says of it: what was changed on the service since the last
//! deployment of this action is named, and what AWS changes by itself is not.

use std::time::Duration;

use ecs_bluegreen::drift::RECORD_TAG;
use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions, ScalingOptions, Suspension};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Play, Story, When, call};

/// Long enough for a rollout that somebody else starts.
const STEADY: Duration = Duration::from_secs(30);

fn drift() -> Action {
    Action::to_service().with("mode", "drift")
}

async fn deploy(play: &mut Play, action: Action) -> ActionRun {
    let run = play.act(action).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(run.records.len(), 1, "{}", run.text());
    run
}

async fn look(play: &mut Play) -> ActionRun {
    let before = play.stage.ledger().len();
    let run = play.act(drift()).await;
    assert_eq!(play.stage.ledger().len(), before, "{}", run.text());
    run
}

fn assert_none(run: &ActionRun) {
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(0), "no-drift", "as-planned"),
        "{}",
        run.text()
    );
}

/// The fields that are named, which is all that differs.
fn fields(run: &ActionRun) -> Vec<String> {
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(10), "drifted", "drift"),
        "{}",
        run.text()
    );
    let report: Value = serde_json::from_str(run.output("report")).expect("JSON");
    let changes = report["drift"]["changes"].as_array().expect("changes");
    let names = changes.iter().map(|change| &change["field"]);
    names
        .map(|name| name.as_str().unwrap_or_default().to_owned())
        .collect()
}

fn assert_says(run: &ActionRun, words: &[&str]) {
    let log = run.log.join("\n");
    for said in words {
        assert!(log.contains(said), "the log does not say `{said}`: {log}");
    }
}

/// Somebody's change of the service.
async fn update(play: &Play, mut change: Value) {
    change["cluster"] = json!("prod");
    change["service"] = json!("api");
    call(&play.stage, "ecs.UpdateService", &change).await;
    assert!(play.stage.wait_until_steady("api", STEADY).await);
    let asked = json!({ "cluster": "prod", "services": ["api"] });
    for _ in 0..STEADY.as_secs() * 10 {
        let service = call(&play.stage, "ecs.DescribeServices", &asked).await;
        let deployments = service["services"][0]["deployments"].as_array();
        if deployments.is_none_or(|several| several.len() < 2) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the former deployment does not end");
}

/// Two deployments, each of which leaves nothing that differs, and which a plan would not repeat.
async fn deployed_without_drift(story: Story) {
    let mut play = story.begin().await;
    for level in ["info", "debug"] {
        let variables = format!("LOG_LEVEL={level}");
        let action = || Action::deploy("1.1.0").with("environment-variables", &variables);
        deploy(&mut play, action()).await;
        assert_none(&look(&mut play).await);
        let planned = play.act(action().with("mode", "plan")).await;
        let plan: Value = serde_json::from_str(planned.output("plan")).expect("JSON");
        assert_eq!(plan["changes"], false, "{}", planned.text());
        assert_eq!(plan["drift"]["state"], "none", "{}", planned.text());
    }
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codedeploy_leaves_no_drift_and_nothing_to_plan() {
    deployed_without_drift(Story::codedeploy()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_green_leaves_no_drift_and_nothing_to_plan() {
    deployed_without_drift(Story::blue_green()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_leaves_no_drift_and_nothing_to_plan() {
    deployed_without_drift(Story::canary()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linear_steps_leave_no_drift_and_nothing_to_plan() {
    deployed_without_drift(Story::linear()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_leaves_no_drift_and_nothing_to_plan() {
    deployed_without_drift(Story::rolling(RollingOptions::default())).await;
}

/// A service that autoscaling scales.
fn scaled(story: Story) -> Story {
    story.service(|service| {
        service.scaling = Some(ScalingOptions {
            min: 1,
            max: 4,
            suspended: Suspension::default(),
            scale_in_after_ms: None,
        });
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_autoscaling_has_moved_is_no_drift_and_one_that_somebody_set_is() {
    for (story, expected) in [
        (scaled(Story::rolling(RollingOptions::default())), false),
        (scaled(Story::codedeploy()), false),
        (Story::rolling(RollingOptions::default()), true),
    ] {
        let mut play = story.begin().await;
        deploy(&mut play, Action::deploy("1.1.0")).await;
        update(&play, json!({ "desiredCount": 2 })).await;
        let run = look(&mut play).await;
        if expected {
            assert_eq!(fields(&run), ["desiredCount"]);
            let line = "desiredCount: 2 now, 1 was deployed";
            assert!(run.text().contains(line), "{}", run.text());
        } else {
            assert_none(&run);
        }
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_count_it_is_may_not_be_known_and_then_nothing_is_claimed() {
    let denied = vec!["application-autoscaling:DescribeScalableTargets".to_owned()];
    let story = scaled(Story::rolling(RollingOptions::default()));
    let mut play = story.stage(|options| options.denied = denied).begin().await;
    deploy(&mut play, Action::deploy("1.1.0")).await;
    update(&play, json!({ "desiredCount": 2 })).await;
    let run = look(&mut play).await;
    play.end().await;
    assert_none(&run);
    let line =
        "not compared: desiredCount is 2 and was 1; whether autoscaling has set it is not known";
    assert!(run.text().contains(line), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_somebody_deployed_is_named_with_what_differs_and_without_values() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    deploy(&mut play, Action::deploy("1.1.0")).await;
    let service = json!({ "cluster": "prod", "services": ["api"] });
    let service = call(&play.stage, "ecs.DescribeServices", &service).await;
    let live = service["services"][0]["taskDefinition"].clone();
    let asked = json!({ "taskDefinition": live });
    let answer = call(&play.stage, "ecs.DescribeTaskDefinition", &asked).await;
    let mut definition = answer["taskDefinition"].clone();
    for read_only in [
        "taskDefinitionArn",
        "revision",
        "status",
        "registeredAt",
        "registeredBy",
        "compatibilities",
        "requiresAttributes",
    ] {
        definition.as_object_mut().map(|all| all.remove(read_only));
    }
    definition["containerDefinitions"][0]["environment"] =
        json!([{ "name": "API_TOKEN", "value": "hunter2-is-a-secret" }]);
    let made = call(&play.stage, "ecs.RegisterTaskDefinition", &definition).await;
    let by_hand = made["taskDefinition"]["taskDefinitionArn"].clone();
    update(&play, json!({ "taskDefinition": by_hand })).await;
    let run = look(&mut play).await;
    assert_eq!(fields(&run), ["taskDefinition"]);
    assert!(!run.with_summary().contains("hunter2"), "{}", run.text());
    let back = Action::to_service()
        .with("mode", "rollback")
        .with("rollback-to", "api:2");
    let rolled_back = play.act(back).await;
    assert_eq!(
        rolled_back.output("outcome"),
        "deployed",
        "{}",
        rolled_back.text()
    );
    assert_none(&look(&mut play).await);
    play.end().await;
    assert_says(
        &run,
        &[
            "taskDefinition: api:3 serves, api:2 was deployed; api:3 was registered by arn:aws:",
            "containerDefinitions[app].environment[API_TOKEN].value (new)",
            "do: mode: rollback with rollback-to: api:2 brings back what was deployed",
        ],
    );
}

/// Changes of a service that somebody makes, and the field that is named.
fn rolling_changes() -> Vec<(Value, &'static str)> {
    let network = |subnet: &str, group: &str, ip: &str| {
        json!({ "networkConfiguration": { "awsvpcConfiguration":
            { "subnets": [subnet], "securityGroups": [group], "assignPublicIp": ip } } })
    };
    let (subnet, group) = ("subnet-0a1b2c3d4e5f60718", "sg-0a1b2c3d4e5f60718");
    let registry = "arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-1";
    vec![
        (
            network("subnet-9", group, "DISABLED"),
            "networkConfiguration.subnets",
        ),
        (
            network(subnet, "sg-9", "DISABLED"),
            "networkConfiguration.securityGroups",
        ),
        (
            network(subnet, group, "ENABLED"),
            "networkConfiguration.assignPublicIp",
        ),
        (json!({ "platformVersion": "1.3.0" }), "platformVersion"),
        (
            json!({ "healthCheckGracePeriodSeconds": 45 }),
            "healthCheckGracePeriodSeconds",
        ),
        (
            json!({ "enableExecuteCommand": true }),
            "enableExecuteCommand",
        ),
        (
            json!({ "enableECSManagedTags": true }),
            "enableECSManagedTags",
        ),
        (json!({ "propagateTags": "SERVICE" }), "propagateTags"),
        (
            json!({ "placementConstraints": [{ "type": "distinctInstance" }] }),
            "placementConstraints",
        ),
        (
            json!({ "placementStrategy": [{ "type": "random" }] }),
            "placementStrategy",
        ),
        (
            json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }] }),
            "capacityProviderStrategy",
        ),
        (
            json!({ "serviceRegistries": [{ "registryArn": registry }] }),
            "serviceRegistries",
        ),
        (
            json!({ "availabilityZoneRebalancing": "ENABLED" }),
            "availabilityZoneRebalancing",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 150, "minimumHealthyPercent": 100 } }),
            "deploymentConfiguration.maximumPercent",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 200, "minimumHealthyPercent": 50 } }),
            "deploymentConfiguration.minimumHealthyPercent",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 200, "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": { "enable": true, "rollback": true } } }),
            "deploymentConfiguration.deploymentCircuitBreaker",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_that_somebody_changes_is_named_on_a_rolling_service() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    deploy(&mut play, Action::deploy("1.1.0")).await;
    for (change, field) in rolling_changes() {
        update(&play, change.clone()).await;
        let named = fields(&look(&mut play).await);
        assert!(
            named.iter().any(|name| name == field),
            "{change}: {named:?}"
        );
    }
    let kept = Action::deploy("1.1.0").with("force-new-deployment", "true");
    deploy(&mut play, kept).await;
    assert_none(&look(&mut play).await);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_that_somebody_changes_is_named_where_ecs_shifts_traffic() {
    let mut play = Story::blue_green().begin().await;
    deploy(&mut play, Action::deploy("1.1.0")).await;
    let service = json!({ "cluster": "prod", "services": ["api"] });
    let service = call(&play.stage, "ecs.DescribeServices", &service).await;
    let configuration = service["services"][0]["deploymentConfiguration"].clone();
    let with = |member: &str, value: Value| {
        let mut changed = configuration.clone();
        changed[member] = value;
        json!({ "deploymentConfiguration": changed })
    };
    let hook = json!([{ "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": { "timeoutInMinutes": 60, "action": "ROLLBACK" } }]);
    let canary = {
        let mut changed = configuration.clone();
        changed["strategy"] = json!("CANARY");
        changed["canaryConfiguration"] =
            json!({ "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5 });
        json!({ "deploymentConfiguration": changed })
    };
    let changes = [
        (
            with("bakeTimeInMinutes", json!(17)),
            vec!["deploymentConfiguration.bakeTimeInMinutes"],
        ),
        (
            with("lifecycleHooks", hook),
            vec!["deploymentConfiguration.lifecycleHooks"],
        ),
        (
            with(
                "alarms",
                json!({ "enable": false, "rollback": false, "alarmNames": [] }),
            ),
            vec!["deploymentConfiguration.alarms"],
        ),
        (
            canary,
            vec![
                "deploymentConfiguration.strategy",
                "deploymentConfiguration.canaryConfiguration",
            ],
        ),
        (json!({ "deploymentConfiguration": configuration }), vec![]),
    ];
    for (change, expected) in changes {
        update(&play, change.clone()).await;
        let run = look(&mut play).await;
        if expected.is_empty() {
            assert_none(&run);
        } else {
            assert_eq!(fields(&run), expected, "{change}");
        }
    }
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changes_under_codedeploy_is_named_and_a_plan_shows_it() {
    let mut play = Story::codedeploy().begin().await;
    deploy(&mut play, Action::deploy_tested("1.1.0")).await;
    update(
        &play,
        json!({ "desiredCount": 2, "healthCheckGracePeriodSeconds": 45 }),
    )
    .await;
    let run = look(&mut play).await;
    assert_eq!(
        fields(&run),
        ["desiredCount", "healthCheckGracePeriodSeconds"]
    );
    let planned = play
        .act(Action::deploy_tested("1.1.0").with("mode", "plan"))
        .await;
    play.end().await;
    assert_says(
        &run,
        &[
            "desiredCount: 2 now, 1 was deployed",
            "healthCheckGracePeriodSeconds: another value was deployed",
        ],
    );
    let drift = "Drift: desiredCount, healthCheckGracePeriodSeconds differ from what run";
    assert_says(&planned, &[drift]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_record_nothing_is_claimed() {
    let mut play = Story::codedeploy().begin().await;
    let run = look(&mut play).await;
    let tag = json!({ "resourceArn": "arn:aws:ecs:eu-central-1:123456789012:service/prod/api",
        "tags": [{ "key": RECORD_TAG, "value": "mine" }] });
    call(&play.stage, "ecs.TagResource", &tag).await;
    let other = play.act(drift()).await;
    play.end().await;
    assert_eq!(other.output("reason"), "not-recorded", "{}", other.text());
    let words = "did not write the service's tag ecs-bluegreen-action:deployed";
    assert!(other.text().contains(words), "{}", other.text());
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Looking for changes of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    ::warning title=note::whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is
    Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is.
    Outcome: drift-unknown, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=drift-unknown
    reason=not-recorded
    rolled-back=false
    --- summary
    ## ○ drift-unknown: <code>api</code> on <code>prod</code>

    **api&#58;1 serves production; whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is.**

    Whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is.

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | read |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Notes

    - whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_in_progress_is_said_and_no_drift() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let waiting = play
        .act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
        .await;
    assert_eq!(waiting.output("outcome"), "waiting");
    assert!(waiting.records.is_empty(), "nothing is deployed yet");
    let run = look(&mut play).await;
    let go_on = Action::to_service().with("mode", "continue");
    let continued = play.act(go_on).await;
    assert_eq!(
        (continued.output("outcome"), continued.records.len()),
        ("deployed", 1),
        "{}",
        continued.text()
    );
    assert_none(&look(&mut play).await);
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(0), "drift-unknown", "already-running"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_was_left_to_aws_makes_nobody_cry_drift() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    deploy(&mut play, Action::deploy("1.1.0")).await;
    let left = Action::deploy("1.1.0").with("wait-for-service-stability", "false");
    let started = play.act(left.with("environment-variables", "A=1")).await;
    assert_eq!(started.output("outcome"), "started", "{}", started.text());
    assert!(play.stage.wait_until_steady("api", STEADY).await);
    let run = look(&mut play).await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(0), "drift-unknown", "not-recorded"),
        "{}",
        run.text()
    );
    let words = "started a deployment and did not see its end";
    assert!(run.text().contains(words), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_denied_is_said_once_and_changes_nothing_else() {
    let mut play = Story::codedeploy()
        .stage(|options| options.denied = vec!["ecs:TagResource".to_owned()])
        .begin()
        .await;
    let run = play.act(Action::deploy("1.1.0")).await;
    let looked = look(&mut play).await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    let said = run.log_with("is not recorded");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(looked.output("outcome"), "drift-unknown");
    assert_snapshot!(said, @"
    what was deployed is not recorded on the service, so mode: drift cannot compare with it: ecs:TagResource is denied; allow ecs:TagResource on * for the role that the job uses (docs/iam.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_record_the_deployment_is_deployed() {
    let kinds = [
        (FaultKind::Throttled, 1),
        (FaultKind::InternalError, 1),
        (FaultKind::LandsThenDrops, 1),
        (FaultKind::Hangs, 9),
    ];
    for (kind, times) in kinds {
        let mut play = Story::rolling(RollingOptions::default())
            .fault(Fault {
                times,
                ..Fault::on_first_call("ecs:TagResource", kind.clone())
            })
            .begin()
            .await;
        let run = play.act(Action::deploy("1.1.0")).await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "deployed"),
            "{kind:?}: {}",
            run.text()
        );
        if times == 1 {
            assert_none(&look(&mut play).await);
        } else {
            let said = run.log_with("is not recorded");
            assert!(said.contains("did not take it within 3 s"), "{said}");
        }
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_dies_at_the_record_leaves_the_new_version_serving() {
    let mut play = Story::blue_green()
        .fault(Fault::on_first_call(
            "ecs:TagResource",
            FaultKind::LandsThenHangs,
        ))
        .begin()
        .await;
    let run = play
        .act(Action::deploy("1.1.0").on_incident(
            When::Called("ecs:TagResource".to_owned(), 1),
            Incident::Kill,
        ))
        .await;
    assert_eq!(run.code, None);
    let post = play.post(&run).await;
    assert_eq!(post.code, Some(0), "{}", post.text());
    assert!(
        post.log.join("\n").contains("Nothing is left to undo"),
        "{}",
        post.text()
    );
    assert_none(&look(&mut play).await);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rolled_back_leaves_the_record_of_what_serves() {
    let mut play = Story::blue_green().begin().await;
    deploy(&mut play, Action::deploy_tested("1.1.0")).await;
    let bad = Action::deploy_tested_by("1.2.0", &["health", "me"]);
    let run = play.act(bad).await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    assert!(run.records.is_empty(), "{}", run.text());
    assert_none(&look(&mut play).await);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_refused_as_everywhere() {
    let run = Story::codedeploy()
        .run(drift().with("service", "apy"))
        .await;
    assert_eq!(run.code, Some(2));
    let words = "did you mean `api`?";
    assert!(run.text().contains(words), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_two_reads_are_needed() {
    let allowed = ["ecs:DescribeServices", "ecs:DescribeTaskDefinition"];
    let mut play = Story::blue_green().begin().await;
    deploy(&mut play, Action::deploy("1.1.0")).await;
    play.stage.allow(&allowed.map(str::to_owned));
    assert_none(&look(&mut play).await);
    play.end().await;
}
