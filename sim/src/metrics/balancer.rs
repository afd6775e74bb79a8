//! `AWS/ApplicationELB`: what the proxy measured, under the names and dimensions that an
//! Application Load Balancer publishes.
//!
//! As documented in the guide for Application Load Balancers ("CloudWatch metrics"): counts are
//! published when they are not zero, so that without any 5xx there is no point; `RequestCount` is
//! of the requests for which a target was chosen.

use super::{Metric, Sample, Span, Visibility};
use crate::account::Account;
use crate::cloud::Cloud;
use crate::options::LoadBalancerKind;
use crate::world::RequestStats;

const NAMESPACE: &str = "AWS/ApplicationELB";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PublishedMetric {
    Requests,
    Class(usize),
    Seconds,
    /// The balancer's own 5xx.
    Refused,
}

impl PublishedMetric {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "RequestCount" => Some(Self::Requests),
            "HTTPCode_Target_2XX_Count" => Some(Self::Class(0)),
            "HTTPCode_Target_3XX_Count" => Some(Self::Class(1)),
            "HTTPCode_Target_4XX_Count" => Some(Self::Class(2)),
            "HTTPCode_Target_5XX_Count" => Some(Self::Class(3)),
            "TargetResponseTime" => Some(Self::Seconds),
            "HTTPCode_ELB_5XX_Count" => Some(Self::Refused),
            _ => None,
        }
    }

    /// Each request is a value of 1; a response time is a value of its own.
    fn sample(self, measured: &RequestStats) -> Option<Sample> {
        let counted = |count: u64| (count > 0).then(|| Sample::repeated(1.0, count));
        match self {
            Self::Requests => counted(measured.requests),
            Self::Class(class) => counted(measured.classes.get(class).copied().unwrap_or_default()),
            Self::Refused => counted(measured.proxy_errors),
            Self::Seconds => {
                Some(measured.seconds.clone()).filter(|sample| *sample != Sample::default())
            }
        }
    }
}

/// What is visible of a balancer's metric; nothing for any other.
pub(super) fn samples(
    cloud: &Cloud,
    metric: &Metric,
    span: Span,
    now_ms: i64,
) -> Vec<(i64, Sample)> {
    let published = PublishedMetric::parse(&metric.name).filter(|_| metric.namespace == NAMESPACE);
    let Some(published) = published else {
        return Vec::new();
    };
    let groups = cloud.read(|account| matching_groups(account, metric, published));
    let visibility = Visibility::new(cloud, now_ms);
    let measured = groups
        .iter()
        .flat_map(|group| group_samples(cloud, group, published, span, visibility));
    let first = cloud
        .read(first_group)
        .filter(|first| published == PublishedMetric::Requests && groups.contains(first));
    measured
        .chain(
            first
                .into_iter()
                .flat_map(|_| earlier_requests(cloud, span, visibility.period_ms)),
        )
        .collect()
}

/// The group that serves when the stage is started.
fn first_group(account: &Account) -> Option<String> {
    account
        .balancer
        .target_groups
        .iter()
        .find(|group| group.kind == LoadBalancerKind::Alb)
        .map(|group| group.name.clone())
}

/// What it had before, as it is said to have had.
fn earlier_requests(cloud: &Cloud, span: Span, period_ms: i64) -> Vec<(i64, Sample)> {
    const HOUR_MS: i64 = 3_600_000;
    let (started, per_minute) = (
        cloud.traffic_history().started_ms(),
        cloud.options.metrics.requests_before,
    );
    let (from, to) = (span.from_ms.max(started - HOUR_MS), span.to_ms.min(started));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "thousands a minute"
    )]
    let count = (per_minute * period_ms as f64 / 60_000.0).round() as u64;
    let first = from.div_euclid(period_ms) + i64::from(from.rem_euclid(period_ms) > 0);
    let last = to.div_euclid(period_ms);
    (first..last)
        .filter(|_| count > 0)
        .map(|grain| (grain * period_ms, Sample::repeated(1.0, count)))
        .collect()
}

fn group_samples(
    cloud: &Cloud,
    group: &str,
    published: PublishedMetric,
    span: Span,
    visibility: Visibility,
) -> Vec<(i64, Sample)> {
    let sample_if_visible = |at_ms: i64, measured: &RequestStats, is_visible: bool| {
        is_visible
            .then(|| published.sample(measured))
            .flatten()
            .map(|sample| (at_ms, sample))
    };
    let periods = cloud.world.measurements(group, span.from_ms, span.to_ms);
    let samples = periods.iter().flat_map(|period| {
        let punctual = sample_if_visible(
            period.at_ms,
            &period.on_time,
            visibility.shows_on_time(period.at_ms),
        );
        [
            punctual,
            sample_if_visible(
                period.at_ms,
                &period.late,
                visibility.shows_late(period.at_ms),
            ),
        ]
    });
    samples.flatten().collect()
}

/// The target groups that a metric's dimensions mean. Its dimensions are exactly the balancer, or
/// the balancer and a group.
fn matching_groups(account: &Account, metric: &Metric, published: PublishedMetric) -> Vec<String> {
    let balancer = dimension_from_arn(
        &account.location.balancer_arn(LoadBalancerKind::Alb),
        ":loadbalancer/",
    );
    if metric.dimensions.get("LoadBalancer") != Some(&balancer) {
        return Vec::new();
    }
    let all = || {
        account
            .balancer
            .target_groups
            .iter()
            .filter(|group| group.kind == LoadBalancerKind::Alb)
            .map(|group| group.name.clone())
    };
    match (
        metric.dimensions.len(),
        metric.dimensions.get("TargetGroup"),
    ) {
        (1, None) => all().chain([String::new()]).collect(),
        (2, Some(_)) if published == PublishedMetric::Refused => Vec::new(),
        (2, Some(wanted)) => all()
            .filter(|name| {
                dimension_from_arn(&account.location.target_group_arn(name), ":") == *wanted
            })
            .collect(),
        (_, _) => Vec::new(),
    }
}

/// `app/NAME/ID` or `targetgroup/NAME/ID`, out of an ARN.
fn dimension_from_arn(arn: &str, before: &str) -> String {
    arn.rsplit_once(before)
        .map_or_else(|| arn.to_owned(), |(_, dimension)| dimension.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Statistic;
    use super::*;

    #[test]
    fn a_count_is_published_when_it_is_not_zero() {
        let mut measured = RequestStats {
            requests: 3,
            classes: [3, 0, 0, 0],
            ..RequestStats::default()
        };
        measured
            .seconds
            .add(Duration::from_millis(20).as_secs_f64());
        let sum = |name: &str| {
            PublishedMetric::parse(name)
                .unwrap()
                .sample(&measured)
                .map(|sample| sample.statistic(Statistic::Sum).unwrap())
        };
        assert_eq!(
            (
                sum("RequestCount"),
                sum("HTTPCode_Target_2XX_Count"),
                sum("HTTPCode_Target_5XX_Count")
            ),
            (Some(3.0), Some(3.0), None)
        );
        assert_eq!(sum("TargetResponseTime"), Some(0.02));
    }

    #[test]
    fn dimensions_are_the_ends_of_arns() {
        assert_eq!(
            dimension_from_arn(
                "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/stage/ab",
                ":loadbalancer/"
            ),
            "app/stage/ab"
        );
        assert_eq!(
            dimension_from_arn("arn:aws:elasticloadbalancing:r:1:targetgroup/api-1/ab", ":"),
            "targetgroup/api-1/ab"
        );
    }
}
