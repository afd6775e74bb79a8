//! Checks that cannot be measured with the sides of this rollout: reported before anything runs.

use crate::measurement::Weight;
use crate::problem::Problem;

use crate::template::Template;

use super::form::{Analysis, Check, Measure, QueryTemplate, Source};
use super::parse::INPUT;
use super::question::Side;
use super::sides::{LoadBalancerKind, SideVariable, Sides};

/// Why a check cannot be measured, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckObstacle {
    pub(super) message: String,
    remedy: &'static str,
}

const LOAD_BALANCER_NAMESPACE: &str = "AWS/ApplicationELB";

const OWN_METRIC_REMEDY: &str = "Write a metric of your own (cloudwatch, prometheus, datadog, http), or put an Application Load Balancer before the service";

impl Analysis {
    /// The checks that cannot be measured here. A check with `dry-run` is never a problem.
    pub fn unsupported_checks(&self, sides: &Sides) -> Vec<Problem> {
        let deciding = self
            .checks
            .iter()
            .filter(|check| check.weight == Weight::Counts);
        let problems = deciding.filter_map(|check| {
            let CheckObstacle { message, remedy } = find_obstacle(check, sides)?;
            Some(
                Problem::new(
                    INPUT,
                    format!("`{}` cannot be asked here: {message}", check.name),
                    remedy,
                )
                .at_position(check.at.clone()),
            )
        });
        problems.collect()
    }
}

/// Why a check cannot be measured, if it cannot.
pub(super) fn find_obstacle(check: &Check, sides: &Sides) -> Option<CheckObstacle> {
    if check.needs_blue() && sides.blue.is_none() {
        let remedy = "Choose a strategy with two sides (blue-green, canary, linear), or hold the metric against a threshold";
        return Some(CheckObstacle {
            message: "it holds green against blue, and there is no blue".to_owned(),
            remedy,
        });
    }
    let sides_asked: &[Side] = if check.needs_blue() {
        &[Side::Green, Side::Blue]
    } else {
        &[Side::Green]
    };
    required_sources(check).into_iter().find_map(|source| {
        sides_asked
            .iter()
            .find_map(|side| find_missing_variable(source, *side, sides))
    })
}

/// Whether a source can be asked about a side.
pub(super) fn can_be_asked(source: &Source, side: Side, sides: &Sides) -> bool {
    find_missing_variable(source, side, sides).is_none()
}

/// The sources that a check requires.
pub(super) fn required_sources(check: &Check) -> Vec<&Source> {
    let mut sources = match &check.measure {
        Measure::Share {
            errors, requests, ..
        } => vec![errors, requests],
        // A comparison of lines works without requests, though less well.
        Measure::Value { source, .. } | Measure::Lines { source, .. } => vec![source],
    };
    sources.extend(check.volume.as_ref().map(|volume| &volume.source));
    sources
}

fn find_missing_variable(source: &Source, side: Side, sides: &Sides) -> Option<CheckObstacle> {
    let needed: Vec<SideVariable> = collect_templates(&source.query)
        .into_iter()
        .flat_map(Template::variables)
        .filter_map(|variable| SideVariable::from_name(variable.name()?))
        .collect();
    if needed.contains(&SideVariable::TargetGroup)
        && is_counted_by_load_balancer(&source.query)
        && sides.load_balancer_kind != LoadBalancerKind::ApplicationLoadBalancer
    {
        let message = format!(
            "only an Application Load Balancer counts requests for each side, and {}",
            sides.load_balancer_kind.description()
        );
        return Some(CheckObstacle {
            message,
            remedy: OWN_METRIC_REMEDY,
        });
    }
    let variable = needed
        .into_iter()
        .find(|variable| sides.value(side, *variable).is_none())?;
    let message = format!("there is no `{}` of {} here", variable.name(), side.name());
    Some(CheckObstacle {
        message,
        remedy: OWN_METRIC_REMEDY,
    })
}

/// Whether an Application Load Balancer counts it.
pub(super) fn is_counted_by_load_balancer(template: &QueryTemplate) -> bool {
    match template {
        QueryTemplate::CloudWatch { metrics, .. } => metrics
            .iter()
            .any(|(_, metric)| metric.namespace == LOAD_BALANCER_NAMESPACE),
        QueryTemplate::Prometheus { .. }
        | QueryTemplate::Datadog { .. }
        | QueryTemplate::Http { .. }
        | QueryTemplate::Logs { .. } => false,
    }
}

fn collect_templates(template: &QueryTemplate) -> Vec<&Template> {
    match template {
        QueryTemplate::CloudWatch {
            metrics,
            expression,
        } => {
            let dimensions = metrics
                .iter()
                .flat_map(|(_, metric)| metric.dimensions.iter().map(|(_, text)| text));
            dimensions.chain(expression).collect()
        }
        QueryTemplate::Prometheus {
            url,
            headers,
            query,
            ..
        } => [url, query]
            .into_iter()
            .chain(headers.iter().map(|(_, text)| text))
            .collect(),
        QueryTemplate::Datadog { query, .. } => vec![query],
        QueryTemplate::Http {
            url, headers, body, ..
        } => [url]
            .into_iter()
            .chain(headers.iter().map(|(_, text)| text))
            .chain(body)
            .collect(),
        QueryTemplate::Logs { .. } => Vec::new(),
    }
}

impl LoadBalancerKind {
    fn description(self) -> &'static str {
        match self {
            Self::ApplicationLoadBalancer => "this service has one",
            Self::NetworkLoadBalancer => "this service has a Network Load Balancer",
            Self::ServiceConnect => "this service has Service Connect",
            Self::Nothing => "none is known of this service (a rolling update shows none)",
        }
    }
}
