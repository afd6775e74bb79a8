//! Read-only checks before anything is changed: whether a side's URL answers, and whether the
//! answer reports another version.
//!
//! Both are one GET, connected as the tests would be. No credentials are sent, and nothing that a
//! test captures is needed.
//!
//! One file, because both checks share the connection settings and the choice of the test; a
//! quarter of it is tests.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::Value;
use serde_json_path::JsonPath;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::moment::Moment;
use crate::template::{JsonTemplate, Template, Values, Variable};

use super::answer::SmokeResponse;
use super::cookie_jar::CookieJar;
use super::expect;
use super::expect::json::JsonCondition;
use super::expect::text::TextCondition;
use super::flow::CookiePolicy;
use super::form::{RequestBody, RequestDestination, SmokeTest, Suite, Transport};
use super::result::Mismatch;
use super::run::{RunLimits, bind_run_values};
use super::send::{Clients, OutgoingRequest, TestedSide, exchange, no_answer_mismatch};

/// The longest that a connection may take, and a whole request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// The pause before a refused connection is tried once more: a load balancer may just be opening a
/// listener.
const RETRY_DELAY: Duration = Duration::from_millis(400);

/// Why nothing answers at a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// The reason, without secrets.
    pub why: String,
}

/// Whether anything answers at `base`. Any HTTP answer will do, and so will a server that takes the
/// connection and is slow.
///
/// # Errors
/// No connection, or the answer is not HTTP.
pub async fn check_reachable(suite: &Suite, moment: Moment, base: &Url) -> Result<(), Unreachable> {
    let transport = suite.transport_for(moment);
    let first = try_connect(&transport, base).await;
    let Err(failed) = first else { return Ok(()) };
    sleep(RETRY_DELAY).await;
    try_connect(&transport, base)
        .await
        .map_err(|_| Unreachable {
            why: describe_failure(&failed),
        })
}

