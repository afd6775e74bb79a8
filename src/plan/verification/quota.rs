//! PURE: blue and green together fit into the account's quota of Fargate.

use super::{LineResult, Subject};
use crate::documents::fargate::cpu_units;

/// CPU units of a vCPU.
const UNITS: f64 = 1_024.0;

/// Whether the quota counts for the service's tasks: those of a capacity provider may be Spot.
pub(super) fn is_limited(subject: &Subject<'_>) -> bool {
    let launch_type = subject
        .snapshot
        .service
        .as_ref()
        .and_then(|service| service.launch_type.as_deref());
    launch_type == Some("FARGATE")
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let seen = subject.snapshot.prerequisites.fargate_vcpus.as_ref();
    let quota = match seen {
        None => {
            return vec![LineResult::skipped(
                "the tasks do not have the launch type FARGATE",
            )];
        }
        Some(Err(error)) => return vec![LineResult::unread(error)],
        Some(Ok(quota)) => *quota,
    };
    let units = subject
        .definition
        .and_then(cpu_units)
        .and_then(|units| u32::try_from(units).ok());
    let needed = units.zip(tasks(subject));
    let Some((units, tasks)) = needed else {
        return vec![LineResult::skipped(
            "how many tasks of which size will run is not known",
        )];
    };
    let both = f64::from(units) * f64::from(tasks) * 2.0 / UNITS;
    vec![if both > quota {
        LineResult::failed(
            "service",
            format!(
                "blue and green together need {both} vCPUs, and the account may have {quota} on Fargate"
            ),
            "raise the quota \"Fargate On-Demand vCPU resource count\" (L-3032A538)",
        )
    } else {
        LineResult::Ok(format!(
            "blue and green together need {both} of {quota} vCPUs; what else runs in the account is not counted"
        ))
    }]
}

fn tasks(subject: &Subject<'_>) -> Option<u32> {
    let desired = subject
        .settings
        .rollout
        .desired_count
        .map(i64::from)
        .or_else(|| Some(subject.snapshot.service.as_ref()?.desired_count))?;
    u32::try_from(desired).ok()
}
