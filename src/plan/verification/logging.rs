//! PURE: the log drivers can work, and their log groups exist.

use super::{LineResult, Subject};
use crate::documents::logging::{IsOnFargate, NeededLogGroup, needed_groups, problems};
use crate::plan::image::is_on_fargate;
use crate::survey::Looked;

const INPUT: &str = "task-definition";

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(definition) = subject.definition else {
        return vec![LineResult::skipped("no task definition could be made")];
    };
    let host = if is_on_fargate(definition, subject.snapshot.service.as_ref()) {
        IsOnFargate::Yes
    } else {
        IsOnFargate::No
    };
    let needed = needed_groups(definition);
    let mut findings: Vec<LineResult> = problems(definition, host)
        .into_iter()
        .map(|(why, remedy)| LineResult::failed(INPUT, why, remedy))
        .collect();
    findings.extend(needed.iter().filter_map(|group| look_at(subject, group)));
    findings.dedup();
    if !findings.is_empty() {
        return findings;
    }
    let mut names: Vec<&str> = needed.iter().map(|needed| needed.group.as_str()).collect();
    names.dedup();
    vec![if names.is_empty() {
        LineResult::Ok("no log group has to exist".to_owned())
    } else {
        LineResult::Ok(format!("{} exists", names.join(", ")))
    }]
}

fn look_at(subject: &Subject<'_>, needed: &NeededLogGroup) -> Option<LineResult> {
    let region = needed
        .region
        .clone()
        .unwrap_or_else(|| subject.settings.aws.region.clone());
    let key = (region, needed.group.clone());
    match subject.snapshot.prerequisites.log_groups.get(&key)? {
        Looked::Found(()) => None,
        Looked::Missing => Some(missing(needed, &key.0)),
        Looked::Unread(error) => Some(LineResult::unread(error)),
    }
}

fn missing(needed: &NeededLogGroup, region: &str) -> LineResult {
    let (container, group) = (&needed.container, &needed.group);
    LineResult::failed(
        INPUT,
        format!("container `{container}` logs to `{group}`, which does not exist in {region}"),
        format!(
            "make it (aws logs create-log-group --region {region} --log-group-name {group}), or set the option awslogs-create-group: true and give the execution role logs:CreateLogGroup"
        ),
    )
}
