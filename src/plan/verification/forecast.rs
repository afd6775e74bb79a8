//! PURE: blue's requests of the last hour, and whether the analysis can decide with as many.

use super::{LineResult, Subject};
use crate::checks::analysis::Traffic;

/// With this share of the last hour's requests the analysis should still decide: traffic varies.
const QUIET_HOUR: f64 = 0.5;

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(analysis) = &subject.settings.checks.analysis else {
        return vec![LineResult::skipped("there is no analysis")];
    };
    let schedule = subject
        .plan
        .and_then(|plan| plan.rollout.as_ref()?.traffic_schedule.as_ref());
    let (Some(schedule), Some(traffic)) = (schedule, subject.snapshot.traffic) else {
        return vec![LineResult::skipped(
            "blue's requests of the last hour are not known, or decide nothing",
        )];
    };
    let quieter = Traffic {
        requests: traffic.requests * QUIET_HOUR,
        ..traffic
    };
    let requests = traffic.requests.round();
    let short = analysis.find_traffic_shortages(schedule, quieter);
    if short.is_empty() {
        return vec![LineResult::Ok(format!(
            "blue had about {requests} requests a minute in the last hour: the analysis can decide, also with half as many"
        ))];
    }
    short
        .into_iter()
        .map(|short| {
            let needed = short
                .needed_requests
                .map(|needed| format!("about {} a minute are needed", needed.ceil()));
            LineResult::warned(
                format!(
                    "`{}` can decide with the {requests} requests a minute of the last hour, and not with half as many: {}",
                    short.check,
                    needed.unwrap_or_else(|| "more are needed".to_owned())
                ),
                "deploy while there is traffic, keep blue longer, or choose from the table for quiet services in docs/analysis.md",
            )
        })
        .collect()
}
