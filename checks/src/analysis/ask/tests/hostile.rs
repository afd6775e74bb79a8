//! Servers that mean no good, and servers that are not there.

use super::server::Reply;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_left_after_ten_seconds() {
    let server = serve(Reply::Silence).await;
    let words = format!("{}: no answer within 10 s", server.host());
    assert_eq!(expect_failure(&ask_prometheus(&server).await), words);
    assert_eq!(expect_failure(&ask_datadog(&server).await), words);
    assert_eq!(expect_failure(&ask_http(&server, "$").await), words);
}

#[tokio::test]
async fn no_more_than_one_mebibyte_is_read() {
    let server = serve(Reply::Endless("[1,".repeat(10_000))).await;
    assert_eq!(
        expect_failure(&ask_http(&server, "$").await),
        format!("{}: the answer is larger than 1 MiB", server.host())
    );
}

#[tokio::test]
async fn a_redirect_is_said_and_never_followed() {
    let other = serve(json_reply("200 OK", "1")).await;
    let head = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/{CANARY}\r\ncontent-length: 0\r\n\r\n",
        other.url
    );
    let server = serve(Reply::Once(head)).await;
    let words = format!(
        "{}: it redirects to 127.0.0.1, which is not followed: give the URL that answers",
        server.host()
    );
    assert_eq!(expect_failure(&ask_http(&server, "$").await), words);
    assert_eq!(expect_failure(&ask_datadog(&server).await), words);
    assert_eq!(expect_failure(&ask_prometheus(&server).await), words);
    assert_eq!(
        other.last_request(),
        "",
        "credentials went to another origin"
    );
}

#[tokio::test]
async fn what_is_not_json_is_not_shown() {
    for body in [
        format!("<html>{CANARY}</html>"),
        String::new(),
        "{\"status\":".to_owned(),
        "[".repeat(100_000),
    ] {
        let server = serve(json_reply("200 OK", &body)).await;
        assert_eq!(
            expect_failure(&ask_http(&server, "$").await),
            format!("{}: the answer is not JSON", server.host())
        );
        assert!(expect_failure(&ask_prometheus(&server).await).ends_with("the answer is not JSON"));
    }
    let echo = serve(json_reply(
        "500 Internal Server Error",
        &format!("{{\"message\":\"{CANARY}\"}}"),
    ))
    .await;
    assert_eq!(
        expect_failure(&ask_http(&echo, "$").await),
        format!("{}: it answers 500 Internal Server Error", echo.host())
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_and_a_server_that_is_not_there_are_told() {
    let server = serve(Reply::Once(
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
    ))
    .await;
    assert!(expect_failure(&ask_http(&server, "$").await).contains("the answer broke off"));
    let answer = ask_datadog(&Server::unreachable("http://127.0.0.1:1")).await;
    assert!(
        expect_failure(&answer).starts_with("127.0.0.1:1: no answer: "),
        "{answer:?}"
    );
    assert!(expect_failure(&answer).contains("refused"), "{answer:?}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_without_its_value() {
    let server = serve(json_reply("200 OK", "1")).await;
    let mut query = http_query(&server, "$");
    query.headers = vec![("x y".to_owned(), Secret::new(CANARY))];
    assert_eq!(
        expect_failure(&http(&build_client().unwrap(), &query, 1.0).await),
        "`x y` cannot be the name of a header"
    );
    query.headers = vec![("x".to_owned(), Secret::new(format!("{CANARY}\r\ny: z")))];
    assert_eq!(
        expect_failure(&http(&build_client().unwrap(), &query, 1.0).await),
        "the value of header x cannot be sent"
    );
    query.url = format!("ftp://{CANARY}");
    assert_eq!(
        expect_failure(&http(&build_client().unwrap(), &query, 1.0).await),
        "the URL is not an http or https URL"
    );
    assert_eq!(server.last_request(), "");
}
