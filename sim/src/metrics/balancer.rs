//! `AWS/ApplicationELB`: what the proxy measured, under the names and dimensions that an
//! Application Load Balancer publishes.
//!
//! As documented in the guide for Application Load Balancers ("CloudWatch metrics"): counts are
//! published when they are not zero, so that without any 5xx there is no point; `RequestCount` is
//! of the requests for which a target was chosen.

use super::{Metric, Sample, Span, Visibility};
use crate::account::Account;
use crate::cloud::Cloud;
use crate::options::Kind;
use crate::world::Measured;

const NAMESPACE: &str = "AWS/ApplicationELB";

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Published {
    Requests,
    Class(usize),
    Seconds,
    /// The balancer's own 5xx.
    Refused,
}

impl Published {
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
    fn sample(self, measured: &Measured) -> Option<Sample> {
        let counted = |count: u64| (count > 0).then(|| Sample::times(1.0, count));
        match self {
            Self::Requests => counted(measured.requests),
            Self::Class(class) => counted(measured.classes.get(class).copied().unwrap_or_default()),
            Self::Refused => counted(measured.refused),
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
    let published = Published::parse(&metric.name).filter(|_| metric.namespace == NAMESPACE);
    let Some(published) = published else {
        return Vec::new();
    };
    let groups = cloud.look(|account| groups(account, metric, published));
    let visibility = Visibility::of(cloud, now_ms);
    let measured = groups
        .iter()
        .flat_map(|group| of_group(cloud, group, published, span, visibility));
    let first = cloud
        .look(first_group)
        .filter(|first| published == Published::Requests && groups.contains(first));
    measured
        .chain(
            first
                .into_iter()
                .flat_map(|_| before(cloud, span, visibility.grain)),
        )
        .collect()
}

/// The group that serves when the stage is started.
fn first_group(account: &Account) -> Option<String> {
    account
        .balancer
        .target_groups
        .iter()
        .find(|group| group.kind == Kind::Alb)
        .map(|group| group.name.clone())
}

/// What it had before, as it is said to have had.
fn before(cloud: &Cloud, span: Span, grain_ms: i64) -> Vec<(i64, Sample)> {
    const HOUR_MS: i64 = 3_600_000;
    let (started, a_minute) = (
        cloud.shifts().started_ms(),
        cloud.options.metrics.requests_before,
    );
    let (from, to) = (span.from_ms.max(started - HOUR_MS), span.to_ms.min(started));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "thousands a minute"
    )]
    let count = (a_minute * grain_ms as f64 / 60_000.0).round() as u64;
    let first = from.div_euclid(grain_ms) + i64::from(from.rem_euclid(grain_ms) > 0);
    let last = to.div_euclid(grain_ms);
    (first..last)
        .filter(|_| count > 0)
        .map(|grain| (grain * grain_ms, Sample::times(1.0, count)))
        .collect()
}

fn of_group(
    cloud: &Cloud,
    group: &str,
    published: Published,
    span: Span,
    visibility: Visibility,
) -> Vec<(i64, Sample)> {
    let seen = |at_ms: i64, measured: &Measured, is_visible: bool| {
        is_visible
            .then(|| published.sample(measured))
            .flatten()
            .map(|sample| (at_ms, sample))
    };
    let grains = cloud.world.grains(group, span.from_ms, span.to_ms);
    let told = grains.iter().flat_map(|grain| {
        let punctual = seen(
            grain.at_ms,
            &grain.punctual,
            visibility.punctual(grain.at_ms),
        );
        [
            punctual,
            seen(grain.at_ms, &grain.late, visibility.late(grain.at_ms)),
        ]
    });
    told.flatten().collect()
}

/// The target groups that a metric's dimensions mean. Its dimensions are exactly the balancer, or
/// the balancer and a group.
fn groups(account: &Account, metric: &Metric, published: Published) -> Vec<String> {
    let balancer = dimension(&account.place.balancer_arn(Kind::Alb), ":loadbalancer/");
    if metric.dimensions.get("LoadBalancer") != Some(&balancer) {
        return Vec::new();
    }
    let all = || {
        account
            .balancer
            .target_groups
            .iter()
            .filter(|group| group.kind == Kind::Alb)
            .map(|group| group.name.clone())
    };
    match (
        metric.dimensions.len(),
        metric.dimensions.get("TargetGroup"),
    ) {
        (1, None) => all().chain([String::new()]).collect(),
        (2, Some(_)) if published == Published::Refused => Vec::new(),
        (2, Some(wanted)) => all()
            .filter(|name| dimension(&account.place.target_group_arn(name), ":") == *wanted)
            .collect(),
        (_, _) => Vec::new(),
    }
}

/// `app/NAME/ID` or `targetgroup/NAME/ID`, out of an ARN.
fn dimension(arn: &str, before: &str) -> String {
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
        let mut measured = Measured {
            requests: 3,
            classes: [3, 0, 0, 0],
            ..Measured::default()
        };
        measured
            .seconds
            .add(Duration::from_millis(20).as_secs_f64());
        let sum = |name: &str| {
            Published::parse(name)
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
            dimension(
                "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/stage/ab",
                ":loadbalancer/"
            ),
            "app/stage/ab"
        );
        assert_eq!(
            dimension("arn:aws:elasticloadbalancing:r:1:targetgroup/api-1/ab", ":"),
            "targetgroup/api-1/ab"
        );
    }
}
