//! PURE: the lines of a verification. A new one is an entry here, and a file with a function that
//! looks.

use super::{
    LineResult, Subject, basics, container, files, forecast, hooks, logging, permissions, quota,
    repository, roles, rotation, secrets, size, target_groups, time, urls,
};

/// A line: its name, the inputs whose problems belong to it, and who looks.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Problems of these inputs are shown here.
    pub(super) inputs: &'static [&'static str],
    /// When what is wrong ends a run.
    pub(super) refuses: Refuses,
    pub(super) look: fn(&Subject<'_>) -> Vec<LineResult>,
}

/// When what a line finds to be wrong ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refuses {
    /// Also before a deployment's first write: it is certain, and known without another read.
    Deployments,
    /// Only in a verification.
    Verifications,
}

use Refuses::{Deployments, Verifications};

const fn line(
    name: &'static str,
    inputs: &'static [&'static str],
    refuses: Refuses,
    look: fn(&Subject<'_>) -> Vec<LineResult>,
) -> Line {
    Line {
        name,
        inputs,
        refuses,
        look,
    }
}

/// Every line, in the order in which a deployment needs them.
pub(super) const LINES: &[Line] = &[
    line(
        "credentials and region",
        &["credentials", "aws-region"],
        Verifications,
        basics::region,
    ),
    line(
        "cluster and service",
        &["cluster", "service"],
        Verifications,
        basics::service,
    ),
    line(
        "controller and strategy",
        STRATEGY_INPUTS,
        Verifications,
        basics::controller,
    ),
    line(
        "deployment group",
        GROUP_INPUTS,
        Verifications,
        basics::group,
    ),
    line("free slot", &["if-running"], Verifications, basics::slot),
    line("production traffic", &[], Verifications, basics::traffic),
    line("target groups", &[], Verifications, target_groups::look),
    line("hooks", &[], Verifications, hooks::look),
    line(
        "task definition",
        DEFINITION_INPUTS,
        Verifications,
        basics::definition,
    ),
    line("container and port", &[], Deployments, container::look),
    line("CPU and memory", &[], Deployments, size::look),
    line("roles", &[], Deployments, roles::look),
    line("secrets and parameters", &[], Deployments, secrets::look),
    line("rotation of secrets", &[], Verifications, rotation::look),
    line("log configuration", &[], Deployments, logging::look),
    line("environment files", &[], Deployments, files::look),
    line("image", IMAGE_INPUTS, Verifications, basics::image),
    line(
        "repository and tags",
        REPOSITORY_INPUTS,
        Verifications,
        basics::repository,
    ),
    line("repository settings", &[], Verifications, repository::look),
    line(
        "alarms",
        &["alarms", "waive-alarms"],
        Verifications,
        basics::alarms,
    ),
    line(
        "URLs of the tests",
        &["test-url", "production-url"],
        Verifications,
        urls::look,
    ),
    line(
        "smoke tests",
        TEST_INPUTS,
        Verifications,
        basics::smoke_tests,
    ),
    line("analysis", &["analysis"], Verifications, basics::analysis),
    line("forecast", &[], Verifications, forecast::look),
    line(
        "time",
        &["deadline", "wait-for-minutes"],
        Verifications,
        time::look,
    ),
    line("quota of Fargate", &[], Verifications, quota::look),
    line("permissions", &["aws"], Verifications, permissions::look),
];

const STRATEGY_INPUTS: &[&str] = &[
    "strategy",
    "canary-percent",
    "canary-bake",
    "step-percent",
    "step-bake",
    "bake",
    "manage-hooks",
];
const GROUP_INPUTS: &[&str] = &[
    "codedeploy-application",
    "codedeploy-deployment-group",
    "codedeploy-deployment-config",
    "codedeploy-appspec",
];
const DEFINITION_INPUTS: &[&str] = &[
    "task-definition",
    "task-definition-arn",
    "task-definition-family",
    "container",
    "secrets",
    "environment-variables",
    "run-task-container-overrides",
];
const REPOSITORY_INPUTS: &[&str] = &["repository", "tags", "create-repository", "registries"];
const IMAGE_INPUTS: &[&str] = &[
    "image",
    "registry-username",
    "registry-password",
    "docker-config",
];
const TEST_INPUTS: &[&str] = &["smoke-tests", "version", "expose-env"];
