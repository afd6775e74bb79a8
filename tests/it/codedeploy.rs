//! CodeDeploy: from the gate to the end, and every way back.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_is_tested_at_the_gate_and_then_serves_everybody() {
    let told = Story::codedeploy().told(Action::tested("1.1.0")).await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_at_the_gate_never_reaches_a_user() {
    let told = Story::codedeploy().told(Action::tested("1.2.0")).await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_on_production_is_taken_back_after_the_shift() {
    let action = Action::tested("1.3.0").with("environment-variables", "APP_PRODUCTION_PORT=$PORT");
    let told = Story::codedeploy().told(action).await;
    assert_snapshot!(told.with_summary(), @"");
}
