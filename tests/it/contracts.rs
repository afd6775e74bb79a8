//! What holds between parts: who may import whom, and what validates the language that is spoken to
//! AWS.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ecs_bluegreen_sim::RollingOptions;

use crate::harness::{Action, Story, judge};

/// Pure: no client, no clock, no environment, no runtime.
const PURE: &[&str] = &[
    "inputs", "settings", "plan", "decide", "event", "report", "undo", "scan", "alarm",
];
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
const TELLERS: &[&str] = &["steps", "aws", "survey", "engine", "unwind", "documents"];

/// The sources of a module: its file and its folder.
fn sources(module: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<PathBuf> = [root.join(format!("{module}.rs"))]
        .into_iter()
        .filter(|file| file.is_file())
        .collect();
    found.extend(files(&root.join(module)));
    assert!(!found.is_empty(), "there is no module {module}");
    found
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// The code of a file, without comments and without its tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("a source");
    let product = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn offences(modules: &[&str], words: &[&str]) -> Vec<String> {
    let files = modules
        .iter()
        .flat_map(|module| sources(module))
        .filter(|file| file.file_name().is_some_and(|name| name != "tests.rs"));
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

/// Code that is there for tests only, or describes the forms of documents for their JSON Schemas.
const NO_PRODUCT: &[&str] = &["tests", "schema", "agreement", "properties", "simulation"];

#[test]
fn a_type_s_name_means_one_thing_in_a_crate() {
    let definition = regex::Regex::new(
        r"(?m)^(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union|type) ([A-Z]\w*)",
    )
    .expect("a pattern");
    for root in ["src", "checks/src", "registry/src"] {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root)) {
            let is_product = file
                .with_extension("")
                .components()
                .all(|part| !NO_PRODUCT.iter().any(|name| part.as_os_str() == *name));
            for found in definition
                .captures_iter(&code(&file))
                .filter(|_| is_product)
            {
                places
                    .entry(found[1].to_owned())
                    .or_default()
                    .push(file.display().to_string());
            }
        }
        assert!(places.len() > 20, "{root} has types");
        places.retain(|_, files| files.len() > 1);
        assert!(places.is_empty(), "{places:#?}");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_of_every_story_sees_what_is_wrong() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    play.act(Action::deploy("1.1.0")).await;
    let recording = std::fs::read_to_string(&play.recording).expect("a recording");
    play.end().await;
    let mut wrong = tempfile::NamedTempFile::new().expect("a file");
    let swapped = recording.replace(
        "\"operation\":\"RegisterTaskDefinition\"",
        "\"operation\":\"DeregisterTaskDefinition\"",
    );
    wrong.write_all(swapped.as_bytes()).expect("written");
    assert!(
        !judge::is_available()
            || judge::find_violations(wrong.path())
                .is_some_and(|words| words.contains("DeregisterTaskDefinition"))
    );
}