async fn try_connect(transport: &Transport, base: &Url) -> Result<(), Mismatch> {
    let clients = Clients::new([transport], base)?;
    let mut url = base.clone();
    if let Some(name) = &transport.tls.server_name {
        url.set_host(Some(name)).map_err(|error| {
            Mismatch::new("server-name", "the name of a host", error.to_string())
        })?;
    }
    match timeout(
        REQUEST_TIMEOUT,
        clients.get(transport)?.get(url.clone()).send(),
    )
    .await
    {
        Ok(Err(error)) if error.is_connect() || !error.is_timeout() => {
            Err(no_answer_mismatch(error, "an answer", &url, transport))
        }
        // The server is there, but slow.
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

/// For a connection failure, only what was found is informative.
fn describe_failure(failed: &Mismatch) -> String {
    let Mismatch {
        what,
        expected,
        found,
    } = failed.to_presentable();
    match (what.as_str(), expected.strip_prefix("established ")) {
        ("connection", Some(within)) => format!("no connection {within}"),
        ("connection", None) if found.contains("InvalidContentType") => {
            "no TLS is spoken there, as with a listener for http".to_owned()
        }
        ("connection", None) => found
            .trim_start_matches("client error (Connect): ")
            .to_owned(),
        _ => format!("{what}: expected {expected}, found {found}"),
    }
}

impl Suite {
    /// How the first test of a moment is connected, else one of the same side, else any; with
    /// timeouts for a single request.
    fn transport_for(&self, moment: Moment) -> Transport {
        let is_same_side = |on: &Moment| (*on == Moment::Green) == (moment == Moment::Green);
        let find_flow = |matches: &dyn Fn(&Moment) -> bool| {
            self.flows.iter().find(|flow| flow.on.iter().any(matches))
        };
        let flow = find_flow(&|on| *on == moment)
            .or_else(|| find_flow(&is_same_side))
            .or(self.flows.first());
        let first = flow.map(|flow| &self.tests[flow.steps.start].transport);
        Transport {
            connect_timeout: Some(CONNECT_TIMEOUT),
            ..first.cloned().unwrap_or_default()
        }
    }

    /// Whether a test sends the header that leads to green where both sides share an address.
    pub fn has_test_header(&self) -> bool {
        self.tests
            .iter()
            .any(|test| test.request.test_header.is_some())
    }

    /// The header that leads to green, if every request to green has it: it comes from the
    /// document, and testers do not know it.
    pub fn test_header(&self) -> Option<(String, String)> {
        let (name, value) = self
            .green_tests()
            .find_map(|test| test.request.test_header.as_ref())?;
        let is_fixed = value.variables().next().is_none();
        let is_sent = self
            .green_tests()
            .all(|test| test.request.test_header.is_some())
            && !self.has_tester_on_green();
        (is_fixed && is_sent).then(|| (name.as_str().to_owned(), value.render(&Values::default())))
    }

    fn has_tester_on_green(&self) -> bool {
        self.testers
            .iter()
            .any(|tester| tester.on.contains(&Moment::Green))
    }

    /// The paths of the requests to green; `None` for one that is only known when it is sent.
    pub fn green_paths(&self) -> Vec<Option<String>> {
        let fixed = |path: &Template| {
            path.variables()
                .next()
                .is_none()
                .then(|| path.render(&Values::default()))
        };
        // A redirect to https is asked for at another port.
        let at_side = self
            .green_tests()
            .filter(|test| test.request.destination == RequestDestination::Side);
        let tests = at_side.map(|test| &test.request.path);
        let others = self
            .loads(Moment::Green)
            .map(|probe| &probe.request.path)
            .chain(self.warm_ups.iter().map(|warm_up| &warm_up.request.path));
        tests
            .chain(others)
            .map(fixed)
            .chain(self.has_tester_on_green().then_some(None))
            .collect()
    }

    /// The names by which tests of green ask for its host instead of the URL's.
    pub fn server_names(&self) -> Vec<String> {
        self.green_tests()
            .filter_map(|test| test.transport.tls.server_name.clone())
            .collect()
    }

    fn green_tests(&self) -> impl Iterator<Item = &SmokeTest> {
        let flows = self
            .flows
            .iter()
            .filter(|flow| flow.on.contains(&Moment::Green));
        flows
            .flat_map(|flow| &self.tests[flow.steps.clone()])
            .map(AsRef::as_ref)
    }

    /// A test of green that checks the deployed version, and that can be sent by itself and without
    /// secrets.
    fn find_version_test(&self) -> Option<(&SmokeTest, VersionSource<'_>)> {
        self.green_tests()
            .filter(|test| test.is_standalone_get())
            .find_map(|test| Some((test, VersionSource::from_test(test)?)))
    }
}

impl SmokeTest {
    /// Whether it is a plain GET that needs neither a secret nor a value that another test has
    /// captured.
    fn is_standalone_get(&self) -> bool {
        let request = &self.request;
        let is_without_secrets = |template: &Template| {
            let known = |variable: &Variable| {
                matches!(
                    variable,
                    Variable::Version | Variable::Digest | Variable::Revision
                )
            };
            template.variables().all(known)
        };
        request.method == Method::GET
            && matches!(
                (&request.body, &request.destination),
                (RequestBody::None, RequestDestination::Side)
            )
            && request.credential.is_none()
            && self.required_captures.is_empty()
            && self.captures.is_empty()
            && is_without_secrets(&request.path)
            && request
                .query
                .iter()
                .all(|(_, value)| is_without_secrets(value))
            && request
                .headers
                .iter()
                .all(|(_, value)| is_without_secrets(value))
    }
}

/// Where a test finds the version.
enum VersionSource<'t> {
    Json(&'t JsonPath),
    Header(&'t HeaderName),
}

impl<'t> VersionSource<'t> {
    fn from_test(test: &'t SmokeTest) -> Option<Self> {
        let is_version = |template: &Template| {
            let mut variables = template.variables();
            variables.next() == Some(&Variable::Version) && variables.next().is_none()
        };
        let json = test.expect.json.iter().flat_map(|json| json.iter());
        let mut json = json.filter(|expectation| {
            expectation
                .expected
                .conditions()
                .iter()
                .any(|condition| matches!(condition, JsonCondition::Equals(JsonTemplate::Text(text)) if is_version(text)))
        });
        let headers = test
            .expect
            .headers
            .iter()
            .flat_map(|headers| headers.iter());
        let mut headers = headers.filter(|header| {
            header.expected.conditions().iter().any(
                |condition| matches!(condition, TextCondition::Equals(text) if is_version(text)),
            )
        });
        json.next()
            .map(|expectation| Self::Json(&expectation.path.path))
            .or_else(|| headers.next().map(|header| Self::Header(&header.name)))
    }

    /// The versions in an answer.
    fn read_versions(&self, answer: &SmokeResponse) -> Vec<String> {
        match self {
            Self::Json(path) => {
                let Ok(body) = serde_json::from_slice::<Value>(&answer.body.bytes) else {
                    return Vec::new();
                };
                path.query(&body)
                    .all()
                    .into_iter()
                    .filter_map(|node| node.as_str().map(str::to_owned))
                    .collect()
            }
            Self::Header(name) => {
                let values = answer.headers.get_all(*name).iter();
                values
                    .filter_map(|value| value.to_str().ok().map(str::to_owned))
                    .collect()
            }
        }
    }
}

/// Whether `base` now reports a version other than the deployed one, with a status that the test
/// accepts. Then a later pass of that test proves that green answers. False if no test checks the
/// version.
pub async fn reports_another_version(suite: &Suite, base: &Url, values: &Values) -> bool {
    let Some((test, version_source)) = suite
        .find_version_test()
        .filter(|_| !values.version.is_empty())
    else {
        return false;
    };
    let values = bind_run_values(suite, base, values);
    let response = async {
        let clients = Clients::new([&test.transport], base)?;
        let outgoing = OutgoingRequest::new(
            &test.request,
            &test.transport,
            TestedSide {
                base,
                moment: Moment::Production,
            },
            &values,
        )?;
        exchange(
            &clients,
            test,
            outgoing,
            &RunLimits::default(),
            &CookieJar::new(CookiePolicy::Forget),
            &values,
        )
        .await
    };
    let Ok(Ok(answer)) = timeout(REQUEST_TIMEOUT, response).await else {
        return false;
    };
    let versions = version_source.read_versions(&answer);
    let is_expected =
        !answer.is_cross_origin && expect::evaluate_status(test, answer.status).is_none();
    is_expected
        && !versions.is_empty()
        && versions
            .iter()
            .all(|version| !version.is_empty() && *version != values.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::{no_files, parse, test_resources};
    use crate::test_server::read_request;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    fn suite(text: &str) -> Suite {
        parse(text, "inline", test_resources(&no_files)).unwrap()
    }

    /// A server that gives every request the same answer; none closes the connection.
    async fn serve(answer: Option<&'static str>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = read_request(&mut stream).await;
                let _ = stream
                    .write_all(answer.unwrap_or_default().as_bytes())
                    .await;
            }
        });
        url
    }

    #[tokio::test]
    async fn any_answer_is_reachable_and_nothing_else_is() {
        let suite = suite("tests: [{ name: health, get: /health }]");
        let unavailable = serve(Some(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ))
        .await;
        assert_eq!(
            check_reachable(&suite, Moment::Green, &unavailable).await,
            Ok(())
        );
        let silent = serve(None).await;
        assert!(
            check_reachable(&suite, Moment::Green, &silent)
                .await
                .is_err()
        );
        let closed: Url = "http://127.0.0.1:1".parse().unwrap();
        assert!(
            check_reachable(&suite, Moment::Green, &closed)
                .await
                .unwrap_err()
                .why
                .contains("refused")
        );
    }

    #[tokio::test]
    async fn another_version_counts_only_in_a_good_answer() {
        let by_json = "tests: [{ name: health, get: /health, expect: { version: true } }]";
        let by_header =
            "tests: [{ name: health, get: /health, expect: { version: { header: x-version } } }]";
        let blue = "HTTP/1.1 200 OK\r\nx-version: 1.0.0\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"version\":\"1.0.0\"}";
        let ours = "HTTP/1.1 200 OK\r\nx-version: 1.1.0\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"version\":\"1.1.0\"}";
        let none = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        let broken = "HTTP/1.1 503 Service Unavailable\r\nx-version: 1.0.0\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"version\":\"1.0.0\"}";
        let unasked = "tests: [{ name: health, get: /health }]";
        let secret = "tests: [{ name: health, get: /health, auth: { bearer: x }, expect: { version: true } }]";
        let posted = "tests: [{ name: health, post: /health, expect: { version: true } }]";
        let table = [
            (by_json, blue, true),
            (by_header, blue, true),
            (by_json, ours, false),
            (by_header, ours, false),
            (by_json, none, false),
            (by_header, none, false),
            (by_json, broken, false),
            (unasked, blue, false),
            (secret, blue, false),
            (posted, blue, false),
        ];
        let values = Values {
            version: "1.1.0".into(),
            ..Values::default()
        };
        for (document, answer, expected) in table {
            let url = serve(Some(answer)).await;
            assert_eq!(
                reports_another_version(&suite(document), &url, &values).await,
                expected,
                "{document} {answer}"
            );
        }
    }

    #[test]
    fn paths_and_test_header_of_green_are_found_where_they_are_fixed() {
        let document = "defaults: { test-header: true }\ntests: [{ name: a, get: /a }, { name: b, get: \"/b/${version}\" }, { name: c, get: /c, on: production }]";
        let suite = suite(document);
        assert_eq!(suite.green_paths(), [Some("/a".to_owned()), None]);
        assert_eq!(
            suite.test_header(),
            Some(("x-amzn-ecs-blue-green-test".to_owned(), "1".to_owned()))
        );
        assert!(suite.has_test_header());
    }
}
