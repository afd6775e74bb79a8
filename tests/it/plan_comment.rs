//! A plan on a pull request is one comment, written anew by every run; GitHub changes no outcome.

use std::time::Duration;

use ecs_bluegreen_sim::{Fault, FaultKind, GithubAccess, GithubComment, GithubOptions};
use insta::assert_snapshot;
use tokio::time::Instant;

use crate::harness::{Action, ActionRun, Play, Story};

const CREATE: &str = "github:CreateIssueComment";
const UPDATE: &str = "github:UpdateIssueComment";
const LIST: &str = "github:ListIssueComments";

/// A plan, as a workflow for a pull request makes it.
fn plan(version: &str) -> Action {
    on_pull_request(Action::deploy_tested(version).with("mode", "plan"))
}

fn on_pull_request(action: Action) -> Action {
    action
        .with("github-token", "ghs_token")
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_REF", "refs/pull/7/merge")
        .env("GITHUB_REF_NAME", "7/merge")
}

fn comments(play: &Play) -> Vec<GithubComment> {
    play.stage.github().comments
}

/// The only comment.
fn comment(play: &Play) -> String {
    let all = comments(play);
    assert_eq!(all.len(), 1, "{all:#?}");
    all[0].body.clone()
}

fn assert_planned(run: &ActionRun) {
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(0), "planned"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_one_comment_which_the_next_run_writes_anew() {
    let mut play = Story::codedeploy().begin().await;
    let first = play.act(plan("1.1.0")).await;
    assert_planned(&first);
    let written = comment(&play);
    let second = plan("1.2.0")
        .with("environment-variables", "API_TOKEN=hunter2-is-a-secret")
        .env("GITHUB_RUN_ID", "4712");
    let second = play.act(second).await;
    assert_planned(&second);
    let rewritten = comment(&play);
    play.end().await;
    assert_eq!((first.count(CREATE), first.count(UPDATE)), (1, 0));
    assert_eq!((second.count(CREATE), second.count(UPDATE)), (0, 1));
    assert!(
        rewritten.contains("API&#95;TOKEN") && !rewritten.contains("hunter2"),
        "{rewritten}"
    );
    assert_snapshot!(first.redact(&written), @"
    <!-- ecs-bluegreen-action 78ad798445885e1d 4711.1 -->

    ## ○ planned: <code>api</code> on <code>prod</code>

    **api&#58;1 serves production; a deployment would roll out what the plan shows; nothing was changed.**

    <details><summary>What a deployment would do</summary>

    ### Plan

    A new revision of api would be registered, different from api&#58;1.

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    | Step | What it would do | Time |
    |---|---|--:|
    | Image | 2 of 3 parts are sent to [registry]/app&#64;[digest] ([size]) |  |
    | Task definition | a new revision of api is registered |  |
    | Green | it comes up (codedeploy); the whole rollout is followed for 1 h 40 m at most |  |
    | Smoke tests on green | green is tested at <code>http&#58;<!-- -->//[test]/</code>&#58; health, google login, session, me |  |
    | Traffic | traffic moves by 10 %, then 100 % | at least 5 m |
    | Smoke tests on production | production is tested at <code>http&#58;<!-- -->//[production]/</code>&#58; health, google login, session, me |  |
    | Bake | blue is kept, then taken away | at least 5 m |

    If the run dies meanwhile: at its gate CodeDeploy waits 60 min and then stops the deployment; past it CodeDeploy continues, and keeps blue for 5 min after the shift.

    Whether anything was changed by hand is not known&#58; no deployment of this action is recorded on the service; the next one that ends deployed is.

    A deployment with <code>plan-digest: [plan]</code> does this, or is refused.

    </details>

    <sub>[Run 4711](https://github.com/org/repo/actions/runs/4711), attempt 1; written anew by every run.</sub>
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_run_leaves_the_comment_of_a_newer_one() {
    let mut play = Story::codedeploy().begin().await;
    play.act(plan("1.1.0").env("GITHUB_RUN_ID", "4800")).await;
    let newer = comment(&play);
    let older = play.act(plan("1.2.0")).await;
    assert_planned(&older);
    assert_eq!(comment(&play), newer);
    let again = plan("1.2.0")
        .env("GITHUB_RUN_ID", "4800")
        .env("GITHUB_RUN_ATTEMPT", "2");
    assert_planned(&play.act(again).await);
    assert_ne!(comment(&play), newer, "a second attempt is newer");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_an_environment_has_a_comment_of_its_own() {
    let mut play = Story::codedeploy().begin().await;
    let file = "defaults: { cluster: prod }\nenvironments:\n  staging: { service: api }\n  production: { service: api }\n";
    for environment in ["staging", "production", "staging"] {
        let planned = plan("1.1.0")
            .without("service")
            .without("cluster")
            .file("deploy.yml", file)
            .with("config", "deploy.yml")
            .with("environment", environment);
        assert_planned(&play.act(planned).await);
    }
    let all = comments(&play);
    play.end().await;
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(all[0].body.contains("Environment: <code>staging</code>"));
    assert!(all[1].body.contains("Environment: <code>production</code>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_reads_is_a_warning_with_the_permission() {
    let mut play = Story::codedeploy().begin().await;
    play.stage.set_github(GithubOptions {
        access: GithubAccess::ReadOnly,
        ..GithubOptions::default()
    });
    let run = play.act(plan("1.1.0")).await;
    play.end().await;
    assert_planned(&run);
    assert_snapshot!(run.log_with("the comment on the pull request"), @"
    ::warning title=runner::the comment on the pull request is incomplete: GitHub answered 403: Resource not accessible by integration; give the job `permissions: { pull-requests: write }`, or set comment: never (the token of a pull request from a fork only reads: its plan is in the summary)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn outages_limits_and_silence_change_no_outcome_and_end_in_time() {
    let kinds = [
        (CREATE, FaultKind::Throttled, "rate limit"),
        (CREATE, FaultKind::InternalError, "GitHub answered 500"),
        (LIST, FaultKind::Drops, "could not be asked"),
        (LIST, FaultKind::Hangs, "did not answer within 9 s"),
        (CREATE, FaultKind::LandsThenDrops, "could not be asked"),
    ];
    for (operation, kind, said) in kinds {
        let fault = Fault::on_every_call(operation, kind.clone());
        let mut play = Story::codedeploy().fault(fault).begin().await;
        let began = Instant::now();
        let run = play.act(plan("1.1.0")).await;
        let took = began.elapsed();
        assert_planned(&run);
        let warning = run.log_with("the comment on the pull request");
        assert!(warning.contains(said), "{kind:?}: {}", run.text());
        assert!(took < Duration::from_secs(30), "{kind:?}: {took:?}");
        // One that was written although its answer was lost is found again.
        play.stage.clear_faults();
        assert_planned(&play.act(plan("1.1.0")).await);
        comment(&play);
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_at_once_one_comment_remains() {
    let mut play = Story::codedeploy().begin().await;
    // Both see no comment before either writes one.
    let slow = Fault::on_every_call(CREATE, FaultKind::Slow(700));
    play.stage.inject(slow);
    let (one, two) = (plan("1.1.0"), plan("1.2.0").env("GITHUB_RUN_ID", "4712"));
    let runs = play.act_at_once([one, two]).await;
    runs.iter().for_each(assert_planned);
    let left = comment(&play);
    play.end().await;
    assert!(left.contains(" 4712.1 -->"), "the newer run's: {left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_comment_with_our_marker_is_left_alone() {
    let mut play = Story::codedeploy().begin().await;
    play.act(plan("1.1.0")).await;
    let stranger = GithubComment {
        id: 1,
        pull_request: 7,
        author: "mallory".to_owned(),
        body: comment(&play),
    };
    let many = (2..150).map(|id| GithubComment {
        id,
        body: "Looks good".to_owned(),
        ..stranger.clone()
    });
    play.stage.set_github(GithubOptions {
        comments: std::iter::once(stranger.clone()).chain(many).collect(),
        ..GithubOptions::default()
    });
    for version in ["1.1.0", "1.2.0"] {
        assert_planned(&play.act(plan(version)).await);
    }
    let all = comments(&play);
    play.end().await;
    let marked: Vec<&GithubComment> = all
        .iter()
        .filter(|comment| comment.body.starts_with("<!-- ecs-bluegreen-action"))
        .collect();
    assert_eq!(marked.len(), 2, "{marked:#?}");
    assert_eq!(*marked[0], stranger);
    assert_eq!(marked[1].author, "github-actions[bot]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_refused_is_commented_too() {
    let mut play = Story::codedeploy().begin().await;
    play.act(plan("1.1.0")).await;
    let refused = play.act(plan("1.1.0").with("service", "apy")).await;
    let wrong = play.act(plan("1.1.0").with("deadline", "soon")).await;
    let all = comments(&play);
    play.end().await;
    assert_eq!((refused.code, wrong.code), (Some(2), Some(2)));
    assert_eq!(all.len(), 2, "another service's, and this one's: {all:#?}");
    assert!(all[0].body.contains("deadline"), "{}", all[0].body);
    assert_snapshot!(refused.redact(&all[1].body), @r"
    <!-- ecs-bluegreen-action 8c061f6409916596 4711.1 -->

    ## ✗ Refused: <code>apy</code> on <code>prod</code>

    **Nothing was touched.** The inputs have problems.

    | Problem | What to do |
    |---|---|
    | service&#58; \`apy\` is MISSING in cluster \`prod\` | did you mean \`api\`? Otherwise create the service first, or check service, cluster (\`prod\`) and aws-region (\`eu-central-1\`) |

    <sub>[Run 4711](https://github.com/org/repo/actions/runs/4711), attempt 1; written anew by every run.</sub>
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_commented() {
    let mut play = Story::codedeploy().begin().await;
    let push = Action::deploy_tested("1.1.0")
        .with("mode", "plan")
        .with("github-token", "ghs_token");
    let deployment = on_pull_request(Action::deploy_tested("1.1.0"));
    let drift = on_pull_request(Action::to_service().with("mode", "drift"));
    let silent = plan("1.1.0").with("comment", "never");
    let tokenless = plan("1.1.0").without("github-token");
    for action in [push, silent, tokenless, deployment, drift] {
        let run = play.act(action).await;
        assert_eq!(run.code, Some(0), "{}", run.text());
    }
    assert_eq!(comments(&play), []);
    assert_eq!(play.stage.read_counts().get(LIST), None);
    let unknown = play.act(plan("1.1.0").with("comment", "loudly")).await;
    play.end().await;
    assert_eq!(unknown.code, Some(2));
    assert_snapshot!(unknown.log_with("comment:"), @"
    ::error title=input refused::comment: `loudly` is not one of auto, never
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_s_file_says_which_pull_request_a_comment_is_about() {
    let mut play = Story::codedeploy().begin().await;
    let event = tempfile::NamedTempFile::new().expect("a file");
    let said = r#"{ "issue": { "number": 7, "pull_request": {} } }"#;
    std::fs::write(event.path(), said).expect("written");
    let path = event.path().display().to_string();
    let asked = plan("1.1.0")
        .env("GITHUB_EVENT_NAME", "issue_comment")
        .env("GITHUB_REF", "refs/heads/main")
        .env("GITHUB_EVENT_PATH", &path);
    assert_planned(&play.act(asked).await);
    comment(&play);
    let other = plan("1.1.0")
        .env("GITHUB_EVENT_NAME", "issue_comment")
        .env("GITHUB_REF", "refs/heads/main");
    let run = play.act(other).await;
    play.end().await;
    assert_planned(&run);
    let words = "does not say which pull request the run is for";
    assert!(run.text().contains(words), "{}", run.text());
}
