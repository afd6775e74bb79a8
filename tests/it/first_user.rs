//! What a first user gets wrong: URLs, images, regions, names. Each is found before the first
//! write, or is called by its name.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use ecs_bluegreen_sim::{EcsStrategyOptions, GroupOptions, Strategy};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Story, When, smoke_tests};

async fn run_refused(story: Story, action: Action) -> String {
    let run = story.run(action).await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
    run.ending()
}

fn tested_at(test: &str, production: &str) -> Action {
    Action::deploy("1.1.0")
        .with("smoke-tests", &smoke_tests(&["health"]))
        .with("test-url", test)
        .with("production-url", production)
}

#[tokio::test(flavor = "multi_thread")]
async fn production_s_url_is_no_url_of_green() {
    assert_snapshot!(run_refused(Story::codedeploy(), tested_at("$PRODUCTION/", "$PRODUCTION")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::test-url: it is production-url, where blue answers until traffic has shifted: green would not be tested before users reach it
      hint: give the URL of the test listener, such as https://api.example.com:8443; or leave test-url out: production-url is tested after the shift, while blue can still be brought back
    ");
    for story in [Story::codedeploy(), Story::blue_green()] {
        let action = Action::deploy("1.1.0")
            .with("smoke-tests", &smoke_tests(&["health"]))
            .with("test-url", "$PRODUCTION");
        let text = run_refused(story, action).await;
        assert!(
            text.contains("test-url: it leads to production's listener"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_at_which_nothing_answers_are_refused_before_anything_is_written() {
    // Beside what else is wrong.
    let action = tested_at("http://127.0.0.1:1/green", "https://nowhere.invalid")
        .with("image", "oci:images/none");
    let text = run_refused(Story::codedeploy(), action).await;
    assert!(text.contains("image: images/none cannot be read"), "{text}");
    let (test, production) = text.split_once("production-url: ").expect("both are told");
    assert!(
        test.contains("test-url: http://[address]/green cannot be reached from this runner: "),
        "{text}"
    );
    assert!(
        test.contains("Connection refused")
            && test.contains("hint: check the host, the port and the listener behind it"),
        "{text}"
    );
    assert!(
        production.starts_with("https://nowhere.invalid/ cannot be reached from this runner: "),
        "{text}"
    );
}

/// Nothing can be read of the load balancer: the listeners prove nothing.
fn unseen(story: Story) -> Story {
    story.stage(|options| {
        options
            .denied
            .push("elasticloadbalancing:DescribeLoadBalancers".into());
    })
}

/// Everything that people and machines read of it.
fn everything_shown(run: &ActionRun) -> String {
    format!(
        "{}\n{}\n{}",
        run.log.join("\n"),
        run.summary,
        run.output("report")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proven_to_be_green_is_not_called_so() {
    let document = "tests: [{ name: ready, get: /health, expect: { status: 200 } }]";
    for story in [Story::codedeploy(), Story::blue_green()] {
        let run = unseen(story)
            .run(
                Action::deploy("1.1.0")
                    .with("smoke-tests", document)
                    .with("test-url", "$TEST"),
            )
            .await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "deployed"),
            "{}",
            run.text()
        );
        assert!(
            run.log_with("✓ Smoke tests at test-url")
                .contains("1 passed, not proven to have reached green"),
            "{}",
            run.text()
        );
        assert!(
            run.log_with("✓ ready at test-url").contains("GET /health"),
            "{}",
            run.text()
        );
        assert!(
            run.log_with("::warning")
                .contains("elasticloadbalancing:DescribeLoadBalancers is denied"),
            "{}",
            run.text()
        );
        assert!(
            run.summary
                .contains("| test-url, not proven to have reached green |"),
            "{}",
            run.summary
        );
        assert!(
            !["ready on green", "tests on green", "failed on green"]
                .iter()
                .any(|words| everything_shown(&run).contains(words)),
            "{}",
            everything_shown(&run)
        );
        let report: Value = serde_json::from_str(run.output("report")).expect("JSON");
        assert_eq!(report["test-url"]["proof"], "unproven", "{report}");
    }
    let broken = "defaults: { retry: { for: 0s } }\ntests: [{ name: ready, get: /nowhere, expect: { status: 200 } }]";
    let run = unseen(Story::codedeploy())
        .run(
            Action::deploy("1.1.0")
                .with("smoke-tests", broken)
                .with("test-url", "$TEST"),
        )
        .await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(20), "smoke-failed"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::error")
            .contains("smoke test \"ready\" failed at test-url"),
        "{}",
        run.text()
    );
    assert!(
        !["ready on green", "tests on green", "failed on green"]
            .iter()
            .any(|words| everything_shown(&run).contains(words)),
        "{}",
        everything_shown(&run)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn green_is_proven_by_its_version_where_the_listeners_cannot_be_read_and_by_them_where_they_can()
 {
    let action = || {
        Action::deploy("1.1.0")
            .with("smoke-tests", &smoke_tests(&["health"]))
            .with("test-url", "$TEST")
    };
    for (story, proof) in [
        (unseen(Story::codedeploy()), "tells-new-version"),
        (Story::codedeploy(), "leads-to-green"),
        (Story::blue_green(), "leads-to-green"),
    ] {
        let run = story.run(action()).await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "deployed"),
            "{}",
            run.text()
        );
        assert!(
            run.log_with("✓ Smoke tests on green")
                .contains("1 passed ("),
            "{}",
            run.text()
        );
        assert!(
            run.summary.contains("| ✓ | health | green |"),
            "{}",
            run.summary
        );
        let report: Value = serde_json::from_str(run.output("report")).expect("JSON");
        assert_eq!(report["test-url"]["proof"], proof, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_does_not_know_is_refused_with_the_near_name() {
    let config = Action::deploy("1.1.0").with(
        "codedeploy-deployment-config",
        "CodeDeployDefault.ECSCanary10Percent5Minute",
    );
    assert_snapshot!(run_refused(Story::codedeploy(), config).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::codedeploy-deployment-config: there is no deployment configuration `CodeDeployDefault.ECSCanary10Percent5Minute`
      hint: did you mean `CodeDeployDefault.ECSCanary10Percent5Minutes`?
    ");
    let of_servers = Action::deploy("1.1.0").with(
        "codedeploy-deployment-config",
        "CodeDeployDefault.AllAtOnce",
    );
    assert_snapshot!(run_refused(Story::codedeploy(), of_servers.with("aws-region", "eu-central-1a")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::codedeploy-deployment-config: `CodeDeployDefault.AllAtOnce` is not for ECS: AWS's own for ECS begin with CodeDeployDefault.ECS
      hint: did you mean `CodeDeployDefault.ECSAllAtOnce`?
    ::error title=input refused::aws-region: `eu-central-1a` is not the name of a region
      hint: did you mean `eu-central-1`?
    ");
    let elsewhere =
        Action::deploy("1.1.0").with("cluster", "arn:aws:ecs:us-east-1:123456789012:cluster/prod");
    assert_snapshot!(run_refused(Story::codedeploy(), elsewhere).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::cluster: the ARN is in us-east-1, and aws-region is eu-central-1
      hint: set aws-region: us-east-1, or give the one in eu-central-1
    ");
    let unlisted = Story::codedeploy().stage(|options| {
        options.denied = vec!["ecs:ListServices".into(), "ecs:ListClusters".into()];
    });
    let text = run_refused(unlisted, Action::deploy("1.1.0").with("service", "apy")).await;
    assert!(text.contains("hint: create the service first"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_nobody_knows_and_where_nobody_answers_is_refused() {
    let action = Action::deploy("1.1.0")
        .with("aws-region", "eu-centrall-1")
        .with("max-retries", "1")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let text = run_refused(Story::codedeploy(), action).await;
    assert!(text.contains("aws-region: `eu-centrall-1` is not a region that this action knows, and a call to it failed"), "{text}");
    assert!(
        text.contains("hint: did you mean `eu-central-1`?"),
        "{text}"
    );
}

/// A Docker engine that has one image and is only asked what it is.
fn engine(folder: &std::path::Path, image: Value) -> String {
    let socket = folder.join("docker.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let body = image.to_string();
            let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let head = format!(
                "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    format!("unix://{}", socket.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_only_the_engine_has_is_not_left_to_a_stranger() {
    let id = format!("sha256:{}", "ab".repeat(32));
    let inspected = |known: &[&str]| json!({ "Id": id, "Size": 1, "Os": "linux", "Architecture": "amd64", "RepoDigests": known });
    let deploy = |image: &str, engine: &str| {
        Action::to_service()
            .with("image", image)
            .env("DOCKER_HOST", engine)
    };
    let folder = tempfile::tempdir().expect("a folder");
    let local = engine(folder.path(), inspected(&[]));
    assert_snapshot!(run_refused(Story::codedeploy(), deploy("api:1", &local)).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::image: `api:1` is in the Docker engine, from which ECS cannot pull: it would run docker.io/library/api:1, which may be somebody else's
      hint: set repository, so that the image is pushed to ECR; if Docker Hub's image is meant, write docker.io/library/api:1
    ");
    // What was pulled from there is there; and nobody is asked where the registry's image is meant.
    let folder = tempfile::tempdir().expect("a folder");
    let pulled = engine(folder.path(), inspected(&[&format!("team/api@{id}")]));
    for action in [
        deploy("team/api:1", &pulled),
        deploy("api:1", &local).with("push", "never"),
        deploy("docker.io/library/api:1", &local),
    ] {
        let run = Story::codedeploy()
            .run(action.with("wait-for-service-stability", "false"))
            .await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "started"),
            "{}",
            run.text()
        );
    }
    let nowhere = Story::codedeploy()
        .run(
            Action::to_service()
                .with("image", "api:1")
                .with("wait-for-service-stability", "false"),
        )
        .await;
    assert_eq!(
        (nowhere.code, nowhere.output("outcome")),
        (Some(0), "started"),
        "{}",
        nowhere.text()
    );
    assert!(
        nowhere
            .log_with("::warning")
            .contains("ECS pulls docker.io/library/api:1 from Docker Hub"),
        "{}",
        nowhere.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_nothing_watches_is_said_before_the_start_and_no_alarm_is_praised() {
    let strategy = Strategy::Canary {
        percent: 10.0,
        bake_minutes: 1,
    };
    let run = Story::ecs(EcsStrategyOptions {
        strategy,
        ..EcsStrategyOptions::default()
    })
    .run(Action::deploy_tested_by("1.1.0", &["health"]))
    .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert!(
        run.log_with("watches green while traffic shifts")
            .contains("set alarms or analysis"),
        "{}",
        run.text()
    );
    assert!(
        run.log
            .iter()
            .any(|line| line == "green is healthy: the next step of traffic may follow"),
        "{}",
        run.text()
    );
    assert!(!run.text().contains("no alarm has fired"), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_was_failing_when_the_run_was_cancelled_shows_why() {
    let document = "tests: [{ name: about, get: /nowhere, retry: { for: 60s, every: 100ms }, expect: { status: 200 } }]";
    let action = Action::deploy("1.1.0")
        .with("smoke-tests", document)
        .with("test-url", "$TEST");
    let story = Story::group(GroupOptions::default());
    let run = story
        .run(
            action
                .on_incident(When::Line("Smoke tests on green"), Incident::Nothing)
                .on_incident(When::Later(Duration::from_millis(700)), Incident::Interrupt),
        )
        .await;
    assert_eq!(run.output("reason"), "cancelled", "{}", run.text());
    assert!(
        run.log_with("– about on green")
            .contains("attempts when the run ended"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("    status: expected 200").contains("404"),
        "{}",
        run.text()
    );
    assert!(
        run.summary.contains("| – | about | green |") && run.summary.contains("404"),
        "{}",
        run.summary
    );
}

/// Problems of other inputs are reported in the same run, whatever is wrong with the first.
#[tokio::test(flavor = "multi_thread")]
async fn one_mistake_does_not_hide_another() {
    let beside = |action: Action| {
        action
            .with("alarms", "nobody")
            .with("repository", "team/none")
            .with("image", "oci:image")
    };
    let table: [(&str, &[(&str, &str)]); 8] = [
        ("cluster", &[("cluster", "prodd")]),
        ("service", &[("service", "apy")]),
        (
            "codedeploy-application",
            &[("codedeploy-application", "Apps")],
        ),
        (
            "codedeploy-deployment-config",
            &[(
                "codedeploy-deployment-config",
                "CodeDeployDefault.ECSCanary10Percent5Minute",
            )],
        ),
        ("wait-for-minutes", &[("wait-for-minutes", "soon")]),
        ("scan", &[("scan", "{ fail-on: worst }")]),
        (
            "container-name",
            &[("container-name", "ap"), ("environment-variables", "A=b")],
        ),
        (
            "create-repository",
            &[("create-repository", "{ keep: -1 }")],
        ),
    ];
    for (input, given) in table {
        let action = given
            .iter()
            .fold(beside(Action::deploy("1.1.0")), |action, (name, value)| {
                action.with(name, value)
            });
        let text = run_refused(Story::codedeploy(), action).await;
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("::error title=input refused::"))
            .collect();
        let has = |wanted: &str| {
            lines
                .iter()
                .any(|line| line.contains(&format!("::{wanted}: ")))
        };
        assert!(
            has(input) && has("alarms") && has("image"),
            "{input}: {text}"
        );
        assert_eq!(
            has("repository"),
            input != "create-repository",
            "{input}: {text}"
        );
    }
    let action = Action::deploy("1.1.0")
        .with("image", "No Image")
        .with("tags", "a b/c")
        .with("repository", "team/api");
    let text = run_refused(Story::codedeploy(), action).await;
    assert!(
        text.contains("::image: ") && text.contains("::tags: "),
        "{text}"
    );
}
