//! The document's `warm-up` and `load`: one or a list of each, within bounds that no service is
//! hurt by.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use reqwest::Method;

use crate::document::{Content, Node};
use crate::duration::Human;
use crate::load::{Arrival, Goals, Probe, Quantile, WarmUp};
use crate::moment::Moment;
use crate::reader::{Fields, Reader};
use crate::smoke::form::{Request, StatusPattern};
use crate::template::Template;

use super::expect::statuses;
use super::keys::{LOAD_KEYS, WARM_UP_KEYS};
use super::request::body::body;
use super::request::{headers, path};
use super::{Defaults, TIMEOUT, on, timeout};

/// Longer load is no check before users but an experiment, and delays the rollout.
const LONGEST_LOAD: Duration = Duration::from_mins(10);

/// As long as a health check may take to be green.
const LONGEST_WARM_UP: Duration = Duration::from_mins(5);

/// Both at once: as many connections as one process keeps without noticing itself.
const CONCURRENCY: RangeInclusive<u32> = 1..=1_000;

/// What one process can send and time.
const RATE: RangeInclusive<u32> = 1..=10_000;

/// A user or two for each of a few tasks.
const USERS: u32 = 10;

/// One error in a hundred requests.
const ERROR_RATE: f64 = 0.01;

/// What one process of a new version needs for its caches and pools.
const WARM_UPS: u32 = 50;

/// Every quantile that can be a goal.
const QUANTILES: [Quantile; 5] = [
    Quantile::P50,
    Quantile::P90,
    Quantile::P95,
    Quantile::P99,
    Quantile::Max,
];

/// As a browser: what is neither an error of the request nor of the service.
const FINE: [StatusPattern; 2] = [StatusPattern::Class(2), StatusPattern::Class(3)];

pub(super) fn warm_ups(reader: &mut Reader<'_>, node: &Node, defaults: &Defaults) -> Vec<WarmUp> {
    one_or_more(node)
        .iter()
        .filter_map(|node| warm_up(reader, node, defaults))
        .collect()
}

fn warm_up(reader: &mut Reader<'_>, node: &Node, defaults: &Defaults) -> Option<WarmUp> {
    let fields = reader.fields(node, "`warm-up`", WARM_UP_KEYS)?;
    let path = target(reader, node, &fields, "warm-up");
    let headers = fields
        .get("headers")
        .map_or_else(|| Some(Vec::new()), |node| headers(reader, node));
    let count = number(reader, &fields, "count", 1..=10_000, WARM_UPS);
    let concurrency = number(reader, &fields, "concurrency", 1..=100, 5);
    let duration = fields
        .get("for")
        .map_or(Some(Duration::from_secs(30)), |node| {
            span(reader, node, "`for`", LONGEST_WARM_UP)
        });
    let timeout = fields
        .get("timeout")
        .map_or(Some(TIMEOUT), |node| timeout(reader, node, "`timeout`"));
    let request = Request {
        test_header: defaults.test_header.clone(),
        ..Request::plain(Method::GET, path?, headers?)
    };
    let transport = defaults.transport.clone();
    Some(WarmUp {
        request,
        transport,
        count: count?.into(),
        concurrency: size(concurrency?),
        duration: duration?,
        timeout: timeout?,
    })
}

pub(super) fn loads(reader: &mut Reader<'_>, node: &Node, defaults: &Defaults) -> Vec<Probe> {
    let nodes = one_or_more(node);
    let mut names = BTreeSet::new();
    nodes
        .iter()
        .filter_map(|node| load(reader, node, defaults, &mut names))
        .collect()
}

fn load(
    reader: &mut Reader<'_>,
    node: &Node,
    defaults: &Defaults,
    names: &mut BTreeSet<String>,
) -> Option<Probe> {
    let fields = reader.fields(node, "`load`", LOAD_KEYS)?;
    let name = name(reader, node, &fields, names);
    let request = request(reader, node, &fields, defaults);
    let arrival = arrival(reader, &fields);
    let Some(span_node) = fields.get("for") else {
        reader.report(
            node.place,
            "`load` does not say how long",
            "Write `for: 30s`",
        );
        return None;
    };
    let duration = span(reader, span_node, "`for`", LONGEST_LOAD);
    let timeout = fields
        .get("timeout")
        .map_or(Some(TIMEOUT), |node| timeout(reader, node, "`timeout`"));
    let goals = goals(reader, &fields);
    let expected = fields
        .get("expect-status")
        .map_or_else(|| Some(FINE.to_vec()), |node| statuses(reader, node));
    let on = on(reader, &fields, &[Moment::Green]);
    Some(Probe {
        name: name?,
        request: request?,
        transport: defaults.transport.clone(),
        arrival: arrival?,
        duration: duration?,
        timeout: timeout?,
        goals: goals?,
        expected: expected?,
        on: on?,
    })
}

