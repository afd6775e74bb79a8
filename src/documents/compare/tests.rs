//! Tables of the comparison, with answers as `DescribeTaskDefinition` gives them.

use serde_json::{Value, json};

use super::*;

/// What a user writes for Fargate.
fn sent_definition() -> Value {
    json!({
        "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": ".5 vCPU", "memory": "1GB",
        "executionRoleArn": "ecsTaskExecutionRole", "taskRoleArn": "arn:aws:iam::123456789012:role/api",
        "volumes": [{ "name": "scratch" }],
        "containerDefinitions": [
            { "name": "api", "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/api@sha256:aa", "portMappings": [{ "containerPort": 8080 }],
              "environment": [{ "name": "LOG_LEVEL", "value": "info" }, { "name": "API_TOKEN", "value": "t1" }, { "name": "EMPTY", "value": "" }],
              "secrets": [{ "name": "Z", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/z" }, { "name": "A", "valueFrom": "a" }],
              "command": ["serve", "--port", "8080"],
              "healthCheck": { "command": ["CMD-SHELL", "curl -f localhost:8080/health"] },
              "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/api", "awslogs-region": "eu-central-1" } },
              "linuxParameters": { "initProcessEnabled": true } },
            { "name": "sidecar", "image": "sidecar:1", "essential": false, "dependsOn": [{ "containerName": "api", "condition": "START" }] },
        ],
        "tags": [{ "key": "team", "value": "a" }, { "key": "cost", "value": "b" }],
    })
}

/// What AWS answers to it.
fn aws_answer() -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:7",
            "containerDefinitions": [
                { "name": "api", "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/api@sha256:aa", "cpu": 0,
                  "portMappings": [{ "containerPort": 8080, "hostPort": 8080, "protocol": "tcp" }], "essential": true,
                  "command": ["serve", "--port", "8080"],
                  "environment": [{ "name": "API_TOKEN", "value": "t1" }, { "name": "EMPTY", "value": "" }, { "name": "LOG_LEVEL", "value": "info" }],
                  "environmentFiles": [], "mountPoints": [], "volumesFrom": [],
                  "linuxParameters": { "initProcessEnabled": true, "devices": [], "tmpfs": [] },
                  "secrets": [{ "name": "A", "valueFrom": "a" }, { "name": "Z", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/z" }],
                  "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-region": "eu-central-1", "awslogs-group": "/ecs/api" }, "secretOptions": [] },
                  "healthCheck": { "command": ["CMD-SHELL", "curl -f localhost:8080/health"], "interval": 30, "timeout": 5, "retries": 3 },
                  "systemControls": [] },
                { "name": "sidecar", "image": "sidecar:1", "cpu": 0, "portMappings": [], "essential": false, "environment": [], "mountPoints": [],
                  "volumesFrom": [], "dependsOn": [{ "containerName": "api", "condition": "START" }], "systemControls": [] },
            ],
            "family": "api", "taskRoleArn": "arn:aws:iam::123456789012:role/api",
            "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
            "networkMode": "awsvpc", "revision": 7, "volumes": [{ "name": "scratch", "host": {} }], "status": "ACTIVE",
            "requiresAttributes": [{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }], "placementConstraints": [],
            "compatibilities": ["EC2", "FARGATE"], "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024",
            "registeredAt": 1_700_000_000.123, "registeredBy": "arn:aws:sts::123456789012:assumed-role/deploy/x", "enableFaultInjection": false,
        },
        "tags": [{ "key": "cost", "value": "b" }, { "key": "team", "value": "a" }, { "key": "aws:cloudformation:stack-name", "value": "s" }],
    })
}

/// The document with the value at a JSON pointer replaced, or put in.
fn with_value(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
    document
}

/// The document without the entry at a JSON pointer.
fn without_value(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) => drop(items.remove(key.parse().unwrap())),
        parent => drop(parent.as_object_mut().unwrap().shift_remove(key)),
    }
    document
}

