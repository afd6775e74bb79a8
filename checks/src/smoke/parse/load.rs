//! The document's `warm-up` and `load`: one or a list of each, within bounds that do no service
//! harm.

use std::time::Duration;

use reqwest::Method;

use crate::document::{Content, Node};
use crate::duration::HumanDuration;
use crate::form::{FromNode, Named, Within, read_all};
use crate::load::{Arrival, Goals, Probe, Quantile, WarmUp};
use crate::moment::Moment;
use crate::reader::{Fields, Reader};
use crate::smoke::expect::{StatusPattern, Statuses};
use crate::smoke::form::Request;
use crate::template::{JsonTemplate, Template};
use crate::{document_form, document_schema};

use super::request::{
    FormField, RequestHeader, RequestPath, build_body, check_one_body, parse_uppercase_method,
};
use super::test::{Moments, PlainName, UniqueNames};
use super::transport::Timeout;
use super::{Defaults, TIMEOUT};

/// Longer load is an experiment rather than a check, and delays the rollout.
const LONGEST_LOAD_MINUTES: u64 = 10;

/// As long as a health check may take to be green.
const LONGEST_WARM_UP_MINUTES: u64 = 5;

/// One process handles this many connections without slowing itself down.
const MOST_CONNECTIONS: u32 = 1_000;

/// A user or two for each of a few tasks.
const DEFAULT_CONCURRENCY: u32 = 10;

/// One error in a hundred requests.
const DEFAULT_ERROR_RATE: f64 = 0.01;

/// What one process of a new version needs for its caches and pools.
const DEFAULT_WARM_UPS: u32 = 50;

/// Statuses that are neither an error of the request nor of the service.
const SUCCESS_STATUSES: [StatusPattern; 2] = [StatusPattern::Class(2), StatusPattern::Class(3)];

document_form! {
    /// Requests to green before its tests, whose answers are not evaluated.
    #[schemars(rename = "WarmUp")]
    pub(super) struct WarmUpForm {
        /// GET this path.
        #[required("Write `path: /`, or another path of the service")]
        path: RequestPath,
        /// Headers of the requests.
        headers: Option<Named<RequestHeader>>,
        /// How many answers are wanted; 50 when absent.
        count: Option<Within<1, 10_000>>,
        /// Requests under way at once; 5 when absent.
        concurrency: Option<Within<1, 100>>,
        /// It ends after this time at the latest; 30s when absent.
        r#for: Option<SpanUpTo<LONGEST_WARM_UP_MINUTES>>,
        /// The longest a single request may take; 5s when absent.
        timeout: Option<Timeout>,
    }
}

document_form! {
    /// Many requests, and how long their answers may take.
    #[schemars(rename = "Load")]
    pub(super) struct LoadForm, check check_load {
        /// Words for the log and the summary; `load` when absent.
        name: Option<PlainName>,
        /// The path that is asked for.
        #[required("Write `path: /`, or another path of the service")]
        path: RequestPath,
        /// GET when absent.
        method: Option<LoadMethod>,
        /// Headers of the requests.
        headers: Option<Named<RequestHeader>>,
        /// A JSON body.
        json: Option<JsonTemplate>,
        /// A body as it is.
        body: Option<Template>,
        /// A body of form fields.
        form: Option<Named<FormField>>,
        /// Requests under way at once: 10 when absent; with `rate`, the maximum, 1,000 when absent.
        concurrency: Option<Within<1, MOST_CONNECTIONS>>,
        /// Requests a second, as `200/s`, whatever the answers take. When absent, the next is sent
        /// when one is answered.
        rate: Option<Rate>,
        /// How long requests are sent, at most 10m.
        #[required("Write `for: 30s`")]
        r#for: SpanUpTo<LONGEST_LOAD_MINUTES>,
        /// The longest a single request may take; 5s when absent.
        timeout: Option<Timeout>,
        /// Half of the answers take this at most.
        p50: Option<SpanUpTo<LONGEST_LOAD_MINUTES>>,
        /// 90 % of the answers take this at most.
        p90: Option<SpanUpTo<LONGEST_LOAD_MINUTES>>,
        /// 95 % of the answers take this at most.
        p95: Option<SpanUpTo<LONGEST_LOAD_MINUTES>>,
        /// 99 % of the answers take this at most.
        p99: Option<SpanUpTo<LONGEST_LOAD_MINUTES>>,
        /// Every answer takes this at most.
        max: Option<SpanUpTo<LONGEST_LOAD_MINUTES>>,
        /// This part of the requests may fail; 1% when absent.
        error_rate: Option<ErrorRate>,
        /// Statuses that are no error; 2xx and 3xx when absent.
        expect_status: Option<Statuses>,
        /// When it runs; on green when absent.
        on: Option<Moments>,
    }
}

fn check_load(reader: &mut Reader<'_>, _: &Node, fields: &Fields<'_>, _: &str) {
    check_one_body(reader, fields);
}

impl WarmUpForm {
    pub(super) fn into_warm_up(self, defaults: &Defaults) -> WarmUp {
        WarmUp {
            request: build_request(Method::GET, self.path, self.headers, defaults),
            transport: defaults.transport.clone(),
            count: self.count.map_or(DEFAULT_WARM_UPS, |count| count.0).into(),
            concurrency: to_usize(self.concurrency.map_or(5, |most| most.0)),
            duration: self
                .r#for
                .map_or(Duration::from_secs(30), |longest| longest.0),
            timeout: self.timeout.map_or(TIMEOUT, |timeout| timeout.0),
        }
    }
}

