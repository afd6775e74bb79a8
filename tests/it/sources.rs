//! Who answers the questions of analysis, asked on the stage: CloudWatch, its logs and alarms,
//! Secrets Manager, and the sources of others.
//!
//! The SDK finds the stage by its environment, so the asking is done by a process of its own: this
//! test binary once more.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use ecs_bluegreen::aws::Aws;
use ecs_bluegreen::aws::connection::AwsSettings;
use ecs_bluegreen::checks::analysis::question::{
    Answer, CloudWatchMetric, CloudWatchQuery, DatadogQuery, HttpQuery, LogQuery, PrometheusQuery,
    Query, Question, Side,
};
use ecs_bluegreen::checks::moment::Moment;
use ecs_bluegreen::clock::{self, Clock};
use ecs_bluegreen::event::{Event, Stamped};
use ecs_bluegreen::observe::metric_sources::{MetricSources, SideRevision};
use ecs_bluegreen::run::{Observers, Run};
use ecs_bluegreen::runner::Runner;
use ecs_bluegreen::secret::Secret;
use ecs_bluegreen::steps::alarms::AlarmWatch;
use ecs_bluegreen::undo::ServiceKey;
use ecs_bluegreen_sim::{
    AlarmDetails, AlarmState, DatadogKeys, IncompleteMetric, IncompleteStatus, MetricsOptions,
    Reply, ReplyAnswer, RollingOptions, SeriesOptions, SourcesOptions, StageOptions,
};
use insta::assert_snapshot;

use crate::harness::{AUTHORITY, Play, Story};

const REVISION: &str = "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1";
const TOKEN: &str = "canary-prom-token-41";

fn known(options: &mut StageOptions) {
    let series = [("a", 3.0), ("b", 6.0), ("hidden", 1.0)]
        .map(|(name, value)| SeriesOptions::constant("Own", name, value));
    let hidden = IncompleteMetric {
        name: "hidden".into(),
        status: IncompleteStatus::Forbidden,
        message: None,
    };
    options.metrics = MetricsOptions {
        grain_seconds: 1,
        series: series.into(),
        incomplete: vec![hidden],
        ..MetricsOptions::default()
    };
    let line = |name: &str, answer| [(name.to_owned(), vec![Reply::new(answer)])].into();
    options.sources = SourcesOptions {
        prometheus: line("sum(up)", ReplyAnswer::Values(vec![1.0, 2.0])),
        datadog: line("avg:errors{*}", ReplyAnswer::Points(vec![Some(0.5), None])),
        json: line("rate", ReplyAnswer::Value(0.25)),
        token: Some(TOKEN.to_owned()),
        datadog_keys: Some(DatadogKeys {
            api_key: "canary-dd-api".into(),
            application_key: "canary-dd-app".into(),
        }),
    };
    options.alarms = [
        ("errors".to_owned(), AlarmState::Alarm),
        ("cpu".to_owned(), AlarmState::InsufficientData),
    ]
    .into();
    options.alarm_details = [(
        "all".to_owned(),
        AlarmDetails::composite("ALARM(\"errors\")"),
    )]
    .into();
    options.secret_values = [(
        "prod/smoke".to_owned(),
        r#"{"token":"canary-secret"}"#.into(),
    )]
    .into();
}

