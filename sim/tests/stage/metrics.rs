//! `GetMetricData` over real traffic, alarms that go to ALARM in the middle of a shift, and sources
//! beside CloudWatch: all over the wire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ecs_bluegreen_sim::world::load::{Load, LoadOptions};
use ecs_bluegreen_sim::{
    AlarmDetails, AlarmState, Controller, EventTime, GroupOptions, Measurand, Measure,
    MeasuredSide, MetricsOptions, Reply, ReplyAnswer, SeriesOptions, SourcesOptions, StageOptions,
    Switches, TaskEngine, Toggle,
};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::codedeploy::{deploy, reach};
use crate::harness::{PATIENCE, Play};

fn seconds(metrics: MetricsOptions) -> StageOptions {
    StageOptions {
        metrics: MetricsOptions {
            grain_seconds: 1,
            ..metrics
        },
        ..StageOptions::default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "CloudWatch is asked by the time of day"
)]
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64()
        .floor()
}

/// The dimensions of a target group, as its ARN and its load balancer's have them.
async fn dimensions(play: &Play, group: &str) -> Value {
    let groups = play
        .query(
            "DescribeTargetGroups",
            "2015-12-01",
            &[("Names.member.1", group)],
        )
        .await;
    let text = |tag: &str| {
        groups
            .split(&format!("<{tag}>"))
            .nth(1)
            .and_then(|rest| rest.split('<').next())
            .expect("a tag")
            .to_owned()
    };
    let balancers = play.query("DescribeLoadBalancers", "2015-12-01", &[]).await;
    let arn = balancers
        .split("<LoadBalancerArn>")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("an ARN")
        .to_owned();
    let balancer = arn
        .rsplit_once("loadbalancer/")
        .expect("an ARN")
        .1
        .to_owned();
    let group = text("TargetGroupArn")
        .rsplit_once(':')
        .expect("an ARN")
        .1
        .to_owned();
    json!([{ "Name": "LoadBalancer", "Value": balancer }, { "Name": "TargetGroup", "Value": group }])
}

fn stat(id: &str, name: &str, stat: &str, dimensions: &Value) -> Value {
    let metric =
        json!({ "Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": dimensions });
    json!({ "Id": id, "MetricStat": { "Metric": metric, "Period": 1, "Stat": stat } })
}

async fn data(play: &Play, queries: Value) -> Value {
    let until = now() + 1.0;
    let input = json!({ "MetricDataQueries": queries, "StartTime": until - 60.0, "EndTime": until, "ScanBy": "TimestampAscending" });
    play.ask("cloudwatch.GetMetricData", input).await
}

