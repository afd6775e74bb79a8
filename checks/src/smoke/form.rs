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
use crate::tester::Tester;

use crate::template::{JsonTemplate, Pattern, Template, Variable};

/// The tests of one document, in its order.
#[derive(Debug, Clone)]
pub struct Suite {
    pub(super) tests: Vec<Test>,
    pub(super) testers: Vec<Tester>,
    pub(super) variables: BTreeSet<Variable>,
}

impl Suite {
    /// The environment variables that `${env.NAME}` asks for. The caller sees to it that each is given before anything runs.
    pub fn needs_env(&self) -> Vec<&str> {
        self.variables.iter().filter_map(Variable::environment).collect()
    }

    /// How many tests run at a moment.
    pub fn count(&self, moment: Moment) -> usize {
        self.tests.iter().filter(|test| test.on.contains(&moment)).count()
    }

    /// The testers, in the order of the document.
    pub fn testers(&self) -> &[Tester] {
        &self.testers
    }
}

/// One request and what its answer must be.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) redirects: Redirects,
    pub(super) on: Vec<Moment>,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    pub(super) expect: Expect,
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
pub(super) struct Request {
    pub(super) method: Method,
    /// Starts with `/`; joined to the side's URL.
    pub(super) path: Template,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
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
pub(super) enum StatusPattern {
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
