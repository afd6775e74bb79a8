//! AWS STS: who is asking, and a web identity turned into credentials.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Answer, Input, ServiceError};
use crate::account::name_from_arn;
use crate::clock::now_ms;
use crate::cloud::Cloud;

pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetCallerIdentity" => Ok(caller_identity(cloud)),
        "AssumeRoleWithWebIdentity" => assume_role(cloud, input),
        _ => return None,
    })
}

fn caller_identity(cloud: &Cloud) -> Value {
    cloud.read(
        |account| json!({ "Arn": account.location.caller_arn(), "UserId": "AROASTAGEROLEID000001:deploy", "Account": account.location.account }),
    )
}

fn assume_role(cloud: &Cloud, input: Input<'_>) -> Answer {
    let required = |name: &str| {
        input
            .text(name)
            .ok_or_else(|| ServiceError::new("ValidationError", format!("{name} is required")))
    };
    let (role, session, token) = (
        required("RoleArn")?,
        required("RoleSessionName")?,
        required("WebIdentityToken")?,
    );
    if token.split('.').count() != 3 {
        return Err(ServiceError::new(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT.",
        ));
    }
    let seconds: i64 = input
        .text("DurationSeconds")
        .and_then(|text| text.parse().ok())
        .unwrap_or(3600);
    let secret = cloud.change(|account| account.ids.next_task());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": "ASIASTAGEROLEKEY0001", "SecretAccessKey": secret, "SessionToken": format!("session-token-{secret}"),
            "Expiration": format_expiry(seconds),
        },
        "SubjectFromWebIdentityToken": "repo:org/repo:ref:refs/heads/main",
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROASTAGEROLEID000001:{session}"),
            "Arn": format!("arn:aws:sts::{}:assumed-role/{}/{session}", cloud.options.account, name_from_arn(role)),
        },
        "Provider": "token.actions.githubusercontent.com", "Audience": "sts.amazonaws.com",
    }))
}

fn format_expiry(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(now_ms() / 1000 + seconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
