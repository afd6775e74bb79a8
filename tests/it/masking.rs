//! Facts never vanish: whatever the value of a secret is, a run ends as it does without that
//! secret, and tells the same.

use std::collections::BTreeSet;

use ecs_bluegreen::event::{Event, ObservedBy, RefusedInputs, Stamped, Step};
use ecs_bluegreen::outcome::{Mode, Outcome, Reason};
use ecs_bluegreen_sim::{Fault, FaultKind};
use regex::Regex;
use serde_json::Value;

use crate::harness::{Action, ActionRun, Incident, Story, When, smoke_tests};

/// Tested by some tests, in a document that also uses these values as `${env.NAME}`.
fn tested_with(version: &str, tests: &[&str], secrets: &[String]) -> Action {
    let names = 0..secrets.len();
    let variables: Vec<String> = names
        .map(|number| format!("  v{number}: \"${{env.SECRET_{number}}}\"\n"))
        .collect();
    let variables = if secrets.is_empty() {
        String::new()
    } else {
        format!("variables:\n{}", variables.concat())
    };
    let action = Action::deploy_tested(version)
        .with("smoke-tests", &format!("{variables}{}", smoke_tests(tests)));
    secrets
        .iter()
        .enumerate()
        .fold(action, |action, (number, secret)| {
            action.env(&format!("SECRET_{number}"), secret)
        })
}

/// The three runs that words are gathered from: one that deploys, one that goes back, one that is
/// refused.
fn runs(secrets: &[String]) -> [Action; 3] {
    [
        tested_with("1.1.0", &["health", "me"], secrets),
        tested_with("1.2.0", &["health"], secrets),
        tested_with("1.1.0", &["health"], secrets).with("container", "web"),
    ]
}

/// Every text in a value, names of members too.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            found.insert(name.clone());
            texts(member, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Everything a run has said: the texts of its journal and report, its lines, and every word of
/// them.
fn said(run: &ActionRun) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in run
        .journal
        .lines()
        .chain([run.output("report")])
        .filter(|line| !line.is_empty())
    {
        texts(&serde_json::from_str(line).expect("JSON"), &mut found);
    }
    found.extend(run.log.iter().cloned());
    found.extend(run.summary.lines().map(str::to_owned));
    let words: Vec<String> = found
        .iter()
        .flat_map(|text| text.split_whitespace())
        .map(str::to_owned)
        .collect();
    let bare: Vec<String> = words
        .iter()
        .map(|word| {
            word.trim_matches(|letter: char| !letter.is_alphanumeric())
                .to_owned()
        })
        .collect();
    found.extend(words.into_iter().chain(bare));
    found
}

/// The words of the contract, whether or not a run has said them.
fn contract() -> BTreeSet<String> {
    let witnesses = [
        ObservedBy::Listener,
        ObservedBy::TaskSets,
        ObservedBy::Deployment,
        ObservedBy::Controller,
    ];
    let modes = [
        Mode::Deploy,
        Mode::Migrate,
        Mode::Rollback,
        Mode::Continue,
        Mode::Abort,
        Mode::Status,
        Mode::Cleanup,
    ];
    let mut words = BTreeSet::new();
    words.extend(Outcome::ALL.iter().map(|outcome| outcome.word().to_owned()));
    words.extend(Reason::ALL.iter().map(|reason| reason.word().to_owned()));
    words.extend(Step::ALL.iter().map(|step| step.title().to_owned()));
    words.extend(
        witnesses
            .iter()
            .map(|observed_by| observed_by.describe().to_owned()),
    );
    let tags = Step::ALL
        .map(|step| serde_json::json!(step))
        .into_iter()
        .chain(modes.map(|mode| serde_json::json!(mode)));
    tags.chain(witnesses.map(|observed_by| serde_json::json!(observed_by)))
        .for_each(|tag| texts(&tag, &mut words));
    words
}

