//! What a deployment needs to be there, seen by `mode: verify` and before every first write.

use std::time::Duration;

use ecs_bluegreen_sim::{Fault, FaultKind, SecretValue, StageOptions};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Action, Story, definition};

const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret";
/// The longest that everything may take to be looked at.
const QUICK: Duration = Duration::from_secs(2);

fn verify(deployment: Action) -> Action {
    deployment.with("mode", "verify")
}

/// A deployment whose task definition is a file.
fn deploy_definition(definition: &Value) -> Action {
    Action::deploy("1.1.0")
        .file("task.json", &definition.to_string())
        .with("task-definition", "task.json")
        .with("container", "app")
}

/// The usual definition with these members of its container.
fn with_container(members: &[(&str, Value)]) -> Value {
    let mut definition = definition("$REGISTRY/app:1.1.0");
    for (name, value) in members {
        definition["containerDefinitions"][0][*name] = value.clone();
    }
    definition
}

fn faulty_definition() -> Value {
    let secret = |name: &str, from: &str| json!({ "name": name, "valueFrom": from });
    let mut faulty = with_container(&[
        (
            "secrets",
            json!([
                secret("GONE", &format!("{SECRET}:gone-AbCdEf")),
                secret("GOING", &format!("{SECRET}:going-AbCdEf")),
                secret("OLD", &format!("{SECRET}:kept-AbCdEf::AWSPREVIOUS:")),
                secret("PARAMETER", "/prod/nothing"),
            ]),
        ),
        ("portMappings", json!([{ "containerPort": 9090 }])),
        (
            "environmentFiles",
            json!([{ "type": "s3", "value": "arn:aws:s3:::config/prod.env" }]),
        ),
    ]);
    faulty["taskRoleArn"] = json!("arn:aws:iam::123456789012:role/task");
    faulty["cpu"] = json!("256");
    faulty["memory"] = json!("4096");
    let sidecar = json!({ "name": "sidecar", "image": "public/sidecar:1", "essential": false,
        "logConfiguration": { "logDriver": "awslog" } });
    let containers = faulty["containerDefinitions"].as_array_mut();
    containers.expect("containers").push(sidecar);
    faulty
}

