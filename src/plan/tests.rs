//! Tables of the plan: inputs and a survey of AWS → what will be done, or every reason why not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::aws::codedeploy_shapes::{DeploymentGroup, ReadyWait, Routing};
use crate::aws::ecs_shapes::Service;
use crate::choices::IfRunning;
use crate::inputs;
use crate::rollout_kind::GatePlan;
use crate::runner::Runner;
use crate::survey::{
    CodeDeployInProgress, DeploymentInProgress, RollingInProgress, RunningRollout,
};

const SMOKE: &str = "tests: [{ name: health, get: /health }]";

fn settings(more: &[(&str, &str)]) -> Settings {
    let always = [
        ("INPUT_CLUSTER", "prod"),
        ("INPUT_SERVICE", "api"),
        ("INPUT_AWS-REGION", "eu-central-1"),
    ];
    let variables: BTreeMap<String, String> = always
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::from_inputs(
        &inputs::read(&variables).unwrap(),
        &Runner::from_variables(&variables),
    )
    .unwrap()
}

fn settings_with_tests(more: &[(&str, &str)]) -> Settings {
    let tests = [
        ("INPUT_SMOKE-TESTS", SMOKE),
        ("INPUT_TEST-URL", "https://green.example"),
        ("INPUT_PRODUCTION-URL", "https://example"),
    ];
    settings(&[tests.as_slice(), more].concat())
}

fn service(controller: &str, more: &Value) -> Service {
    let mut service = json!({
        "serviceName": "api", "clusterArn": "arn:aws:ecs:eu-central-1:1:cluster/prod", "status": "ACTIVE", "desiredCount": 2, "runningCount": 2,
        "taskDefinition": "api:1", "deploymentController": { "type": controller },
        "taskSets": [{
            "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": "api:1",
            "loadBalancers": [{ "targetGroupArn": "tg-blue", "containerName": "app", "containerPort": 8080 }],
        }],
    });
    for (key, value) in more.as_object().unwrap() {
        service[key] = value.clone();
    }
    serde_json::from_value(service).unwrap()
}

fn group(ready_wait: ReadyWait) -> DeploymentGroup {
    DeploymentGroup {
        services: vec![("prod".into(), "api".into())],
        ready_wait,
        termination_minutes: 5,
        test_listeners: vec!["test".into()],
        ..DeploymentGroup::default()
    }
}

fn live_revision() -> RegisteredRevision {
    let answer = json!({ "taskDefinition": { "family": "api", "containerDefinitions": [{ "name": "app", "image": "app:1", "portMappings": [{ "containerPort": 8080 }] }] } });
    RegisteredRevision {
        arn: "api:1".into(),
        answer,
    }
}

fn codedeploy_snapshot(ready_wait: ReadyWait) -> Snapshot {
    Snapshot {
        service: Some(service("CODE_DEPLOY", &json!({}))),
        group: Some(group(ready_wait)),
        live_revision: Some(live_revision()),
        ..Snapshot::default()
    }
}

fn rolling_snapshot(more: &Value) -> Snapshot {
    Snapshot {
        service: Some(service("ECS", more)),
        live_revision: Some(live_revision()),
        ..Snapshot::default()
    }
}

fn plan(settings: &Settings, snapshot: &Snapshot) -> Result<Plan, PlanRefusal> {
    super::plan(settings, snapshot, "7-1-ab")
}

