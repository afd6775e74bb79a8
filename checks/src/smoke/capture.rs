//! PURE: an answer and the captures of a test → the values by name, and every value that is
//! missing.
//!
//! What was found instead is never quoted: a value to be captured may be a secret.

use std::borrow::Cow;

use reqwest::header::{HeaderName, SET_COOKIE};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::template::{Pattern, Values};

use super::answer::SmokeResponse;
use super::cookie_jar::SetCookie;
use super::expect::json::WrittenPath;
use super::flow::{Capture, CaptureSource};
use super::result::Mismatch;

pub(super) struct CapturedValue<'c> {
    pub(super) capture: &'c Capture,
    pub(super) value: Value,
}

/// Every value that is there, and why the others are not.
pub(super) fn capture<'c>(
    captures: &'c [Capture],
    answer: &SmokeResponse,
    values: &Values,
) -> (Vec<CapturedValue<'c>>, Vec<Mismatch>) {
    let (mut captured, mut failures) = (Vec::new(), Vec::new());
    for capture in captures {
        match capture.source.extract(answer, values) {
            Ok(value) => captured.push(CapturedValue { capture, value }),
            Err(MissingValue { wanted, found }) => failures.push(Mismatch::new(
                format!("capture {}", capture.name),
                wanted,
                found,
            )),
        }
    }
    (captured, failures)
}

/// The expected value, and what was found instead.
struct MissingValue {
    wanted: String,
    found: Cow<'static, str>,
}

fn missing_value(wanted: impl Into<String>, found: impl Into<Cow<'static, str>>) -> MissingValue {
    MissingValue {
        wanted: wanted.into(),
        found: found.into(),
    }
}

impl CaptureSource {
    fn extract(&self, answer: &SmokeResponse, values: &Values) -> Result<Value, MissingValue> {
        match self {
            Self::Json(WrittenPath { written, path }) => extract_json(written, path, answer),
            Self::Header(name) => extract_header(name, answer).map(Value::from),
            Self::Redirect(parameter) => extract_parameter(parameter, answer).map(Value::from),
            Self::Cookie(name) => extract_cookie(name, answer).map(Value::from),
            Self::Matches(pattern) => extract_match(pattern, answer, values).map(Value::from),
            Self::Status => Ok(answer.status.as_u16().into()),
            Self::Url => Ok(answer.url.as_str().into()),
        }
    }
}

fn extract_json(
    written: &str,
    path: &JsonPath,
    answer: &SmokeResponse,
) -> Result<Value, MissingValue> {
    let body: Value = serde_json::from_slice(&answer.body.bytes)
        .map_err(|_| missing_value(format!("{written} of JSON"), "a body that is not JSON"))?;
    let nodes = path.query(&body).all();
    let [node] = nodes.as_slice() else {
        let found = if nodes.is_empty() {
            "nothing".to_owned()
        } else {
            format!("{} of them", nodes.len())
        };
        return Err(missing_value(format!("exactly one {written}"), found));
    };
    match node {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok((*node).clone()),
        Value::Null => Err(missing_value(format!("{written} with a value"), "null")),
        Value::Array(_) => Err(missing_value(
            format!("{written} to be one value"),
            "an array",
        )),
        Value::Object(_) => Err(missing_value(
            format!("{written} to be one value"),
            "an object",
        )),
    }
}

