//! What goes over the wire: query, files, credentials, the test header; and that nothing secret
//! goes elsewhere.

use crate::moment::Moment;
use crate::smoke::TestVerdict;

use super::server::{Answer, ReceivedRequest, answer, serve_plain};
use super::{SECRETS, Workspace, format_failures, run_at, run_one};

fn answer_ok(_: &ReceivedRequest) -> Answer {
    answer(200, &[], "{}")
}

fn empty_workspace() -> Workspace {
    Workspace(Vec::new())
}

#[tokio::test]
async fn a_query_is_encoded_and_appended_to_the_paths_own() {
    let server = serve_plain(answer_ok).await;
    let base = server.url("http://localhost");
    let table = [
        (
            "get: /a, query: { q: 'a b&c=d', n: 1.10 }",
            "/a?q=a+b%26c%3Dd&n=1.10",
            "GET /a?q=a b&c=d&n=1.10",
        ),
        (
            "get: '/a?x=1', query: { v: '${version}', tag: [one, two] }",
            "/a?x=1&v=v1&tag=one&tag=two",
            "GET /a?x=1&v=v1&tag=one&tag=two",
        ),
        (
            "get: /a, query: { t: '${env.TOKEN}' }",
            "/a?t=p%40ss%2Fw%26rd",
            "GET /a?t=***",
        ),
    ];
    for (test, target, shown) in table {
        let result = run_one(&base, test, &empty_workspace()).await;
        assert_eq!(
            (
                format_failures(&result).as_str(),
                result.request.as_str(),
                server.last_request().target.as_str()
            ),
            ("", shown, target)
        );
    }
}

#[tokio::test]
async fn a_file_is_sent_as_it_is_with_the_type_its_name_tells() {
    let server = serve_plain(answer_ok).await;
    let base = server.url("http://localhost");
    let bytes = [&[0, 255, 10][..], b"${version}"].concat();
    let workspace = Workspace(vec![("a.json", bytes.clone()), ("a.bin", bytes.clone())]);
    let table = [
        ("post: /, file: a.json", "application/json"),
        ("post: /, file: a.bin", "application/octet-stream"),
        (
            "post: /, file: a.bin, headers: { content-type: image/png }",
            "image/png",
        ),
    ];
    for (test, content_type) in table {
        assert_eq!(format_failures(&run_one(&base, test, &workspace).await), "");
        assert_eq!(
            (
                server.last_request().header("content-type"),
                &server.last_request().body
            ),
            (Some(content_type), &bytes)
        );
    }
}

#[tokio::test]
async fn credentials_are_sent_in_their_headers() {
    let server = serve_plain(answer_ok).await;
    let base = server.url("http://localhost");
    let table = [
        (
            "bearer: '${env.TOKEN}'",
            "authorization",
            "Bearer p@ss/w&rd",
        ),
        (
            "bearer: '${secret.KEY}'",
            "authorization",
            "Bearer k3y from the manager",
        ),
        (
            "basic: { user: Aladdin, password: 'open sesame' }",
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            "api-key: { header: X-Api-Key, value: '${secret.KEY}' }",
            "x-api-key",
            "k3y from the manager",
        ),
    ];
    for (auth, header, value) in table {
        assert_eq!(
            format_failures(
                &run_one(
                    &base,
                    &format!("get: /, auth: {{ {auth} }}"),
                    &empty_workspace()
                )
                .await
            ),
            ""
        );
        assert_eq!(server.last_request().header(header), Some(value));
    }
}

#[tokio::test]
async fn nothing_that_says_who_we_are_arrives_at_another_origin() {
    let elsewhere = serve_plain(answer_ok).await;
    let there = elsewhere.url("http://localhost").to_string();
    let origin = there.clone();
    let server = serve_plain(move |seen| {
        let status = if seen.method == "POST" { 307 } else { 302 };
        answer(status, &[("location", &there)], "")
    })
    .await;
    let base = server.url("http://localhost");
    let table = [
        "get: /, auth: { bearer: plain-token }",
        "get: /, auth: { basic: { user: u, password: plain-token } }",
        "get: /, auth: { api-key: { header: X-Api-Key, value: plain-token } }",
        "get: /, headers: { X-Key: '${secret.KEY}' }",
        "get: /, query: { key: '${secret.KEY}' }",
        "get: '/?key=${secret.KEY}'",
    ];
    for (index, test) in table.iter().enumerate() {
        assert_eq!(
            format_failures(
                &run_one(
                    &base,
                    &format!("{test}, expect: {{ origin: '{origin}' }}"),
                    &empty_workspace()
                )
                .await
            ),
            "",
            "{test}"
        );
        assert_eq!(elsewhere.request_count(), index + 1);
        let arrived = format!("{:?}", elsewhere.last_request());
        for leaked in [
            "plain-token",
            "k3y",
            "authorization",
            "x-api-key",
            "x-key",
            "key=",
        ] {
            assert!(!arrived.contains(leaked), "{test}: {arrived}");
        }
    }
    let result = run_one(
        &base,
        "post: /, json: { key: '${secret.KEY}' }",
        &empty_workspace(),
    )
    .await;
    assert!(
        format_failures(&result).starts_with(
            "redirects: a redirect within the same origin, because the body holds a secret"
        ),
        "{result:?}"
    );
    assert_eq!(elsewhere.request_count(), table.len());
}

