//! Preflights and the redirect from http to https, against servers that answer them well and badly.

use super::server::{Answer, ReceivedRequest, answer, serve_plain};
use super::{Workspace, format_failures, run_one};

const APP: &str = "https://app.example.com";

fn empty_workspace() -> Workspace {
    Workspace(Vec::new())
}

/// A server that allows our page to PUT JSON with cookies.
fn answer_preflight(seen: &ReceivedRequest) -> Answer {
    if seen.method != "OPTIONS" || seen.header("origin") != Some(APP) {
        return answer(403, &[], "");
    }
    let headers = [
        ("access-control-allow-origin", APP),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "Content-Type, X-Trace"),
        ("access-control-allow-credentials", "true"),
    ];
    answer(204, &headers, "")
}

#[tokio::test]
async fn a_preflight_asks_as_a_browser_does_and_passes_where_the_request_is_allowed() {
    let server = serve_plain(answer_preflight).await;
    let test = format!(
        "put: /items/1, cors: {{ origin: '{APP}', headers: [content-type, X-Trace], credentials: true }}"
    );
    let result = run_one(&server.url("http://localhost"), &test, &empty_workspace()).await;
    assert_eq!(
        (format_failures(&result).as_str(), result.request.as_str()),
        ("", "OPTIONS /items/1")
    );
    let seen = server.last_request();
    assert_eq!(
        (seen.method.as_str(), seen.header("origin")),
        ("OPTIONS", Some(APP))
    );
    assert_eq!(seen.header("access-control-request-method"), Some("PUT"));
    assert_eq!(
        seen.header("access-control-request-headers"),
        Some("content-type,x-trace")
    );
}

#[tokio::test]
async fn a_preflight_names_everything_that_is_not_allowed() {
    let server = serve_plain(answer_preflight).await;
    let base = server.url("http://localhost");
    let test = format!("delete: /items/1, cors: {{ origin: '{APP}', headers: x-other }}");
    assert_eq!(
        format_failures(&run_one(&base, &test, &empty_workspace()).await),
        "header access-control-allow-methods: DELETE, GET, PUT | header access-control-allow-headers: x-other, Content-Type, X-Trace"
    );
    let found = format_failures(
        &run_one(
            &base,
            "get: /, cors: { origin: 'https://evil.example.com', method: PUT }",
            &empty_workspace(),
        )
        .await,
    );
    assert_eq!(
        found,
        "status: 2xx, 403 Forbidden | header access-control-allow-origin: https://evil.example.com, nothing | \
        header access-control-allow-methods: PUT, nothing"
    );
}

#[tokio::test]
async fn a_star_stands_for_everything_unless_cookies_are_sent() {
    let server = serve_plain(|_| {
        let star = [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "*"),
            ("access-control-allow-headers", "*"),
        ];
        answer(200, &star, "")
    })
    .await;
    let base = server.url("http://localhost");
    let test = |rest: &str| format!("put: /, cors: {{ origin: '{APP}', {rest} }}");
    assert_eq!(
        format_failures(&run_one(&base, &test("headers: [x-a]"), &empty_workspace()).await),
        ""
    );
    assert_eq!(
        format_failures(
            &run_one(&base, &test("headers: [authorization]"), &empty_workspace()).await
        ),
        "header access-control-allow-headers: authorization, *"
    );
    let found = format_failures(
        &run_one(
            &base,
            &test("headers: [x-a], credentials: true"),
            &empty_workspace(),
        )
        .await,
    );
    assert_eq!(found.matches(" | ").count(), 3, "{found}");
}

#[tokio::test]
async fn http_leads_to_the_same_place_over_https() {
    let server = serve_plain(|seen| {
        let host = seen.host.split(':').next().unwrap();
        let (status, location) = match seen.target.as_str() {
            "/good?a=b" => (301, format!("https://{host}/good?a=b")),
            "/port" => (308, format!("https://{host}:8443/port")),
            "/found" => (302, format!("https://{host}/found")),
            "/home" => (301, format!("https://{host}/")),
            "/away" => (301, "https://elsewhere.example/away".to_owned()),
            "/query?a=b" => (301, format!("https://{host}/query")),
            "/plain" => (301, format!("http://{host}/plain")),
            _ => return answer(200, &[], ""),
        };
        answer(status, &[("location", &location)], "")
    })
    .await;
    // The side's URL is https; only the redirect is asked for at the other port.
    let base = "https://localhost:1".parse().unwrap();
    let table = [
        ("/good?a=b", ""),
        ("/port", ""),
        ("/found", "status: 301 or 308, 302 Found"),
        (
            "/home",
            "redirect: https://localhost/home, https://localhost/",
        ),
        (
            "/away",
            "redirect: https://localhost/away, https://elsewhere.example/away",
        ),
        (
            "/query?a=b",
            "redirect: https://localhost/query with its query, https://localhost/query",
        ),
        (
            "/plain",
            "redirect: https://localhost/plain, http://localhost/plain",
        ),
        (
            "/none",
            "status: 301 or 308, 200 OK | redirect: https://localhost/none, no readable Location header",
        ),
    ];
    for (path, expected) in table {
        let test = format!(
            "get: '{path}', http: 2, https-redirect: {{ port: {} }}",
            server.port
        );
        assert_eq!(
            format_failures(&run_one(&base, &test, &empty_workspace()).await),
            expected,
            "{path}"
        );
        assert_eq!(server.last_request().version, hyper::Version::HTTP_11);
    }
}
