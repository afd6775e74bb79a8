//! A story under way: the stage with users on it, and the runs of the action.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ecs_bluegreen::drift::RECORD_TAG;
use ecs_bluegreen::inputs::TABLE;
use ecs_bluegreen_sim::world::load::{Load, LoadOptions, Stats};
use ecs_bluegreen_sim::{Entry, ServiceOptions, Stage};

use tempfile::TempPath;

use super::action::Action;
use super::action_run::ActionRun;
use super::incidents::When;
use super::promises::{self, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, SMOKE_TOKEN};
use super::redact::Redactor;
use super::runner::{self, Job};
use super::trust::AUTHORITY;
use super::{images, judge, process};

/// Long enough for a busy machine.
const STEADY: Duration = Duration::from_secs(30);

/// What the users of a story do.
pub(super) type Users = fn(&LoadOptions) -> LoadOptions;

/// A running story. It must be played to its end.
pub(crate) struct Play {
    pub(crate) stage: Stage,
    /// Every exchange with AWS.
    pub(crate) recording: TempPath,
    job: Job,
    users: Option<Load>,
    called: usize,
    has_ended: bool,
}

impl Drop for Play {
    fn drop(&mut self) {
        assert!(
            self.has_ended || std::thread::panicking(),
            "the story has no end: what its users saw is not asserted"
        );
    }
}

impl Play {
    /// With the service running 1.0.0, and users before its production listener.
    pub(super) async fn begin(
        stage: Stage,
        recording: TempPath,
        service: ServiceOptions,
        users: Users,
    ) -> Self {
        stage
            .world()
            .push_layout(&images::layout("1.0.0"), "app", "1.0.0")
            .await
            .expect("pushed");
        let (name, is_active, serves) = (
            service.name.clone(),
            service.status == "ACTIVE",
            service.desired > 0,
        );
        stage.add_service(service).await.expect("a service");
        assert!(
            !is_active || stage.wait_until_steady(&name, STEADY).await,
            "{:?}",
            stage.service_view(&name)
        );
        let users = (is_active && serves)
            .then(|| stage.listener("prod"))
            .flatten()
            .map(|listener| {
                Load::start(users(&LoadOptions {
                    connections: 2,
                    pause: Duration::from_millis(20),
                    ..LoadOptions::for_target(listener)
                }))
            });
        Self {
            stage,
            recording,
            job: Job::new(),
            users,
            called: 0,
            has_ended: false,
        }
    }

    /// Puts a version into the registry, for actions that bring none.
    pub(crate) async fn push_version(self, version: &str) -> Self {
        self.stage
            .world()
            .push_layout(&images::layout(version), "app", version)
            .await
            .expect("pushed");
        self
    }

    /// Gives a version another name in the registry.
    pub(crate) async fn tag_version(self, version: &str, tag: &str) -> Self {
        self.stage
            .world()
            .push_layout(&images::layout(version), "app", tag)
            .await
            .expect("pushed");
        self
    }

