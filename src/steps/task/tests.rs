use super::*;
use crate::documents::ebs::ManagedVolume;
use crate::documents::overrides::Items;

fn request_with(launch_type: Option<&str>, strategy: Vec<Value>) -> TaskRequest {
    let launch_type = launch_type.map(str::to_owned);
    TaskRequest {
        launch_type,
        strategy,
        overrides: Items::default(),
        network: None,
        started_by: String::new(),
        tags: Vec::new(),
        volume: ManagedVolume::default(),
        wait: TaskWait::UntilStopped,
    }
}

fn service(json: Value) -> Service {
    serde_json::from_value(json).unwrap()
}

#[test]
fn the_task_runs_where_the_service_s_own_tasks_do_unless_it_is_said_otherwise() {
    let spot = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let ours = json!([{ "capacityProvider": "ours", "weight": 1 }]);
    let ec2 = json!({ "launchType": "EC2" });
    let providers = json!({ "capacityProviderStrategy": spot });
    let set = json!({ "launchType": "FARGATE", "taskSets": [{ "status": "PRIMARY", "capacityProviderStrategy": ours }] });
    let given = request_with(Some("FARGATE"), Vec::new());
    let table = [
        (
            request_with(None, Vec::new()),
            None,
            ("launchType", json!("FARGATE")),
        ),
        (
            request_with(None, Vec::new()),
            Some(&ec2),
            ("launchType", json!("EC2")),
        ),
        (
            request_with(None, Vec::new()),
            Some(&providers),
            ("capacityProviderStrategy", spot.clone()),
        ),
        (
            request_with(None, Vec::new()),
            Some(&set),
            ("capacityProviderStrategy", ours.clone()),
        ),
        (given.clone(), Some(&ec2), ("launchType", json!("FARGATE"))),
        (given, Some(&providers), ("launchType", json!("FARGATE"))),
        (
            request_with(None, vec![ours[0].clone()]),
            Some(&ec2),
            ("capacityProviderStrategy", ours.clone()),
        ),
    ];
    for (asked, answer, expected) in table {
        let service = answer.cloned().map(service);
        assert_eq!(
            choose_capacity(&asked, service.as_ref()),
            expected,
            "{answer:?}"
        );
    }
}

#[test]
fn a_long_command_is_cut_and_none_is_none() {
    let command = |words: Value| command_in(&json!({ "name": "app", "command": words }));
    assert_eq!(
        command(json!(["alembic", "upgrade", "head"])).as_deref(),
        Some("alembic upgrade head")
    );
    assert_eq!(command(json!([])), None);
    assert_eq!(command_in(&json!({ "name": "app" })), None);
    let long = command(json!(["x".repeat(200)])).unwrap();
    assert_eq!(
        (long.chars().count(), long.ends_with('…')),
        (MAX_COMMAND + 1, true)
    );
}
