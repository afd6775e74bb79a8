//! `mode: verify`: everything that would keep a deployment from starting, all at once.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

/// The same inputs, only verified.
fn verify(deployment: Action) -> Action {
    deployment.with("mode", "verify")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_could_start_is_verified_line_by_line() {
    let action = verify(Action::deploy_tested("1.1.0"));
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.with_summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_failed_at_once_and_nothing_is_written() {
    let action = verify(Action::deploy_tested("1.1.0"))
        .with("alarms", "nobody, nothing")
        .with("repository", "no/such/repository")
        .with("container", "sidecar")
        .with("codedeploy-deployment-config", "Imaginary");
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_leaves_the_rest_skipped() {
    let action = verify(Action::deploy_tested("1.1.0")).with("service", "apy");
    let run = Story::canary().run(action).await;
    assert_snapshot!(run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seldom_meant_is_a_warning_without_its_value() {
    let action = verify(Action::deploy("1.1.0"))
        .with("environment-variables", "DB_PASSWORD=hunter2-is-no-secret");
    let run = Story::canary().run(action).await;
    assert_eq!(run.outputs["outcome"], "verified");
    assert!(!run.text().contains("hunter2") && !run.summary.contains("hunter2"));
    assert_snapshot!(run.log_with("WARNING"));
}
