//! The `deploymentConfiguration` that a service has from the start, out of the stage's options.

use serde_json::{Map, Value, json};

use super::Configuration;
use crate::options::{Breaker, Controller, EcsStrategyOptions, RollingOptions, Strategy};

impl Configuration {
    /// What a service has from the start; none unless ECS performs its rollouts.
    pub(crate) fn from_controller(controller: &Controller) -> Option<Self> {
        match controller {
            Controller::Rolling(options) => Some(rolling_configuration(options)),
            Controller::Ecs(options) => Some(ecs_configuration(options)),
            Controller::CodeDeploy(_) | Controller::External => None,
        }
    }
}

fn rolling_configuration(options: &RollingOptions) -> Configuration {
    let mut members = common_members(
        options.breaker,
        &options.alarms,
        options.breaker == Breaker::Rollback,
    );
    members.insert("maximumPercent".to_owned(), json!(options.maximum_percent));
    members.insert(
        "minimumHealthyPercent".to_owned(),
        json!(options.minimum_healthy_percent),
    );
    members.insert("strategy".to_owned(), json!("ROLLING"));
    members.insert("bakeTimeInMinutes".to_owned(), json!(0));
    Configuration(members)
}

fn ecs_configuration(options: &EcsStrategyOptions) -> Configuration {
    let mut members = common_members(options.breaker, &options.alarms, true);
    members.insert("maximumPercent".to_owned(), json!(200));
    members.insert("minimumHealthyPercent".to_owned(), json!(100));
    members.insert("bakeTimeInMinutes".to_owned(), json!(options.bake_minutes));
    members.insert("lifecycleHooks".to_owned(), json!(options.hooks));
    let strategy = match options.strategy {
        Strategy::BlueGreen => "BLUE_GREEN",
        Strategy::Canary {
            percent,
            bake_minutes,
        } => {
            let steps =
                json!({ "canaryPercent": percent, "canaryBakeTimeInMinutes": bake_minutes });
            members.insert("canaryConfiguration".to_owned(), steps);
            "CANARY"
        }
        Strategy::Linear {
            percent,
            bake_minutes,
        } => {
            let steps = json!({ "stepPercent": percent, "stepBakeTimeInMinutes": bake_minutes });
            members.insert("linearConfiguration".to_owned(), steps);
            "LINEAR"
        }
    };
    members.insert("strategy".to_owned(), json!(strategy));
    Configuration(members)
}

/// The circuit breaker and the alarms.
fn common_members(
    breaker: Breaker,
    alarms: &[String],
    alarms_roll_back: bool,
) -> Map<String, Value> {
    let enable = !alarms.is_empty();
    let breaker =
        json!({ "enable": breaker != Breaker::Off, "rollback": breaker == Breaker::Rollback });
    let alarms =
        json!({ "alarmNames": alarms, "rollback": enable && alarms_roll_back, "enable": enable });
    [
        ("deploymentCircuitBreaker".to_owned(), breaker),
        ("alarms".to_owned(), alarms),
    ]
    .into_iter()
    .collect()
}
