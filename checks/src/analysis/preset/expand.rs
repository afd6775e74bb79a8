//! The checks of each preset.

use std::time::Duration;

use crate::analysis::compare::{
    ALLOWED_SLOWDOWN, ComparePolicy, DETECTABLE_ERROR_SHARE, Looks, MIN_VALUES, min_requests_for,
};
use crate::analysis::expression::Expression;
use crate::analysis::form::{
    Conditions, Judgement, Measure, Metric, QueryTemplate, Reduce, Sampling, SamplingKind,
    ShareKind, Source, Unit, Volume,
};
use crate::template::Template;

use super::{Operator, Preset, Subject};

/// A preset judges the newest ten minutes: enough traffic for a verdict, and a fault that starts
/// late is not averaged away by good hours.
const WINDOW: Duration = Duration::from_mins(10);

/// A preset reads traffic that may be thin at first.
const MIN_REQUESTS: f64 = 100.0;

/// A point of a minute is complete a minute after its end, as a rule.
const PUBLISH_DELAY: Duration = Duration::from_mins(1);

/// The share of alpha for each of the two comparisons of `green no worse than blue`.
const ALPHA_SHARE: f64 = 0.5;

/// The percentile that is compared: with 20 requests a minute, one is expected above p95. p99 would
/// need 100, which a 10 % share of traffic seldom has; p90 would need fewer and says less about
/// slow requests.
const COMPARED_PERCENTILE: (&str, f64) = ("p95", 95.0);

/// A threshold on a percentile needs this many requests above it; with fewer it is a matter of
/// luck.
const MIN_REQUESTS_BEYOND: f64 = 5.0;

/// A check without the settings of the document.
#[derive(Debug, Clone)]
pub(crate) struct CheckTemplate {
    /// Prefix of the check's name if the preset has several checks.
    pub(crate) prefix: Option<&'static str>,
    pub(crate) measure: Measure,
    pub(crate) judgement: Judgement,
    pub(crate) volume: Option<Volume>,
    pub(crate) window: Option<Duration>,
}

impl Preset {
    /// Its checks; `min_requests` is the minimum that the document sets.
    pub(crate) fn expand(
        &self,
        sampling: Sampling,
        min_requests: Option<f64>,
    ) -> Vec<CheckTemplate> {
        match self {
            Self::Threshold {
                subject,
                operator,
                bound,
                bound_text: shown,
            } => {
                vec![threshold_template(
                    *subject,
                    *operator,
                    *bound,
                    shown,
                    sampling,
                    min_requests,
                )]
            }
            Self::NoWorse => no_worse_templates(sampling, min_requests),
        }
    }
}

fn threshold_template(
    subject: Subject,
    operator: Operator,
    bound: f64,
    bound_text: &str,
    sampling: Sampling,
    min_requests: Option<f64>,
) -> CheckTemplate {
    let (measure, window) = match subject {
        Subject::ErrorRate => (share_measure(sampling, ShareKind::Errors), Some(WINDOW)),
        Subject::SuccessRate => (share_measure(sampling, ShareKind::Successes), Some(WINDOW)),
        Subject::Percentile(stat) => (
            latency_measure(sampling, stat, Reduce::ByVolume),
            Some(WINDOW),
        ),
        Subject::Requests => (
            Measure::Value {
                source: request_source(sampling),
                reduce: Reduce::Sum,
                unit: Unit::Plain,
            },
            None,
        ),
    };
    let success = Expression::parse(&format!("result {} {bound}", operator.symbol())).ok();
    // Too few requests so far are no failure: more may come.
    let is_request_count = subject == Subject::Requests;
    let failure = if is_request_count {
        Expression::parse("result < 0").ok()
    } else {
        None
    };
    let conditions = Conditions {
        success,
        failure,
        text: format!("{} {bound_text}", operator.symbol()),
    };
    let default_min_requests = match subject {
        Subject::Percentile(stat) => {
            MIN_REQUESTS.max(MIN_REQUESTS_BEYOND * min_requests_for(parse_percentile(stat)))
        }
        Subject::ErrorRate | Subject::SuccessRate | Subject::Requests => MIN_REQUESTS,
    };
    let volume = (!is_request_count).then(|| Volume {
        min_requests: min_requests.unwrap_or(default_min_requests),
        min_requests_per_point: 0.0,
        source: request_source(sampling),
    });
    CheckTemplate {
        prefix: None,
        measure,
        judgement: Judgement::Conditions(conditions),
        volume,
        window,
    }
}