/// What is the same in two runs of one story. What the service answered is text from outside, and
/// may be masked.
fn facts(run: &ActionRun) -> String {
    let report: Value = serde_json::from_str(run.output("report")).expect("a report");
    let mut outputs = run.outputs.clone();
    outputs.retain(|name, _| !["report", "duration-seconds"].contains(&name.as_str()));
    let outputs: Vec<String> = outputs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let head = run.summary.lines().take(3).collect::<Vec<_>>().join("\n");
    let facts = format!(
        "{:?}\n{}\n{head}\n{:#}",
        run.code,
        outputs.join("\n"),
        steady(report)
    );
    let facts = Regex::new(r#"(the answer began: |, found )(\\.|[^"\\\n])*"#)
        .expect("a pattern")
        .replace_all(&facts, "$1…");
    run.redact(&facts)
}

fn steady(value: Value) -> Value {
    let is_measured = |name: &str| {
        name.ends_with("milliseconds")
            || ["reads", "attempts", "time", "excerpt", "found", "run"].contains(&name)
    };
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                if is_measured(&name) {
                    (name, Value::Null)
                } else {
                    (name, steady(member))
                }
            })
            .collect(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(steady).collect();
            // Tests are reported in the order in which they end.
            if items
                .first()
                .is_some_and(|item| item.get("verdict").is_some())
            {
                items.sort_by_key(ToString::to_string);
            }
            Value::Array(items)
        }
        other => other,
    }
}

