//! Tables: which streams belong to a side, and what is reported about the others.

use serde_json::json;

use super::*;
use crate::checks::analysis::question::Side;

const REGION: &str = "eu-central-1";

fn task(id: &str, status: &str, exit_codes: &[(&str, Option<i32>)]) -> Task {
    let container =
        |(name, exit_code): &(&str, Option<i32>)| json!({ "name": name, "exitCode": exit_code });
    let containers: Vec<Value> = exit_codes.iter().map(container).collect();
    let arn = format!("arn:aws:ecs:eu-central-1:1:task/prod/{id}");
    serde_json::from_value(
        json!({ "taskArn": arn, "lastStatus": status, "containers": containers }),
    )
    .unwrap()
}

fn side_logs(containers: &Value, tasks: Vec<Task>) -> SideLogs {
    let definition = json!({ "containerDefinitions": containers });
    SideLogs {
        revision: "arn:aws:ecs:eu-central-1:1:task-definition/api:7".into(),
        definition,
        tasks,
    }
}

fn container(name: &str, driver: &str, options: &Value) -> Value {
    json!({ "name": name, "logConfiguration": { "logDriver": driver, "options": options } })
}

fn api_container() -> Value {
    container(
        "api",
        "awslogs",
        &json!({ "awslogs-group": "/ecs/api", "awslogs-stream-prefix": "ecs" }),
    )
}

fn query(groups: &[&str]) -> LogQuery {
    LogQuery {
        side: Side::Green,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        filter: "ERROR".into(),
    }
}

#[test]
fn a_stream_is_named_by_prefix_container_and_task() {
    let sidecar = container(
        "proxy",
        "awslogs",
        &json!({ "awslogs-group": "/ecs/api", "awslogs-stream-prefix": "envoy" }),
    );
    let other = container(
        "job",
        "awslogs",
        &json!({ "awslogs-group": "/ecs/job", "awslogs-stream-prefix": "ecs" }),
    );
    let logging = side_logs(
        &json!([api_container(), sidecar, other]),
        vec![task("t1", "RUNNING", &[])],
    );
    let place = |group: &str, streams: &[&str]| LogLocation {
        group: group.into(),
        streams: streams.iter().map(|stream| (*stream).into()).collect(),
    };
    let all = vec![
        place("/ecs/api", &["ecs/api/t1", "envoy/proxy/t1"]),
        place("/ecs/job", &["ecs/job/t1"]),
    ];
    assert_eq!(
        find_locations(&logging, &query(&[]), REGION),
        Ok((all, vec![]))
    );
    let asked = vec![place("/ecs/job", &["ecs/job/t1"])];
    assert_eq!(
        find_locations(&logging, &query(&["/ecs/job"]), REGION),
        Ok((asked, vec![]))
    );
}

#[test]
fn what_never_started_has_no_stream() {
    let tasks = vec![
        task("pending", "PENDING", &[]),
        task("active", "ACTIVATING", &[]),
        task("crashed", "STOPPED", &[("api", Some(1))]),
        task("unpulled", "STOPPED", &[("api", None), ("proxy", Some(0))]),
    ];
    assert_eq!(
        stream_names(&tasks, "ecs", "api"),
        ["ecs/api/active", "ecs/api/crashed"]
    );
    let (_, notes) = find_locations(
        &side_logs(&json!([api_container()]), tasks[..1].to_vec()),
        &query(&[]),
        REGION,
    )
    .unwrap();
    assert_eq!(notes, ["no task of api:7 has started yet"]);
}

#[test]
fn a_log_that_cannot_be_searched_is_said() {
    let splunk = container("proxy", "splunk", &json!({}));
    let nameless = container("job", "awslogs", &json!({ "awslogs-group": "/ecs/job" }));
    let far = json!({ "awslogs-group": "/ecs/far", "awslogs-stream-prefix": "ecs", "awslogs-region": "us-east-1" });
    let far = container("far", "awslogs", &far);
    let (found, notes) = find_locations(
        &side_logs(
            &json!([api_container(), splunk, nameless, { "name": "bare" }, far]),
            vec![],
        ),
        &query(&[]),
        REGION,
    )
    .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        notes[..4],
        [
            "the log of container proxy is not searched: its log driver is splunk, not awslogs",
            "the log of container job is not searched: it has no awslogs-stream-prefix, so the names of its streams are not known",
            "the log of container bare is not searched: it has no log driver",
            "the log of container far is not searched: its log is in region us-east-1",
        ]
    );
}

#[test]
fn where_nothing_could_ever_be_found_no_lines_is_not_the_answer() {
    let nothing = find_locations(
        &side_logs(&json!([container("api", "splunk", &json!({}))]), vec![]),
        &query(&[]),
        REGION,
    )
    .unwrap_err();
    assert_eq!(
        nothing,
        "no container of api:7 has a log that can be searched: the log of container api is not searched: its log driver is splunk, not awslogs"
    );
    let foreign = find_locations(
        &side_logs(&json!([api_container()]), vec![]),
        &query(&["/aws/lambda/x"]),
        REGION,
    )
    .unwrap_err();
    assert_eq!(
        foreign,
        "no container of api:7 logs to group /aws/lambda/x by awslogs, so its lines cannot be told apart by side"
    );
}