fn extract_header(name: &HeaderName, answer: &SmokeResponse) -> Result<String, MissingValue> {
    let value = answer
        .headers
        .get(name)
        .ok_or_else(|| missing_value(format!("header {name}"), "nothing"))?;
    Ok(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn extract_parameter(parameter: &str, answer: &SmokeResponse) -> Result<String, MissingValue> {
    let location = answer.location().ok_or_else(|| {
        missing_value(
            format!("a redirect with {parameter}"),
            answer.status.to_string(),
        )
    })?;
    let value = location
        .query_pairs()
        .find(|(name, _)| name == parameter)
        .map(|(_, value)| value.into_owned());
    value.ok_or_else(|| {
        missing_value(
            format!("a redirect with {parameter}"),
            "a redirect without it",
        )
    })
}

/// Of several cookies of one name the last counts, as in a browser.
fn extract_cookie(name: &str, answer: &SmokeResponse) -> Result<String, MissingValue> {
    let mut cookies = answer
        .headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(SetCookie::parse);
    let last = cookies.rfind(|cookie| cookie.name == name);
    let cookie = last.ok_or_else(|| missing_value(format!("cookie {name}"), "no such cookie"))?;
    match cookie.rejection_reason() {
        Some(why) => Err(missing_value(format!("cookie {name}"), why)),
        None => Ok(cookie.value),
    }
}

fn extract_match(
    pattern: &Pattern,
    answer: &SmokeResponse,
    values: &Values,
) -> Result<String, MissingValue> {
    let wanted = || format!("a body that matches {}", pattern.render_masked(values));
    pattern
        .first_match(&answer.text(), values)
        .ok_or_else(|| missing_value(wanted(), "other text"))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue};

    use std::time::Duration;

    use time::OffsetDateTime;

    use super::*;
    use crate::smoke::answer::{BodyExtent, ResponseBody};
    use crate::smoke::parse;
    use crate::smoke::parse::tests::{no_files, test_resources};

    fn answer() -> SmokeResponse {
        let mut headers = HeaderMap::new();
        headers.insert("x-token", HeaderValue::from_static("t0k"));
        headers.insert(
            "location",
            HeaderValue::from_static("/cb?code=c%20d&state=s"),
        );
        headers.append("set-cookie", HeaderValue::from_static("sid=old; Path=/"));
        headers.append(
            "set-cookie",
            HeaderValue::from_static("sid=new=1; HttpOnly"),
        );
        let body =
            br#"{"id":7,"ok":true,"name":"n","none":null,"list":[1,2],"link":"?id=42&x"}"#.to_vec();
        let url = "https://host/a".parse().unwrap();
        SmokeResponse {
            is_cross_origin: false,
            url,
            status: StatusCode::FOUND,
            headers,
            body: ResponseBody {
                bytes: body,
                extent: BodyExtent::Complete,
            },
            elapsed: Duration::ZERO,
            at: OffsetDateTime::UNIX_EPOCH,
            certificate: None,
        }
    }

    /// The value, or what is said when it is not there.
    fn capture_one(source: &str) -> String {
        let suite = parse(
            &format!("tests: [{{ name: a, get: /, capture: {{ c: {source} }} }}]"),
            "inline",
            test_resources(&no_files),
        )
        .unwrap();
        let (captured, failures) = capture(&suite.tests[0].captures, &answer(), &Values::default());
        match (captured.as_slice(), failures.as_slice()) {
            ([one], []) => format!("{}", one.value),
            (
                [],
                [
                    Mismatch {
                        what,
                        expected,
                        found,
                    },
                ],
            ) => format!("{what}: {expected}, {found}"),
            _ => panic!("either"),
        }
    }

    #[test]
    fn each_part_of_an_answer_can_be_captured() {
        let table = [
            ("$.id", "7"),
            ("$.ok", "true"),
            ("{ json: $.name }", r#""n""#),
            ("{ header: X-Token }", r#""t0k""#),
            ("{ redirect: code }", r#""c d""#),
            ("{ cookie: sid }", r#""new=1""#),
            (r"{ matches: 'id=(\d+)' }", r#""42""#),
            (r"{ matches: 'id=\d+' }", r#""id=42""#),
            ("status", "302"),
            ("url", r#""https://host/a""#),
        ];
        for (source, expected) in table {
            assert_eq!(capture_one(source), expected, "{source}");
        }
    }

    #[test]
    fn what_is_not_there_once_is_said() {
        let table = [
            ("$.nothing", "capture c: exactly one $.nothing, nothing"),
            ("'$.list[*]'", "capture c: exactly one $.list[*], 2 of them"),
            ("$.list", "capture c: $.list to be one value, an array"),
            ("$.none", "capture c: $.none with a value, null"),
            ("{ header: x-other }", "capture c: header x-other, nothing"),
            (
                "{ redirect: token }",
                "capture c: a redirect with token, a redirect without it",
            ),
            (
                "{ cookie: other }",
                "capture c: cookie other, no such cookie",
            ),
            (
                "{ matches: 'z+' }",
                "capture c: a body that matches z+, other text",
            ),
        ];
        for (source, expected) in table {
            assert_eq!(capture_one(source), expected, "{source}");
        }
    }
}
