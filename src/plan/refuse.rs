//! PURE: what the plan refuses: things that would fail later, or that would let untested code reach
//! users.

use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::{DeploymentGroup, ReadyWait};
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::choices::{Approval, Follow, IfRunning};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::survey::{ImageFound, RunningRollout, Snapshot};

/// Problems with what the inputs name in AWS.
pub(super) fn find_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    let Some(service) = &snapshot.service else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    if !service.is_active() {
        problems.push(Problem::new(
            "service",
            format!("`{}` is {}", service.service_name, service.status),
            "deploy to an ACTIVE service, or create it again",
        ));
        return problems;
    }
    problems.extend(approval_problem(settings, snapshot, service));
    match service.controller() {
        DeploymentController::CodeDeploy => {
            problems.extend(group_problems(settings, snapshot, service));
            problems.extend(codedeploy_input_problems(settings));
        }
        DeploymentController::Ecs(strategy) => {
            problems.extend(rolling_problem(settings, &strategy));
        }
        DeploymentController::Other(word) => problems.push(Problem::new(
            "service",
            format!("Unsupported deployment controller: {word}"),
            "use a service whose deployment controller is CODE_DEPLOY or ECS",
        )),
    }
    problems
}

/// An image that is only known by its name has no scan that could be read.
pub(super) fn scan_problem(settings: &Settings, snapshot: &Snapshot) -> Option<Problem> {
    let Some(ImageFound::ByName(name)) = &snapshot.image else {
        return None;
    };
    let message = format!("{name} is not in the account's registry, whose scan could be read");
    settings.scan.as_ref().map(|_| {
        Problem::new(
            "scan",
            message,
            "set repository, so that the image is pushed there; or leave scan out",
        )
    })
}

fn group_problems(settings: &Settings, snapshot: &Snapshot, service: &Service) -> Vec<Problem> {
    let Some(group) = &snapshot.group else {
        return Vec::new();
    };
    group_mismatch(settings, group, service)
        .into_iter()
        .chain(untestable_group(settings, group))
        .collect()
}

/// Whether a group deploys to the service.
pub(super) fn is_group_of(group: &DeploymentGroup, service: &Service) -> bool {
    group.services.iter().any(|(cluster, name)| {
        short_name(cluster) == service.cluster_name()
            && short_name(name) == service.service_name.as_str()
    })
}

fn group_mismatch(
    settings: &Settings,
    group: &DeploymentGroup,
    service: &Service,
) -> Option<Problem> {
    if is_group_of(group, service) {
        return None;
    }
    let theirs = group
        .services
        .iter()
        .map(|(cluster, name)| format!("{cluster}/{name}"))
        .collect::<Vec<_>>()
        .join(", ");
    let theirs = if theirs.is_empty() {
        "no ECS service".to_owned()
    } else {
        theirs
    };
    let message = format!(
        "group `{}` deploys to {theirs}, not to {}/{}",
        settings.rollout.group,
        service.cluster_name(),
        service.service_name
    );
    Some(Problem::new(
        "codedeploy-deployment-group",
        message,
        "set codedeploy-application and codedeploy-deployment-group to those of the service",
    ))
}

/// Green must be tested before users reach it, but the group does not wait for that.
fn untestable_group(settings: &Settings, group: &DeploymentGroup) -> Option<Problem> {
    let tests_green = settings.checks.tests_green();
    if !tests_green || group.ready_wait != ReadyWait::Continue {
        return None;
    }
    let message = format!(
        "group `{}` shifts traffic as soon as green is up (CONTINUE_DEPLOYMENT), so green cannot be tested before users reach it",
        settings.rollout.group
    );
    Some(Problem::new(
        settings.checks.green_gate_input(),
        message,
        format!("let the group wait: {}", wait_command(settings, group)),
    ))
}

/// The command that makes the group wait at green's gate.
fn wait_command(settings: &Settings, group: &DeploymentGroup) -> String {
    let kept = u64::try_from(group.termination_minutes).unwrap_or_default();
    group_command(
        settings,
        kept,
        r#"{"actionOnTimeout":"STOP_DEPLOYMENT","waitTimeInMinutes":60}"#,
    )
}

