//! Names in ARNs.

use crate::identity::TargetGroupArn;

/// The last part of an ARN, such as `family:revision` of a task definition; a text that is no ARN
/// is its own name.
pub fn short_name(arn: &(impl AsRef<str> + ?Sized)) -> &str {
    let arn = arn.as_ref();
    arn.rsplit_once('/').map_or(arn, |(_, last)| last)
}

/// The listener of a listener's or a rule's ARN: `…:listener-rule/app/NAME/ID/LISTENER/RULE` →
/// `…:listener/app/NAME/ID/LISTENER`.
pub fn listener_arn(arn: &str) -> Option<String> {
    match arn.split_once(":listener-rule/") {
        Some((begin, rest)) => rest
            .rsplit_once('/')
            .map(|(listener, _)| format!("{begin}:listener/{listener}")),
        None => arn.contains(":listener/").then(|| arn.to_owned()),
    }
}

/// `…:targetgroup/NAME/ID` → `NAME`.
pub fn target_group_name(arn: &TargetGroupArn) -> &str {
    let arn = arn.as_str();
    arn.split(":targetgroup/")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .unwrap_or(arn)
}
