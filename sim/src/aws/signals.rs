//! CloudWatch Application Signals: the error budgets of service level objectives.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Input, ServiceError};
use crate::account::{Location, epoch_seconds};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::ObjectiveOptions;

/// The whole budget of every objective.
const BUDGET_SECONDS: i64 = 1_000;
/// How many objectives are reported at once.
const MAX_OBJECTIVES: usize = 50;

/// Answers an operation of Application Signals.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "BatchGetServiceLevelObjectiveBudgetReport" => report_budgets(cloud, input),
        _ => return None,
    })
}

fn report_budgets(cloud: &Cloud, input: Input<'_>) -> Answer {
    let location = cloud.read(|account| account.location.clone());
    let asked = input.text_list("SloIds");
    if asked.is_empty() || asked.len() > MAX_OBJECTIVES || input.get("Timestamp").is_none() {
        let message = "SloIds must have between 1 and 50 items, and Timestamp must be given";
        return Err(ServiceError::new("ValidationException", message));
    }
    let (mut reports, mut errors) = (Vec::new(), Vec::new());
    for id in asked {
        let name = id.rsplit_once(":slo/").map_or(id, |(_, name)| name);
        match cloud.options.objectives.get(name) {
            Some(objective) => reports.push(report(&location, name, objective)),
            None => errors.push(json!({ "Name": name, "Arn": objective_arn(&location, name),
                "ErrorCode": "ResourceNotFoundException", "ErrorMessage": "The SLO does not exist." })),
        }
    }
    Ok(json!({ "Timestamp": epoch_seconds(now_ms()), "Reports": reports, "Errors": errors }))
}

fn objective_arn(location: &Location, name: &str) -> String {
    format!(
        "arn:aws:application-signals:{}:{}:slo/{name}",
        location.region, location.account
    )
}

fn report(location: &Location, name: &str, objective: &ObjectiveOptions) -> Value {
    let mut report = json!({ "Arn": objective_arn(location, name), "Name": name,
        "EvaluationType": "PeriodBased", "BudgetStatus": objective.status });
    if let Some(left) = objective.seconds_left {
        report["TotalBudgetSeconds"] = json!(BUDGET_SECONDS);
        report["BudgetSecondsRemaining"] = json!(left);
    }
    report
}
