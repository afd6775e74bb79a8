//! `mode: smoke`: the tests against what serves, on a schedule or by hand.

use insta::assert_snapshot;

use crate::harness::{Action, Story, smoke_tests};

/// These tests against production.
fn smoke(action: Action, tests: &[&str]) -> Action {
    action
        .with("mode", "smoke")
        .with("smoke-tests", &smoke_tests(tests))
        .with("production-url", "$PRODUCTION")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_serves_is_tested_and_nothing_is_written() {
    let action = smoke(Action::to_service(), &["health", "session", "me"]).with("version", "1.0.0");
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Testing api on prod, eu-central-1 (run [run])
    ::group::Smoke tests on production
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 3 passed ([time])

    3 tests passed; nothing was deployed.
    Outcome: tested, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=tested
    reason=as-planned
    rolled-back=false
    --- summary
    ## ✓ tested: <code>api</code> on <code>prod</code>

    **3 tests passed; nothing was deployed.**

    | | |
    |---|---|
    | Version | <code>1.0.0</code> |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Smoke tests on production | [time] | 3 passed |

    [time] in all, [n] reads of AWS.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✓ | health | production | <code>GET /health</code> | [time] | [n] |  |
    | ✓ | me | production | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✓ | session | production | <code>POST /auth/session</code> | [time] | [n] |  |
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_fails_on_what_serves_fails_the_run_and_rolls_nothing_back() {
    let action = smoke(Action::to_service(), &["health", "me"]).with("version", "9.9.9");
    let run = Story::canary().run(action).await;
    assert_snapshot!(run.text(), @r#"
    exit code 20
    ---
    Testing api on prod, eu-central-1 (run [run])
    ::group::Smoke tests on production
    ✓ me on production: GET /auth/me ([time])
    ✗ health on production: GET /health ([time])
        $.version: expected "9.9.9", found "1.0.0"
    ::endgroup::
    ✗ Smoke tests on production ([time])
    Smoke test "health" failed on production (GET /health, [n] attempts).

    Smoke test "health" failed on production (GET /health, [n] attempts); nothing was deployed or rolled back.
    ::error title=tests-failed (smoke-failed)::smoke test "health" failed on production (GET /health, [n] attempts)
      Caused by: $.version: expected "9.9.9", found "1.0.0"
      Caused by: the answer began: {"status":"ok","version":"1.0.0","time":"[time]"}
      hint: this is what serves now: mode: rollback goes back to the last good deployment
    Outcome: tests-failed (smoke-failed), exit code 20, after [time]
    ---
    duration-seconds=[n]
    outcome=tests-failed
    reason=smoke-failed
    rolled-back=false
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_aws_is_not_asked_at_all() {
    let action = smoke(Action::minimal(), &["session"])
        .env("AWS_REGION", "")
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "");
    let mut play = Story::codedeploy().begin().await;
    let run = play.act(action).await;
    play.end().await;
    assert_eq!(run.outputs["outcome"], "tested", "{}", run.text());
    assert!(
        run.outputs["report"].contains("\"reads\":0"),
        "{}",
        run.outputs["report"]
    );
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Testing what serves (run [run])
    ::group::Smoke tests on production
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 1 passed ([time])

    1 test passed; nothing was deployed.
    Outcome: tested, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=tested
    reason=as-planned
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_tested_although_the_first_one_fails() {
    let action = smoke(Action::to_service(), &["health", "me"])
        .with("version", "9.9.9")
        .with("test-url", "$TEST");
    let run = Story::codedeploy().run(action).await;
    assert_eq!(run.outputs["outcome"], "tests-failed");
    assert_eq!(run.code, Some(20));
    let on = ["on green", "on production"].map(|side| run.log_with(&format!("✗ health {side}")));
    assert!(on.iter().all(|line| !line.is_empty()), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tested_is_refused() {
    let without_tests = Action::to_service().with("mode", "smoke");
    let without_version = smoke(Action::to_service(), &["health"]);
    let unknown = smoke(Action::to_service(), &["session"]).with("service", "apy");
    let mut play = Story::codedeploy().begin().await;
    let mut texts = Vec::new();
    for action in [without_tests, without_version, unknown] {
        texts.push(play.act(action).await.text());
    }
    play.end().await;
    assert_snapshot!(texts.join("\n=======\n"), @"
    exit code 2
    ---
    Testing api on prod, eu-central-1 (run [run])
    AWS account 123456789012, role github-actions
    Nothing was touched: the inputs have a problem
    ::error title=input refused::smoke-tests: mode smoke has nothing to run
      hint: set smoke-tests, and production-url or test-url
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    =======
    exit code 2
    ---
    Testing api on prod, eu-central-1 (run [run])
    AWS account 123456789012, role github-actions
    Nothing was touched: the inputs have a problem
    ::error title=input refused::version: the tests use ${version}, and which version serves is not known
      hint: set version, or test for the version in a document that only deployments use
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    =======
    exit code 2
    ---
    Testing apy on prod, eu-central-1 (run [run])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::service: there is no service `apy` in cluster `prod`
      hint: check service, cluster and aws-region, or leave service out
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}
