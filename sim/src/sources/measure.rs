//! What the proxy really measured of a side, for answers that are computed.

use super::options::{Measurand, Measure, MeasuredSide};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::metrics::Statistic;
use crate::world::RequestStats;

/// A number, or no data.
pub(super) fn measure(cloud: &Cloud, wanted: &Measure) -> Option<f64> {
    let sides = cloud.traffic_history().sides(&wanted.listener);
    let group = match wanted.side {
        MeasuredSide::Blue => sides.blue,
        MeasuredSide::Green => sides.green,
    };
    let period_ms = i64::from(cloud.options.metrics.grain_seconds.max(1)) * 1_000;
    let from = now_ms() - i64::from(wanted.seconds) * 1_000;
    let mut total = RequestStats::default();
    // The first period counts in full: within a period no times are kept.
    for period in cloud
        .world
        .measurements(&group?, from - period_ms + 1, i64::MAX)
    {
        total.merge(&period.on_time);
        total.merge(&period.late);
    }
    compute(&total, wanted.what)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^52"
)]
fn compute(measured: &RequestStats, what: Measurand) -> Option<f64> {
    let errors = (measured.classes[3] + measured.proxy_errors) as f64;
    match what {
        Measurand::Requests => Some(measured.requests as f64),
        Measurand::Errors => Some(errors),
        Measurand::ErrorRate => (measured.requests > 0).then(|| errors / measured.requests as f64),
        Measurand::P99 => measured.seconds.statistic(Statistic::Percentile(99.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_no_requests_is_no_data() {
        let some = RequestStats {
            requests: 100,
            classes: [97, 0, 0, 3],
            ..RequestStats::default()
        };
        assert_eq!(compute(&some, Measurand::ErrorRate), Some(0.03));
        assert_eq!(
            compute(&RequestStats::default(), Measurand::ErrorRate),
            None
        );
        assert_eq!(
            compute(&RequestStats::default(), Measurand::Requests),
            Some(0.0)
        );
    }
}
