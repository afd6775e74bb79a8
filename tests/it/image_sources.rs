//! Images that are in a registry already: copied from one repository to another, with the
//! credentials that belong to each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecs_bluegreen_sim::world::registry::{Mounts, RegistryFault, RegistryFaultKind};
use ecs_bluegreen_sim::{RollingOptions, Stage, StageOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, ActionRun, Story, layout};

/// Bytes a second; the sample application then takes some ten seconds, and a line is said after
/// five.
const SLOW: u64 = 350_000;
const PASSWORD: &str = "canary-of-the-other-registry";

fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

/// Somebody else's registry, with the sample application in it. It only takes the user `AWS`, and
/// its own password.
async fn elsewhere() -> Stage {
    let options = StageOptions {
        registry_password: PASSWORD.to_owned(),
        ..StageOptions::default()
    };
    let other = Stage::start(options).await.expect("a stage");
    other
        .world()
        .push_layout(&layout("1.1.0"), "team/app", "1.1.0")
        .await
        .expect("pushed");
    other
}

fn from(other: &Stage) -> Action {
    let image = format!("docker://{}/team/app:1.1.0", other.registry_host());
    Action::to_service()
        .with("image", &image)
        .with("repository", "app")
        .with("tags", "1.1.0")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_name_that_says_a_registry_is_looked_for_there_when_the_engine_does_not_have_it() {
    let other = elsewhere().await;
    let mut play = story().begin().await;
    let image = format!("{}/team/app:1.1.0", other.registry_host());
    let action = Action::to_service()
        .with("image", &image)
        .with("repository", "app")
        .with("tags", "1.1.0");
    let run = play
        .act(
            action
                .with("registry-username", "AWS")
                .with("registry-password", PASSWORD),
        )
        .await;
    let there = other
        .world()
        .fetch_manifest("team/app", "1.1.0")
        .await
        .expect("an image")
        .digest;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("image-digest")),
        ("deployed", there.as_str()),
        "{}",
        run.log.join("\n")
    );
    keeps_the_secret(&run);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_ecr_mounts_nothing_the_log_names_the_account_setting_or_why_it_does_not_help() {
    for (is_on, expected) in [
        (
            false,
            "--name BLOB_MOUNTING --value ENABLED --region eu-central-1",
        ),
        (true, "between different encryptions"),
    ] {
        let story = story().stage(|options| {
            options.repositories.push("prod/app".to_owned());
            options.registry_rules.mounts = Mounts::Never;
            options.ecr.blob_mounting = is_on;
        });
        let mut play = story.begin().await.push_version("1.1.0").await;
        let action = Action::to_service()
            .with("image", "docker://$REGISTRY/app:1.1.0")
            .with("repository", "prod/app")
            .with("tags", "1.1.0");
        let run = play.act(action).await;
        play.end().await;
        let hint = run
            .log
            .iter()
            .find(|line| line.contains("layers were sent although"))
            .cloned()
            .unwrap_or_default();
        assert!(hint.contains(expected), "{}", run.log.join("\n"));
        assert_eq!(run.output("outcome"), "deployed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_takes_its_time_says_how_much_how_fast_and_how_long_still() {
    let story = story().stage(|options| {
        options.repositories.push("prod/app".to_owned());
        options.registry_rules.mounts = Mounts::Never;
        options
            .registry_faults
            .push(RegistryFault::on_every_request(
                "PUT",
                "/v2/prod/app/blobs/",
                RegistryFaultKind::TakesSlowly(SLOW),
            ));
    });
    let mut play = story.begin().await.push_version("1.1.0").await;
    let action = Action::to_service()
        .with("image", "docker://$REGISTRY/app:1.1.0")
        .with("repository", "prod/app")
        .with("tags", "1.1.0");
    let run = play.act(action).await;
    play.end().await;
    let says = |line: &&String| {
        line.starts_with("sending: ") && line.contains(" MiB/s, ") && line.ends_with(" left")
    };
    assert!(
        run.log.iter().any(|line| says(&line)),
        "{}",
        run.log.join("\n")
    );
    assert_eq!(run.output("outcome"), "deployed");
}

fn docker_config(entry: &serde_json::Value, other: &Stage) -> String {
    json!({ "auths": { format!("https://{}/v2/", other.registry_host()): entry } }).to_string()
}

fn image_group(run: &ActionRun) -> String {
    let lines = run
        .log
        .iter()
        .skip_while(|line| *line != "::group::Image")
        .take_while(|line| !line.starts_with("✓"));
    run.redact(&lines.cloned().collect::<Vec<_>>().join("\n"))
}

fn keeps_the_secret(run: &ActionRun) {
    let log: Vec<&String> = run
        .log
        .iter()
        .filter(|line| !line.starts_with("::add-mask::"))
        .collect();
    assert!(
        log.iter().all(|line| !line.contains(PASSWORD)) && !run.summary.contains(PASSWORD),
        "the password is shown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_promoted_from_one_repository_to_another_without_a_rebuild() {
    let story = story().stage(|options| options.repositories.push("prod/app".to_owned()));
    let mut play = story.begin().await.push_version("1.1.0").await;
    let staging = play
        .stage
        .world()
        .fetch_manifest("app", "1.1.0")
        .await
        .expect("an image")
        .digest;
    let action = Action::to_service()
        .with("image", "docker://$REGISTRY/app:1.1.0")
        .with("repository", "prod/app")
        .with("tags", "1.1.0");
    let run = play.act(action).await;
    play.end().await;
    assert_eq!(
        run.output("image-digest"),
        staging,
        "what was tested is what runs"
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
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/prod/app@[digest] as 1.1.0: 0 layers and configs sent ([size]), 3 mounted ([size])
    ::endgroup::
    ✓ Image: [registry]/prod/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/prod/app@[digest]
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
    image=[registry]/prod/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the service's deployments).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/prod/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 0 layers and configs sent ([size]), 3 mounted ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[ecs deployment]</code> (ecs, rolling) |
    | Production traffic | green, observed at the service's deployments |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/prod/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Traffic | [time] | green serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/prod/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_a_layout_is_the_same_image_as_the_layout() {
    let mut play = story().begin().await;
    let archive = play.temp().join("image.tar");
    let packed = std::process::Command::new("tar")
        .arg("-C")
        .arg(layout("1.1.0"))
        .arg("-cf")
        .arg(&archive)
        .arg(".")
        .status()
        .expect("tar");
    assert!(packed.success());
    let action = Action::to_service()
        .with("image", &format!("oci-archive:{}", archive.display()))
        .with("repository", "app")
        .with("tags", "1.1.0");
    let run = play.act(action).await;
    let again = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("image-digest")),
        ("deployed", again.output("image-digest")),
        "{}",
        run.ending()
    );
    assert_snapshot!(image_group(&again), @r"
    ::group::Image
    [registry]/app@[digest] as 1.1.0: already in the registry, [size] moved
    ::endgroup::
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tag_on_an_image_that_is_there_moves_nothing() {
    let mut play = story().begin().await.push_version("1.1.0").await;
    let action = Action::to_service()
        .with("image", "docker://$REGISTRY/app:1.1.0")
        .with("repository", "app")
        .with("tags", "release");
    let run = play.act(action).await;
    let release = play
        .stage
        .world()
        .fetch_manifest("app", "release")
        .await
        .expect("an image")
        .digest;
    play.end().await;
    assert_eq!(run.output("image-digest"), release);
    assert_snapshot!(image_group(&run), @"
    ::group::Image
    [registry]/app@[digest] as release: already in the registry, [size] moved
    ::endgroup::
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_comes_from_another_registry_with_the_credentials_that_are_given() {
    let other = elsewhere().await;
    let run = story()
        .run(
            from(&other)
                .with("registry-username", "AWS")
                .with("registry-password", PASSWORD),
        )
        .await;
    keeps_the_secret(&run);
    assert_snapshot!(image_group(&run), @"
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ");
    assert_eq!(run.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_docker_configuration_of_the_job_opens_the_other_registry() {
    let other = elsewhere().await;
    let entry = json!({ "auth": STANDARD.encode(format!("AWS:{PASSWORD}")) });
    let action = from(&other)
        .with("docker-config", "docker")
        .file("docker/config.json", &docker_config(&entry, &other));
    let run = story().run(action).await;
    keeps_the_secret(&run);
    assert_eq!(run.output("outcome"), "deployed", "{}", run.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_a_program_of_the_host_keeps_are_said_to_be_out_of_reach() {
    let other = elsewhere().await;
    let config = json!({ "credHelpers": { other.registry_host(): "gcloud" } }).to_string();
    let run = story()
        .run(
            from(&other)
                .with("docker-config", "config.json")
                .file("config.json", &config),
        )
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: the image cannot be read from its registry: the registry [address] does not allow to read a manifest in `team/app`: authentication required
      hint: config.json leaves the credentials to docker-credential-gcloud, a program of the host that the action's container does not have; set registry-username and registry-password
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_before_anything_is_written() {
    let other = elsewhere().await;
    let run = story()
        .run(
            from(&other)
                .with("registry-username", "AWS")
                .with("registry-password", "not-the-password"),
        )
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: the image cannot be read from its registry: the registry [address] does not allow to read a manifest in `team/app`: authentication required
      hint: check the user and the password for this registry
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_credentials_and_a_file_that_is_not_there_are_problems() {
    let action = Action::to_service()
        .with("image", "docker://ghcr.io/org/app:1")
        .with("repository", "app")
        .with("registry-username", "octocat");
    assert_snapshot!(story().run(action.with("docker-config", "nowhere")).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::registry-password: it is missing, and registry-username is given
      hint: set both, or neither
    ::error title=input refused::docker-config: nowhere cannot be read (there is no such file); tried [workspace]/nowhere
      hint: give the folder or the file of a Docker configuration in the workspace
    ");
    assert_snapshot!(story().run(Action::deploy("1.1.0").with("registry-password", "secret")).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::registry-password: it is given, but image is not in a registry (docker://…)
      hint: leave it out, or write image as docker://HOST/NAME:TAG
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_the_other_registry_does_not_have_is_refused() {
    let other = elsewhere().await;
    let image = format!("docker://{}/team/app:9.9.9", other.registry_host());
    let action = from(&other)
        .with("image", &image)
        .with("registry-username", "AWS")
        .with("registry-password", PASSWORD);
    assert_snapshot!(story().run(action).await.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: the registry [address] has no image `team/app:9.9.9`
      hint: check the name, and that the build pushed it
    ");
}
