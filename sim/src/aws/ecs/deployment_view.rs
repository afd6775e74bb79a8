//! A service deployment as `DescribeServiceDeployments` and `ListServiceDeployments` show it.

use serde_json::{Map, Value, json};

use super::service_view::count_tasks;
use crate::account::{
    Account, AlarmWatch, HookDetail, RevisionSide, ServiceDeployment, ServiceDeploymentStatus,
    epoch_seconds,
};
use crate::options::{Breaker, LoadBalancerKind};
use crate::switches::{PreProduction, Switches};

/// One line of `ListServiceDeployments`.
pub(super) fn summary(
    account: &Account,
    deployment: &ServiceDeployment,
    stop_lag_ms: u64,
) -> Value {
    let mut view = Map::new();
    add_identity(account, deployment, stop_lag_ms, &mut view);
    view.insert(
        "targetServiceRevisionArn".to_owned(),
        json!(deployment.target.revision),
    );
    add_times(
        &mut view,
        &[
            ("startedAt", deployment.started_ms),
            ("finishedAt", deployment.finished_ms),
        ],
    );
    Value::Object(view)
}

pub(super) fn view(
    account: &Account,
    deployment: &ServiceDeployment,
    switches: &Switches,
) -> Value {
    let mut view = Map::new();
    add_identity(account, deployment, switches.supersede_lag_ms, &mut view);
    add_times(
        &mut view,
        &[
            ("startedAt", deployment.started_ms),
            ("finishedAt", deployment.finished_ms),
            ("stoppedAt", deployment.stopped_ms),
            ("updatedAt", Some(deployment.updated_ms)),
        ],
    );
    add_sides(account, deployment, switches.weight_lag_ms, &mut view);
    view.insert(
        "deploymentConfiguration".to_owned(),
        deployment.configuration.view(),
    );
    view.insert(
        "deploymentCircuitBreaker".to_owned(),
        breaker_view(account, deployment),
    );
    view.insert("alarms".to_owned(), alarms_view(deployment));
    let is_hidden = switches.pre_production == PreProduction::Absent && deployment.is_paused();
    if let Some(stage) = deployment.stage.filter(|_| !is_hidden) {
        view.insert("lifecycleStage".to_owned(), json!(stage.as_str()));
    }
    if !deployment.hooks.is_empty() {
        view.insert(
            "lifecycleHookDetails".to_owned(),
            deployment.hooks.iter().map(hook_view).collect(),
        );
    }
    if let Some(back) = &deployment.rollback {
        let mut rollback =
            json!({ "reason": back.reason, "startedAt": epoch_seconds(back.started_ms) });
        if let Some(revision) = &back.revision {
            rollback["serviceRevisionArn"] = json!(revision);
        }
        view.insert("rollback".to_owned(), rollback);
    }
    Value::Object(view)
}

fn add_identity(
    account: &Account,
    deployment: &ServiceDeployment,
    stop_lag_ms: u64,
    view: &mut Map<String, Value>,
) {
    let location = &account.location;
    let members = json!({
        "serviceDeploymentArn": deployment.arn, "serviceArn": location.service_arn(&deployment.service),
        "clusterArn": location.cluster_arn(), "createdAt": epoch_seconds(deployment.created_ms), "status": deployment.visible_status(stop_lag_ms).as_str(),
    });
    view.extend(members.as_object().cloned().unwrap_or_default());
    if let Some(reason) = &deployment.reason {
        view.insert("statusReason".to_owned(), json!(reason));
    }
}

fn add_times(view: &mut Map<String, Value>, all: &[(&str, Option<i64>)]) {
    for (name, at) in all {
        if let Some(at) = at {
            view.insert((*name).to_owned(), epoch_seconds(*at));
        }
    }
}

/// Green has its share and blue has the rest; revisions that are left over from before have
/// nothing.
fn add_sides(
    account: &Account,
    deployment: &ServiceDeployment,
    lag_ms: u64,
    view: &mut Map<String, Value>,
) {
    let history = deployment.configuration.shifts_traffic()
        && account
            .service(&deployment.service)
            .is_some_and(|service| service.kind != LoadBalancerKind::Headless);
    let (test, production) = deployment.visible_shares(lag_ms);
    let weights = |test: f64, production: f64| history.then_some((test, production));
    let mut sources = Vec::new();
    for (index, source) in deployment.sources.iter().enumerate() {
        let blue_weights = if index == 0 {
            (100.0 - test, 100.0 - production)
        } else {
            (0.0, 0.0)
        };
        sources.push(side_view(
            account,
            source,
            weights(blue_weights.0, blue_weights.1),
        ));
    }
    view.insert("sourceServiceRevisions".to_owned(), Value::Array(sources));
    view.insert(
        "targetServiceRevision".to_owned(),
        side_view(account, &deployment.target, weights(test, production)),
    );
}

fn side_view(account: &Account, side: &RevisionSide, weights: Option<(f64, f64)>) -> Value {
    let fleet = account.fleet(&side.fleet);
    let mut view = json!({
        "arn": side.revision, "requestedTaskCount": fleet.map_or(0, crate::account::Fleet::target_count),
        "runningTaskCount": fleet.map_or(0, |fleet| count_tasks(account, fleet, true)),
        "pendingTaskCount": fleet.map_or(0, |fleet| count_tasks(account, fleet, false)),
    });
    if let Some((test, production)) = weights {
        view["requestedTestTrafficWeight"] = json!(test);
        view["requestedProductionTrafficWeight"] = json!(production);
    }
    view
}

fn hook_view(hook: &HookDetail) -> Value {
    let mut view = json!({
        "hookId": hook.id, "targetType": if hook.function.is_some() { "AWS_LAMBDA" } else { "PAUSE" }, "status": hook.status.as_str(),
        "expiresAt": epoch_seconds(hook.expires_ms), "timeoutAction": hook.timeout_action.as_str(),
    });
    if let Some(function) = &hook.function {
        view["targetArn"] = json!(function);
    }
    view
}

fn breaker_view(account: &Account, deployment: &ServiceDeployment) -> Value {
    let failed = deployment.failures;
    let desired = account
        .service(&deployment.service)
        .map_or(0, |service| service.desired);
    let threshold = deployment.configuration.breaker_threshold(desired);
    let status = match (deployment.configuration.breaker(), failed >= threshold) {
        (Breaker::Off, _) => "DISABLED",
        (Breaker::Fail | Breaker::Rollback, true) => "TRIGGERED",
        (Breaker::Fail | Breaker::Rollback, false)
            if deployment.status == ServiceDeploymentStatus::Successful =>
        {
            "MONITORING_COMPLETE"
        }
        (Breaker::Fail | Breaker::Rollback, false) => "MONITORING",
    };
    json!({ "status": status, "failureCount": failed, "threshold": threshold })
}

fn alarms_view(deployment: &ServiceDeployment) -> Value {
    let mut view = json!({ "status": deployment.alarms.as_str(), "alarmNames": deployment.configuration.alarms() });
    if let AlarmWatch::Triggered(names) = &deployment.alarms {
        view["triggeredAlarmNames"] = json!(names);
    }
    view
}
