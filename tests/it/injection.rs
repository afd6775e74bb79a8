//! What comes from outside (AWS, containers, HTTP, files) is shown, and is never a command, Markdown or HTML of ours.
//!
//! That no line is a command of a stranger is asserted in every story; these bring the strangers.

use ecs_bluegreen_sim::{Fault, FaultKind};
use insta::assert_snapshot;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Action, Story, Told, definition};

/// Everything a stranger may try, in one text.
const ATTACK: &str = "x\n::error::owned\r::add-mask::a\u{2028}::set-output name=a::b ##[add-mask]b | `c` </pre><img src=x onerror=alert(1)> [d](http://evil.example) ![e](http://evil.example/e.png)\n## f";

/// The summary shows the attack, and nothing of it is structure.
fn assert_harmless(told: &Told) {
    for structure in ["<img", "[d](http", "\n## f", "\n::", "##["] {
        assert!(!told.summary.contains(structure), "{structure} in\n{}", told.summary);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_s_messages_are_only_text() {
    let refusal = FaultKind::Refused { code: "ClientException".to_owned(), message: ATTACK.to_owned() };
    let told = Story::codedeploy().fault(Fault::always("RegisterTaskDefinition", refusal)).told(Action::deploy("1.1.0")).await;
    assert_harmless(&told);
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_s_last_words_are_only_text() {
    let overrides = json!([{ "name": "app", "command": [ATTACK] }]).to_string();
    let action = Action::deploy("1.1.0").with("run-task", "true").with("run-task-container-overrides", &overrides);
    let told = Story::codedeploy().told(action).await;
    assert_harmless(&told);
    assert_snapshot!(told.ending(), @"");
}

/// A server that answers every request with the attack.
async fn stranger() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ATTACK}", ATTACK.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_s_body_is_only_text() {
    let tests =
        "tests:\n  - name: front page\n    get: /\n    retry: { for: 200ms, every: 100ms }\n    expect: { body: { contains: Welcome } }\n";
    let action = Action::deploy("1.1.0").with("smoke-tests", tests).with("test-url", &stranger().await);
    let told = Story::codedeploy().told(action).await;
    assert_harmless(&told);
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_files_say_is_only_text() {
    let mut evil = definition("placeholder");
    evil["containerDefinitions"][0]["name"] = json!(ATTACK);
    let tests = format!("tests:\n  - name: {}\n    get: /\n", json!(ATTACK));
    let action = Action::deploy("1.1.0").file("task.json", &evil.to_string()).with("task-definition", "task.json").with("container", "web");
    let told = Story::codedeploy().told(action.file("smoke.yml", &tests)).await;
    assert_harmless(&told);
    assert_snapshot!(told.with_summary(), @"");
    let told = Story::codedeploy()
        .told(Action::deploy("1.1.0").file("smoke.yml", &tests).with("smoke-tests", "smoke.yml").with("test-url", "$TEST"))
        .await;
    assert_harmless(&told);
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_only_text() {
    let told =
        Story::codedeploy().told(Action::deploy("1.1.0").with("service", ATTACK).with("cluster", ATTACK).with("wait-until", ATTACK)).await;
    assert_harmless(&told);
    assert_snapshot!(told.text(), @"");
}
