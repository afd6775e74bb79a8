//! Metrics, logs and alarms decide while traffic shifts: a version that is as good arrives, one
//! that is worse goes back, and what cannot be known is never taken for good.

use ecs_bluegreen_sim::world::load::{FailureTolerance, LoadOptions};
use ecs_bluegreen_sim::{
    AlarmDetails, AlarmState, EcsStrategyOptions, GroupOptions, MetricsOptions, Reply, ReplyAnswer,
    SourcesOptions, Strategy,
};
use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Incident, Play, Story, When, client};

/// CloudWatch's points in seconds, so that a story does not take minutes; the arithmetic is the
/// same.
const QUICKLY: &str = "defaults: { interval: 5s, period: 1s, delay: 1s, min-request-volume: 20 }\n";

fn many_requests(options: &LoadOptions) -> LoadOptions {
    LoadOptions {
        path: "/tasks".to_owned(),
        rate: Some(300.0),
        connections: 100,
        tolerated: FailureTolerance::Any,
        ..options.clone()
    }
}

/// Half of the traffic, so that a comparison does not take long.
fn half() -> Story {
    let strategy = Strategy::Canary {
        percent: 50.0,
        bake_minutes: 5,
    };
    quick(Story::ecs(EcsStrategyOptions {
        strategy,
        ..EcsStrategyOptions::default()
    }))
}

/// A canary whose metrics have points for each second, and users of what some versions are bad at.
fn canary() -> Story {
    quick(Story::canary())
}

fn quick(story: Story) -> Story {
    story
        .stage(|options| {
            options.metrics = MetricsOptions {
                grain_seconds: 1,
                requests_before: 18_000.0,
                ..MetricsOptions::default()
            }
        })
        .users(many_requests)
}

fn analysed(version: &str, analysis: &str) -> Action {
    Action::deploy(version).with("analysis", &format!("{QUICKLY}{analysis}\n"))
}

async fn serves(play: &Play, version: &str) -> bool {
    let url = play.stage.listener_url("prod").expect("a listener");
    let answer = client()
        .get(format!("{url}/health"))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a text");
    answer.contains(&format!("\"version\":\"{version}\""))
}

async fn taken_back(story: Story, action: Action) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert!(serves(&play, "1.0.0").await, "{}", run.text());
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(20), "rolled-back"),
        "{}",
        run.text()
    );
    run
}

