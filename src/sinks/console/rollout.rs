//! The rollout in the log: what runs, how far green is, which gates are open.

use crate::aws::arn::short_name;
use crate::event::{Gate, ObservedTraffic, Progress, StartedRollout, StepSeen, SurveyedService};
use crate::sinks::console::sanitize_line;

/// What runs now, and what the run will do.
pub(super) fn survey_lines(service: &SurveyedService) -> Vec<String> {
    let tasks = service.tasks;
    let head = format!(
        "controller {}; {} of {} tasks run {}",
        service.controller,
        tasks.running,
        tasks.desired,
        short_name(&service.blue)
    );
    std::iter::once(sanitize_line(&head))
        .chain(
            service
                .plan
                .iter()
                .map(|line| sanitize_line(&format!("  {line}"))),
        )
        .collect()
}

/// Which deployment it is, and where to watch it.
pub(super) fn format_start(rollout: &StartedRollout) -> String {
    let what = if rollout.found {
        "Deployment followed"
    } else {
        "Deployment started"
    };
    sanitize_line(&format!(
        "{what}: {}. Watch it in the AWS console: {}",
        rollout.deployment, rollout.console
    ))
}

pub(super) fn progress_line(progress: &Progress) -> String {
    let traffic = progress.traffic.map(|traffic| {
        format!(
            ", production blue {} % green {} %",
            traffic.blue.round(),
            traffic.green.round()
        )
    });
    let tasks = progress.tasks.map(|tasks| {
        let failed = if tasks.failed > 0 {
            format!(", {} failed", tasks.failed)
        } else {
            String::new()
        };
        format!(
            ", green {} of {} tasks running{failed}",
            tasks.running, tasks.desired
        )
    });
    format!(
        "{}{}{}",
        progress.stage,
        traffic.unwrap_or_default(),
        tasks.unwrap_or_default()
    )
}

/// The line about an opened gate, with what may follow.
pub(super) fn format_gate_opened(gate: Gate, seen: StepSeen) -> String {
    match gate {
        Gate::Green => "The gate is open: traffic may shift".into(),
        Gate::Step => format!(
            "{}the next step of traffic may follow",
            describe_checks(seen)
        ),
        Gate::Production => "The gate after the shift is open: the rollout may end".into(),
    }
}

/// Names only what was checked before the gate was opened.
fn describe_checks(seen: StepSeen) -> &'static str {
    match (seen.healthy, seen.quiet) {
        (true, true) => "green is healthy and no alarm has fired: ",
        (true, false) => "green is healthy: ",
        (false, true) => "no alarm has fired: ",
        (false, false) => "",
    }
}

/// Which side serves production, and where that was observed.
pub(super) fn format_traffic(traffic: &ObservedTraffic) -> String {
    let line = format!(
        "production: 100 % on {:?} ({}), {}",
        traffic.side,
        short_name(&traffic.revision),
        traffic.observed_by.describe()
    );
    sanitize_line(&line.to_lowercase())
}
