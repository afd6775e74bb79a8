//! Bad input: every problem at once, exit code 2, nothing touched, each with a remedy; and what is
//! not possible just now.

use ecs_bluegreen_sim::{Controller, Exposure, GroupOptions, ServiceOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Story, definition, smoke_tests};

/// What a refused run says; AWS got no call that changes anything.
async fn run_refused(story: Story, action: Action) -> String {
    let run = story.run(action).await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
    assert!(
        run.summary.contains("Nothing was touched"),
        "{}",
        run.summary
    );
    run.ending()
}

async fn refused_by_codedeploy(action: Action) -> String {
    run_refused(Story::codedeploy(), action).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_told_at_once() {
    let action = Action::deploy("1.1.0")
        .with("wait-until", "tomorrow")
        .with("deadline", "30")
        .with("force-new-deployment", "yes")
        .with("desired-count", "-1");
    let action = action
        .with("test-url", "api.example.com")
        .with("task-definition", "nowhere.json")
        .with("run-task", "true")
        .with("run-task-container-overrides", "{");
    let run = Story::codedeploy()
        .run(action.with("tags", "not a tag"))
        .await;
    assert_eq!(run.calls, []);
    assert_snapshot!(run.with_summary(), @r"
    exit code 2
    ---
    Deploying to api on prod, eu-central-1 (run [run])
    AWS account 123456789012, role github-actions
    Nothing was touched: the inputs have 9 problems
    ::error title=input refused::tags: `not a tag` is not a tag (1 to 128 of letters, digits, `_`, `.`, `-`, the first a letter, a digit or `_`)
      hint: use letters, digits, `_`, `.` and `-`, at most 128: `not-a-tag` would be one
    ::error title=input refused::task-definition: nowhere.json cannot be read (there is no such file); tried [workspace]/nowhere.json
      hint: give the path of a file that the job has checked out or rendered
    ::error title=input refused::deadline: `30` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`
      hint: add the unit: 30s for seconds, 30m for minutes
    ::error title=input refused::force-new-deployment: `yes` is neither true nor false
      hint: use true or false
    ::error title=input refused::desired-count: `-1` is not a whole number from 0 to 2147483647
      hint: use a number in that range
    ::error title=input refused::wait-until: `tomorrow` is not one of shifted, completed
      hint: use one of them
    ::error title=input refused::test-url: it is not an http or https URL
      hint: write it whole, such as https://api.example.com:8443
    ::error title=input refused::run-task-container-overrides: inline:1:1: it is not JSON: the text ends inside an object
      hint: Close every open bracket and quote, and check that the file is complete
    ::error title=input refused::test-url: URLs are given, but no smoke tests
      hint: set smoke-tests, or leave test-url and production-url out
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    --- summary
    ## ✗ Refused: <code>api</code> on <code>prod</code>

    **Nothing was touched.** The inputs have problems.

    | Problem | What to do |
    |---|---|
    | tags&#58; \`not a tag\` is not a tag (1 to 128 of letters, digits, \`\_\`, \`.\`, \`-\`, the first a letter, a digit or \`\_\`) | use letters, digits, \`\_\`, \`.\` and \`-\`, at most 128&#58; \`not-a-tag\` would be one |
    | task-definition&#58; nowhere.json cannot be read (there is no such file); tried [workspace]/nowhere.json | give the path of a file that the job has checked out or rendered |
    | deadline&#58; \`30\` is not a duration such as \`250ms\`, \`90s\`, \`10m\` or \`1h30m\` | add the unit&#58; 30s for seconds, 30m for minutes |
    | force-new-deployment&#58; \`yes\` is neither true nor false | use true or false |
    | desired-count&#58; \`-1\` is not a whole number from 0 to 2147483647 | use a number in that range |
    | wait-until&#58; \`tomorrow\` is not one of shifted, completed | use one of them |
    | test-url&#58; it is not an http or https URL | write it whole, such as <code>https&#58;<!-- -->//api.example.com:8443</code> |
    | run-task-container-overrides&#58; inline&#58;1&#58;1&#58; it is not JSON&#58; the text ends inside an object | Close every open bracket and quote, and check that the file is complete |
    | test-url&#58; URLs are given, but no smoke tests | set smoke-tests, or leave test-url and production-url out |
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_input_is_refused_with_the_one_that_was_meant() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("codedeploy-deploymentgroup", "x").with("colour", "green")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::codedeploy-deploymentgroup: there is no such input
      hint: did you mean `codedeploy-deployment-group`?
    ::error title=input refused::colour: there is no such input
      hint: remove it; docs/inputs.md lists the inputs
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_files_are_refused_with_line_and_column() {
    let action = Action::to_service()
        .file(
            "task.yml",
            "family: api\ncontainerDefinitions:\n  - name: app\n   image: x\n",
        )
        .file(
            "appspec.json",
            "{\n  \"version\": 0.0,\n  \"Resources\": [\n}\n",
        );
    assert_snapshot!(refused_by_codedeploy(action.with("task-definition", "task.yml").with("codedeploy-appspec", "appspec.json")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused,file=task.yml,line=4,col=4::task-definition: task.yml:4:4: while parsing a block collection, did not find expected '-' indicator
      hint: Correct the syntax at this place
    ::error title=input refused,file=appspec.json,line=4,col=1::codedeploy-appspec: appspec.json:4:1: it is not JSON: expected value
      hint: Correct the JSON at this place
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_smoke_tests_are_refused_at_their_lines() {
    let tests = "tests:\n  - name: health\n    get: health\n    expect: { status: 700 }\n  - name: me\n    gett: /me\n    expect: { header: {} }\n  - get: /ready\n    retry: { for: 10 }\n  - name: secret\n    get: /x\n    headers: { Authorization: \"${env.NOT_SET}\" }\n";
    let action = Action::deploy("1.1.0")
        .file("deploy/smoke.yml", tests)
        .with("smoke-tests", "deploy/smoke.yml")
        .with("test-url", "$TEST");
    assert_snapshot!(refused_by_codedeploy(action).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have 8 problems
    ::error title=input refused,file=deploy/smoke.yml,line=3,col=10::smoke-tests: deploy/smoke.yml:3:10: `health` is not a path that starts with `/`
      hint: Write a path such as `/health`; it is joined to test-url and production-url
    ::error title=input refused,file=deploy/smoke.yml,line=4,col=23::smoke-tests: deploy/smoke.yml:4:23: `700` is not an HTTP status
      hint: Write a status such as `200`, a class such as `2xx`, or a list of them
    ::error title=input refused,file=deploy/smoke.yml,line=5,col=5::smoke-tests: deploy/smoke.yml:5:5: A test has no request
      hint: Write `get: /path`; also known are post, put, delete, head, patch and request
    ::error title=input refused,file=deploy/smoke.yml,line=6,col=5::smoke-tests: deploy/smoke.yml:6:5: Unknown key `gett` in a test
      hint: Did you mean `get`? Known here: `name`, `get`, `post`, `put`, `delete`, `head`, `patch`, `request`, `query`, `headers`, `auth`, `json`, `body`, `form`, `file`, `cors`, `https-redirect`, `follow`, `on`, `expect`, `capture`, `matrix`, `after`, `always`, `timeout`, `connect-timeout`, `retry`, `http`, `tls`
    ::error title=input refused,file=deploy/smoke.yml,line=7,col=15::smoke-tests: deploy/smoke.yml:7:15: Unknown key `header` in `expect`
      hint: Did you mean `headers`? Known here: `status`, `latency`, `version`, `json`, `json-schema`, `headers`, `security-headers`, `redirect`, `cookies`, `body`, `certificate`, `origin`
    ::error title=input refused,file=deploy/smoke.yml,line=8,col=5::smoke-tests: deploy/smoke.yml:8:5: A test has no `name`
      hint: Write `name:` with words for the log and the summary
    ::error title=input refused,file=deploy/smoke.yml,line=9,col=19::smoke-tests: deploy/smoke.yml:9:19: `for`: `10` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`
      hint: Write a whole number with its unit: ms, s, m or h
    ::error title=input refused,file=deploy/smoke.yml,line=12,col=31::smoke-tests: deploy/smoke.yml:12:31: `${env.NOT_SET}` is used, but the environment has no NOT_SET
      hint: set NOT_SET under `env:` of the step
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_the_definition_lacks_is_refused_with_those_it_has() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("container", "web")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::container: Invalid task definition: Could not find container definition with matching name: `web`
      hint: The task definition has the containers app
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("service", "apy")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: `apy` is MISSING in cluster `prod`
      hint: did you mean `api`? Otherwise create the service first, or check service, cluster (`prod`) and aws-region (`eu-central-1`)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("cluster", "staging")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::cluster: there is no cluster `staging`
      hint: clusters there: prod; check cluster and aws-region (`eu-central-1`)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_deleted_is_refused() {
    let story = Story::codedeploy().service(|service| "INACTIVE".clone_into(&mut service.status));
    assert_snapshot!(run_refused(story, Action::deploy("1.1.0")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: `api` is INACTIVE
      hint: deploy to an ACTIVE service, or create it again
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_under_an_external_controller_is_refused() {
    assert_snapshot!(run_refused(Story::external(), Action::deploy("1.1.0")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: Unsupported deployment controller: EXTERNAL
      hint: use a service whose deployment controller is CODE_DEPLOY or ECS
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("codedeploy-application", "shop")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::codedeploy-application: there is no application `shop`
      hint: set codedeploy-application; its default is AppECS-{cluster}-{service}
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("codedeploy-deployment-group", "blue-green")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::codedeploy-deployment-group: application `AppECS-prod-api` has no group `blue-green`
      hint: set codedeploy-deployment-group; its default is DgpECS-{cluster}-{service}
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_another_service_is_refused() {
    let mut play = Story::codedeploy().begin().await;
    let shop = ServiceOptions {
        name: "shop".to_owned(),
        controller: Controller::CodeDeploy(GroupOptions::default()),
        desired: 0,
        task_definition: definition("${registry}/app:1.0.0"),
        status: "ACTIVE".to_owned(),
        scaling: None,
        exposure: Some(Exposure {
            production: "shop".to_owned(),
            test: None,
            ..Exposure::new("app", 8080)
        }),
    };
    play.stage.add_service(shop).await.expect("a service");
    let action = Action::deploy("1.1.0")
        .with("codedeploy-application", "AppECS-prod-shop")
        .with("codedeploy-deployment-group", "DgpECS-prod-shop");
    let run = play.act(action).await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::codedeploy-deployment-group: group `DgpECS-prod-shop` deploys to prod/shop, not to prod/api
      hint: set codedeploy-application and codedeploy-deployment-group to those of the service
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_does_not_wait_cannot_be_tested_before_traffic_and_the_command_is_given() {
    let story = Story::group(GroupOptions {
        ready_wait_minutes: None,
        termination_minutes: 7,
        ..GroupOptions::default()
    });
    assert_snapshot!(run_refused(story, Action::deploy_tested("1.1.0")).await, @r#"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::test-url: group `DgpECS-prod-api` shifts traffic as soon as green is up (CONTINUE_DEPLOYMENT), so green cannot be tested before users reach it
      hint: let the group wait: aws deploy update-deployment-group --region eu-central-1 --application-name AppECS-prod-api --current-deployment-group-name DgpECS-prod-api --blue-green-deployment-configuration '{"terminateBlueInstancesOnDeploymentSuccess":{"action":"TERMINATE","terminationWaitTimeInMinutes":7},"deploymentReadyOption":{"actionOnTimeout":"STOP_DEPLOYMENT","waitTimeInMinutes":60}}'
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_service_has_no_green_to_test() {
    let story = Story::rolling(ecs_bluegreen_sim::RollingOptions::default());
    let action = Action::deploy("1.1.0")
        .with("smoke-tests", &smoke_tests(&["health"]))
        .with("test-url", "$PRODUCTION");
    assert_snapshot!(run_refused(story, action).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::test-url: the service is rolled in place by ECS: there is no green that could be tested before users reach it
      hint: leave test-url out (production-url tests after the rollout), or use strategy blue-green, canary or linear, or CodeDeploy
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_the_step_that_gets_them_is_named() {
    let action = Action::deploy("1.1.0")
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .env("AWS_SESSION_TOKEN", "");
    let run = Story::codedeploy().run(action).await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("refused", "credentials"),
        "{}",
        run.summary
    );
    assert!(
        run.summary
            .contains("**Nothing was touched.** There are no usable AWS credentials."),
        "{}",
        run.summary
    );
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::aws: ecs:DescribeServices: there are no AWS credentials: the environment has none (looked for: AWS_ACCESS_KEY_ID, a profile, a web identity (AWS_WEB_IDENTITY_TOKEN_FILE))
      hint: give the job `permissions: id-token: write`, and set role-to-assume; or run aws-actions/configure-aws-credentials before this step; use-instance-profile: true uses the credentials of a self-hosted runner
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_deployment_runs_nothing_is_touched() {
    let mut play = Story::codedeploy().begin().await;
    play.act(Action::deploy("1.1.0").with("wait-for-service-stability", "false"))
        .await;
    let run = play
        .act(Action::deploy_tested("1.2.0").with("if-running", "fail"))
        .await;
    play.end().await;
    assert_eq!(run.calls, []);
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (already-running)::deployment [deployment 1] of api:2 is in progress (Created, made [time] by workflow run [run])
      hint: wait for it; or let the run do so (if-running: wait), or roll it back first (if-running: supersede)
      hint: by hand: aws deploy stop-deployment --deployment-id [deployment 1] --auto-rollback-enabled
    Outcome: not-deployed (already-running), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_begins_after_the_survey_is_in_the_way_and_the_revision_is_taken_back() {
    let mut play = Story::codedeploy()
        .stage(|options| options.denied = vec!["codedeploy:ListDeployments".into()])
        .begin()
        .await;
    play.act(Action::deploy("1.1.0").with("wait-for-service-stability", "false"))
        .await;
    let run = play
        .act(Action::deploy("1.2.0").with("if-running", "fail"))
        .await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    ::warning title=a check is limited::A deployment that runs already is only noticed when CodeDeploy refuses ours. Allow codedeploy:ListDeployments to have it. (codedeploy:ListDeployments is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:ListDeployments on resource: arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api because no identity-based policy allows the codedeploy:ListDeployments action)
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (already-running)::CodeDeploy did not create the deployment
      Caused by: codedeploy:CreateDeployment: The Deployment Group 'DgpECS-prod-api' already has an active Deployment '[deployment 1]' (DeploymentLimitExceededException)
      hint: another deployment of the group is in progress: wait for it, or stop it
    Outcome: not-deployed (already-running), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → DeploymentLimitExceededException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_spec_that_does_not_fit_the_definition_is_refused() {
    let spec = json!({ "version": 0.0, "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties":
        { "TaskDefinition": "x", "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 } } } }] });
    let action = Action::deploy("1.1.0")
        .file("appspec.json", &spec.to_string())
        .with("codedeploy-appspec", "appspec.json");
    assert_snapshot!(refused_by_codedeploy(action).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::codedeploy-appspec: ContainerName `web` is not in the task definition
      hint: The task definition has the containers app
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_that_cannot_hold_and_a_proxy_that_is_none_are_refused() {
    let action = Action::deploy("1.1.0")
        .with("poll-interval", "2h")
        .with("deadline", "90m")
        .with("http-proxy", "proxy.example.com:3128");
    assert_snapshot!(refused_by_codedeploy(action.with("show-values", "environment, secrets")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused::show-values: `secrets` is not one of environment, command, entry-point, health-check, docker-labels, log-options, tags
      hint: use one of them
    ::error title=input refused::poll-interval: 2 h is as long as the rollout is followed at all (1 h 30 m)
      hint: use a duration such as 2s, or leave it out
    ::error title=input refused::http-proxy: it is not the URL of an HTTP proxy
      hint: write it whole, such as http://proxy.example.com:3128
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_definition_that_explodes_is_refused_at_its_line() {
    let bomb = format!(
        "family: &a {}\ncontainerDefinitions:\n{}",
        "x".repeat(100_000),
        "  - { name: *a, image: *a }\n".repeat(1_000)
    );
    let action = Action::deploy("1.1.0")
        .file("task.yml", &bomb)
        .with("task-definition", "task.yml");
    assert_snapshot!(refused_by_codedeploy(action).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused,file=task.yml,line=7,col=24::task-definition: task.yml:7:24: the document has more than 1024 KiB of text when its aliases are expanded
      hint: Make the document smaller or use fewer aliases
    ");
}
