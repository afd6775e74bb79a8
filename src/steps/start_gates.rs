//! Asks every gate before the start, all at the same time. What follows is decided in
//! `crate::start_gates`.

use std::time::Duration;

use futures_util::future::{OptionFuture, join_all};

use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::gates::ask::ask_incidents;
use crate::checks::gates::{GateFinding, GateKind, WindowState, Windows};
use crate::duration::HumanDuration;
use crate::error::Explain as _;
use crate::plan::StartGatesPlan;
use crate::run::Run;
use crate::start_gates::GateReading;

mod account;
mod blue;
mod commit_checks;
mod deployed_in;

/// For times that are nearer than this, how long it takes is said too.
const SOON: Duration = Duration::from_hours(48);
const HOUR: Duration = Duration::from_hours(1);

/// One look at every gate, in the order of the documentation.
pub async fn read_gates(run: &Run, plan: &StartGatesPlan) -> Vec<GateReading> {
    let gates = &plan.gates;
    let values = plan.values();
    let incidents = gates.incidents.iter().map(async |source| {
        let finding = ask_incidents(source, &values).await;
        GateReading::new(GateKind::Incidents, source.name(), finding)
    });
    let checks = gates.checks.as_ref();
    let checks = checks.map(|asked| commit_checks::read(run, plan, asked));
    let blue = gates.blue_healthy.then(|| blue::read(run, plan));
    let (calendars, incidents, budgets, backups, checks, deployed, alarms, blue) = tokio::join!(
        join_all(
            gates
                .calendars
                .iter()
                .map(|name| account::read_calendar(run, name))
        ),
        join_all(incidents),
        account::read_budgets(run, &gates.budgets),
        join_all(
            gates
                .backups
                .iter()
                .map(|backup| account::read_backup(run, backup))
        ),
        OptionFuture::from(checks),
        join_all(
            plan.deployed_in
                .iter()
                .map(|place| deployed_in::read(run, plan, place))
        ),
        account::read_alarms(run, &gates.alarms),
        OptionFuture::from(blue),
    );
    let now = now_seconds();
    let windows = gates
        .windows
        .as_ref()
        .map(|windows| read_windows(windows, now));
    windows
        .into_iter()
        .chain(calendars)
        .chain(incidents)
        .chain(budgets)
        .chain(backups)
        .chain(checks)
        .chain(deployed)
        .chain(alarms)
        .chain(blue)
        .collect()
}

/// Now, in seconds since the epoch.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole seconds are meant, and they are far below the limit"
)]
pub fn now_seconds() -> i64 {
    crate::clock::epoch_seconds() as i64
}

fn read_windows(windows: &Windows, now: i64) -> GateReading {
    let finding = match windows.state(now) {
        WindowState::Open { until } => GateFinding::open(until.map_or_else(
            || "open, without an end".to_owned(),
            |until| format!("open until {}", windows.describe_instant(until)),
        )),
        WindowState::Closed { freeze, opens } => GateFinding::Closed {
            why: freeze.map_or_else(
                || {
                    format!(
                        "it is {}, outside of every window",
                        windows.describe_instant(now)
                    )
                },
                |freeze| format!("frozen: {freeze}"),
            ),
            opens: opens.map_or_else(
                || "never: no window is ahead".to_owned(),
                |opens| {
                    let wait = u64::try_from(opens - now).unwrap_or_default();
                    let wait = Duration::from_secs(wait);
                    let soon = (wait < SOON).then(|| format!(", in {}", describe_age(wait)));
                    let soon = soon.unwrap_or_default();
                    format!("{}{soon}", windows.describe_instant(opens))
                },
            ),
            opens_at: opens,
        },
    };
    GateReading::new(GateKind::Windows, "", finding)
}

/// An age for people: from an hour on in minutes.
fn describe_age(age: Duration) -> HumanDuration {
    let seconds = age.as_secs();
    HumanDuration(if age < HOUR {
        age
    } else {
        Duration::from_secs(seconds - seconds % 60)
    })
}

/// A gate whose read failed.
fn from_error(error: &AwsError) -> GateFinding {
    let remedy = error.hint().unwrap_or_else(|| match error.kind {
        AwsErrorKind::Refused => "check the name, and aws-region".to_owned(),
        AwsErrorKind::Denied
        | AwsErrorKind::Credentials
        | AwsErrorKind::Throttled
        | AwsErrorKind::Failed
        | AwsErrorKind::Unanswered => "try again later".to_owned(),
    });
    GateFinding::unreadable(error.summary(), remedy)
}
