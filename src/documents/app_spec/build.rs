//! Builds an `AppSpec` from the service, for deployments without a file.

use serde_json::{Map, Value, json};

use crate::documents::network::Network;
use crate::identity::RevisionArn;

/// The values of a service that its `AppSpec` repeats.
#[derive(Debug, Clone, Copy)]
pub struct ServiceParts<'a> {
    /// The container that receives the traffic, from the service's load balancers.
    pub container_name: &'a str,
    /// The container's port.
    pub container_port: u16,
    /// The platform version, if the service has one.
    pub platform_version: Option<&'a str>,
    /// The capacity providers; empty when the service has a launch type.
    pub capacity_providers: &'a [CapacityProvider],
    /// Subnets and security groups of the tasks, in the network mode `awsvpc`.
    pub network: Option<&'a Network>,
}

/// One item of a capacity provider strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapacityProvider {
    /// The capacity provider's name.
    pub name: String,
    /// The minimum number of tasks on it.
    pub base: u32,
    /// Its share of the tasks beyond the bases.
    pub weight: u32,
}

impl CapacityProvider {
    /// Reads `capacityProviderStrategy` of ECS's answer.
    pub fn parse_list(strategy: &Value) -> Vec<Self> {
        let number = |item: &Value, key: &str| {
            item[key]
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(0)
        };
        let one = |item: &Value| {
            Some(Self {
                name: item["capacityProvider"].as_str()?.to_owned(),
                base: number(item, "base"),
                weight: number(item, "weight"),
            })
        };
        strategy
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(one)
            .collect()
    }
}

/// The `AppSpec` of a deployment of this revision to the service.
pub fn build(revision_arn: &RevisionArn, parts: &ServiceParts<'_>) -> Value {
    let mut properties = Map::new();
    let mut put = |key: &str, value: Value| drop(properties.insert(key.to_owned(), value));
    put("TaskDefinition", json!(revision_arn));
    put(
        "LoadBalancerInfo",
        json!({ "ContainerName": parts.container_name, "ContainerPort": parts.container_port }),
    );
    if let Some(version) = parts.platform_version {
        put("PlatformVersion", json!(version));
    }
    if let Some(network) = parts.network {
        put("NetworkConfiguration", network_configuration(network));
    }
    if !parts.capacity_providers.is_empty() {
        put(
            "CapacityProviderStrategy",
            parts.capacity_providers.iter().map(provider_item).collect(),
        );
    }
    json!({ "version": 0, "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties": properties } }] })
}

fn network_configuration(network: &Network) -> Value {
    json!({ "AwsvpcConfiguration": {
        "Subnets": network.subnets,
        "SecurityGroups": network.security_groups,
        "AssignPublicIp": network.assign_public_ip.as_str(),
    } })
}

fn provider_item(provider: &CapacityProvider) -> Value {
    json!({ "CapacityProvider": provider.name, "Base": provider.base, "Weight": provider.weight })
}
