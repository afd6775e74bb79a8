//! The schema of variables, flows, captures, warm-up and load.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use super::requests::{Http, Tls};
use super::{Moment, OneOrMore, Path, Retry, Span, Status, Test, Text};

/// A test, or a flow of several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Entry {
    Flow(Flow),
    Test(Test),
}

/// Tests that run one after the other; those after a failed one are skipped, except those with
/// `always`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Flow {
    /// Words for the log and the summary; each entry has its own.
    name: String,
    /// The steps, in the order in which they run.
    #[schemars(length(min = 1))]
    #[schemars(rename = "flow")]
    steps: Vec<Test>,
    /// When the flow runs; on green and on production when absent.
    on: Option<OneOrMore<Moment>>,
    /// The longest a single request of a step may take.
    timeout: Option<Span>,
    /// The longest that connecting may take, TLS included.
    connect_timeout: Option<Span>,
    /// How long a failing step is repeated.
    retry: Option<Retry>,
    /// HTTP's version; what the server offers when absent.
    http: Option<Http>,
    /// Whom the connections are made with.
    tls: Option<Tls>,
    /// Whether a step sends the cookies that those before it were given; forget when absent.
    cookies: Option<Cookies>,
    /// The flow runs once for each combination of these values, `${matrix.NAME}`.
    matrix: Option<Matrix>,
    /// Tests and flows that end before this one begins.
    after: Option<OneOrMore<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Cookies {
    Keep,
    Forget,
}

/// Lists of values by name.
#[derive(JsonSchema)]
pub(super) struct Matrix(#[schemars(extend("minProperties" = 1))] BTreeMap<Name, MatrixValues>);

#[derive(JsonSchema)]
struct MatrixValues(#[schemars(length(min = 1))] Vec<Text>);

/// The name of a value: letters, digits, `_` and `-`.
#[derive(JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(#[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_-]*$"))] String);

/// A JSONPath, `status`, `url`, or a part of the answer.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Capture {
    Words(#[schemars(regex(pattern = r"^(\$.*|status|url)$"))] String),
    Part(CapturePart),
}

/// One part of an answer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = sources()))]
pub(super) struct CapturePart {
    /// A JSONPath that selects exactly one text, number, or true or false.
    json: Option<String>,
    /// A header.
    header: Option<String>,
    /// A parameter of the URL that the answer points to; always a secret.
    redirect: Option<String>,
    /// A cookie that the answer sets; always a secret.
    cookie: Option<String>,
    /// A regular expression on the body: its first group, or all it matches.
    matches: Option<String>,
    /// Whether the value is masked wherever people read; false when absent.
    secret: Option<bool>,
}

fn sources() -> Value {
    ["json", "header", "redirect", "cookie", "matches"]
        .iter()
        .map(|source| serde_json::json!({ "required": [source] }))
        .collect()
}

/// Requests to green before its tests, whose answers are not judged.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct WarmUp {
    /// GET this path.
    path: Path,
    /// Headers of the requests.
    headers: Option<BTreeMap<String, Text>>,
    /// How many answers are wanted; 50 when absent.
    #[schemars(range(min = 1, max = 10_000))]
    count: Option<u32>,
    /// Requests under way at once; 5 when absent.
    #[schemars(range(min = 1, max = 100))]
    concurrency: Option<u32>,
    /// It ends after this time at the latest; 30s when absent.
    r#for: Option<Span>,
    /// The longest a single request may take; 5s when absent.
    timeout: Option<Span>,
}

/// Many requests, and how long their answers may take.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Load {
    /// Words for the log and the summary; `load` when absent.
    name: Option<String>,
    /// The path that is asked for.
    path: Path,
    /// GET when absent.
    #[schemars(regex(pattern = r"^[A-Z]+$"))]
    method: Option<String>,
    /// Headers of the requests.
    headers: Option<BTreeMap<String, Text>>,
    /// A JSON body.
    json: Option<Value>,
    /// A body as it is.
    body: Option<Text>,
    /// A body of form fields.
    form: Option<BTreeMap<String, Text>>,
    /// Requests under way at once: 10 when absent; with `rate`, at most so many, 1,000 when absent.
    #[schemars(range(min = 1, max = 1000))]
    concurrency: Option<u32>,
    /// Requests a second, as `200/s`, whatever the answers take. When absent, the next is sent when
    /// one is answered.
    #[schemars(regex(pattern = r"^\d+(/s)?$"))]
    rate: Option<String>,
    /// How long requests are sent, at most 10m.
    r#for: Span,
    /// The longest a single request may take; 5s when absent.
    timeout: Option<Span>,
    /// Half of the answers take this at most.
    p50: Option<Span>,
    /// 90 % of the answers take this at most.
    p90: Option<Span>,
    /// 95 % of the answers take this at most.
    p95: Option<Span>,
    /// 99 % of the answers take this at most.
    p99: Option<Span>,
    /// Every answer takes this at most.
    max: Option<Span>,
    /// This part of the requests may fail; 1% when absent.
    #[schemars(regex(pattern = r"^\d+(\.\d+)?%$"))]
    error_rate: Option<String>,
    /// Statuses that are no error; 2xx and 3xx when absent.
    expect_status: Option<OneOrMore<Status>>,
    /// When it runs; on green when absent.
    on: Option<OneOrMore<Moment>>,
}
