//! AWS STS: who is asking, and a web identity turned into credentials.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Answer, Asked, Refusal};
use crate::account::last_part;
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// Answers an operation of STS.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "GetCallerIdentity" => Ok(identity(cloud)),
        "AssumeRoleWithWebIdentity" => assume(cloud, asked),
        _ => return None,
    })
}

fn identity(cloud: &Cloud) -> Value {
    cloud.look(
        |account| json!({ "Arn": account.place.caller_arn(), "UserId": "AROASTAGEROLEID000001:deploy", "Account": account.place.account }),
    )
}

fn assume(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let needed = |name: &str| {
        asked
            .text(name)
            .ok_or_else(|| Refusal::new("ValidationError", format!("{name} is required")))
    };
    let (role, session, token) = (
        needed("RoleArn")?,
        needed("RoleSessionName")?,
        needed("WebIdentityToken")?,
    );
    if token.split('.').count() != 3 {
        return Err(Refusal::new(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT.",
        ));
    }
    let seconds: i64 = asked
        .text("DurationSeconds")
        .and_then(|text| text.parse().ok())
        .unwrap_or(3600);
    let secret = cloud.change(|account| account.ids.task());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": "ASIASTAGEROLEKEY0001", "SecretAccessKey": secret, "SessionToken": format!("session-token-{secret}"),
            "Expiration": expiry(seconds),
        },
        "SubjectFromWebIdentityToken": "repo:org/repo:ref:refs/heads/main",
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROASTAGEROLEID000001:{session}"),
            "Arn": format!("arn:aws:sts::{}:assumed-role/{}/{session}", cloud.options.account, last_part(role)),
        },
        "Provider": "token.actions.githubusercontent.com", "Audience": "sts.amazonaws.com",
    }))
}

fn expiry(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(now_ms() / 1000 + seconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
