//! What a suite of smoke tests is once its document was read: nothing in it can be malformed any more.
//!
//! Defaults are filled in; variables still stand in the texts, because digest and revision are known only when the tests run.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::Number;
use serde_json_path::JsonPath;

use crate::moment::Moment;

use super::flow::{Capture, Flow, Turn};
use crate::load::{Probe, WarmUp};
use crate::template::{JsonTemplate, Pattern, Template, Variable};

/// The tests of one document, in its order.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// The document's own variables; each may use those before it.
    pub(super) named: Vec<(String, Template)>,
    pub(super) tests: Vec<Test>,
    /// Which tests run as one: every test belongs to one flow, and flows stand in the order of their tests.
    pub(super) flows: Vec<Flow>,
    pub(super) warm_ups: Vec<WarmUp>,
    pub(super) loads: Vec<Probe>,
    pub(super) variables: BTreeSet<Variable>,
}

impl Suite {
    /// The environment variables that `${env.NAME}` asks for. The caller sees to it that each is given before anything runs.
    pub fn needs_env(&self) -> Vec<&str> {
        self.variables.iter().filter_map(Variable::environment).collect()
    }

    /// How many tests run at a moment.
    pub fn count(&self, moment: Moment) -> usize {
        self.flows.iter().filter(|flow| flow.on.contains(&moment)).map(|flow| flow.steps.len()).sum()
    }

    /// What is sent to green before its tests.
    pub fn warm_ups(&self) -> &[WarmUp] {
        &self.warm_ups
    }

    /// The load probes of a moment.
    pub fn loads(&self, moment: Moment) -> impl Iterator<Item = &Probe> {
        self.loads.iter().filter(move |probe| probe.on.contains(&moment))
    }
}

/// One request and what its answer must be.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) redirects: Redirects,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    pub(super) expect: Expect,
    pub(super) captures: Vec<Capture>,
    /// The captures of other tests that it uses, by name.
    pub(super) needs: BTreeSet<String>,
    pub(super) turn: Turn,
}

/// How long a failing test is repeated, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retry {
    pub(super) budget: Duration,
    pub(super) every: Duration,
}

/// The statuses that point elsewhere; 300 and 304 do not.
pub(super) const REDIRECTIONS: [u16; 5] = [301, 302, 303, 307, 308];

/// What becomes of an answer that points elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    Follow,
    Judge,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Starts with `/`; joined to the side's URL.
    pub(crate) path: Template,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Body,
}

impl Request {
    pub(super) fn without_body(method: Method, path: Template, headers: Vec<(HeaderName, Template)>) -> Self {
        Self { method, path, headers, body: Body::None }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Text(Template),
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Expect {
    /// Empty: 2xx, or 3xx where a redirect is expected.
    pub(super) status: Vec<StatusPattern>,
    pub(super) json: Vec<JsonExpectation>,
    pub(super) headers: Vec<(HeaderName, Vec<TextCondition>)>,
    pub(super) redirect: Option<RedirectExpectation>,
    pub(super) cookies: Vec<CookieExpectation>,
    pub(super) body: Vec<TextCondition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusPattern {
    Exactly(u16),
    /// The hundreds: 2 for `2xx`.
    Class(u16),
}

/// Every node that the path selects meets every condition.
#[derive(Debug, Clone)]
pub(super) struct JsonExpectation {
    /// The path as the user wrote it.
    pub(super) written: String,
    pub(super) path: JsonPath,
    pub(super) conditions: Vec<JsonCondition>,
}

#[derive(Debug, Clone)]
pub(super) enum JsonCondition {
    Equals(JsonTemplate),
    Differs(JsonTemplate),
    Compares(Comparison, Number),
    Matches(Pattern),
    Contains(JsonTemplate),
    Is(JsonType),
    Exists,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Greater,
    AtLeast,
    Less,
    AtMost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonType {
    Timestamp,
    String,
    Number,
    Boolean,
    Array,
    Object,
}

#[derive(Debug, Clone)]
pub(super) enum TextCondition {
    Equals(Template),
    Contains(Template),
    Matches(Pattern),
    Exists,
    Absent,
}

#[derive(Debug, Clone)]
pub(super) struct RedirectExpectation {
    pub(super) to: Option<Template>,
    pub(super) query: Vec<(String, Vec<TextCondition>)>,
}

#[derive(Debug, Clone)]
pub(super) struct CookieExpectation {
    pub(super) name: String,
    pub(super) attributes: Vec<CookieAttribute>,
}

#[derive(Debug, Clone)]
pub(super) enum CookieAttribute {
    /// `http-only` or `secure`, set or not.
    Flag(CookieFlag, Flag),
    SameSite(SameSite),
    Path(Template),
    Domain(Template),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CookieFlag {
    HttpOnly,
    Secure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Set,
    Unset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SameSite {
    Strict,
    Lax,
    None,
}
