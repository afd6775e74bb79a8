//! How a story is set up: the service, its controller, and what is particular about the stage.

use ecs_bluegreen_sim::world::load::LoadOptions;
use ecs_bluegreen_sim::{
    Clock, Controller, EcsStrategyOptions, Exposure, Fault, GroupOptions, RollingOptions,
    ServiceOptions, Stage, StageOptions, Strategy, Switches,
};
use serde_json::{Value, json};

use super::action::Action;
use super::action_run::ActionRun;
use super::play::{Play, Users};
use super::promises::{REGISTRY_PASSWORD, SMOKE_TOKEN};

/// Where the sample application's secret comes from.
const TOKEN_PARAMETER: &str = "arn:aws:ssm:eu-central-1:123456789012:parameter/smoke-token";
/// Another one, which only some stories use.
const SESSION_PARAMETER: &str = "arn:aws:ssm:eu-central-1:123456789012:parameter/session-key";

/// A stage that has not begun.
pub(crate) struct Story {
    options: StageOptions,
    service: ServiceOptions,
    users: Users,
}

impl Story {
    /// A service under CodeDeploy, whose group waits for the tests and shifts in two steps.
    pub(crate) fn codedeploy() -> Self {
        let config = "CodeDeployDefault.ECSCanary10Percent5Minutes".to_owned();
        Self::group(GroupOptions {
            config,
            alarms: vec!["errors".to_owned()],
            ..GroupOptions::default()
        })
    }

    /// A service under CodeDeploy with a group of one's own.
    pub(crate) fn group(group: GroupOptions) -> Self {
        Self::new(Controller::CodeDeploy(group), Exposure::new("app", 8080))
    }

    /// A service that ECS rolls in place.
    pub(crate) fn rolling(rolling: RollingOptions) -> Self {
        Self::new(
            Controller::Rolling(rolling),
            Exposure {
                test: None,
                ..Exposure::new("app", 8080)
            },
        )
    }

    /// A service whose traffic ECS moves by itself.
    pub(crate) fn ecs(options: EcsStrategyOptions) -> Self {
        Self::new(Controller::Ecs(options), Exposure::new("app", 8080))
    }

    /// Blue/green by ECS, with nothing particular.
    pub(crate) fn blue_green() -> Self {
        Self::ecs(EcsStrategyOptions {
            alarms: vec!["errors".to_owned()],
            ..EcsStrategyOptions::default()
        })
    }

    /// A canary of ten percent.
    pub(crate) fn canary() -> Self {
        let strategy = Strategy::Canary {
            percent: 10.0,
            bake_minutes: 5,
        };
        Self::ecs(EcsStrategyOptions {
            strategy,
            alarms: vec!["errors".to_owned()],
            ..EcsStrategyOptions::default()
        })
    }

    /// Four steps of a quarter.
    pub(crate) fn linear() -> Self {
        let strategy = Strategy::Linear {
            percent: 25.0,
            bake_minutes: 1,
        };
        Self::ecs(EcsStrategyOptions {
            strategy,
            alarms: vec!["errors".to_owned()],
            ..EcsStrategyOptions::default()
        })
    }

    /// A service that somebody else rolls out.
    pub(crate) fn external() -> Self {
        Self::new(Controller::External, Exposure::new("app", 8080))
    }

    fn new(controller: Controller, exposure: Exposure) -> Self {
        let service = ServiceOptions {
            name: "api".to_owned(),
            controller,
            desired: 1,
            task_definition: definition("${registry}/app:1.0.0"),
            status: "ACTIVE".to_owned(),
            exposure: Some(exposure),
            scaling: None,
        };
        let options = StageOptions {
            // A state waits to be seen: what the log shows does not depend on how busy the machine
            // is.
            clock: Clock::Observed {
                brief_ms: 3_000,
                patience_ms: 10_000,
                ready_minute_ms: 1_000,
            },
            registry_password: REGISTRY_PASSWORD.to_owned(),
            secrets: [
                (TOKEN_PARAMETER.to_owned(), SMOKE_TOKEN.to_owned()),
                (SESSION_PARAMETER.to_owned(), "key of sessions".to_owned()),
            ]
            .into(),
            alarms: [("errors".to_owned(), ecs_bluegreen_sim::AlarmState::Ok)].into(),
            ..StageOptions::default()
        };
        Self {
            options,
            service,
            users: LoadOptions::clone,
        }
    }

    pub(crate) fn stage(mut self, change: impl FnOnce(&mut StageOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Changes how AWS behaves where that is unsure.
    pub(crate) fn switches(self, change: impl FnOnce(&mut Switches)) -> Self {
        self.stage(|options| change(&mut options.switches))
    }

    /// Changes what users do.
    pub(crate) fn users(mut self, users: Users) -> Self {
        self.users = users;
        self
    }

    /// Real time, in which a minute of AWS's lasts a second: nothing moves on because somebody
    /// looked.
    pub(crate) fn in_real_time(self) -> Self {
        self.stage(|options| options.clock = Clock::Scaled(60.0))
    }

    pub(crate) fn service(mut self, change: impl FnOnce(&mut ServiceOptions)) -> Self {
        change(&mut self.service);
        self
    }

    /// Something that goes wrong once the service runs.
    pub(crate) fn fault(self, fault: Fault) -> Self {
        self.stage(|options| options.faults.push(fault))
    }

    /// Starts the stage; the service runs version 1.0.0 steadily.
    pub(crate) async fn begin(mut self) -> Play {
        let recording = tempfile::NamedTempFile::new()
            .expect("a file")
            .into_temp_path();
        self.options.recording = Some(recording.to_path_buf());
        let stage = Stage::start(self.options).await.expect("a stage");
        Play::begin(stage, recording, self.service, self.users).await
    }

    /// The whole story of one run of the action.
    pub(crate) async fn run(self, action: Action) -> ActionRun {
        let mut play = self.begin().await;
        let run = play.act(action).await;
        play.end().await;
        run
    }
}

/// A task definition as a user would write it.
pub(crate) fn definition(image: &str) -> Value {
    json!({
        "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "containerDefinitions": [{
            "name": "app", "image": image, "essential": true, "portMappings": [{ "containerPort": 8080 }],
            "secrets": [{ "name": "SMOKE_TOKEN", "valueFrom": TOKEN_PARAMETER }],
            "logConfiguration": { "logDriver": "awslogs", "options":
                { "awslogs-group": "/ecs/api", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "ecs" } },
        }],
    })
}
