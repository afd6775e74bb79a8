//! A test: its request, when it runs, and what its answer must be.

use std::collections::BTreeSet;

use crate::document::{Content, Node};
use crate::form::{FromNode, Named, OneOrMore, Spanned};
use crate::moment::Moment;
use crate::reader::{Fields, Reader};
use crate::smoke::expect::{Expect, StatusPattern, Statuses};
use crate::smoke::flow::{Capture, CaptureSource, RunCondition};
use crate::smoke::form::{REDIRECTIONS, RedirectPolicy, Request, SmokeTest};
use crate::smoke::preset::{CorsForm, HttpsRedirectForm};
use crate::template::{JsonTemplate, Template};
use crate::{document_form, document_schema};

use super::Defaults;
use super::capture::Captures;
use super::matrix::Matrix;
use super::request::{
    Auth, BodyFile, FormField, MethodAndPath, QueryParameter, RequestHeader, RequestPath,
    check_one_body, check_one_request,
};
use super::transport::Overrides;

document_form! {
    /// One request (get, post, put, delete, head, patch or request) and what its answer must be.
    #[schemars(rename = "Test", extend("oneOf" = super::request::one_method()))]
    pub(super) struct TestForm, check check_test {
        /// Words for the log and the summary; each test has its own.
        #[required("Write `name:` with words for the log and the summary")]
        name: PlainName,
        /// GET this path.
        get: Option<RequestPath>,
        /// POST to this path.
        post: Option<RequestPath>,
        /// PUT to this path.
        put: Option<RequestPath>,
        /// DELETE this path.
        delete: Option<RequestPath>,
        /// HEAD of this path.
        head: Option<RequestPath>,
        /// PATCH this path.
        patch: Option<RequestPath>,
        /// Any method: `METHOD /path`.
        request: Option<MethodAndPath>,
        /// Parameters that are appended to the path's query.
        query: Option<Named<QueryParameter>>,
        /// Headers of the request.
        headers: Option<Named<RequestHeader>>,
        /// The credential for the tested service.
        auth: Option<Spanned<Auth>>,
        /// A JSON body.
        json: Option<JsonTemplate>,
        /// A body as it is.
        body: Option<Template>,
        /// A body of form fields.
        form: Option<Named<FormField>>,
        /// A body that is a file of the workspace, as it is.
        file: Option<BodyFile>,
        /// Sends the preflight of this request, and expects that it is allowed.
        cors: Option<Spanned<CorsForm>>,
        /// Sends the request over http, and expects a redirect to the same place over https.
        https_redirect: Option<Spanned<HttpsRedirectForm>>,
        /// Whether redirects are followed; true when absent, unless a redirect is expected.
        follow: Option<Spanned<bool>>,
        /// When the test runs; on green and on production when absent.
        on: Option<Moments>,
        /// What the answer must be; a 2xx status when absent.
        expect: Option<Expect>,
        /// Values of the answer by name, for `${name}` in tests that come after.
        capture: Option<Captures>,
        /// The test runs once for each combination of these values, `${matrix.NAME}`; not in a
        /// flow.
        matrix: Option<Matrix>,
        /// Tests and flows that end before this one begins; not in a flow.
        after: Option<OneOrMore<Spanned<String>>>,
        /// In a flow: whether the step runs also after a failure, to clean up.
        always: Option<bool>,
        ..overrides: Overrides
    }
}

fn check_test(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, _: &str) {
    check_one_request(reader, node, fields);
    check_one_body(reader, fields);
    if fields.get("cors").is_none() {
        return;
    }
    if let Some(entry) = fields.entry("https-redirect") {
        reader.report(
            entry.place,
            "A test is either `cors` or `https-redirect`",
            "Write a test of its own for the other",
        );
    }
    let body_or_auth = fields.entries_with(&["json", "body", "form", "file", "auth"]);
    if let Some(entry) = body_or_auth.first() {
        let message = format!(
            "A preflight has no `{}`: browsers ask before they send it",
            entry.key
        );
        reader.report(
            entry.place,
            message,
            "Leave it out, or write a test of its own for the request itself",
        );
    }
}

impl TestForm {
    /// The test, except its full name and its dependencies, which `flow` adds.
    pub(super) fn build_test(
        &self,
        reader: &mut Reader<'_>,
        defaults: &Defaults,
    ) -> Option<SmokeTest> {
        let Defaults {
            timeout,
            retry,
            transport,
            test_header,
        } = self.overrides.merge_with(defaults);
        let captures = self.capture.clone().map(|captures| captures.0);
        let captures = captures.unwrap_or_default();
        let expect = self.expect.clone().unwrap_or_default();
        let expect = expect_captured_redirect(expect.with_version_expanded(), &captures);
        let redirects = self.redirect_policy(reader, &expect);
        let request = Request {
            test_header,
            ..self.build_request(reader)?
        };
        let test = SmokeTest {
            name: String::new(),
            request,
            transport,
            redirects,
            timeout,
            retry,
            expect,
            preset: None,
            captures,
            required_captures: BTreeSet::new(),
            run_condition: match self.always {
                Some(true) => RunCondition::Always,
                Some(false) | None => RunCondition::InOrder,
            },
        };
        self.apply_preset(reader, test)
    }

