//! AWS STS: who is asking, and roles that are assumed by a web identity or by another role.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::access::caller_arn;
use super::{Answer, Api, Input, ServiceError};
use crate::account::name_from_arn;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::github::id_token;
use crate::options::RoleOptions;

/// The longest session of a role that another role has assumed.
const CHAINED_SECONDS: i64 = 3600;

pub(super) fn answer(
    cloud: &Arc<Cloud>,
    operation: &str,
    input: Input<'_>,
    access_key: Option<&str>,
) -> Option<Answer> {
    Some(match operation {
        "GetCallerIdentity" => Ok(caller_identity(cloud, access_key)),
        "AssumeRole" => assume_by_role(cloud, input, access_key),
        "AssumeRoleWithWebIdentity" => assume_by_token(cloud, input),
        _ => return None,
    })
}

fn caller_identity(cloud: &Cloud, access_key: Option<&str>) -> Value {
    let account = cloud.sessions.find(access_key).map_or_else(
        || cloud.options.account.clone(),
        |session| session.account().to_owned(),
    );
    json!({ "Arn": caller_arn(cloud, access_key), "UserId": "AROASTAGEROLEID000001:deploy", "Account": account })
}

fn require<'i>(input: Input<'i>, name: &str) -> Result<&'i str, ServiceError> {
    input
        .text(name)
        .ok_or_else(|| ServiceError::new("ValidationError", format!("{name} is required")))
}

/// The role of an ARN; a role that trusts everybody when the stage has no roles.
fn find_role(cloud: &Cloud, arn: &str) -> Option<RoleOptions> {
    if cloud.options.roles.is_empty() {
        return Some(RoleOptions {
            arn: arn.to_owned(),
            subjects: vec![cloud.github().subject],
            trusts: vec!["*".to_owned()],
            ..RoleOptions::default()
        });
    }
    let mut roles = cloud.options.roles.iter();
    roles.find(|role| role.arn == arn).cloned()
}

fn assume_by_token(cloud: &Cloud, input: Input<'_>) -> Answer {
    let arn = require(input, "RoleArn")?;
    let invalid = |message: &str| Err(ServiceError::new("InvalidIdentityToken", message));
    let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let Some(claims) = id_token::read_claims(require(input, "WebIdentityToken")?) else {
        return invalid("The ID Token provided is not a valid JWT.");
    };
    let claim = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let Some(role) = find_role(cloud, arn) else {
        return Err(ServiceError::denied(Api::Sts, denied));
    };
    if role.subjects.is_empty() {
        let message = "No OpenIDConnect provider found in your account for";
        return invalid(&format!("{message} {}", id_token::ISSUER));
    }
    if claim("aud") != role.audience {
        return invalid("Incorrect token audience");
    }
    if !role.subjects.contains(&claim("sub")) {
        return Err(ServiceError::denied(Api::Sts, denied));
    }
    let mut answer = begin_session(cloud, input, &role, role.max_session_seconds)?;
    answer["SubjectFromWebIdentityToken"] = json!(claim("sub"));
    answer["Provider"] = json!("token.actions.githubusercontent.com");
    answer["Audience"] = json!(claim("aud"));
    Ok(answer)
}

/// All credentials of the stage are those of roles, so that this is always role chaining.
fn assume_by_role(cloud: &Cloud, input: Input<'_>, access_key: Option<&str>) -> Answer {
    let arn = require(input, "RoleArn")?;
    let caller = caller_arn(cloud, access_key);
    let name = caller.split('/').nth(1).unwrap_or_default().to_owned();
    let trusts =
        |role: &RoleOptions| role.trusts.contains(&name) || role.trusts.contains(&"*".to_owned());
    let Some(role) = find_role(cloud, arn).filter(trusts) else {
        let message = format!(
            "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        );
        return Err(ServiceError::denied(Api::Sts, &message));
    };
    begin_session(cloud, input, &role, CHAINED_SECONDS)
}

fn begin_session(
    cloud: &Cloud,
    input: Input<'_>,
    role: &RoleOptions,
    longest: i64,
) -> Result<Value, ServiceError> {
    let name = require(input, "RoleSessionName")?;
    let seconds = input
        .text("DurationSeconds")
        .and_then(|text| text.parse().ok())
        .unwrap_or(3600);
    if seconds > longest {
        let message = if longest == CHAINED_SECONDS && role.max_session_seconds > longest {
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        } else {
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        };
        return Err(ServiceError::new("ValidationError", message));
    }
    let ends_ms = now_ms() + cloud.options.session_ms.unwrap_or(seconds * 1000);
    let keys = cloud.sessions.begin(&role.arn, name, ends_ms);
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    Ok(json!({
        "Credentials": {
            "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret, "SessionToken": keys.token,
            "Expiration": format_time(ends_ms),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROASTAGEROLEID000001:{name}"),
            "Arn": format!("arn:aws:sts::{account}:assumed-role/{}/{name}", name_from_arn(&role.arn)),
        },
    }))
}

fn format_time(at_ms: i64) -> String {
    let at =
        OffsetDateTime::from_unix_timestamp(at_ms / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
