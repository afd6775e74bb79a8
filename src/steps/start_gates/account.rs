//! Gates that AWS knows of: calendars, error budgets, backups, alarms.

use std::time::Duration;

use super::{describe_age, from_error};
use crate::alarm::{Alarm, AlarmState};
use crate::aws::budgets::BudgetReport;
use crate::checks::gates::{Backup, BackupSource, ErrorBudget, GateFinding, GateKind};
use crate::clock;
use crate::documents::backup::Database;
use crate::duration::HumanDuration;
use crate::run::Run;
use crate::start_gates::GateReading;

/// Budgets that are not used up.
const BUDGET_LEFT: [&str; 2] = ["OK", "WARNING"];

pub(super) async fn read_calendar(run: &Run, name: &str) -> GateReading {
    let finding = match run.aws.get_calendar_state(name).await {
        Err(error) => from_error(&error),
        Ok(found) if found.state == "OPEN" => GateFinding::open(match &found.next_transition {
            Some(next) => format!("the calendar is open until {next}"),
            None => "the calendar is open".to_owned(),
        }),
        Ok(found) => {
            let next = found.next_transition.as_deref();
            GateFinding::Closed {
                why: format!("the calendar is {}", found.state),
                opens: next.map_or_else(
                    || "when its event is changed or removed".to_owned(),
                    |next| format!("{next}, as the calendar says now"),
                ),
                opens_at: next.and_then(clock::parse_rfc3339).map(whole_seconds),
            }
        }
    };
    GateReading::new(GateKind::Calendar, name, finding)
}

/// The second in which something has certainly happened.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds of the epoch are far below the limit"
)]
fn whole_seconds(seconds: f64) -> i64 {
    seconds.ceil() as i64
}

pub(super) async fn read_budgets(run: &Run, budgets: &[ErrorBudget]) -> Vec<GateReading> {
    if budgets.is_empty() {
        return Vec::new();
    }
    let objectives: Vec<String> = budgets
        .iter()
        .map(|budget| budget.objective.clone())
        .collect();
    let findings = match run.aws.get_budget_reports(&objectives).await {
        Ok(reports) => budgets
            .iter()
            .zip(&reports)
            .map(|(budget, report)| from_report(budget, report))
            .collect(),
        Err(error) => vec![from_error(&error); budgets.len()],
    };
    let named = budgets.iter().zip(findings);
    named
        .map(|(budget, finding)| GateReading::new(GateKind::Slo, &budget.objective, finding))
        .collect()
}

fn from_report(budget: &ErrorBudget, report: &BudgetReport) -> GateFinding {
    let (status, left) = match report {
        BudgetReport::Budget {
            status,
            remaining_percent,
        } => (status.as_str(), *remaining_percent),
        BudgetReport::Failed(why) => {
            return GateFinding::unreadable(
                why.clone(),
                "check the objective's name or ARN, and aws-region",
            );
        }
    };
    let shown = left.map_or_else(
        || format!("its budget is {status}"),
        |left| format!("{left:.1} % of its error budget are left ({status})"),
    );
    let opens = "when enough of the budget is back";
    match (status, budget.remaining_percent, left) {
        ("BREACHED", _, _) => GateFinding::closed(format!("it is used up: {shown}"), opens),
        (status, Some(least), Some(left)) if BUDGET_LEFT.contains(&status) && left < least => {
            GateFinding::closed(format!("{shown}, and {least} % must be"), opens)
        }
        (status, Some(_), None) if BUDGET_LEFT.contains(&status) => GateFinding::unreadable(
            format!("{shown}, and how much of it is left is not known"),
            "wait until Application Signals shows numbers, or leave `remaining` out",
        ),
        (status, _, _) if BUDGET_LEFT.contains(&status) => GateFinding::open(shown),
        _ => GateFinding::unreadable(
            shown,
            "wait until the objective has data, or write `open-if-unreadable: slo`",
        ),
    }
}

