//! The sources against real servers: good and bad answers, and that no secret is ever in words.

mod hostile;
mod server;

use super::*;
use crate::analysis::question::{DatadogQuery, HttpQuery, Point, PrometheusQuery};
use crate::secret::Secret;
use server::{Server, json_reply, serve};

/// What must never be read by anyone.
const CANARY: &str = "canary-7f3a91";

fn prometheus_query(server: &Server) -> PrometheusQuery {
    let headers = vec![(
        "Authorization".to_owned(),
        Secret::new(format!("Bearer {CANARY}")),
    )];
    PrometheusQuery {
        url: format!("{}/prom/", server.url),
        headers,
        sigv4: None,
        promql: "sum(rate(a[5m])) > 0".to_owned(),
    }
}

fn datadog_query(server: &Server) -> DatadogQuery {
    let (api_key, application_key) = (Secret::new(CANARY), Secret::new(format!("app-{CANARY}")));
    DatadogQuery {
        url: server.url.clone(),
        api_key,
        application_key,
        query: "avg:errors{env:prod}".to_owned(),
    }
}

fn http_query(server: &Server, path: &str) -> HttpQuery {
    let headers = vec![("X-Key".to_owned(), Secret::new(CANARY))];
    HttpQuery {
        url: format!("{}/stats?key={CANARY}", server.url),
        body: None,
        headers,
        path: path.to_owned(),
    }
}

async fn ask_prometheus(server: &Server) -> SourceAnswer {
    prometheus(
        &build_client().unwrap(),
        &prometheus_query(server),
        1000.5,
        None,
    )
    .await
}

async fn ask_datadog(server: &Server) -> SourceAnswer {
    datadog(
        &build_client().unwrap(),
        &datadog_query(server),
        900.5,
        960.0,
    )
    .await
}

async fn ask_http(server: &Server, path: &str) -> SourceAnswer {
    http(&build_client().unwrap(), &http_query(server, path), 960.0).await
}

fn expect_points(answer: &SourceAnswer) -> Vec<(f64, f64)> {
    let Answer::Points(points) = &answer.answer else {
        panic!("{answer:?}")
    };
    points
        .iter()
        .map(|Point { at, value }| (*at, *value))
        .collect()
}

fn expect_failure(answer: &SourceAnswer) -> &str {
    let Answer::Failed(words) = &answer.answer else {
        panic!("{answer:?}")
    };
    assert!(
        !words.contains(CANARY) && !words.contains('{') && !words.contains('\n'),
        "{words}"
    );
    words
}

async fn prometheus_says(data: &str) -> SourceAnswer {
    ask_prometheus(&serve(json_reply("200 OK", data)).await).await
}

#[tokio::test]
async fn a_vector_gives_a_point_a_series_and_a_scalar_and_a_matrix_give_theirs() {
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1000.5,"0.25"]},{"metric":{"a":"b"},"value":[1000.5,"+Inf"]}]}}"#;
    assert_eq!(
        expect_points(&prometheus_says(vector).await),
        [(1000.5, 0.25), (1000.5, f64::INFINITY)]
    );
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1000.5,"7"]}}"#;
    assert_eq!(
        expect_points(&prometheus_says(scalar).await),
        [(1000.5, 7.0)]
    );
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":[[2,"4"],[1,"3"]]}]}}"#;
    assert_eq!(
        expect_points(&prometheus_says(matrix).await),
        [(1.0, 3.0), (2.0, 4.0)]
    );
}

