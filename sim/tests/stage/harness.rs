//! A stage with the sample application's images, and a caller that speaks AWS's JSON to it.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ecs_bluegreen_sim::world::oci::{SampleFault, SampleImage, write_layout};
use ecs_bluegreen_sim::{Controller, Exposure, ServiceOptions, Stage, StageOptions};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

/// Long enough for a busy machine, short enough to notice a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The sample application, which the build of the whole workspace puts beside this test. A build of
/// its own here would be one with other features, in the process of every test.
fn sample_app() -> PathBuf {
    let program = std::env::current_exe()
        .expect("this test")
        .ancestors()
        .nth(2)
        .expect("the profile's folder")
        .join("sample-app");
    assert!(program.exists(), "no sample-app: run `make programs` first");
    program
}

/// The versions in the registry: two good ones, and one that does not start.
const VERSIONS: [(&str, SampleFault); 3] = [
    ("1.0.0", SampleFault::None),
    ("1.1.0", SampleFault::None),
    ("1.4.0", SampleFault::Crash),
];

/// Their images, compressed once for all tests: that takes a second each without optimisation.
fn layouts() -> &'static TempDir {
    static LAYOUTS: OnceLock<TempDir> = OnceLock::new();
    LAYOUTS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        for (version, fault) in VERSIONS {
            let layout = folder.path().join(version);
            std::fs::create_dir(&layout).expect("a folder");
            write_layout(
                &SampleImage {
                    binary: sample_app(),
                    version: version.to_owned(),
                    fault,
                },
                &layout,
            )
            .expect("a layout");
        }
        folder
    })
}

/// A stage and the calls to it.
pub(crate) struct Play {
    pub(crate) stage: Stage,
}

