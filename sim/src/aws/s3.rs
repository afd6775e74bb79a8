//! Amazon S3: whether an object is there.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

/// Answers an operation of S3.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "HeadObject" => head_object(cloud, input),
        _ => return None,
    })
}

fn head_object(cloud: &Cloud, input: Input<'_>) -> Answer {
    let (bucket, key) = (
        input.text("Bucket").unwrap_or_default(),
        input.text("Key").unwrap_or_default(),
    );
    let is_there = cloud
        .options
        .account_contents
        .objects
        .contains(&format!("{bucket}/{key}"));
    if !is_there {
        return Err(ServiceError {
            status: 404,
            ..ServiceError::new("NoSuchKey", "The specified key does not exist.")
        });
    }
    Ok(json!({ "ContentLength": 42, "ETag": "\"6805f2cfc46c0f04559748bb039d69ae\"" }))
}
