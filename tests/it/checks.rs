//! What a document of checks can do besides single requests: flows, warm-up, load probes and
//! secrets, in whole runs.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

fn checked(version: &str, document: &str) -> Action {
    Action::deploy(version)
        .with("smoke-tests", document)
        .with("test-url", "$TEST")
}

/// A task of the sample application from its beginning to its end, after green was warmed up, and
/// under load.
const WHOLE: &str = r#"
secrets: { TOKEN: { secret: prod/smoke, key: token } }
warm-up: { path: /health, count: 20 }
tests:
- name: a task's life
  flow:
  - { name: create, post: /tasks, json: { title: "from ${run}" }, headers: { Authorization: "Bearer ${secret.TOKEN}" }, expect: { status: 201 }, capture: { id: $.id } }
  - { name: read, get: "/tasks/${id}", expect: { status: 200, json: { $.title: "from ${run}" } } }
  - { name: delete, delete: "/tasks/${id}", always: true, expect: { status: 204 } }
load: { path: /health, rate: 50, for: 2s, p95: 2s, error-rate: 1% }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn green_is_warmed_up_tested_by_a_flow_and_probed_under_load_at_its_gate() {
    let run = Story::codedeploy()
        .stage(|options| {
            options.secret_values = [(
                "prod/smoke".to_owned(),
                r#"{"token":"canary-from-the-manager"}"#.into(),
            )]
            .into();
        })
        .run(checked("1.1.0", WHOLE))
        .await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(0), "deployed"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("warm-up of /health: 20 of 20 answered")
            .contains("p50"),
        "{}",
        run.text()
    );
    for step in ["create", "read", "delete"] {
        assert!(
            run.log_with(&format!("✓ a task's life: {step} on green"))
                .contains("/tasks"),
            "{}",
            run.text()
        );
    }
    assert!(
        run.log_with("✓ load")
            .contains("wanted p95 ≤ 2 s, errors ≤ 1 %"),
        "{}",
        run.text()
    );
    assert!(
        run.summary.contains("### Load") && run.summary.contains("how long answers took"),
        "{}",
        run.summary
    );
    let (masks, told_lines): (Vec<&String>, Vec<&String>) = run
        .log
        .iter()
        .partition(|line| line.starts_with("::add-mask::"));
    let tells = |line: &&&String| line.contains("canary-from-the-manager");
    assert_eq!(
        (
            masks.iter().filter(tells).count(),
            told_lines.iter().filter(tells).count()
        ),
        (1, 0),
        "masked once, told never"
    );
    assert!(
        !run.summary.contains("canary-from-the-manager"),
        "{}",
        run.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_that_is_too_slow_under_load_never_reaches_a_user() {
    let document = "load: { path: /tasks, rate: 40, for: 2s, p95: 100ms, error-rate: 1% }";
    let mut play = Story::codedeploy().begin().await;
    let run = play.act(checked("1.6.0", document)).await;
    assert!(
        !play.users().versions.contains_key("1.6.0"),
        "{:?}",
        play.users().versions
    );
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "smoke-failed"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::error").contains("is failed on green")
            || run.log_with("::error").contains("failed on green"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_there_is_known_before_anything_is_touched() {
    let run = Story::codedeploy().run(checked("1.1.0", WHOLE)).await;
    assert_eq!((run.code, run.calls.len()), (Some(10), 0), "{}", run.text());
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (aws-refused)::there is no secret `prod/smoke` in Secrets Manager
      hint: check its name, and that it is in the region of aws-region; or give its ARN
    Outcome: not-deployed (aws-refused), exit code 10, after [time]
    ");
}
