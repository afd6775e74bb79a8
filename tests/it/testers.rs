//! Testers on a real Docker engine: what they are given, what is reported of them, and that nothing
//! of them is left behind.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecs_bluegreen::aws::Aws;
use ecs_bluegreen::checks::moment::Moment;
use ecs_bluegreen::checks::smoke::Values;
use ecs_bluegreen::clock::Clock;
use ecs_bluegreen::error::Failure;
use ecs_bluegreen::event::{Event, Stamped};
use ecs_bluegreen::plan::ChecksPlan;
use ecs_bluegreen::report::Report;
use ecs_bluegreen::run::{Observers, Run};
use ecs_bluegreen::runner::Runner;
use ecs_bluegreen::settings::Settings;
use ecs_bluegreen::sinks::{console::Console, summary};
use ecs_bluegreen::steps::tester;
use ecs_bluegreen::{inputs, unwind};
use tempfile::TempDir;

/// A secret that a tester is given.
const TOKEN: &str = "canary-tester-token";
/// The tools that a tester of these tests uses.
const TOOLS: &[&str] = &[
    "sh", "cat", "echo", "env", "ls", "mkdir", "printf", "seq", "sleep", "wget",
];

fn engine() -> String {
    std::env::var_os("DOCKER_HOST")
        .and_then(|host| host.into_string().ok())
        .unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned())
}

fn docker(arguments: &[&str]) -> Command {
    let mut docker = Command::new("docker");
    docker.args(arguments).stdin(Stdio::null());
    docker
}

