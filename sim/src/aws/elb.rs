//! Elastic Load Balancing v2: listeners with their weights, target groups with the health of real
//! targets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Input, ServiceError};
use crate::account::{Account, Listener, TargetGroup};
use crate::cloud::Cloud;
use crate::options::LoadBalancerKind;
use crate::world::Health;

/// Every account has one virtual network here.
const NETWORK: &str = "vpc-0a1b2c3d4e5f60718";

/// Answers an operation of `ELBv2`.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "DescribeListeners" => cloud.read(|account| describe_listeners(account, input)),
        "DescribeRules" => cloud.read(|account| describe_rules(account, input)),
        "DescribeTargetGroups" => {
            cloud.read(|account| describe_target_groups(cloud, account, input))
        }
        "DescribeLoadBalancers" => {
            cloud.read(|account| describe_load_balancers(cloud, account, input))
        }
        "DescribeTargetHealth" => describe_target_health(cloud, input),
        _ => return None,
    })
}

fn describe_listeners(account: &Account, input: Input<'_>) -> Answer {
    let arns = input.text_list("ListenerArns");
    check_load_balancer(account, input.text("LoadBalancerArn"))?;
    let arn = |listener: &Listener| account.location.listener_arn(listener.kind, &listener.name);
    let all: Vec<&Listener> = account
        .balancer
        .listeners
        .iter()
        .filter(|listener| is_elb(listener.kind))
        .collect();
    if let Some(missing) = arns
        .iter()
        .find(|wanted| !all.iter().any(|listener| arn(listener) == **wanted))
    {
        return Err(ServiceError::new(
            "ListenerNotFound",
            format!("One or more listeners not found: {missing}"),
        ));
    }
    let is_match = |listener: &&Listener| {
        let is_on_balancer = input
            .text("LoadBalancerArn")
            .is_none_or(|balancer| balancer == account.location.balancer_arn(listener.kind));
        is_on_balancer && (arns.is_empty() || arns.contains(&arn(listener).as_str()))
    };
    let chosen = all.into_iter().filter(is_match);
    let views: Vec<Value> = chosen
        .map(|listener| {
            json!({
                "ListenerArn": arn(listener), "LoadBalancerArn": account.location.balancer_arn(listener.kind),
                "Port": listener.address.port(), "Protocol": protocol(listener.kind), "DefaultActions": forward_actions(account, listener),
            })
        })
        .collect();
    Ok(json!({ "Listeners": views }))
}

/// What ELBv2 knows of.
const ELB_KINDS: [LoadBalancerKind; 2] = [LoadBalancerKind::Alb, LoadBalancerKind::Nlb];

fn is_elb(kind: LoadBalancerKind) -> bool {
    ELB_KINDS.contains(&kind)
}

const fn protocol(kind: LoadBalancerKind) -> &'static str {
    match kind {
        LoadBalancerKind::Nlb => "TCP",
        LoadBalancerKind::Alb
        | LoadBalancerKind::Lattice
        | LoadBalancerKind::Gateway
        | LoadBalancerKind::ServiceConnect
        | LoadBalancerKind::Headless => "HTTP",
    }
}

fn check_load_balancer(account: &Account, arn: Option<&str>) -> Result<(), ServiceError> {
    match arn {
        Some(arn)
            if ELB_KINDS
                .into_iter()
                .all(|kind| arn != account.location.balancer_arn(kind)) =>
        {
            Err(ServiceError::new(
                "LoadBalancerNotFound",
                format!("Load balancer '{arn}' not found"),
            ))
        }
        Some(_) | None => Ok(()),
    }
}

