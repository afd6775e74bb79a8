//! Deployment configurations: AWS's own for ECS, and the account's.

use serde_json::{Value, json};

use crate::account::{Account, epoch_seconds, uuid_from};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;
use crate::options::Traffic;

pub(super) fn get(cloud: &Cloud, input: Input<'_>) -> Answer {
    let name = input.text("deploymentConfigName").unwrap_or_default();
    cloud.read(|account| {
        let traffic = find(account, name)?;
        Ok(json!({ "deploymentConfigInfo": {
            "deploymentConfigId": uuid_from(name), "deploymentConfigName": name, "computePlatform": "ECS",
            "createTime": epoch_seconds(1_700_000_000_000), "trafficRoutingConfig": traffic_routing(traffic),
        } }))
    })
}

pub(super) fn list(cloud: &Cloud) -> Answer {
    cloud.read(|account| {
        Ok(json!({ "deploymentConfigsList": account.configs.keys().collect::<Vec<_>>() }))
    })
}

/// How a configuration moves traffic.
pub(super) fn find(account: &Account, name: &str) -> Result<Traffic, ServiceError> {
    let missing = || {
        ServiceError::new(
            "DeploymentConfigDoesNotExistException",
            format!("No deployment configuration found for name: {name}"),
        )
    };
    account.configs.get(name).copied().ok_or_else(missing)
}

fn traffic_routing(traffic: Traffic) -> Value {
    match traffic {
        Traffic::AllAtOnce => json!({ "type": "AllAtOnce" }),
        Traffic::Canary { percent, minutes } => {
            json!({ "type": "TimeBasedCanary", "timeBasedCanary": { "canaryPercentage": percent, "canaryInterval": minutes } })
        }
        Traffic::Linear { percent, minutes } => {
            json!({ "type": "TimeBasedLinear", "timeBasedLinear": { "linearPercentage": percent, "linearInterval": minutes } })
        }
    }
}
