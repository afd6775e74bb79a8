//! Managed EBS volumes of a service or a one-off task: a name and a JSON object → one
//! `volumeConfigurations` item.
//!
//! The official rules, plus warnings where the official action says nothing: it drops keys it does
//! not know, `throughput` without `gp3`, and a volume without a name.

use serde_json::{Map, Value, json};

use super::parse::parse_any;
use super::task_definition::text;
use super::types::EBS;
use super::typing::coerce_and_check;
use crate::problem::Problem;

/// The properties that the official action passes on, in its order.
const PASSED_PROPERTIES: [&str; 10] = [
    "roleArn",
    "encrypted",
    "filesystemType",
    "iops",
    "kmsKeyId",
    "sizeInGiB",
    "snapshotId",
    "tagSpecifications",
    "throughput",
    "volumeType",
];

/// What uses the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeOwner {
    /// The tasks of the service: `service-managed-ebs-volume`, sent with `UpdateService`.
    Service,
    /// The one-off task: `run-task-managed-ebs-volume`, sent with `RunTask`.
    RunTask,
}

impl VolumeOwner {
    fn input(self) -> &'static str {
        match self {
            Self::Service => "service-managed-ebs-volume",
            Self::RunTask => "run-task-managed-ebs-volume",
        }
    }

    fn operation(self) -> &'static str {
        match self {
            Self::Service => "UpdateService",
            Self::RunTask => "RunTask",
        }
    }
}

/// A volume as the inputs describe it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManagedVolume {
    /// The item of `volumeConfigurations`. None means that the field must not be sent at all,
    /// because an empty list removes what is configured elsewhere.
    pub configuration: Option<Value>,
    /// Warnings about given values that are not sent.
    pub warnings: Vec<String>,
}

/// Reads the name and the value of a managed EBS volume.
pub fn parse_managed_volume(
    name: &str,
    value: &str,
    owner: VolumeOwner,
) -> Result<ManagedVolume, Vec<Problem>> {
    let is_absent = value.trim().is_empty() || value.trim() == "{}";
    match (name.trim(), is_absent) {
        ("", true) => Ok(ManagedVolume::default()),
        ("", false) => Ok(only_warning(missing_name_warning(owner))),
        (_, true) => Ok(only_warning(missing_value_warning(owner))),
        (name, false) => parse_volume(name, value, owner),
    }
}

fn only_warning(warning: String) -> ManagedVolume {
    ManagedVolume {
        configuration: None,
        warnings: vec![warning],
    }
}

fn missing_name_warning(owner: VolumeOwner) -> String {
    let input = owner.input();
    format!(
        "{input} provided without {input}-name value. VolumeConfigurations property will not be included in the {} API call",
        owner.operation()
    )
}

/// The official message.
fn missing_value_warning(owner: VolumeOwner) -> String {
    let input = owner.input();
    format!(
        "{input}-name provided without {input} value. VolumeConfigurations property will not be included in the {} API call",
        owner.operation()
    )
}

fn parse_volume(
    name: &str,
    value: &str,
    owner: VolumeOwner,
) -> Result<ManagedVolume, Vec<Problem>> {
    let mut document = parse_any(value, "inline", owner.input())?;
    let (notes, problems) = coerce_and_check(&mut document, EBS, "", owner.input());
    if document.is_object() && !problems.is_empty() {
        return Err(problems);
    }
    let Some(entries) = document
        .as_object()
        .filter(|_| text(&document, "roleArn").is_some())
    else {
        return Err(vec![missing_role_problem(owner)]);
    };
    let is_gp3 = text(&document, "volumeType") == Some("gp3");
    let passes = |key: &str| PASSED_PROPERTIES.contains(&key) && (key != "throughput" || is_gp3);
    let properties = PASSED_PROPERTIES
        .iter()
        .filter(|key| passes(key))
        .filter_map(|key| Some(((*key).to_owned(), entries.get(*key)?.clone())));
    let managed: Map<String, Value> = properties.collect();
    let warnings = entries
        .keys()
        .filter(|key| !passes(key))
        .map(|key| ignored_warning(key, owner));
    let warnings = warnings
        .chain(
            notes
                .iter()
                .map(|note| format!("{}: {note}", owner.input())),
        )
        .collect();
    Ok(ManagedVolume {
        configuration: Some(json!({ "name": name, "managedEBSVolume": managed })),
        warnings,
    })
}