fn values(answer: &Value, id: &str) -> Vec<f64> {
    let results = answer["MetricDataResults"].as_array().expect("results");
    let found = results
        .iter()
        .find(|result| result["Id"] == id)
        .expect("a result");
    found["Values"]
        .as_array()
        .expect("values")
        .iter()
        .map(|value| value.as_f64().expect("a number"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_traffic_is_in_the_load_balancers_metrics() {
    let play = Play::with(
        Controller::CodeDeploy(GroupOptions::default()),
        seconds(MetricsOptions {
            requests_before: 0.0,
            ..MetricsOptions::default()
        }),
    )
    .await;
    for path in ["/", "/", "/", "/nowhere"] {
        play.get("prod", path).await;
    }
    let by = dimensions(&play, "api-1").await;
    let queries = json!([
        stat("requests", "RequestCount", "Sum", &by),
        stat("good", "HTTPCode_Target_2XX_Count", "Sum", &by),
        stat("refused", "HTTPCode_Target_4XX_Count", "Sum", &by),
        stat("failed", "HTTPCode_Target_5XX_Count", "Sum", &by),
        stat("late", "TargetResponseTime", "p99", &by),
        { "Id": "share", "Expression": "100 * SUM([refused]) / requests", "Label": "refused, in percent" },
        { "Id": "filled", "Expression": "FILL(failed, 0) + requests" },
        { "Id": "minute", "MetricStat": { "Metric": { "Namespace": "Shop", "MetricName": "Other" }, "Period": 60, "Stat": "Sum" } },
        { "Id": "nothing", "Expression": "requests / FILL(failed, 0)" },
    ]);
    let answer = data(&play, queries).await;
    let sum = |id: &str| values(&answer, id).iter().sum::<f64>();
    assert!(
        (sum("requests") - 4.0).abs() < 0.1
            && (sum("good") - 3.0).abs() < 0.1
            && (sum("refused") - 1.0).abs() < 0.1,
        "{answer:#}"
    );
    assert!(
        values(&answer, "failed").is_empty(),
        "no point where there was no failure: {answer:#}"
    );
    assert!(
        values(&answer, "late")
            .iter()
            .all(|seconds| *seconds > 0.0 && *seconds < 5.0),
        "{answer:#}"
    );
    assert_eq!(
        values(&answer, "filled").len(),
        values(&answer, "requests").len()
    );
    assert!(!values(&answer, "share").is_empty(), "{answer:#}");
    assert_eq!(
        answer["MetricDataResults"]
            .as_array()
            .expect("results")
            .last()
            .expect("one")["Messages"][0]["Code"],
        "ArithmeticError"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_metrics_and_series_are_asked_for_and_refusals_have_their_code() {
    let series = SeriesOptions::constant("Shop", "Load", 2.0);
    let play = Play::with(
        Controller::CodeDeploy(GroupOptions::default()),
        seconds(MetricsOptions {
            series: vec![series],
            ..MetricsOptions::default()
        }),
    )
    .await;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since the epoch"
    )]
    let at_ms = now() as i64 * 1_000;
    play.stage
        .put_metric("Shop", "Errors", &[("Side", "green")], at_ms, 3.0);
    let own = |id: &str, name: &str, dimensions: Value| {
        let metric = json!({ "Namespace": "Shop", "MetricName": name, "Dimensions": dimensions });
        json!({ "Id": id, "MetricStat": { "Metric": metric, "Period": 60, "Stat": "Maximum" } })
    };
    let green = json!([{ "Name": "Side", "Value": "green" }]);
    let answer = data(
        &play,
        json!([
            own("errors", "Errors", green),
            own("load", "Load", json!([])),
            own("none", "Errors", json!([]))
        ]),
    )
    .await;
    assert_eq!(
        (values(&answer, "errors"), values(&answer, "none")),
        (vec![3.0], vec![])
    );
    assert!(
        values(&answer, "load")
            .iter()
            .all(|value| (value - 2.0).abs() < 0.1),
        "{answer:#}"
    );
    let refused = play
        .call(
            "cloudwatch.GetMetricData",
            &json!({ "MetricDataQueries": [], "StartTime": 1.0, "EndTime": 2.0 }),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.body["__type"]),
        (400, &json!("ValidationError"))
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_in_alarm_when_green_has_its_share_and_its_composite_with_it() {
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSCanary10Percent5Minutes".into(),
        ready_wait_minutes: None,
        alarms: vec!["errors".to_owned()],
        auto_rollback: vec!["DEPLOYMENT_STOP_ON_ALARM".to_owned()],
        ..GroupOptions::default()
    };
    let details = [
        (
            "errors".to_owned(),
            AlarmDetails::in_alarm_from(EventTime::traffic_reached(10.0))
                .with_reason("5 errors were too many"),
        ),
        (
            "any".to_owned(),
            AlarmDetails::composite("ALARM(errors) OR ALARM(latency)"),
        ),
    ];
    let measured = |side| {
        vec![Reply::new(ReplyAnswer::Measured(Measure::last_minute(
            side,
            Measurand::Requests,
        )))]
    };
    let prometheus = [
        ("green".to_owned(), measured(MeasuredSide::Green)),
        ("blue".to_owned(), measured(MeasuredSide::Blue)),
    ];
    let sources = SourcesOptions {
        prometheus: prometheus.into(),
        ..SourcesOptions::default()
    };
    let options = StageOptions {
        alarm_details: details.into(),
        sources,
        ..StageOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(group), options).await;
    let load = Load::start(LoadOptions {
        connections: 2,
        ..LoadOptions::for_target(play.stage.listener("prod").expect("a listener"))
    });
    let id = deploy(&play, "1.1.0").await;
    reach(&play, &id, "Stopped").await;
    let answer = play
        .ask(
            "cloudwatch.DescribeAlarms",
            json!({ "AlarmTypes": ["CompositeAlarm", "MetricAlarm"] }),
        )
        .await;
    let shown = |kind: &str| {
        (
            answer[kind][0]["StateValue"].clone(),
            answer[kind][0]["StateReason"].clone(),
        )
    };
    assert_eq!(
        shown("MetricAlarms"),
        (json!("ALARM"), json!("5 errors were too many"))
    );
    assert_eq!(
        shown("CompositeAlarms"),
        (json!("ALARM"), json!("errors transitioned to ALARM"))
    );
    let stats = load.stop().await;
    assert_eq!((stats.failures, stats.unexpected), (0, 0));
    let count = |document: Value| {
        document["data"]["result"][0]["value"][1]
            .as_str()
            .and_then(|text| text.parse::<f64>().ok())
    };
    let (green, blue) = (
        source(&play, "/api/v1/query?query=green", &[]).await,
        source(&play, "/api/v1/query?query=blue", &[]).await,
    );
    // The alarm may have come before any user reached green: that its group is known is what
    // matters.
    assert!(
        count(green.1.clone()).is_some() && count(blue.1).is_some_and(|count| count > 0.0),
        "{green:?}"
    );
    play.stage
        .set_alarm_with_reason("any", AlarmState::Ok, "enough");
    let answer = play
        .ask(
            "cloudwatch.DescribeAlarms",
            json!({ "AlarmTypes": ["CompositeAlarm"] }),
        )
        .await;
    assert_eq!(
        (
            &answer["CompositeAlarms"][0]["StateValue"],
            &answer["CompositeAlarms"][0]["StateReason"]
        ),
        (&json!("OK"), &json!("enough"))
    );
    play.stage.shutdown().await;
}

/// Status and text of a page.
async fn get_page(url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let request = headers
        .iter()
        .fold(Request::get(url), |request, (name, value)| {
            request.header(*name, *value)
        });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(
            request
                .body(Full::<bytes::Bytes>::default())
                .expect("a request"),
        )
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// Status and document of a request to a source.
async fn source(play: &Play, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let (status, text) = get_page(&format!("{}{path}", play.stage.metrics_url()), headers).await;
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_want_their_credentials_and_keep_every_request() {
    let answers = |answer| vec![Reply::new(ReplyAnswer::Status(429)), Reply::new(answer)];
    let sources = SourcesOptions {
        prometheus: [("up".to_owned(), answers(ReplyAnswer::Value(1.0)))].into(),
        datadog: [(
            "avg:q{*}".to_owned(),
            vec![Reply::new(ReplyAnswer::Points(vec![Some(1.0), None]))],
        )]
        .into(),
        json: [(
            "errors".to_owned(),
            vec![
                Reply::new(ReplyAnswer::Value(5.0)),
                Reply::new(ReplyAnswer::Garbage),
            ],
        )]
        .into(),
        token: Some("canary-token".to_owned()),
        ..SourcesOptions::default()
    };
    let options = StageOptions {
        sources,
        ..StageOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(GroupOptions::default()), options).await;
    let token = [("authorization", "Bearer canary-token")];
    assert_eq!(source(&play, "/api/v1/query?query=up", &[]).await.0, 401);
    assert_eq!(source(&play, "/api/v1/query?query=up", &token).await.0, 429);
    assert_eq!(
        source(&play, "/api/v1/query?query=up", &token).await.1["data"]["result"][0]["value"][1],
        "1"
    );
    assert_eq!(
        source(&play, "/api/v1/query?query=other", &token).await.1["data"]["result"],
        json!([])
    );
    let keys = [("dd-api-key", "a"), ("dd-application-key", "b")];
    let datadog = "/api/v1/query?query=avg%3Aq%7B*%7D&from=0&to=60";
    assert_eq!(source(&play, datadog, &keys[..1]).await.0, 403);
    assert_eq!(
        source(&play, datadog, &keys).await.1["series"][0]["pointlist"],
        json!([[45_000.0, 1.0], [60_000.0, null]])
    );
    assert_eq!(
        source(&play, "/json/errors", &token).await,
        (200, json!({ "value": 5.0 }))
    );
    assert!(
        source(&play, "/json/errors", &token).await.1.is_string(),
        "garbage"
    );
    assert_eq!(source(&play, "/json/nothing", &token).await.0, 404);
    let amp = "/workspaces/ws-1/api/v1/query?query=up";
    assert_eq!(source(&play, amp, &token).await.0, 403);
    let scope = "Credential=AKIA/20261121/eu-central-1/aps/aws4_request";
    let signed = format!(
        "AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date, Signature={}",
        "a".repeat(64)
    );
    let headers = [
        ("authorization", signed.as_str()),
        ("x-amz-date", "20261121T000000Z"),
    ];
    assert_eq!(source(&play, amp, &headers).await.0, 200);
    play.stage.deny(&["aps:QueryMetrics"]);
    assert_eq!(source(&play, amp, &headers).await.0, 403);
    let requests = play.stage.source_requests();
    assert_eq!(requests.len(), 12);
    assert_eq!(
        (
            requests[1].headers["authorization"].as_str(),
            requests[1].question.as_str(),
            requests[1].status
        ),
        ("Bearer canary-token", "up", 429)
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_all_streams_are_searched_and_secrets_are_read() {
    let options = StageOptions {
        secret_values: [("shop/token".to_owned(), "canary-secret".into())].into(),
        ..StageOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(GroupOptions::default()), options).await;
    play.get("prod", "/nowhere").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let found = play
        .ask(
            "logs.FilterLogEvents",
            json!({ "logGroupName": "/ecs/api", "filterPattern": "\"request refused\" nowhere" }),
        )
        .await;
    let events = found["events"].as_array().expect("events");
    assert_eq!(events.len(), 1, "{found:#}");
    let stream = events[0]["logStreamName"]
        .as_str()
        .expect("a stream")
        .to_owned();
    assert_eq!(found["searchedLogStreams"], json!([]));
    let by_stream = json!({ "logGroupName": "/ecs/api", "logStreamNames": [stream], "limit": 1 });
    let first = play.ask("logs.FilterLogEvents", by_stream.clone()).await;
    let mut next = by_stream;
    next["nextToken"] = first["nextToken"].clone();
    let second = play.ask("logs.FilterLogEvents", next).await;
    assert_ne!(
        first["events"][0]["eventId"],
        second["events"][0]["eventId"]
    );
    assert_eq!(
        play.refused(
            "logs.FilterLogEvents",
            json!({ "logGroupName": "/ecs/nope" })
        )
        .await,
        "ResourceNotFoundException"
    );
    let pattern = json!({ "logGroupName": "/ecs/api", "filterPattern": "{ $.level = 1 }" });
    assert_eq!(
        play.refused("logs.FilterLogEvents", pattern).await,
        "InvalidParameterException"
    );
    let secret = play
        .ask(
            "secretsmanager.GetSecretValue",
            json!({ "SecretId": "shop/token" }),
        )
        .await;
    assert_eq!(secret["SecretString"], "canary-secret");
    let by_arn = play
        .ask(
            "secretsmanager.GetSecretValue",
            json!({ "SecretId": secret["ARN"] }),
        )
        .await;
    assert_eq!(by_arn["Name"], "shop/token");
    assert_eq!(
        play.refused(
            "secretsmanager.GetSecretValue",
            json!({ "SecretId": "nope" })
        )
        .await,
        "ResourceNotFoundException"
    );
    play.stage.deny(&["secretsmanager:GetSecretValue"]);
    assert_eq!(
        play.refused(
            "secretsmanager.GetSecretValue",
            json!({ "SecretId": "shop/token" })
        )
        .await,
        "AccessDeniedException"
    );
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .read_counts()
                .contains_key("secretsmanager:GetSecretValue"))
            .await
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_may_begin_with_an_empty_page() {
    let switches = Switches {
        empty_log_page: Toggle::On,
        ..Switches::default()
    };
    let options = StageOptions {
        engine: TaskEngine::Imaginary,
        switches,
        ..StageOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(GroupOptions::default()), options).await;
    let first = play
        .ask(
            "logs.FilterLogEvents",
            json!({ "logGroupName": "/ecs/api" }),
        )
        .await;
    assert_eq!(first["events"], json!([]));
    let second = play
        .ask(
            "logs.FilterLogEvents",
            json!({ "logGroupName": "/ecs/api", "nextToken": first["nextToken"] }),
        )
        .await;
    assert_eq!(second.get("nextToken"), None);
    play.stage.shutdown().await;
}