#[tokio::test]
async fn the_test_header_is_sent_to_green_only_and_not_elsewhere() {
    let elsewhere = serve_plain(answer_ok).await;
    let there = elsewhere.url("http://localhost").to_string();
    let origin = there.clone();
    let server = serve_plain(move |seen| {
        if seen.target == "/away" {
            answer(302, &[("location", &there)], "")
        } else {
            answer(200, &[], "")
        }
    })
    .await;
    let base = server.url("http://localhost");
    let table = [
        ("true", "x-amzn-ecs-blue-green-test", Some("1")),
        (
            "{ name: X-Green, value: '${version}' }",
            "x-green",
            Some("v1"),
        ),
        ("{ value: yes }", "x-amzn-ecs-blue-green-test", Some("yes")),
        ("false", "x-amzn-ecs-blue-green-test", None),
    ];
    for (header, name, value) in table {
        let document = format!(
            "defaults: {{ test-header: {header}, retry: {{ for: 0s }} }}\ntests: [{{ name: a, get: /away, expect: {{ origin: '{origin}' }} }}]"
        );
        for (moment, expected) in [
            (Moment::Green, value),
            (Moment::Production, None),
            (Moment::Step, None),
        ] {
            let document = document.replace(
                "/away,",
                &format!("/away, on: {},", serde_json::json!(moment)),
            );
            assert_eq!(
                run_at(moment, &base, &document, &empty_workspace()).await[0].verdict,
                TestVerdict::Passed
            );
            assert_eq!(
                server.last_request().header(name),
                expected,
                "{header} at {moment}"
            );
            assert_eq!(elsewhere.last_request().header(name), None);
        }
    }
}

#[tokio::test]
async fn a_secret_of_the_manager_never_appears_in_a_result() {
    let server = serve_plain(|seen| {
        let echo = seen.header("x-api-key").unwrap_or_default().to_owned();
        answer(
            500,
            &[("x-echo", &echo)],
            &format!("{echo} {}", echo.replace(' ', "%20")),
        )
    })
    .await;
    let test = "get: '/?k=${secret.KEY}', auth: { api-key: { header: x-api-key, value: '${secret.KEY}' } }, \
        expect: { headers: { x-echo: 'not ${secret.KEY}' }, json: { $.a: '${secret.KEY}' } }";
    let written = serde_json::to_string(
        &run_one(&server.url("http://localhost"), test, &empty_workspace()).await,
    )
    .unwrap();
    assert!(
        !written.contains("k3y") && !written.contains("manager") && written.contains("GET /?k=***"),
        "{written}"
    );
}

#[tokio::test]
async fn nothing_is_sent_when_a_secret_was_not_fetched() {
    let server = serve_plain(answer_ok).await;
    let document = format!(
        "{}\ntests: [{{ name: a, get: /, headers: {{ a: '${{secret.OTHER}}' }} }}]",
        SECRETS.replace("KEY", "OTHER")
    );
    let result = run_at(
        Moment::Green,
        &server.url("http://localhost"),
        &document,
        &empty_workspace(),
    )
    .await
    .remove(0);
    assert_eq!(
        (format_failures(&result).as_str(), server.request_count()),
        ("${secret.OTHER}: a value, none: it was not fetched", 0)
    );
}

#[tokio::test]
async fn an_answer_is_held_against_its_schema_its_latency_and_the_version() {
    let server = serve_plain(|_| {
        answer(
            200,
            &[("x-version", "v1")],
            r#"{"version":"v1","items":[{"id":1},{"id":"two"}]}"#,
        )
    })
    .await;
    let base = server.url("http://localhost");
    let schema = r#"{"properties":{"items":{"items":{"properties":{"id":{"type":"integer"}}}}},"required":["next"]}"#;
    let workspace = Workspace(vec![("items.json", schema.as_bytes().to_vec())]);
    for expect in [
        "version: true, latency: 1s",
        "version: { json: $.version }",
        "version: { header: x-version }, latency: { lt: 1s }",
    ] {
        assert_eq!(
            format_failures(
                &run_one(
                    &base,
                    &format!("get: /, expect: {{ {expect} }}"),
                    &workspace
                )
                .await
            ),
            "",
            "{expect}"
        );
    }
    let found = format_failures(
        &run_one(
            &base,
            "get: /, expect: { json-schema: items.json }",
            &workspace,
        )
        .await,
    );
    assert_eq!(
        found,
        "json-schema: what the schema says, missing properties 'next' | \
        json-schema at /items/1/id: what the schema says, want integer, but got string"
    );
    assert_eq!(
        format_failures(
            &run_one(
                &base,
                "get: /, expect: { json-schema: { required: [items] } }",
                &workspace
            )
            .await
        ),
        ""
    );
}
