//! Who may ask: a bearer token, Datadog's two keys, or a request signed for Amazon Managed Service
//! for Prometheus.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::options::SourcesOptions;
use super::request::{ParsedRequest, Source};
use crate::aws::is_allowed;
use crate::cloud::Cloud;

/// A refusal's status and body.
type DeniedResponse = (StatusCode, Value);

/// Whether a request may be answered.
pub(super) fn check(
    cloud: &Cloud,
    options: &SourcesOptions,
    request: &ParsedRequest,
) -> Result<(), DeniedResponse> {
    match &request.source {
        Source::Prometheus | Source::Json => check_bearer(options, request),
        Source::Datadog => check_keys(options, request),
        Source::Amp(workspace) => {
            check_signature(
                request.header("authorization"),
                request.header("x-amz-date"),
            )
            .map_err(|why| (StatusCode::FORBIDDEN, json!({ "message": why })))?;
            check_action(cloud, workspace)
        }
        Source::Unknown => Ok(()),
    }
}

fn check_bearer(options: &SourcesOptions, request: &ParsedRequest) -> Result<(), DeniedResponse> {
    let given = request
        .header("authorization")
        .and_then(|header| header.strip_prefix("Bearer "));
    match &options.token {
        Some(token) if given != Some(token.as_str()) => {
            Err((StatusCode::UNAUTHORIZED, json!({ "error": "Unauthorized" })))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_keys(options: &SourcesOptions, request: &ParsedRequest) -> Result<(), DeniedResponse> {
    let given = (
        request.header("dd-api-key").unwrap_or_default(),
        request.header("dd-application-key").unwrap_or_default(),
    );
    let is_valid = match &options.datadog_keys {
        Some(keys) => given == (keys.api_key.as_str(), keys.application_key.as_str()),
        None => !given.0.is_empty() && !given.1.is_empty(),
    };
    if is_valid {
        Ok(())
    } else {
        Err((StatusCode::FORBIDDEN, json!({ "errors": ["Forbidden"] })))
    }
}

/// The shape of a version 4 signature for the service `aps`. As everywhere on the stage it is
/// required, not verified.
fn check_signature(authorization: Option<&str>, date: Option<&str>) -> Result<(), String> {
    let missing = || "Missing Authentication Token".to_owned();
    let parameters = authorization
        .ok_or_else(missing)?
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or_else(missing)?;
    let parameter = |name: &str| {
        parameters
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let scope: Vec<&str> = parameter("Credential")
        .unwrap_or_default()
        .split('/')
        .collect();
    let [_, day, _, service, "aws4_request"] = scope.as_slice() else {
        return Err("Credential is not a valid scope".to_owned());
    };
    if *service != "aps" {
        return Err("Credential should be scoped to correct service: 'aps'.".to_owned());
    }
    if !date.is_some_and(|date| date.starts_with(day) && date.ends_with('Z')) {
        return Err("Date in Credential scope does not match X-Amz-Date".to_owned());
    }
    let signed: Vec<&str> = parameter("SignedHeaders")
        .unwrap_or_default()
        .split(';')
        .collect();
    if !signed.contains(&"host") || !signed.contains(&"x-amz-date") {
        return Err("'Host' and 'X-Amz-Date' must be signed headers".to_owned());
    }
    let signature = parameter("Signature").unwrap_or_default();
    let is_signature =
        signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_signature {
        Ok(())
    } else {
        Err(
            "The request signature we calculated does not match the signature you provided."
                .to_owned(),
        )
    }
}

fn check_action(cloud: &Cloud, workspace: &str) -> Result<(), DeniedResponse> {
    if is_allowed(cloud, "aps:QueryMetrics") {
        return Ok(());
    }
    let (caller, arn) = cloud.read(|account| {
        (
            account.location.caller_arn(),
            account.location.workspace_arn(workspace),
        )
    });
    let why = "because no identity-based policy allows the aps:QueryMetrics action";
    let message = format!(
        "User: {caller} is not authorized to perform: aps:QueryMetrics on resource: {arn} {why}"
    );
    Err((StatusCode::FORBIDDEN, json!({ "message": message })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_aps_and_covers_host_and_date() {
        let made = |service: &str, headers: &str, signature: &str| {
            let scope = format!("AKIA/20261121/eu-central-1/{service}/aws4_request");
            format!(
                "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={signature}"
            )
        };
        let (good, whole) = ("a".repeat(64), "host;x-amz-date;x-amz-security-token");
        let table = [
            (Some(made("aps", whole, &good)), "20261121T114108Z", None),
            (None, "20261121T114108Z", Some("Missing")),
            (
                Some("Bearer x".to_owned()),
                "20261121T114108Z",
                Some("Missing"),
            ),
            (
                Some(made("monitoring", whole, &good)),
                "20261121T114108Z",
                Some("'aps'"),
            ),
            (
                Some(made("aps", whole, &good)),
                "20261120T114108Z",
                Some("Date"),
            ),
            (
                Some(made("aps", "host", &good)),
                "20261121T114108Z",
                Some("signed headers"),
            ),
            (
                Some(made("aps", whole, "abc")),
                "20261121T114108Z",
                Some("signature"),
            ),
        ];
        for (authorization, date, expected) in table {
            let found = check_signature(authorization.as_deref(), Some(date)).err();
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(
                found
                    .unwrap_or_default()
                    .contains(expected.unwrap_or_default())
            );
        }
    }
}