fn lost_paths(sent: &Value, kept: &Value) -> Vec<String> {
    find_lost_values(sent, kept)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_aws_adds_reorders_and_respells_is_no_difference() {
    assert_eq!(
        lost_paths(&sent_definition(), &aws_answer()),
        Vec::<String>::new()
    );
    assert!(is_equivalent(&sent_definition(), &aws_answer()));
    assert_eq!(
        diff(&from_described(&aws_answer()), &sent_definition(), &[]),
        []
    );
}

#[test]
fn what_was_read_is_equivalent_to_itself() {
    assert!(is_equivalent(&from_described(&aws_answer()), &aws_answer()));
}

#[test]
fn spelled_out_defaults_are_no_difference() {
    let container = "/containerDefinitions/0";
    let table = [
        ("essential", json!(true)),
        ("privileged", json!(false)),
        ("cpu", json!(0)),
        ("mountPoints", json!([])),
        (
            "portMappings",
            json!([{ "containerPort": 8080, "hostPort": 0, "protocol": "tcp" }]),
        ),
        (
            "portMappings",
            json!([{ "containerPort": "8080", "hostPort": 8080 }]),
        ),
        ("versionConsistency", json!("enabled")),
        ("dockerLabels", json!({})),
    ];
    for (key, value) in table {
        let sent = with_value(sent_definition(), &format!("{container}/{key}"), value);
        assert_eq!(
            lost_paths(&sent, &aws_answer()),
            Vec::<String>::new(),
            "{key}"
        );
        assert!(is_equivalent(&sent, &aws_answer()), "{key}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_aws_did_not_keep_is_named_by_its_path() {
    let api = "/containerDefinitions/0";
    let table = [
        (
            with_value(sent_definition(), "/brandNewField", json!({ "a": 1 })),
            "brandNewField",
        ),
        (
            with_value(sent_definition(), &format!("{api}/newThing"), json!("x")),
            "containerDefinitions[0].newThing",
        ),
        (
            with_value(
                sent_definition(),
                "/containerDefinitions/1/newThings",
                json!([{ "a": 1 }]),
            ),
            "containerDefinitions[1].newThings",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/healthCheck/newThing"),
                json!(7),
            ),
            "containerDefinitions[0].healthCheck.newThing",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/portMappings/0/newThing"),
                json!(true),
            ),
            "containerDefinitions[0].portMappings[0].newThing",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/environment/-"),
                json!({ "name": "NEW", "value": "1" }),
            ),
            "containerDefinitions[0].environment[3]",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/environment/0/value"),
                json!("debug"),
            ),
            "containerDefinitions[0].environment[0].value",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/logConfiguration/options/mode"),
                json!(""),
            ),
            "containerDefinitions[0].logConfiguration.options.mode",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/dockerLabels"),
                json!({ "protocol": "tcp" }),
            ),
            "containerDefinitions[0].dockerLabels",
        ),
        (
            with_value(sent_definition(), "/memory", json!("2GB")),
            "memory",
        ),
        (
            with_value(
                sent_definition(),
                "/executionRoleArn",
                json!("TaskExecutionRole"),
            ),
            "executionRoleArn",
        ),
        (
            with_value(
                sent_definition(),
                "/requiresCompatibilities/-",
                json!("EC2"),
            ),
            "requiresCompatibilities[1]",
        ),
        (
            with_value(
                sent_definition(),
                "/tags/-",
                json!({ "key": "new", "value": "x" }),
            ),
            "tags[2]",
        ),
        (
            with_value(
                sent_definition(),
                &format!("{api}/linuxParameters/swappiness"),
                json!(0),
            ),
            "containerDefinitions[0].linuxParameters.swappiness",
        ),
    ];
    for (sent, path) in table {
        assert_eq!(lost_paths(&sent, &aws_answer()), [path]);
        assert!(!is_equivalent(&sent, &aws_answer()), "{path}");
    }
}

#[test]
fn a_newer_list_in_another_order_is_kept_but_not_equivalent() {
    let sent = with_value(
        sent_definition(),
        "/newThings",
        json!([{ "id": 1 }, { "id": 2 }]),
    );
    let answer = with_value(
        aws_answer(),
        "/taskDefinition/newThings",
        json!([{ "id": 2 }, { "id": 1, "added": "x" }]),
    );
    assert_eq!(lost_paths(&sent, &answer), Vec::<String>::new());
    assert!(!is_equivalent(&sent, &answer));
}

