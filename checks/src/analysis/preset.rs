//! Presets: what a line such as `error-rate < 5 %` asks of the load balancer's metrics about a
//! side's target group.
//!
//! Application Load Balancers count requests, errors and latencies for each target group, so green
//! and blue can be compared without any configuration.

mod expand;
mod read;

pub(crate) use expand::{CheckTemplate, error_source, load_balancer_sampling, request_source};
pub(crate) use read::KEYWORDS;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Preset {
    /// `error-rate < 5 %`, `success-rate > 99 %`, `p99 < 1 s`, `requests > 100`
    Threshold {
        subject: Subject,
        operator: Operator,
        bound: f64,
        bound_text: String,
    },
    /// `green no worse than blue`
    NoWorse,
}

/// The metric that has a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    ErrorRate,
    SuccessRate,
    Percentile(&'static str),
    Requests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PresetError {
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Operator {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

#[cfg(test)]
mod tests;