fn forward_actions(account: &Account, listener: &Listener) -> Value {
    let groups: Vec<Value> = listener
        .forward
        .iter()
        .map(|(name, weight)| json!({ "TargetGroupArn": account.location.target_group_arn(name), "Weight": weight }))
        .collect();
    let mut action = json!({ "Type": "forward", "Order": 1,
        "ForwardConfig": { "TargetGroups": groups, "TargetGroupStickinessConfig": { "Enabled": false } } });
    if let [(only, _)] = listener.forward.as_slice() {
        action["TargetGroupArn"] = json!(account.location.target_group_arn(only));
    }
    json!([action])
}

fn describe_rules(account: &Account, input: Input<'_>) -> Answer {
    let (listener_arn, rule_arns) = (input.text("ListenerArn"), input.text_list("RuleArns"));
    let is_match = |listener: &&Listener| {
        listener.kind == LoadBalancerKind::Alb
            && listener_arn.is_none_or(|arn| {
                arn == account.location.listener_arn(listener.kind, &listener.name)
            })
            && (rule_arns.is_empty()
                || rule_arns.contains(&account.location.rule_arn(&listener.name).as_str()))
    };
    let found: Vec<&Listener> = account.balancer.listeners.iter().filter(is_match).collect();
    if found.is_empty() {
        let code = if rule_arns.is_empty() {
            "ListenerNotFound"
        } else {
            "RuleNotFound"
        };
        return Err(ServiceError::new(
            code,
            "One or more rules or listeners not found",
        ));
    }
    let views: Vec<Value> = found
        .into_iter()
        .map(|listener| {
            let arn = account.location.rule_arn(&listener.name);
            json!({ "RuleArn": arn, "Priority": "default", "Conditions": [], "Actions": forward_actions(account, listener), "IsDefault": true })
        })
        .collect();
    Ok(json!({ "Rules": views }))
}

