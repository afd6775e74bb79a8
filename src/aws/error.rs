//! Errors of calls to AWS, in one form for all services.
//!
//! The kinds are those that make a difference to what we do next; the code and the message stay
//! AWS's own.

use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::credentials::SEARCHED_SOURCES;
use super::role_error::{RoleError, RoleFailure};
use crate::error::{Explain, cause_chain};
use crate::outcome::Reason;
use crate::scrub::mask;

/// The kind of an error, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// IAM denies the call. A retry does not help.
    Denied,
    /// There are no credentials, or AWS does not accept them any more.
    Credentials,
    /// Too many requests; AWS did not process this one.
    Throttled,
    /// AWS refused the request as it is; the code says why.
    Refused,
    /// AWS failed; a write may have taken effect.
    Failed,
    /// No answer arrived; a write may have taken effect.
    Unanswered,
}

/// A failed call to AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct AwsError {
    /// The IAM action of the call, such as `ecs:DescribeServices`.
    pub action: &'static str,
    /// The kind, by which callers decide.
    pub kind: AwsErrorKind,
    /// AWS's error code; empty where AWS did not answer.
    pub code: String,
    /// AWS's message, or the transport's.
    pub message: String,
}

/// Shown when no credentials are found.
pub const NO_CREDENTIALS: &str = "there are no AWS credentials";
/// Shown when AWS rejects the credentials or they have expired.
pub const NOT_ACCEPTED: &str = "AWS does not accept the credentials";

impl fmt::Display for AwsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (action, message) = (self.action, mask(&self.message));
        match self.kind {
            AwsErrorKind::Denied => write!(out, "{action} is denied: {message}"),
            _ if self.code == NOT_ASSUMED => write!(out, "{action} was not sent: {message}"),
            // Without a code no request was made: no credentials were found.
            AwsErrorKind::Credentials if self.code.is_empty() => {
                write!(out, "{action}: {NO_CREDENTIALS}: {message}")
            }
            AwsErrorKind::Credentials => write!(out, "{action}: {NOT_ACCEPTED}: {message}"),
            AwsErrorKind::Throttled => write!(out, "{action} is throttled: {message}"),
            AwsErrorKind::Refused => write!(out, "{action}: {message} ({})", self.code),
            AwsErrorKind::Failed => write!(out, "{action}: AWS failed: {message} ({})", self.code),
            AwsErrorKind::Unanswered => write!(out, "{action} got no answer: {message}"),
        }
    }
}

impl AwsError {
    /// An error for an answer that lacks what AWS's API model promises.
    pub fn incomplete_answer(action: &'static str, what: &str) -> Self {
        Self {
            action,
            kind: AwsErrorKind::Failed,
            code: "IncompleteAnswer".into(),
            message: format!("the answer lacks {what}"),
        }
    }

    /// An error for a call that ran out of time.
    pub fn timed_out(action: &'static str) -> Self {
        Self {
            action,
            kind: AwsErrorKind::Unanswered,
            code: String::new(),
            message: "it did not come in time".into(),
        }
    }

    /// A short form without AWS's long message about who was denied what.
    pub fn summary(&self) -> String {
        if self.kind == AwsErrorKind::Denied {
            format!("{} is denied", self.action)
        } else {
            self.to_string()
        }
    }

    /// Whether a mutation may have taken effect although it ended in this error.
    pub fn may_have_landed(&self) -> bool {
        matches!(self.kind, AwsErrorKind::Failed | AwsErrorKind::Unanswered)
    }

    /// Whether repeating the same request cannot help.
    pub fn is_final(&self) -> bool {
        matches!(
            self.kind,
            AwsErrorKind::Denied | AwsErrorKind::Credentials | AwsErrorKind::Refused
        )
    }

    /// Whether AWS's code is this one, with or without `Exception` at its end.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.trim_end_matches("Exception") == code.trim_end_matches("Exception")
    }

    /// The resource that IAM names in a denial, or `*`.
    pub fn resource(&self) -> &str {
        let after = self
            .message
            .split_once("on resource: ")
            .map_or("*", |(_, rest)| rest);
        after
            .split_whitespace()
            .next()
            .unwrap_or("*")
            .trim_end_matches(['.', ','])
    }
}

