//! PURE: the fields of a service that a deployment leaves as they are until somebody changes them,
//! from AWS's answer, in one spelling: defaults left out, lists without a meaning in order.
//!
//! What AWS changes by itself is not among them: weights, which of two target groups serves, and
//! the number of tasks, which is compared on its own. Of fields that AWS may extend only the members
//! that are known are taken: a member that AWS begins to show is no change.
//!
//! Shapes: DescribeServices of Amazon ECS (`Service`, `TaskSet`, `Deployment`).

use serde_json::{Map, Value, json};

use crate::documents::deployment_configuration::{HookIdentity, hooks_of_others};

/// The fields, by AWS's names. A record has a hash for each of them, by its place in this list: new
/// ones are added at the end, and none is ever moved.
pub const FIELDS: [&str; 27] = [
    "deploymentConfiguration.strategy",
    "deploymentConfiguration.minimumHealthyPercent",
    "deploymentConfiguration.maximumPercent",
    "deploymentConfiguration.bakeTimeInMinutes",
    "deploymentConfiguration.canaryConfiguration",
    "deploymentConfiguration.linearConfiguration",
    "deploymentConfiguration.deploymentCircuitBreaker",
    "deploymentConfiguration.alarms",
    "deploymentConfiguration.lifecycleHooks",
    "networkConfiguration.subnets",
    "networkConfiguration.securityGroups",
    "networkConfiguration.assignPublicIp",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "vpcLatticeConfigurations",
    "volumeConfigurations",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "propagateTags",
    "availabilityZoneRebalancing",
];

/// What AWS takes where a field, or a member of one, is left out.
const DEFAULTS: [(&str, &str); 11] = [
    ("strategy", "ROLLING"),
    ("minimumHealthyPercent", "100"),
    ("maximumPercent", "200"),
    ("assignPublicIp", "DISABLED"),
    ("platformVersion", "LATEST"),
    ("propagateTags", "NONE"),
    ("availabilityZoneRebalancing", "DISABLED"),
    ("targetType", "AWS_LAMBDA"),
    ("timeoutInMinutes", "1440"),
    ("action", "ROLLBACK"),
    ("resetOnHealthyTask", "true"),
];

/// Lists whose order has a meaning.
const SEQUENCES: [&str; 1] = ["placementStrategy"];

/// The value of every field of [`FIELDS`], `null` where it is left out or as AWS would fill it in.
/// `service` is AWS's whole answer about the service; `own_hooks` tells this action's hooks, which
/// come and go with rollouts.
pub fn canonical_fields(service: &Value, own_hooks: HookIdentity<'_>) -> Vec<Value> {
    let source = Source::new(service);
    FIELDS
        .iter()
        .map(|field| canonical_field(&source, field, own_hooks))
        .collect()
}

/// The number of tasks that the service is told to run; none where AWS alone decides it (a service
/// with a task on every instance).
pub fn desired_count(service: &Value) -> Option<i64> {
    let is_daemon = service["schedulingStrategy"] == "DAEMON";
    service["desiredCount"].as_i64().filter(|_| !is_daemon)
}

/// A value in one spelling: members in order, nothing that is empty or a default, and lists in
/// order where their order has no meaning.
fn canonical(value: &Value) -> Value {
    canonical_member("", value)
}

/// Where AWS shows the fields of a service: under CodeDeploy a task set has some of them, and what
/// belongs to a deployment of ECS is shown there.
struct Source<'s> {
    service: &'s Value,
    tasks: &'s Value,
    deployment: &'s Value,
}

impl<'s> Source<'s> {
    fn new(service: &'s Value) -> Self {
        let primary_of = |list: &str| {
            let mut items = service[list].as_array().into_iter().flatten();
            items.find(|item| item["status"] == "PRIMARY")
        };
        Self {
            service,
            tasks: primary_of("taskSets").unwrap_or(service),
            deployment: primary_of("deployments").unwrap_or(&Value::Null),
        }
    }

    /// Whether a controller other than ECS runs the tasks.
    fn has_task_set(&self) -> bool {
        !std::ptr::eq(self.tasks, self.service)
    }
}