fn said(arguments: &[&str]) -> String {
    let done = docker(arguments).output().expect("docker");
    String::from_utf8(done.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}

/// An image of busybox, gone when dropped.
pub(crate) struct Image(pub(crate) String);

impl Image {
    pub(crate) fn new() -> Self {
        let mut archive = tar::Builder::new(Vec::new());
        archive
            .append_path_with_name("/bin/busybox", "bin/busybox")
            .expect("the package busybox-static");
        for tool in TOOLS {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            archive
                .append_link(&mut header, format!("bin/{tool}"), "busybox")
                .expect("a link");
        }
        let name = format!("ebg-tester-image:{}", std::process::id());
        let mut import = docker(&["import", "--change", "ENV PATH=/bin", "-", &name]);
        let mut import = import
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("docker");
        import
            .stdin
            .take()
            .expect("a pipe")
            .write_all(&archive.into_inner().expect("an archive"))
            .expect("written");
        assert!(import.wait().expect("a status").success());
        Self(name)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = docker(&["image", "rm", "--force", &self.0]).output();
    }
}

/// A job with testers, without AWS.
struct Job {
    folder: TempDir,
    checks: ChecksPlan,
    run: Run,
    events: Arc<Mutex<Vec<Stamped>>>,
}

impl Job {
    /// `$IMAGE` is the image, `$URL` where green is.
    async fn new(document: &str, url: &str, engine: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let variables: BTreeMap<String, String> = [
            ("AWS_REGION", "eu-central-1"),
            ("GITHUB_WORKSPACE", folder.path().to_str().expect("UTF-8")),
            ("GITHUB_RUN_ID", "4711"),
            ("DOCKER_HOST", engine),
            ("TESTER_TOKEN", TOKEN),
            ("INPUT_SERVICE", "api"),
            ("INPUT_SMOKE-TESTS", document),
            ("INPUT_TEST-URL", url),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let runner = Runner::from_variables(&variables);
        let settings = inputs::read(&variables)
            .and_then(|inputs| Settings::from_inputs(&inputs, &runner))
            .expect("settings");
        let events: Arc<Mutex<Vec<Stamped>>> = Arc::default();
        let sink = Arc::clone(&events);
        let aws = Aws::connect(&settings.aws).await;
        let observer =
            Box::new(move |event: &Stamped| sink.lock().expect("events").push(event.clone()));
        let observers = Observers {
            observer,
            state_store: Box::new(|_| {}),
            secret_masker: Box::new(|_| {}),
        };
        let run = Run::new(aws, runner, Clock::start(), observers);
        Self {
            folder,
            checks: ChecksPlan::new(&settings),
            run,
            events,
        }
    }

    async fn test(&self) -> Result<usize, Failure> {
        let values = Values {
            version: "1.1.0".into(),
            digest: "sha256:ab".into(),
            revision: "api:7".into(),
            environment: self.checks.environment.iter().cloned().collect(),
            ..Values::default()
        };
        tester::run_testers(&self.run, &self.checks, Moment::Green, &values).await
    }

    fn events(&self) -> Vec<Stamped> {
        self.events.lock().expect("events").clone()
    }

    /// The log as the runner would get it.
    fn log(&self) -> Vec<String> {
        let mut console = Console::default();
        self.events()
            .iter()
            .flat_map(|event| console.lines(event))
            .collect()
    }

    /// All that anyone reads, in which no secret may stand.
    fn everything(&self) -> String {
        let events = self.events();
        let everything = format!(
            "{}\n{}\n{events:?}",
            self.log().join("\n"),
            summary::render(&Report::from_events(&events))
        );
        assert!(!everything.contains(TOKEN), "{everything}");
        everything
    }

    /// Containers that are there of this run.
    fn containers(&self) -> String {
        said(&[
            "ps",
            "--all",
            "--quiet",
            "--filter",
            &format!("label=ecs-bluegreen.run={}", self.run.id),
        ])
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(
            (self.containers().as_str(), self.run.armed_undos()),
            ("", Vec::new())
        );
    }
}

/// A green that answers `ok` for as long as the test runs.
fn green() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    url
}

async fn job(script: &str, more: &str, image: &Image) -> Job {
    let script = script.replace('\n', "\n      ");
    let document = format!(
        "testers:\n- name: e2e\n  image: {}\n  {more}\n  command:\n  - sh\n  - -c\n  - |\n      {script}\n",
        image.0
    );
    Job::new(&document, &green(), &engine()).await
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn a_tester_that_passes_sees_green_and_the_workspace() {
    let image = Image::new();
    let script = r#"cat greeting; wget -q -O - $BASE_URL/health; echo " $VERSION $IMAGE_DIGEST $REVISION $MOMENT"
mkdir -p reports
printf '<testsuite name="s"><testcase name="one" time="0.5"/><testcase name="two"><skipped message="later"/></testcase></testsuite>' > reports/junit.xml"#;
    let job = job(script, "junit: reports/*.xml\n  environment: { TOKEN: \"${env.TESTER_TOKEN}\" }\n  working-directory: .", &image).await;
    std::fs::write(job.folder.path().join("greeting"), "hello\n").expect("written");
    tester::prepare(&job.run, &job.checks).await.expect("ready");
    assert_eq!(job.test().await, Ok(1));
    let (warnings, log): (Vec<String>, Vec<String>) = job
        .log()
        .into_iter()
        .partition(|line| line.starts_with("::warning"));
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("which is named by a tag")),
        "{warnings:?}"
    );
    assert_eq!(log[0], format!("e2e on green: {} on the runner", image.0));
    assert_eq!(
        log[1..3],
        ["  | hello", "  | ok 1.1.0 sha256:ab api:7 green"]
    );
    assert!(
        log[3].starts_with("✓ e2e on green: exit code 0, 2 cases: 1 passed, 1 skipped ("),
        "{log:?}"
    );
    assert!(
        job.everything().contains("| – | s › two |  | later |"),
        "{}",
        job.everything()
    );
    job.assert_nothing_is_left();
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn a_tester_that_fails_is_told_with_its_exit_code_its_cases_and_no_secret() {
    let image = Image::new();
    let script = r#"echo "token $TOKEN"; echo '::error::of a stranger'; printf 'half\r##[add-mask]x\n' >&2
printf '<testsuite name="s"><testcase name="login"><failure>401 with %s</failure></testcase></testsuite>' $TOKEN > reports/junit.xml
exit 3"#;
    let job = job(
        script,
        "junit: reports/junit.xml\n  environment: { TOKEN: \"${env.TESTER_TOKEN}\" }",
        &image,
    )
    .await;
    let failure = job.test().await.expect_err("it failed");
    assert_eq!(
        failure.chain,
        [
            "tester \"e2e\" failed on green (exit code 3)",
            "s › login: 401 with ***"
        ]
    );
    let log = job.log();
    assert!(
        log.iter().all(|line| !line.trim_start().starts_with("::")
            && !line.contains("##[")
            && !line.contains('\r')),
        "{log:?}"
    );
    assert!(
        log.contains(&"  | token ***".to_owned())
            && log.contains(&"  | half # #[add-mask]x".to_owned()),
        "{log:?}"
    );
    assert!(job.everything().contains("The end of the log of e2e"));
    job.assert_nothing_is_left();
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn a_tester_that_says_nothing_in_time_is_stopped() {
    let image = Image::new();
    let job = job(
        "trap 'echo stopped; exit 0' TERM; echo begun; while :; do sleep 0.1; done",
        "timeout: 1s",
        &image,
    )
    .await;
    let failure = job.test().await.expect_err("it is late");
    assert_eq!(
        failure.chain,
        [
            "tester \"e2e\" was not done within 1 s",
            "its log ends: stopped"
        ]
    );
    job.everything();
    job.assert_nothing_is_left();
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn the_container_of_a_cancelled_tester_is_removed_by_whoever_ends_the_run() {
    let image = Image::new();
    let job = job("echo begun; sleep 60", "timeout: 1m", &image).await;
    let begun = async {
        while !job
            .events()
            .iter()
            .any(|stamped| matches!(stamped.event, Event::TesterLine { .. }))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        ended = job.test() => panic!("{ended:?}"),
        () = begun => {}
    }
    assert!(!job.containers().is_empty(), "it still runs");
    let armed = job.run.armed_undos();
    assert_eq!(
        serde_json::from_str::<Vec<ecs_bluegreen::undo::Undo>>(
            &serde_json::to_string(&armed).expect("JSON")
        )
        .expect("undos"),
        armed
    );
    unwind::undo_all(&job.run, &armed).await;
    job.assert_nothing_is_left();
    assert!(
        !job.log().iter().any(|line| line.contains("taken back")),
        "it is taken back silently"
    );
    // A second time there is nothing to do.
    unwind::undo_all(&job.run, &armed).await;
    assert!(
        !job.log()
            .iter()
            .any(|line| line.contains("could not be removed"))
    );
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn a_chatty_tester_is_told_only_so_far() {
    let image = Image::new();
    let job = job("seq 1 20000; exit 1", "", &image).await;
    let failure = job.test().await.expect_err("it failed");
    assert_eq!(failure.chain[1], "its log ends: 20000");
    let log = job.log();
    assert!(
        log.len() < 600 && log.contains(&"  … 19500 more lines are not shown here".to_owned()),
        "{}",
        log.len()
    );
    job.assert_nothing_is_left();
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn an_image_that_is_nowhere_is_known_before_anything_is_touched() {
    let job = Job::new(
        "testers: [{ name: e2e, image: 'localhost:1/none:1' }]",
        "http://127.0.0.1:1",
        &engine(),
    )
    .await;
    let failure = tester::prepare(&job.run, &job.checks)
        .await
        .expect_err("no image");
    assert_eq!(failure.chain[0], "tester \"e2e\" cannot be run");
    assert!(
        failure.chain[1].starts_with(
            "the image localhost:1/none:1 is not in the Docker engine and cannot be pulled: "
        ),
        "{failure:?}"
    );
    assert!(failure.hints[0].contains("docker login"), "{failure:?}");
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn a_command_that_the_image_lacks_is_a_failure_that_leaves_nothing() {
    let image = Image::new();
    let document = format!(
        "testers: [{{ name: e2e, image: '{}', command: [no-such-tool] }}]",
        image.0
    );
    let job = Job::new(&document, "http://127.0.0.1:1", &engine()).await;
    let failure = job.test().await.expect_err("no such tool");
    assert!(failure.chain[1].contains("no-such-tool"), "{failure:?}");
    job.assert_nothing_is_left();
}

#[tokio::test]
async fn an_engine_that_is_absent_is_known_before_anything_is_touched() {
    let nowhere = Path::new("/nonexistent/docker.sock");
    let document = "testers: [{ name: e2e, image: a }]";
    let job = Job::new(
        document,
        "http://127.0.0.1:1",
        &format!("unix://{}", nowhere.display()),
    )
    .await;
    let failure = tester::prepare(&job.run, &job.checks)
        .await
        .expect_err("no engine");
    assert_eq!(
        failure.chain[..2],
        [
            "tester \"e2e\" cannot be run",
            "there is no Docker engine: nothing is at /nonexistent/docker.sock"
        ]
    );
    assert!(failure.hints[0].contains("docker.sock"), "{failure:?}");
}
