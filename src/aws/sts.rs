//! STS: roles that are assumed, and the identity of the credentials. No policy can deny
//! GetCallerIdentity.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ecs::config::ProvideCredentials as _;
use aws_sdk_sts::types::Credentials;

use super::connection::RoleRequest;
use super::error::from_sdk;
use super::{Aws, AwsError};
use crate::secret::Secret;

const ACTION: &str = "sts:GetCallerIdentity";
/// By an ID token.
pub(super) const BY_TOKEN: &str = "sts:AssumeRoleWithWebIdentity";
const BY_CREDENTIALS: &str = "sts:AssumeRole";
/// How long one request for a session may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);

/// Who calls AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account's number.
    pub account: String,
    /// `role deploy`, `user ci/deployer`, `root`.
    pub who: String,
    /// The session of a role.
    pub session: Option<String>,
}

/// What STS hands out for a role.
pub(super) struct AssumedSession {
    pub(super) access_key: String,
    pub(super) secret: Secret,
    pub(super) token: Secret,
    pub(super) expires: SystemTime,
}

impl Aws {
    /// The ARN of the session or user.
    ///
    /// # Errors
    ///
    /// There are no credentials, or AWS does not answer.
    pub async fn caller_arn(&self) -> Result<String, AwsError> {
        self.count_read();
        let answer = from_sdk(
            ACTION,
            aws_sdk_sts::Client::new(&self.reads)
                .get_caller_identity()
                .send()
                .await,
        )?;
        let arn = answer.arn().map(str::to_owned);
        arn.ok_or_else(|| AwsError::incomplete_answer(ACTION, "the caller's ARN"))
    }

    /// When the credentials end, in seconds since 1970; none where that is not known.
    pub async fn session_end(&self) -> Option<f64> {
        let provider = self.reads.credentials_provider()?;
        let end = provider.provide_credentials().await.ok()?.expiry()?;
        let since = end.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(since.as_secs_f64())
    }

    /// Who calls AWS.
    ///
    /// # Errors
    ///
    /// There are no credentials, or AWS does not answer.
    pub async fn identify_caller(&self) -> Result<Caller, AwsError> {
        self.count_read();
        let answer = from_sdk(
            ACTION,
            aws_sdk_sts::Client::new(&self.reads)
                .get_caller_identity()
                .send()
                .await,
        )?;
        Ok(read_caller(
            answer.account().unwrap_or("unknown"),
            answer.arn().unwrap_or_default(),
        ))
    }
}

impl Caller {
    /// `role deploy of account 123456789012`. The session's name is left out: it says who assumed a
    /// role, not what the role may do.
    pub fn describe(&self) -> String {
        format!("{} of account {}", self.who, self.account)
    }
}

/// The role or user of an ARN, as `Caller::describe` tells them.
pub fn describe_principal(arn: &str) -> String {
    read_caller(arn.split(':').nth(4).unwrap_or("unknown"), arn).describe()
}

fn read_caller(account: &str, arn: &str) -> Caller {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let (who, session) = match resource.split_once('/') {
        Some(("assumed-role", rest)) => {
            let (role, session) = rest.split_once('/').unwrap_or((rest, ""));
            (format!("role {role}"), Some(session.to_owned()))
        }
        Some((kind, name)) => (format!("{kind} {name}"), None),
        None if resource.is_empty() => ("an unnamed caller".to_owned(), None),
        None => (resource.to_owned(), None),
    };
    Caller {
        account: account.to_owned(),
        who,
        session: session.filter(|session| !session.is_empty()),
    }
}

fn client(shared: &SdkConfig) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::config::Builder::from(shared)
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(ANSWER_TIMEOUT)
                .operation_timeout(ANSWER_TIMEOUT)
                .build(),
        );
    aws_sdk_sts::Client::from_conf(config.build())
}

fn whole_seconds(duration: Duration) -> Option<i32> {
    i32::try_from(duration.as_secs()).ok()
}

/// Assumes a role with the job's ID token. The request is not signed.
pub(super) async fn assume_by_token(
    shared: &SdkConfig,
    role: &RoleRequest,
    token: &Secret,
) -> Result<AssumedSession, AwsError> {
    let call = client(shared)
        .assume_role_with_web_identity()
        .role_arn(role.arn.as_str())
        .role_session_name(&role.session_name)
        .web_identity_token(token.expose())
        .set_duration_seconds(whole_seconds(role.duration));
    let answer = from_sdk(BY_TOKEN, call.send().await)?;
    read_session(BY_TOKEN, answer.credentials)
}

/// Assumes a role with other credentials.
pub(super) async fn assume_by_credentials(
    shared: &SdkConfig,
    role: &RoleRequest,
) -> Result<AssumedSession, AwsError> {
    let call = client(shared)
        .assume_role()
        .role_arn(role.arn.as_str())
        .role_session_name(&role.session_name)
        .set_duration_seconds(whole_seconds(role.duration));
    let answer = from_sdk(BY_CREDENTIALS, call.send().await)?;
    read_session(BY_CREDENTIALS, answer.credentials)
}

fn read_session(
    action: &'static str,
    credentials: Option<Credentials>,
) -> Result<AssumedSession, AwsError> {
    let credentials = credentials
        .filter(|found| !found.session_token.is_empty() && !found.secret_access_key.is_empty())
        .ok_or_else(|| AwsError::incomplete_answer(action, "the credentials"))?;
    let expires = SystemTime::try_from(credentials.expiration)
        .map_err(|_| AwsError::incomplete_answer(action, "the credentials' end"))?;
    Ok(AssumedSession {
        access_key: credentials.access_key_id,
        secret: Secret::new(credentials.secret_access_key),
        token: Secret::new(credentials.session_token),
        expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_user_and_root_are_named() {
        let table = [
            (
                "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions",
                "role deploy",
                Some("GitHubActions"),
            ),
            (
                "arn:aws-cn:iam::123456789012:user/ci/deployer",
                "user ci/deployer",
                None,
            ),
            ("arn:aws:iam::123456789012:root", "root", None),
            (
                "arn:aws:sts::123456789012:federated-user/ops",
                "federated-user ops",
                None,
            ),
            ("", "an unnamed caller", None),
        ];
        for (arn, who, session) in table {
            let caller = read_caller("123456789012", arn);
            assert_eq!(
                (caller.who.as_str(), caller.session.as_deref()),
                (who, session)
            );
        }
    }
}