fn name(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    names: &mut BTreeSet<String>,
) -> Option<String> {
    if fields.get("name").is_some() {
        return super::name(reader, node, fields, names);
    }
    if !names.insert("load".to_owned()) {
        reader.report(
            node.place,
            "Two probes have no `name`",
            "Give each of several a name of its own",
        );
    }
    Some("load".to_owned())
}

fn request(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    defaults: &Defaults,
) -> Option<Request> {
    let path = target(reader, node, fields, "load");
    let method = fields
        .get("method")
        .map_or(Some(Method::GET), |node| method(reader, node));
    let headers = fields
        .get("headers")
        .map_or_else(|| Some(Vec::new()), |node| headers(reader, node));
    let body = body(reader, fields);
    Some(Request {
        body: body?,
        test_header: defaults.test_header.clone(),
        ..Request::plain(method?, path?, headers?)
    })
}

fn target(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    what: &str,
) -> Option<Template> {
    let Some(entry) = fields.entry("path") else {
        reader.report(
            node.place,
            format!("`{what}` has no `path`"),
            "Write `path: /`, or another path of the service",
        );
        return None;
    };
    let written = reader.text(&entry.value, "`path`")?;
    path(reader, entry, &written)
}

fn method(reader: &mut Reader<'_>, node: &Node) -> Option<Method> {
    let text = reader.text(node, "`method`")?;
    let upper = !text.is_empty() && text.chars().all(|character| character.is_ascii_uppercase());
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| upper);
    if method.is_none() {
        reader.report(
            node.place,
            format!("`{text}` is not a method"),
            "Write `GET`, `POST` or another one in capital letters",
        );
    }
    method
}

fn arrival(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Arrival> {
    let Some(node) = fields.get("rate") else {
        let concurrency = number(reader, fields, "concurrency", CONCURRENCY, USERS)?;
        return Some(Arrival::Closed {
            concurrency: size(concurrency),
        });
    };
    let text = reader.text(node, "`rate`");
    let concurrency = number(
        reader,
        fields,
        "concurrency",
        CONCURRENCY,
        *CONCURRENCY.end(),
    );
    let rate = within(reader, node, "rate", text?.trim_end_matches("/s"), RATE)?;
    Some(Arrival::Open {
        rate,
        concurrency: size(concurrency?),
    })
}

fn goals(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Goals> {
    let given = QUANTILES
        .into_iter()
        .filter_map(|quantile| Some((quantile, fields.get(quantile.word())?)));
    let latencies: Vec<_> = given
        .map(|(quantile, node)| Some((quantile, limit(reader, quantile, node)?)))
        .collect();
    let error_rate = fields
        .get("error-rate")
        .map_or(Some(ERROR_RATE), |node| percentage(reader, node));
    Some(Goals {
        latencies: latencies.into_iter().collect::<Option<_>>()?,
        error_rate: error_rate?,
    })
}

fn limit(reader: &mut Reader<'_>, quantile: Quantile, node: &Node) -> Option<Duration> {
    span(
        reader,
        node,
        &format!("`{}`", quantile.word()),
        LONGEST_LOAD,
    )
}

fn percentage(reader: &mut Reader<'_>, node: &Node) -> Option<f64> {
    let text = reader.text(node, "`error-rate`")?;
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|percent| (0.0..=100.0).contains(percent));
    if percent.is_none() {
        reader.report(
            node.place,
            format!("`error-rate`: `{text}` is not a percentage"),
            "Write `1%`, `0.1%` or `0%`",
        );
    }
    percent.map(|percent| percent / 100.0)
}

/// A time that is not zero.
fn span(reader: &mut Reader<'_>, node: &Node, what: &str, longest: Duration) -> Option<Duration> {
    let duration = reader.duration(node, what)?;
    if duration.is_zero() || duration > longest {
        let message = format!("{what} is not between 1ms and {}", Human(longest));
        reader.report(node.place, message, "Write a time within these bounds");
    }
    Some(duration)
}

fn number(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &str,
    bounds: RangeInclusive<u32>,
    absent: u32,
) -> Option<u32> {
    let Some(node) = fields.get(key) else {
        return Some(absent);
    };
    let text = reader.text(node, &format!("`{key}`"))?;
    within(reader, node, key, &text, bounds)
}

fn within(
    reader: &mut Reader<'_>,
    node: &Node,
    key: &str,
    text: &str,
    bounds: RangeInclusive<u32>,
) -> Option<u32> {
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|number| bounds.contains(number));
    if number.is_none() {
        let message = format!(
            "`{key}` is not a whole number between {} and {}",
            bounds.start(),
            bounds.end()
        );
        reader.report(node.place, message, "Write a number within these bounds");
    }
    number
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn one_or_more(node: &Node) -> &[Node] {
    if let Content::List(items) = &node.content {
        items
    } else {
        std::slice::from_ref(node)
    }
}
