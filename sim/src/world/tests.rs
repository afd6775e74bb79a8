//! The whole world: images in the registry, tasks that run, traffic through the proxy.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::load::{Load, LoadOptions};
use super::oci::{SampleFault, SampleImage, write_layout};
use super::*;

/// The sample application, static as everything here is; the build of the whole workspace puts it
/// beside this test.
fn sample_app() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let folder = test.ancestors().nth(2).expect("the profile's folder");
    let program = folder.join("sample-app");
    assert!(program.exists(), "no sample-app: run `make programs` first");
    program
}

/// An image whose entrypoint is a shell script, in the world's registry as `test:latest`.
async fn with_script(options: WorldOptions, script: &str) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let binary = folder.path().join("script");
    std::fs::write(&binary, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let world = World::open(options).await.expect("a world");
    push(&world, binary, "latest", SampleFault::None).await;
    world
}

async fn push(world: &World, binary: PathBuf, version: &str, fault: SampleFault) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let image = SampleImage {
        binary,
        version: version.to_owned(),
        fault,
    };
    let written = write_layout(&image, folder.path()).expect("a layout");
    let pushed = world
        .push_layout(folder.path(), "team/test", version)
        .await
        .expect("pushed");
    assert_eq!(written, pushed);
    pushed
}

fn task_spec(world: &World, id: &str, reference: &str, port: u16) -> TaskSpec {
    let host = world.registry_endpoint().replace("http://", "");
    TaskSpec {
        id: id.to_owned(),
        revision: "test:1".to_owned(),
        image: format!("{host}/team/test{reference}"),
        environment: Vec::new(),
        command: None,
        port,
    }
}