/// The command that makes the group keep blue for so many minutes.
pub(super) fn keep_blue_command(
    settings: &Settings,
    group: &DeploymentGroup,
    minutes: u64,
) -> String {
    let ready = match group.ready_wait {
        ReadyWait::Continue => r#"{"actionOnTimeout":"CONTINUE_DEPLOYMENT"}"#.to_owned(),
        ReadyWait::Minutes(wait) => {
            format!(r#"{{"actionOnTimeout":"STOP_DEPLOYMENT","waitTimeInMinutes":{wait}}}"#)
        }
    };
    group_command(settings, minutes, &ready)
}

/// The command replaces the whole configuration, so it repeats the present one.
fn group_command(settings: &Settings, minutes: u64, ready: &str) -> String {
    let configuration = format!(
        r#"{{"terminateBlueInstancesOnDeploymentSuccess":{{"action":"TERMINATE","terminationWaitTimeInMinutes":{minutes}}},"deploymentReadyOption":{ready}}}"#
    );
    format!(
        "aws deploy update-deployment-group --region {} --application-name {} --current-deployment-group-name {} --blue-green-deployment-configuration '{configuration}'",
        settings.aws.region, settings.rollout.application, settings.rollout.group
    )
}

fn rolling_problem(settings: &Settings, strategy: &str) -> Option<Problem> {
    let rolling = settings
        .rollout
        .strategy
        .requested
        .map_or(strategy == Strategy::Rolling.aws_name(), |asked| {
            asked == Strategy::Rolling
        });
    let tests_green = settings.checks.tests_green();
    let why = "the service is rolled in place by ECS: there is no green that could be tested before users reach it";
    let input = settings.checks.green_gate_input();
    let leave_out = super::ecs::leave_out_hint(input);
    let remedy = format!(
        "{leave_out} (production-url tests after the rollout), or use strategy blue-green, canary or linear, or CodeDeploy"
    );
    (rolling && tests_green).then(|| Problem::new(input, why, remedy))
}

/// An approval is only possible if the rollout waits.
fn approval_problem(
    settings: &Settings,
    snapshot: &Snapshot,
    service: &Service,
) -> Option<Problem> {
    if settings.control.approval == Approval::None {
        return None;
    }
    let has_gate = match service.controller() {
        DeploymentController::CodeDeploy => snapshot
            .group
            .as_ref()
            .is_none_or(|group| group.ready_wait != ReadyWait::Continue),
        DeploymentController::Ecs(word) => settings
            .rollout
            .strategy
            .requested
            .map_or(word != Strategy::Rolling.aws_name(), |asked| {
                asked != Strategy::Rolling
            }),
        DeploymentController::Other(_) => true,
    };
    let remedy = "use strategy blue-green, canary or linear, or a CodeDeploy group that waits at Ready; or leave approval out";
    (!has_gate).then(|| {
        Problem::new(
            "approval",
            "the rollout has no gate at which it could wait for an approval",
            remedy,
        )
    })
}

/// Inputs that only services with the ECS controller support.
fn codedeploy_input_problems(settings: &Settings) -> Vec<Problem> {
    settings
        .rollout
        .strategy
        .given_inputs()
        .into_iter()
        .map(codedeploy_input_problem)
        .collect()
}

fn codedeploy_input_problem(input: &'static str) -> Problem {
    let message = "the service is deployed by CodeDeploy, whose deployment configuration says how traffic shifts";
    Problem::new(
        input,
        message,
        "leave it out, and set codedeploy-deployment-config, such as CodeDeployDefault.ECSCanary10Percent5Minutes",
    )
}

/// Reasons that may not apply at another time.
pub(super) fn check_startable(settings: &Settings, snapshot: &Snapshot) -> Result<(), Failure> {
    if let Some(running) = snapshot
        .running
        .as_ref()
        .filter(|running| is_in_the_way(settings, running))
    {
        let hint = "wait for it; or let the run do so (if-running: wait), or roll it back first (if-running: supersede)";
        return Err(Failure::new(Reason::AlreadyRunning, running.describe())
            .with_hint(hint)
            .with_hint(running.stop_command()));
    }
    check_zero_tasks(settings, snapshot)
}

/// A rollout that this run continues is not in the way, nor is one that the mode is meant for.
fn is_in_the_way(settings: &Settings, running: &RunningRollout) -> bool {
    settings.mode.plans_deployment()
        && !running.is_ours
        && settings.control.if_running == Some(IfRunning::Fail)
}

/// Where traffic moves by weights, green could never be seen to serve. A rolling service uses the
/// revision for its next task, which is only a warning.
fn check_zero_tasks(settings: &Settings, snapshot: &Snapshot) -> Result<(), Failure> {
    let Some(service) = &snapshot.service else {
        return Ok(());
    };
    let is_asked = requested_count(settings, service).is_some()
        || settings.rollout.follow == Follow::LeaveToAws;
    if service.desired_count > 0 || is_asked || is_rolling(settings, snapshot) {
        return Ok(());
    }
    let sentence = format!(
        "service {} wants zero tasks (desired count 0): nothing would run, and nothing would be tested",
        service.service_name
    );
    let scale = match service.controller() {
        DeploymentController::CodeDeploy => {
            "scale the service up first (aws ecs update-service --desired-count N)"
        }
        DeploymentController::Ecs(_) | DeploymentController::Other(_) => {
            "set desired-count, scale the service up first"
        }
    };
    Err(Failure::new(Reason::ZeroTasks, sentence).with_hint(format!(
        "{scale}, or set wait-for-service-stability: false to only pass the revision to the service"
    )))
}

/// The number of tasks that the rollout sets; CodeDeploy sets none.
pub(super) fn requested_count(settings: &Settings, service: &Service) -> Option<i64> {
    settings
        .rollout
        .desired_count
        .map(i64::from)
        .filter(|_| service.controller() != DeploymentController::CodeDeploy)
}

/// Whether ECS replaces the service's tasks in place, without weights.
pub(super) fn is_rolling(settings: &Settings, snapshot: &Snapshot) -> bool {
    let rolls = |word: &str| {
        word == Strategy::Rolling.aws_name()
            && settings
                .rollout
                .strategy
                .requested
                .is_none_or(|asked| asked == Strategy::Rolling)
    };
    snapshot.service.as_ref().is_some_and(
        |service| matches!(service.controller(), DeploymentController::Ecs(word) if rolls(&word)),
    )
}
