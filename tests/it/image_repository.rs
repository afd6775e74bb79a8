//! The repository that an image goes to: missing, made, immutable, or in another account and region.

use ecs_bluegreen_sim::{Fault, FaultKind, RepositoryOptions, RollingOptions, TemplateOptions};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, Story, Told};

/// A service that is rolled in place: what happens after the push is told elsewhere.
fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

/// To a repository that nobody has made.
fn to_new() -> Action {
    Action::deploy("1.1.0").with("repository", "team/new")
}

fn templates(prefix: &str, applied_for: &str) -> Story {
    let template = TemplateOptions { prefix: prefix.to_owned(), applied_for: vec![applied_for.to_owned()] };
    story().stage(|options| options.ecr.templates.push(template))
}

fn with_repository(repository: RepositoryOptions) -> Story {
    story().stage(|options| options.ecr.repositories.push(repository))
}

fn denied(actions: &[&str]) -> Story {
    story().stage(|options| options.denied = actions.iter().map(|action| (*action).to_owned()).collect())
}

/// What AWS was asked for, by operation.
fn request<'t>(told: &'t Told, operation: &str) -> &'t Value {
    &told.calls.iter().find(|call| call.operation == operation).expect("the call").request
}

fn image_group(told: &Told) -> String {
    let lines = told.log.iter().skip_while(|line| *line != "::group::Image").take_while(|line| !line.starts_with("✓"));
    told.redacted(&lines.cloned().collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_repository_is_refused_with_the_command_that_makes_it() {
    assert_snapshot!(story().told(to_new()).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_repository_is_made_when_that_is_asked() {
    let told = story().told(to_new().with("create-repository", "true")).await;
    assert_eq!(request(&told, "ecr:CreateRepository"), &json!({ "repositoryName": "team/new", "registryId": "123456789012" }));
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_as_it_is_asked_for() {
    let how =
        "scan-on-push: true\nkeep: 30\nimmutable-tags:\n  except: [latest, dev-*]\nkms-key: arn:aws:kms:eu-central-1:123456789012:key/1\n";
    let told = story().told(to_new().with("create-repository", "repository.yml").file("repository.yml", how)).await;
    assert_snapshot!(serde_json::to_string_pretty(request(&told, "ecr:CreateRepository")).expect("JSON"), @"");
    assert_snapshot!(request(&told, "ecr:PutLifecyclePolicy")["lifecyclePolicyText"].as_str().expect("a text"), @"");
    assert_snapshot!(image_group(&told), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_refused_with_every_problem() {
    let told = story().told(to_new().with("create-repository", "{ scan: true, keep: 0, immutable-tags: [release-*] }")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_push_makes_a_repository_that_has_a_creation_template() {
    let told = templates("team", "CREATE_ON_PUSH").told(to_new().with("create-repository", "true")).await;
    assert_eq!((told.output("outcome"), told.count("ecr:CreateRepository")), ("deployed", 0));
    assert_snapshot!(told.log_with("creation template"), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_not_for_pushes_makes_nothing() {
    let told = templates("ROOT", "PULL_THROUGH_CACHE").told(to_new()).await;
    assert_eq!(told.code, Some(2), "{}", told.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_made_although_a_template_would() {
    let told = templates("ROOT", "CREATE_ON_PUSH").told(to_new().with("create-repository", "{ immutable-tags: false }")).await;
    assert_eq!((told.output("outcome"), told.count("ecr:CreateRepository")), ("deployed", 1));
    assert_eq!(request(&told, "ecr:CreateRepository")["imageTagMutability"], "MUTABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_at_repositories_may_still_push() {
    let told = denied(&["ecr:DescribeRepositories"]).told(Action::deploy("1.1.0")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_make_a_repository_is_told_what_to_allow() {
    let told = denied(&["ecr:CreateRepository"]).told(to_new().with("create-repository", "true")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_whose_answer_was_lost_is_made_once() {
    let story = story().fault(Fault::first("CreateRepository", FaultKind::LandsThenDrops));
    let told = story.told(to_new().with("create-repository", "{ keep: 5 }")).await;
    assert_eq!(told.count("ecr:PutLifecyclePolicy"), 1, "it is ours");
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_somebody_else_makes_meanwhile_is_taken_as_it_is() {
    let there = FaultKind::Refused { code: "RepositoryAlreadyExistsException".to_owned(), message: "The repository exists".to_owned() };
    let told = story().fault(Fault::first("CreateRepository", there)).told(to_new().with("create-repository", "{ keep: 5 }")).await;
    assert_eq!((told.output("outcome"), told.count("ecr:PutLifecyclePolicy")), ("deployed", 0));
    assert_snapshot!(told.log_with("meanwhile"), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifecycle_policy_that_cannot_be_set_endangers_no_deployment() {
    let told = denied(&["ecr:PutLifecyclePolicy"]).told(to_new().with("create-repository", "{ keep: 5 }")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_tag_of_another_image_is_refused_before_anything_is_sent() {
    let mut play = with_repository(RepositoryOptions::new("app").immutable(&["latest"])).begin().await;
    let told = play.act(Action::deploy("1.1.0").with("tags", "1.0.0, latest")).await;
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_tag_that_names_this_image_already_is_success() {
    let mut play = with_repository(RepositoryOptions::new("app").immutable(&[])).begin().await.pushed("1.1.0").await;
    let told = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_snapshot!(image_group(&told), @"");
    assert_eq!(told.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_may_move_moves_in_a_repository_with_immutable_ones() {
    let mut play = with_repository(RepositoryOptions::new("app").immutable(&["latest"])).begin().await;
    let first = play.act(Action::deploy("1.1.0").with("tags", "1.1.0, latest")).await;
    let second = play.act(Action::deploy("1.2.0").with("tags", "1.2.0, latest")).await;
    assert_eq!(play.stage.world().manifest("app", "latest").await.expect("an image").digest, second.output("image-digest"));
    play.end().await;
    assert_eq!((first.output("outcome"), second.output("outcome")), ("deployed", "deployed"));
}

/// `registries` is not set: the host says it all.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_may_be_in_another_account_and_region() {
    let there = RepositoryOptions::new("shared/app").elsewhere("210987654321", "eu-west-1");
    let action = Action::deploy("1.1.0").with("repository", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shared/app");
    let mut play = with_repository(there).begin().await;
    let told = play.act(action).await;
    assert!(play.stage.world().tags("shared/app").await.expect("tags").contains(&"1.1.0".to_owned()));
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_missing_in_another_account_is_named_with_its_place() {
    let action = Action::deploy("1.1.0").with("repository", "210987654321.dkr-ecr.eu-west-1.on.aws/app");
    assert_snapshot!(story().told(action).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_another_account_names_action_and_resource() {
    let action = Action::deploy("1.1.0").with("repository", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/app");
    let told = denied(&["ecr:GetAuthorizationToken"]).told(action).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_another_account_need_not_be_seen_to_be_pushed_to() {
    let action = Action::deploy("1.1.0").with("repository", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/app");
    assert_snapshot!(denied(&["ecr:DescribeRepositories"]).told(action).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_to_no_registry_but_ecr() {
    assert_snapshot!(story().told(Action::deploy("1.1.0").with("repository", "ghcr.io/org/app")).await.ending(), @"");
}
