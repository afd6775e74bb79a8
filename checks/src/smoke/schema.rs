//! The form's JSON Schema, for editors: the shape of the document as users write it.
//!
//! Only tests need it: they write it to the repository and hold its keys against those that `parse`
//! knows, so that neither can have a key that the other lacks.
#![expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "the types are read by their derive only"
)]

mod expectations;
mod flow;
mod requests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Number, Value};

use crate::schema::{OneOrMore, Span};

use expectations::{
    BodySchema, Certificate, Count, DurationBounds, Latency, SecurityHeaders, Version,
};
use requests::{Auth, Cors, Http, HttpsRedirect, Secrets, TestHeader, Tls};

/// Smoke tests: requests to green before users reach it and to production afterwards, and what
/// their answers must be.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename_all = "kebab-case",
    extend("anyOf" = [{ "required": ["tests"] }, { "required": ["testers"] }, { "required": ["load"] }])
)]
struct SmokeTests {
    /// Secrets of AWS Secrets Manager, for `${secret.NAME}`.
    secrets: Option<Secrets>,
    /// What tests take over when they say nothing themselves.
    #[schemars(default)]
    defaults: Option<Defaults>,
    /// Texts by name, for `${name}`; each may use those before it.
    variables: Option<BTreeMap<flow::Name, Text>>,
    /// The tests; they run in parallel, except where one uses what another captures.
    #[schemars(length(min = 1))]
    tests: Option<Vec<flow::Entry>>,
    /// Tools in containers, whose exit code is the result; they run one after the other.
    #[schemars(length(min = 1))]
    testers: Option<Vec<Tester>>,
    /// Requests to green before its tests, whose answers are not judged.
    warm_up: Option<OneOrMore<flow::WarmUp>>,
    /// Load probes: many requests, and how long their answers may take.
    load: Option<OneOrMore<flow::Load>>,
    /// How long after one another the tests of the bake run, at least 1s; 1m when absent.
    bake_interval: Option<Span>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Defaults {
    /// The longest a single request may take; 5s when absent.
    timeout: Option<Span>,
    /// The longest that connecting may take, TLS included.
    connect_timeout: Option<Span>,
    /// How long a failing test is repeated.
    retry: Option<Retry>,
    /// HTTP's version; what the server offers when absent.
    http: Option<Http>,
    /// Whom connections are made with.
    tls: Option<Tls>,
    /// A header that is sent to green only.
    test_header: Option<TestHeader>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Retry {
    /// A failing test is repeated until this is over; 60s when absent, 0s for a single attempt.
    r#for: Option<Span>,
    /// The pause between the starts of two attempts; 1s when absent.
    every: Option<Span>,
}

/// One request (get, post, put, delete, head, patch or request) and what its answer must be.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case", extend("oneOf" = methods()))]
struct Test {
    /// Words for the log and the summary; each test has its own.
    name: String,
    /// GET this path.
    get: Option<Path>,
    /// POST to this path.
    post: Option<Path>,
    /// PUT to this path.
    put: Option<Path>,
    /// DELETE this path.
    delete: Option<Path>,
    /// HEAD of this path.
    head: Option<Path>,
    /// PATCH this path.
    patch: Option<Path>,
    /// Any method: `METHOD /path`.
    #[schemars(regex(pattern = r"^[A-Z]+ +/\S*$"))]
    request: Option<String>,
    /// Parameters that are appended to the path's query.
    query: Option<BTreeMap<String, OneOrMore<Text>>>,
    /// Headers of the request.
    headers: Option<BTreeMap<String, Text>>,
    /// Who we are to the tested service.
    auth: Option<Auth>,
    /// A JSON body.
    json: Option<Value>,
    /// A body as it is.
    body: Option<Text>,
    /// A body of form fields.
    form: Option<BTreeMap<String, Text>>,
    /// A body that is a file of the workspace, as it is.
    file: Option<String>,
    /// Sends the preflight of this request, and expects that it is allowed.
    cors: Option<Cors>,
    /// Sends the request over http, and expects a redirect to the same place over https.
    https_redirect: Option<HttpsRedirect>,
    /// Whether redirects are followed; true when absent, unless a redirect is expected.
    follow: Option<bool>,
    /// When the test runs; on green and on production when absent.
    on: Option<OneOrMore<Moment>>,
    /// The longest a single request may take.
    timeout: Option<Span>,
    /// The longest that connecting may take, TLS included.
    connect_timeout: Option<Span>,
    /// How long the test is repeated while it fails.
    retry: Option<Retry>,
    /// HTTP's version; what the server offers when absent.
    http: Option<Http>,
    /// Whom the connection is made with.
    tls: Option<Tls>,
    /// What the answer must be; a 2xx status when absent.
    expect: Option<Expect>,
    /// Values of the answer by name, for `${name}` in tests that come after.
    capture: Option<BTreeMap<flow::Name, flow::Capture>>,
    /// The test runs once for each combination of these values, `${matrix.NAME}`; not in a flow.
    matrix: Option<flow::Matrix>,
    /// Tests and flows that end before this one begins; not in a flow.
    after: Option<OneOrMore<String>>,
    /// In a flow: whether the step runs also after a failure, to clean up.
    always: Option<bool>,
}

fn methods() -> Value {
    ["get", "post", "put", "delete", "head", "patch", "request"]
        .iter()
        .map(|method| serde_json::json!({ "required": [method] }))
        .collect()
}

/// A path, joined to the URL of the tested side.
#[derive(JsonSchema)]
struct Path(#[schemars(regex(pattern = r"^/\S*$"))] String);

/// A text, in which `${version}`, `${digest}`, `${revision}`, `${env.NAME}` and `${secret.NAME}`
/// stand for their values.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Text {
    Words(String),
    Number(Number),
    Boolean(bool),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Moment {
    Green,
    Step,
    Production,
    Bake,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Expect {
    /// A status, a class such as 2xx, or a list.
    status: Option<OneOrMore<Status>>,
    /// How long the whole answer may take.
    latency: Option<Latency>,
    /// The deployed version is what answers.
    version: Option<Version>,
    /// `JSONPath` (RFC 9535) to a value or conditions.
    json: Option<BTreeMap<String, JsonExpectation>>,
    /// A JSON Schema that the body meets.
    json_schema: Option<BodySchema>,
    /// A header's value or conditions.
    headers: Option<BTreeMap<String, TextExpectation>>,
    /// The headers that protect a page in browsers.
    security_headers: Option<SecurityHeaders>,
    /// Where the answer points to.
    redirect: Option<Redirect>,
    /// The attributes of cookies that are set.
    cookies: Option<BTreeMap<String, Cookie>>,
    /// Conditions on the body as text.
    body: Option<Body>,
    /// The certificate that the answer came with.
    certificate: Option<Certificate>,
    /// Where the answer may come from after redirects, when not from the origin that was asked.
    origin: Option<OneOrMore<String>>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Status {
    Code(#[schemars(range(min = 100, max = 599))] u16),
    Words(#[schemars(regex(pattern = r"^([1-5]xx|[1-5]\d\d)$"))] String),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum JsonExpectation {
    Conditions(JsonConditions),
    Value(#[schemars(schema_with = "not_a_mapping")] Value),
}

fn not_a_mapping(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["null", "boolean", "number", "string", "array"] })
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct JsonConditions {
    eq: Option<Value>,
    ne: Option<Value>,
    gt: Option<Number>,
    ge: Option<Number>,
    lt: Option<Number>,
    le: Option<Number>,
    /// A regular expression.
    matches: Option<String>,
    /// A part of a text, or an item of an array.
    contains: Option<Value>,
    exists: Option<bool>,
    r#type: Option<JsonType>,
    /// Characters of a text, items of an array.
    length: Option<Count>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum JsonType {
    Timestamp,
    String,
    Number,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
    Uuid,
    Url,
    Date,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum TextExpectation {
    Conditions(TextConditions),
    Value(Text),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct TextConditions {
    equals: Option<Text>,
    contains: Option<Text>,
    /// A regular expression.
    matches: Option<String>,
    exists: Option<bool>,
    absent: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Redirect {
    /// Scheme, host and the beginning of the path; without query.
    to: Option<String>,
    /// Parameters of the query, by name.
    query: Option<BTreeMap<String, TextExpectation>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Cookie {
    http_only: Option<bool>,
    secure: Option<bool>,
    same_site: Option<SameSite>,
    path: Option<Text>,
    domain: Option<Text>,
    /// What is left of its life, by Max-Age or Expires.
    max_age: Option<DurationBounds>,
    /// Whether it goes when the browser is closed.
    session: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum SameSite {
    Lax,
    Strict,
    None,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct Body {
    contains: Option<Text>,
    /// A regular expression.
    matches: Option<String>,
}

/// A tool in a container: its exit code is the result.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Tester {
    /// Words for the log and the summary; each tester has its own.
    name: String,
    /// The image, where it runs on the runner.
    image: Option<String>,
    /// What the container runs: a list, or a text that is split at white space outside of quotes;
    /// what the image says when absent.
    command: Option<Command>,
    /// When it runs; on green when absent.
    on: Option<OneOrMore<Moment>>,
    /// Where it runs; on the runner when absent.
    r#where: Option<Where>,
    /// Variables besides `BASE_URL`, `VERSION`, `IMAGE_DIGEST`, `REVISION`, `MOMENT` and `CI`.
    environment: Option<BTreeMap<String, Text>>,
    /// The longest it may take; 10m when absent.
    timeout: Option<Span>,
    /// Its JUnit reports: a path in the workspace, with one star in the file's name or none.
    junit: Option<String>,
    /// The folder of the workspace in which it runs.
    working_directory: Option<String>,
    /// Folders of the workspace that it may write to (runner only); `.` is all of it. That of
    /// `junit` is one.
    writes: Option<OneOrMore<String>>,
    /// Memory that it may take (runner only), such as 512m; 4g when absent.
    memory: Option<String>,
    /// Processes and threads that it may have (runner only); 4096 when absent.
    processes: Option<u32>,
    /// The engine's network; its default when absent, and the machine's own for a URL of localhost.
    network: Option<String>,
    /// The task definition of the task, as `family` or `family:revision`; the deployed revision
    /// when absent.
    task_definition: Option<String>,
    /// The container of the task whose command is replaced; not needed where there is only one.
    container: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Command {
    Text(String),
    Words(#[schemars(length(min = 1))] Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Where {
    Runner,
    Task,
}

/// The schema as it stands in the repository.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    settings
        .into_generator()
        .into_root_schema_for::<SmokeTests>()
        .to_value()
}

#[cfg(test)]
mod tests;
