//! Elastic Load Balancing v2: listeners with their weights, target groups with the health of real
//! targets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Asked, Refusal};
use crate::account::{Account, Listener, TargetGroup};
use crate::cloud::Cloud;
use crate::options::Kind;
use crate::world::Health;

/// Every account has one virtual network here.
const NETWORK: &str = "vpc-0a1b2c3d4e5f60718";

/// Answers an operation of `ELBv2`.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "DescribeListeners" => cloud.look(|account| listeners(account, asked)),
        "DescribeRules" => cloud.look(|account| rules(account, asked)),
        "DescribeTargetGroups" => cloud.look(|account| target_groups(account, asked)),
        "DescribeLoadBalancers" => cloud.look(|account| balancers(cloud, account, asked)),
        "DescribeTargetHealth" => health(cloud, asked),
        _ => return None,
    })
}

fn listeners(account: &Account, asked: Asked<'_>) -> Answer {
    let arns = asked.texts("ListenerArns");
    check_balancer(account, asked.text("LoadBalancerArn"))?;
    let arn = |listener: &Listener| account.place.listener_arn(listener.kind, &listener.name);
    let all: Vec<&Listener> = account
        .balancer
        .listeners
        .iter()
        .filter(|listener| is_balanced(listener.kind))
        .collect();
    if let Some(missing) = arns
        .iter()
        .find(|wanted| !all.iter().any(|listener| arn(listener) == **wanted))
    {
        return Err(Refusal::new(
            "ListenerNotFound",
            format!("One or more listeners not found: {missing}"),
        ));
    }
    let fits = |listener: &&Listener| {
        let of = asked
            .text("LoadBalancerArn")
            .is_none_or(|balancer| balancer == account.place.balancer_arn(listener.kind));
        of && (arns.is_empty() || arns.contains(&arn(listener).as_str()))
    };
    let chosen = all.into_iter().filter(fits);
    let views: Vec<Value> = chosen
        .map(|listener| {
            json!({
                "ListenerArn": arn(listener), "LoadBalancerArn": account.place.balancer_arn(listener.kind),
                "Port": listener.address.port(), "Protocol": protocol(listener.kind), "DefaultActions": actions(account, listener),
            })
        })
        .collect();
    Ok(json!({ "Listeners": views }))
}

/// What ELBv2 knows of.
const BALANCED: [Kind; 2] = [Kind::Alb, Kind::Nlb];

fn is_balanced(kind: Kind) -> bool {
    BALANCED.contains(&kind)
}

const fn protocol(kind: Kind) -> &'static str {
    match kind {
        Kind::Nlb => "TCP",
        Kind::Alb | Kind::Lattice | Kind::Gateway | Kind::ServiceConnect | Kind::Headless => "HTTP",
    }
}

fn check_balancer(account: &Account, arn: Option<&str>) -> Result<(), Refusal> {
    match arn {
        Some(arn)
            if BALANCED
                .into_iter()
                .all(|kind| arn != account.place.balancer_arn(kind)) =>
        {
            Err(Refusal::new(
                "LoadBalancerNotFound",
                format!("Load balancer '{arn}' not found"),
            ))
        }
        Some(_) | None => Ok(()),
    }
}

fn actions(account: &Account, listener: &Listener) -> Value {
    let groups: Vec<Value> = listener
        .forward
        .iter()
        .map(|(name, weight)| json!({ "TargetGroupArn": account.place.target_group_arn(name), "Weight": weight }))
        .collect();
    let mut action = json!({ "Type": "forward", "Order": 1,
        "ForwardConfig": { "TargetGroups": groups, "TargetGroupStickinessConfig": { "Enabled": false } } });
    if let [(only, _)] = listener.forward.as_slice() {
        action["TargetGroupArn"] = json!(account.place.target_group_arn(only));
    }
    json!([action])
}

fn rules(account: &Account, asked: Asked<'_>) -> Answer {
    let (listener_arn, rule_arns) = (asked.text("ListenerArn"), asked.texts("RuleArns"));
    let fits = |listener: &&Listener| {
        listener.kind == Kind::Alb
            && listener_arn
                .is_none_or(|arn| arn == account.place.listener_arn(listener.kind, &listener.name))
            && (rule_arns.is_empty()
                || rule_arns.contains(&account.place.rule_arn(&listener.name).as_str()))
    };
    let found: Vec<&Listener> = account.balancer.listeners.iter().filter(fits).collect();
    if found.is_empty() {
        let code = if rule_arns.is_empty() {
            "ListenerNotFound"
        } else {
            "RuleNotFound"
        };
        return Err(Refusal::new(
            code,
            "One or more rules or listeners not found",
        ));
    }
    let views: Vec<Value> = found
        .into_iter()
        .map(|listener| {
            let arn = account.place.rule_arn(&listener.name);
            json!({ "RuleArn": arn, "Priority": "default", "Conditions": [], "Actions": actions(account, listener), "IsDefault": true })
        })
        .collect();
    Ok(json!({ "Rules": views }))
}