#[test]
fn what_the_live_revision_has_beyond_defaults_makes_a_new_one() {
    let api = "/taskDefinition/containerDefinitions/0";
    let table = [
        with_value(aws_answer(), &format!("{api}/user"), json!("app")),
        with_value(
            aws_answer(),
            &format!("{api}/environment/-"),
            json!({ "name": "GONE", "value": "1" }),
        ),
        with_value(
            aws_answer(),
            &format!("{api}/dockerLabels"),
            json!({ "a": "b" }),
        ),
        with_value(
            aws_answer(),
            &format!("{api}/command"),
            json!(["serve", "--port", "8080", "-v"]),
        ),
        with_value(
            aws_answer(),
            &format!("{api}/healthCheck/interval"),
            json!(10),
        ),
        with_value(aws_answer(), &format!("{api}/image"), json!("api:1")),
        with_value(
            aws_answer(),
            "/taskDefinition/runtimePlatform",
            json!({ "cpuArchitecture": "ARM64" }),
        ),
        with_value(
            aws_answer(),
            "/taskDefinition/containerDefinitions/-",
            json!({ "name": "more", "image": "more:1" }),
        ),
        with_value(
            aws_answer(),
            "/taskDefinition/enableFaultInjection",
            json!(true),
        ),
        without_value(aws_answer(), "/taskDefinition/containerDefinitions/1"),
        with_value(
            aws_answer(),
            "/tags/-",
            json!({ "key": "gone", "value": "x" }),
        ),
    ];
    for (index, answer) in table.iter().enumerate() {
        assert!(!is_equivalent(&sent_definition(), answer), "{index}");
    }
}

#[test]
fn the_order_of_a_command_is_its_meaning() {
    let sent = with_value(
        sent_definition(),
        "/containerDefinitions/0/command",
        json!(["--port", "serve", "8080"]),
    );
    assert!(!is_equivalent(&sent, &aws_answer()));
    assert_eq!(
        lost_paths(&sent, &aws_answer()),
        [
            "containerDefinitions[0].command[0]",
            "containerDefinitions[0].command[1]"
        ]
    );
}

#[test]
fn tags_count_only_when_they_are_given() {
    assert!(is_equivalent(
        &without_value(sent_definition(), "/tags"),
        &aws_answer()
    ));
    assert!(!is_equivalent(
        &with_value(sent_definition(), "/tags", json!([])),
        &aws_answer()
    ));
    assert!(!is_equivalent(
        &with_value(sent_definition(), "/tags/0/value", json!("z")),
        &aws_answer()
    ));
}

#[test]
fn tags_are_not_missed_in_an_answer_that_never_tells_them() {
    assert_eq!(
        lost_paths(&sent_definition(), &without_value(aws_answer(), "/tags")),
        Vec::<String>::new()
    );
}

#[test]
fn host_ports_follow_the_network_mode() {
    let bridge = |host_port: u16| json!({ "family": "f", "networkMode": "bridge", "containerDefinitions": [{ "name": "a", "portMappings": [{ "containerPort": 80, "hostPort": host_port, "protocol": "tcp" }] }] });
    let sent = json!({ "family": "f", "containerDefinitions": [{ "name": "a", "portMappings": [{ "containerPort": 80 }] }] });
    assert!(is_equivalent(&sent, &bridge(0)));
    assert!(!is_equivalent(&sent, &bridge(80)));
}