    pub(crate) async fn act(&mut self, action: Action) -> ActionRun {
        let files = self.job.step();
        let variables = self.prepare(&self.job, &files, &action);
        let inputs = action
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), self.fill_placeholders(value)))
            .chain(self.input_variables(&action))
            .collect();
        let options: Vec<&str> = action.options.iter().map(String::as_str).collect();
        let finished = process::run(&options, &variables, &self.stage, action.incidents).await;
        let run = ActionRun {
            inputs,
            ..self.collect(finished, &self.job, &files)
        };
        self.called += run.calls.len() + run.records.len();
        run
    }

    /// Runs actions at the same time, each on a machine of its own. All of them tell the same
    /// calls.
    pub(crate) async fn act_at_once<const N: usize>(
        &mut self,
        actions: [Action; N],
    ) -> [ActionRun; N] {
        self.act_from(actions.map(|action| (None, action))).await
    }

    /// Runs two actions, the second from a point in time of the stage on.
    pub(crate) async fn act_in_a_row(
        &mut self,
        first: Action,
        begun: When,
        second: Action,
    ) -> [ActionRun; 2] {
        self.act_from([(None, first), (Some(begun), second)]).await
    }

    /// Each on a machine of its own, from its start time on.
    async fn act_from<const N: usize>(
        &mut self,
        actions: [(Option<When>, Action); N],
    ) -> [ActionRun; N] {
        let machines = actions.map(|(begun, action)| {
            let mut job = Job::new();
            let files = job.step();
            (
                begun,
                self.prepare(&job, &files, &action),
                action.incidents,
                job,
                files,
            )
        });
        let run = async |(begun, variables, incidents, job, files): (
            Option<When>,
            BTreeMap<String, String>,
            _,
            _,
            _,
        )| {
            if let Some(begun) = begun {
                let has_come = |stage: &Stage| begun.has_come(stage, &[], Duration::ZERO);
                assert!(
                    self.stage.wait_until(STEADY, has_come).await,
                    "the moment never came: {begun:?}"
                );
            }
            (
                process::run(&[], &variables, &self.stage, incidents).await,
                job,
                files,
            )
        };
        let finished = futures_util::future::join_all(machines.into_iter().map(run)).await;
        let runs: Vec<ActionRun> = finished
            .into_iter()
            .map(|(finished, job, files)| self.collect(finished, &job, &files))
            .collect();
        self.called += runs[0].calls.len() + runs[0].records.len();
        runs.try_into()
            .unwrap_or_else(|_| panic!("as many as there were"))
    }

    /// The inputs of an action, as the runner gives them.
    fn input_variables(&self, action: &Action) -> BTreeMap<String, String> {
        action
            .inputs
            .iter()
            .map(|(name, value)| (input(name), self.fill_placeholders(value)))
            .collect()
    }

    /// Lays out what an action brings, and gives its variables.
    fn prepare(
        &self,
        job: &Job,
        files: &runner::Files,
        action: &Action,
    ) -> BTreeMap<String, String> {
        self.write_files(job, action);
        let mut variables = self.variables(job);
        variables.extend(files.variables());
        let environment = action.environment.iter();
        variables
            .extend(environment.map(|(name, value)| (name.clone(), self.fill_placeholders(value))));
        variables.retain(|_, value| !value.is_empty());
        // The runner gives every input that is not set as an empty text.
        variables.extend(TABLE.iter().map(|known| (input(known.name), String::new())));
        variables.extend(self.input_variables(action));
        if !action.options.is_empty() {
            let is_github = |name: &str| {
                ["GITHUB_", "RUNNER_", "INPUT_", "CI"]
                    .iter()
                    .any(|begin| name.starts_with(begin))
            };
            variables.retain(|name, _| !is_github(name));
        }
        variables
    }

    /// Runs the post step of a run: with the inputs and the environment of main, as the runner
    /// does.
    pub(crate) async fn post(&mut self, main: &ActionRun) -> ActionRun {
        let files = self.job.step();
        let mut variables = self.variables(&self.job);
        variables.extend(main.inputs.clone());
        variables.extend(files.variables());
        variables.extend(
            main.state
                .iter()
                .map(|(name, value)| (format!("STATE_{name}"), value.clone())),
        );
        variables.retain(|name, value| !value.is_empty() || name.starts_with("INPUT_"));
        let finished = process::run(&["post"], &variables, &self.stage, Vec::new()).await;
        let run = self.collect(finished, &self.job, &files);
        self.called += run.calls.len() + run.records.len();
        run
    }

    fn collect(&self, finished: process::Finished, job: &Job, files: &runner::Files) -> ActionRun {
        let journal =
            std::fs::read_to_string(job.temp().join("ecs-bluegreen.jsonl")).unwrap_or_default();
        let ledger = self.stage.ledger();
        let run = ActionRun {
            code: finished.status.code(),
            log: finished.log,
            errors: finished.errors,
            inputs: BTreeMap::new(),
            outputs: runner::values(&files.output),
            state: runner::values(&files.state),
            summary: std::fs::read_to_string(&files.summary).expect("a summary"),
            journal,
            calls: ledger[self.called..]
                .iter()
                .filter(|call| !is_record(call))
                .cloned()
                .collect(),
            records: ledger[self.called..]
                .iter()
                .filter(|call| is_record(call))
                .cloned()
                .collect(),
            redactor: Redactor::for_stage(&self.stage, &job.workspace()),
        };
        promises::check(&run);
        run
    }

    /// The runner's variables, and the credentials that another step left in the environment.
    fn variables(&self, job: &Job) -> BTreeMap<String, String> {
        let pairs = [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_SESSION_TOKEN", SESSION_TOKEN.to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ENDPOINT_URL", self.stage.endpoint()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("DOCKER_HOST", "unix:///nonexistent/docker.sock".to_owned()),
            ("SMOKE_TOKEN", SMOKE_TOKEN.to_owned()),
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_RUN_NUMBER", "7".to_owned()),
            ("GITHUB_API_URL", self.stage.github_url()),
            ("GITHUB_REPOSITORY", "org/repo".to_owned()),
            (
                "GITHUB_WORKFLOW_REF",
                "org/repo/.github/workflows/deploy.yml@refs/heads/main".to_owned(),
            ),
            ("GITHUB_REF", "refs/heads/main".to_owned()),
            ("GITHUB_REF_NAME", "main".to_owned()),
            (
                "GITHUB_SHA",
                "3f786850e387550fdab836ed7e6dc881de23001b".to_owned(),
            ),
            ("GITHUB_WORKSPACE", job.workspace().display().to_string()),
            ("RUNNER_TEMP", job.temp().display().to_string()),
            ("HOME", "/github/home".to_owned()),
            (AUTHORITY.0, AUTHORITY.1.to_owned()),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn write_files(&self, job: &Job, action: &Action) {
        let workspace = job.workspace();
        std::fs::create_dir_all(workspace.join("images")).expect("a folder");
        for version in &action.versions {
            let copy = workspace.join("images").join(version);
            if !copy.exists() {
                images::copy(&images::layout(version), &copy);
            }
        }
        for (path, content) in &action.files {
            let path = workspace.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, self.fill_placeholders(content)).expect("a file");
        }
        for (path, target) in &action.links {
            std::os::unix::fs::symlink(target, workspace.join(path)).expect("a link");
        }
        for path in &action.pipes {
            let made = std::process::Command::new("mkfifo")
                .arg(workspace.join(path))
                .status()
                .expect("mkfifo");
            assert!(made.success(), "a pipe");
        }
    }

    fn fill_placeholders(&self, text: &str) -> String {
        let url = |name: &str| self.stage.listener_url(name).unwrap_or_default();
        let port = self
            .stage
            .listener("prod")
            .map(|address| address.port().to_string())
            .unwrap_or_default();
        let text = text
            .replace("$TEST", &url("test"))
            .replace("$PRODUCTION", &url("prod"))
            .replace("$METRICS", &self.stage.metrics_url())
            .replace("$GITHUB", &self.stage.github_url());
        text.replace("$PORT", &port)
            .replace("$REGISTRY", &self.stage.registry_host())
    }

    /// `RUNNER_TEMP`.
    pub(crate) fn temp(&self) -> PathBuf {
        self.job.temp()
    }

    /// What users have seen so far.
    pub(crate) fn users(&self) -> Stats {
        self.users.as_ref().map(Load::stats).unwrap_or_default()
    }

    /// The end: no user saw a request fail, and AWS was asked nothing that it does not know, as it
    /// wants to be asked.
    pub(crate) async fn end(mut self) {
        self.has_ended = true;
        if let Some(users) = self.users.take() {
            let seen = users.stop().await;
            assert!(seen.requests > 0, "nobody used the service");
            assert_eq!(
                seen.unexpected, 0,
                "requests of users failed: {:?}",
                seen.failures_by_kind
            );
        }
        assert_eq!(self.stage.unknown_operations(), BTreeMap::new());
        promises::check_permissions(&self.stage);
        assert_eq!(judge::find_violations(&self.recording), None);
    }
}

/// The tag with which every deployment ends. Stories about it are in `drift.rs`; elsewhere it would
/// only be one more line.
fn is_record(call: &Entry) -> bool {
    call.operation == "ecs:TagResource" && call.request["tags"][0]["key"] == RECORD_TAG
}

/// As the runner names it: upper case, spaces become underscores, hyphens stay.
fn input(name: &str) -> String {
    format!("INPUT_{}", name.to_uppercase().replace(' ', "_"))
}
