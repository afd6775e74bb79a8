//! Roles that the action assumes itself: with the job's ID token or with other credentials, renewed
//! as long as the run lasts; and whose credentials they are.

use ecs_bluegreen_sim::{
    EventTime, Fault, FaultKind, GroupOptions, RoleOptions, StageOptions, TaskFault, TaskFaultKind,
};
use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Play, Story};

const DEPLOY: &str = "arn:aws:iam::123456789012:role/deploy";
const REGISTRY: &str = "arn:aws:iam::222222222222:role/push";
/// The `sub` of the job's ID token.
const SUBJECT: &str = "repo:org/repo:environment:production";
const GITHUB: &str = "github:GetIdToken";
const STS: &str = "sts:AssumeRoleWithWebIdentity";

fn role(arn: &str) -> RoleOptions {
    RoleOptions {
        arn: arn.to_owned(),
        subjects: vec![SUBJECT.to_owned()],
        ..RoleOptions::default()
    }
}

fn with_roles(roles: &[RoleOptions]) -> impl FnOnce(&mut StageOptions) {
    let roles = roles.to_vec();
    move |options| options.roles = roles
}

/// A job that has nothing but `permissions: id-token: write`.
fn deploy() -> Action {
    Action::deploy("1.1.0")
        .with_id_token()
        .with("role-to-assume", DEPLOY)
}