fn faulty_account(options: &mut StageOptions) {
    for kept in ["going-AbCdEf", "kept-AbCdEf::AWSPREVIOUS:"] {
        let from = format!("{SECRET}:{kept}");
        options.secrets.insert(from, "value".to_owned());
    }
    options.denied = ["ecs:RegisterTaskDefinition", "codedeploy:CreateDeployment"]
        .map(ToOwned::to_owned)
        .to_vec();
    let account = &mut options.account_contents;
    account.missing_roles.insert("execution".to_owned());
    account
        .trusted
        .insert("task".to_owned(), vec!["ec2.amazonaws.com".to_owned()]);
    account.trusted.insert("codedeploy".to_owned(), Vec::new());
    account
        .deleted_secrets
        .insert(format!("{SECRET}:going-AbCdEf"));
    account.missing_log_groups.insert("/ecs/api".to_owned());
    account.missing_target_groups.insert("api-2".to_owned());
    let instances = json!({ "TargetType": "instance" });
    let instances = instances.as_object().expect("an object").clone();
    account.target_groups.insert("api-1".to_owned(), instances);
    account.fargate_vcpus = 0.25;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_faults_are_twenty_lines_and_nothing_is_written() {
    let mut play = Story::codedeploy().stage(faulty_account).begin().await;
    let action = verify(deploy_definition(&faulty_definition()))
        .with("alarms", "nobody")
        .with("repository", "no/such/repository")
        .with("smoke-tests", &crate::harness::smoke_tests(&["health"]))
        .with("test-url", "http://127.0.0.1:9")
        .with("production-url", "$PRODUCTION");
    let began = Instant::now();
    let run = play.act(action).await;
    let took = began.elapsed();
    play.end().await;
    assert!(run.calls.is_empty());
    assert_eq!(run.code, Some(2));
    let failed = run.log_with("FAILED");
    assert_eq!(failed.lines().count(), 20, "{}", run.text());
    assert!(took < QUICK, "{took:?}");
    let lines = run.log.iter();
    let told: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("OK"))
        .take_while(|line| !line.starts_with("Nothing was touched"))
        .map(String::as_str)
        .collect();
    assert_snapshot!(run.redact(&told.join("\n")), @r#"
    OK       credentials and region: AWS answers in eu-central-1
    OK       cluster and service: api runs api:1
    OK       controller and strategy: CodeDeploy
    OK       deployment group: DgpECS-prod-api of AppECS-prod-api
    OK       free slot: no rollout is in progress
    OK       production traffic: one side has all of it
    FAILED   target groups: task-definition: target group api-1 takes instances, and tasks with the network mode awsvpc are registered by address
             do: create the target group again with the target type ip
    FAILED   target groups: codedeploy-deployment-group: there is no target group `api-2`
             do: create it, or give the service or its deployment group another
    OK       hooks: there are none besides those that this action adds
    OK       task definition: it can be made
    FAILED   container and port: task-definition: the load balancer reaches container `app` at port 8080, and it has 9090
             do: add { "containerPort": 8080 } to its portMappings
    FAILED   CPU and memory: task-definition: Fargate has no tasks with 256 CPU units and 4096 MiB of memory
             do: with 256 CPU units, set memory to 512 to 2048 MiB in steps of 512
    FAILED   roles: task-definition: the execution role `arn:aws:iam::123456789012:role/execution` does not exist
             do: create it, with a trust policy for ecs-tasks.amazonaws.com, or name one that exists
    FAILED   roles: task-definition: the task role `task` cannot be assumed by ecs-tasks.amazonaws.com: its trust policy allows ec2.amazonaws.com
             do: add to its trust policy: {"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}
    FAILED   roles: codedeploy-deployment-group: the role of CodeDeploy `codedeploy` cannot be assumed by codedeploy.amazonaws.com: its trust policy allows no service
             do: add to its trust policy: {"Effect":"Allow","Principal":{"Service":"codedeploy.amazonaws.com"},"Action":"sts:AssumeRole"}
    FAILED   secrets and parameters: task-definition: container `app` takes `GONE` from a secret that does not exist: arn:aws:secretsmanager:eu-central-1:123456789012:secret:gone-AbCdEf
             do: create the secret, or check its name and region: the task would not start
    FAILED   secrets and parameters: task-definition: container `app` takes `GOING` from a secret that is scheduled for deletion: arn:aws:secretsmanager:eu-central-1:123456789012:secret:going-AbCdEf
             do: restore it (aws secretsmanager restore-secret), or take the value from another secret
    FAILED   secrets and parameters: task-definition: container `app` takes `OLD` from a version of arn:aws:secretsmanager:eu-central-1:123456789012:secret:kept-AbCdEf that does not exist: AWSPREVIOUS
             do: name a version that exists, or leave it out for the current one
    FAILED   secrets and parameters: task-definition: container `app` takes `PARAMETER` from a parameter that does not exist: /prod/nothing
             do: create the parameter, or check its name and region: the task would not start
    SKIPPED  rotation of secrets: rotation is not given
    FAILED   log configuration: task-definition: container `sidecar` has the log driver `awslog`, which ECS does not have
             do: use one of awslogs, awsfirelens, splunk, json-file, syslog, journald, gelf, fluentd
    FAILED   log configuration: task-definition: container `app` logs to `/ecs/api`, which does not exist in eu-central-1
             do: make it (aws logs create-log-group --region eu-central-1 --log-group-name /ecs/api), or set the option awslogs-create-group: true and give the execution role logs:CreateLogGroup
    FAILED   environment files: task-definition: container `app` reads s3://config/prod.env, which does not exist
             do: upload it, or check bucket and key: the task would not start
    OK       image: oci:images/1.1.0 is there
    FAILED   repository and tags: repository: there is no repository `no/such/repository` in the registry of account 123456789012 in eu-central-1
             do: set create-repository: true, or make it: aws ecr create-repository --repository-name no/such/repository --region eu-central-1 --registry-id 123456789012
    SKIPPED  repository settings: there is no repository whose settings could be read
    FAILED   alarms: alarms: there is no alarm `nobody`
             do: check its name and aws-region (`eu-central-1`), or create it
    FAILED   URLs of the tests: test-url: http://[address]/ cannot be reached from this runner: tcp connect error: Connection refused (os error 111)
             do: check the host, the port and the listener behind it, its security group, and whether this runner is in a network that may reach it
    OK       smoke tests: the document is valid
    SKIPPED  analysis: there is none
    SKIPPED  forecast: there is no analysis
    SKIPPED  time: there is no plan of a rollout
    FAILED   quota of Fargate: service: blue and green together need 0.5 vCPUs, and the account may have 0.25 on Fargate
             do: raise the quota "Fargate On-Demand vCPU resource count" (L-3032A538)
    FAILED   permissions: aws: ecs:RegisterTaskDefinition on * is not allowed (implicitDeny)
             do: allow ecs:RegisterTaskDefinition on * for the role that the job uses (docs/iam.md)
    FAILED   permissions: aws: codedeploy:CreateDeployment on arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api is not allowed (implicitDeny)
             do: allow codedeploy:CreateDeployment on arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api for the role that the job uses (docs/iam.md)
    WARNING  lint: container `app` has no health check of its own
             do: set healthCheck, unless the load balancer's is enough
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_certainly_missing_is_refused_before_the_first_write() {
    let secret = json!([{ "name": "TOKEN", "valueFrom": "/prod/nothing" }]);
    let story = Story::canary().stage(|options| {
        let account = &mut options.account_contents;
        account.missing_roles.insert("execution".to_owned());
        account.missing_log_groups.insert("/ecs/api".to_owned());
    });
    let mut definition = with_container(&[("secrets", secret)]);
    definition["memory"] = json!("4096");
    let run = story.run(deploy_definition(&definition)).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 4 problems
    ::error title=input refused::task-definition: Fargate has no tasks with 256 CPU units and 4096 MiB of memory
      hint: with 256 CPU units, set memory to 512 to 2048 MiB in steps of 512
    ::error title=input refused::task-definition: the execution role `arn:aws:iam::123456789012:role/execution` does not exist
      hint: create it, with a trust policy for ecs-tasks.amazonaws.com, or name one that exists
    ::error title=input refused::task-definition: container `app` takes `TOKEN` from a parameter that does not exist: /prod/nothing
      hint: create the parameter, or check its name and region: the task would not start
    ::error title=input refused::task-definition: container `app` logs to `/ecs/api`, which does not exist in eu-central-1
      hint: make it (aws logs create-log-group --region eu-central-1 --log-group-name /ecs/api), or set the option awslogs-create-group: true and give the execution role logs:CreateLogGroup
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_are_denied_are_skipped_with_their_actions_and_fail_no_deployment() {
    let denied = |options: &mut StageOptions| {
        options.denied = [
            "iam:GetRole",
            "iam:SimulatePrincipalPolicy",
            "ssm:GetParameters",
            "logs:DescribeLogGroups",
            "ecr:GetLifecyclePolicy",
            "elasticloadbalancing:DescribeTargetGroups",
            "servicequotas:GetServiceQuota",
        ]
        .map(ToOwned::to_owned)
        .to_vec();
    };
    let mut play = Story::canary().stage(denied).begin().await;
    let run = play.act(verify(Action::deploy("1.1.0"))).await;
    assert_eq!(run.outputs["outcome"], "verified");
    assert_snapshot!(run.log_with("SKIPPED"), @"
    SKIPPED  deployment group: the service is not deployed by CodeDeploy
    SKIPPED  target groups: elasticloadbalancing:DescribeTargetGroups is denied
    SKIPPED  roles: iam:GetRole is denied
    SKIPPED  secrets and parameters: ssm:GetParameters is denied
    SKIPPED  rotation of secrets: rotation is not given
    SKIPPED  log configuration: logs:DescribeLogGroups is denied
    SKIPPED  environment files: there are none
    SKIPPED  repository settings: ecr:GetLifecyclePolicy is denied
    SKIPPED  URLs of the tests: no test asks any
    SKIPPED  smoke tests: there is none
    SKIPPED  analysis: there is none
    SKIPPED  forecast: there is no analysis
    SKIPPED  quota of Fargate: servicequotas:GetServiceQuota is denied
    SKIPPED  permissions: iam:SimulatePrincipalPolicy is denied
    ");
    let run = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_eq!(run.outputs["outcome"], "deployed");
    assert_snapshot!(run.log_with("Not looked at"), @"Not looked at before the start: roles (iam:GetRole is denied), parameters (ssm:GetParameters is denied), log groups (logs:DescribeLogGroups is denied)");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_better_is_a_warning() {
    let story = Story::codedeploy().stage(|options| {
        let account = &mut options.account_contents;
        let health = json!({ "HealthCheckEnabled": false, "HealthCheckPort": "9999" });
        let health = health.as_object().expect("an object").clone();
        account.target_groups.insert("api-2".to_owned(), health);
    });
    let action = verify(Action::deploy_tested("1.1.0")).with("rotation", "90d");
    let run = story.run(action).await;
    assert_eq!(run.outputs["outcome"], "verified");
    let told: Vec<&str> = run
        .log
        .iter()
        .filter(|line| line.starts_with("WARNING") || line.starts_with("         do:"))
        .filter(|line| !line.contains("rotation") && !line.contains("rotate it"))
        .map(String::as_str)
        .collect();
    let old = run.log_with("WARNING  rotation of secrets");
    assert!(
        old.contains("parameter/smoke-token was last changed") && old.ends_with("more than 90"),
        "{old}"
    );
    assert_snapshot!(run.redact(&told.join("\n")), @"
    WARNING  target groups: target group api-2 checks port 9999, and no container has it in its portMappings
             do: check traffic-port, or a port that a container listens on
    WARNING  target groups: api-2 does not check the health of its targets
             do: turn its health check on: broken tasks would get traffic
    WARNING  repository settings: app does not scan images when they are pushed, unless the registry's own configuration does
             do: aws ecr put-image-scanning-configuration --region eu-central-1 --repository-name app --image-scanning-configuration scanOnPush=true
    WARNING  repository settings: app has no lifecycle policy: it keeps every image, and is paid for all of them
             do: aws ecr put-lifecycle-policy --region eu-central-1 --repository-name app --lifecycle-policy-text file://policy.json
    WARNING  repository settings: every tag of app is mutable: it may come to name another image
             do: aws ecr put-image-tag-mutability --region eu-central-1 --repository-name app --image-tag-mutability IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest
    WARNING  lint: container `app` has no health check of its own
             do: set healthCheck, unless the load balancer's is enough
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_secrets_are_looked_for_when_asked_and_no_value_is_shown() {
    const VALUE: &str = "canary-of-the-secret";
    let from = format!("{SECRET}:db-AbCdEf");
    let story = |from: String| {
        Story::canary().stage(move |options| {
            options
                .secrets
                .insert(format!("{from}:password::"), VALUE.to_owned());
            options
                .secrets
                .insert(format!("{from}:passwort::"), VALUE.to_owned());
            let text = json!({ "password": VALUE }).to_string();
            options.secret_values.insert(from, SecretValue::Text(text));
        })
    };
    let secret =
        |name: &str, key: &str| json!({ "name": name, "valueFrom": format!("{from}:{key}::") });
    let both = json!([secret("GOOD", "password"), secret("BAD", "passwort")]);
    let action = verify(deploy_definition(&with_container(&[("secrets", both)])));
    let run = story(from.clone()).run(action).await;
    assert_eq!(run.outputs["outcome"], "verified");
    let both = json!([secret("GOOD", "password"), secret("BAD", "passwort")]);
    let action = verify(deploy_definition(&with_container(&[("secrets", both)])))
        .with("verify-secret-keys", "true");
    let run = story(from.clone()).run(action).await;
    let shown = run
        .log
        .iter()
        .filter(|line| !line.starts_with("::add-mask::"));
    assert!(!shown.clone().any(|line| line.contains(VALUE)) && !run.journal.contains(VALUE));
    assert_snapshot!(run.log_with("FAILED"), @"FAILED   secrets and parameters: task-definition: container `app` takes `BAD`: secret `arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf` has no text under the key `passwort`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_read_is_waited_for() {
    let story = Story::canary().fault(Fault {
        operation: "iam:GetRole".to_owned(),
        nth: 1,
        times: 9,
        kind: FaultKind::Throttled,
    });
    let run = story.run(verify(Action::deploy("1.1.0"))).await;
    assert_eq!(run.outputs["outcome"], "verified");
    assert_snapshot!(run.log_with("roles"), @"OK       roles: execution (execution role), ecsInfrastructureRole (role for load balancers) exist, and whoever assumes them may");
    assert_eq!(
        run.log_with("iam:GetRole is throttled").lines().count(),
        1,
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lint_refuses_or_warns_in_a_deployment_as_it_is_asked() {
    let risky = with_container(&[
        ("privileged", json!(true)),
        (
            "environment",
            json!([{ "name": "DB_PASSWORD", "value": "hunter2-is-no-secret" }]),
        ),
    ]);
    let mut play = Story::canary().begin().await;
    let run = play
        .act(deploy_definition(&risky).with("lint", "error"))
        .await;
    assert!(run.calls.is_empty() && !run.text().contains("hunter2"));
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused::lint: container `app` has what looks like a secret in the plain variable `DB_PASSWORD`
      hint: put it into Secrets Manager or Parameter Store, and give it under `secrets`
    ::error title=input refused::lint: container `app` has no health check of its own
      hint: set healthCheck, unless the load balancer's is enough
    ::error title=input refused::lint: container `app` is privileged: it may do what the host may
      hint: leave `privileged` out, or add the one Linux capability that is needed
    ");
    let run = play
        .act(deploy_definition(&risky).with("lint", "warn"))
        .await;
    assert_eq!(run.outputs["outcome"], "deployed");
    assert_snapshot!(run.log_with("::warning"), @"
    ::warning title=note::container `app` has what looks like a secret in the plain variable `DB_PASSWORD`: put it into Secrets Manager or Parameter Store, and give it under `secrets`
    ::warning title=note::container `app` has no health check of its own: set healthCheck, unless the load balancer's is enough
    ::warning title=note::container `app` is privileged: it may do what the host may: leave `privileged` out, or add the one Linux capability that is needed
    ");
    let run = play
        .act(verify(deploy_definition(&risky)).with("lint", "off"))
        .await;
    play.end().await;
    assert_eq!(run.log_with("lint: "), "");
}
