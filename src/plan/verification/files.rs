//! PURE: the environment files that containers read are in S3.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LineResult, Subject};
use crate::documents::parse::items;
use crate::documents::task_definition::{TaskDefinition, text};
use crate::survey::Looked;

/// Container, bucket and key of every environment file.
fn files(definition: &Value) -> Vec<(&str, String, String)> {
    TaskDefinition(definition)
        .containers()
        .flat_map(|container| {
            let name = container.name().unwrap_or_default();
            items(container.0, "environmentFiles")
                .iter()
                .filter_map(|file| split_arn(text(file, "value")?))
                .map(move |(bucket, key)| (name, bucket, key))
        })
        .collect()
}

/// `arn:aws:s3:::BUCKET/KEY`.
fn split_arn(arn: &str) -> Option<(String, String)> {
    let (_, object) = arn.split_once(":s3:::")?;
    let (bucket, key) = object.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then(|| (bucket.to_owned(), key.to_owned()))
}

/// Buckets and keys that are looked for.
pub(super) fn objects(definition: &Value) -> BTreeSet<(String, String)> {
    files(definition)
        .into_iter()
        .map(|(_, bucket, key)| (bucket, key))
        .collect()
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(definition) = subject.definition else {
        return vec![LineResult::skipped("no task definition could be made")];
    };
    let needed = files(definition);
    if needed.is_empty() {
        return vec![LineResult::skipped("there are none")];
    }
    let looked = &subject.snapshot.prerequisites.objects;
    let count = needed.len();
    let findings: Vec<LineResult> = needed
        .into_iter()
        .filter_map(|(container, bucket, key)| {
            let file = (bucket, key);
            match looked.get(&file)? {
                Looked::Found(()) => None,
                Looked::Missing => Some(missing(container, &file)),
                Looked::Unread(error) => Some(LineResult::unread(error)),
            }
        })
        .collect();
    if findings.is_empty() {
        return vec![LineResult::Ok(format!("{count} there"))];
    }
    findings
}

fn missing(container: &str, (bucket, key): &(String, String)) -> LineResult {
    LineResult::failed(
        "task-definition",
        format!("container `{container}` reads s3://{bucket}/{key}, which does not exist"),
        "upload it, or check bucket and key: the task would not start",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_arn() {
        let table = [
            ("arn:aws:s3:::b/prod/a.env", Some(("b", "prod/a.env"))),
            ("arn:aws-cn:s3:::b/a.env", Some(("b", "a.env"))),
            ("arn:aws:s3:::b", None),
            ("s3://b/a.env", None),
        ];
        for (arn, expected) in table {
            let expected = expected.map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
            assert_eq!(split_arn(arn), expected, "{arn}");
        }
    }
}