#[test]
fn changes_are_shown_by_name_and_values_only_of_what_holds_no_secret() {
    let old = from_described(&aws_answer());
    let new = with_value(
        sent_definition(),
        "/containerDefinitions/0/image",
        json!("api:2"),
    );
    let new = with_value(
        new,
        "/containerDefinitions/0/environment/0/value",
        json!("debug"),
    );
    let new = with_value(
        new,
        "/containerDefinitions/0/environment/1/value",
        json!("t2"),
    );
    let new = with_value(
        new,
        "/containerDefinitions/0/environment/-",
        json!({ "name": "NEW", "value": "1" }),
    );
    let new = with_value(new, "/containerDefinitions/0/command", json!(["serve"]));
    let new = with_value(
        new,
        "/containerDefinitions/0/portMappings/-",
        json!({ "containerPort": 9090 }),
    );
    let new = with_value(
        new,
        "/containerDefinitions/1",
        json!({ "name": "proxy", "image": "proxy:1", "cpu": 0 }),
    );
    let new = with_value(new, "/requiresCompatibilities", json!(["EC2", "FARGATE"]));
    let lines = |asked: &[ShownField]| {
        diff(&old, &new, asked)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let expected = [
        r#"requiresCompatibilities: ["FARGATE"] → ["EC2","FARGATE"]"#,
        "containerDefinitions[api].image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/api@sha256:aa → api:2",
        "containerDefinitions[api].portMappings[9090/tcp] (new)",
        "containerDefinitions[api].environment[LOG_LEVEL].value (changed)",
        "containerDefinitions[api].environment[API_TOKEN].value (changed)",
        "containerDefinitions[api].environment[NEW].value (new)",
        "containerDefinitions[api].command (changed)",
        "containerDefinitions[proxy].image: proxy:1 (new)",
        "containerDefinitions[sidecar].image: sidecar:1 (removed)",
        "containerDefinitions[sidecar].essential: false (removed)",
        "containerDefinitions[sidecar].dependsOn[api].condition: START (removed)",
    ];
    assert_eq!(lines(&[]), expected);
    let expected = [
        "containerDefinitions[api].environment[LOG_LEVEL].value: info → debug",
        "containerDefinitions[api].environment[API_TOKEN].value: *** → ***",
        "containerDefinitions[api].environment[NEW].value: 1 (new)",
        r#"containerDefinitions[api].command: ["serve","--port","8080"] → ["serve"]"#,
    ];
    assert_eq!(
        lines(&[ShownField::Environment, ShownField::Command])[3..7],
        expected
    );
}

/// Where a definition that runs may hold a secret in clear text: `CANARY` stands for it.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn definitions_with_secrets() -> Vec<(&'static str, Value)> {
    let container = |field: &str, value: Value| {
        let mut container = json!({ "name": "api", "image": "api:1" });
        container[field] = value;
        json!({ "family": "api", "containerDefinitions": [container] })
    };
    let volume =
        |value: Value| json!({ "family": "api", "containerDefinitions": [], "volumes": [value] });
    let logs = |field: &str, value: Value| {
        container(
            "logConfiguration",
            json!({ "logDriver": "splunk", field: value }),
        )
    };
    vec![
        (
            "a variable with a harmless name",
            container(
                "environment",
                json!([{ "name": "DATABASE", "value": "CANARY" }]),
            ),
        ),
        (
            "a variable with the name of a secret",
            container(
                "environment",
                json!([{ "name": "DB_PASSWORD", "value": "CANARY" }]),
            ),
        ),
        (
            "a connection string",
            container(
                "environment",
                json!([{ "name": "DSN", "value": "host=db password=CANARY" }]),
            ),
        ),
        (
            "an address with a token",
            container(
                "environment",
                json!([{ "name": "HOOK", "value": "https://hooks.example.com/?t=CANARY" }]),
            ),
        ),
        (
            "JSON in a variable",
            container(
                "environment",
                json!([{ "name": "CONFIG", "value": "{\"key\":\"CANARY\"}" }]),
            ),
        ),
        (
            "the environment as a mapping",
            container("environment", json!({ "TOKEN": "CANARY" })),
        ),
        (
            "the environment as texts",
            container("environment", json!(["TOKEN=CANARY"])),
        ),
        (
            "an argument",
            container("command", json!(["serve", "--password", "CANARY"])),
        ),
        (
            "an argument after an equals sign",
            container("command", json!(["serve", "--pw=CANARY"])),
        ),
        (
            "the command as one text",
            container("command", json!("serve --pw CANARY")),
        ),
        (
            "the entry point",
            container("entryPoint", json!(["sh", "-c", "export A=CANARY; serve"])),
        ),
        (
            "the health check",
            container(
                "healthCheck",
                json!({ "command": ["CMD-SHELL", "curl -u me:CANARY localhost"] }),
            ),
        ),
        (
            "a label",
            container(
                "dockerLabels",
                json!({ "com.datadoghq.ad.instances": "[{\"password\":\"CANARY\"}]" }),
            ),
        ),
        (
            "a label that is called like a shown field",
            container("dockerLabels", json!({ "image": "CANARY" })),
        ),
        (
            "a log option",
            logs(
                "options",
                json!({ "splunk-url": "https://CANARY@splunk.example.com" }),
            ),
        ),
        (
            "a log option with the name of a secret",
            logs("options", json!({ "splunk-token": "CANARY" })),
        ),
        (
            "an option of the log router",
            container(
                "firelensConfiguration",
                json!({ "type": "fluentbit", "options": { "key": "CANARY" } }),
            ),
        ),
        (
            "a host name",
            container(
                "extraHosts",
                json!([{ "hostname": "db", "ipAddress": "CANARY" }]),
            ),
        ),
        (
            "a driver option of a volume",
            volume(
                json!({ "name": "v", "dockerVolumeConfiguration": { "driverOpts": { "o": "password=CANARY" } } }),
            ),
        ),
        (
            "a label of a volume",
            volume(
                json!({ "name": "v", "dockerVolumeConfiguration": { "labels": { "a": "CANARY" } } }),
            ),
        ),
        (
            "a tag",
            json!({ "family": "api", "containerDefinitions": [], "tags": [{ "key": "owner", "value": "CANARY" }] }),
        ),
        (
            "a field of tomorrow",
            container(
                "newThing",
                json!([{ "name": "A", "deep": { "value": "CANARY" } }]),
            ),
        ),
        (
            "a top-level field of tomorrow",
            json!({ "family": "api", "containerDefinitions": [], "containerDefinitions[].image": "CANARY" }),
        ),
        (
            "an object where a text is expected",
            container("image", json!({ "value": "CANARY" })),
        ),
    ]
}