fn target_groups(account: &Account, asked: Asked<'_>) -> Answer {
    check_balancer(account, asked.text("LoadBalancerArn"))?;
    let (arns, names) = (asked.texts("TargetGroupArns"), asked.texts("Names"));
    let fits = |group: &&TargetGroup| {
        let arn = account.place.target_group_arn(&group.name);
        is_balanced(group.kind)
            && (arns.is_empty() || arns.contains(&arn.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
    };
    let found: Vec<Value> = account
        .balancer
        .target_groups
        .iter()
        .filter(fits)
        .map(|group| target_group(account, group))
        .collect();
    if found.len() < arns.len().max(names.len()) {
        return Err(Refusal::new(
            "TargetGroupNotFound",
            "One or more target groups not found",
        ));
    }
    Ok(json!({ "TargetGroups": found }))
}

fn target_group(account: &Account, group: &TargetGroup) -> Value {
    let balancers = if account.balancer.is_used(&group.name) {
        vec![account.place.balancer_arn(group.kind)]
    } else {
        Vec::new()
    };
    let mut view = json!({
        "TargetGroupArn": account.place.target_group_arn(&group.name), "TargetGroupName": group.name, "Protocol": protocol(group.kind),
        "Port": group.port,
        "VpcId": NETWORK, "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port", "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/health", "Matcher": { "HttpCode": "200" }, "LoadBalancerArns": balancers, "TargetType": "ip",
        "IpAddressType": "ipv4",
    });
    if group.kind == Kind::Alb {
        view["ProtocolVersion"] = json!("HTTP1");
    }
    view
}

fn balancers(cloud: &Cloud, account: &Account, asked: Asked<'_>) -> Answer {
    let (arns, names) = (asked.texts("LoadBalancerArns"), asked.texts("Names"));
    let used = |kind: &Kind| {
        *kind == Kind::Alb
            || account
                .balancer
                .listeners
                .iter()
                .any(|listener| listener.kind == *kind)
    };
    let fits = |kind: &Kind| {
        let arn = account.place.balancer_arn(*kind);
        (arns.is_empty() || arns.contains(&arn.as_str()))
            && (names.is_empty() || names.contains(&balancer_name(*kind)))
    };
    let found: Vec<Value> = BALANCED
        .into_iter()
        .filter(used)
        .filter(fits)
        .map(|kind| balancer(cloud, account, kind))
        .collect();
    if found.len() < arns.len().max(names.len()) {
        return Err(Refusal::new(
            "LoadBalancerNotFound",
            "One or more load balancers not found",
        ));
    }
    Ok(json!({ "LoadBalancers": found }))
}

const fn balancer_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Nlb => "stage-network",
        Kind::Alb | Kind::Lattice | Kind::Gateway | Kind::ServiceConnect | Kind::Headless => {
            "stage"
        }
    }
}

fn balancer(cloud: &Cloud, account: &Account, kind: Kind) -> Value {
    let zone = json!({ "ZoneName": format!("{}a", account.place.region), "SubnetId": "subnet-0a1b2c3d4e5f60718" });
    json!({
        "LoadBalancerArn": account.place.balancer_arn(kind), "DNSName": cloud.public_host(), "CanonicalHostedZoneId": "Z215JYRZR1TBD5",
        "CreatedTime": "2025-01-01T00:00:00.000Z", "LoadBalancerName": balancer_name(kind), "Scheme": "internet-facing", "VpcId": NETWORK,
        "State": { "Code": "active" }, "Type": if kind == Kind::Nlb { "network" } else { "application" }, "AvailabilityZones": [zone], "SecurityGroups": [], "IpAddressType": "ipv4",
    })
}

fn health(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let arn = asked
        .text("TargetGroupArn")
        .ok_or_else(|| Refusal::new("ValidationError", "TargetGroupArn is required"))?;
    let name = cloud.look(|account| {
        let groups = &account.balancer.target_groups;
        groups
            .iter()
            .find(|group| {
                is_balanced(group.kind) && account.place.target_group_arn(&group.name) == arn
            })
            .map(|group| group.name.clone())
    });
    let name = name.ok_or_else(|| {
        Refusal::new(
            "TargetGroupNotFound",
            format!("Target group '{arn}' not found"),
        )
    })?;
    let used = cloud.look(|account| account.balancer.is_used(&name));
    let targets: Vec<Value> = cloud
        .world
        .target_health(&name)
        .into_iter()
        .map(|(address, health)| {
            let port = address.port();
            json!({ "Target": { "Id": address.ip().to_string(), "Port": port, "AvailabilityZone": format!("{}a", cloud.options.region) },
                "HealthCheckPort": port.to_string(), "TargetHealth": target_health(health, used) })
        })
        .collect();
    Ok(json!({ "TargetHealthDescriptions": targets }))
}

fn target_health(health: Health, used: bool) -> Value {
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