    fn apply_preset(&self, reader: &mut Reader<'_>, test: SmokeTest) -> Option<SmokeTest> {
        match (&self.cors, &self.https_redirect) {
            (Some(cors), _) => cors.value.apply(reader, cors.key, test),
            (None, Some(redirect)) => Some(redirect.value.apply(reader, redirect.key, test)),
            (None, None) => Some(test),
        }
    }

    /// Redirects are followed unless the test expects one.
    fn redirect_policy(&self, reader: &mut Reader<'_>, expect: &Expect) -> RedirectPolicy {
        let https = self.https_redirect.as_ref();
        let is_preset = self.cors.is_some() || https.is_some_and(|https| https.value.is_enabled());
        let is_redirect_expected = is_preset || expect.expects_redirect();
        if let Some(follow) = &self.follow
            && follow.value
            && is_redirect_expected
        {
            reader.report(
                follow.place,
                "`follow: true` contradicts the redirect that is expected",
                "Leave `follow` out, or expect what the last answer is",
            );
        }
        match &self.follow {
            Some(Spanned { value: true, .. }) => RedirectPolicy::Follow,
            None if !is_redirect_expected => RedirectPolicy::Follow,
            Some(_) | None => RedirectPolicy::Evaluate,
        }
    }
}

impl Expect {
    /// Whether the test is about a redirect itself.
    fn expects_redirect(&self) -> bool {
        let redirection = |status: &StatusPattern| match status {
            StatusPattern::Exactly(code) => REDIRECTIONS.contains(code),
            StatusPattern::Class(class) => *class == 3,
        };
        let statuses = self.status.as_ref();
        self.redirect.is_some() || statuses.is_some_and(|statuses| statuses.iter().any(redirection))
    }
}

/// A test that captures a part of a redirect expects a redirect.
fn expect_captured_redirect(mut expect: Expect, captures: &[Capture]) -> Expect {
    let captured = captures
        .iter()
        .any(|capture| matches!(capture.source, CaptureSource::Redirect(_)));
    if captured && expect.redirect.is_none() && expect.status.is_none() {
        expect.status = Some(Statuses(vec![StatusPattern::Class(3)]));
    }
    expect
}

/// A name that people read.
#[derive(Debug, Clone)]
pub(super) struct PlainName(pub(super) String);

impl FromNode for PlainName {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let name = reader.text(node, what)?;
        if !is_plain_name(&name) {
            reader.report(
                node.place,
                format!("A {what} is one line of plain words, without variables"),
                "Write words that say what is tested",
            );
        }
        Some(Self(name))
    }
}

document_schema!(PlainName as String);

fn is_plain_name(name: &str) -> bool {
    !(name.trim().is_empty() || name.contains("${") || name.contains(char::is_control))
}

/// The names of a list: each of its items has its own.
#[derive(Default)]
pub(super) struct UniqueNames(BTreeSet<String>);

impl UniqueNames {
    /// Records the name of an item, if it has one, before the item is read.
    pub(super) fn record(&mut self, reader: &mut Reader<'_>, item: &Node) -> Option<String> {
        let node = &item.entry("name")?.value;
        let name = match &node.content {
            Content::Text(name) => name,
            Content::Number(_) | Content::Boolean(_) => &node.written,
            Content::Null | Content::List(_) | Content::Mapping(_) => return None,
        };
        if is_plain_name(name) && !self.0.insert(name.clone()) {
            reader.report(
                node.place,
                format!("Two tests have the name `{name}`"),
                "Give each test a name of its own",
            );
        }
        Some(name.clone())
    }
}

/// When something runs.
#[derive(Debug, Clone)]
pub(super) struct Moments(pub(super) Vec<Moment>);

impl FromNode for Moments {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let OneOrMore(moments) = OneOrMore::from_node(reader, node, what)?;
        if moments.is_empty() {
            return reader.refuse(
                node.place,
                format!("{what} is empty: the test would never run"),
                format!("Write `green`, `step`, `production` or `bake`, or leave {what} out"),
            );
        }
        Some(Self(moments))
    }
}

document_schema!(Moments as OneOrMore<Moment>);
