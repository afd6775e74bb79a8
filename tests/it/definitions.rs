//! The task definition: unchanged, newer than the SDK, or not kept by AWS.

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Story, definition};

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_definition_gets_no_twin_and_no_deployment() {
    let mut play = Story::codedeploy().begin().await;
    play.act(Action::deploy("1.1.0")).await;
    let again = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_eq!(again.calls, []);
    assert_snapshot!(again.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:2
      api:2 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: already in the registry, [size] moved
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:2 is registered already, unchanged ([time])

    api:2 serves production already: nothing was to be deployed.
    Outcome: already-deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=already-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    reason=already-runs
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ");
}

/// A definition with fields that no SDK knows yet.
fn newer() -> Action {
    let mut newer = definition("placeholder");
    newer["quantumIsolation"] = json!({ "mode": "STRICT" });
    newer["containerDefinitions"][0]["warpFactor"] = json!(9);
    Action::deploy("1.1.0")
        .file("task.json", &newer.to_string())
        .with("task-definition", "task.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_newer_than_the_sdk_reaches_aws_unharmed() {
    let run = Story::codedeploy().run(newer()).await;
    let sent = &run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:RegisterTaskDefinition")
        .expect("a registration")
        .request;
    assert_eq!(sent["quantumIsolation"], json!({ "mode": "STRICT" }));
    assert_eq!(sent["containerDefinitions"][0]["warpFactor"], 9);
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_of_which_aws_does_not_keep_every_field_is_rolled_out_only_when_that_is_allowed()
 {
    let mut play = Story::codedeploy()
        .switches(|switches| switches.keep_unknown_fields = false)
        .begin()
        .await;
    let run = play.act(newer()).await;
    let allowed = play.act(newer().with("allow-dropped-fields", "true")).await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (fields-dropped)::AWS did not keep `containerDefinitions[0].warpFactor`, `quantumIsolation` of the task definition, so api:2 is not rolled out
      hint: check the spelling and the value; allow-dropped-fields: true rolls it out without them
    Outcome: not-deployed (fields-dropped), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:DeregisterTaskDefinition
    ");
    assert_snapshot!(allowed.ending(), @"
    exit code 0
    ---
    ::warning title=note::AWS did not keep `containerDefinitions[0].warpFactor` of the task definition
    ::warning title=note::AWS did not keep `quantumIsolation` of the task definition
    ---
    Green serves 100 % of production: api:3 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

/// A definition as people write it: with comments, numbers for texts and texts for numbers.
const LOOSE: &str = r#"{
  "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": 256, "memory": 512, // a quarter
  "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
  "containerDefinitions": [{
    "name": "app", "image": "<IMAGE1_NAME>", "essential": "true", "portMappings": [{ "containerPort": "8080" }],
    // only for now
    "environment": [{ "name": "LOG_LEVEL", "value": "debug" }, { "name": "SESSION_KEY", "value": "dev" }], /* rotated */
    "secrets": [{ "name": "SMOKE_TOKEN", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/smoke-token" }],
  }],
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_plainly_meant_is_sent_as_aws_takes_it_and_nothing_is_lost() {
    let answer = |definition: &str| {
        format!(
            r#"{{ "tags": [{{ "key": "team", "value": "a" }}], "taskDefinition": {definition} }}"#
        )
    };
    let action = Action::deploy("1.1.0")
        .file("task.json", &answer(LOOSE))
        .with("task-definition", "task.json");
    let action = action.with(
        "secrets",
        "SESSION_KEY=arn:aws:ssm:eu-central-1:123456789012:parameter/session-key",
    );
    let run = Story::codedeploy()
        .run(action.with("desired-count", "3"))
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    let sent = &run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:RegisterTaskDefinition")
        .expect("a registration")
        .request;
    let container = &sent["containerDefinitions"][0];
    assert_eq!(
        (&sent["cpu"], &sent["memory"], &sent["tags"][0]["value"]),
        (&json!("256"), &json!("512"), &json!("a"))
    );
    assert_eq!(
        (&container["essential"], &container["portMappings"]),
        (&json!(true), &json!([{ "containerPort": 8080 }]))
    );
    assert_eq!(
        container["environment"],
        json!([{ "name": "LOG_LEVEL", "value": "debug" }])
    );
    assert_eq!(container["secrets"].as_array().map(Vec::len), Some(2));
    assert_snapshot!(run.log_with(": was "), @"
    ::warning title=note::containerDefinitions[0].portMappings[0].containerPort: was a text, AWS takes only numbers here: sent as a number
    ::warning title=note::containerDefinitions[0].essential: was a text, AWS takes only true or false here: sent as true
    ::warning title=note::cpu: was a number, AWS takes only strings here: sent as a string; put it in quotes to control how it is written
    ::warning title=note::memory: was a number, AWS takes only strings here: sent as a string; put it in quotes to control how it is written
    ");
    assert_snapshot!(run.log_with("taskDefinition in it"), @"task-definition: the file is a whole answer of describe-task-definition; the taskDefinition in it is taken, with its tags");
    assert_snapshot!(run.log_with("given and not used"), @"::warning title=note::desired-count is given and not used: the service is deployed by CodeDeploy, which takes this from the service; use `aws ecs update-service`");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_change_the_container_and_the_log_shows_how() {
    let action = Action::deploy("1.1.0")
        .with(
            "environment-variables",
            "LOG_LEVEL=debug\nAPP_WARM_UP_MS=10",
        )
        .with("docker-labels", "team=api");
    let action = action
        .with(
            "secrets",
            "SESSION_KEY=arn:aws:ssm:eu-central-1:123456789012:parameter/session-key",
        )
        .with("command", "serve");
    let action = action
        .with("log-configuration-options", "awslogs-stream-prefix=app")
        .with("show-values", "environment, command");
    let run = Story::codedeploy().run(action).await;
    assert_snapshot!(run.log_with("  containerDefinitions"), @r#"
    containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    containerDefinitions[app].secrets[SESSION_KEY].valueFrom: arn:aws:ssm:eu-central-1:123456789012:parameter/session-key (new)
    containerDefinitions[app].logConfiguration.options.awslogs-stream-prefix (changed)
    containerDefinitions[app].command: ["serve"] (new)
    containerDefinitions[app].environment[LOG_LEVEL].value: debug (new)
    containerDefinitions[app].environment[APP_WARM_UP_MS].value: 10 (new)
    containerDefinitions[app].dockerLabels.team (new)
    "#);
    assert_eq!(run.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_the_live_definition_is_shown_that_may_be_a_secret() {
    let live = |value: &str| {
        let mut definition = definition("${registry}/app:1.0.0");
        definition["containerDefinitions"][0]["environment"] =
            json!([{ "name": "DATABASE", "value": value }]);
        definition["containerDefinitions"][0]["dockerLabels"] = json!({ "login": value });
        definition["tags"] = json!([{ "key": "note", "value": value }]);
        definition
    };
    let next = live("fRmT8-canary-2")
        .to_string()
        .replace("${registry}", "$REGISTRY");
    let story =
        Story::codedeploy().service(|service| service.task_definition = live("zHq71-canary-1"));
    let run = story
        .run(
            Action::deploy("1.1.0")
                .file("task.json", &next)
                .with("task-definition", "task.json"),
        )
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    for surface in [
        run.log.join("\n"),
        run.summary.clone(),
        run.journal.clone(),
        format!("{:?}", run.outputs),
    ] {
        assert!(!surface.contains("canary-"), "{surface}");
    }
    assert_snapshot!(run.log_with(" (changed)"), @"
    containerDefinitions[app].environment[DATABASE].value (changed)
    containerDefinitions[app].dockerLabels.login (changed)
    tags[note].value (changed)
    ");
}
