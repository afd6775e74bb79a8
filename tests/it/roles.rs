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
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    role-to-assume: arn:aws:iam::123456789012:role/deploy was assumed with the job's ID token; its session GitHubActions is renewed as long as the run lasts
    AWS account 123456789012, role deploy
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the load balancer's listeners).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | green, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✓ | Traffic | [time] | green serves 100 % |
    | ✓ | Bake | [time] | the rollout is over, blue is gone |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role deploy, session <code>GitHubActions</code>.

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    ");
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
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Deploying to api on prod, eu-central-1 (run [run])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::role-to-assume: the job has no ID token to assume the role with, and no other credentials
      hint: give the job `permissions: id-token: write` (a pull request from a fork is never given a token)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
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
    assert_snapshot!(told.join("\n"), @"
    === an unknown role
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRoleWithWebIdentity is denied: Not authorized to perform sts:AssumeRoleWithWebIdentity
      hint: look whether the role exists, and whether its trust policy allows sts:AssumeRoleWithWebIdentity to this job, whose token says aud sts.amazonaws.com and sub repo:org/repo:environment:production (docs/iam.md#the-trust-of-the-role)
    === no identity provider
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRoleWithWebIdentity: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com (InvalidIdentityToken)
      hint: create the identity provider in account 123456789012: aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com (docs/iam.md#the-trust-of-the-role)
    === another job is trusted
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRoleWithWebIdentity is denied: Not authorized to perform sts:AssumeRoleWithWebIdentity
      hint: look whether the role exists, and whether its trust policy allows sts:AssumeRoleWithWebIdentity to this job, whose token says aud sts.amazonaws.com and sub repo:org/repo:environment:production (docs/iam.md#the-trust-of-the-role)
    === another audience
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRoleWithWebIdentity: Incorrect token audience (InvalidIdentityToken)
      hint: let the identity provider of account 123456789012 know the audience sts.amazonaws.com: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com --client-id sts.amazonaws.com; or set audience (docs/iam.md#the-trust-of-the-role)
    === a session that is too long
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRoleWithWebIdentity: The requested DurationSeconds exceeds the MaxSessionDuration set for this role. (ValidationError)
      hint: leave role-duration out: a session of 1 h is renewed as long as the run lasts; or raise the role's maximum: aws iam update-role --role-name deploy --max-session-duration 7200
    ");
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
    , @"
    exit code 2
    ---
    Deploying to api on prod, eu-central-1 (run [run])
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused::role-session-name: `a name` is not the name of a session
      hint: use 2 to 64 letters, digits and `_`, `+`, `=`, `,`, `.`, `@`, `-`
    ::error title=input refused::role-duration: AWS gives sessions of 15 minutes to 12 hours
      hint: use 15m to 12h, or leave it out: the session is renewed as long as the run lasts
    ::error title=input refused::role-to-assume: `deploy` is not the ARN of a role
      hint: write it whole: arn:aws:iam::ACCOUNT:role/NAME
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    =======
    exit code 2
    ---
    Deploying to api on arn:aws:ecs:eu-central-1:222222222222:cluster/prod, eu-central-1 (run [run])
    role-to-assume: arn:aws:iam::123456789012:role/deploy was assumed with the job's ID token; its session GitHubActions is renewed as long as the run lasts
    AWS account 123456789012, role deploy
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::cluster: the ARN is of account 222222222222, and role-to-assume is of account 123456789012
      hint: give the one of account 123456789012, or deploy with a role of account 222222222222 (role-to-assume)
    ::error title=input refused::task-role-arn: the ARN is of account 333333333333, and role-to-assume is of account 123456789012
      hint: give the one of account 123456789012, or deploy with a role of account 333333333333 (role-to-assume)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    =======
    exit code 2
    ---
    Deploying 1.1.0 to api on arn:aws:ecs:eu-central-1:222222222222:cluster/prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::cluster: the ARN is of account 222222222222, and who calls AWS is of account 123456789012
      hint: give the one of account 123456789012, or deploy with a role of account 222222222222 (role-to-assume)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
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
    ), @"
    role-to-assume: arn:aws:iam::123456789012:role/deploy was assumed with the credentials there were before, by which a session lasts at most 1 h; its session GitHubActions is renewed as long as the run lasts
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRole: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining (ValidationError)
      hint: set role-duration to 1h or less, or leave it out: a role that is assumed with another role's credentials has sessions of at most 1 h, which are renewed as long as the run lasts
    ");
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
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::registry-role-to-assume: role arn:aws:iam::222222222222:role/push was not assumed: sts:AssumeRoleWithWebIdentity: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com (InvalidIdentityToken); with the run's own credentials: role arn:aws:iam::222222222222:role/push was not assumed: sts:AssumeRole is denied: User: arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/push
      hint: create the identity provider in account 222222222222: aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com (docs/iam.md#the-trust-of-the-role); or look whether the role exists, whether its trust policy names the caller, and whether the caller is allowed sts:AssumeRole on arn:aws:iam::222222222222:role/push (docs/iam.md#the-trust-of-the-role)
    ");
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
    // Which reads find out first is a matter of milliseconds.
    assert_eq!(main.log_with("is not renewed yet").lines().count(), 1);
    let ending = main.ending();
    let (_, ending) = ending.split_once("\n---\nGreen").expect("the last words");
    assert_snapshot!(format!("Green{ending}\n=== post\n{}", post.text()), @"
    Green (api:2) served production when it was last looked at; CodeDeploy deployment [deployment 1] could not be undone: a person is needed; there are no credentials any more to look or to roll back with, and AWS goes on by itself: deployment [deployment 1] continues by itself; CodeDeploy keeps blue for 40 min after the shift.
    ::error title=stuck (credentials)::the rollout cannot be read any more: the credentials are no longer good
      Caused by: codedeploy:GetDeployment was not sent: role arn:aws:iam::123456789012:role/deploy was not assumed: GitHub gives the job no ID token: it answered 403: Resource not accessible by integration
    ::error title=stuck::not undone: CodeDeploy deployment [deployment 1]: the deployment could not be stopped
      Caused by: codedeploy:StopDeployment was not sent: role arn:aws:iam::123456789012:role/deploy was not assumed: GitHub gives the job no ID token: it answered 403: Resource not accessible by integration
      hint: by hand: aws deploy stop-deployment --deployment-id [deployment 1] --auto-rollback-enabled (docs/stuck.md)
      hint: look at the role's trust policy, and whether the job still has `permissions: id-token: write` (docs/iam.md#the-trust-of-the-role)
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (credentials), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    === post
    exit code 0
    ---
    role-to-assume: arn:aws:iam::123456789012:role/deploy was assumed with the job's ID token; its session GitHubActions is renewed as long as the run lasts
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
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
    ];
    assert!(runs.iter().all(|run| run.calls.is_empty()));
    assert_snapshot!(runs.map(|run| run.ending()).join("\n=======\n"), @"
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: GitHub gives the job no ID token: it answered 403: Resource not accessible by integration
      hint: give the job `permissions: id-token: write`
    =======
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (credentials)::role arn:aws:iam::123456789012:role/deploy was not assumed: GitHub did not answer the request for the job's ID token: deadline has elapsed
      hint: nothing is wrong with the inputs as far as is known: run the job again
    Outcome: not-deployed (credentials), exit code 10, after [time]
    =======
    exit code 2
    ---
    Nothing was touched: there are no usable AWS credentials
    ::error title=input refused::role-to-assume: role arn:aws:iam::123456789012:role/deploy was not assumed: sts:AssumeRoleWithWebIdentity is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: sts:AssumeRoleWithWebIdentity on resource: * because no identity-based policy allows the sts:AssumeRoleWithWebIdentity action
      hint: look whether the role exists, and whether its trust policy allows sts:AssumeRoleWithWebIdentity to this job, whose token says aud sts.amazonaws.com and sub repo:org/repo:environment:production (docs/iam.md#the-trust-of-the-role)
    ");
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
