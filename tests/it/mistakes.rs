//! What people write wrong: each mistake is one sentence with its remedy, all of them are reported
//! in one run, and nothing is touched.

use std::fmt::Write as _;

use insta::assert_snapshot;

use crate::harness::{Action, Story};

/// A mistake: its inputs, and files by path.
struct Mistake {
    inputs: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
}

const fn inputs(inputs: &'static [(&'static str, &'static str)]) -> Mistake {
    Mistake { inputs, files: &[] }
}

const fn definition(file: &'static [(&'static str, &'static str); 1]) -> Mistake {
    Mistake {
        inputs: &[("task-definition", "td.json")],
        files: file,
    }
}

const fn app_spec(file: &'static [(&'static str, &'static str); 1]) -> Mistake {
    Mistake {
        inputs: &[("codedeploy-appspec", "spec.yml")],
        files: file,
    }
}

const fn smoke(file: &'static [(&'static str, &'static str); 1]) -> Mistake {
    Mistake {
        inputs: &[("smoke-tests", "smoke.yml"), ("test-url", "$TEST")],
        files: file,
    }
}

const MISTAKES: &[Mistake] = &[
    inputs(&[
        ("mode", "rolback"),
        ("strategy", "bluegreen"),
        ("canary-percent", "ten"),
        ("wait-for-minutes", "half an hour"),
        ("deadline", "5"),
        ("poll-interval", "2 seconds"),
        ("desired-count", "two"),
        ("approval", "yes"),
        ("propagate-tags", "TASKDEFINITION"),
        ("on-cancel", "roll-back"),
        ("environment-variables", "LOG_LEVEL=info\nFOO\nDB_HOST: x"),
        ("secrets", "DB_PASSWORD"),
        ("docker-labels", "team"),
        ("log-configuration-log-driver", "cloudwatch"),
        ("task-role-arn", "my-role"),
        ("command", "sh -c 'x"),
        ("env-files", "s3://bucket/app.env"),
        ("repository", "web:v2"),
        ("tags", "feature/login"),
        ("scan", "hgih"),
        ("create-repository", "yes"),
        ("run-task", "true"),
        ("run-task-subnets", "subnet-1 subnet-2"),
        ("run-task-launch-type", "FARGATE_SPOT"),
        (
            "run-task-container-overrides",
            r#"[{"name": "app", "command": "npm run migrate"}]"#,
        ),
        ("run-task-tags", "team=a"),
        ("service-managed-ebs-volume-name", "data"),
        ("service-managed-ebs-volume", r#"{"sizeInGiB": 5}"#),
        ("smoke-tests", "deploy/smoke.yml"),
        ("test-url", "$TEST"),
        ("analysis", "errors < 5"),
        ("colour", "green"),
        ("codedeploy-deployment-group", "nowhere"),
    ]),
    inputs(&[
        ("image", "API:1"),
        ("repository", "Web"),
        ("tags", "[\"a\", \"b\""),
        ("environment-variables", "A=1"),
        (
            "secrets",
            "A=arn:aws:ssm:eu-central-1:123456789012:parameter/a",
        ),
        ("analysis", "deploy/analysis.yml"),
    ]),
    inputs(&[("image", "docker-archive:api.tar")]),
    inputs(&[
        ("service", ""),
        ("task-definition-family", "api"),
        ("strategy", "canary"),
        ("wait-for-service-stability", "true"),
    ]),
    definition(&[(
        "td.json",
        "{\n  \"family\": \"api\"\n  \"cpu\": \"256\"\n}\n",
    )]),
    definition(&[(
        "td.json",
        "family: api\n// the app\ncontainerDefinitions: []\n",
    )]),
    definition(&[(
        "td.json",
        r#"{ "family": "api", "containerDefinitions": [{ "name": "app", "enviroment": [], "memory": "512 MiB", "essential": "yes" }] }"#,
    )]),
    definition(&[("td.json", "services:\n  web: { image: web }\n")]),
    definition(&[(
        "td.json",
        r#"{ "family": "api", "executionRoleArn": "arn:aws:iam::<ACCOUNT>:role/x", "containerDefinitions": [{ "name": "app" }, { "name": "log", "image": "${LOG_IMAGE}", "essential": false }] }"#,
    )]),
    app_spec(&[(
        "spec.yml",
        "version: 0.0\nResources: [{ TargetService: { Type: AWS::ECS::Service, Properties: { TaskDefinition: <TASK_DEFINITION> } } }]\n",
    )]),
    smoke(&[(
        "smoke.yml",
        "tests:\n  - { name: health, get: /health, on: prod }\n",
    )]),
    smoke(&[(
        "smoke.yml",
        "{ \"tests\": [\n  { \"name\": \"health\" \"get\": \"/health\" } ] }",
    )]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_told_in_a_sentence_with_its_remedy() {
    let mut play = Story::codedeploy().begin().await;
    let mut all = String::new();
    for mistake in MISTAKES {
        let mut action = Action::deploy("1.1.0");
        for (input, value) in mistake.inputs {
            action = action.with(input, value);
        }
        for (path, content) in mistake.files {
            action = action.file(path, content);
        }
        let run = play.act(action).await;
        assert_eq!(
            (run.code, run.calls.len(), run.output("outcome")),
            (Some(2), 0, "refused"),
            "{}",
            run.text()
        );
        let ending = run.ending();
        let said = ending
            .lines()
            .skip_while(|line| !line.starts_with("Nothing was touched"))
            .skip(1);
        let said: Vec<String> = said
            .map(|line| line.replace("::error title=input refused", ""))
            .collect();
        let _ = writeln!(all, "---\n{}", said.join("\n"));
        assert_eq!(said.len() % 2, 0, "a problem and a hint each: {said:?}");
    }
    play.end().await;
    assert_snapshot!(all, @r#"
    ---
    ::colour: there is no such input
      hint: remove it; docs/inputs.md lists the inputs
    ::mode: `rolback` is not one of deploy, plan, verify, smoke, migrate, rollback, continue, abort, status, drift, cleanup
      hint: did you mean `rollback`?
    ::on-cancel: `roll-back` is not one of rollback, leave
      hint: did you mean `rollback`?
    ::approval: `yes` is not one of none, before-traffic
      hint: use one of them
    ::repository: `web:v2` has a tag, and a repository has none
      hint: write web here, and tags: v2
    ::tags: `feature/login` is not a tag (1 to 128 of letters, digits, `_`, `.`, `-`, the first a letter, a digit or `_`)
      hint: use letters, digits, `_`, `.` and `-`, at most 128: `feature-login` would be one
    ::create-repository: `yes` is neither true nor false, and no file in the workspace
      hint: use true, false, a mapping such as { scan-on-push: true, keep: 30 }, or the path of a file with one
    ::scan: `hgih` is neither a severity nor a file in the workspace
      hint: Did you mean `high`? Known here: `critical`, `high`, `medium`, `low`, `informational`, `any`
    ::environment-variables: inline:2:1: Cannot parse the environment variable: `FOO` has no `=` and no value
      hint: Write NAME=value, one a line; for a value of several lines NAME<<END, the lines, and END alone on a line
    ::environment-variables: inline:3:1: Cannot parse the environment variable: `DB_HOST` is followed by `:` and not by `=`
      hint: Write NAME=value, one a line; for a value of several lines NAME<<END, the lines, and END alone on a line
    ::secrets: inline:1:1: Cannot parse the secret: `DB_PASSWORD` has no `=` and no value
      hint: Write NAME=value, one a line; for a value of several lines NAME<<END, the lines, and END alone on a line
    ::docker-labels: inline:1:1: Cannot parse the docker label: the line has no `=` (it is not shown, because it may be part of a secret)
      hint: Write NAME=value, one a line; for a value of several lines NAME<<END, the lines, and END alone on a line
    ::log-configuration-log-driver: 'cloudwatch' is invalid logConfigurationLogDriver
      hint: Did you mean `awslogs`? Valid options are json-file, syslog, journald, logentries, gelf, fluentd, awslogs, splunk, awsfirelens
    ::command: A quote is not closed
      hint: Close the quote, write \' or \" for the character itself, or give a JSON list of texts
    ::env-files: inline:1:1: This is not the ARN of an S3 object
      hint: Write its ARN: arn:aws:s3:::bucket/app.env
    ::task-role-arn: Invalid ARN format for task-role-arn
      hint: Expected format: arn:aws:iam::<account-id>:role/<role-name>
    ::wait-for-minutes: `half an hour` is not a number of whole minutes
      hint: use a number such as 30, or a duration such as 30m or 1h30m
    ::deadline: `5` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`
      hint: add the unit: 5s for seconds, 5m for minutes
    ::poll-interval: `2 seconds` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`
      hint: use a duration such as 90s, 10m or 2h
    ::strategy: `bluegreen` is not one of auto, rolling, blue-green, canary, linear
      hint: did you mean `blue-green`?
    ::canary-percent: `ten` is not a percentage from 0.1 to 100
      hint: use a number such as 10 or 10%
    ::desired-count: `two` is not a whole number from 0 to 2147483647
      hint: use a number in that range
    ::propagate-tags: `TASKDEFINITION` is not one of SERVICE, TASK_DEFINITION, NONE
      hint: did you mean `TASK_DEFINITION`?
    ::service-managed-ebs-volume: managed-ebs-volume must provide "role-arn" to associate with the EBS volume
      hint: Give a JSON object with `roleArn`, the ARN of the ECS infrastructure role for volumes
    ::smoke-tests: deploy/smoke.yml cannot be read (there is no such file); tried [workspace]/deploy/smoke.yml
      hint: give inline YAML, or the path of a file that the job has checked out
    ::analysis: inline:1:1: `errors < 5` is not a preset
      hint: Known here: `error-rate`, `success-rate`, `p50`, `p90`, `p95`, `p99`, `requests`, `green no worse than blue`
    ::run-task-subnets: `subnet-1 subnet-2` is not an id
      hint: Write ids as `a, b`, one a line, or `["a", "b"]`
    ::run-task-container-overrides: `containerOverrides[0].command` is a text, and AWS takes a list of texts there
      hint: Write a list: ["…"]
    ::run-task-tags: The value is a text, not a list
      hint: Give a JSON list of objects: [{"key": "…", …}]
    ::run-task-launch-type: FARGATE_SPOT is a capacity provider, not a launch type
      hint: set run-task-capacity-provider-strategy: [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    ::codedeploy-deployment-group: application `AppECS-prod-api` has no group `nowhere`
      hint: set codedeploy-deployment-group; its default is DgpECS-{cluster}-{service}
    ---
    ::repository: `Web` is not the name of a repository: a repository is written in lower case
      hint: did you mean `web`?
    ::image: `API:1` is not an image name: a repository is written in lower case
      hint: did you mean `api:1`?
    ::tags: inline:1:9: it is not JSON: the text ends inside a list
      hint: Close every open bracket and quote, and check that the file is complete
    ::secrets: A is in environment-variables too, and a container takes a name once
      hint: Keep it in one of the two
    ::analysis: deploy/analysis.yml cannot be read (there is no such file); tried [workspace]/deploy/analysis.yml
      hint: give presets such as `error-rate < 5 %`, inline YAML, or the path of a file that the job has checked out
    ---
    ::image: api.tar cannot be read (there is no such file); tried [workspace]/api.tar
      hint: the path is relative to the workspace; files outside the workspace are not seen by the action
    ---
    ::strategy: there is no service that could be rolled out
      hint: set service (it is absent or empty), or leave strategy out to register the task definition only
    ::wait-for-service-stability: there is no service that could be rolled out
      hint: set service (it is absent or empty), or leave wait-for-service-stability out to register the task definition only
    ---
    ,file=td.json,line=3,col=3::task-definition: td.json:3:3: it is not JSON: expected `,` or `}`
      hint: Add the comma before this place, or the quote or bracket that is missing there
    ---
    ,file=td.json,line=2,col=1::task-definition: td.json:2:1: a comment of JSON in YAML: it would be read as a part of the key that follows
      hint: Begin comments in YAML with `#`
    ---
    ::task-definition: `containerDefinitions[0].enviroment` is no field that AWS knows: it would be left out
      hint: Did you mean `environment`? A field that is newer than this action is sent with allow-dropped-fields: true
    ::task-definition: `containerDefinitions[0].memory` is a text, and AWS takes a whole number there
      hint: Write a whole number, without a unit
    ::task-definition: `containerDefinitions[0].essential` is a text, and AWS takes true or false there
      hint: Write true or false
    ---
    ::task-definition: it is a Compose file, not a task definition
      hint: Give what `aws ecs register-task-definition --cli-input-json` takes; `aws ecs describe-task-definition` prints one
    ---
    ::task-definition: the load balancer reaches container `app` at port 8080, and it has no portMappings
      hint: add { "containerPort": 8080 } to its portMappings
    ::task-definition: `executionRoleArn` is `arn:aws:iam::<ACCOUNT>:role/x`, a placeholder that nothing fills in
      hint: Write the value itself, or fill it in in a step before
    ::task-definition: `containerDefinitions[1].image` is `${LOG_IMAGE}`, a placeholder that nothing fills in
      hint: Set the input `image` (and container: log), or write the image itself
    ---
    ::codedeploy-appspec: the resource `TargetService` has no LoadBalancerInfo with ContainerName and ContainerPort, so no traffic could be sent to green
      hint: Add LoadBalancerInfo: {ContainerName: …, ContainerPort: …} to its Properties, as the service's load balancer has them
    ---
    ,file=smoke.yml,line=2,col=39::smoke-tests: smoke.yml:2:39: `on` cannot be `prod`
      hint: Did you mean `production`? Known here: `green`, `step`, `production`, `bake`
    ---
    ,file=smoke.yml,line=2,col=22::smoke-tests: smoke.yml:2:22: it is not JSON: expected `,` or `}`
      hint: Add the comma before this place, or the quote or bracket that is missing there
    "#);
}
