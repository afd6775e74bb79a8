//! PURE: why a role was not assumed: AWS's or GitHub's words, and what to do about it.

use super::connection::RoleRequest;
use super::error::UNKNOWN_CODE;
use super::{AwsError, AwsErrorKind};

/// The output `reason` and the outcome depend on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleFailure {
    /// It was refused: something has to be changed.
    Refused,
    /// GitHub or AWS could not be reached, or failed: later it may work.
    Unavailable,
}

/// Why a role was not assumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RoleError {
    /// The input that names the role.
    pub input: &'static str,
    /// What happened, with AWS's words.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// Whether it may work later.
    pub failure: RoleFailure,
}

/// How a role was tried to be assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleWay<'t> {
    /// With the job's ID token, which says this of the job.
    IdToken(&'t str),
    /// With other credentials.
    Credentials,
}

/// What the documentation says of trust policies.
const TRUST: &str = "docs/iam.md#the-trust-of-the-role";

impl RoleError {
    /// GitHub gave no ID token.
    pub(super) fn without_token(input: &'static str, role: &RoleRequest, why: &str) -> Self {
        Self {
            input,
            message: format!("role {} was not assumed: {why}", role.arn),
            remedy: "give the job `permissions: id-token: write`".to_owned(),
            failure: RoleFailure::Refused,
        }
    }

    /// GitHub or AWS could not be asked.
    pub(super) fn unavailable(input: &'static str, role: &RoleRequest, why: &str) -> Self {
        Self {
            input,
            message: format!("role {} was not assumed: {why}", role.arn),
            remedy: "nothing is wrong with the inputs as far as is known: run the job again"
                .to_owned(),
            failure: RoleFailure::Unavailable,
        }
    }

    /// What STS answered.
    pub(super) fn answered(
        input: &'static str,
        role: &RoleRequest,
        way: RoleWay<'_>,
        error: &AwsError,
    ) -> Self {
        let why = error.to_string();
        if is_passing(error) {
            return Self::unavailable(input, role, &why);
        }
        Self {
            input,
            message: format!("role {} was not assumed: {why}", role.arn),
            remedy: find_remedy(role, way, error),
            failure: RoleFailure::Refused,
        }
    }

    /// Both ways were refused.
    pub(super) fn and_then(self, second: Self) -> Self {
        let Self {
            input,
            message,
            remedy,
            failure,
        } = second;
        Self {
            message: format!(
                "{}; with the run's own credentials: {}",
                self.message, message
            ),
            remedy: format!("{}; or {remedy}", self.remedy),
            input,
            failure,
        }
    }
}

/// Whether the same request may be answered differently later.
fn is_passing(error: &AwsError) -> bool {
    match error.kind {
        AwsErrorKind::Throttled | AwsErrorKind::Failed | AwsErrorKind::Unanswered => true,
        // STS could not reach GitHub for its keys; or the answer is not STS's, but that of something
        // in between.
        AwsErrorKind::Refused => {
            error.has_code("IDPCommunicationError") || error.has_code(UNKNOWN_CODE)
        }
        // The ID token was too old when it arrived; the next one is new.
        AwsErrorKind::Credentials => {
            error.action == super::sts::BY_TOKEN && error.has_code("ExpiredToken")
        }
        AwsErrorKind::Denied => false,
    }
}