async fn wait_for_exit_code(task: &TaskHandle) -> i32 {
    let ended = async {
        loop {
            if let Some(code) = task.exit_code().await {
                return code;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .expect("it ends")
}

fn log_texts(task: &TaskHandle) -> Vec<String> {
    task.logs(100).into_iter().map(|(_, text)| text).collect()
}

async fn wait_until_healthy(world: &World, group: &str) {
    let healthy = async {
        while !world
            .target_health(group)
            .iter()
            .all(|(_, health)| *health == Health::Healthy)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healthy)
        .await
        .expect("healthy");
}

#[tokio::test]
async fn a_task_has_its_command_environment_lines_and_exit_code() {
    let world = with_script(
        WorldOptions::default(),
        "echo \"$0 ${0##*/} $*\" | cut -d' ' -f2-; echo $APP_VERSION $EXTRA $PORT; echo bad >&2; exit 3",
    )
    .await;
    let mut spec = task_spec(&world, "one", "", 0);
    spec.command = Some(vec!["migrate".to_owned(), "--fail".to_owned()]);
    spec.environment = vec![("EXTRA".to_owned(), "extra".to_owned())];
    let task = world.start_task(spec).await.expect("started");
    assert_eq!(wait_for_exit_code(&task).await, 3);
    let mut lines = log_texts(&task);
    lines.sort();
    assert_eq!(lines, ["bad", "latest extra", "sample-app migrate --fail"]);
    assert_eq!(task.address(), None);
}

#[tokio::test]
async fn a_port_is_found_and_passed_to_the_task() {
    let world = with_script(WorldOptions::default(), "echo $PORT").await;
    let task = world
        .start_task(task_spec(&world, "one", ":latest", 8080))
        .await
        .expect("started");
    wait_for_exit_code(&task).await;
    assert_eq!(
        log_texts(&task),
        [task.address().expect("an address").port().to_string()]
    );
}

#[tokio::test]
async fn stopping_is_asked_for_first_and_forced_then() {
    let options = WorldOptions {
        stop_timeout: Duration::from_millis(300),
        ..WorldOptions::default()
    };
    let polite = with_script(
        options.clone(),
        "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done",
    )
    .await;
    let stubborn = with_script(
        options,
        "trap '' TERM; echo up; while :; do sleep 0.05; done",
    )
    .await;
    for (world, code) in [(polite, 7), (stubborn, 137)] {
        let task = world
            .start_task(task_spec(&world, "one", "", 0))
            .await
            .expect("started");
        while log_texts(&task).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(task.exit_code().await, None);
        task.stop().await;
        assert_eq!(task.exit_code().await, Some(code));
    }
}

#[tokio::test]
async fn the_end_of_the_world_ends_its_tasks() {
    let world = with_script(
        WorldOptions::default(),
        "echo up; while :; do sleep 0.05; done",
    )
    .await;
    let task = world
        .start_task(task_spec(&world, "one", "", 0))
        .await
        .expect("started");
    drop(world);
    assert_eq!(wait_for_exit_code(&task).await, 137);
}

#[tokio::test]
async fn what_cannot_be_pulled_or_started_is_said_in_the_words_of_ecs() {
    let world = with_script(WorldOptions::default(), "exit 0").await;
    let nothing = format!("@sha256:{}", "0".repeat(64));
    for reference in [":unknown", nothing.as_str(), "@sha256:12"] {
        let refused = world
            .start_task(task_spec(&world, "one", reference, 0))
            .await
            .expect_err("refused");
        assert!(
            refused.starts_with("CannotPullContainerError: "),
            "{refused}"
        );
    }
    let elsewhere = TaskSpec {
        image: "docker.io/library/nginx:latest".to_owned(),
        ..task_spec(&world, "one", "", 0)
    };
    assert!(
        world
            .start_task(elsewhere)
            .await
            .expect_err("refused")
            .contains("no route to docker.io")
    );
}

/// Blue serves, green comes up, traffic moves and blue goes: what every deployment does.
async fn replace_blue_by_green(world: &World, blue: &str, green: &str) {
    let listener = world.add_listener("production").await;
    let start = async |id: &str, digest: &str| {
        world
            .start_task(task_spec(world, id, &format!("@{digest}"), 8080))
            .await
            .expect("started")
    };
    let (old, new) = (
        start("world-test-blue", blue).await,
        start("world-test-green", green).await,
    );
    for (group, task) in [("blue", &old), ("green", &new)] {
        world.set_targets(group, &[task.address().expect("an address")]);
        wait_until_healthy(world, group).await;
    }
    world.set_weights("production", &[("blue".to_owned(), 100)]);
    let load = Load::start(LoadOptions::for_target(listener));
    for weight in [10, 100] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.set_weights(
            "production",
            &[
                ("blue".to_owned(), 100 - weight),
                ("green".to_owned(), weight),
            ],
        );
    }
    world.set_targets("blue", &[]);
    assert!(
        world
            .wait_until_drained(old.address().expect("an address"), Duration::from_secs(5))
            .await
    );
    old.stop().await;
    assert_eq!(old.exit_code().await, Some(0), "{:?}", log_texts(&old));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stats = load.stop().await;
    assert_eq!(stats.failures, 0, "{stats:?}");
    assert_eq!(
        stats.versions.keys().collect::<Vec<_>>(),
        ["1.0.0", "1.1.0"]
    );
    assert!(stats.versions["1.0.0"].first_seen < stats.versions["1.1.0"].first_seen);
    assert!(log_texts(&old).iter().any(
        |line| line.contains("\"stopped\"") && line.contains("\"all_requests_finished\":true")
    ));
    world.shutdown().await;
    assert_eq!(new.exit_code().await, Some(0));
}

#[tokio::test]
async fn the_sample_application_is_replaced_without_a_failed_request() {
    let world = World::open(WorldOptions::default()).await.expect("a world");
    let binary = sample_app();
    let blue = push(&world, binary.clone(), "1.0.0", SampleFault::None).await;
    let green = push(&world, binary.clone(), "1.1.0", SampleFault::None).await;
    replace_blue_by_green(&world, &blue, &green).await;
    let crash = push(&world, binary, "1.4.0", SampleFault::Crash).await;
    let crashed = world
        .start_task(task_spec(&world, "crash", &format!("@{crash}"), 8080))
        .await
        .expect("started");
    assert_eq!(wait_for_exit_code(&crashed).await, 1);
    assert!(
        log_texts(&crashed)
            .iter()
            .any(|line| line.contains("\"level\":\"error\""))
    );
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn the_sample_application_is_replaced_in_containers_too() {
    let password = Some("a-password".to_owned());
    let options = WorldOptions {
        engine: Engine::Docker,
        registry_password: password,
        ..WorldOptions::default()
    };
    let world = World::open(options).await.expect("a world");
    let binary = sample_app();
    let blue = push(&world, binary.clone(), "1.0.0", SampleFault::None).await;
    let green = push(&world, binary.clone(), "1.1.0", SampleFault::None).await;
    let mut migration = task_spec(&world, "world-test-migrate", &format!("@{green}"), 0);
    migration.command = Some(vec!["migrate".to_owned(), "--fail".to_owned()]);
    let migration = world.start_task(migration).await.expect("started");
    assert_eq!(wait_for_exit_code(&migration).await, 3);
    assert!(
        log_texts(&migration)
            .iter()
            .any(|line| line.contains("migration failed")),
        "{:?}",
        log_texts(&migration)
    );
    let crash = push(&world, binary, "1.4.0", SampleFault::Crash).await;
    let crashed = world
        .start_task(task_spec(
            &world,
            "world-test-crash",
            &format!("@{crash}"),
            8080,
        ))
        .await
        .expect("started");
    assert_eq!(wait_for_exit_code(&crashed).await, 1);
    replace_blue_by_green(&world, &blue, &green).await;
    drop(world);
    let left = Command::new("docker")
        .args([
            "ps",
            "--all",
            "--quiet",
            "--filter",
            "label=ecs-bluegreen-sim",
        ])
        .output()
        .expect("docker");
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect("it is installed");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs skopeo"]
async fn skopeo_reads_and_writes_the_registry() {
    let options = WorldOptions {
        registry_password: Some("a-password".to_owned()),
        ..WorldOptions::default()
    };
    let world = with_script(options, "echo pushed by $APP_VERSION").await;
    let folder = tempfile::tempdir().expect("a folder");
    let layout = format!("oci:{}:copy", folder.path().join("layout").display());
    let image = |name: &str| {
        format!(
            "{}/{name}",
            world.registry_endpoint().replace("http:", "docker:")
        )
    };
    let secure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    run(
        "skopeo",
        &[
            &[
                "copy",
                "--src-creds",
                "AWS:a-password",
                &image("team/test:latest"),
                &layout,
            ],
            secure.as_slice(),
        ]
        .concat(),
    );
    run(
        "skopeo",
        &[
            &[
                "copy",
                "--dest-creds",
                "AWS:a-password",
                &layout,
                &image("other/copy:v2"),
            ],
            secure.as_slice(),
        ]
        .concat(),
    );
    let (original, copy) = (
        world.fetch_manifest("team/test", "latest").await,
        world.fetch_manifest("other/copy", "v2").await,
    );
    assert_eq!(original.expect("there").digest, copy.expect("there").digest);
    let host = world.registry_endpoint().replace("http://", "");
    let task = world
        .start_task(TaskSpec {
            image: format!("{host}/other/copy:v2"),
            ..task_spec(&world, "one", "", 0)
        })
        .await
        .expect("started");
    assert_eq!(wait_for_exit_code(&task).await, 0);
    assert_eq!(log_texts(&task), ["pushed by latest"]);
}

#[tokio::test]
#[ignore = "needs Debian's docker-registry"]
async fn a_registry_that_somebody_else_runs_will_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let (storage, settings) = (
        folder.path().join("storage"),
        folder.path().join("config.yml"),
    );
    let text = format!(
        "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: '127.0.0.1:{port}' }}\n",
        storage.display()
    );
    std::fs::write(&settings, text).expect("written");
    let mut registry = tokio::process::Command::new("docker-registry");
    let _registry = registry
        .arg("serve")
        .arg(&settings)
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it is installed");
    while tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .is_err()
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let registry = RegistrySource::External(format!("http://127.0.0.1:{port}"));
    let world = with_script(
        WorldOptions {
            registry,
            ..WorldOptions::default()
        },
        "echo $APP_VERSION",
    )
    .await;
    assert!(!world.has_builtin_registry());
    assert_eq!(
        world.list_tags("team/test").await.expect("listed"),
        ["latest"]
    );
    let task = world
        .start_task(task_spec(&world, "one", ":latest", 0))
        .await
        .expect("started");
    assert_eq!(wait_for_exit_code(&task).await, 0);
    assert_eq!(log_texts(&task), ["latest"]);
}