fn canonical_field(source: &Source<'_>, field: &str, own_hooks: HookIdentity<'_>) -> Value {
    let configuration = &source.service["deploymentConfiguration"];
    let network = &source.tasks["networkConfiguration"]["awsvpcConfiguration"];
    let (group, member) = field.split_once('.').unwrap_or(("", field));
    match (group, member) {
        (_, "deploymentCircuitBreaker") => circuit_breaker(&configuration[member]),
        (_, "alarms") => alarms(&configuration[member]),
        (_, "lifecycleHooks") => {
            let others = hooks_of_others(Some(configuration), own_hooks);
            canonical_list("lifecycleHooks", others.iter().map(hook))
        }
        ("deploymentConfiguration", member) => canonical_member(member, &configuration[member]),
        ("networkConfiguration", member) => canonical_member(member, &network[member]),
        (_, "loadBalancers") => load_balancers(source),
        (
            _,
            "serviceConnectConfiguration" | "vpcLatticeConfigurations" | "volumeConfigurations",
        ) => canonical_member(member, &source.deployment[member]),
        (_, "serviceRegistries" | "launchType" | "capacityProviderStrategy") => {
            canonical_member(member, &source.tasks[member])
        }
        // A task set shows the version that `LATEST` was when it was made.
        (_, "platformVersion") if source.has_task_set() => Value::Null,
        (_, member) => canonical_member(member, &source.service[member]),
    }
}

/// A circuit breaker that is off is none, and its default threshold is half of the tasks.
fn circuit_breaker(breaker: &Value) -> Value {
    if breaker["enable"] != true {
        return Value::Null;
    }
    let threshold = &breaker["thresholdConfiguration"];
    let is_default = threshold["type"] == "BOUNDED_PERCENT" && threshold["value"] == 50;
    let threshold = if is_default { &Value::Null } else { threshold };
    canonical(&json!({
        "enable": true,
        "rollback": breaker["rollback"],
        "keepsCount": breaker["resetOnHealthyTask"] == false,
        "thresholdConfiguration": { "type": threshold["type"], "value": threshold["value"] },
    }))
}

/// Alarms that are off are none.
fn alarms(alarms: &Value) -> Value {
    if alarms["enable"] != true {
        return Value::Null;
    }
    canonical(&pick(alarms, &["enable", "rollback", "alarmNames"]))
}

fn hook(hook: &Value) -> Value {
    canonical(&pick(
        hook,
        &[
            "targetType",
            "hookTargetArn",
            "roleArn",
            "lifecycleStages",
            "hookDetails",
            "timeoutConfiguration",
        ],
    ))
}

/// Of the two target groups of a service either may be named first. Which ones CodeDeploy uses is
/// the deployment group's, and they alternate in its task sets.
fn load_balancers(source: &Source<'_>) -> Value {
    let balancers = source.tasks["loadBalancers"].as_array();
    let balancers = balancers.into_iter().flatten().map(|balancer| {
        let mut known = pick(
            balancer,
            &["loadBalancerName", "containerName", "containerPort"],
        );
        if !source.has_task_set() {
            let advanced = &balancer["advancedConfiguration"];
            known["targetGroups"] = json!([
                balancer["targetGroupArn"],
                advanced["alternateTargetGroupArn"]
            ]);
            known["advanced"] = pick(
                advanced,
                &["productionListenerRule", "testListenerRule", "roleArn"],
            );
        }
        canonical(&known)
    });
    canonical_list("loadBalancers", balancers)
}

fn pick(value: &Value, members: &[&str]) -> Value {
    let picked = members
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), value.get(member)?.clone())));
    Value::Object(picked.collect())
}

fn canonical_member(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(entries) => canonical_object(entries),
        Value::Array(items) => {
            canonical_list(key, items.iter().map(|item| canonical_member("", item)))
        }
        // 5 and 5.0 are one number.
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Value::Null,
            _ if is_default(key, &number.to_string()) => Value::Null,
            Some(float) => json!(float),
            None => value.clone(),
        },
        Value::String(text) if text.is_empty() || is_default(key, text) => Value::Null,
        Value::Null | Value::Bool(false) => Value::Null,
        Value::Bool(true) | Value::String(_) => value.clone(),
    }
}

