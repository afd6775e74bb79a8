//! The network settings of tasks: subnets, security groups, and whether they get a public address.

use serde_json::{Value, json};

use super::lists::parse_ids;
use crate::problem::Problem;

/// The network settings of tasks in the network mode `awsvpc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The ids of the subnets. Empty when only security groups were given: then the service's
    /// subnets are used.
    pub subnets: Vec<String>,
    /// The ids of the security groups.
    pub security_groups: Vec<String>,
    /// Whether tasks get a public address.
    pub assign_public_ip: AssignPublicIp,
}

/// Whether tasks get a public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignPublicIp {
    /// They get one.
    Enabled,
    /// They get none.
    Disabled,
}

impl AssignPublicIp {
    /// The spelling of AWS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }

    /// Reads the value of AWS or of a user, in any case; absent means `DISABLED`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "ENABLED" => Some(Self::Enabled),
            "DISABLED" | "" => Some(Self::Disabled),
            _ => None,
        }
    }
}

impl Network {
    /// Reads the inputs `run-task-subnets`, `run-task-security-groups` and
    /// `run-task-assign-public-IP`. By the official rule the last one counts only together with one
    /// of the others.
    pub fn from_run_task_inputs(
        subnets: &str,
        security_groups: &str,
        assign_public_ip: &str,
    ) -> Result<Option<Self>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut collect = |found: Result<Vec<String>, Vec<Problem>>| {
            found.unwrap_or_else(|found| {
                problems.extend(found);
                Vec::new()
            })
        };
        let subnets = collect(parse_ids(subnets, "run-task-subnets"));
        let security_groups = collect(parse_ids(security_groups, "run-task-security-groups"));
        let Some(assign_public_ip) = AssignPublicIp::parse(assign_public_ip) else {
            problems.push(public_ip_problem());
            return Err(problems);
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_given = !subnets.is_empty() || !security_groups.is_empty();
        Ok(is_given.then_some(Self {
            subnets,
            security_groups,
            assign_public_ip,
        }))
    }

    /// Reads `networkConfiguration` of ECS's answer; `None` when the tasks are not in the network
    /// mode `awsvpc`.
    pub fn from_value(configuration: &Value) -> Option<Self> {
        let awsvpc = configuration.get("awsvpcConfiguration")?;
        let ids = |key: &str| {
            awsvpc[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let assign_public_ip =
            AssignPublicIp::parse(awsvpc["assignPublicIp"].as_str().unwrap_or_default())?;
        Some(Self {
            subnets: ids("subnets"),
            security_groups: ids("securityGroups"),
            assign_public_ip,
        })
    }

    /// The value of `networkConfiguration` for the ECS API; an empty list is left out.
    pub fn to_value(&self) -> Value {
        let mut configuration = json!({ "assignPublicIp": self.assign_public_ip.as_str() });
        for (key, ids) in [
            ("subnets", &self.subnets),
            ("securityGroups", &self.security_groups),
        ] {
            if !ids.is_empty() {
                configuration[key] = json!(ids);
            }
        }
        json!({ "awsvpcConfiguration": configuration })
    }
}

fn public_ip_problem() -> Problem {
    Problem::new(
        "run-task-assign-public-IP",
        "The value is neither ENABLED nor DISABLED",
        "Write ENABLED or DISABLED",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ecs_answers_is_read_back_as_it_would_be_sent() {
        let network = Network::from_run_task_inputs("a,b", "sg", "ENABLED")
            .unwrap()
            .unwrap();
        assert_eq!(Network::from_value(&network.to_value()), Some(network));
        assert_eq!(Network::from_value(&json!({})), None);
    }

    #[test]
    fn ids_are_trimmed_and_the_address_counts_only_with_them() {
        let network = Network::from_run_task_inputs("a, b", "", "enabled")
            .unwrap()
            .unwrap();
        assert_eq!(
            network.to_value(),
            json!({ "awsvpcConfiguration": { "assignPublicIp": "ENABLED", "subnets": ["a", "b"] } })
        );
        let network = Network::from_run_task_inputs("", "sg-1", "")
            .unwrap()
            .unwrap();
        assert_eq!(
            network.to_value(),
            json!({ "awsvpcConfiguration": { "assignPublicIp": "DISABLED", "securityGroups": ["sg-1"] } })
        );
        assert_eq!(
            Network::from_run_task_inputs(" , ", "", "ENABLED"),
            Ok(None)
        );
        assert_eq!(
            Network::from_run_task_inputs("a", "", "yes").unwrap_err()[0].input,
            "run-task-assign-public-IP"
        );
    }
}
