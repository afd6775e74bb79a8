//! Amazon EventBridge: the task definitions that rules and schedules start.

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const EVENTS: SignedService = SignedService {
    signing_name: "events",
    host: "events",
    id: "EventBridge",
    protocol: SignedProtocol::Json("AWSEvents"),
};
const SCHEDULER: SignedService = SignedService {
    signing_name: "scheduler",
    host: "scheduler",
    id: "Scheduler",
    protocol: SignedProtocol::Rest("GET"),
};
/// Pages of one list; none is as long.
const MAX_PAGES: usize = 200;

/// A task definition that something starts by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRevision {
    /// Its ARN, with or without a revision.
    pub revision: String,
    /// What starts it, as in "the rule nightly".
    pub by: String,
}

impl Aws {
    /// What the targets of all rules of all event buses start.
    ///
    /// # Errors
    ///
    /// Not everything could be read.
    pub async fn list_revisions_of_rules(&self) -> Result<Vec<ScheduledRevision>, AwsError> {
        let buses = self
            .list_events(
                "ListEventBuses",
                "events:ListEventBuses",
                json!({}),
                "EventBuses",
            )
            .await?;
        let mut found = Vec::new();
        for bus in buses.iter().filter_map(|bus| bus["Name"].as_str()) {
            let input = json!({ "EventBusName": bus });
            let rules = self
                .list_events("ListRules", "events:ListRules", input, "Rules")
                .await?;
            for rule in rules.iter().filter_map(|rule| rule["Name"].as_str()) {
                let input = json!({ "Rule": rule, "EventBusName": bus });
                let targets = self
                    .list_events(
                        "ListTargetsByRule",
                        "events:ListTargetsByRule",
                        input,
                        "Targets",
                    )
                    .await?;
                let revisions = targets.iter().filter_map(started_revision);
                found.extend(revisions.map(|revision| ScheduledRevision {
                    revision,
                    by: format!("the rule {rule}"),
                }));
            }
        }
        Ok(found)
    }

    /// What all schedules of EventBridge Scheduler start.
    ///
    /// # Errors
    ///
    /// Not everything could be read.
    pub async fn list_revisions_of_schedules(&self) -> Result<Vec<ScheduledRevision>, AwsError> {
        let mut found = Vec::new();
        for schedule in self.list_schedules().await? {
            let (Some(name), Some(group)) =
                (schedule["Name"].as_str(), schedule["GroupName"].as_str())
            else {
                continue;
            };
            let path = format!("/schedules/{name}?groupName={group}");
            let described = self
                .read_scheduler("GetSchedule", "scheduler:GetSchedule", &path)
                .await?;
            found.extend(started_revision(&described["Target"]).map(|revision| {
                ScheduledRevision {
                    revision,
                    by: format!("the schedule {name}"),
                }
            }));
        }
        Ok(found)
    }

    async fn list_schedules(&self) -> Result<Vec<Value>, AwsError> {
        let (mut found, mut token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let path = format!("/schedules?MaxResults=100{token}");
            let mut answer = self
                .read_scheduler("ListSchedules", "scheduler:ListSchedules", &path)
                .await?;
            found.extend(take_list(&mut answer, "Schedules"));
            match answer["NextToken"].as_str() {
                Some(next) => token = format!("&NextToken={}", encode(next)),
                None => return Ok(found),
            }
        }
        Err(too_many("scheduler:ListSchedules"))
    }

    async fn read_scheduler(
        &self,
        operation: &'static str,
        action: &'static str,
        path: &str,
    ) -> Result<Value, AwsError> {
        let call = SignedCall {
            service: SCHEDULER,
            action,
            region: self.partition.region(),
            host: None,
            path,
            operation,
        };
        self.read_signed(call, &Value::Null).await
    }

    /// All pages of one list of EventBridge.
    async fn list_events(
        &self,
        operation: &'static str,
        action: &'static str,
        mut input: Value,
        member: &str,
    ) -> Result<Vec<Value>, AwsError> {
        let mut found = Vec::new();
        for _ in 0..MAX_PAGES {
            let call = SignedCall {
                service: EVENTS,
                action,
                region: self.partition.region(),
                host: None,
                path: "/",
                operation,
            };
            let mut answer = self.read_signed(call, &input).await?;
            found.extend(take_list(&mut answer, member));
            match answer["NextToken"].as_str() {
                Some(next) => input["NextToken"] = json!(next),
                None => return Ok(found),
            }
        }
        Err(too_many(action))
    }
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn take_list(answer: &mut Value, member: &str) -> Vec<Value> {
    match answer[member].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    }
}

fn too_many(action: &'static str) -> AwsError {
    AwsError::incomplete_answer(action, "an end: there are more pages than are read")
}

/// The task definition of a target that starts a task.
fn started_revision(target: &Value) -> Option<String> {
    let arn = target["EcsParameters"]["TaskDefinitionArn"].as_str()?;
    Some(arn.to_owned())
}
