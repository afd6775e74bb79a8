//! CloudWatch Application Signals: how much is left of the error budgets of service level
//! objectives.

use serde_json::{Value, json};

use super::endpoint::dual_stack_domain;
use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

/// Its endpoints have only one name, which is for IPv6 too.
const APPLICATION_SIGNALS: SignedService = SignedService {
    signing_name: "application-signals",
    host: "application-signals",
    id: "Application Signals",
    protocol: SignedProtocol::Rest("POST"),
};
const ACTION: &str = "application-signals:BatchGetServiceLevelObjectiveBudgetReport";
/// How many objectives are asked for at once.
const MAX_OBJECTIVES: usize = 50;

/// What Application Signals says of an objective.
#[derive(Debug, Clone, PartialEq)]
pub enum BudgetReport {
    /// How it stands.
    Budget {
        /// `OK`, `WARNING`, `BREACHED` or `INSUFFICIENT_DATA`.
        status: String,
        /// How much of the budget is left, in percent; none where AWS gives no numbers.
        remaining_percent: Option<f64>,
    },
    /// There is no report of it, with AWS's code and message.
    Failed(String),
}

impl Aws {
    /// The error budgets of objectives, by name or ARN, in their order.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn get_budget_reports(
        &self,
        objectives: &[String],
    ) -> Result<Vec<BudgetReport>, AwsError> {
        let region = self.partition.region();
        let host = format!("application-signals.{region}.{}", dual_stack_domain(region));
        let call = SignedCall {
            host: Some(&host),
            path: "/budget-report",
            ..SignedCall::new(APPLICATION_SIGNALS, ACTION, region)
        };
        let mut reports = Vec::new();
        for some in objectives.chunks(MAX_OBJECTIVES) {
            let now = crate::clock::epoch_seconds().floor();
            let answer = self
                .read_signed(call, &json!({ "Timestamp": now, "SloIds": some }))
                .await?;
            reports.extend(some.iter().map(|objective| find_report(&answer, objective)));
        }
        Ok(reports)
    }
}

fn find_report(answer: &Value, objective: &str) -> BudgetReport {
    let is_meant = |entry: &&Value| entry["Name"] == *objective || entry["Arn"] == *objective;
    let find = |list: &str| {
        let entries = answer[list].as_array().into_iter().flatten();
        entries.into_iter().find(is_meant)
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(report) = find("Reports") {
        return BudgetReport::Budget {
            status: text(&report["BudgetStatus"]),
            remaining_percent: remaining_percent(report),
        };
    }
    let failed = find("Errors").map(|error| {
        let message = text(&error["ErrorMessage"]);
        format!("{message} ({})", text(&error["ErrorCode"]))
    });
    BudgetReport::Failed(failed.unwrap_or_else(|| "there is no report of it".to_owned()))
}

/// Of seconds for objectives by period, of requests for those by request.
fn remaining_percent(report: &Value) -> Option<f64> {
    let share = |total: &str, remaining: &str| {
        let total = report[total].as_f64().filter(|total| *total > 0.0)?;
        Some(report[remaining].as_f64()? / total * 100.0)
    };
    share("TotalBudgetRequests", "BudgetRequestsRemaining")
        .or_else(|| share("TotalBudgetSeconds", "BudgetSecondsRemaining"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_found_by_name_or_arn_and_what_is_left_is_a_share() {
        let answer = json!({
            "Reports": [
                { "Name": "a", "Arn": "arn:a", "BudgetStatus": "OK", "TotalBudgetSeconds": 200, "BudgetSecondsRemaining": 50 },
                { "Name": "b", "Arn": "arn:b", "BudgetStatus": "BREACHED", "TotalBudgetRequests": 10, "BudgetRequestsRemaining": -5 },
                { "Name": "c", "Arn": "arn:c", "BudgetStatus": "INSUFFICIENT_DATA" },
            ],
            "Errors": [{ "Name": "d", "Arn": "arn:d", "ErrorCode": "404", "ErrorMessage": "SLO not found" }],
        });
        let budget = |status: &str, remaining_percent| BudgetReport::Budget {
            status: status.to_owned(),
            remaining_percent,
        };
        assert_eq!(find_report(&answer, "arn:a"), budget("OK", Some(25.0)));
        assert_eq!(find_report(&answer, "b"), budget("BREACHED", Some(-50.0)));
        assert_eq!(find_report(&answer, "c"), budget("INSUFFICIENT_DATA", None));
        let failed = |why: &str| BudgetReport::Failed(why.to_owned());
        assert_eq!(find_report(&answer, "d"), failed("SLO not found (404)"));
        assert_eq!(
            find_report(&answer, "e"),
            failed("there is no report of it")
        );
    }
}
