//! `mode: cleanup`: what nothing needs any more goes, what anything needs stays, and nothing is done
//! unless it is asked for.

use std::time::Duration;

use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions, Stage};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Play, Story, When, call, definition};

/// A service whose family has ten revisions; a schedule starts api:3, a rule api:4.
async fn grown(story: Story) -> Play {
    let story = story.stage(|options| {
        options.scheduled.schedules = [
            ("nightly".to_owned(), "api:3".to_owned()),
            ("hourly".to_owned(), "other:1".to_owned()),
            ("weekly".to_owned(), "other".to_owned()),
        ]
        .into();
        options.scheduled.rules = [
            ("a".to_owned(), "other:1".to_owned()),
            ("b".to_owned(), "other:1".to_owned()),
            ("reports".to_owned(), "api:4".to_owned()),
        ]
        .into();
    });
    let mut play = story.begin().await;
    for version in ["1.3.0", "1.1.0", "1.2.0"] {
        // ECR tells the second in which an image was pushed.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        play = play.push_version(version).await;
    }
    for number in 2..=9 {
        let version = match number {
            3 => "1.2.0",
            _ => "1.0.0",
        };
        register(
            &play.stage,
            "api",
            &format!("${{registry}}/app:{version}"),
            number,
        )
        .await;
    }
    register(&play.stage, "other", "${registry}/other/app:1.0.0", 1).await;
    let run = play.act(Action::deploy("1.1.0")).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    play
}

async fn register(stage: &Stage, family: &str, image: &str, number: u32) {
    let mut registered = definition(&image.replace("${registry}", &stage.registry_host()));
    registered["family"] = json!(family);
    registered["containerDefinitions"][0]["environment"] =
        json!([{ "name": "NUMBER", "value": number.to_string() }]);
    call(stage, "ecs.RegisterTaskDefinition", &registered).await;
}

fn rolling() -> Story {
    Story::rolling(RollingOptions::default())
}

fn cleanup() -> Action {
    Action::to_service()
        .with("mode", "cleanup")
        .with("repository", "app")
        .with("keep-revisions", "2")
        .with("keep-images", "1")
}

fn for_real() -> Action {
    cleanup().with("dry-run", "false")
}

/// The revisions that are ACTIVE.
async fn active(stage: &Stage) -> Vec<String> {
    let request = json!({ "familyPrefix": "api", "status": "ACTIVE" });
    let listed = call(stage, "ecs.ListTaskDefinitions", &request).await;
    let arns = listed["taskDefinitionArns"]
        .as_array()
        .into_iter()
        .flatten();
    let names = arns
        .filter_map(Value::as_str)
        .filter_map(|arn| arn.rsplit_once('/'));
    names.map(|(_, name)| name.to_owned()).collect()
}

