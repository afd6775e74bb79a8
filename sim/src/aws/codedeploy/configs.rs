//! Deployment configurations: AWS's own for ECS, and the account's.

use serde_json::{Value, json};

use crate::account::{Account, seconds, uuid_of};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::options::Traffic;

pub(super) fn get(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let name = asked.text("deploymentConfigName").unwrap_or_default();
    cloud.look(|account| {
        let traffic = find(account, name)?;
        Ok(json!({ "deploymentConfigInfo": {
            "deploymentConfigId": uuid_of(name), "deploymentConfigName": name, "computePlatform": "ECS",
            "createTime": seconds(1_700_000_000_000), "trafficRoutingConfig": routing(traffic),
        } }))
    })
}

pub(super) fn list(cloud: &Cloud) -> Answer {
    cloud.look(|account| {
        Ok(json!({ "deploymentConfigsList": account.configs.keys().collect::<Vec<_>>() }))
    })
}

/// How a configuration moves traffic.
pub(super) fn find(account: &Account, name: &str) -> Result<Traffic, Refusal> {
    let missing = || {
        Refusal::new(
            "DeploymentConfigDoesNotExistException",
            format!("No deployment configuration found for name: {name}"),
        )
    };
    account.configs.get(name).copied().ok_or_else(missing)
}

fn routing(traffic: Traffic) -> Value {
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
