//! PURE: whether test-url leads to green's listener, to production's, or to neither as far as is
//! known.

use super::RolloutKind;
use crate::aws::arn::listener_arn;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::settings::combinations::GREEN_URL;
use crate::survey::{Snapshot, TestUrlListeners};

/// What is known of test-url before the start.
#[derive(Debug, Clone)]
pub struct TestUrlPlan {
    /// The test listener that it leads to, or why that is not known.
    pub listener: Result<String, String>,
    /// Whether a version other than ours answers there.
    pub tells_another_version: bool,
}

pub(super) fn plan(snapshot: &Snapshot, kind: &RolloutKind) -> TestUrlPlan {
    TestUrlPlan {
        listener: find_test_listener(snapshot, kind),
        tells_another_version: snapshot.urls.tells_another_version,
    }
}

fn find_test_listener(snapshot: &Snapshot, kind: &RolloutKind) -> Result<String, String> {
    let test = listener_arns(kind.test_listeners());
    if test.is_empty() {
        return Err(kind.no_test_listener_reason().to_owned());
    }
    match &snapshot.urls.test_url_listeners {
        TestUrlListeners::NotRead(why) => Err(why.clone()),
        TestUrlListeners::Known(behind) => test
            .into_iter()
            .find(|listener| behind.contains(listener))
            .ok_or_else(|| {
                "its host and port are not known to be those of the test listener's load balancer"
                    .to_owned()
            }),
    }
}

fn listener_arns(arns: &[String]) -> Vec<String> {
    arns.iter().filter_map(|arn| listener_arn(arn)).collect()
}

/// Tests of green at production's listener would test blue. If both sides share a listener, its
/// rules tell them apart.
pub(super) fn production_url_problem(settings: &Settings, snapshot: &Snapshot) -> Option<Problem> {
    let (production, test) = match (&snapshot.group, &snapshot.service) {
        (Some(group), _) => (
            listener_arns(&group.production_listeners),
            listener_arns(&group.test_listeners),
        ),
        (None, Some(service)) => (
            listener_arns(&service.production_rules()),
            listener_arns(&service.test_rules()),
        ),
        (None, None) => return None,
    };
    let TestUrlListeners::Known(behind) = &snapshot.urls.test_url_listeners else {
        return None;
    };
    let by_header = settings
        .checks
        .suite
        .as_ref()
        .is_some_and(crate::checks::smoke::Suite::has_test_header);
    let leads_to =
        |listeners: &[String]| listeners.iter().any(|listener| behind.contains(listener));
    let is_wrong =
        settings.mode.plans_deployment() && !by_header && leads_to(&production) && !leads_to(&test);
    is_wrong.then(|| {
        let message = "it leads to production's listener, where blue answers until traffic has shifted: green would not be tested";
        Problem::new("test-url", message, GREEN_URL)
    })
}

pub(crate) fn find_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    let (unreachable, _) = unreachable_urls(snapshot);
    production_url_problem(settings, snapshot)
        .into_iter()
        .chain(unreachable)
        .collect()
}

/// URLs at which nothing answers: those that are refused, and those that are only a warning. Before
/// a first deployment nothing has to answer.
pub(super) fn unreachable_urls(snapshot: &Snapshot) -> (Vec<Problem>, Vec<String>) {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let serves = snapshot
        .service
        .as_ref()
        .is_some_and(|service| service.running_count > 0);
    // A rollout that an earlier attempt of this run started must not be refused half-way.
    let is_under_way = snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours);
    // Without the group the kind of load balancer is not known.
    let is_codedeploy = snapshot.service.as_ref().is_some_and(|service| {
        service.controller() == crate::aws::ecs_shapes::DeploymentController::CodeDeploy
    });
    let is_unknown = is_codedeploy && snapshot.group.is_none();
    for found in &snapshot.urls.unreachable {
        let message = format!(
            "{} cannot be reached from this runner: {}",
            found.url, found.why
        );
        // A network load balancer without a healthy target closes the connection. Behind its test
        // listener there is none before green, and behind production's there may be none because
        // blue is broken, which this very deployment is to repair.
        let is_passed_on = if found.input == "test-url" {
            is_network_balancer(&test_listeners(snapshot))
        } else {
            is_direct_to_tasks(snapshot)
        };
        let may_come = !serves || is_under_way || is_passed_on || is_unknown;
        if may_come {
            warnings.push(format!(
                "{}: {message}; the tests there fail unless that changes once green is up",
                found.input
            ));
        } else {
            let remedy = "check the host, the port and the listener behind it, its security group, and whether this runner is in a network that may reach it";
            problems.push(Problem::new(found.input, message, remedy));
        }
    }
    (problems, warnings)
}

fn test_listeners(snapshot: &Snapshot) -> Vec<String> {
    let of_service = || {
        snapshot
            .service
            .as_ref()
            .map(crate::aws::ecs_shapes::Service::test_rules)
    };
    snapshot
        .group
        .as_ref()
        .map(|group| group.test_listeners.clone())
        .or_else(of_service)
        .unwrap_or_default()
}

/// Whether clients of production's URL connect to the tasks directly, so that nothing answers in
/// their place.
fn is_direct_to_tasks(snapshot: &Snapshot) -> bool {
    let of_service = || {
        snapshot
            .service
            .as_ref()
            .map(crate::aws::ecs_shapes::Service::production_rules)
    };
    let listeners = snapshot
        .group
        .as_ref()
        .map(|group| group.production_listeners.clone())
        .or_else(of_service)
        .unwrap_or_default();
    let has_balancer = snapshot.group.is_some()
        || snapshot
            .service
            .as_ref()
            .is_some_and(|service| !service.load_balancers.is_empty());
    !has_balancer || is_network_balancer(&listeners)
}

fn is_network_balancer(listeners: &[String]) -> bool {
    listeners.iter().any(|listener| {
        listener.contains(":listener/net/") || listener.contains(":listener-rule/net/")
    })
}