/// What an operation answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Play {
    /// A stage with one service `api` whose version 1.0.0 runs steadily.
    pub(crate) async fn with(controller: Controller, options: StageOptions) -> Self {
        let exposure = Exposure::new("app", 8080);
        let exposure = if matches!(controller, Controller::Rolling(_)) {
            Exposure {
                test: None,
                ..exposure
            }
        } else {
            exposure
        };
        Self::exposed(controller, exposure, options).await
    }

    /// The same behind listeners of the caller's choice.
    pub(crate) async fn exposed(
        controller: Controller,
        exposure: Exposure,
        options: StageOptions,
    ) -> Self {
        let stage = Stage::start(recorded(options)).await.expect("a stage");
        let play = Self { stage };
        for (version, _) in VERSIONS {
            play.stage
                .world()
                .push_layout(&layouts().path().join(version), "app", version)
                .await
                .expect("pushed");
        }
        let service = ServiceOptions {
            name: "api".to_owned(),
            controller,
            desired: 1,
            task_definition: definition("${registry}/app:1.0.0"),
            status: "ACTIVE".to_owned(),
            exposure: Some(exposure),
            scaling: None,
        };
        play.stage.add_service(service).await.expect("a service");
        assert!(
            play.stage.wait_until_steady("api", PATIENCE).await,
            "{:?}",
            play.stage.service_view("api")
        );
        play
    }

    /// Calls an operation of a JSON service.
    pub(crate) async fn call(&self, target: &str, body: &Value) -> Answered {
        let prefix = match target.split_once('.').expect("service.Operation").0 {
            "ecs" => "AmazonEC2ContainerServiceV20141113",
            "codedeploy" => "CodeDeploy_20141006",
            "ecr" => "AmazonEC2ContainerRegistry_V20150921",
            "logs" => "Logs_20140328",
            "cloudwatch" => "GraniteServiceVersion20100801",
            "scaling" => "AnyScaleFrontendService",
            "secretsmanager" => "secretsmanager",
            other => panic!("{other}"),
        };
        let operation = target.split_once('.').expect("service.Operation").1;
        self.try_send(
            &[("x-amz-target", &format!("{prefix}.{operation}"))],
            body.to_string(),
        )
        .await
        .expect("an answer")
    }

    /// The XML of an operation of a query service.
    pub(crate) async fn query(
        &self,
        operation: &str,
        version: &str,
        members: &[(&str, &str)],
    ) -> String {
        let members = members
            .iter()
            .map(|(name, value)| format!("&{name}={value}"))
            .collect::<Vec<_>>()
            .concat();
        let answered = self
            .try_send(
                &[],
                format!("Action={operation}&Version={version}{members}"),
            )
            .await
            .expect("an answer");
        assert_eq!(answered.status, 200, "{operation}: {}", answered.body);
        answered.body.as_str().expect("XML").to_owned()
    }

    /// The answer of an operation that must succeed.
    pub(crate) async fn ask(&self, target: &str, body: Value) -> Value {
        let answered = self.call(target, &body).await;
        assert_eq!(answered.status, 200, "{target}: {}", answered.body);
        answered.body
    }

    /// The code of an operation that must be refused.
    pub(crate) async fn refused(&self, target: &str, body: Value) -> String {
        let answered = self.call(target, &body).await;
        assert_ne!(answered.status, 200, "{target}: {}", answered.body);
        answered.body["__type"].as_str().expect("a code").to_owned()
    }

    /// One request to the AWS port; none when the connection drops.
    pub(crate) async fn try_send(
        &self,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<Answered> {
        let mut request = Request::post(self.stage.endpoint())
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIASTAGE");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client
            .request(
                request
                    .body(Full::<bytes::Bytes>::from(body))
                    .expect("a request"),
            )
            .await
            .ok()?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Some(Answered { status, body })
    }

    /// The text of a page behind a listener.
    pub(crate) async fn get(&self, listener: &str, path: &str) -> String {
        self.get_with(listener, path, &[]).await
    }

    /// The same, with headers.
    pub(crate) async fn get_with(
        &self,
        listener: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> String {
        let url = format!(
            "{}{path}",
            self.stage.listener_url(listener).expect("a listener")
        );
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = headers
            .iter()
            .fold(Request::get(url), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = request
            .body(Full::<bytes::Bytes>::default())
            .expect("a request");
        let response = client.request(request).await.expect("an answer");
        String::from_utf8_lossy(
            &response
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes(),
        )
        .into_owned()
    }

    /// Registers a revision with an image of the registry.
    pub(crate) async fn register(&self, version: &str) -> String {
        let definition = definition(&format!("{}/app:{version}", self.stage.registry_host()));
        let answer = self.ask("ecs.RegisterTaskDefinition", definition).await;
        answer["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .expect("an ARN")
            .to_owned()
    }

    /// Asks for something again and again until it is as it should be.
    pub(crate) async fn until(
        &self,
        target: &str,
        body: Value,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.ask(target, body.clone()).await;
            if holds(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{target} stays {answer:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A page below `/_stage/`.
pub(crate) async fn page(play: &Play, name: &str) -> Value {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("{}/_stage/{name}", play.stage.endpoint()))
        .body(Full::<bytes::Bytes>::default());
    let response = client
        .request(request.expect("a request"))
        .await
        .expect("an answer");
    serde_json::from_slice(
        &response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes(),
    )
    .expect("JSON")
}

/// Numbers the recordings.
static STAGES: AtomicUsize = AtomicUsize::new(0);

/// With `STAGE_RECORDINGS` set, every stage of these tests records there, for validate.py.
fn recorded(mut options: StageOptions) -> StageOptions {
    #[expect(clippy::disallowed_methods, reason = "a test asks its own environment")]
    let folder = std::env::var("STAGE_RECORDINGS").ok();
    let number = STAGES.fetch_add(1, Ordering::Relaxed);
    options.recording =
        folder.map(|folder| PathBuf::from(folder).join(format!("stage-{number}.jsonl")));
    options
}

/// A definition as a user would write it.
pub(crate) fn definition(image: &str) -> Value {
    json!({
        "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "containerDefinitions": [{
            "name": "app", "image": image, "essential": true, "portMappings": [{ "containerPort": 8080 }],
            "logConfiguration": { "logDriver": "awslogs", "options":
                { "awslogs-group": "/ecs/api", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "ecs" } },
        }],
    })
}
