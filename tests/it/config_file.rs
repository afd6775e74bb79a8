//! One file for all environments: what it says takes the place of what the workflow leaves out.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

const CONFIG: &str = "\
defaults:
  service: api
  repository: app
  poll-interval: 50ms
environments:
  staging: { cluster: staging }
  production:
    cluster: prod
    test-url: $TEST
    production-url: $PRODUCTION
    smoke-tests: |
      tests:
        - { name: health, get: /health, expect: { status: 200 } }
";

/// A deployment that says nothing but its image and where the rest is said.
fn configured(environment: &str) -> Action {
    let mut action = Action::deploy("1.1.0")
        .with("config", "deploy/deploy.yml")
        .with("environment", environment)
        .file("deploy/deploy.yml", CONFIG);
    for input in ["cluster", "service", "repository", "poll-interval"] {
        action = action.without(input);
    }
    action
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_takes_what_its_environment_says() {
    let run = Story::codedeploy().run(configured("production")).await;
    assert_eq!(run.outputs["outcome"], "deployed", "{}", run.text());
    let tested = run.log_with("health on");
    assert!(
        tested.contains("on green") && tested.contains("on production"),
        "{tested}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_workflow_says_wins() {
    let plan = configured("staging")
        .with("cluster", "prod")
        .with("mode", "plan");
    let run = Story::codedeploy().run(plan).await;
    assert_eq!(run.outputs["outcome"], "planned", "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_not_there_is_named_with_those_that_are() {
    let run = Story::codedeploy().run(configured("productions")).await;
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused,file=deploy/deploy.yml,line=6,col=3::config: deploy/deploy.yml:6:3: there is no environment `productions`
      hint: Did you mean `production`? Known here: `staging`, `production`
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_in_the_file_is_told_by_line_and_column() {
    let file = "\
default: {}
defaults:
  clusters: prod
  github-token: abc
  mode: rollback
environments:
  production:
    smoke-tests: { tests: [] }
    alarms: [a, { b: c }]
";
    let action = configured("production").file("deploy/deploy.yml", file);
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 6 problems
    ::error title=input refused,file=deploy/deploy.yml,line=1,col=1::config: deploy/deploy.yml:1:1: Unknown key `default` in the file
      hint: Did you mean `defaults`? Known here: `defaults`, `environments`
    ::error title=input refused,file=deploy/deploy.yml,line=3,col=3::config: deploy/deploy.yml:3:3: there is no input `clusters`
      hint: Did you mean `cluster`?
    ::error title=input refused,file=deploy/deploy.yml,line=4,col=3::config: deploy/deploy.yml:4:3: `github-token` is a secret
      hint: Give it in the workflow: with: github-token: ${{ secrets.… }}
    ::error title=input refused,file=deploy/deploy.yml,line=5,col=3::config: deploy/deploy.yml:5:3: `mode` is said in the workflow only
      hint: Move it to `with:`
    ::error title=input refused,file=deploy/deploy.yml,line=8,col=18::config: deploy/deploy.yml:8:18: `smoke-tests` is a mapping
      hint: Write the document as text (`smoke-tests: |`, and the document below it), or give the path of a file
    ::error title=input refused,file=deploy/deploy.yml,line=9,col=17::config: deploy/deploy.yml:9:17: alarms must be a text, and is a mapping
      hint: Write a text, in quotes where it has special characters
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_or_not_named_is_told() {
    let mut play = Story::codedeploy().begin().await;
    let missing = play
        .act(Action::deploy("1.1.0").with("config", "deploy.yml"))
        .await;
    let unnamed = play
        .act(Action::deploy("1.1.0").with("environment", "production"))
        .await;
    play.end().await;
    assert_snapshot!(format!("{}\n=======\n{}", missing.text(), unnamed.text()), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::config: deploy.yml cannot be read (there is no such file); tried [workspace]/deploy.yml
      hint: give the path of a file that the job has checked out
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    =======
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::environment: it is given without a file that has environments
      hint: set config, or leave it out
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

/// The same with changes of the task definition, and an environment's own checks.
fn patched(version: &str) -> Action {
    let file = CONFIG.replace(
        "    cluster: prod\n",
        "    cluster: prod
    task: { cpu: 512, memory: 1024 }
    containers:
      app:
        environment: { LOG_LEVEL: info, SHOP_COLOR: blue }
        memory-reservation: 256
",
    );
    let file = file.replace(
        "  poll-interval: 50ms\n",
        "  poll-interval: 50ms\n  containers: { app: { environment: { LOG_LEVEL: debug, ORIGIN: defaults } } }\n",
    );
    let mut action = Action::deploy(version)
        .with("config", "deploy.yml")
        .with("environment", "production")
        .file("deploy.yml", &file);
    for input in ["cluster", "service", "repository", "poll-interval"] {
        action = action.without(input);
    }
    action
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_serves_plan_deploy_smoke_and_rollback_and_changes_the_task_definition() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let planned = play.act(patched("1.1.0").with("mode", "plan")).await;
    let deployed = play.act(patched("1.1.0")).await;
    let sent = deployed
        .calls
        .iter()
        .find(|call| call.operation == "ecs:RegisterTaskDefinition")
        .map(|call| call.request.clone())
        .expect("a registration");
    let again = play.act(patched("1.1.0")).await;
    let newer = patched("1.1.0").with("environment-variables", "LOG_LEVEL=warn");
    let newer = play.act(newer).await;
    let of_mode = |mode: &str| {
        let action = patched("1.1.0").with("mode", mode);
        ["image", "tags"]
            .iter()
            .fold(action, |action, input| action.without(input))
    };
    let smoke = play.act(of_mode("smoke")).await;
    let back = play.act(of_mode("rollback")).await;
    play.end().await;
    let outcomes =
        [&planned, &deployed, &again, &newer, &smoke, &back].map(|run| run.output("outcome"));
    assert_eq!(
        outcomes,
        [
            "planned",
            "deployed",
            "already-deployed",
            "deployed",
            "tested",
            "deployed"
        ],
        "{}",
        back.text()
    );
    let container = &sent["containerDefinitions"][0];
    assert_eq!(
        (
            &sent["cpu"],
            &sent["memory"],
            &container["memoryReservation"]
        ),
        (&"512".into(), &"1024".into(), &256.into())
    );
    assert_eq!(
        container["environment"],
        serde_json::json!([
            { "name": "ORIGIN", "value": "defaults" },
            { "name": "LOG_LEVEL", "value": "info" },
            { "name": "SHOP_COLOR", "value": "blue" },
        ])
    );
    assert_eq!(
        smoke.log_with("health on").lines().count(),
        2,
        "the environment's own tests: {}",
        smoke.text()
    );
    assert_snapshot!(planned.text(), @"
    exit code 0
    ---
    Planning a deployment of 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: read ([time])
    Plan [plan]
      a new revision of api would be registered, different from api:1
        cpu: 256 → 512
        memory: 512 → 1024
        containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
        containerDefinitions[app].environment[ORIGIN].value (new)
        containerDefinitions[app].environment[LOG_LEVEL].value (new)
        containerDefinitions[app].environment[SHOP_COLOR].value (new)
        containerDefinitions[app].memoryReservation: 256 (new)
      1. Image: 2 of 3 parts are sent to [registry]/app@[digest] ([size])
      2. Task definition: a new revision of api is registered
      3. Green: it comes up (codedeploy); the whole rollout is followed for 1 h 40 m at most
      4. Smoke tests on green: green is tested at http://[test]/: health
      5. Traffic: traffic moves by 10 %, then 100 % (at least 5 m)
      6. Smoke tests on production: production is tested at http://[production]/: health
      7. Bake: blue is kept, then taken away (at least 5 m)
      if the run dies meanwhile: at its gate CodeDeploy waits 60 min and then stops the deployment; past it CodeDeploy continues, and keeps blue for 5 min after the shift
      Drift: whether anything was changed by hand is not known: no deployment of this action is recorded on the service; the next one that ends deployed is

    api:1 serves production; a deployment would roll out what the plan shows; nothing was changed.
    Outcome: planned, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=planned
    plan-digest=[plan]
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_task_definition_that_cannot_be_are_told_by_line_and_column() {
    let file = "\
defaults:
  service: api
  repository: app
environments:
  production:
    cluster: prod
    task: { cpus: 512, memory: 1 GB }
    containers:
      app:
        enviroment: { A: 1 }
        environment: { B: 1 }
        secrets: { B: arn }
        command: npm start
";
    let mut play = Story::codedeploy().begin().await;
    let miswritten = play.act(patched("1.1.0").file("deploy.yml", file)).await;
    let file = "\
defaults: { service: api, repository: app }
environments:
  production:
    cluster: prod
    containers:
      web: { cpu: 128 }
";
    let unknown = play.act(patched("1.1.0").file("deploy.yml", file)).await;
    assert!(miswritten.calls.is_empty() && unknown.calls.is_empty());
    play.end().await;
    assert_snapshot!(format!(
        "{}\n=======\n{}",
        miswritten.ending(),
        unknown.ending()
    ), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 5 problems
    ::error title=input refused,file=deploy.yml,line=7,col=13::config: deploy.yml:7:13: Unknown key `cpus` in `task`
      hint: Did you mean `cpu`? Known here: `cpu`, `memory`, `ephemeral-storage`
    ::error title=input refused,file=deploy.yml,line=7,col=32::config: deploy.yml:7:32: `memory`: `1 GB` is not a whole number from 1
      hint: Write a number such as `512`, without a unit
    ::error title=input refused,file=deploy.yml,line=10,col=9::config: deploy.yml:10:9: Unknown key `enviroment` in container `app`
      hint: Did you mean `environment`? Known here: `environment`, `secrets`, `docker-labels`, `command`, `cpu`, `memory`, `memory-reservation`, `stop-timeout`
    ::error title=input refused,file=deploy.yml,line=12,col=20::config: deploy.yml:12:20: `B` is in `environment` too
      hint: Keep it in one of the two
    ::error title=input refused,file=deploy.yml,line=13,col=18::config: deploy.yml:13:18: `command` must be a list, and is a text
      hint: Write one `- ` line for each, or `[a, b]`
    =======
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused,file=deploy.yml,line=6,col=7::config: deploy.yml:6:7: the task definition has no container `web`
      hint: The task definition has the containers app
    ");
}
