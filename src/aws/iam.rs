//! IAM: whether a role exists and who may assume it, and what the run's own role may do.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::ecr_host::domain;
use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const IAM: SignedService = SignedService {
    signing_name: "iam",
    host: "iam",
    id: "IAM",
    protocol: SignedProtocol::Query("2010-05-08"),
};
/// The action by which a role is read.
pub const GET_ROLE: &str = "iam:GetRole";
/// The action by which permissions are tried.
pub const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamRole {
    /// The role's ARN, with its path.
    pub arn: String,
    /// Services that may assume it, such as `ecs-tasks.amazonaws.com`; `*` where anybody may.
    pub trusted_services: Vec<String>,
}

/// What a policy says of an action on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedAction {
    /// The action, such as `ecs:UpdateService`.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// `allowed`, `implicitDeny` or `explicitDeny`.
    pub decision: String,
}

impl SimulatedAction {
    /// Whether the policies allow it.
    pub fn is_allowed(&self) -> bool {
        self.decision == "allowed"
    }
}

impl Aws {
    /// The role of a name, or none where there is no such role.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn get_role(&self, name: &str) -> Result<Option<IamRole>, AwsError> {
        let answer = self
            .call_iam(GET_ROLE, "GetRole", &json!({ "RoleName": name }))
            .await;
        match answer {
            Ok(answer) => {
                let role = &answer["Role"];
                let arn = role["Arn"]
                    .as_str()
                    .ok_or_else(|| AwsError::incomplete_answer(GET_ROLE, "the role's ARN"))?;
                let policy = role["AssumeRolePolicyDocument"]
                    .as_str()
                    .unwrap_or_default();
                Ok(Some(IamRole {
                    arn: arn.to_owned(),
                    trusted_services: parse_trusted_services(policy),
                }))
            }
            Err(error) if error.has_code("NoSuchEntity") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the policies of a role or user say of actions on a resource, with the values of
    /// condition keys.
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub async fn simulate_actions(
        &self,
        principal: &str,
        actions: &[String],
        resource: &str,
        context: &[(&'static str, String)],
    ) -> Result<Vec<SimulatedAction>, AwsError> {
        let mut input = json!({
            "PolicySourceArn": principal, "ActionNames": actions, "ResourceArns": [resource],
        });
        if !context.is_empty() {
            let entry = |(key, value): &(&str, String)| json!({ "ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string" });
            input["ContextEntries"] = context.iter().map(entry).collect();
        }
        let answer = self
            .call_iam(SIMULATE, "SimulatePrincipalPolicy", &input)
            .await?;
        let results = answer["EvaluationResults"].as_array();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(results
            .into_iter()
            .flatten()
            .map(|result| SimulatedAction {
                action: text(&result["EvalActionName"]),
                resource: text(&result["EvalResourceName"]),
                decision: text(&result["EvalDecision"]),
            })
            .collect())
    }

    /// IAM is one service for all regions of a partition.
    async fn call_iam(
        &self,
        action: &'static str,
        operation: &'static str,
        input: &Value,
    ) -> Result<Value, AwsError> {
        let (region, host) = home(self.partition.region());
        let call = SignedCall {
            service: IAM,
            action,
            region,
            host: Some(&host),
            path: "/",
            operation,
        };
        self.read_signed(call, input).await
    }
}

/// The region in which IAM's requests are signed, and its host (AWS General Reference, "IAM
/// endpoints and quotas").
fn home(region: &str) -> (&'static str, String) {
    let homes = [
        ("cn-", "cn-north-1", "iam.cn-north-1"),
        ("us-gov-", "us-gov-west-1", "iam.us-gov"),
        ("eusc-", "eusc-de-east-1", "iam.eusc-de-east-1"),
        ("us-iso-", "us-iso-east-1", "iam.us-iso-east-1"),
        ("us-isob-", "us-isob-east-1", "iam.us-isob-east-1"),
    ];
    let (home, host) = homes
        .iter()
        .find(|(begin, _, _)| region.starts_with(begin))
        .map_or(("us-east-1", "iam"), |(_, home, host)| (*home, *host));
    (home, format!("{host}.{}", domain(region)))
}

/// The services in the statements of a trust policy that allow `sts:AssumeRole`. IAM gives the
/// policy percent-encoded. Conditions are not evaluated.
fn parse_trusted_services(encoded: &str) -> Vec<String> {
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    let policy: Value = serde_json::from_str(&text).unwrap_or_default();
    let statements = one_or_many(&policy["Statement"]);
    let allows = |statement: &&Value| {
        let actions = one_or_many(&statement["Action"]);
        statement["Effect"] == "Allow"
            && actions
                .iter()
                .any(|action| *action == "sts:AssumeRole" || *action == "sts:*" || *action == "*")
    };
    statements
        .into_iter()
        .filter(allows)
        .flat_map(|statement| principals(&statement["Principal"]))
        .collect()
}

fn principals(principal: &Value) -> Vec<String> {
    if principal == "*" {
        return vec!["*".to_owned()];
    }
    let services = one_or_many(&principal["Service"]);
    services
        .into_iter()
        .filter_map(|service| service.as_str().map(str::to_owned))
        .collect()
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_of_a_trust_policy_are_read() {
        let table = [
            (
                json!({ "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }] }),
                vec!["ecs-tasks.amazonaws.com"],
            ),
            (
                json!({ "Statement": { "Effect": "Allow", "Principal": { "Service": ["a", "b"] }, "Action": ["sts:AssumeRole", "sts:TagSession"] } }),
                vec!["a", "b"],
            ),
            (
                json!({ "Statement": [{ "Effect": "Deny", "Principal": { "Service": "a" }, "Action": "sts:AssumeRole" },
                    { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::1:root" }, "Action": "sts:AssumeRole" },
                    { "Effect": "Allow", "Principal": { "Service": "b" }, "Action": "sts:TagSession" }] }),
                vec![],
            ),
            (
                json!({ "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" }] }),
                vec!["*"],
            ),
        ];
        for (policy, expected) in table {
            let encoded = percent_encoding::utf8_percent_encode(
                &policy.to_string(),
                percent_encoding::NON_ALPHANUMERIC,
            )
            .to_string();
            assert_eq!(parse_trusted_services(&encoded), expected, "{policy}");
        }
        assert_eq!(parse_trusted_services("%7Bno"), [""; 0]);
    }

    #[test]
    fn iam_is_called_in_its_partition() {
        assert_eq!(
            home("eu-central-1"),
            ("us-east-1", "iam.amazonaws.com".into())
        );
        assert_eq!(
            home("cn-northwest-1"),
            ("cn-north-1", "iam.cn-north-1.amazonaws.com.cn".into())
        );
        assert_eq!(home("us-gov-east-1").1, "iam.us-gov.amazonaws.com");
    }
}