#[tokio::test]
async fn an_instant_query_is_a_form_with_the_query_and_the_time() {
    let server = serve(json_reply(
        "200 OK",
        r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
    ))
    .await;
    let answer = ask_prometheus(&server).await;
    assert_eq!((expect_points(&answer), answer.notes), (vec![], vec![]));
    let request = server.last_request();
    assert!(
        request.starts_with("POST /prom/api/v1/query HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains(&format!("authorization: Bearer {CANARY}\r\n")));
    assert!(
        request.ends_with("\r\n\r\nquery=sum%28rate%28a%5B5m%5D%29%29+%3E+0&time=1000.500"),
        "{request}"
    );
}

#[tokio::test]
async fn a_request_is_signed_when_it_is_whole() {
    let server = serve(json_reply(
        "200 OK",
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#,
    ))
    .await;
    let sign = |request: &mut reqwest::Request| {
        let length = request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .map_or(0, <[u8]>::len);
        request.headers_mut().insert("x-signed", length.into());
        Ok(())
    };
    prometheus(
        &build_client().unwrap(),
        &prometheus_query(&server),
        1.0,
        Some(&sign),
    )
    .await;
    assert!(
        server.last_request().contains("x-signed: 51\r\n"),
        "{}",
        server.last_request()
    );
    let refused = prometheus(
        &build_client().unwrap(),
        &prometheus_query(&server),
        1.0,
        Some(&|_| Err("there are no credentials".to_owned())),
    )
    .await;
    assert_eq!(expect_failure(&refused), "there are no credentials");
}

#[tokio::test]
async fn what_is_not_a_number_is_dropped_and_said_and_so_are_warnings() {
    let nan = r#"{"status":"success","warnings":["PromQL info: ::error:: x\ny"],"data":{"resultType":"vector","result":[{"value":[1,"NaN"]},{"value":[1,"2"]}]}}"#;
    let server = serve(json_reply("200 OK", nan)).await;
    let answer = ask_prometheus(&server).await;
    assert_eq!(expect_points(&answer), [(1.0, 2.0)]);
    assert_eq!(
        answer.notes,
        [
            format!("{}: PromQL info: ::error:: x y", server.host()),
            "1 of 2 values are NaN and count as no data".into()
        ]
    );
    let histogram = r#"{"status":"success","data":{"resultType":"vector","result":[{"histogram":[1,{"count":"3"}]}]}}"#;
    assert!(
        expect_failure(&prometheus_says(histogram).await)
            .ends_with("a result has no plain number: histograms need histogram_quantile() or another function over them")
    );
}

#[tokio::test]
async fn prometheus_s_own_words_are_shown() {
    let error = format!(
        r#"{{"status":"error","errorType":"bad_data","error":"1:5: parse error near {CANARY}"}}"#
    );
    let server = serve(json_reply("400 Bad Request", &error)).await;
    let answer = ask_prometheus(&server).await;
    assert_eq!(
        expect_failure(&answer),
        format!(
            "{}: it answers 400 Bad Request: bad_data: 1:5: parse error near ***",
            server.host()
        )
    );
    let forbidden = ask_prometheus(
        &serve(json_reply(
            "403 Forbidden",
            r#"{"message":"not authorized"}"#,
        ))
        .await,
    )
    .await;
    assert_eq!(forbidden.access, Access::Denied);
    assert!(expect_failure(&forbidden).ends_with("it answers 403 Forbidden: not authorized"));
    assert!(
        expect_failure(&prometheus_says(r#"{"status":"error","error":"query timed out"}"#).await)
            .ends_with(": query timed out")
    );
    assert!(
        expect_failure(&prometheus_says(r#"{"ok":true}"#).await)
            .ends_with("the answer is not that of a Prometheus")
    );
}

#[tokio::test]
async fn datadog_s_points_are_in_seconds_without_nulls_and_within_the_window() {
    let answer = r#"{"status":"ok","series":[{"pointlist":[[900000.0,1],[901000.0,2.5],[930000.0,null],[960000.0,4]]},{"pointlist":[[905000,3]]}]}"#;
    let server = serve(json_reply("200 OK", answer)).await;
    assert_eq!(
        expect_points(&ask_datadog(&server).await),
        [(901.0, 2.5), (905.0, 3.0)]
    );
    let request = server.last_request();
    assert!(
        request.starts_with(
            "GET /api/v1/query?from=900&to=960&query=avg%3Aerrors%7Benv%3Aprod%7D HTTP/1.1\r\n"
        ),
        "{request}"
    );
    assert!(
        request.contains(&format!("dd-api-key: {CANARY}\r\n"))
            && request.contains(&format!("dd-application-key: app-{CANARY}\r\n"))
    );
}

#[tokio::test]
async fn datadog_s_errors_are_told_whatever_the_status() {
    let said = async |status: &str, body: &str| {
        expect_failure(&ask_datadog(&serve(json_reply(status, body)).await).await)
            .split_once(": ")
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(
        said(
            "200 OK",
            r#"{"status":"error","error":"Rule 'x' failed","series":[]}"#
        )
        .await,
        "Rule 'x' failed"
    );
    assert_eq!(
        said("200 OK", r#"{"status":"error","series":[]}"#).await,
        "the query failed, and Datadog does not say why"
    );
    assert_eq!(
        said("403 Forbidden", r#"{"errors":["Forbidden"]}"#).await,
        "it answers 403 Forbidden: Forbidden"
    );
    assert_eq!(
        said("429 Too Many Requests", "").await,
        "it answers 429 Too Many Requests"
    );
    assert_eq!(
        said("200 OK", "[]").await,
        "the answer is not that of a Datadog query"
    );
    assert_eq!(
        expect_points(
            &ask_datadog(&serve(json_reply("200 OK", r#"{"status":"ok","series":[]}"#)).await)
                .await
        ),
        []
    );
}

#[tokio::test]
async fn numbers_are_selected_from_json_by_a_path() {
    let body =
        r#"{"errors":{"rate":0.5},"p":["1.5",null,3],"ok":true,"state":"green","none":null}"#;
    let server = serve(json_reply("200 OK", body)).await;
    assert_eq!(
        expect_points(&ask_http(&server, "$.errors.rate").await),
        [(960.0, 0.5)]
    );
    assert!(
        server
            .last_request()
            .starts_with(&format!("GET /stats?key={CANARY} "))
    );
    assert_eq!(
        expect_points(&ask_http(&server, "$.p[*]").await),
        [(960.0, 1.5), (960.0, 3.0)]
    );
    assert_eq!(expect_points(&ask_http(&server, "$.none").await), []);
    let nothing = ask_http(&server, "$.missing").await;
    assert_eq!(
        (expect_points(&nothing), nothing.notes),
        (
            vec![],
            vec![format!(
                "{}: $.missing selects nothing in the answer",
                server.host()
            )]
        )
    );
    for (path, kind) in [
        ("$.ok", "true or false"),
        ("$.state", "a text"),
        ("$.p", "a list"),
        ("$.errors", "an object"),
    ] {
        let words = format!("{}: {path} is {kind}, not a number", server.host());
        assert_eq!(expect_failure(&ask_http(&server, path).await), words);
    }
}

#[tokio::test]
async fn a_body_is_posted_as_json_unless_a_header_says_otherwise() {
    let server = serve(json_reply("200 OK", "1")).await;
    let mut query = http_query(&server, "$");
    query.body = Some(Secret::new(format!("{{\"token\":\"{CANARY}\"}}")));
    assert_eq!(
        expect_points(&http(&build_client().unwrap(), &query, 1.0).await),
        [(1.0, 1.0)]
    );
    assert!(
        server.last_request().starts_with("POST /stats")
            && server
                .last_request()
                .contains("content-type: application/json\r\n")
    );
    query
        .headers
        .push(("content-type".to_owned(), Secret::new("text/plain")));
    http(&build_client().unwrap(), &query, 1.0).await;
    assert!(
        server
            .last_request()
            .contains("content-type: text/plain\r\n")
            && !server.last_request().contains("application/json")
    );
}
