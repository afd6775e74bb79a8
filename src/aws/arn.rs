//! Names in ARNs.

/// The last part of an ARN, such as `family:revision` of a task definition; a text that is no ARN
/// is its own name.
pub fn short_name(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, last)| last)
}