impl Explain for AwsError {
    fn reason(&self) -> Reason {
        match self.kind {
            AwsErrorKind::Denied => Reason::Denied,
            AwsErrorKind::Credentials => Reason::Credentials,
            AwsErrorKind::Refused => Reason::AwsRefused,
            AwsErrorKind::Throttled | AwsErrorKind::Failed | AwsErrorKind::Unanswered => {
                Reason::AwsFailed
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self.kind {
            AwsErrorKind::Denied => Some(format!("allow {} on {} for the role that the job uses (docs/iam.md)", self.action, self.resource())),
            AwsErrorKind::Credentials if self.code == NOT_ASSUMED => Some(
                "look at the role's trust policy, and whether the job still has `permissions: id-token: write` (docs/iam.md#the-trust-of-the-role)".into(),
            ),
            AwsErrorKind::Unanswered if self.code == NOT_ASSUMED => Some(
                "the session of the role ended, and neither GitHub nor AWS gave another one in time: see https://www.githubstatus.com and https://health.aws.amazon.com/health/status".into(),
            ),
            AwsErrorKind::Credentials if self.code.is_empty() => Some(
                "give the job `permissions: id-token: write`, and set role-to-assume; or run aws-actions/configure-aws-credentials before this step; use-instance-profile: true uses the credentials of a self-hosted runner"
                    .into(),
            ),
            AwsErrorKind::Credentials => Some(
                "set role-to-assume, whose session is renewed as long as the run lasts; or run aws-actions/configure-aws-credentials before this step, with a role-duration-seconds that covers the whole deployment; use-instance-profile: true uses those of a self-hosted runner"
                    .into(),
            ),
            AwsErrorKind::Throttled => Some("AWS limits the account's request rate: run fewer deployments at once, or raise poll-interval".into()),
            AwsErrorKind::Unanswered => Some("check aws-region, the runner's network and its proxy settings".into()),
            AwsErrorKind::Refused | AwsErrorKind::Failed => None,
        }
    }
}

/// Turns a result of the SDK into a result with `AwsError`.
pub(super) fn from_sdk<T, E>(
    action: &'static str,
    answer: Result<T, SdkError<E, Response>>,
) -> Result<T, AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let result = answer.map_err(|error| AwsError::from_sdk_error(action, error));
    tracing::debug!(action, kind = ?result.as_ref().err().map(|error| error.kind), "AWS answered");
    result
}

impl AwsError {
    fn from_sdk_error<E>(action: &'static str, error: SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let meta = service.err().meta();
                let code = meta.code().unwrap_or(UNKNOWN_CODE).to_owned();
                let message = meta.message().unwrap_or("AWS gave no message").to_owned();
                Self {
                    action,
                    kind: kind_of(&code, status),
                    code,
                    message,
                }
            }
            other => Self::from_unanswered(action, &other),
        }
    }

    fn from_unanswered(action: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(role) = find_role_error(error) {
            return Self::from_role(action, role);
        }
        let message = cause_chain(error).join(": ");
        if message.to_lowercase().contains("credentials") {
            // The SDK's list of everything it tried is long and does not help a user who forgot a
            // step.
            let message = if message.contains("no credentials found") {
                format!("the environment has none (looked for: {SEARCHED_SOURCES})")
            } else {
                message.lines().next().unwrap_or_default().to_owned()
            };
            return Self {
                action,
                kind: AwsErrorKind::Credentials,
                code: String::new(),
                message,
            };
        }
        Self {
            action,
            kind: AwsErrorKind::Unanswered,
            code: String::new(),
            message,
        }
    }
}

/// The code of an answer that has none.
pub(super) const UNKNOWN_CODE: &str = "unknown";
/// The code of calls that were not sent, because the role was not assumed.
const NOT_ASSUMED: &str = "RoleNotAssumed";

impl AwsError {
    /// The call was not sent. Where GitHub or AWS could not be asked for a session, it may work
    /// later.
    fn from_role(action: &'static str, role: &RoleError) -> Self {
        let kind = match role.failure {
            RoleFailure::Refused => AwsErrorKind::Credentials,
            RoleFailure::Unavailable => AwsErrorKind::Unanswered,
        };
        Self {
            action,
            kind,
            code: NOT_ASSUMED.to_owned(),
            message: role.message.clone(),
        }
    }
}

fn find_role_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e RoleError> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(role) = cause.downcast_ref() {
            return Some(role);
        }
        next = cause.source();
    }
    None
}

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "NotAuthorized",
    "NotAuthorizedException",
    "OptInRequired",
];
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "IncompleteSignature",
    "AuthFailure",
];
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
];

fn kind_of(code: &str, status: u16) -> AwsErrorKind {
    if DENIED.contains(&code) {
        AwsErrorKind::Denied
    } else if CREDENTIALS.contains(&code) {
        AwsErrorKind::Credentials
    } else if THROTTLED.contains(&code) || status == 429 {
        AwsErrorKind::Throttled
    } else if status >= 500 {
        AwsErrorKind::Failed
    } else {
        AwsErrorKind::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_action_and_the_resource_to_allow() {
        let message = "User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: ecs:UpdateService on resource: arn:aws:ecs:eu-central-1:1:service/prod/api because no identity-based policy allows it";
        let error = AwsError {
            action: "ecs:UpdateService",
            kind: kind_of("AccessDeniedException", 400),
            code: "AccessDeniedException".into(),
            message: message.into(),
        };
        assert_eq!(
            error.hint().unwrap(),
            "allow ecs:UpdateService on arn:aws:ecs:eu-central-1:1:service/prod/api for the role that the job uses (docs/iam.md)"
        );
    }

    #[test]
    fn only_an_error_that_aws_did_not_answer_for_may_have_landed() {
        let landed = |code, status| {
            AwsError {
                action: "x",
                kind: kind_of(code, status),
                code: String::new(),
                message: String::new(),
            }
            .may_have_landed()
        };
        assert!(landed("ServerException", 500));
        assert!(!landed("ThrottlingException", 400));
        assert!(!landed("ClientException", 400));
    }
}