fn find_remedy(role: &RoleRequest, way: RoleWay<'_>, error: &AwsError) -> String {
    let (account, says) = (role.arn.account(), |words: &str| {
        error.message.contains(words)
    });
    match way {
        _ if says("role chaining") => "set role-duration to 1h or less, or leave it out: a role that is assumed with another role's credentials has sessions of at most 1 h, which are renewed as long as the run lasts".to_owned(),
        _ if says("MaxSessionDuration") => format!(
            "leave role-duration out: a session of 1 h is renewed as long as the run lasts; or raise the role's maximum: aws iam update-role --role-name {} --max-session-duration {}",
            role.arn.name(),
            role.duration.as_secs()
        ),
        RoleWay::IdToken(_) if says("No OpenIDConnect provider") => format!(
            "create the identity provider in account {account}: aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list {} ({TRUST})",
            audience_of(role)
        ),
        RoleWay::IdToken(_) if says("audience") => format!(
            "let the identity provider of account {account} know the audience {0}: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com --client-id {0}; or set audience ({TRUST})",
            audience_of(role)
        ),
        RoleWay::IdToken(subject) => format!(
            "look whether the role exists, and whether its trust policy allows sts:AssumeRoleWithWebIdentity to this job, whose token says aud {} and sub {subject} ({TRUST})",
            audience_of(role)
        ),
        RoleWay::Credentials if error.kind == AwsErrorKind::Credentials => "give the job `permissions: id-token: write`, so that the role is assumed with its ID token; or give it credentials that may assume the role".to_owned(),
        RoleWay::Credentials => {
            let otherwise = if role.id_token.is_some() {
                ""
            } else {
                "; or give the job `permissions: id-token: write`, so that the role is assumed with its ID token"
            };
            format!(
                "look whether the role exists, whether its trust policy names the caller, and whether the caller is allowed sts:AssumeRole on {}{otherwise} ({TRUST})",
                role.arn
            )
        }
    }
}

fn audience_of(role: &RoleRequest) -> &str {
    role.id_token
        .as_ref()
        .map_or("sts.amazonaws.com", |token| &token.audience)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn explain(way: RoleWay<'_>, code: &str, kind: AwsErrorKind, message: &str) -> RoleError {
        let role = RoleRequest {
            arn: "arn:aws:iam::123456789012:role/ci/deploy".into(),
            session_name: "GitHubActions".to_owned(),
            duration: Duration::from_hours(2),
            id_token: None,
        };
        let error = AwsError {
            action: crate::aws::sts::BY_TOKEN,
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
        };
        RoleError::answered("role-to-assume", &role, way, &error)
    }

    #[test]
    fn what_passes_is_not_told_as_a_mistake() {
        let passing = [
            ("Throttling", AwsErrorKind::Throttled),
            ("InternalFailure", AwsErrorKind::Failed),
            ("", AwsErrorKind::Unanswered),
            ("IDPCommunicationError", AwsErrorKind::Refused),
            (UNKNOWN_CODE, AwsErrorKind::Refused),
            ("ExpiredTokenException", AwsErrorKind::Credentials),
        ];
        for (code, kind) in passing {
            let told = explain(RoleWay::IdToken("x"), code, kind, "later");
            assert_eq!(told.failure, RoleFailure::Unavailable, "{code}");
        }
    }

    #[test]
    fn each_refusal_has_its_own_remedy() {
        let token = RoleWay::IdToken("repo:org/repo:ref:refs/heads/main");
        let table = [
            (
                token,
                "Not authorized to perform sts:AssumeRoleWithWebIdentity",
                "sub repo:org/repo:ref:refs/heads/main",
            ),
            (
                token,
                "No OpenIDConnect provider found in your account for https://x",
                "create-open-id-connect-provider",
            ),
            (
                token,
                "Incorrect token audience",
                "add-client-id-to-open-id-connect-provider",
            ),
            (
                token,
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                "--role-name deploy --max-session-duration 7200",
            ),
            (
                RoleWay::Credentials,
                "exceeds the 1 hour session limit for roles assumed by role chaining",
                "1h or less",
            ),
            (
                RoleWay::Credentials,
                "User: x is not authorized to perform: sts:AssumeRole",
                "sts:AssumeRole on arn:aws:iam::123456789012:role/ci/deploy",
            ),
        ];
        for (way, message, remedy) in table {
            let told = explain(way, "AccessDenied", AwsErrorKind::Denied, message);
            assert_eq!(told.failure, RoleFailure::Refused);
            assert!(told.message.contains(message), "{}", told.message);
            assert!(told.remedy.contains(remedy), "{}", told.remedy);
        }
    }
}
