//! Elastic Load Balancing: how target groups are set up.

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};
use crate::identity::TargetGroupArn;

const ELB: SignedService = SignedService {
    signing_name: "elasticloadbalancing",
    host: "elasticloadbalancing",
    id: "Elastic Load Balancing v2",
    protocol: SignedProtocol::Query("2015-12-01"),
};
/// The action by which target groups are read.
pub const DESCRIBE_TARGET_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";

/// A target group's own settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetGroupSettings {
    /// Its ARN.
    pub arn: TargetGroupArn,
    /// Its name.
    pub name: String,
    /// `ip`, `instance`, `lambda` or `alb`.
    pub target_type: String,
    /// `HTTP`, `HTTPS`, `TCP` and others.
    pub protocol: String,
    /// Where no target says otherwise, this port is asked.
    pub port: Option<u64>,
    /// Whether targets are checked.
    pub is_checked: bool,
    /// The protocol of the health check.
    pub check_protocol: String,
    /// Its port: a number, or `traffic-port`.
    pub check_port: String,
    /// Its path; empty for TCP.
    pub check_path: String,
    /// The load balancers that use it.
    pub load_balancers: Vec<String>,
}

impl Aws {
    /// The target groups of these names; of those that do not exist there is an error.
    ///
    /// # Errors
    ///
    /// One does not exist, or they could not be read.
    pub async fn describe_target_groups(
        &self,
        names: &[String],
    ) -> Result<Vec<TargetGroupSettings>, AwsError> {
        let call = SignedCall {
            service: ELB,
            action: DESCRIBE_TARGET_GROUPS,
            region: self.partition.region(),
            host: None,
            path: "/",
            operation: "DescribeTargetGroups",
        };
        let answer = self.read_signed(call, &json!({ "Names": names })).await?;
        let found = answer["TargetGroups"].as_array().into_iter().flatten();
        Ok(found.map(from_view).collect())
    }
}

fn from_view(view: &Value) -> TargetGroupSettings {
    let text = |field: &str| view[field].as_str().unwrap_or_default().to_owned();
    let balancers = view["LoadBalancerArns"].as_array().into_iter().flatten();
    TargetGroupSettings {
        arn: text("TargetGroupArn").into(),
        name: text("TargetGroupName"),
        target_type: text("TargetType"),
        protocol: text("Protocol"),
        port: text("Port").parse().ok(),
        is_checked: text("HealthCheckEnabled") != "false",
        check_protocol: text("HealthCheckProtocol"),
        check_port: text("HealthCheckPort"),
        check_path: text("HealthCheckPath"),
        load_balancers: balancers
            .filter_map(|arn| arn.as_str().map(str::to_owned))
            .collect(),
    }
}
