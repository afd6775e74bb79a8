//! Testers in a whole run: as tasks on the stage, and in containers beside it.

use std::process::Command;

use crate::harness::{Action, ActionRun, Incident, Story, When};

/// A deployment whose green is tested by a task of the sample application.
fn migrates(command: &str) -> Action {
    let document = format!("testers:\n- {{ name: schema, where: task, command: {command} }}\n");
    Action::deploy("1.1.0")
        .with("smoke-tests", &document)
        .with("test-url", "$TEST")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_passes_opens_the_gate() {
    let run = Story::codedeploy().run(migrates("migrate")).await;
    assert_eq!((run.code, run.output("outcome")), (Some(0), "deployed"));
    assert_eq!(
        run.log_with("schema"),
        "schema on green: task [task] of api:2\n✓ schema on green: exit code 0 ([time])"
    );
    assert!(
        run.log_with("  | ").contains("migration started"),
        "{}",
        run.text()
    );
    let calls: Vec<&str> = run
        .calls
        .iter()
        .map(|call| call.operation.as_str())
        .collect();
    let expected = [
        "ecs:RegisterTaskDefinition",
        "codedeploy:CreateDeployment",
        "ecs:RunTask",
        "codedeploy:ContinueDeployment",
    ];
    assert_eq!(calls, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_takes_the_rollout_back() {
    let run = Story::codedeploy().run(migrates("migrate --fail")).await;
    assert_eq!((run.code, run.output("reason")), (Some(20), "smoke-failed"));
    assert!(
        run.log_with("::error")
            .contains("tester \"schema\" failed on green (exit code 3)"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("Caused by").contains("its log ends: "),
        "{}",
        run.text()
    );
    assert_eq!(
        (
            run.count("ecs:RunTask"),
            run.count("codedeploy:ContinueDeployment")
        ),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_is_stopped() {
    let run = Story::codedeploy()
        .run(
            migrates("serve").on_incident(When::Line("schema on green: task"), Incident::Interrupt),
        )
        .await;
    assert_eq!((run.code, run.output("reason")), (Some(20), "cancelled"));
    assert_eq!(run.count("ecs:StopTask"), 1);
}

/// A deployment whose green is tested by a container that takes its time.
fn slowly(image: &str) -> Action {
    let document = format!(
        "testers:\n- {{ name: slow, image: '{image}', command: [sh, -c, 'echo begun; sleep 60'] }}\n"
    );
    let host = std::env::var_os("DOCKER_HOST").and_then(|host| host.into_string().ok());
    let action = Action::deploy("1.1.0")
        .with("smoke-tests", &document)
        .with("test-url", "$TEST");
    action.env(
        "DOCKER_HOST",
        &host.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned()),
    )
}

fn containers(run: &ActionRun) -> String {
    let run = run.log[0]
        .split("(run ")
        .nth(1)
        .expect("a run")
        .trim_end_matches(')');
    let listed = Command::new("docker")
        .args(["ps", "--all", "--quiet", "--filter"])
        .arg(format!("label=ecs-bluegreen.run={run}"))
        .output();
    String::from_utf8(listed.expect("docker").stdout).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_cancelled_container_is_removed_while_traffic_goes_back() {
    let image = crate::testers::Image::new();
    let mut play = Story::codedeploy().begin().await;
    let run = play
        .act(slowly(&image.0).on_incident(When::Line("  | begun"), Incident::Interrupt))
        .await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(20), "cancelled"),
        "{}",
        run.text()
    );
    assert_eq!(containers(&run), "");
    play.end().await;
}