const LEFT: [&str; 5] = ["api:1", "api:10", "api:3", "api:4", "api:9"];

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_it_only_shows_what_would_go_and_why_the_rest_stays() {
    let mut play = grown(rolling()).await;
    let run = play.act(cleanup().with("log-retention", "30")).await;
    assert_eq!(run.calls.len(), 0, "{:?}", run.calls);
    play.end().await;
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Cleaning up after api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    goes:    revision api:2
    goes:    revision api:5
    goes:    revision api:6
    goes:    revision api:7
    goes:    revision api:8
    goes:    image 1.3.0
    changes: log group /ecs/api: keeps its lines for 30 days instead of for ever
    stays:   revisions api:1, api:10: one of the last good deployments uses it
    stays:   revision api:3: the schedule nightly uses it
    stays:   revision api:4: the rule reports uses it
    stays:   revision api:9: it is one of the newest 2
    stays:   image 1.0.0: other uses it
    stays:   image 1.1.0: a task that runs on prod uses it
    stays:   image 1.2.0: api:3 names it

    5 revisions and 1 image would go, 5 revisions and 3 images stay; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    reason=as-planned
    rolled-back=false
    --- summary
    ## ○ planned: <code>api</code> on <code>prod</code>

    **5 revisions and 1 image would go, 5 revisions and 3 images stay; nothing was changed.**

    ### Cleanup

    | | What | Which | Why |
    |---|---|---|---|
    | goes | revisions | api&#58;2, api&#58;5, api&#58;6, api&#58;7, api&#58;8 | nothing needs it |
    | goes | image | 1.3.0 | nothing needs it |
    | changes | log group | /ecs/api | keeps its lines for 30 days instead of for ever |
    | stays | revisions | api&#58;1, api&#58;10 | one of the last good deployments uses it |
    | stays | revision | api&#58;3 | the schedule nightly uses it |
    | stays | revision | api&#58;4 | the rule reports uses it |
    | stays | revision | api&#58;9 | it is one of the newest 2 |
    | stays | image | 1.0.0 | other uses it |
    | stays | image | 1.1.0 | a task that runs on prod uses it |
    | stays | image | 1.2.0 | api&#58;3 names it |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | read |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_needs_goes_when_it_is_asked_for_and_a_second_run_finds_nothing() {
    let mut play = grown(rolling()).await;
    let first = play.act(for_real().with("log-retention", "30")).await;
    assert_eq!(sorted(active(&play.stage).await), LEFT);
    let tags = play.stage.world().list_tags("app").await.expect("tags");
    assert_eq!(tags, ["1.0.0", "1.1.0", "1.2.0"], "{}", first.text());
    let second = play.act(for_real().with("log-retention", "30")).await;
    assert_eq!(
        (second.output("outcome"), second.calls.len()),
        ("cleaned", 0),
        "{}",
        second.text()
    );
    // What stays is enough to go back and forth.
    let deployed = play.act(Action::deploy("1.0.0")).await;
    assert_eq!(
        deployed.output("outcome"),
        "deployed",
        "{}",
        deployed.text()
    );
    play.end().await;
    assert_snapshot!(first.text(), @"
    exit code 0
    ---
    Cleaning up after api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    goes:    revision api:2
    goes:    revision api:5
    goes:    revision api:6
    goes:    revision api:7
    goes:    revision api:8
    goes:    image 1.3.0
    changes: log group /ecs/api: keeps its lines for 30 days instead of for ever
    stays:   revisions api:1, api:10: one of the last good deployments uses it
    stays:   revision api:3: the schedule nightly uses it
    stays:   revision api:4: the rule reports uses it
    stays:   revision api:9: it is one of the newest 2
    stays:   image 1.0.0: other uses it
    stays:   image 1.1.0: a task that runs on prod uses it
    stays:   image 1.2.0: api:3 names it
    ::group::Cleanup
    api:2 deregistered
    api:5 deregistered
    api:6 deregistered
    api:7 deregistered
    api:8 deregistered
    1 image of app deleted
    log group /ecs/api keeps its lines for 30 days
    ::endgroup::
    ✓ Cleanup: 5 revisions deregistered, 1 image deleted, 1 log group given the retention ([time])

    5 revisions deregistered, 1 image deleted, 1 log group given the retention.
    Outcome: cleaned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=cleaned
    reason=as-planned
    rolled-back=false
    ---
    ecs:DeregisterTaskDefinition
    ecs:DeregisterTaskDefinition
    ecs:DeregisterTaskDefinition
    ecs:DeregisterTaskDefinition
    ecs:DeregisterTaskDefinition
    ecr:BatchDeleteImage
    logs:PutRetentionPolicy
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_may_be_a_use_and_then_nothing_goes() {
    for (action, words) in [
        (
            "events:ListTargetsByRule",
            "rules of EventBridge start is not known",
        ),
        (
            "scheduler:GetSchedule",
            "schedules of EventBridge start is not known",
        ),
        ("ecs:ListServices", "services of cluster prod are not known"),
        (
            "ecs:ListServiceDeployments",
            "last good deployments are not known",
        ),
    ] {
        let mut play = grown(rolling()).await;
        play.stage.deny(&[action]);
        let run = play.act(for_real()).await;
        let left = active(&play.stage).await.len();
        play.end().await;
        assert_eq!(
            (run.output("outcome"), left, run.calls.len()),
            ("cleaned", 10, 0),
            "{}",
            run.text()
        );
        assert!(
            run.log_with("::warning").contains(words) && run.log_with("::warning").contains(action),
            "{action}: {}",
            run.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_in_the_middle_is_finished_by_the_next() {
    let mut play = grown(rolling()).await;
    let called = When::Called("ecs:DeregisterTaskDefinition".to_owned(), 2);
    let dead = play
        .act(for_real().on_incident(called, Incident::Kill))
        .await;
    assert_eq!(dead.code, None);
    let next = play.act(for_real()).await;
    assert_eq!(next.output("outcome"), "cleaned", "{}", next.text());
    assert_eq!(sorted(active(&play.stage).await), LEFT);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out_and_a_denied_write_ends_the_run() {
    let mut play = grown(rolling()).await;
    for operation in [
        "DeregisterTaskDefinition",
        "BatchDeleteImage",
        "ListTargetsByRule",
    ] {
        play.stage
            .inject(Fault::on_first_call(operation, FaultKind::Throttled));
    }
    let run = play.act(for_real()).await;
    assert_eq!(run.output("outcome"), "cleaned", "{}", run.text());
    assert_eq!(sorted(active(&play.stage).await), LEFT);
    play.end().await;
    let mut play = grown(rolling()).await;
    play.stage.deny(&["ecs:DeregisterTaskDefinition"]);
    let run = play.act(for_real()).await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("not-deployed", "denied"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_controller_keeps_what_a_rollback_needs() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let mut play = story.begin().await;
        for version in ["1.1.0", "1.2.0"] {
            let run = play.act(Action::deploy(version)).await;
            assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
        }
        let run = play
            .act(
                for_real()
                    .with("keep-revisions", "1")
                    .without("repository")
                    .without("keep-images"),
            )
            .await;
        assert_eq!(run.output("outcome"), "cleaned", "{}", run.text());
        let back = play
            .act(Action::to_service().with("mode", "rollback"))
            .await;
        play.end().await;
        assert_eq!(back.output("outcome"), "deployed", "{}", back.text());
        assert!(
            back.output("task-definition-arn").ends_with("api:2"),
            "{}",
            back.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_while_a_deployment_waits_at_its_gate() {
    let mut play = Story::blue_green().begin().await;
    for number in 2..=4 {
        register(&play.stage, "api", "${registry}/app:1.0.0", number).await;
    }
    let waiting = Action::deploy_tested("1.1.0").with("approval", "before-traffic");
    let waiting = play.act(waiting).await;
    assert_eq!(waiting.output("outcome"), "waiting", "{}", waiting.text());
    let run = play.act(for_real().with("keep-revisions", "1")).await;
    assert_eq!(
        (run.output("outcome"), run.calls.len()),
        ("cleaned", 0),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::warning")
            .contains("a deployment of the service is in progress, so that nothing goes"),
        "{}",
        run.text()
    );
    play.end().await;
}

fn refusal(run: &ActionRun) -> String {
    run.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_at_once() {
    let run = rolling()
        .run(
            Action::to_service()
                .with("mode", "cleanup")
                .with("keep-images", "5")
                .with("keep-revisions", "0")
                .with("log-retention", "10"),
        )
        .await;
    assert_snapshot!(refusal(&run), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused::keep-revisions: `0` is not a whole number from 1 to 10000
      hint: use a number in that range
    ::error title=input refused::keep-images: no repository is named whose images could go
      hint: set repository, or leave it out
    ::error title=input refused::log-retention: CloudWatch Logs keeps lines for certain times only, and 10 days is none of them
      hint: the next longer time is 14
    ");
    let deploy = rolling()
        .run(Action::deploy("1.1.0").with("dry-run", "false"))
        .await;
    assert_eq!(deploy.output("outcome"), "refused", "{}", deploy.text());
}
