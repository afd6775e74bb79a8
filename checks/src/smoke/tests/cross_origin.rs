//! Redirects: what is not followed whatever a test says, what does not go along, and where a test
//! may end.

use super::server::{Answer, Authority, ReceivedRequest, answer, serve_plain, serve_tls};
use super::{TestVerdict, Workspace, format_failures, run_one};

fn answer_ok(_: &ReceivedRequest) -> Answer {
    answer(200, &[], r#"{"password":"canary"}"#)
}

/// Redirects to where the query says, keeping the method.
fn redirect_to_query(seen: &ReceivedRequest) -> Answer {
    let location = seen
        .target
        .split_once('?')
        .map(|(_, location)| location.to_owned())
        .unwrap_or_default();
    answer(307, &[("location", &location)], "")
}

fn empty_workspace() -> Workspace {
    Workspace(Vec::new())
}

#[tokio::test]
async fn a_redirect_to_a_metadata_address_is_never_followed_however_it_is_written() {
    let base = serve_plain(redirect_to_query).await.url("http://localhost");
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "100.100.100.200",
    ] {
        let test = format!(
            "get: '/?http://{host}/latest/meta-data/', timeout: 1s, expect: {{ origin: 'http://{host}' }}"
        );
        let found = format_failures(&run_one(&base, &test, &empty_workspace()).await);
        assert!(
            found.starts_with("redirects: a redirect to a host that a document may ask, "),
            "{host}: {found}"
        );
    }
}

#[tokio::test]
async fn a_side_at_a_metadata_address_is_not_asked() {
    for base in ["http://169.254.169.254", "http://[::ffff:a9fe:a9fe]:8080"] {
        let found = format_failures(
            &run_one(
                &base.parse().unwrap(),
                "get: /, timeout: 1s",
                &empty_workspace(),
            )
            .await,
        );
        assert!(
            found.starts_with("request: a host that a document may ask, "),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_never_followed() {
    let authority = Authority::new();
    let elsewhere = serve_plain(answer_ok).await;
    let there = elsewhere.url("http://localhost");
    let server = serve_tls(
        &authority.sign_valid("localhost"),
        &["http/1.1"],
        redirect_to_query,
    )
    .await;
    let workspace = Workspace(vec![("ca.pem", authority.pem.clone().into_bytes())]);
    let test = format!("get: '/?{there}', tls: {{ ca: ca.pem }}, expect: {{ origin: '{there}' }}");
    let found =
        format_failures(&run_one(&server.url("https://localhost"), &test, &workspace).await);
    assert_eq!(
        found,
        format!(
            "redirects: a redirect that stays with https, {}",
            there.origin().ascii_serialization()
        )
    );
    assert_eq!(elsewhere.request_count(), 0);
}

#[tokio::test]
async fn a_test_that_ends_on_another_origin_fails_unless_it_says_so_and_nothing_of_that_body_is_shown()
 {
    let elsewhere = serve_plain(answer_ok).await;
    let there = elsewhere.url("http://localhost");
    let base = serve_plain(redirect_to_query).await.url("http://localhost");
    let silent = run_one(&base, &format!("get: '/?{there}'"), &empty_workspace()).await;
    assert_eq!(silent.verdict, TestVerdict::Failed);
    assert!(
        format_failures(&silent).starts_with("origin: an answer of http://localhost:"),
        "{silent:?}"
    );
    let said = run_one(
        &base,
        &format!("get: '/?{there}', expect: {{ origin: ['https://a.example', '{there}'] }}"),
        &empty_workspace(),
    )
    .await;
    assert_eq!(format_failures(&said), "");
    let unmet = format!(
        "get: '/?{there}', expect: {{ origin: '{there}', json: {{ $.password: x }}, body: {{ contains: y }} }}"
    );
    let unmet = run_one(&base, &unmet, &empty_workspace()).await;
    for result in [silent, unmet] {
        assert!(
            !format!("{result:?}").contains("canary") && result.excerpt.is_none(),
            "{result:?}"
        );
    }
    let stays = run_one(
        &elsewhere.url("http://localhost"),
        "get: /, expect: { origin: 'https://login.example' }",
        &empty_workspace(),
    )
    .await;
    assert!(
        format_failures(&stays).starts_with("origin: https://login.example, http://localhost:"),
        "{stays:?}"
    );
}

#[tokio::test]
async fn a_file_does_not_follow_a_redirect_to_another_origin() {
    let elsewhere = serve_plain(answer_ok).await;
    let there = elsewhere.url("http://localhost");
    let base = serve_plain(redirect_to_query).await.url("http://localhost");
    let workspace = Workspace(vec![("private.bin", b"bytes of the job".to_vec())]);
    let result = run_one(
        &base,
        &format!("post: '/?{there}', file: private.bin, expect: {{ origin: '{there}' }}"),
        &workspace,
    )
    .await;
    assert!(
        format_failures(&result).starts_with(
            "redirects: a redirect within the same origin, because the body is a file"
        ),
        "{result:?}"
    );
    assert_eq!(elsewhere.request_count(), 0);
}
