//! The repository that an image goes to: missing, made, immutable, or in another account and
//! region; and when its tags move.

use ecs_bluegreen_sim::{Fault, FaultKind, RepositoryOptions, RollingOptions, TemplateOptions};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Story};

/// A service that is rolled in place: what happens after the push is tested elsewhere.
fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

/// To a repository that nobody has made.
fn to_new() -> Action {
    Action::deploy("1.1.0").with("repository", "team/new")
}

fn templates(prefix: &str, applied_for: &str) -> Story {
    let template = TemplateOptions {
        prefix: prefix.to_owned(),
        applied_for: vec![applied_for.to_owned()],
    };
    story().stage(|options| options.ecr.templates.push(template))
}

fn with_repository(repository: RepositoryOptions) -> Story {
    story().stage(|options| options.ecr.repositories.push(repository))
}

fn denied(actions: &[&str]) -> Story {
    story().stage(|options| {
        options.denied = actions.iter().map(|action| (*action).to_owned()).collect();
    })
}

/// What AWS was asked for, by operation.
fn request<'t>(run: &'t ActionRun, operation: &str) -> &'t Value {
    &run.calls
        .iter()
        .find(|call| call.operation == operation)
        .expect("the call")
        .request
}

fn image_group(run: &ActionRun) -> String {
    let lines = run
        .log
        .iter()
        .skip_while(|line| *line != "::group::Image")
        .take_while(|line| !line.starts_with("✓"));
    run.redact(&lines.cloned().collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_repository_is_refused_with_the_command_that_makes_it() {
    assert_snapshot!(story().run(to_new()).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::repository: there is no repository `team/new` in the registry of account 123456789012 in eu-central-1
      hint: set create-repository: true, or make it: aws ecr create-repository --repository-name team/new --region eu-central-1 --registry-id 123456789012
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_repository_is_made_when_that_is_asked() {
    let run = story()
        .run(to_new().with("create-repository", "true"))
        .await;
    assert_eq!(
        request(&run, "ecr:CreateRepository"),
        &json!({ "repositoryName": "team/new", "registryId": "123456789012" })
    );
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
      the repository [registry]/team/new does not exist: it is created, and stays even if the deployment fails
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    repository [registry]/team/new created: with ECR's defaults; it is kept even if the deployment fails
    [registry]/team/new@[digest] as 1.1.0: 3 layers and configs sent ([size])
    ::endgroup::
    ✓ Image: [registry]/team/new@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/team/new@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [ecs deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:2), observed at the service's deployments
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])

    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    deployment-id=[ecs deployment]
    duration-seconds=[n]
    image=[registry]/team/new@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecr:CreateRepository
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the service's deployments).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/team/new&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Repository | <code>[registry]/team/new</code>, made by this run |
    | Transfer | 3 layers and configs sent ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[ecs deployment]</code> (ecs, rolling) |
    | Production traffic | green, observed at the service's deployments |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/team/new&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Traffic | [time] | green serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/team/new&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_as_it_is_asked_for() {
    let how = "scan-on-push: true\nkeep: 30\nimmutable-tags:\n  except: [latest, dev-*]\nkms-key: arn:aws:kms:eu-central-1:123456789012:key/1\n";
    let run = story()
        .run(
            to_new()
                .with("create-repository", "repository.yml")
                .file("repository.yml", how),
        )
        .await;
    assert_snapshot!(serde_json::to_string_pretty(request(&run, "ecr:CreateRepository")).expect("JSON"), @r#"
    {
      "registryId": "123456789012",
      "repositoryName": "team/new",
      "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
      "imageTagMutabilityExclusionFilters": [
        {
          "filterType": "WILDCARD",
          "filter": "latest"
        },
        {
          "filterType": "WILDCARD",
          "filter": "dev-*"
        }
      ],
      "imageScanningConfiguration": {
        "scanOnPush": true
      },
      "encryptionConfiguration": {
        "encryptionType": "KMS",
        "kmsKey": "arn:aws:kms:eu-central-1:123456789012:key/1"
      }
    }
    "#);
    assert_snapshot!(request(&run, "ecr:PutLifecyclePolicy")["lifecyclePolicyText"].as_str().expect("a text"), @r#"{"rules":[{"rulePriority":1,"description":"Keep the newest 30 images","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":30},"action":{"type":"expire"}}]}"#);
    assert_snapshot!(image_group(&run), @"
    ::group::Image
    repository [registry]/team/new created: images are scanned when they are pushed, the newest 30 images are kept, tags are immutable but latest, dev-*, encrypted with arn:aws:kms:eu-central-1:123456789012:key/1; it is kept even if the deployment fails
    [registry]/team/new@[digest] as 1.1.0: 3 layers and configs sent ([size])
    ::endgroup::
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_refused_with_every_problem() {
    let run = story()
        .run(to_new().with(
            "create-repository",
            "{ scan: true, keep: 0, immutable-tags: [release-*] }",
        ))
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 2
    ---
    Nothing was touched: the inputs have 3 problems
    ::error title=input refused::create-repository: inline:1:3: Unknown key `scan` in the repository
      hint: Did you mean `scan-on-push`? Known here: `scan-on-push`, `keep`, `immutable-tags`, `kms-key`
    ::error title=input refused::create-repository: inline:1:21: `keep` must be a whole number from 2 on: the image that runs and the one that a rollback needs
      hint: Write how many images to keep, such as `keep: 30`
    ::error title=input refused::create-repository: inline:1:40: `immutable-tags` must be true, false or a mapping
      hint: Write `true`, `false`, `{ except: [latest] }` or `{ only: ["v*"] }`
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_push_makes_a_repository_that_has_a_creation_template() {
    let run = templates("team", "CREATE_ON_PUSH")
        .run(to_new().with("create-repository", "true"))
        .await;
    assert_eq!(
        (run.output("outcome"), run.count("ecr:CreateRepository")),
        ("deployed", 0)
    );
    assert_snapshot!(run.log_with("creation template"), @"
      the repository [registry]/team/new does not exist: the push creates it, by the creation template `team`
    the push created the repository [registry]/team/new, by the creation template `team`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_not_for_pushes_makes_nothing() {
    let run = templates("ROOT", "PULL_THROUGH_CACHE").run(to_new()).await;
    assert_eq!(run.code, Some(2), "{}", run.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_made_although_a_template_would() {
    let run = templates("ROOT", "CREATE_ON_PUSH")
        .run(to_new().with("create-repository", "{ immutable-tags: false }"))
        .await;
    assert_eq!(
        (run.output("outcome"), run.count("ecr:CreateRepository")),
        ("deployed", 1)
    );
    assert_eq!(
        request(&run, "ecr:CreateRepository")["imageTagMutability"],
        "MUTABLE"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_at_repositories_may_still_push() {
    let run = denied(&["ecr:DescribeRepositories"])
        .run(Action::deploy("1.1.0"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    ::warning title=a check is limited::Whether the repository exists, and whether its tags are mutable, is only known once the image is pushed. Allow ecr:DescribeRepositories to have it. (ecr:DescribeRepositories is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:DescribeRepositories on resource: arn:aws:ecr:eu-central-1:123456789012:repository/app because no identity-based policy allows the ecr:DescribeRepositories action)
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_make_a_repository_is_told_what_to_allow() {
    let run = denied(&["ecr:CreateRepository"])
        .run(to_new().with("create-repository", "true"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::ecr:CreateRepository is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:eu-central-1:123456789012:repository/team/new because no identity-based policy allows the ecr:CreateRepository action
      hint: allow ecr:CreateRepository on arn:aws:ecr:eu-central-1:123456789012:repository/team/new for the role that the job uses (docs/iam.md)
    Outcome: not-deployed (denied), exit code 10, after [time]
    ---
    ecr:CreateRepository → AccessDeniedException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_whose_answer_was_lost_is_made_once() {
    let story = story().fault(Fault::on_first_call(
        "CreateRepository",
        FaultKind::LandsThenDrops,
    ));
    let run = story
        .run(to_new().with("create-repository", "{ keep: 5 }"))
        .await;
    assert_eq!(run.count("ecr:PutLifecyclePolicy"), 1, "it is ours");
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecr:CreateRepository → no answer
    ecr:CreateRepository → RepositoryAlreadyExistsException
    ecr:PutLifecyclePolicy
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_somebody_else_makes_meanwhile_is_taken_as_it_is() {
    let there = FaultKind::Refused {
        code: "RepositoryAlreadyExistsException".to_owned(),
        message: "The repository exists".to_owned(),
    };
    let run = story()
        .fault(Fault::on_first_call("CreateRepository", there))
        .run(to_new().with("create-repository", "{ keep: 5 }"))
        .await;
    assert_eq!(
        (run.output("outcome"), run.count("ecr:PutLifecyclePolicy")),
        ("deployed", 0)
    );
    assert_snapshot!(run.log_with("meanwhile"), @"somebody else created the repository [registry]/team/new meanwhile; it is used as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifecycle_policy_that_cannot_be_set_endangers_no_deployment() {
    let run = denied(&["ecr:PutLifecyclePolicy"])
        .run(to_new().with("create-repository", "{ keep: 5 }"))
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 0
    ---
    ::warning title=note::the new repository keeps all its images, because its lifecycle policy could not be set (ecr:PutLifecyclePolicy is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:PutLifecyclePolicy on resource: arn:aws:ecr:eu-central-1:123456789012:repository/team/new because no identity-based policy allows the ecr:PutLifecyclePolicy action): aws ecr put-lifecycle-policy --repository-name team/new --region eu-central-1 --lifecycle-policy-text '{"rules":[{"rulePriority":1,"description":"Keep the newest 5 images","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":5},"action":{"type":"expire"}}]}'
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecr:CreateRepository
    ecr:PutLifecyclePolicy → AccessDeniedException
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_tag_of_another_image_is_refused_before_anything_is_sent() {
    let mut play = with_repository(RepositoryOptions::new("app").with_immutable_tags(&["latest"]))
        .begin()
        .await;
    let run = play
        .act(Action::deploy("1.1.0").with("tags", "1.0.0, latest"))
        .await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::tags: the tag `1.0.0` of [registry]/app is immutable and names [digest]; the image is [digest]
      hint: use a tag that is new for every build, such as the commit's, or deploy the image that is there
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_tag_that_names_this_image_already_is_success() {
    let mut play = with_repository(RepositoryOptions::new("app").with_immutable_tags(&[]))
        .begin()
        .await
        .push_version("1.1.0")
        .await;
    let run = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_snapshot!(image_group(&run), @"
    ::group::Image
    [registry]/app@[digest] as 1.1.0: already in the registry, [size] moved
    ::endgroup::
    ");
    assert_eq!(run.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_may_move_moves_in_a_repository_with_immutable_ones() {
    let mut play = with_repository(RepositoryOptions::new("app").with_immutable_tags(&["latest"]))
        .begin()
        .await;
    let first = play
        .act(Action::deploy("1.1.0").with("tags", "1.1.0, latest"))
        .await;
    let second = play
        .act(Action::deploy("1.2.0").with("tags", "1.2.0, latest"))
        .await;
    assert_eq!(
        play.stage
            .world()
            .fetch_manifest("app", "latest")
            .await
            .expect("an image")
            .digest,
        second.output("image-digest")
    );
    play.end().await;
    assert_eq!(
        (first.output("outcome"), second.output("outcome")),
        ("deployed", "deployed")
    );
}

/// `registries` is not set: the host says it all.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_may_be_in_another_account_and_region() {
    let there = RepositoryOptions::new("shared/app").in_account("210987654321", "eu-west-1");
    let action = Action::deploy("1.1.0").with(
        "repository",
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shared/app",
    );
    let mut play = with_repository(there).begin().await;
    let run = play.act(action).await;
    assert!(
        play.stage
            .world()
            .list_tags("shared/app")
            .await
            .expect("tags")
            .contains(&"1.1.0".to_owned())
    );
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_missing_in_another_account_is_named_with_its_place() {
    let action =
        Action::deploy("1.1.0").with("repository", "210987654321.dkr-ecr.eu-west-1.on.aws/app");
    assert_snapshot!(story().run(action).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::repository: there is no repository `app` in the registry of account 210987654321 in eu-west-1
      hint: set create-repository: true, or make it: aws ecr create-repository --repository-name app --region eu-west-1 --registry-id 210987654321
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_another_account_names_action_and_resource() {
    let action = Action::deploy("1.1.0").with(
        "repository",
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com/app",
    );
    let run = denied(&["ecr:GetAuthorizationToken"]).run(action).await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::aws: ecr:GetAuthorizationToken is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action
      hint: allow ecr:GetAuthorizationToken on * for the role that the job uses (docs/iam.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_another_account_need_not_be_seen_to_be_pushed_to() {
    let action = Action::deploy("1.1.0").with(
        "repository",
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com/app",
    );
    assert_snapshot!(denied(&["ecr:DescribeRepositories"]).run(action).await.ending(), @"
    exit code 0
    ---
    ::warning title=a check is limited::Whether the repository exists, and whether its tags are mutable, is only known once the image is pushed. Allow ecr:DescribeRepositories to have it. (ecr:DescribeRepositories is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecr:DescribeRepositories on resource: arn:aws:ecr:eu-west-1:210987654321:repository/app because no identity-based policy allows the ecr:DescribeRepositories action)
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_to_no_registry_but_ecr() {
    assert_snapshot!(story().run(Action::deploy("1.1.0").with("repository", "ghcr.io/org/app")).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::repository: `ghcr.io` is not a registry of ECR, which images are pushed to
      hint: write only the repository's name, or ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME
    ");
}
