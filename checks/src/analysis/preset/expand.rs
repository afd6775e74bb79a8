//! What a preset asks and how it is judged.

use std::time::Duration;

use crate::analysis::compare::{ComparePolicy, Looks, MORE_ERRORS, SLOWER, VALUES, requests_for};
use crate::analysis::expression::Expression;
use crate::analysis::form::{
    Asks, Conditions, Grain, GrainKind, Judgement, Measure, Metric, Reduce, ShareOf, Source, Unit,
    Volume,
};
use crate::template::Template;

use super::{Operator, Preset, Subject};

/// A preset judges the newest ten minutes: enough traffic to say something, and a late fault is not
/// thinned by hours that were good.
const WINDOW: Duration = Duration::from_mins(10);

/// A preset reads traffic that may be thin at first.
const LEAST_VOLUME: f64 = 100.0;

/// A point of a minute is complete a minute after its end, as a rule.
const LATE: Duration = Duration::from_mins(1);

/// What is left of the rate of false alarms for each of the two comparisons of `green no worse than
/// blue`.
const HALF: f64 = 0.5;

/// The percentile that is compared: with 20 requests in a minute one is expected beyond it. Of p99
/// that takes 100, which a tenth of the traffic seldom has; p90 would be seen with fewer, and says
/// less about the slow ones.
const COMPARED: (&str, f64) = ("p95", 95.0);

/// A threshold on a percentile wants so many requests beyond it: of fewer it is a matter of luck.
const BEYOND: f64 = 5.0;

/// A check without what its writer may say about it.
#[derive(Debug, Clone)]
pub(crate) struct CheckTemplate {
    /// Set before the preset's name where it stands for several checks.
    pub(crate) prefix: Option<&'static str>,
    pub(crate) measure: Measure,
    pub(crate) judgement: Judgement,
    pub(crate) volume: Option<Volume>,
    pub(crate) window: Option<Duration>,
}

impl Preset {
    /// Its checks; `least` is how many requests its writer wants.
    pub(crate) fn expand(&self, grain: Grain, least: Option<f64>) -> Vec<CheckTemplate> {
        match self {
            Self::Threshold {
                subject,
                operator,
                bound,
                shown,
            } => {
                vec![threshold(*subject, *operator, *bound, shown, grain, least)]
            }
            Self::NoWorse => no_worse(grain, least),
        }
    }
}

fn threshold(
    subject: Subject,
    operator: Operator,
    bound: f64,
    shown: &str,
    grain: Grain,
    least: Option<f64>,
) -> CheckTemplate {
    let (measure, window) = match subject {
        Subject::ErrorRate => (share(grain, ShareOf::Errors), Some(WINDOW)),
        Subject::SuccessRate => (share(grain, ShareOf::Successes), Some(WINDOW)),
        Subject::Percentile(stat) => (latency(grain, stat, Reduce::ByVolume), Some(WINDOW)),
        Subject::Requests => (
            Measure::Value {
                source: requests(grain),
                reduce: Reduce::Sum,
                unit: Unit::Plain,
            },
            None,
        ),
    };
    let success = Expression::parse(&format!("result {} {bound}", operator.sign())).ok();
    // Too few requests so far is no failure: it is not known yet.
    let counts = subject == Subject::Requests;
    let failure = if counts {
        Expression::parse("result < 0").ok()
    } else {
        None
    };
    let conditions = Conditions {
        success,
        failure,
        shown: format!("{} {shown}", operator.sign()),
    };
    let usual = match subject {
        Subject::Percentile(stat) => LEAST_VOLUME.max(BEYOND * requests_for(percentile(stat))),
        Subject::ErrorRate | Subject::SuccessRate | Subject::Requests => LEAST_VOLUME,
    };
    let volume = (!counts).then(|| Volume {
        at_least: least.unwrap_or(usual),
        in_each: 0.0,
        source: requests(grain),
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
fn percentile(stat: &str) -> f64 {
    stat.trim_start_matches('p').parse().unwrap_or_default()
}

/// Errors by their counts, latency by the minutes' p95: each with half of what may be a false
/// alarm.
fn no_worse(grain: Grain, least: Option<f64>) -> Vec<CheckTemplate> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was a u32"
    )]
    let min_request_volume = least.unwrap_or(LEAST_VOLUME) as u64;
    let usual = ComparePolicy::default();
    let policy = ComparePolicy {
        alpha: usual.alpha * HALF,
        min_request_volume,
        must_see_difference: MORE_ERRORS,
        ..usual
    };
    let slower = ComparePolicy {
        looks: Looks::Values(VALUES),
        allowed_increase: SLOWER,
        ..policy
    };
    let template = |prefix, measure, policy, volume| CheckTemplate {
        prefix: Some(prefix),
        measure,
        judgement: Judgement::Comparison(policy),
        volume,
        window: None,
    };
    let (stat, percent) = COMPARED;
    let volume = Volume {
        at_least: 0.0,
        in_each: requests_for(percent),
        source: requests(grain),
    };
    vec![
        template("errors", share(grain, ShareOf::Errors), policy, None),
        template(
            stat,
            latency(grain, stat, Reduce::Last),
            slower,
            Some(volume),
        ),
    ]
}

fn share(grain: Grain, of: ShareOf) -> Measure {
    Measure::Share {
        errors: errors(grain),
        requests: requests(grain),
        of,
    }
}

fn latency(grain: Grain, stat: &str, reduce: Reduce) -> Measure {
    Measure::Value {
        source: target_group("TargetResponseTime", stat, grain),
        reduce,
        unit: Unit::Seconds,
    }
}

/// Those of them that were answered by an error.
pub(crate) fn errors(grain: Grain) -> Source {
    target_group("HTTPCode_Target_5XX_Count", "Sum", grain)
}

/// The requests that reached a side's target group.
pub(crate) fn requests(grain: Grain) -> Source {
    target_group("RequestCount", "Sum", grain)
}

/// The grain of the load balancer's metrics.
pub(crate) fn grain(period: Duration, delay: Option<Duration>) -> Grain {
    Grain {
        kind: GrainKind::Whole,
        period,
        delay: delay.unwrap_or(LATE),
    }
}

fn target_group(name: &str, stat: &str, grain: Grain) -> Source {
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
        asks: Asks::CloudWatch {
            metrics: vec![("m".to_owned(), metric)],
            expression: None,
        },
        grain,
    }
}