#[test]
fn whatever_a_definition_holds_only_known_fields_show_their_values() {
    let bare =
        json!({ "family": "api", "containerDefinitions": [{ "name": "api", "image": "api:1" }] });
    for (what, holds) in definitions_with_secrets() {
        let other: Value =
            serde_json::from_str(&holds.to_string().replace("CANARY", "CANARY2")).unwrap();
        for (old, new) in [
            (&holds, &bare),
            (&bare, &holds),
            (&holds, &other),
            (&other, &holds),
        ] {
            let told = diff(old, new, &[]);
            let text = format!(
                "{told:?} {}",
                told.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            );
            assert!(
                !told.is_empty() && !text.contains("CANARY"),
                "{what}: {text}"
            );
        }
    }
}

#[test]
fn a_password_that_moves_to_secrets_manager_is_not_printed_on_its_way() {
    let with = |field: &str, value: Value| json!({ "family": "api", "containerDefinitions": [{ "name": "api", "image": "a", field: value }] });
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf";
    let old = with(
        "environment",
        json!([{ "name": "DB_LOGIN", "value": "CANARY" }]),
    );
    let new = with("secrets", json!([{ "name": "DB_LOGIN", "valueFrom": arn }]));
    let lines: Vec<String> = diff(&old, &new, &[])
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        format!("containerDefinitions[api].secrets[DB_LOGIN].valueFrom: {arn} (new)"),
        "containerDefinitions[api].environment[DB_LOGIN].value (removed)".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn nonsense_is_compared_without_harm() {
    for (left, right) in [
        (json!(null), json!([])),
        (json!([1]), json!({})),
        (
            json!({ "containerDefinitions": 5 }),
            json!({ "containerDefinitions": [1] }),
        ),
    ] {
        let _ = (
            find_lost_values(&left, &right),
            is_equivalent(&left, &right),
            diff(&left, &right, &[]),
        );
    }
}
