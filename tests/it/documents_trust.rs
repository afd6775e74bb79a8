//! A smoke document is less trusted than the workflow: what it is never given, and where it never
//! sends anything.

use crate::harness::{Action, Story};

/// What a run with this smoke document says when it is refused; AWS got no call that changes
/// anything.
async fn run_refused(document: &str, action: impl FnOnce(Action) -> Action) -> String {
    let deploy = Action::deploy("1.1.0")
        .file("smoke.yml", document)
        .with("smoke-tests", "smoke.yml")
        .with("test-url", "$TEST");
    let run = Story::codedeploy().run(action(deploy)).await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
    run.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_asks_for_a_credential_of_the_job_is_refused_with_the_place() {
    let document = "tests:\n  - name: a\n    get: /x\n    headers: { X-Key: \"${env.AWS_SECRET_ACCESS_KEY}\" }\n  - name: b\n    get: /${env.GITHUB_TOKEN}\n";
    let text = run_refused(document, |action| action.env("GITHUB_TOKEN", "ghs_canary")).await;
    for expected in [
        "smoke.yml:4:23: `${env.AWS_SECRET_ACCESS_KEY}` is never given to a document",
        "smoke.yml:6:10: `${env.GITHUB_TOKEN}` is never given to a document",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expose_env_limits_a_document_to_a_list() {
    let document =
        "tests:\n  - name: a\n    get: /x?token=${env.SMOKE_TOKEN}&other=${env.OTHER_TOKEN}\n";
    let limited = |action: Action| {
        action
            .env("OTHER_TOKEN", "canary-other")
            .with("expose-env", "SMOKE_TOKEN")
    };
    let text = run_refused(document, limited).await;
    assert!(text.contains("smoke.yml:3:10: `${env.OTHER_TOKEN}` is used, but the input `expose-env` does not list it"), "{text}");
    assert!(!text.contains("SMOKE_TOKEN"), "{text}");
}
