//! HTTPS: who is trusted, what is said of who is not, names that are asked for elsewhere, and
//! HTTP's versions.

use time::{Duration, OffsetDateTime};

use super::server::{
    Answer, Authority, ReceivedRequest, answer, midnight, self_signed_identity, serve_plain,
    serve_tls,
};
use super::{Workspace, format_failures, run_one};

const BOTH: [&str; 2] = ["h2", "http/1.1"];

fn answer_ok(_: &ReceivedRequest) -> Answer {
    answer(200, &[], "{}")
}

/// A workspace with the authority's certificate as `ca.pem`.
fn with_ca(authority: &Authority) -> Workspace {
    Workspace(vec![("ca.pem", authority.pem.clone().into_bytes())])
}

#[tokio::test]
async fn an_authority_of_the_users_own_is_trusted_when_it_is_given_and_not_otherwise() {
    let authority = Authority::new();
    let server = serve_tls(&authority.sign_valid("localhost"), &BOTH, answer_ok).await;
    let base = server.url("https://localhost");
    let workspace = with_ca(&authority);
    assert_eq!(
        format_failures(&run_one(&base, "get: /, tls: { ca: ca.pem }", &workspace).await),
        ""
    );
    let inline = format!(
        "get: /, tls: {{ ca: {} }}",
        serde_json::json!(authority.pem)
    );
    assert_eq!(
        format_failures(&run_one(&base, &inline, &workspace).await),
        ""
    );
    let refused = format_failures(&run_one(&base, "get: /", &workspace).await);
    let expected = "certificate: one that is trusted for localhost, an untrusted one: ";
    assert_eq!(
        refused,
        format!("{expected}no known authority signed it (add yours with `tls: {{ ca: … }}`)")
    );
    // Another authority of the same name.
    let other = Workspace(vec![("ca.pem", Authority::new().pem.into_bytes())]);
    assert_eq!(
        format_failures(&run_one(&base, "get: /, tls: { ca: ca.pem }", &other).await),
        format!("{expected}its signature is not of the authority that it names")
    );
    assert_eq!(
        server.request_count(),
        2,
        "only whoever is trusted is asked"
    );
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_trusted_when_it_is_given() {
    let (identity, pem) = self_signed_identity("localhost");
    let server = serve_tls(&identity, &BOTH, answer_ok).await;
    let workspace = Workspace(vec![("own.pem", pem.into_bytes())]);
    let base = server.url("https://localhost");
    assert!(
        format_failures(&run_one(&base, "get: /", &workspace).await)
            .contains("an untrusted one: no known authority signed it")
    );
    assert_eq!(
        format_failures(&run_one(&base, "get: /, tls: { ca: own.pem }", &workspace).await),
        ""
    );
}

#[tokio::test]
async fn a_server_without_tls_is_reported_differently_from_an_untrusted_one() {
    let server = serve_plain(answer_ok).await;
    let found = format_failures(
        &run_one(
            &server.url("https://localhost"),
            "get: /",
            &Workspace(Vec::new()),
        )
        .await,
    );
    assert!(found.starts_with("connection: an answer, "), "{found}");
}

#[tokio::test]
async fn expired_early_and_misnamed_certificates_are_reported_with_dates_and_names() {
    let authority = Authority::new();
    let table = [
        (
            authority.sign("localhost", midnight(2020, 1, 1), midnight(2021, 2, 3)),
            "one that expired on 2021-02-03 00:00 UTC",
        ),
        (
            authority.sign("localhost", midnight(2090, 4, 5), midnight(2091, 1, 1)),
            "one that is not valid before 2090-04-05 00:00 UTC",
        ),
        (
            authority.sign_valid("api.example.com"),
            "one for api.example.com",
        ),
    ];
    for (identity, found) in table {
        let server = serve_tls(&identity, &BOTH, answer_ok).await;
        let result = run_one(
            &server.url("https://localhost"),
            "get: /, tls: { ca: ca.pem }",
            &with_ca(&authority),
        )
        .await;
        assert_eq!(
            format_failures(&result),
            format!("certificate: one that is trusted for localhost, {found}")
        );
        assert_eq!(server.request_count(), 0);
    }
}

#[tokio::test]
async fn a_server_name_is_asked_for_and_verified_while_the_connection_goes_to_the_sides_host() {
    let authority = Authority::new();
    let server = serve_tls(&authority.sign_valid("api.example.com"), &BOTH, answer_ok).await;
    for host in ["https://localhost", "https://127.0.0.1"] {
        let test = "get: /a, tls: { ca: ca.pem, server-name: api.example.com }";
        assert_eq!(
            format_failures(&run_one(&server.url(host), test, &with_ca(&authority)).await),
            ""
        );
        assert_eq!(
            server.last_request().host,
            format!("api.example.com:{}", server.port)
        );
    }
    let test = "get: /, tls: { ca: ca.pem, server-name: www.example.com }";
    let refused = format_failures(
        &run_one(&server.url("https://localhost"), test, &with_ca(&authority)).await,
    );
    assert_eq!(
        refused,
        "certificate: one that is trusted for www.example.com, one for api.example.com"
    );
}

#[tokio::test]
async fn a_redirect_to_the_server_name_stays_at_the_sides_host() {
    let authority = Authority::new();
    let server = serve_tls(
        &authority.sign_valid("api.example.com"),
        &BOTH,
        |seen| match seen.target.as_str() {
            "/old" => answer(
                302,
                &[("location", &format!("https://{}/new", seen.host))],
                "",
            ),
            _ => answer(200, &[], ""),
        },
    )
    .await;
    let test = "get: /old, auth: { bearer: '${env.TOKEN}' }, tls: { ca: ca.pem, server-name: api.example.com }";
    assert_eq!(
        format_failures(
            &run_one(&server.url("https://localhost"), test, &with_ca(&authority)).await
        ),
        ""
    );
    assert_eq!(
        (
            server.last_request().target.as_str(),
            server.last_request().header("authorization")
        ),
        ("/new", Some("Bearer p@ss/w&rd"))
    );
}

#[tokio::test]
async fn http_2_and_1_1_are_spoken_as_the_test_says() {
    let authority = Authority::new();
    let workspace = with_ca(&authority);
    let both = serve_tls(&authority.sign_valid("localhost"), &BOTH, answer_ok).await;
    for (test, version) in [
        ("get: /, tls: { ca: ca.pem }", hyper::Version::HTTP_2),
        (
            "get: /, tls: { ca: ca.pem }, http: 2",
            hyper::Version::HTTP_2,
        ),
        (
            "get: /, tls: { ca: ca.pem }, http: 1.1",
            hyper::Version::HTTP_11,
        ),
    ] {
        assert_eq!(
            format_failures(&run_one(&both.url("https://localhost"), test, &workspace).await),
            "",
            "{test}"
        );
        assert_eq!(both.last_request().version, version, "{test}");
    }
    let old = serve_tls(&authority.sign_valid("localhost"), &["http/1.1"], answer_ok).await;
    let refused = format_failures(
        &run_one(
            &old.url("https://localhost"),
            "get: /, tls: { ca: ca.pem }, http: 2",
            &workspace,
        )
        .await,
    );
    assert_eq!(
        refused,
        "HTTP version: what `http` says, the server does not speak it"
    );
    let plain = serve_plain(answer_ok).await;
    for (test, version) in [
        ("get: /, http: 2", hyper::Version::HTTP_2),
        ("get: /", hyper::Version::HTTP_11),
    ] {
        assert_eq!(
            format_failures(&run_one(&plain.url("http://localhost"), test, &workspace).await),
            "",
            "{test}"
        );
        assert_eq!(plain.last_request().version, version, "{test}");
    }
}

#[tokio::test]
async fn tests_that_want_the_same_connection_share_it() {
    let authority = Authority::new();
    let server = serve_tls(&authority.sign_valid("localhost"), &BOTH, answer_ok).await;
    let tests = (0..20)
        .map(|index| format!("{{ name: t{index}, get: /{index}, http: 2 }}"))
        .collect::<Vec<_>>()
        .join(", ");
    let document =
        format!("defaults: {{ tls: {{ ca: ca.pem }}, retry: {{ for: 0s }} }}\ntests: [{tests}]");
    let results = super::run_at(
        crate::moment::Moment::Green,
        &server.url("https://localhost"),
        &document,
        &with_ca(&authority),
    )
    .await;
    assert!(
        results
            .iter()
            .all(|result| format_failures(result).is_empty())
            && server.request_count() == 20
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_test_that_is_repeated_keeps_its_connection() {
    let authority = Authority::new();
    let server = serve_tls(&authority.sign_valid("localhost"), &["http/1.1"], |_| {
        answer(503, &[], "not yet")
    })
    .await;
    let document = "defaults: { tls: { ca: ca.pem } }\ntests: [{ name: a, get: /, retry: { for: 200ms, every: 20ms } }]";
    let results = super::run_at(
        crate::moment::Moment::Green,
        &server.url("https://localhost"),
        document,
        &with_ca(&authority),
    )
    .await;
    assert!(results[0].attempts >= 3, "{results:?}");
    assert_eq!(
        (server.connections(), server.request_count()),
        (1, results[0].attempts as usize)
    );
}

#[tokio::test]
async fn the_days_that_a_certificate_has_left_are_evaluated() {
    let authority = Authority::new();
    let now = OffsetDateTime::now_utc();
    let end = now + Duration::days(10) + Duration::HOUR;
    let server = serve_tls(
        &authority.sign("localhost", now - Duration::DAY, end),
        &BOTH,
        answer_ok,
    )
    .await;
    let base = server.url("https://localhost");
    let test = |days: &str| {
        format!("get: /, tls: {{ ca: ca.pem }}, expect: {{ certificate: {{ days-left: {days} }} }}")
    };
    for days in ["{ ge: 10 }", "10", "{ gt: 5, lt: 11 }"] {
        assert_eq!(
            format_failures(&run_one(&base, &test(days), &with_ca(&authority)).await),
            "",
            "{days}"
        );
    }
    let found = format_failures(&run_one(&base, &test("{ ge: 14 }"), &with_ca(&authority)).await);
    let until = format!("{} {:02}:{:02} UTC", end.date(), end.hour(), end.minute());
    assert_eq!(
        found,
        format!("certificate: days left ≥ 14, 10: it is valid until {until}")
    );
    let plain = serve_plain(answer_ok).await;
    let found = format_failures(
        &run_one(
            &plain.url("http://localhost"),
            &test("14"),
            &with_ca(&authority),
        )
        .await,
    );
    assert_eq!(
        found,
        "certificate: days left ≥ 14, none: the answer came without TLS"
    );
}
