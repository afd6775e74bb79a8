//! The gates before the start: nothing is written while one is closed.

use std::time::Duration;

use ecs_bluegreen_sim::{
    AlarmState, CalendarReading, Controller, DatabaseKind, DatabaseOptions, Exposure, Fault,
    FaultKind, GithubAccess, GithubCheck, ObjectiveOptions, RecoveryPointOptions, Reply,
    ReplyAnswer, RollingOptions, ServiceOptions, StageOptions,
};
use insta::assert_snapshot;
use serde_json::json;
use time::OffsetDateTime;

use crate::harness::ecs::assert_serves;
use crate::harness::{Action, ActionRun, Incident, Play, Story, When, definition, layout};

const TABLE: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/carts";
const TOKEN: &str = "canary-pagerduty-token";

/// Every gate there is.
const ALL: &str = r#"
windows: { time-zone: Europe/Berlin, open: { hours: 00:00-24:00 }, freezes: { from: 2020-12-20, until: 2021-01-06, why: the holidays } }
calendar: changes
incidents:
  - pagerduty: { token: "${env.PAGERDUTY_TOKEN}", url: "$METRICS/json", services: PSHOP, urgency: high }
  - statuspage: $METRICS/json/page
  - http: { name: operations, url: "$METRICS/json/operations", headers: { Authorization: "Bearer ${env.PAGERDUTY_TOKEN}" }, open-when: { $.open: 0, "$.deploys.allowed": true } }
slo: [availability, { name: latency, remaining: 20 % }]
backup: [{ rds: orders, younger-than: 24h }, { aurora: carts, younger-than: 24h }, { resource: "arn:aws:dynamodb:eu-central-1:123456789012:table/carts", younger-than: 24h }]
checks: { ignore: lint }
deployed-in: { environment: staging, cluster: prod, service: staging, for: 1s }
alarms-ok: database
blue-healthy: true
"#;

/// A deployment with gates.
fn gated(gates: &str) -> Action {
    Action::deploy_tested("1.1.0")
        .with("gates", gates)
        .with("github-token", "t0ken")
        .env("PAGERDUTY_TOKEN", TOKEN)
        .env("GITHUB_ACTOR", "octocat")
}

fn database(kind: DatabaseKind, hours: u64) -> DatabaseOptions {
    DatabaseOptions {
        kind,
        automated_seconds_ago: vec![hours * 3_600 + 60, (hours + 24) * 3_600],
        ..DatabaseOptions::default()
    }
}

fn answers(value: &serde_json::Value) -> Vec<Reply> {
    vec![Reply::new(ReplyAnswer::Json(value.clone()))]
}

fn set_alarm(options: &mut StageOptions, state: AlarmState) {
    options.alarms.insert("database".to_owned(), state);
}

/// What all gates see, when nothing is wrong.
fn all_is_well(options: &mut StageOptions) {
    set_alarm(options, AlarmState::Ok);
    options.calendars = [(
        "changes".to_owned(),
        vec![CalendarReading {
            changes_in_seconds: Some(3_600),
            ..CalendarReading::OPEN
        }],
    )]
    .into();
    options.sources.json = [
        ("incidents", json!({ "incidents": [], "more": false })),
        (
            "summary.json",
            json!({ "status": { "indicator": "none", "description": "All Systems Operational" }, "incidents": [] }),
        ),
        ("operations", json!({ "open": 0, "deploys": { "allowed": true } })),
    ]
    .map(|(name, answer)| (name.to_owned(), answers(&answer)))
    .into();
    options.objectives = [
        ("availability".to_owned(), ObjectiveOptions::new("OK", 900)),
        ("latency".to_owned(), ObjectiveOptions::new("WARNING", 250)),
    ]
    .into();
    options.databases = [
        ("orders".to_owned(), database(DatabaseKind::Instance, 3)),
        ("carts".to_owned(), database(DatabaseKind::Cluster, 5)),
    ]
    .into();
    options.recovery_points = [(TABLE.to_owned(), recovery_points(2))].into();
    options.github.checks = vec![
        GithubCheck::ended("build", "success"),
        GithubCheck::ended("lint", "failure"),
        GithubCheck::running("deploy", 4711),
    ];
}