/// How often a read came.
fn count(play: &Play, operation: &str) -> u64 {
    let counts = play.stage.read_counts();
    counts.get(operation).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_assumed_with_the_job_s_id_token_and_named() {
    let story = Story::codedeploy().stage(with_roles(&[role(DEPLOY)]));
    let run = story.run(deploy()).await;
    assert_snapshot!(run.with_summary());
    let report: serde_json::Value = serde_json::from_str(run.output("report")).expect("JSON");
    assert_eq!(
        report["caller"],
        serde_json::json!({ "account": "123456789012", "who": "role deploy", "session": "GitHubActions" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_the_permission_is_told_the_line_that_it_lacks() {
    let lacking = deploy()
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "");
    let run = Story::codedeploy().run(lacking).await;
    assert_snapshot!(run.text());
}

/// What a run says whose role is not assumed.
async fn refused(roles: &[RoleOptions], change: impl FnOnce(Action) -> Action) -> String {
    let story = Story::codedeploy().stage(with_roles(roles));
    let run = story.run(change(deploy())).await;
    assert!(run.calls.is_empty(), "{}", run.text());
    run.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_role_is_told_in_aws_s_words_with_what_to_do() {
    let other = role("arn:aws:iam::123456789012:role/other");
    let (no_provider, other_job, other_audience) = (
        RoleOptions {
            subjects: Vec::new(),
            ..role(DEPLOY)
        },
        RoleOptions {
            subjects: vec!["repo:org/repo:ref:refs/heads/main".to_owned()],
            ..role(DEPLOY)
        },
        RoleOptions {
            audience: "sts.amazonaws.com.cn".to_owned(),
            ..role(DEPLOY)
        },
    );
    let same = |action: Action| action;
    let told = [
        ("an unknown role", refused(&[other], same).await),
        ("no identity provider", refused(&[no_provider], same).await),
        ("another job is trusted", refused(&[other_job], same).await),
        ("another audience", refused(&[other_audience], same).await),
        (
            "a session that is too long",
            refused(&[role(DEPLOY)], |action| action.with("role-duration", "2h")).await,
        ),
    ];
    let told: Vec<String> = told
        .into_iter()
        .map(|(what, text)| format!("=== {what}\n{text}"))
        .collect();
    assert_snapshot!(told.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_are_misspelled_or_of_another_account_are_refused() {
    let mut play = Story::codedeploy().begin().await;
    let wrong = deploy()
        .with("role-to-assume", "deploy")
        .with("role-session-name", "a name")
        .with("role-duration", "5m");
    let misspelled = play.act(wrong).await;
    let other = "arn:aws:ecs:eu-central-1:222222222222:cluster/prod";
    let foreign = deploy()
        .with("cluster", other)
        .with("task-role-arn", "arn:aws:iam::333333333333:role/task");
    let foreign = play.act(foreign).await;
    // Without a role AWS says whose credentials they are.
    let ambient = play
        .act(Action::deploy("1.1.0").with("cluster", other))
        .await;
    play.end().await;
    assert_snapshot!(
        [misspelled, foreign, ambient]
            .map(|run| run.text())
            .join("\n=======\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_id_token_the_role_is_assumed_with_the_job_s_credentials() {
    let trusting = RoleOptions {
        trusts: vec!["github-actions".to_owned()],
        subjects: Vec::new(),
        max_session_seconds: 7200,
        ..role(DEPLOY)
    };
    let mut play = Story::codedeploy()
        .stage(with_roles(&[trusting]))
        .begin()
        .await;
    let action = || Action::deploy("1.1.0").with("role-to-assume", DEPLOY);
    let chained = play.act(action()).await;
    assert_eq!(count(&play, GITHUB), 0);
    let asked = action().with_id_token_too().with("role-chaining", "true");
    let asked = play.act(asked).await;
    assert_eq!(
        (count(&play, GITHUB), count(&play, "sts:AssumeRole")),
        (0, 2)
    );
    let too_long = play.act(action().with("role-duration", "2h")).await;
    play.end().await;
    assert_eq!(
        asked.output("outcome"),
        "already-deployed",
        "{}",
        asked.text()
    );
    assert_snapshot!(format!(
        "{}\n{}",
        chained.log_with("was assumed"),
        too_long.ending()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_the_registry_is_used_for_ecr_and_for_nothing_else() {
    let only = |arn: &str, actions: &[&str]| RoleOptions {
        allowed: actions.iter().map(|action| (*action).to_owned()).collect(),
        ..role(arn)
    };
    let deploys = only(
        DEPLOY,
        &[
            "ecs:*",
            "codedeploy:*",
            "elasticloadbalancing:*",
            "cloudwatch:*",
            "logs:*",
            "iam:*",
        ],
    );
    // The one trusts the job, the other only the role that deploys.
    let trusts_job = only(REGISTRY, &["ecr:*"]);
    let trusts_role = RoleOptions {
        subjects: vec!["repo:org/other:ref:refs/heads/main".to_owned()],
        trusts: vec!["deploy".to_owned()],
        ..trusts_job.clone()
    };
    for registry in [trusts_job, trusts_role] {
        let roles = [deploys.clone(), registry];
        let run = Story::codedeploy()
            .stage(with_roles(&roles))
            .run(deploy().with("registry-role-to-assume", REGISTRY))
            .await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
        assert_eq!(run.log_with("::warning"), "", "{}", run.text());
    }
    let distrusted = RoleOptions {
        subjects: Vec::new(),
        ..only(REGISTRY, &["ecr:*"])
    };
    let run = Story::codedeploy()
        .stage(with_roles(&[deploys, distrusted]))
        .run(deploy().with("registry-role-to-assume", REGISTRY))
        .await;
    assert_snapshot!(run.ending());
}

/// A group that keeps blue for some seconds after the shift, and sessions of six seconds.
fn long_bake(seconds: u32) -> Story {
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSAllAtOnce".to_owned(),
        termination_minutes: seconds,
        ..GroupOptions::default()
    };
    Story::group(group)
        .in_real_time()
        .users(|users| ecs_bluegreen_sim::world::load::LoadOptions {
            tolerated: ecs_bluegreen_sim::world::load::FailureTolerance::Any,
            ..users.clone()
        })
        .stage(with_roles(&[role(DEPLOY)]))
        .stage(|options| {
            options.session_ms = Some(6_000);
            options.task_troubles.push(TaskFault {
                revision: "api:2".to_owned(),
                when: EventTime::Shifted {
                    listener: "prod".to_owned(),
                    percent: 100.0,
                    seconds_later: f64::from(seconds) / 2.0,
                },
                kind: TaskFaultKind::Crashes,
            });
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_renewed_so_that_the_end_of_a_long_bake_can_still_roll_back() {
    let mut play = long_bake(30).begin().await;
    let run = play.act(deploy()).await;
    let (asked, assumed) = (count(&play, GITHUB), count(&play, STS));
    let expired = run.calls.iter().filter(|call| call.code.is_some()).count();
    play.end().await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    assert!(
        assumed >= 3 && asked == assumed,
        "{assumed} sessions of {asked} tokens"
    );
    assert_eq!(
        (expired, run.log_with("expired")),
        (0, String::new()),
        "{}",
        run.text()
    );
}

/// A run whose session is not renewed any more once it bakes, and its post step.
async fn ended_session(kind: FaultKind) -> (ActionRun, ActionRun) {
    let fault = Fault::on_every_call("GetIdToken", kind).starting_at(3);
    let mut play = long_bake(40).fault(fault).begin().await;
    let main = play.act(deploy().with("on-cancel", "rollback")).await;
    play.stage.clear_faults();
    let post = play.post(&main).await;
    play.end().await;
    (main, post)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_github_does_not_renew_any_more_ends_with_what_serves_and_what_aws_does() {
    let (main, post) = ended_session(FaultKind::Denied).await;
    assert_snapshot!(format!("{}\n=== post\n{}", main.ending(), post.text()));
}

/// A run at whose start something goes wrong with GitHub or AWS.
async fn started_with(faults: &[Fault]) -> ActionRun {
    let story = Story::codedeploy().stage(with_roles(&[role(DEPLOY)]));
    let story = faults.iter().cloned().fold(story, Story::fault);
    story.run(deploy()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_moment_of_github_or_of_sts_is_waited_out() {
    let kinds = [
        FaultKind::Throttled,
        FaultKind::InternalError,
        FaultKind::Garbage,
        FaultKind::Drops,
        FaultKind::LandsThenDrops,
        FaultKind::Hangs,
    ];
    for operation in ["GetIdToken", "AssumeRoleWithWebIdentity"] {
        let faults = kinds.iter().enumerate().map(|(index, kind)| {
            let nth = u64::try_from(index).unwrap_or_default() + 1;
            Fault::on_first_call(operation, kind.clone()).starting_at(nth)
        });
        let run = started_with(&faults.collect::<Vec<_>>()).await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_or_sts_refuses_and_what_never_comes_ends_before_anything_is_touched() {
    let every = |operation: &str, kind| [Fault::on_every_call(operation, kind)];
    let runs = [
        started_with(&every("GetIdToken", FaultKind::Denied)).await,
        started_with(&every("GetIdToken", FaultKind::Hangs)).await,
        started_with(&every(STS, FaultKind::Denied)).await,
        started_with(&every(STS, FaultKind::Garbage)).await,
    ];
    assert!(runs.iter().all(|run| run.calls.is_empty()));
    assert_snapshot!(runs.map(|run| run.ending()).join("\n=======\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_aws_is_only_told_and_never_waited_for() {
    let fault = Fault::on_every_call("GetCallerIdentity", FaultKind::Denied);
    let mut play = Story::codedeploy().fault(fault).begin().await;
    let run = play.act(Action::deploy("1.1.0")).await;
    let asked = count(&play, "sts:GetCallerIdentity");
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!((run.log_with("AWS account"), asked), (String::new(), 1));
}