fn missing_role_problem(owner: VolumeOwner) -> Problem {
    Problem::new(
        owner.input(),
        "managed-ebs-volume must provide \"role-arn\" to associate with the EBS volume",
        "Give a JSON object with `roleArn`, the ARN of the ECS infrastructure role for volumes",
    )
}

fn ignored_warning(key: &str, owner: VolumeOwner) -> String {
    let reason = if key == "throughput" {
        "it counts only with volumeType gp3"
    } else {
        "it is not among the properties of a managed EBS volume"
    };
    format!("Ignoring property '{key}' of {}: {reason}", owner.input())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_volume(name: &str, value: &str) -> ManagedVolume {
        parse_managed_volume(name, value, VolumeOwner::Service).unwrap()
    }

    #[test]
    fn the_official_keys_are_passed_on_and_others_are_warned_about() {
        let volume = read_volume(
            "data",
            r#"{"sizeInGiB": 10, "roleArn": "r", "throughput": 200, "volumeType": "gp3", "size": 5}"#,
        );
        let expected = json!({ "name": "data", "managedEBSVolume": { "roleArn": "r", "sizeInGiB": 10, "throughput": 200, "volumeType": "gp3" } });
        assert_eq!(volume.configuration.unwrap(), expected);
        assert_eq!(
            volume.warnings,
            [
                "Ignoring property 'size' of service-managed-ebs-volume: it is not among the properties of a managed EBS volume"
            ]
        );
        let volume = read_volume(
            "data",
            r#"{"roleArn": "r", "throughput": 200, "volumeType": "gp2"}"#,
        );
        assert_eq!(
            volume.configuration.unwrap()["managedEBSVolume"],
            json!({ "roleArn": "r", "volumeType": "gp2" })
        );
        assert_eq!(
            volume.warnings,
            [
                "Ignoring property 'throughput' of service-managed-ebs-volume: it counts only with volumeType gp3"
            ]
        );
    }

    #[test]
    fn texts_and_numbers_become_what_aws_takes() {
        let volume = read_volume(
            "data",
            r#"{"sizeInGiB": "10", "roleArn": "r", "encrypted": "true"}"#,
        );
        assert_eq!(
            volume.configuration.unwrap()["managedEBSVolume"],
            json!({ "roleArn": "r", "encrypted": true, "sizeInGiB": 10 })
        );
        assert_eq!(volume.warnings.len(), 2);
        let problems = parse_managed_volume(
            "data",
            r#"{"roleArn": "r", "iops": "many"}"#,
            VolumeOwner::RunTask,
        )
        .unwrap_err();
        assert_eq!(
            problems[0].message,
            "`iops` is a text, and AWS takes a whole number there"
        );
    }

    #[test]
    fn a_name_without_a_value_is_the_official_warning() {
        for value in ["", "{}"] {
            let volume = parse_managed_volume("data", value, VolumeOwner::RunTask).unwrap();
            let warning = "run-task-managed-ebs-volume-name provided without run-task-managed-ebs-volume value. VolumeConfigurations property will not be included in the RunTask API call";
            assert_eq!(
                volume,
                ManagedVolume {
                    configuration: None,
                    warnings: vec![warning.to_owned()]
                }
            );
        }
        assert_eq!(read_volume("", "{}"), ManagedVolume::default());
        assert_eq!(read_volume("", r#"{"roleArn": "r"}"#).configuration, None);
    }

    #[test]
    fn a_volume_without_a_role_is_a_problem() {
        for value in [r#"{"sizeInGiB": 10}"#, "[]", "{ }"] {
            let problems = parse_managed_volume("data", value, VolumeOwner::Service).unwrap_err();
            assert_eq!(
                problems[0].message,
                "managed-ebs-volume must provide \"role-arn\" to associate with the EBS volume"
            );
        }
        assert!(
            parse_managed_volume("data", "{", VolumeOwner::Service).unwrap_err()[0]
                .position
                .is_some()
        );
    }
}
