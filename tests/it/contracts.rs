//! What holds between parts: who may import whom, and that the stage and the product speak AWS's language.

use std::path::{Path, PathBuf};
use std::process::Command;

use ecs_bluegreen_sim::RollingOptions;

use crate::harness::{Action, Story};

/// Pure: no client, no clock, no environment, no runtime.
const PURE: &[&str] = &["inputs", "settings", "plan", "decide", "event", "report", "undo"];
const IMPURE: &[&str] = &[
    "aws_sdk",
    "aws_config",
    "reqwest",
    "tokio",
    "std::env",
    "std::time::Instant",
    "SystemTime",
    "crate::clock",
    "crate::run::",
    "crate::sinks",
];
/// They tell events, and never how they read.
const TELLERS: &[&str] = &["steps", "checks", "aws", "registry", "survey", "engine", "unwind", "documents"];

/// The sources of a module: its file and its folder.
fn sources(module: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<PathBuf> = [root.join(format!("{module}.rs"))].into_iter().filter(|file| file.is_file()).collect();
    let mut folders = vec![root.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert!(!found.is_empty(), "there is no module {module}");
    found
}

/// The code of a file, without comments and without its tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("a source");
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    product.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn offences(modules: &[&str], words: &[&str]) -> Vec<String> {
    let files = modules.iter().flat_map(|module| sources(module)).filter(|file| file.file_name().is_some_and(|name| name != "tests.rs"));
    let found = files.flat_map(|file| {
        let code = code(&file);
        words
            .iter()
            .filter(move |word| code.contains(**word))
            .map(move |word| format!("{} uses {word}", file.display()))
            .collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn inputs_settings_plans_and_decisions_are_pure() {
    assert_eq!(offences(PURE, IMPURE), Vec::<String>::new());
}

#[test]
fn only_main_knows_how_events_read() {
    assert_eq!(offences(TELLERS, &["sinks"]), Vec::<String>::new());
    assert_eq!(offences(PURE, &["sinks"]), Vec::<String>::new());
}

/// The Python that has botocore; on a person's machine it may be missing.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    #[expect(clippy::disallowed_methods, reason = "a test asks its own environment")]
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(python.exists() || !is_ci, "{} is missing: make setup", python.display());
    python.exists().then_some(python)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_are_what_botocore_s_models_say() {
    let tests = Action::tested_by("1.2.0", &["health"])
        .with("run-task", "true")
        .with("run-task-container-overrides", r#"[{"name":"app","command":["migrate"]}]"#);
    let recording = Story::codedeploy().recorded("contract-codedeploy", tests).await;
    let rolling = Action::deploy("1.4.0").with("desired-count", "1").with("propagate-tags", "SERVICE");
    let breaker = RollingOptions { breaker: ecs_bluegreen_sim::Breaker::Rollback, ..RollingOptions::default() };
    let rolling = Story::rolling(breaker).recorded("contract-rolling", rolling).await;
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sim/validate.py");
    let judged = Command::new(python).arg(script).args([recording, rolling]).output().expect("validate.py runs");
    assert!(judged.status.success(), "{}{}", String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
}