fn plan_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<String> {
    match plan(settings, snapshot) {
        Err(PlanRefusal::Problems(problems)) => problems
            .iter()
            .map(|problem| format!("{problem} -> {}", problem.remedy))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn planned_gate(settings: &Settings, snapshot: &Snapshot) -> GatePlan {
    plan(settings, snapshot)
        .unwrap()
        .rollout
        .unwrap()
        .kind
        .gate()
}

#[test]
fn a_group_that_waits_is_a_gate_and_only_tests_with_a_test_url_are_owed_there() {
    assert_eq!(
        planned_gate(
            &settings_with_tests(&[]),
            &codedeploy_snapshot(ReadyWait::Minutes(60))
        ),
        GatePlan::Test
    );
    assert_eq!(
        planned_gate(&settings(&[]), &codedeploy_snapshot(ReadyWait::Minutes(60))),
        GatePlan::Pass
    );
    assert_eq!(
        planned_gate(&settings(&[]), &codedeploy_snapshot(ReadyWait::Continue)),
        GatePlan::Absent
    );
}

#[test]
fn a_group_that_does_not_wait_is_refused_with_the_command_that_keeps_its_other_settings() {
    let found = plan_problems(
        &settings_with_tests(&[]),
        &codedeploy_snapshot(ReadyWait::Continue),
    );
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("aws deploy update-deployment-group --region eu-central-1 --application-name AppECS-prod-api"),
        "{}",
        found[0]
    );
    assert!(
        found[0].contains(r#""terminationWaitTimeInMinutes":5"#)
            && found[0].contains("STOP_DEPLOYMENT"),
        "{}",
        found[0]
    );
}

#[test]
fn a_group_of_another_service_and_a_controller_of_somebody_else_are_refused() {
    let mut foreign = codedeploy_snapshot(ReadyWait::Minutes(60));
    foreign.group.as_mut().unwrap().services = vec![("prod".into(), "web".into())];
    assert!(
        plan_problems(&settings(&[]), &foreign)[0].contains("deploys to prod/web, not to prod/api")
    );
    let external = Snapshot {
        service: Some(service("EXTERNAL", &json!({}))),
        live_revision: Some(live_revision()),
        ..Snapshot::default()
    };
    assert!(
        plan_problems(&settings(&[]), &external)[0]
            .contains("Unsupported deployment controller: EXTERNAL")
    );
}

#[test]
fn a_rolling_service_has_no_green_to_test() {
    assert!(
        plan_problems(&settings_with_tests(&[]), &rolling_snapshot(&json!({})))[0]
            .contains("rolled in place by ECS")
    );
}

#[test]
fn zero_tasks_are_rolled_out_with_a_warning_and_refused_where_weights_would_move() {
    let zero = json!({ "desiredCount": 0, "runningCount": 0 });
    let asleep = rolling_snapshot(&zero);
    let warns = |more: &[(&str, &str)]| {
        plan(&settings(more), &asleep)
            .unwrap()
            .warnings
            .iter()
            .any(|warning| warning.contains("no task will run"))
    };
    assert_eq!(
        [
            &[][..],
            &[("INPUT_DESIRED-COUNT", "0")],
            &[("INPUT_DESIRED-COUNT", "2")]
        ]
        .map(warns),
        [true, true, false]
    );
    let shifted = Snapshot {
        service: Some(service("CODE_DEPLOY", &zero)),
        ..codedeploy_snapshot(ReadyWait::Minutes(60))
    };
    assert!(
        matches!(plan(&settings(&[]), &shifted), Err(PlanRefusal::Failure(failure)) if failure.reason == crate::outcome::Reason::ZeroTasks)
    );
}

#[test]
fn without_if_running_a_rolling_service_goes_on_and_all_others_wait() {
    let going = |deployment| {
        let (id, word) = ("ecs-svc/9".into(), "IN_PROGRESS".to_owned());
        RunningRollout {
            id,
            revision: None,
            run: None,
            is_registered: false,
            word,
            origin: String::new(),
            is_ours: false,
            hooks_before: None,
            deployment,
        }
    };
    let rolling = || DeploymentInProgress::Rolling(RollingInProgress);
    let codedeploy = || DeploymentInProgress::CodeDeploy(CodeDeployInProgress::default());
    let service_deployments = || Some(crate::survey::ServiceDeployments::default());
    let table = [
        (rolling(), None, None, IfRunning::Supersede),
        (rolling(), service_deployments(), None, IfRunning::Wait),
        (codedeploy(), None, None, IfRunning::Wait),
        (rolling(), None, Some(IfRunning::Fail), IfRunning::Fail),
        (
            codedeploy(),
            None,
            Some(IfRunning::Supersede),
            IfRunning::Supersede,
        ),
    ];
    for (deployment, service_deployments, asked, expected) in table {
        let snapshot = Snapshot {
            running: Some(going(deployment)),
            service_deployments,
            ..Snapshot::default()
        };
        assert_eq!(snapshot.if_running(asked), expected);
    }
}

#[test]
fn the_deadline_counts_the_group_s_own_waits_and_never_exceeds_the_longest_job() {
    let deadline = |more: &[(&str, &str)], minutes| {
        plan(
            &settings(more),
            &codedeploy_snapshot(ReadyWait::Minutes(minutes)),
        )
        .unwrap()
        .rollout
        .unwrap()
        .deadline
    };
    assert_eq!(deadline(&[], 60), Duration::from_mins(30 + 60 + 5));
    assert_eq!(
        deadline(&[("INPUT_WAIT-UNTIL", "shifted")], 60),
        Duration::from_mins(30 + 60)
    );
    assert_eq!(deadline(&[], 7_200), Duration::from_hours(6));
    assert_eq!(
        deadline(&[("INPUT_DEADLINE", "90s")], 60),
        Duration::from_secs(90)
    );
}

#[test]
fn blue_of_a_rolling_service_is_what_was_completed_not_what_was_given_up() {
    let deployments = json!([
        { "id": "ecs-svc/2", "status": "PRIMARY", "taskDefinition": "api:2", "rolloutState": "FAILED" },
        { "id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": "api:1", "rolloutState": "COMPLETED" },
    ]);
    let broken = rolling_snapshot(
        &json!({ "taskSets": [], "taskDefinition": "api:2", "deployments": deployments }),
    );
    assert_eq!(
        plan(&settings(&[]), &broken)
            .unwrap()
            .rollout
            .unwrap()
            .blue
            .revision,
        "api:1".into()
    );
}

#[test]
fn an_app_spec_is_built_from_the_task_set_that_serves() {
    let planned = plan(&settings(&[]), &codedeploy_snapshot(ReadyWait::Minutes(60)))
        .unwrap()
        .rollout
        .unwrap();
    let RolloutKind::CodeDeploy(plan) = planned.kind else {
        panic!("not CodeDeploy")
    };
    assert!(
        matches!(plan.app_spec, AppSpecPlan::Built(parts) if parts.container == "app" && parts.port == 8080)
    );
}

#[test]
fn a_canary_that_nothing_watches_is_said_before_the_start() {
    let says = |settings: &Settings, snapshot: &Snapshot| {
        plan(settings, snapshot)
            .unwrap()
            .lines
            .iter()
            .filter(|line| line.contains("watches green while traffic shifts"))
            .count()
    };
    let shifting = |minutes, alarms: &[&str]| {
        let routing = if minutes > 0 {
            Routing::Canary {
                percent: 10,
                minutes,
            }
        } else {
            Routing::AllAtOnce
        };
        let own = alarms.iter().map(|alarm| (*alarm).to_owned()).collect();
        let alarms = crate::survey::SurveyedAlarms {
            own,
            found: Some(Vec::new()),
        };
        Snapshot {
            routing: Some(routing),
            alarms,
            ..codedeploy_snapshot(ReadyWait::Minutes(60))
        }
    };
    let at_steps = settings_with_tests(&[(
        "INPUT_SMOKE-TESTS",
        "tests: [{ name: health, get: /health, on: step }]",
    )]);
    let table = [
        (&settings_with_tests(&[]), shifting(5, &[]), 1),
        (&settings_with_tests(&[]), shifting(0, &[]), 0),
        (&settings_with_tests(&[]), shifting(5, &["errors"]), 0),
        (&at_steps, shifting(5, &[]), 0),
        (
            &settings(&[("INPUT_WAIT-FOR-SERVICE-STABILITY", "false")]),
            shifting(5, &[]),
            0,
        ),
    ];
    for (settings, snapshot, expected) in table {
        assert_eq!(says(settings, &snapshot), expected, "{:?}", snapshot.alarms);
    }
}

#[test]
fn a_url_at_which_nothing_answers_is_refused_where_something_serves_and_said_where_nothing_does_yet()
 {
    let with = |running: i64, listener: &str| {
        let unreachable = vec![crate::survey::UnreachableUrl {
            input: "test-url",
            url: "https://green.example:8443/".into(),
            why: "refused".into(),
        }];
        let urls = crate::survey::Urls {
            unreachable,
            ..crate::survey::Urls::default()
        };
        let mut snapshot = Snapshot {
            urls,
            ..codedeploy_snapshot(ReadyWait::Minutes(60))
        };
        snapshot.service.as_mut().unwrap().running_count = running;
        snapshot.group.as_mut().unwrap().test_listeners = vec![listener.into()];
        snapshot
    };
    let (app, net) = (
        "arn:aws:x:r:1:listener/app/front/50dc/f2f7",
        "arn:aws:x:r:1:listener/net/front/50dc/f2f7",
    );
    let found = plan_problems(&settings_with_tests(&[]), &with(1, app));
    assert!(
        found[0].starts_with("test-url: https://green.example:8443/ cannot be reached from this runner: refused -> check the host"),
        "{found:?}"
    );
    for snapshot in [with(0, app), with(1, net)] {
        let planned = plan(&settings_with_tests(&[]), &snapshot).unwrap();
        assert!(
            planned
                .warnings
                .iter()
                .any(|warning| warning.contains("cannot be reached from this runner")),
            "{:?}",
            planned.warnings
        );
    }
}

#[test]
fn green_is_not_looked_for_behind_production_s_listener() {
    let arn = |kind: &str, id: &str| {
        format!("arn:aws:elasticloadbalancing:r:1:{kind}/app/front/50dc/{id}")
    };
    let snapshot = |behind: &[String], test: String, production: String| {
        let urls = crate::survey::Urls {
            test_url_listeners: crate::survey::TestUrlListeners::Known(
                behind.iter().cloned().collect(),
            ),
            ..Default::default()
        };
        let mut snapshot = Snapshot {
            urls,
            ..codedeploy_snapshot(ReadyWait::Minutes(60))
        };
        let group = snapshot.group.as_mut().unwrap();
        (group.test_listeners, group.production_listeners) = (vec![test], vec![production]);
        snapshot
    };
    let (test, production) = (arn("listener", "test"), arn("listener", "prod"));
    let wrong = snapshot(
        std::slice::from_ref(&production),
        test.clone(),
        production.clone(),
    );
    assert!(
        plan_problems(&settings_with_tests(&[]), &wrong)[0]
            .starts_with("test-url: it leads to production's listener")
    );
    let listener = |snapshot: &Snapshot| {
        plan(&settings_with_tests(&[]), snapshot)
            .unwrap()
            .rollout
            .unwrap()
            .test_url
            .listener
    };
    assert_eq!(
        listener(&snapshot(
            std::slice::from_ref(&test),
            test.clone(),
            production.clone()
        )),
        Ok(test.clone())
    );
    assert!(listener(&snapshot(&[], test.clone(), production.clone())).is_err());
    // One listener may have a rule for each side.
    let rule = |id: &str| format!("{}/{id}", arn("listener-rule", "prod"));
    assert_eq!(
        listener(&snapshot(
            std::slice::from_ref(&production),
            rule("green"),
            rule("blue")
        )),
        Ok(production.clone())
    );
    let by_header = settings_with_tests(&[(
        "INPUT_SMOKE-TESTS",
        "defaults: { test-header: true }\ntests: [{ name: health, get: /health }]",
    )]);
    assert!(plan(&by_header, &wrong).is_ok());
}