/// Changes are not allowed, and nobody knows until when.
fn closed_calendar(options: &mut StageOptions) {
    options.calendars = [("changes".to_owned(), vec![CalendarReading::CLOSED])].into();
}

/// A complete one that is so many hours old, and a younger one that is none yet.
fn recovery_points(hours: u64) -> Vec<RecoveryPointOptions> {
    let point = |age_seconds, status: &str| RecoveryPointOptions {
        age_seconds,
        status: status.to_owned(),
    };
    vec![
        point(hours * 3_600 + 60, "COMPLETED"),
        point(60, "CREATING"),
    ]
}

/// The digest of a version's image.
fn digest_of(version: &str) -> String {
    let index = std::fs::read(layout(version).join("index.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
    index["manifests"][0]["digest"]
        .as_str()
        .expect("a digest")
        .to_owned()
}

/// Another service of the account that runs a version.
async fn with_staging(play: Play, version: &str) -> Play {
    let play = play.push_version(version).await;
    let options = ServiceOptions {
        name: "staging".to_owned(),
        controller: Controller::Rolling(RollingOptions::default()),
        desired: 1,
        task_definition: definition(&format!("${{registry}}/app@{}", digest_of(version))),
        status: "ACTIVE".to_owned(),
        exposure: Some(Exposure {
            production: "staging".to_owned(),
            test: None,
            ..Exposure::new("app", 8080)
        }),
        scaling: None,
    };
    play.stage.add_service(options).await.expect("a service");
    let limit = Duration::from_secs(30);
    assert!(play.stage.wait_until_steady("staging", limit).await);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    play
}

/// Nothing was written, and what served before still does.
fn assert_held(run: &ActionRun) {
    assert_eq!(run.code, Some(10), "{}", run.text());
    assert_eq!(run.output("outcome"), "not-deployed");
    assert_eq!(run.output("reason"), "gate-closed");
    assert!(run.calls.is_empty(), "{}", run.text());
}

/// Lines about gates, without times that pass.
fn gate_lines(run: &ActionRun) -> String {
    let lines: Vec<&str> = run
        .log
        .iter()
        .map(String::as_str)
        .skip_while(|line| !line.starts_with("::group::Gates"))
        .take_while(|line| !line.starts_with("::group::Image"))
        .collect();
    run.redact(&lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_begins_when_every_gate_is_open() {
    let play = Story::codedeploy().stage(all_is_well).begin().await;
    let mut play = with_staging(play, "1.1.0").await;
    let run = play.act(gated(ALL)).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    let asked = play.stage.source_requests();
    let pagerduty = asked
        .iter()
        .find(|request| request.path.ends_with("/incidents"));
    let pagerduty = pagerduty.expect("PagerDuty was asked");
    assert_eq!(
        pagerduty.query,
        "statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&service_ids%5B%5D=PSHOP&urgencies%5B%5D=high&limit=100"
    );
    assert_eq!(
        pagerduty.headers["authorization"],
        format!("Token token={TOKEN}")
    );
    for text in [run.text(), run.summary.clone(), run.journal.clone()] {
        assert!(!text.contains(TOKEN), "a secret was told: {text}");
    }
    play.end().await;
    assert_snapshot!(gate_lines(&run), @"
    ::group::Gates
    OPEN       windows: open, without an end
    OPEN       calendar changes: the calendar is open until [time]
    OPEN       incidents PagerDuty: no incident is open
    OPEN       incidents [address]/json/page: All Systems Operational
    OPEN       incidents operations: its conditions are met
    OPEN       slo availability: 90.0 % of its error budget are left (OK)
    OPEN       slo latency: 25.0 % of its error budget are left (WARNING)
    OPEN       backup rds orders: the newest backup is 3 h 1 m old
    OPEN       backup aurora carts: the newest backup is 5 h 1 m old
    OPEN       backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts: the newest backup is 2 h 1 m old
    OPEN       checks: 1 check is green
    OPEN       deployed-in staging: api:2 has run the image there for 1 h
    OPEN       alarms-ok database: it is OK since [time]
    OPEN       blue-healthy: 4 smoke tests pass on blue
    ::endgroup::
    ✓ Gates: 14 open ([time])
    ");
    let section = run
        .summary
        .split("### ")
        .find(|part| part.starts_with("Gates before"));
    let section = section.unwrap_or_default().replace("&#58;", ":");
    let table = section.split("\n\n").nth(1).unwrap_or_default();
    assert_snapshot!(run.redact(table), @r"
    | | Gate | Found | Opens |
    |---|---|---|---|
    | ✓ | windows | open, without an end |  |
    | ✓ | calendar changes | the calendar is open until [time] |  |
    | ✓ | incidents PagerDuty | no incident is open |  |
    | ✓ | incidents [address]/json/page | All Systems Operational |  |
    | ✓ | incidents operations | its conditions are met |  |
    | ✓ | slo availability | 90.0 % of its error budget are left (OK) |  |
    | ✓ | slo latency | 25.0 % of its error budget are left (WARNING) |  |
    | ✓ | backup rds orders | the newest backup is 3 h 1 m old |  |
    | ✓ | backup aurora carts | the newest backup is 5 h 1 m old |  |
    | ✓ | backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts | the newest backup is 2 h 1 m old |  |
    | ✓ | checks | 1 check is green |  |
    | ✓ | deployed-in staging | api:2 has run the image there for 1 h |  |
    | ✓ | alarms-ok database | it is OK since [time] |  |
    | ✓ | blue-healthy | 4 smoke tests pass on blue |  |
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_that_are_closed_are_told_all_at_once_and_nothing_is_written() {
    let story = Story::codedeploy().stage(all_is_well).stage(|options| {
        options.calendars = [("changes".to_owned(), vec![CalendarReading::CLOSED])].into();
        options.objectives = [
            ("availability".to_owned(), ObjectiveOptions::new("BREACHED", -20)),
            ("latency".to_owned(), ObjectiveOptions::new("OK", 150)),
        ]
        .into();
        options.databases = [("orders".to_owned(), database(DatabaseKind::Instance, 30))].into();
        options.recovery_points = [(TABLE.to_owned(), recovery_points(26))].into();
        set_alarm(options, AlarmState::Alarm);
        options.github.checks = vec![
            GithubCheck::ended("build", "failure"),
            GithubCheck::running("test", 4712),
        ];
        let incident = json!({ "incident_number": 12, "title": "Checkout is down\n::error::boo" });
        let two = json!({ "incidents": [incident, { "title": "Search is slow" }] });
        let summary = json!({ "status": { "indicator": "major", "description": "Partial System Outage" }, "incidents": [{ "name": "API errors" }] });
        let operations = json!({ "open": 2, "deploys": {} });
        options.sources.json = [("incidents", two), ("summary.json", summary), ("operations", operations)]
            .map(|(name, answer)| (name.to_owned(), answers(&answer)))
            .into();
    });
    let mut play = with_staging(story.begin().await, "1.2.0").await;
    let gates = ALL
        .replace("until: 2021-01-06", "until: 2999-01-06")
        .replace("blue-healthy: true", "");
    let run = play.act(gated(&gates)).await;
    play.end().await;
    assert_held(&run);
    assert_snapshot!(run.text(), @"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Gates
    CLOSED     windows: frozen: the holidays, until Mon 2999-01-07 00:00
               opens: Mon 2999-01-07 00:00 (Europe/Berlin)
    CLOSED     calendar changes: the calendar is CLOSED
               opens: when its event is changed or removed
    CLOSED     incidents PagerDuty: 2 incidents are open: #12 Checkout is down ::error::boo; Search is slow
               opens: when they are resolved
    CLOSED     incidents [address]/json/page: Partial System Outage: major (API errors)
               opens: when the incident is resolved
    CLOSED     incidents operations: $.open: expected 0, found 2; $.deploys.allowed: expected true, found nothing
               opens: when its conditions are met
    CLOSED     slo availability: it is used up: -2.0 % of its error budget are left (BREACHED)
               opens: when enough of the budget is back
    CLOSED     slo latency: 15.0 % of its error budget are left (OK), and 20 % must be
               opens: when enough of the budget is back
    CLOSED     backup rds orders: the newest backup is 30 h 1 m old, and must be younger than 24 h
               opens: when a new one is complete
    CLOSED     backup aurora carts: no backup of it can be restored
               opens: when one is complete; check its name and aws-region
    CLOSED     backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts: the newest backup is 26 h 1 m old, and must be younger than 24 h
               opens: when a new one is complete
    CLOSED     checks: build ended with failure, test is in_progress
               opens: when they are run again and are green
    CLOSED     deployed-in staging: api:2 runs there, which is another image
               opens: when this image is deployed to staging
    CLOSED     alarms-ok database: it is ALARM since [time]: Set on the stage
               opens: when it is OK
    ::endgroup::
    ✗ Gates ([time])
    13 of 13 gates are closed.

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (gate-closed)::13 of 13 gates are closed
      Caused by: windows: frozen: the holidays, until Mon 2999-01-07 00:00; it opens Mon 2999-01-07 00:00 (Europe/Berlin)
      Caused by: calendar changes: the calendar is CLOSED; it opens when its event is changed or removed
      Caused by: incidents PagerDuty: 2 incidents are open: #12 Checkout is down ::error::boo; Search is slow; it opens when they are resolved
      Caused by: incidents [address]/json/page: Partial System Outage: major (API errors); it opens when the incident is resolved
      Caused by: incidents operations: $.open: expected 0, found 2; $.deploys.allowed: expected true, found nothing; it opens when its conditions are met
      Caused by: slo availability: it is used up: -2.0 % of its error budget are left (BREACHED); it opens when enough of the budget is back
      Caused by: slo latency: 15.0 % of its error budget are left (OK), and 20 % must be; it opens when enough of the budget is back
      Caused by: backup rds orders: the newest backup is 30 h 1 m old, and must be younger than 24 h; it opens when a new one is complete
      Caused by: backup aurora carts: no backup of it can be restored; it opens when one is complete; check its name and aws-region
      Caused by: backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts: the newest backup is 26 h 1 m old, and must be younger than 24 h; it opens when a new one is complete
      Caused by: checks: build ended with failure, test is in_progress; it opens when they are run again and are green
      Caused by: deployed-in staging: api:2 runs there, which is another image; it opens when this image is deployed to staging
      Caused by: alarms-ok database: it is ALARM since [time]: Set on the stage; it opens when it is OK
      hint: start the job again when they are open, or write `wait: 15m` into gates, so that the run waits
      hint: if it must not wait, set override-gates to the reason: it is kept with the name of who starts the run
    Outcome: not-deployed (gate-closed), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=gate-closed
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_cannot_be_read_is_closed_unless_the_document_says_otherwise() {
    let story = Story::codedeploy().stage(all_is_well).stage(|options| {
        options.calendars.clear();
        options.objectives = [(
            "latency".to_owned(),
            ObjectiveOptions::new("INSUFFICIENT_DATA", 0),
        )]
        .into();
        options.github.access = GithubAccess::Denied;
        options.denied = vec!["rds:DescribeDBSnapshots".to_owned(), "backup:*".to_owned()];
        set_alarm(options, AlarmState::InsufficientData);
        options.sources.json.remove("summary.json");
        options.faults = vec![
            Fault::on_every_call("rds:DescribeDBClusterSnapshots", FaultKind::Throttled),
            Fault::on_every_call("sources:Json", FaultKind::Denied),
        ];
    });
    let mut play = story.begin().await;
    let gates = ALL.replace(
        "cluster: prod, service: staging",
        "cluster: prod, service: nobody",
    );
    let gates = gates.replace("blue-healthy: true", "");
    let run = play.act(gated(&gates).with("max-retries", "2")).await;
    assert_held(&run);
    assert_snapshot!(gate_lines(&run), @"
    ::group::Gates
    OPEN       windows: open, without an end
    UNREADABLE calendar changes: ssm:GetCalendarState: Document with name changes does not exist. (InvalidDocument)
               do: check the name, and aws-region
    UNREADABLE incidents PagerDuty: [address]: it answers 403 Forbidden
               do: check the token, and what it may read
    UNREADABLE incidents [address]/json/page: [address]: it answers 403 Forbidden
               do: check the token, and what it may read
    UNREADABLE incidents operations: [address]: it answers 403 Forbidden
               do: check the token, and what it may read
    UNREADABLE slo availability: The SLO does not exist. (ResourceNotFoundException)
               do: check the objective's name or ARN, and aws-region
    UNREADABLE slo latency: 0.0 % of its error budget are left (INSUFFICIENT_DATA)
               do: wait until the objective has data, or write `open-if-unreadable: slo`
    UNREADABLE backup rds orders: rds:DescribeDBSnapshots is denied
               do: allow rds:DescribeDBSnapshots on arn:aws:rds:eu-central-1:123456789012:db:orders for the role that the job uses (docs/iam.md)
    UNREADABLE backup aurora carts: rds:DescribeDBClusterSnapshots is throttled: Rate exceeded
               do: AWS limits the account's request rate: run fewer deployments at once, or raise poll-interval
    UNREADABLE backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts: backup:ListRecoveryPointsByResource is denied
               do: allow backup:ListRecoveryPointsByResource on * for the role that the job uses (docs/iam.md)
    UNREADABLE checks: GitHub answered 403: Resource not accessible by integration
               do: give the job `permissions: checks: read`, and leave github-token as it is
    UNREADABLE deployed-in staging: there is no service nobody on prod
               do: check cluster, service and aws-region of this gate
    UNREADABLE alarms-ok database: it is INSUFFICIENT_DATA since [time], so nobody knows
               do: wait until it has data, or write `open-if-unreadable: alarms-ok`
    ::endgroup::
    ✗ Gates ([time])
    12 of 13 gates are closed.

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (gate-closed)::12 of 13 gates are closed
      Caused by: calendar changes: ssm:GetCalendarState: Document with name changes does not exist. (InvalidDocument); check the name, and aws-region
      Caused by: incidents PagerDuty: [address]: it answers 403 Forbidden; check the token, and what it may read
      Caused by: incidents [address]/json/page: [address]: it answers 403 Forbidden; check the token, and what it may read
      Caused by: incidents operations: [address]: it answers 403 Forbidden; check the token, and what it may read
      Caused by: slo availability: The SLO does not exist. (ResourceNotFoundException); check the objective's name or ARN, and aws-region
      Caused by: slo latency: 0.0 % of its error budget are left (INSUFFICIENT_DATA); wait until the objective has data, or write `open-if-unreadable: slo`
      Caused by: backup rds orders: rds:DescribeDBSnapshots is denied; allow rds:DescribeDBSnapshots on arn:aws:rds:eu-central-1:123456789012:db:orders for the role that the job uses (docs/iam.md)
      Caused by: backup aurora carts: rds:DescribeDBClusterSnapshots is throttled: Rate exceeded; AWS limits the account's request rate: run fewer deployments at once, or raise poll-interval
      Caused by: backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts: backup:ListRecoveryPointsByResource is denied; allow backup:ListRecoveryPointsByResource on * for the role that the job uses (docs/iam.md)
      Caused by: checks: GitHub answered 403: Resource not accessible by integration; give the job `permissions: checks: read`, and leave github-token as it is
      Caused by: deployed-in staging: there is no service nobody on prod; check cluster, service and aws-region of this gate
      Caused by: alarms-ok database: it is INSUFFICIENT_DATA since [time], so nobody knows; wait until it has data, or write `open-if-unreadable: alarms-ok`
      hint: start the job again when they are open, or write `wait: 15m` into gates, so that the run waits
      hint: if it must not wait, set override-gates to the reason: it is kept with the name of who starts the run
    Outcome: not-deployed (gate-closed), exit code 10, after [time]
    ");
    play.stage.clear_faults();
    let open = format!(
        "{gates}open-if-unreadable: [calendar, incidents, slo, backup, checks, deployed-in, alarms-ok]\n"
    );
    let run = play.act(gated(&open)).await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_snapshot!(run.log_with("UNREADABLE"), @"
    UNREADABLE calendar changes: ssm:GetCalendarState: Document with name changes does not exist. (InvalidDocument); it counts as open (open-if-unreadable)
    UNREADABLE incidents [address]/json/page: [address]: it answers 404 Not Found; it counts as open (open-if-unreadable)
    UNREADABLE slo availability: The SLO does not exist. (ResourceNotFoundException); it counts as open (open-if-unreadable)
    UNREADABLE slo latency: 0.0 % of its error budget are left (INSUFFICIENT_DATA); it counts as open (open-if-unreadable)
    UNREADABLE backup rds orders: rds:DescribeDBSnapshots is denied; it counts as open (open-if-unreadable)
    UNREADABLE backup arn:aws:dynamodb:eu-central-1:123456789012:table/carts: backup:ListRecoveryPointsByResource is denied; it counts as open (open-if-unreadable)
    UNREADABLE checks: GitHub answered 403: Resource not accessible by integration; it counts as open (open-if-unreadable)
    UNREADABLE deployed-in staging: there is no service nobody on prod; it counts as open (open-if-unreadable)
    UNREADABLE alarms-ok database: it is INSUFFICIENT_DATA since [time], so nobody knows; it counts as open (open-if-unreadable)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_gate_and_goes_on_when_it_opens() {
    let story = Story::codedeploy().stage(|options| {
        let lines = vec![CalendarReading::CLOSED, CalendarReading::OPEN];
        options.calendars = [("changes".to_owned(), lines)].into();
    });
    // A freeze that ends soon, whose end is known.
    let soon = OffsetDateTime::now_utc() + Duration::from_secs(12);
    let until = format!(
        "{} {:02}:{:02}:{:02}",
        soon.date(),
        soon.hour(),
        soon.minute(),
        soon.second()
    );
    let gates = format!(
        "wait: 2m\ncalendar: changes\nwindows: {{ freezes: {{ from: 2020-01-01, until: '{until}' }} }}"
    );
    let run = story.run(gated(&gates)).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    let told = gate_lines(&run);
    assert!(
        told.contains("CLOSED     calendar changes: the calendar is CLOSED"),
        "{told}"
    );
    assert!(
        told.contains("waiting for what is closed, 2 m at most"),
        "{told}"
    );
    assert!(told.contains("OPEN       calendar changes"), "{told}");
    assert!(told.contains("✓ Gates: 2 open"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_wait_for_what_opens_too_late_nor_longer_than_it_may() {
    let never = "wait: 30m\nwindows: { time-zone: Europe/Berlin, freezes: { from: 2020-01-01, until: 2999-12-31 } }";
    let run = Story::codedeploy().run(gated(never)).await;
    assert_held(&run);
    assert_snapshot!(run.text(), @"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Gates
    CLOSED     windows: frozen: until Wed 3000-01-01 00:00
               opens: Wed 3000-01-01 00:00 (Europe/Berlin)
    ::endgroup::
    ✗ Gates ([time])
    The gate windows is closed.

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (gate-closed)::the gate windows is closed
      Caused by: windows: frozen: until Wed 3000-01-01 00:00; it opens Wed 3000-01-01 00:00 (Europe/Berlin)
      hint: start the job again when they are open
      hint: if it must not wait, set override-gates to the reason: it is kept with the name of who starts the run
    Outcome: not-deployed (gate-closed), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=gate-closed
    rolled-back=false
    ");
    let story = Story::codedeploy().stage(closed_calendar);
    let run = story.run(gated("wait: 2s\ncalendar: changes")).await;
    assert_held(&run);
    let told = run.log_with("after the run has waited for");
    assert!(
        told.contains("the gate calendar changes is closed"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_a_gate_ends_at_once_when_it_is_cancelled() {
    let story = Story::codedeploy().stage(closed_calendar);
    let action = gated("wait: 1h\ncalendar: changes").on_incident(
        When::Line("waiting for what is closed"),
        Incident::Interrupt,
    );
    let run = story.run(action).await;
    assert_eq!(run.code, Some(10), "{}", run.text());
    assert_eq!(run.output("reason"), "cancelled");
    assert!(run.calls.is_empty(), "{}", run.text());
    let seconds: u64 = run.output("duration-seconds").parse().expect("seconds");
    assert!(seconds < 10, "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_passes_closed_gates_and_leaves_actor_and_reason() {
    let story = || Story::codedeploy().stage(closed_calendar);
    let action = gated("{ calendar: changes, alarms-ok: errors }")
        .with("override-gates", "the shop is down: INC-12")
        .env("GITHUB_TRIGGERING_ACTOR", "hubot");
    let run = story().run(action).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_snapshot!(gate_lines(&run), @"
    ::group::Gates
    CLOSED     calendar changes: the calendar is CLOSED
               opens: when its event is changed or removed
    OPEN       alarms-ok errors: it is OK since [time]
    ::warning title=gates overridden::hubot passes closed gates (calendar changes): the shop is down: INC-12
    ::endgroup::
    ✓ Gates: overridden ([time])
    ");
    let report: serde_json::Value = serde_json::from_str(run.output("report")).expect("JSON");
    assert_eq!(
        report["gates"]["result"],
        json!({ "overridden": { "actor": "hubot", "reason": "the shop is down: INC-12" } })
    );
    assert!(
        run.journal
            .contains(r#""reason":"the shop is down: INC-12""#)
    );
    assert!(
        run.summary
            .contains("**Overridden:** hubot passes closed gates (calendar changes)"),
        "{}",
        run.summary
    );
    // The document may say it too; what is written into it is not a command.
    let run = story()
        .run(gated("{ calendar: changes, override: '::error::boo' }"))
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    // Where all are open, nothing is overridden.
    let run = Story::codedeploy()
        .run(gated("{ alarms-ok: errors, override: just in case }"))
        .await;
    assert_eq!(run.log_with("passes closed gates"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn production_that_is_broken_already_closes_the_gate_and_is_not_green_s_fault() {
    let broken = "tests:\n  - { name: orders, get: /orders, retry: { for: 200ms, every: 100ms }, expect: { status: 200 } }\n";
    let action = |gates: &str| gated(gates).with("smoke-tests", broken);
    let run = Story::codedeploy().run(action("blue-healthy: true")).await;
    assert_held(&run);
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (gate-closed)::the gate blue-healthy is closed
      Caused by: blue-healthy: smoke test "orders" failed on blue (GET /orders, [n] attempts); it failed before this deployment, so green is not its cause; it opens when the test passes on what serves now, or is corrected
      hint: start the job again when they are open, or write `wait: 15m` into gates, so that the run waits
      hint: if it must not wait, set override-gates to the reason: it is kept with the name of who starts the run
    Outcome: not-deployed (gate-closed), exit code 10, after [time]
    "#);
    let mut play = Story::codedeploy().begin().await;
    let run = play
        .act(action(
            "{ blue-healthy: true, override: the fix is in this version }",
        ))
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    assert_snapshot!(run.log_with("before this deployment"), @r#"
    CLOSED     blue-healthy: smoke test "orders" failed on blue (GET /orders, [n] attempts); it failed before this deployment, so green is not its cause
      Caused by: this test has failed on blue before this deployment began, so green may not be its cause
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_a_verification_show_gates_and_do_not_wait_for_them() {
    let gates = "{ wait: 1h, calendar: changes }";
    for (mode, code, outcome) in [("plan", 0, "planned"), ("verify", 0, "verified")] {
        let story = Story::codedeploy().stage(closed_calendar);
        let run = story.run(gated(gates).with("mode", mode)).await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(code), outcome),
            "{}",
            run.text()
        );
        let told = run.log_with("calendar changes");
        assert!(
            told.contains("CLOSED     calendar changes: the calendar is CLOSED"),
            "{}",
            run.text()
        );
        assert!(
            run.summary.contains("### Gates before the start"),
            "{}",
            run.summary
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_held_by_no_gate_not_even_by_a_broken_document() {
    let mut play = Story::codedeploy().begin().await;
    let first = play.act(Action::deploy("1.1.0")).await;
    assert_eq!(first.output("outcome"), "deployed", "{}", first.text());
    let back = Action::to_service()
        .with("mode", "rollback")
        .with("rollback-to", "api:1")
        .with("gates", "{ windows: { time-zone: Nowhere } }");
    let run = play.act(back).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(run.log_with("Gates"), "");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_again_is_not_held_from_what_it_has_started() {
    let lines = vec![CalendarReading::OPEN, CalendarReading::CLOSED];
    let mut play = Story::codedeploy()
        .stage(|options| options.calendars = [("changes".to_owned(), lines)].into())
        .begin()
        .await;
    let killed =
        gated("calendar: changes").on_incident(When::Line("Deployment started"), Incident::Kill);
    assert_eq!(play.act(killed).await.code, None);
    let again = play
        .act(gated("calendar: changes").env("GITHUB_RUN_ATTEMPT", "2"))
        .await;
    play.end().await;
    assert_eq!(again.output("outcome"), "deployed", "{}", again.text());
    assert_snapshot!(again.log_with("gates are not read"), @"
    the gates are not read: they were passed before this run started its rollout
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_gate_leaves_somebody_else_s_rollout_alone() {
    let mut play = Story::codedeploy().stage(closed_calendar).begin().await;
    play.act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
        .await;
    let second = gated("calendar: changes")
        .with("if-running", "supersede")
        .env("GITHUB_RUN_ID", "4712");
    let run = play.act(second).await;
    assert_held(&run);
    let abort = Action::to_service().with("mode", "abort");
    let aborted = play.act(abort).await;
    assert_eq!(aborted.code, Some(20), "{}", aborted.text());
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_held_by_gates_too() {
    let story = Story::codedeploy().stage(closed_calendar);
    let action = gated("calendar: changes")
        .with("mode", "migrate")
        .with("migrate", "migrate");
    let run = story.run(action).await;
    assert_held(&run);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_gates_are_refused_with_line_and_column() {
    let file = "windows:\n  time-zone: Europe/Berln\n  open:\n    - { days: mon-fri, hours: 9-16 }\nslos: availability\ndeployed-in: { environment: staging, for: 30m }\nblue-healthy: true\n";
    let action = Action::deploy("1.1.0")
        .with("gates", "deploy/gates.yml")
        .file("deploy/gates.yml", file);
    let run = Story::codedeploy().run(action).await;
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused,file=deploy/gates.yml,line=2,col=14::gates: deploy/gates.yml:2:14: `time-zone`: there is no time zone `Europe/Berln`
      hint: Did you mean `Europe/Berlin`?
    ::error title=input refused,file=deploy/gates.yml,line=4,col=31::gates: deploy/gates.yml:4:31: `hours`: `9-16` are no hours
      hint: Write hours such as `09:00-16:00`; `22:00-02:00` ends on the next day
    ::error title=input refused,file=deploy/gates.yml,line=5,col=1::gates: deploy/gates.yml:5:1: Unknown key `slos` in the gates
      hint: Did you mean `slo`? Known here: `wait`, `override`, `open-if-unreadable`, `windows`, `calendar`, `incidents`, `slo`, `backup`, `checks`, `deployed-in`, `alarms-ok`, `blue-healthy`
    ");
    let unresolved = "deployed-in: { environment: staging, for: 30m }\nblue-healthy: true\n";
    let run = Story::codedeploy()
        .run(Action::deploy("1.1.0").with("gates", unresolved))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::gates: inline:1:14: `deployed-in` does not say which service is meant
      hint: write `cluster:` and `service:`, or name an environment of the input config that has them
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_of_the_configuration_file_names_the_service_of_deployed_in() {
    let config = "environments:\n  staging: { cluster: prod, service: staging }\n  production: { cluster: prod, service: api }\n";
    let play = Story::codedeploy().begin().await;
    let mut play = with_staging(play, "1.2.0").await;
    let action = |gates: &str| {
        gated(gates)
            .with("config", "deploy/config.yml")
            .with("environment", "production")
            .file("deploy/config.yml", config)
    };
    let run = play
        .act(action("deployed-in: { environment: staging, for: 1s }"))
        .await;
    assert_held(&run);
    assert_snapshot!(gate_lines(&run), @"
    ::group::Gates
    CLOSED     deployed-in staging: api:2 runs there, which is another image
               opens: when this image is deployed to staging
    ::endgroup::
    ✗ Gates ([time])
    The gate deployed-in staging is closed.

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (gate-closed)::the gate deployed-in staging is closed
      Caused by: deployed-in staging: api:2 runs there, which is another image; it opens when this image is deployed to staging
      hint: start the job again when they are open, or write `wait: 15m` into gates, so that the run waits
      hint: if it must not wait, set override-gates to the reason: it is kept with the name of who starts the run
    Outcome: not-deployed (gate-closed), exit code 10, after [time]
    ");
    let run = play
        .act(action("deployed-in: { environment: stagign, for: 1s }"))
        .await;
    assert_eq!(run.code, Some(2));
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::gates: inline:1:14: `deployed-in`: there is no environment `stagign`
      hint: name an environment of the input config, or cluster and service
    ");
    play.end().await;
}
