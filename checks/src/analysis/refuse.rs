//! Checks that cannot be asked with the sides that there are: told before anything runs.

use crate::measurement::Weight;
use crate::problem::Problem;

use crate::template::Template;

use super::form::{Analysis, Asks, Check, Measure, Source};
use super::parse::INPUT;
use super::question::Side;
use super::sides::{Front, SideVariable, Sides};

/// What stands in the way of a check: what is wrong, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hindrance {
    pub(super) message: String,
    remedy: &'static str,
}

const LOAD_BALANCER: &str = "AWS/ApplicationELB";

const OWN_METRIC: &str = "Write a metric of your own (cloudwatch, prometheus, datadog, http), or put an Application Load Balancer before the service";

impl Analysis {
    /// The checks that cannot be asked here; a check that only shows what it measures (`dry-run`)
    /// stands in nobody's way.
    pub fn problems(&self, sides: &Sides) -> Vec<Problem> {
        let counting = self
            .checks
            .iter()
            .filter(|check| check.weight == Weight::Counts);
        let refused = counting.filter_map(|check| {
            let Hindrance { message, remedy } = hindrance(check, sides)?;
            Some(
                Problem::new(
                    INPUT,
                    format!("`{}` cannot be asked here: {message}", check.name),
                    remedy,
                )
                .at(check.at.clone()),
            )
        });
        refused.collect()
    }
}

/// What stands in the way of a check, if anything does.
pub(super) fn hindrance(check: &Check, sides: &Sides) -> Option<Hindrance> {
    if check.asks_blue() && sides.blue.is_none() {
        let remedy = "Choose a strategy with two sides (blue-green, canary, linear), or hold the metric against a threshold";
        return Some(Hindrance {
            message: "it holds green against blue, and there is no blue".to_owned(),
            remedy,
        });
    }
    let asked: &[Side] = if check.asks_blue() {
        &[Side::Green, Side::Blue]
    } else {
        &[Side::Green]
    };
    sources(check)
        .into_iter()
        .find_map(|source| asked.iter().find_map(|side| missing(source, *side, sides)))
}

/// Whether a source can be asked about a side.
pub(super) fn can_be_asked(source: &Source, side: Side, sides: &Sides) -> bool {
    missing(source, side, sides).is_none()
}

/// The sources without which a check cannot be asked.
pub(super) fn sources(check: &Check) -> Vec<&Source> {
    let mut sources = match &check.measure {
        Measure::Share {
            errors, requests, ..
        } => vec![errors, requests],
        // A comparison of lines goes without requests, which would make it better.
        Measure::Value { source, .. } | Measure::Lines { source, .. } => vec![source],
    };
    sources.extend(check.volume.as_ref().map(|volume| &volume.source));
    sources
}

fn missing(source: &Source, side: Side, sides: &Sides) -> Option<Hindrance> {
    let needed: Vec<SideVariable> = texts(&source.asks)
        .into_iter()
        .flat_map(Template::variables)
        .filter_map(|variable| SideVariable::named(variable.name()?))
        .collect();
    if needed.contains(&SideVariable::TargetGroup)
        && counted_by_load_balancer(&source.asks)
        && sides.kind != Front::ApplicationLoadBalancer
    {
        let message = format!(
            "only an Application Load Balancer counts requests for each side, and {}",
            sides.kind.words()
        );
        return Some(Hindrance {
            message,
            remedy: OWN_METRIC,
        });
    }
    let variable = needed
        .into_iter()
        .find(|variable| sides.value(side, *variable).is_none())?;
    let message = format!("there is no `{}` of {} here", variable.name(), side.word());
    Some(Hindrance {
        message,
        remedy: OWN_METRIC,
    })
}

/// Whether an Application Load Balancer counts it.
pub(super) fn counted_by_load_balancer(asks: &Asks) -> bool {
    match asks {
        Asks::CloudWatch { metrics, .. } => metrics
            .iter()
            .any(|(_, metric)| metric.namespace == LOAD_BALANCER),
        Asks::Prometheus { .. } | Asks::Datadog { .. } | Asks::Http { .. } | Asks::Logs { .. } => {
            false
        }
    }
}

fn texts(asks: &Asks) -> Vec<&Template> {
    match asks {
        Asks::CloudWatch {
            metrics,
            expression,
        } => {
            let dimensions = metrics
                .iter()
                .flat_map(|(_, metric)| metric.dimensions.iter().map(|(_, text)| text));
            dimensions.chain(expression).collect()
        }
        Asks::Prometheus {
            url,
            headers,
            query,
            ..
        } => [url, query]
            .into_iter()
            .chain(headers.iter().map(|(_, text)| text))
            .collect(),
        Asks::Datadog { query, .. } => vec![query],
        Asks::Http {
            url, headers, body, ..
        } => [url]
            .into_iter()
            .chain(headers.iter().map(|(_, text)| text))
            .chain(body)
            .collect(),
        Asks::Logs { .. } => Vec::new(),
    }
}

impl Front {
    fn words(self) -> &'static str {
        match self {
            Self::ApplicationLoadBalancer => "this service has one",
            Self::NetworkLoadBalancer => "this service has a Network Load Balancer",
            Self::ServiceConnect => "this service has Service Connect",
            Self::Nothing => "none is known of this service (a rolling update shows none)",
        }
    }
}
