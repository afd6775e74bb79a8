//! The request limits of a fresh AWS account, by region. Each row is one bucket, and says how sure
//! it is.
//!
//! - ECS: "Request throttling for the Amazon ECS API" in its API reference, in November 2026;
//! - Elastic Load Balancing: "Request throttling for the Elastic Load Balancing API" in its user
//!   guide;
//! - `CloudWatch` and ECR: their "service quotas" pages, which name a rate and no burst: the burst
//!   is a second of it;
//! - chosen: AWS documents nothing. These numbers are careful guesses, nothing may rely on them.

use super::Limit;

/// A row: its name, its operations, the burst, the rate a second.
type Row = (&'static str, &'static str, f64, f64);

const ECS: &[Row] = &[
    (
        "task definition modify",
        "ecs:RegisterTaskDefinition ecs:DeregisterTaskDefinition",
        20.0,
        1.0,
    ),
    (
        "task definition read",
        "ecs:DescribeTaskDefinition ecs:ListTaskDefinitions",
        50.0,
        20.0,
    ),
    (
        "cluster resource modify",
        "ecs:RunTask ecs:StopTask",
        100.0,
        40.0,
    ),
    (
        "cluster resource read",
        "ecs:DescribeTasks ecs:ListTasks",
        100.0,
        20.0,
    ),
    ("service modify", "ecs:UpdateService", 50.0, 5.0),
    (
        "service read",
        "ecs:DescribeServices ecs:ListServices",
        100.0,
        20.0,
    ),
    (
        "service deployment",
        "ecs:DescribeServiceDeployments ecs:ListServiceDeployments",
        50.0,
        20.0,
    ),
    (
        "service revision",
        "ecs:DescribeServiceRevisions",
        50.0,
        20.0,
    ),
];

const OTHERS: &[Row] = &[
    ("load balancing non-mutating", "elbv2:Describe*", 40.0, 10.0),
    ("alarms", "cloudwatch:DescribeAlarms", 9.0, 9.0),
    ("metric data", "cloudwatch:GetMetricData", 50.0, 50.0),
    (
        "secret values",
        "secretsmanager:GetSecretValue",
        10_000.0,
        10_000.0,
    ),
    ("registry token", "ecr:GetAuthorizationToken", 500.0, 500.0),
    ("registry manifests", "ecr:BatchGetImage", 2000.0, 2000.0),
];

const ASSUMED: &[Row] = &[
    // The table of ECS does not name them; they are as rare and as heavy as UpdateService.
    (
        "service deployment modify (chosen)",
        "ecs:ContinueServiceDeployment ecs:StopServiceDeployment",
        50.0,
        5.0,
    ),
    // People who poll CodeDeploy from many pipelines meet "Rate exceeded" early.
    (
        "codedeploy read (chosen)",
        "codedeploy:Get* codedeploy:BatchGet* codedeploy:List*",
        60.0,
        20.0,
    ),
    ("codedeploy modify (chosen)", "codedeploy:*", 20.0, 5.0),
    ("registry read (chosen)", "ecr:Describe*", 50.0, 20.0),
    ("log read (chosen)", "logs:GetLogEvents", 25.0, 25.0),
    // Its quota differs by region, from 5 to 25 a second.
    ("log search (chosen)", "logs:FilterLogEvents", 5.0, 5.0),
    (
        "scaling read (chosen)",
        "application-autoscaling:Describe* application-autoscaling:List*",
        20.0,
        10.0,
    ),
    (
        "scaling modify (chosen)",
        "application-autoscaling:*",
        20.0,
        5.0,
    ),
];

/// All rows. Of two that fit an operation the first counts.
pub(super) fn limits() -> Vec<Limit> {
    ECS.iter()
        .chain(OTHERS)
        .chain(ASSUMED)
        .map(to_limit)
        .collect()
}

fn to_limit(&(name, operations, burst, per_second): &Row) -> Limit {
    let operations = operations.split(' ').map(ToOwned::to_owned).collect();
    Limit {
        name: name.to_owned(),
        operations,
        burst,
        per_second,
    }
}