fn is_default(key: &str, text: &str) -> bool {
    DEFAULTS.contains(&(key, text))
}

fn canonical_object(entries: &Map<String, Value>) -> Value {
    let mut members: Vec<(String, Value)> = entries
        .iter()
        .map(|(key, value)| (key.clone(), canonical_member(key, value)))
        .filter(|(_, value)| !value.is_null())
        .collect();
    members.sort_by(|(left, _), (right, _)| left.cmp(right));
    if members.is_empty() {
        Value::Null
    } else {
        Value::Object(members.into_iter().collect())
    }
}

fn canonical_list(key: &str, items: impl Iterator<Item = Value>) -> Value {
    let mut items: Vec<Value> = items.filter(|item| !item.is_null()).collect();
    if !SEQUENCES.contains(&key) {
        items.sort_by_cached_key(Value::to_string);
    }
    if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = (&'static str, fn(&mut Value));

    fn service() -> Value {
        json!({
            "schedulingStrategy": "REPLICA", "desiredCount": 2, "launchType": "FARGATE", "platformVersion": "LATEST",
            "deploymentConfiguration": {
                "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "minimumHealthyPercent": 100, "maximumPercent": 200,
                "deploymentCircuitBreaker": { "enable": true, "rollback": true },
                "alarms": { "enable": true, "rollback": true, "alarmNames": ["b", "a"] },
                "lifecycleHooks": [{ "hookTargetArn": "arn:f", "roleArn": "arn:r", "lifecycleStages": ["POST_SCALE_UP", "PRE_SCALE_UP"] }],
            },
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["s-1", "s-2"], "securityGroups": ["g-1"], "assignPublicIp": "DISABLED" } },
            "loadBalancers": [{ "targetGroupArn": "tg-1", "containerName": "app", "containerPort": 8080, "advancedConfiguration":
                { "alternateTargetGroupArn": "tg-2", "productionListenerRule": "rule-1", "roleArn": "arn:r" } }],
            "deployments": [{ "status": "PRIMARY", "serviceConnectConfiguration": { "enabled": true, "namespace": "n" } }],
            "placementStrategy": [{ "type": "spread", "field": "a" }, { "type": "binpack", "field": "memory" }],
            "healthCheckGracePeriodSeconds": 30, "enableExecuteCommand": false, "propagateTags": "NONE",
        })
    }

    fn differing(change: impl FnOnce(&mut Value)) -> Vec<&'static str> {
        let mut changed = service();
        change(&mut changed);
        let fields = |service: &Value| canonical_fields(service, HookIdentity::default());
        let pairs = fields(&service()).into_iter().zip(fields(&changed));
        FIELDS
            .iter()
            .zip(pairs)
            .filter(|(_, (before, after))| before != after)
            .map(|(field, _)| *field)
            .collect()
    }

    #[test]
    fn what_aws_fills_in_reorders_or_changes_by_itself_is_no_difference() {
        let same: [Change; 10] = [
            ("more tasks", |service| service["desiredCount"] = json!(9)),
            ("the other group serves", |service| {
                service["loadBalancers"][0]["targetGroupArn"] = json!("tg-2");
                service["loadBalancers"][0]["advancedConfiguration"]["alternateTargetGroupArn"] =
                    json!("tg-1");
            }),
            ("another order", |service| {
                service["networkConfiguration"]["awsvpcConfiguration"]["subnets"] =
                    json!(["s-2", "s-1"]);
                service["deploymentConfiguration"]["alarms"]["alarmNames"] = json!(["a", "b"]);
                service["deploymentConfiguration"]["lifecycleHooks"][0]["lifecycleStages"] =
                    json!(["PRE_SCALE_UP", "POST_SCALE_UP"]);
            }),
            ("defaults of the service", |service| {
                service["availabilityZoneRebalancing"] = json!("DISABLED");
                service["enableECSManagedTags"] = json!(false);
                service["placementConstraints"] = json!([]);
            }),
            ("left out", |service| {
                let members = service.as_object_mut().unwrap();
                members.shift_remove("propagateTags");
                members.shift_remove("platformVersion");
            }),
            ("the threshold that is the default", |service| {
                service["deploymentConfiguration"]["deploymentCircuitBreaker"] = json!({ "enable": true, "rollback": true,
                    "resetOnHealthyTask": true, "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 } });
            }),
            ("a hook's defaults", |service| {
                let hook = &mut service["deploymentConfiguration"]["lifecycleHooks"][0];
                hook["targetType"] = json!("AWS_LAMBDA");
                hook["timeoutConfiguration"] =
                    json!({ "timeoutInMinutes": 1440, "action": "ROLLBACK" });
            }),
            ("a number as a float", |service| {
                service["deploymentConfiguration"]["bakeTimeInMinutes"] = json!(5.0);
            }),
            ("a canary that is none", |service| {
                service["deploymentConfiguration"]["canaryConfiguration"] = Value::Null;
            }),
            ("a member of tomorrow", |service| {
                service["deploymentConfiguration"]["deploymentCircuitBreaker"]["patience"] =
                    json!(7);
                service["loadBalancers"][0]["newer"] = json!(true);
            }),
        ];
        for (what, change) in same {
            assert_eq!(differing(change), Vec::<&str>::new(), "{what}");
        }
    }

    #[test]
    fn what_somebody_changes_is_named_by_its_field() {
        let changes: [Change; 8] = [
            ("deploymentConfiguration.bakeTimeInMinutes", |service| {
                service["deploymentConfiguration"]["bakeTimeInMinutes"] = json!(1);
            }),
            ("deploymentConfiguration.alarms", |service| {
                service["deploymentConfiguration"]["alarms"]["enable"] = json!(false);
            }),
            ("deploymentConfiguration.lifecycleHooks", |service| {
                service["deploymentConfiguration"]["lifecycleHooks"] = json!([]);
            }),
            ("networkConfiguration.securityGroups", |service| {
                service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"] =
                    json!(["g-2"]);
            }),
            ("loadBalancers", |service| {
                service["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"] =
                    json!("rule-2");
            }),
            ("serviceConnectConfiguration", |service| {
                service["deployments"][0]["serviceConnectConfiguration"]["namespace"] = json!("m");
            }),
            ("placementStrategy", |service| {
                service["placementStrategy"]
                    .as_array_mut()
                    .unwrap()
                    .reverse();
            }),
            ("healthCheckGracePeriodSeconds", |service| {
                service["healthCheckGracePeriodSeconds"] = json!(0);
            }),
        ];
        for (field, change) in changes {
            assert_eq!(differing(change), [field]);
        }
    }

    #[test]
    fn a_task_set_s_groups_and_platform_are_codedeploy_s() {
        let service = |group: &str, platform: &str, port: u16| {
            json!({ "platformVersion": "LATEST", "taskSets": [
                { "status": "ACTIVE", "loadBalancers": [{ "targetGroupArn": "tg-9", "containerPort": 9 }] },
                { "status": "PRIMARY", "platformVersion": platform,
                    "loadBalancers": [{ "targetGroupArn": group, "containerName": "app", "containerPort": port }] },
            ] })
        };
        let fields = |service: &Value| canonical_fields(service, HookIdentity::default());
        let before = fields(&service("tg-1", "1.4.0", 8080));
        assert_eq!(before, fields(&service("tg-2", "1.5.0", 8080)));
        assert_ne!(before, fields(&service("tg-1", "1.4.0", 9090)));
    }

    #[test]
    fn where_aws_places_a_task_on_every_instance_no_number_is_asked_for() {
        assert_eq!(desired_count(&json!({ "desiredCount": 2 })), Some(2));
        assert_eq!(
            desired_count(&json!({ "desiredCount": 2, "schedulingStrategy": "DAEMON" })),
            None
        );
    }
}