fn kinds(run: &ActionRun) -> BTreeSet<String> {
    let events = run
        .journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    events
        .map(|event| event["event"].as_str().expect("a tag").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_word_of_ours_is_a_secret_the_run_ends_and_tells_the_same() {
    let mut without = Vec::new();
    for action in runs(&[]) {
        without.push(Story::codedeploy().run(action).await);
    }
    let outcomes: Vec<_> = without
        .iter()
        .map(|run| (run.code, run.output("outcome")))
        .collect();
    assert_eq!(
        outcomes,
        [
            (Some(0), "deployed"),
            (Some(20), "rolled-back"),
            (Some(2), "refused")
        ]
    );
    let words: BTreeSet<String> = without.iter().flat_map(said).chain(contract()).collect();
    let words: Vec<String> = words
        .into_iter()
        .filter(|word| word.chars().count() >= 4)
        .collect();
    assert!(words.len() > 400, "{}", words.len());
    for (action, without) in runs(&words).into_iter().zip(&without) {
        let with = Story::codedeploy().run(action).await;
        assert_eq!(facts(&with), facts(without), "{}", with.text());
        assert_eq!(kinds(&with), kinds(without), "no event is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_called_deploy_or_a_stage_called_prod_is_no_reason_to_say_anything_else() {
    for word in ["deploy", "prod", "start", "eu-central-1"] {
        let run = Story::codedeploy()
            .run(tested_with("1.1.0", &["me"], &[word.to_owned()]))
            .await;
        assert_eq!(
            (run.code, run.output("outcome"), run.output("reason")),
            (Some(0), "deployed", "as-planned"),
            "{word}: {}",
            run.text()
        );
        assert!(
            run.outputs.values().all(|value| !value.contains("***"))
                && !run.summary.contains("***"),
            "{word}: {}",
            run.with_summary()
        );
        assert_eq!(
            run.log_with(&format!("::add-mask::{word}")),
            "",
            "the runner would take the outputs from the next job"
        );
    }
    for word in ["smoke", "test", "green"] {
        let run = Story::codedeploy()
            .run(tested_with("1.2.0", &["google login"], &[word.to_owned()]))
            .await;
        let ended = (run.code, run.output("outcome"), run.output("reason"));
        assert_eq!(
            ended,
            (Some(20), "rolled-back", "smoke-failed"),
            "{word}: {}",
            run.text()
        );
        assert!(
            run.log_with("::error title=")
                .contains("smoke test \"google login\" failed on green"),
            "{word}: {}",
            run.text()
        );
    }
}

/// A summary as GitHub shows it.
fn readable(summary: &str) -> String {
    summary.replace("&#42;", "*").replace('\\', "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_a_plain_word_is_masked_in_what_others_say() {
    let secret = "dragonfly".to_owned();
    let refusal = FaultKind::Refused {
        code: "ClientException".to_owned(),
        message: "no dragonfly, no ZHJhZ29uZmx5, no drag%6Fnfly".to_owned(),
    };
    let story = Story::codedeploy().fault(Fault::on_every_call("RegisterTaskDefinition", refusal));
    let run = story
        .run(tested_with(
            "1.1.0",
            &["health"],
            std::slice::from_ref(&secret),
        ))
        .await;
    assert_eq!(run.code, Some(10), "{}", run.text());
    for text in [
        run.journal.clone(),
        readable(&run.summary),
        run.outputs["report"].clone(),
        run.log_with("Caused by"),
    ] {
        assert!(
            text.contains("no ***, no ***") && !text.contains("dragonfly"),
            "{text}"
        );
    }
    let run = Story::codedeploy()
        .run(
            tested_with("1.1.0", &["health"], &[secret])
                .with("run-task", "true")
                .with(
                    "run-task-container-overrides",
                    r#"[{"name":"app","command":["dragonfly"]}]"#,
                ),
        )
        .await;
    assert_eq!(
        (run.code, run.output("reason")),
        (Some(10), "task-failed"),
        "{}",
        run.text()
    );
    for text in [
        run.journal.clone(),
        readable(&run.summary),
        run.outputs["report"].clone(),
        run.log_with("unknown arguments"),
    ] {
        assert!(
            text.contains("***") && !text.contains("dragonfly"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_not_told_as_a_refused_one() {
    let mut play = Story::codedeploy().begin().await;
    let killed = play
        .act(
            Action::deploy_tested_slowly("1.1.0")
                .on_incident(When::Line("::group::Smoke tests on green"), Incident::Kill),
        )
        .await;
    play.post(&killed).await;
    play.end().await;
    let (code, lines) = replayed(killed.journal.as_bytes());
    let text = lines.join("\n");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("This run ended without an outcome") && text.contains("## ✗ No outcome:"),
        "{text}"
    );
    assert!(
        !text.contains("Nothing was touched") && !text.contains("Refused"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_was_touched_is_not_said_after_another_deployment_was_rolled_back() {
    let mut play = Story::codedeploy().begin().await;
    play.act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
        .await;
    let second = Action::deploy("1.2.0")
        .with("container", "web")
        .with("if-running", "supersede")
        .env("GITHUB_RUN_ID", "4712");
    let run = play.act(second).await;
    play.end().await;
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert_eq!(run.count("codedeploy:StopDeployment"), 1, "{}", run.text());
    assert!(
        run.log_with("The inputs have a problem")
            .contains("had already changed something in AWS"),
        "{}",
        run.text()
    );
    assert!(
        !run.text().contains("Nothing was touched") && !run.summary.contains("Nothing was touched"),
        "{}",
        run.with_summary()
    );
}

/// What the action tells of a journal.
pub(crate) fn replayed(journal: &[u8]) -> (Option<i32>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.jsonl");
    std::fs::write(&path, journal).expect("a journal");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ecs-bluegreen"))
        .arg("replay")
        .arg(&path)
        .env_clear()
        .output()
        .expect("it starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (
        output.status.code(),
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn the_report_has_no_outcome_of_its_own_making() {
    let noted = Stamped {
        at_ms: 0,
        event: Event::Noted {
            sentence: "x".into(),
        },
    };
    let refused = Stamped {
        at_ms: 0,
        event: Event::Refused(RefusedInputs {
            problems: Vec::new(),
            after_changes: false,
            reason: Reason::InvalidInputs,
        }),
    };
    assert!(!ecs_bluegreen::report::Report::from_events([&noted]).is_refused());
    assert!(ecs_bluegreen::report::Report::from_events([&noted, &refused]).is_refused());
}