/// `p99` → 99.
fn parse_percentile(stat: &str) -> f64 {
    stat.trim_start_matches('p').parse().unwrap_or_default()
}

/// Errors by their counts, latency by the p95 of each minute: each with half of alpha.
fn no_worse_templates(sampling: Sampling, min_requests: Option<f64>) -> Vec<CheckTemplate> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was a u32"
    )]
    let min_request_volume = min_requests.unwrap_or(MIN_REQUESTS) as u64;
    let default_policy = ComparePolicy::default();
    let policy = ComparePolicy {
        alpha: default_policy.alpha * ALPHA_SHARE,
        min_request_volume,
        must_detect_difference: DETECTABLE_ERROR_SHARE,
        ..default_policy
    };
    let latency_policy = ComparePolicy {
        looks: Looks::Values(MIN_VALUES),
        allowed_increase: ALLOWED_SLOWDOWN,
        ..policy
    };
    let template = |prefix, measure, policy, volume| CheckTemplate {
        prefix: Some(prefix),
        measure,
        judgement: Judgement::Comparison(policy),
        volume,
        window: None,
    };
    let (stat, percent) = COMPARED_PERCENTILE;
    let volume = Volume {
        min_requests: 0.0,
        min_requests_per_point: min_requests_for(percent),
        source: request_source(sampling),
    };
    vec![
        template(
            "errors",
            share_measure(sampling, ShareKind::Errors),
            policy,
            None,
        ),
        template(
            stat,
            latency_measure(sampling, stat, Reduce::Last),
            latency_policy,
            Some(volume),
        ),
    ]
}

fn share_measure(sampling: Sampling, kind: ShareKind) -> Measure {
    Measure::Share {
        errors: error_source(sampling),
        requests: request_source(sampling),
        kind,
    }
}

fn latency_measure(sampling: Sampling, stat: &str, reduce: Reduce) -> Measure {
    Measure::Value {
        source: target_group_source("TargetResponseTime", stat, sampling),
        reduce,
        unit: Unit::Seconds,
    }
}

/// The requests that were answered with an error.
pub(crate) fn error_source(sampling: Sampling) -> Source {
    target_group_source("HTTPCode_Target_5XX_Count", "Sum", sampling)
}

/// The requests that reached a side's target group.
pub(crate) fn request_source(sampling: Sampling) -> Source {
    target_group_source("RequestCount", "Sum", sampling)
}

/// The sampling of the load balancer's metrics.
pub(crate) fn load_balancer_sampling(period: Duration, delay: Option<Duration>) -> Sampling {
    Sampling {
        kind: SamplingKind::Aligned,
        period,
        delay: delay.unwrap_or(PUBLISH_DELAY),
    }
}

fn target_group_source(name: &str, stat: &str, sampling: Sampling) -> Source {
    let dimension = |dimension: &str, variable: &str| {
        Template::parse(variable)
            .ok()
            .map(|text| (dimension.to_owned(), text))
    };
    let dimensions = [
        dimension("LoadBalancer", "${load-balancer}"),
        dimension("TargetGroup", "${target-group}"),
    ];
    let metric = Metric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: name.to_owned(),
        stat: stat.to_owned(),
        dimensions: dimensions.into_iter().flatten().collect(),
    };
    Source {
        query: QueryTemplate::CloudWatch {
            metrics: vec![("m".to_owned(), metric)],
            expression: None,
        },
        sampling,
    }
}
