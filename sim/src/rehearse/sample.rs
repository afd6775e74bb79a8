//! The sample application's service, as the stage and a user's repository describe it.

use serde_json::{Value, json};

use crate::options::{Controller, Exposure, ServiceOptions};

/// The ECR repository of the images.
pub const REPOSITORY: &str = "team/sample-app";

/// The container that serves.
pub const CONTAINER: &str = "app";

/// What `SMOKE_TOKEN` holds, in the service and in the workflow's secrets.
pub const TOKEN: &str = "rehearsal-token-2b7e1516";

/// Where the service finds it.
pub const TOKEN_PARAMETER: &str =
    "arn:aws:ssm:eu-central-1:123456789012:parameter/sample-app/smoke-token";

/// The task definition as a user's repository holds it. The application is given the port that
/// users come through.
pub fn task_definition(family: &str, image: &str, production_port: u16) -> Value {
    json!({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/sample-app-execution",
        "containerDefinitions": [{
            "name": CONTAINER, "image": image, "essential": true, "portMappings": [{ "containerPort": 8080 }],
            "environment": [{ "name": "APP_PRODUCTION_PORT", "value": production_port.to_string() }],
            "secrets": [{ "name": "SMOKE_TOKEN", "valueFrom": TOKEN_PARAMETER }],
            "logConfiguration": { "logDriver": "awslogs", "options":
                { "awslogs-group": format!("/ecs/{family}"), "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "ecs" } },
        }],
    })
}

/// A service that runs version 1.0.0, behind listeners of its own: `NAME`, and `NAME-test` where
/// there is green to test.
pub fn service(name: &str, controller: Controller, desired: u32) -> ServiceOptions {
    let test = matches!(controller, Controller::CodeDeploy(_) | Controller::Ecs(_))
        .then(|| format!("{name}-test"));
    ServiceOptions {
        name: name.to_owned(),
        controller,
        desired,
        task_definition: task_definition(name, &format!("${{registry}}/{REPOSITORY}:1.0.0"), 443),
        status: "ACTIVE".to_owned(),
        exposure: Some(Exposure {
            container: CONTAINER.to_owned(),
            port: 8080,
            production: name.to_owned(),
            test,
        }),
        scaling: None,
    }
}