pub(super) async fn read_backup(run: &Run, backup: &Backup) -> GateReading {
    let newest = match &backup.source {
        BackupSource::Instance(id) => {
            let database = Database::Instance(id.clone());
            run.aws.newest_snapshot(&database).await
        }
        BackupSource::Cluster(id) => {
            let database = Database::Cluster(id.clone());
            run.aws.newest_snapshot(&database).await
        }
        BackupSource::Resource(arn) => run.aws.newest_recovery_point(arn).await,
    };
    let finding = match newest {
        Err(error) => from_error(&error),
        Ok(None) => GateFinding::closed(
            "no backup of it can be restored",
            "when one is complete; check its name and aws-region",
        ),
        Ok(Some(at)) => from_age(clock::elapsed_since(at), backup.younger_than),
    };
    GateReading::new(GateKind::Backup, backup.source.to_string(), finding)
}

fn from_age(age: Duration, limit: Duration) -> GateFinding {
    let shown = format!("the newest backup is {} old", describe_age(age));
    if age < limit {
        GateFinding::open(shown)
    } else {
        GateFinding::closed(
            format!("{shown}, and must be younger than {}", HumanDuration(limit)),
            "when a new one is complete",
        )
    }
}

pub(super) async fn read_alarms(run: &Run, names: &[String]) -> Vec<GateReading> {
    if names.is_empty() {
        return Vec::new();
    }
    let found = run.aws.describe_alarms(names).await;
    let finding = |name: &String| match &found {
        Err(error) => from_error(error),
        Ok(alarms) => {
            let alarm = alarms.iter().find(|alarm| alarm.name == *name);
            from_alarm(alarm.unwrap_or(&Alarm::missing(name)))
        }
    };
    names
        .iter()
        .map(|name| GateReading::new(GateKind::AlarmsOk, name, finding(name)))
        .collect()
}

fn from_alarm(alarm: &Alarm) -> GateFinding {
    let shown = format!("it is {}", alarm.describe_state());
    match &alarm.state {
        AlarmState::Ok => GateFinding::open(shown),
        AlarmState::InAlarm => {
            GateFinding::closed(format!("{shown}: {}", alarm.explanation()), "when it is OK")
        }
        AlarmState::InsufficientData => GateFinding::unreadable(
            format!("{shown}, so nobody knows"),
            "wait until it has data, or write `open-if-unreadable: alarms-ok`",
        ),
        AlarmState::Unknown(_) => GateFinding::unreadable(shown, "look at the alarm"),
        AlarmState::Missing => GateFinding::unreadable(
            "there is no such alarm",
            "check its name and aws-region, or create it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_open_while_enough_is_left_and_unreadable_without_data() {
        let state = |least: Option<f64>, status: &str, left: Option<f64>| {
            let budget = ErrorBudget {
                objective: "a".to_owned(),
                remaining_percent: least,
            };
            let report = BudgetReport::Budget {
                status: status.to_owned(),
                remaining_percent: left,
            };
            match from_report(&budget, &report) {
                GateFinding::Open { .. } => "open",
                GateFinding::Closed { .. } => "closed",
                GateFinding::Unreadable { .. } => "unreadable",
            }
        };
        let table = [
            (None, "OK", Some(80.0), "open"),
            (None, "OK", None, "open"),
            (None, "WARNING", Some(3.0), "open"),
            (None, "BREACHED", Some(-4.0), "closed"),
            (Some(20.0), "OK", Some(80.0), "open"),
            (Some(20.0), "WARNING", Some(19.9), "closed"),
            (Some(20.0), "OK", None, "unreadable"),
            (None, "INSUFFICIENT_DATA", None, "unreadable"),
            (None, "A_WORD_OF_TOMORROW", Some(100.0), "unreadable"),
        ];
        for (least, status, left, expected) in table {
            assert_eq!(state(least, status, left), expected, "{status} {least:?}");
        }
    }

    #[test]
    fn a_backup_of_exactly_the_limit_is_too_old() {
        let hour = Duration::from_hours(1);
        let expected = GateFinding::closed(
            "the newest backup is 1 h old, and must be younger than 1 h",
            "when a new one is complete",
        );
        assert_eq!(from_age(hour, hour), expected);
        let open = GateFinding::open("the newest backup is 59 m old");
        assert_eq!(from_age(Duration::from_mins(59), hour), open);
    }
}