async fn deployed(story: Story, action: Action) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert!(serves(&play, "1.1.0").await, "{}", run.text());
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(0), "deployed"),
        "{}",
        run.text()
    );
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_as_good_arrives_and_every_check_says_so() {
    let presets = "presets: [error-rate < 5 %, p99 < 2 s, { preset: green no worse than blue, inconclusive-limit: 20 }]";
    let run = deployed(half(), analysed("1.1.0", presets)).await;
    for check in [
        "✓ error-rate < 5 % on production at a step: ",
        "✓ p99 < 2 s on production at a step: ",
        "✓ errors: green no worse than blue on production at a step: ",
        "✓ error-rate < 5 % on production in the bake: ",
    ] {
        assert!(
            run.log_with(check).contains(", wanted "),
            "{check}: {}",
            run.text()
        );
    }
    assert!(
        run.log_with("Analysis: ")
            .contains("nothing was found wrong"),
        "{}",
        run.text()
    );
    assert!(
        run.summary.contains("### Analysis") && run.summary.contains("| ✓ | error-rate &lt; 5 % |"),
        "{}",
        run.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_more_often_goes_back_from_its_canary() {
    let mut play = canary().begin().await;
    let run = play
        .act(analysed("1.5.0", "presets: [error-rate < 1 %]"))
        .await;
    let users = play.users();
    assert!(serves(&play, "1.0.0").await);
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "analysis-failed"),
        "{}",
        run.text()
    );
    let error = run.log_with("::error");
    assert!(
        error.contains("analysis \"error-rate < 1 %25\" failed on production at a step: "),
        "{error}"
    );
    let reached = users.versions.get("1.5.0").map_or(0, |seen| seen.requests);
    assert!(
        reached > 0 && reached * 3 < users.requests,
        "a canary of a tenth: {reached} of {}",
        users.requests
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_slower_than_blue_goes_back() {
    let run = taken_back(
        half(),
        analysed("1.6.0", "presets: [green no worse than blue]"),
    )
    .await;
    assert_eq!(run.output("reason"), "analysis-failed", "{}", run.text());
    assert!(
        run.log_with("✗ p95: green no worse than blue")
            .contains("wanted"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("not by chance: p = ").contains("Mann–Whitney"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log_that_blue_does_not_write_take_it_back_and_are_shown() {
    let run = taken_back(
        canary(),
        analysed(
            "1.7.0",
            "logs:\n- { name: errors in the log, pattern: ERROR, at-most: 0 }",
        ),
    )
    .await;
    assert_eq!(run.output("reason"), "analysis-failed", "{}", run.text());
    assert!(run.text().contains("ERROR"), "{}", run.text());
}

/// A service that had very much traffic, and has no more than others once green is up.
fn busy_before() -> Story {
    canary().stage(|options| options.metrics.requests_before = 1e9)
}

/// No service has that much traffic.
const SILENT: &str = "presets: [{ preset: error-rate < 5 %, min-request-volume: 1000000, inconclusive-limit: 0 }]\non-inconclusive: ";

#[tokio::test(flavor = "multi_thread")]
async fn too_little_traffic_is_no_pass_by_accident() {
    let run = taken_back(
        busy_before(),
        analysed("1.1.0", &format!("{SILENT}rollback")),
    )
    .await;
    assert_eq!(run.output("reason"), "inconclusive", "{}", run.text());
    assert!(
        run.text()
            .contains("requests on green in 1 s, and 1,000,000 are needed to tell"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inconclusive_is_passed_over_where_that_is_wanted() {
    let run = deployed(canary(), analysed("1.1.0", &format!("{SILENT}proceed"))).await;
    assert!(
        run.log_with("? error-rate < 5 % on").contains("wanted"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_at_the_gate_what_is_inconclusive() {
    let mut play = canary().begin().await;
    let analysis = format!("{SILENT}pause");
    let run = play.act(analysed("1.1.0", &analysis)).await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(0), "waiting", "inconclusive"),
        "{}",
        run.text()
    );
    assert!(
        run.text()
            .contains("answer with mode: continue or mode: abort"),
        "{}",
        run.text()
    );
    let share = play.users().versions;
    assert!(
        share.contains_key("1.0.0") && share.contains_key("1.1.0"),
        "both sides serve while it waits: {share:?}"
    );
    let answer = Action::to_service()
        .with("mode", "continue")
        .with("analysis", &format!("{QUICKLY}{analysis}\n"));
    let run = play.act(answer).await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(0), "deployed"),
        "{}",
        run.text()
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_while_it_measures_goes_back() {
    let analysis = SILENT.replace("inconclusive-limit: 0", "inconclusive-limit: 100");
    let action = analysed("1.1.0", &format!("{analysis}rollback"))
        .on_incident(When::Line("? error-rate < 5 %"), Incident::Interrupt);
    let run = taken_back(busy_before(), action).await;
    assert_eq!(run.output("reason"), "cancelled", "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_that_cannot_be_read_are_no_pass() {
    let mut play = canary().begin().await;
    play.stage.deny(&["cloudwatch:GetMetricData"]);
    let run = play
        .act(analysed(
            "1.1.0",
            "presets: [{ preset: error-rate < 5 %, consecutive-error-limit: 0 }]",
        ))
        .await;
    assert!(serves(&play, "1.0.0").await);
    play.end().await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(20), "analysis-failed"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::error").contains("could not be measured"),
        "{}",
        run.text()
    );
    assert!(
        run.text().contains("allow cloudwatch:GetMetricData"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn green_is_measured_at_its_gate_before_users_reach_it() {
    let sources = SourcesOptions {
        json: [(
            "ready".to_owned(),
            vec![Reply::new(ReplyAnswer::Value(0.5))],
        )]
        .into(),
        ..SourcesOptions::default()
    };
    let mut play = canary()
        .stage(|options| options.sources = sources)
        .begin()
        .await;
    let url = play.stage.metrics_url();
    let analysis = format!(
        "metrics:\n- name: readiness\n  on: green\n  count: 2\n  http: {{ url: '{url}/json/ready', path: $.value }}\n  success-condition: result >= 1\n"
    );
    let run = play
        .act(Action::deploy("1.1.0").with("analysis", &analysis))
        .await;
    let users = play.users();
    play.end().await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(20), "analysis-failed"),
        "{}",
        run.text()
    );
    assert!(
        !users.versions.contains_key("1.1.0"),
        "no user reached it: {:?}",
        users.versions
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_that_could_never_tell_are_refused_before_anything_is_touched() {
    let run = quick(Story::blue_green())
        .run(analysed(
            "1.1.0",
            "presets: [green no worse than blue, eror-rate < 5 %]",
        ))
        .await;
    assert_eq!(run.code, Some(2), "{}", run.text());
    let all_at_once = quick(Story::blue_green())
        .run(analysed("1.1.0", "presets: [green no worse than blue]"))
        .await;
    assert_eq!(
        (all_at_once.code, all_at_once.calls.len()),
        (Some(2), 0),
        "{}",
        all_at_once.text()
    );
    assert_snapshot!(format!("{}\n---\n{}", run.log_with("::error"), all_at_once.log_with("::error")), @"
    ::error title=input refused::analysis: inline:2:37: `eror-rate < 5 %25` is not a preset
    ---
    ::error title=input refused::analysis: `errors: green no worse than blue` compares green with blue, but all traffic shifts at once: there is no blue traffic to compare with
    ::error title=input refused::analysis: `p95: green no worse than blue` compares green with blue, but all traffic shifts at once: there is no blue traffic to compare with
    ");
}

/// The analysis of the README's example, and its alarms, as they stand there.
fn of_the_readme() -> [String; 2] {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))
        .expect("the README");
    ["    analysis: ", "    alarms: "].map(|key| {
        readme
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .expect("an example")
            .to_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_s_example_is_refused_with_the_number_of_requests_that_is_needed_or_starts() {
    let [analysis, alarms] = of_the_readme();
    for (requests, refused) in [(60.0, 3), (300.0, 1), (3_000.0, 0)] {
        let story = Story::codedeploy().stage(|options| {
            options.metrics.requests_before = requests;
            options.alarms.extend(
                ["api-errors", "api-latency"].map(|name| (name.to_owned(), AlarmState::Ok)),
            );
        });
        let action = Action::deploy("1.1.0")
            .with("analysis", &analysis)
            .with("alarms", &alarms);
        let action = if refused == 0 {
            action.on_incident(When::Line("Deployment started"), Incident::Interrupt)
        } else {
            action
        };
        let run = story.run(action).await;
        let errors: Vec<&String> = run
            .log
            .iter()
            .filter(|line| line.starts_with("::error"))
            .collect();
        if refused == 0 {
            assert_eq!(
                (run.code, run.output("reason")),
                (Some(20), "cancelled"),
                "it had started: {}",
                run.text()
            );
            continue;
        }
        assert_eq!(
            (run.code, run.calls.len(), errors.len()),
            (Some(2), 0, refused),
            "{}",
            run.text()
        );
        let says = format!(
            "blue had about {requests} requests a minute in the last hour, green gets about {} of them at 10 %25",
            requests / 10.0
        );
        assert!(
            errors
                .iter()
                .all(|line| line.contains(&says) && line.contains(" are needed (")),
            "{errors:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_as_good_arrives_by_codedeploy_s_canary_with_the_readme_s_presets() {
    let [analysis, _] = of_the_readme();
    // The sample application shares a busy machine with its users.
    let presets = analysis.replace("p99 < 1 s", "p99 < 5 s");
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSCanary10Percent5Minutes".into(),
        ..GroupOptions::default()
    };
    let story = quick(Story::group(group))
        .stage(|options| options.clock = ecs_bluegreen_sim::Clock::Scaled(25.0));
    let run = deployed(
        story,
        analysed("1.1.0", &format!("presets: [{presets}]")).with("wait-until", "shifted"),
    )
    .await;
    for check in [
        "✓ errors: green no worse than blue on production",
        "✓ p95: green no worse than blue on production",
    ] {
        assert!(
            run.log_with(check).contains(", wanted "),
            "{check}: {}",
            run.text()
        );
    }
    assert!(
        run.log_with("Analysis: ")
            .contains("nothing was found wrong"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_that_is_kept_too_short_for_a_verdict_is_refused_with_the_minutes_that_are_needed() {
    for (config, kept) in [
        ("CodeDeployDefault.ECSAllAtOnce", 0),
        ("CodeDeployDefault.ECSCanary10Percent5Minutes", 1),
    ] {
        let group = GroupOptions {
            config: config.into(),
            termination_minutes: kept,
            ..GroupOptions::default()
        };
        let run = Story::group(group)
            .run(Action::deploy("1.1.0").with("analysis", "error-rate < 5 %"))
            .await;
        assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
        let error = run.log_with("::error");
        assert!(
            error.contains(&format!("keeps blue for {kept} min after the shift"))
                && error.contains("needs 4 min to judge"),
            "{error}"
        );
        assert!(
            run.log_with("terminationWaitTimeInMinutes to 4 or more")
                .contains("update-deployment-group"),
            "{}",
            run.text()
        );
    }
    let ecs_action = Action::deploy("1.1.0")
        .with("analysis", "error-rate < 5 %")
        .with("manage-hooks", "false")
        .with("bake", "1m");
    let run = Story::blue_green().run(ecs_action).await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
    assert!(
        run.log_with("::error")
            .contains("ECS keeps blue for 1 min after the shift"),
        "{}",
        run.text()
    );
    assert!(
        run.text()
            .contains("set bake to 4m or more, or let manage-hooks be true"),
        "{}",
        run.text()
    );
    let enough = GroupOptions {
        termination_minutes: 4,
        ..GroupOptions::default()
    };
    let action = Action::deploy("1.1.0").with("analysis", "error-rate < 5 %");
    let run = Story::group(enough)
        .run(action.on_incident(When::Line("Deployment started"), Incident::Interrupt))
        .await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(20), "cancelled"),
        "it had started: {}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_any_traffic_is_refused_and_its_analysis_names_what_is_missing() {
    let silent = canary().stage(|options| options.metrics.requests_before = 0.0);
    let quiet = silent.users(|options| LoadOptions {
        connections: 1,
        pause: std::time::Duration::from_secs(3),
        ..options.clone()
    });
    let run = quiet
        .run(analysed("1.1.0", "presets: [error-rate < 5 %]"))
        .await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
    assert!(
        run.log_with("::error")
            .contains(" could not tell good from bad: blue had "),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_only_we_watch_takes_it_back_by_name_and_reason() {
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSCanary10Percent5Minutes".into(),
        ..GroupOptions::default()
    };
    let story = Story::group(group).in_real_time().stage(|options| {
        options.alarms.insert("latency".into(), AlarmState::Ok);
        let latency =
            AlarmDetails::in_alarm_from(ecs_bluegreen_sim::EventTime::traffic_reached(10.0))
                .with_reason("p99 of 3 s");
        // CloudWatch shows it only to those who ask for alarms of logs.
        let latency = AlarmDetails {
            is_of_logs: true,
            ..latency
        };
        options.alarm_details.insert("latency".into(), latency);
        options
            .alarm_details
            .insert("all".into(), AlarmDetails::composite("ALARM(\"latency\")"));
        options.clock = ecs_bluegreen_sim::Clock::Scaled(10.0);
    });
    let run = story
        .run(Action::deploy("1.1.0").with("alarms", "all, latency"))
        .await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(20), "alarm"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::error")
            .contains("alarm all is in ALARM since"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_costs_few_reads() {
    let story = canary().stage(|options| {
        options.alarms.insert("latency".into(), AlarmState::Ok);
        options.clock = ecs_bluegreen_sim::Clock::Scaled(20.0);
    });
    let names = ["p50", "p90", "p95", "p99"].map(|percentile| format!("{percentile} < 2 s"));
    let presets = format!(
        "presets: [error-rate < 50 %, success-rate > 50 %, requests > 1, {}]",
        names.join(", ")
    );
    let mut play = story.begin().await;
    let began = tokio::time::Instant::now();
    let analysis = format!(
        "{}{presets}\n",
        QUICKLY.replace("interval: 5s", "interval: 15s")
    );
    let run = play
        .act(
            Action::deploy("1.1.0")
                .with("analysis", &analysis)
                .with("alarms", "latency")
                .without("poll-interval"),
        )
        .await;
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let reads = play.stage.read_counts();
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    let count = |action: &str| {
        f64::from(u32::try_from(reads.get(action).copied().unwrap_or_default()).unwrap_or(u32::MAX))
    };
    let watching =
        (count("cloudwatch:GetMetricData") + count("cloudwatch:DescribeAlarms")) / minutes;
    assert!(watching <= 20.0, "{watching:.1} reads a minute: {reads:?}");
    assert!(count("cloudwatch:GetMetricData") >= 2.0, "{reads:?}");
}
