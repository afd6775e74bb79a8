//! Request limits: what is too much is refused in the service's own words, and everything is
//! counted.

use std::time::Duration;

use ecs_bluegreen_sim::{Controller, Limit, Limits, RollingOptions, StageOptions};
use serde_json::{Value, json};

use crate::harness::{Play, page};

fn limit(name: &str, operations: &[&str], burst: f64, per_second: f64) -> Limit {
    let operations = operations
        .iter()
        .map(|operation| (*operation).to_owned())
        .collect();
    Limit {
        name: name.to_owned(),
        operations,
        burst,
        per_second,
    }
}

async fn stage(limits: Vec<Limit>) -> Play {
    let options = StageOptions {
        limits: Limits::Custom(limits),
        ..StageOptions::default()
    };
    Play::with(Controller::Rolling(RollingOptions::default()), options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_token_is_throttled_and_counted_until_the_bucket_has_filled() {
    let play = stage(vec![limit(
        "tasks",
        &["ecs:ListTasks", "ecs:DescribeTasks"],
        2.0,
        4.0,
    )])
    .await;
    let tasks = json!({ "cluster": "prod" });
    play.ask("ecs.ListTasks", tasks.clone()).await;
    play.ask("ecs.ListTasks", tasks.clone()).await;
    let refused = play.call("ecs.ListTasks", &tasks).await;
    assert_eq!(
        (refused.status, refused.body),
        (
            400,
            json!({ "__type": "ThrottlingException", "Message": "Rate exceeded" })
        )
    );
    play.ask(
        "ecs.DescribeServices",
        json!({ "cluster": "prod", "services": ["api"] }),
    )
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    play.ask("ecs.ListTasks", tasks).await;
    let shown = page(&play, "limits").await;
    assert_eq!(
        shown["operations"]["ecs:ListTasks"],
        json!({ "requests": 4, "throttled": 1 })
    );
    assert_eq!(shown["total"], json!({ "requests": 5, "throttled": 1 }));
    assert_eq!(
        (&shown["requests_per_minute"], &shown["busiest_minute"]),
        (&json!([5]), &json!(5))
    );
    assert_eq!(shown["buckets"][0]["name"], "tasks");
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_mutation_has_no_effect_and_the_load_balancer_has_its_own_word_for_it() {
    let play = stage(vec![limit(
        "all",
        &["ecs:UpdateService", "elbv2:*"],
        0.0,
        0.0,
    )])
    .await;
    let scale = json!({ "cluster": "prod", "service": "api", "desiredCount": 3 });
    assert_eq!(
        play.refused("ecs.UpdateService", scale).await,
        "ThrottlingException"
    );
    assert_eq!(
        play.stage
            .service_view("api")
            .map(|service| service.desired),
        Some(1)
    );
    let form = "Action=DescribeTargetGroups&Version=2015-12-01".to_owned();
    let answered = play.try_send(&[], form).await.expect("an answer");
    let Value::String(xml) = &answered.body else {
        panic!("{}", answered.body)
    };
    assert!(
        answered.status == 400
            && xml.contains("<Code>Throttling</Code><Message>Rate exceeded</Message>"),
        "{xml}"
    );
    assert_eq!(play.stage.request_counts().total.throttled, 2);
    play.stage.shutdown().await;
}