fn describe_target_groups(cloud: &Cloud, account: &Account, input: Input<'_>) -> Answer {
    let contents = &cloud.options.account_contents;
    check_load_balancer(account, input.text("LoadBalancerArn"))?;
    let (arns, names) = (input.text_list("TargetGroupArns"), input.text_list("Names"));
    let is_match = |group: &&TargetGroup| {
        let arn = account.location.target_group_arn(&group.name);
        is_elb(group.kind)
            && !contents.missing_target_groups.contains(&group.name)
            && (arns.is_empty() || arns.contains(&arn.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
    };
    let found: Vec<Value> = account
        .balancer
        .target_groups
        .iter()
        .filter(is_match)
        .map(|group| {
            let mut view = target_group_view(account, group);
            for (member, value) in contents
                .target_groups
                .get(&group.name)
                .into_iter()
                .flatten()
            {
                view[member] = value.clone();
            }
            view
        })
        .collect();
    if found.len() < arns.len().max(names.len()) {
        return Err(ServiceError::new(
            "TargetGroupNotFound",
            "One or more target groups not found",
        ));
    }
    Ok(json!({ "TargetGroups": found }))
}

fn target_group_view(account: &Account, group: &TargetGroup) -> Value {
    let balancers = if account.balancer.is_used(&group.name) {
        vec![account.location.balancer_arn(group.kind)]
    } else {
        Vec::new()
    };
    let mut view = json!({
        "TargetGroupArn": account.location.target_group_arn(&group.name), "TargetGroupName": group.name, "Protocol": protocol(group.kind),
        "Port": group.port,
        "VpcId": NETWORK, "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port", "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/health", "Matcher": { "HttpCode": "200" }, "LoadBalancerArns": balancers, "TargetType": "ip",
        "IpAddressType": "ipv4",
    });
    if group.kind == LoadBalancerKind::Alb {
        view["ProtocolVersion"] = json!("HTTP1");
    }
    view
}

fn describe_load_balancers(cloud: &Cloud, account: &Account, input: Input<'_>) -> Answer {
    let (arns, names) = (
        input.text_list("LoadBalancerArns"),
        input.text_list("Names"),
    );
    let is_used = |kind: &LoadBalancerKind| {
        *kind == LoadBalancerKind::Alb
            || account
                .balancer
                .listeners
                .iter()
                .any(|listener| listener.kind == *kind)
    };
    let is_match = |kind: &LoadBalancerKind| {
        let arn = account.location.balancer_arn(*kind);
        (arns.is_empty() || arns.contains(&arn.as_str()))
            && (names.is_empty() || names.contains(&load_balancer_name(*kind)))
    };
    let found: Vec<Value> = ELB_KINDS
        .into_iter()
        .filter(is_used)
        .filter(is_match)
        .map(|kind| load_balancer_view(cloud, account, kind))
        .collect();
    if found.len() < arns.len().max(names.len()) {
        return Err(ServiceError::new(
            "LoadBalancerNotFound",
            "One or more load balancers not found",
        ));
    }
    Ok(json!({ "LoadBalancers": found }))
}

const fn load_balancer_name(kind: LoadBalancerKind) -> &'static str {
    match kind {
        LoadBalancerKind::Nlb => "stage-network",
        LoadBalancerKind::Alb
        | LoadBalancerKind::Lattice
        | LoadBalancerKind::Gateway
        | LoadBalancerKind::ServiceConnect
        | LoadBalancerKind::Headless => "stage",
    }
}

fn load_balancer_view(cloud: &Cloud, account: &Account, kind: LoadBalancerKind) -> Value {
    let zone = json!({ "ZoneName": format!("{}a", account.location.region), "SubnetId": "subnet-0a1b2c3d4e5f60718" });
    json!({
        "LoadBalancerArn": account.location.balancer_arn(kind), "DNSName": cloud.public_host(), "CanonicalHostedZoneId": "Z215JYRZR1TBD5",
        "CreatedTime": "2025-01-01T00:00:00.000Z", "LoadBalancerName": load_balancer_name(kind), "Scheme": "internet-facing", "VpcId": NETWORK,
        "State": { "Code": "active" }, "Type": if kind == LoadBalancerKind::Nlb { "network" } else { "application" }, "AvailabilityZones": [zone], "SecurityGroups": [], "IpAddressType": "ipv4",
    })
}

fn describe_target_health(cloud: &Cloud, input: Input<'_>) -> Answer {
    let arn = input
        .text("TargetGroupArn")
        .ok_or_else(|| ServiceError::new("ValidationError", "TargetGroupArn is required"))?;
    let name = cloud.read(|account| {
        let groups = &account.balancer.target_groups;
        groups
            .iter()
            .find(|group| {
                is_elb(group.kind) && account.location.target_group_arn(&group.name) == arn
            })
            .map(|group| group.name.clone())
    });
    let name = name.ok_or_else(|| {
        ServiceError::new(
            "TargetGroupNotFound",
            format!("Target group '{arn}' not found"),
        )
    })?;
    let used = cloud.read(|account| account.balancer.is_used(&name));
    let targets: Vec<Value> = cloud
        .world
        .target_health(&name)
        .into_iter()
        .map(|(address, health)| {
            let port = address.port();
            json!({ "Target": { "Id": address.ip().to_string(), "Port": port, "AvailabilityZone": format!("{}a", cloud.options.region) },
                "HealthCheckPort": port.to_string(), "TargetHealth": target_health_view(health, used) })
        })
        .collect();
    Ok(json!({ "TargetHealthDescriptions": targets }))
}

fn target_health_view(health: Health, used: bool) -> Value {
    let state = |state: &str, reason: &str, description: &str| json!({ "State": state, "Reason": reason, "Description": description });
    if !used {
        return state(
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        );
    }
    match health {
        Health::Healthy => json!({ "State": "healthy" }),
        Health::Initial => state(
            "initial",
            "Elb.InitialHealthChecking",
            "Initial health checks in progress",
        ),
        Health::Unhealthy => state(
            "unhealthy",
            "Target.FailedHealthChecks",
            "Health checks failed",
        ),
    }
}