/// What the process of its own printed, line by line.
async fn ask_in_own_process(play: &Play, denied: &[&str]) -> String {
    play.stage.deny(denied);
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([
        "--exact",
        "sources::asked_in_a_process_of_its_own",
        "--ignored",
        "--nocapture",
    ]);
    command.env_clear().envs([
        ("AWS_ACCESS_KEY_ID", "AKIDSTAGE"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret-access-key"),
        ("AWS_ENDPOINT_URL", &play.stage.endpoint()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("METRICS_URL", &play.stage.metrics_url()),
        AUTHORITY,
    ]);
    let finished = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic")
        .expect("a process");
    let printed = String::from_utf8_lossy(&finished.stdout).into_owned();
    assert!(
        finished.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&finished.stderr)
    );
    assert!(!printed.contains("canary"), "a secret was told: {printed}");
    let lines = printed
        .lines()
        .filter_map(|line| line.split_once("> ").map(|(_, told)| told));
    // Notes beside the answers come in any order: all sources are asked at the same time.
    let (mut beside, answers): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("limited") || line.starts_with("noted"));
    beside.sort_unstable();
    let lines = [beside, answers].concat();
    let port = play
        .stage
        .metrics_url()
        .rsplit_once(':')
        .expect("a port")
        .1
        .to_owned();
    lines.join("\n").replace(&port, "[port]")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_answers_and_what_it_cannot_answer_is_told_in_words() {
    let play = Story::rolling(RollingOptions::default())
        .stage(known)
        .begin()
        .await;
    let told = ask_in_own_process(&play, &[]).await;
    let (reads, requests) = (play.stage.read_counts(), play.stage.source_requests());
    play.end().await;
    assert_snapshot!(told, @r#"
    0: 3
    1: 50
    2: 1, 2
    3: 1, 2
    4: 0.5
    5: 0.25
    6: some lines: true, of which 1 are shown
    7: some lines: true, of which 1 are shown
    ---
    0: CloudWatch forbids reading it
    1: cloudwatch:GetMetricData: Error in expression 'q0' [Unexpected *] (ValidationError)
    2: 6
    3: 127.0.0.1:[port]: $ is an object, not a number
    4: there is no blue whose logs could be read
    5: no container of api:1 logs to group /ecs/other by awslogs, so its lines cannot be told apart by side
    ---
    ***, 13 characters
    secret `prod/smoke` has no text under the key `other`
    there is no secret `prod/none` in Secrets Manager
    ---
    all (composite alarm): ALARM is failed; errors transitioned to ALARM; in ALARM: errors
    cpu (metric alarm): INSUFFICIENT_DATA is inconclusive; Set on the stage
    gone (metric alarm): missing is error; there is no such alarm
    rollback: Some("alarm")
    "#);
    assert_eq!(
        reads["cloudwatch:GetMetricData"], 5,
        "one for what is good; one that is refused, and its three questions again"
    );
    assert_eq!((reads["ecs:DescribeTasks"], requests.len()), (2, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_names_the_action_in_every_answer_and_is_told_once() {
    let play = Story::rolling(RollingOptions::default())
        .stage(known)
        .begin()
        .await;
    let actions = [
        "cloudwatch:GetMetricData",
        "logs:FilterLogEvents",
        "cloudwatch:DescribeAlarms",
        "secretsmanager:GetSecretValue",
        "aps:QueryMetrics",
    ];
    let told = ask_in_own_process(&play, &actions).await;
    play.end().await;
    assert_snapshot!(told, @"
    limited: alarms are not watched (cloudwatch:DescribeAlarms)
    limited: lines of logs are not counted (logs:FilterLogEvents)
    limited: metrics of Amazon Managed Service for Prometheus are not measured (aps:QueryMetrics)
    limited: metrics of CloudWatch are not measured (cloudwatch:GetMetricData)
    0: cloudwatch:GetMetricData is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: cloudwatch:GetMetricData on resource: * because no identity-based policy allows the cloudwatch:GetMetricData action; allow cloudwatch:GetMetricData on * for the role that the job uses (docs/iam.md)
    1: cloudwatch:GetMetricData is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: cloudwatch:GetMetricData on resource: * because no identity-based policy allows the cloudwatch:GetMetricData action; allow cloudwatch:GetMetricData on * for the role that the job uses (docs/iam.md)
    2: 1, 2
    3: aps:QueryMetrics is denied: 127.0.0.1:[port]: it answers 403 Forbidden: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: aps:QueryMetrics on resource: arn:aws:aps:eu-central-1:123456789012:workspace/ws-1 because no identity-based policy allows the aps:QueryMetrics action; allow aps:QueryMetrics on arn:aws:aps:eu-central-1:123456789012:workspace/ws-1 for the role that the job uses (docs/iam.md)
    4: 0.5
    5: 0.25
    6: logs:FilterLogEvents is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: logs:FilterLogEvents on resource: arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/api:* because no identity-based policy allows the logs:FilterLogEvents action; allow logs:FilterLogEvents on arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/api:* for the role that the job uses (docs/iam.md)
    7: logs:FilterLogEvents is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: logs:FilterLogEvents on resource: arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/api:* because no identity-based policy allows the logs:FilterLogEvents action; allow logs:FilterLogEvents on arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/api:* for the role that the job uses (docs/iam.md)
    ---
    0: cloudwatch:GetMetricData is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: cloudwatch:GetMetricData on resource: * because no identity-based policy allows the cloudwatch:GetMetricData action; allow cloudwatch:GetMetricData on * for the role that the job uses (docs/iam.md)
    1: cloudwatch:GetMetricData is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: cloudwatch:GetMetricData on resource: * because no identity-based policy allows the cloudwatch:GetMetricData action; allow cloudwatch:GetMetricData on * for the role that the job uses (docs/iam.md)
    2: cloudwatch:GetMetricData is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: cloudwatch:GetMetricData on resource: * because no identity-based policy allows the cloudwatch:GetMetricData action; allow cloudwatch:GetMetricData on * for the role that the job uses (docs/iam.md)
    3: 127.0.0.1:[port]: $ is an object, not a number
    4: there is no blue whose logs could be read
    5: no container of api:1 logs to group /ecs/other by awslogs, so its lines cannot be told apart by side
    ---
    secret `prod/smoke` cannot be read
    secret `prod/smoke` cannot be read
    secret `prod/none` cannot be read
    ---
    rollback: None
    ");
}

#[tokio::test]
#[ignore = "the tests above start it with an environment"]
#[expect(clippy::disallowed_methods, reason = "what another test hands over")]
async fn asked_in_a_process_of_its_own() {
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    // Whoever runs all ignored tests runs this one too.
    let Some(url) = variables.get("METRICS_URL") else {
        return;
    };
    let settings = AwsSettings {
        region: "eu-central-1".into(),
        attempts: 1,
        ..AwsSettings::default()
    };
    let tell = |event: &Event| match event {
        Event::Narrowed { check, allow, .. } => println!("> limited: {check} ({allow})"),
        Event::Noted { sentence } => println!("> noted: {sentence}"),
        other => println!("> {other:?}"),
    };
    let aws = Aws::connect(&settings).await;
    let observer = Box::new(move |one: &Stamped| tell(&one.event));
    let observers = Observers {
        observer,
        state_store: Box::new(|_| {}),
        secret_masker: Box::new(|_| {}),
    };
    let run = Run::new(
        aws,
        Runner::from_variables(&variables),
        Clock::start(),
        observers,
    );
    ask(&run, url).await;
}

async fn ask(run: &Run, url: &str) {
    let place = ServiceKey {
        cluster: "prod".into(),
        service: "api".into(),
    };
    let revision = REVISION.into();
    let sources = MetricSources::new(
        run,
        &place,
        None,
        SideRevision {
            revision: &revision,
            definition: None,
        },
    );
    let good = [
        metric("a"),
        math("100 * a / b"),
        prometheus(url, None),
        prometheus(url, Some("eu-central-1")),
        datadog(url),
        http(url, "$.value"),
    ];
    show(
        &sources,
        good.into_iter()
            .chain([logs(Side::Green, &[]), logs(Side::Green, &["/ecs/api"])])
            .collect(),
    )
    .await;
    println!("> ---");
    let bad = [
        metric("hidden"),
        math("a +* b"),
        metric("b"),
        http(url, "$"),
        logs(Side::Blue, &[]),
        logs(Side::Green, &["/ecs/other"]),
    ];
    show(&sources, bad.into()).await;
    println!("> ---");
    for key in [Some("token"), Some("other")] {
        match run.aws.get_secret_value("prod/smoke", key).await {
            Ok(secret) => println!("> {secret}, {} characters", secret.expose().len()),
            Err(error) => println!("> {error}"),
        }
    }
    println!(
        "> {}",
        run.aws
            .get_secret_value("prod/none", None)
            .await
            .expect_err("there is none")
    );
    println!("> ---");
    let mut watch = AlarmWatch::new(run, ["all", "cpu", "gone"].map(str::to_owned).into(), &[]);
    let look = watch.look(Moment::Step).await;
    for shown in &look.measurements {
        let (value, note) = (
            &shown.value.split(" since").next().unwrap_or_default(),
            shown.note.as_deref().unwrap_or_default(),
        );
        println!(
            "> {} ({}): {value} is {}; {note}",
            shown.check, shown.query, shown.phase
        );
    }
    println!(
        "> rollback: {:?}",
        look.failure.map(|failure| failure.reason.word())
    );
    assert!(
        watch.look(Moment::Step).await.measurements.is_empty(),
        "nothing changed"
    );
}

async fn show(sources: &MetricSources<'_>, queries: Vec<Query>) {
    let until = clock::system_time()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64()
        .floor();
    let questions = queries.into_iter().enumerate().map(|(id, query)| Question {
        id,
        query,
        since: until - 60.0,
        until: until + 1.0,
    });
    let mut answers = sources.ask(questions.collect()).await;
    answers.sort_by_key(|(id, _)| *id);
    for (id, answer) in answers {
        println!("> {id}: {}", words(&answer));
    }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Points(points) => {
            let values: BTreeSet<String> =
                points.iter().map(|point| point.value.to_string()).collect();
            values.into_iter().collect::<Vec<_>>().join(", ")
        }
        Answer::Lines { count, first } => format!(
            "some lines: {}, of which {} are shown",
            *count > 0,
            first.len().min(1)
        ),
        Answer::Failed(words) => words.clone(),
    }
}

fn own_metric(name: &str) -> CloudWatchMetric {
    CloudWatchMetric {
        namespace: "Own".into(),
        name: name.into(),
        dimensions: Vec::new(),
        stat: "Average".into(),
    }
}

fn metric(name: &str) -> Query {
    Query::CloudWatch(CloudWatchQuery {
        metrics: vec![(name.into(), own_metric(name))],
        expression: None,
        period: Duration::from_secs(1),
    })
}

fn math(expression: &str) -> Query {
    let metrics = ["a", "b"]
        .map(|name| (name.to_owned(), own_metric(name)))
        .into();
    Query::CloudWatch(CloudWatchQuery {
        metrics,
        expression: Some(expression.into()),
        period: Duration::from_secs(1),
    })
}

fn prometheus(url: &str, sigv4: Option<&str>) -> Query {
    let promql = "sum(up)".to_owned();
    let (url, headers) = match sigv4 {
        Some(_) => (format!("{url}/workspaces/ws-1"), Vec::new()),
        None => (
            url.to_owned(),
            vec![(
                "Authorization".to_owned(),
                Secret::new(format!("Bearer {TOKEN}")),
            )],
        ),
    };
    Query::Prometheus(PrometheusQuery {
        url,
        headers,
        sigv4: sigv4.map(str::to_owned),
        promql,
    })
}

fn datadog(url: &str) -> Query {
    let (api_key, application_key) = (Secret::new("canary-dd-api"), Secret::new("canary-dd-app"));
    Query::Datadog(DatadogQuery {
        url: url.to_owned(),
        api_key,
        application_key,
        query: "avg:errors{*}".into(),
    })
}

fn http(url: &str, path: &str) -> Query {
    let headers = vec![(
        "Authorization".to_owned(),
        Secret::new(format!("Bearer {TOKEN}")),
    )];
    Query::Http(HttpQuery {
        url: format!("{url}/json/rate"),
        body: None,
        headers,
        path: path.into(),
    })
}

fn logs(side: Side, groups: &[&str]) -> Query {
    Query::Logs(LogQuery {
        side,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        filter: String::new(),
    })
}