impl LoadForm {
    fn into_probe(self, defaults: &Defaults) -> Probe {
        let method = self.method.map_or(Method::GET, |method| method.0);
        let own = self.concurrency.map(|most| most.0);
        Probe {
            request: Request {
                body: build_body(
                    self.json.as_ref(),
                    self.body.as_ref(),
                    self.form.as_ref(),
                    None,
                ),
                ..build_request(method, self.path, self.headers, defaults)
            },
            name: self.name.map_or_else(|| "load".to_owned(), |name| name.0),
            transport: defaults.transport.clone(),
            arrival: match self.rate {
                None => Arrival::Closed {
                    concurrency: to_usize(own.unwrap_or(DEFAULT_CONCURRENCY)),
                },
                Some(Rate(Within(rate))) => Arrival::Open {
                    rate,
                    concurrency: to_usize(own.unwrap_or(MOST_CONNECTIONS)),
                },
            },
            duration: self.r#for.0,
            timeout: self.timeout.map_or(TIMEOUT, |timeout| timeout.0),
            goals: Goals {
                latencies: [
                    (Quantile::P50, self.p50),
                    (Quantile::P90, self.p90),
                    (Quantile::P95, self.p95),
                    (Quantile::P99, self.p99),
                    (Quantile::Max, self.max),
                ]
                .into_iter()
                .filter_map(|(quantile, most)| Some((quantile, most?.0)))
                .collect(),
                error_rate: self.error_rate.map_or(DEFAULT_ERROR_RATE, |rate| rate.0),
            },
            expected: self
                .expect_status
                .map_or_else(|| SUCCESS_STATUSES.to_vec(), |statuses| statuses.0),
            on: self.on.map_or_else(|| vec![Moment::Green], |on| on.0),
        }
    }
}

fn build_request(
    method: Method,
    RequestPath(path): RequestPath,
    headers: Option<Named<RequestHeader>>,
    defaults: &Defaults,
) -> Request {
    let headers = headers.map(|headers| headers.0).unwrap_or_default();
    let headers = headers
        .into_iter()
        .map(|RequestHeader(name, value)| (name, value));
    Request {
        test_header: defaults.test_header.clone(),
        ..Request::new(method, path, headers.collect())
    }
}

/// The probes of a document: if there are several, each has a name of its own.
#[derive(Debug, Clone)]
pub(super) struct Loads(Vec<LoadForm>);

impl FromNode for Loads {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let mut names = UniqueNames::default();
        let mut has_unnamed = false;
        let loads = read_all(reader, node.one_or_more(), |reader, item| {
            let is_form = matches!(item.content, Content::Mapping(_));
            if names.record(reader, item).is_none()
                && is_form
                && std::mem::replace(&mut has_unnamed, true)
            {
                reader.report(
                    item.place,
                    "Two probes have no `name`",
                    "Give each of several a name of its own",
                );
            }
            LoadForm::from_node(reader, item, what)
        });
        loads.map(Self)
    }
}

document_schema!(Loads as crate::form::OneOrMore<LoadForm>);

impl Loads {
    pub(super) fn into_probes(self, defaults: &Defaults) -> Vec<Probe> {
        let forms = self.0.into_iter();
        forms.map(|form| form.into_probe(defaults)).collect()
    }
}

/// A method in capital letters.
#[derive(Debug, Clone)]
pub(super) struct LoadMethod(Method);

impl FromNode for LoadMethod {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        match parse_uppercase_method(&text) {
            Some(method) => Some(Self(method)),
            None => reader.refuse(
                node.place,
                format!("`{text}` is not a method"),
                "Write `GET`, `POST` or another one in capital letters",
            ),
        }
    }
}

/// What one process can send and time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate(Within<1, 10_000>);

impl FromNode for Rate {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        Within::parse(reader, node.place, (what, text.trim_end_matches("/s"))).map(Self)
    }
}

/// A part of all requests, from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorRate(f64);

impl FromNode for ErrorRate {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let percent = text
            .strip_suffix('%')
            .and_then(|number| number.trim().parse::<f64>().ok())
            .filter(|percent| (0.0..=100.0).contains(percent));
        match percent {
            Some(percent) => Some(Self(percent / 100.0)),
            None => reader.refuse(
                node.place,
                format!("{what}: `{text}` is not a percentage"),
                "Write `1%`, `0.1%` or `0%`",
            ),
        }
    }
}

/// A time above zero and up to this many minutes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpanUpTo<const MINUTES: u64>(Duration);

impl<const MINUTES: u64> FromNode for SpanUpTo<MINUTES> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let duration = reader.duration(node, what)?;
        let longest = Duration::from_mins(MINUTES);
        if duration.is_zero() || duration > longest {
            return reader.refuse(
                node.place,
                format!("{what} is not between 1ms and {}", HumanDuration(longest)),
                "Write a time within these bounds",
            );
        }
        Some(Self(duration))
    }
}

document_schema!(SpanUpTo<LONGEST_LOAD_MINUTES> as crate::form::WrittenDuration);
document_schema!(SpanUpTo<LONGEST_WARM_UP_MINUTES> as crate::form::WrittenDuration);

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod schema {
    #![expect(dead_code, reason = "the types are read by their derive only")]

    use schemars::JsonSchema;

    use super::{ErrorRate, LoadMethod, Rate};
    use crate::document_schema;

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct InCapitals(#[schemars(regex(pattern = r"^[A-Z]+$"))] String);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct PerSecond(#[schemars(regex(pattern = r"^\d+(/s)?$"))] String);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct Percentage(#[schemars(regex(pattern = r"^\d+(\.\d+)?%$"))] String);

    document_schema!(LoadMethod as InCapitals);
    document_schema!(Rate as PerSecond);
    document_schema!(ErrorRate as Percentage);
}
