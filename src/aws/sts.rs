//! STS: the identity of the credentials. No policy can deny GetCallerIdentity.

use aws_sdk_ecs::config::ProvideCredentials as _;

use super::error::from_sdk;
use super::{Aws, AwsError};

const ACTION: &str = "sts:GetCallerIdentity";

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
        let since = end.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(since.as_secs_f64())
    }

    /// The account and the role or user, as a text.
    ///
    /// # Errors
    ///
    /// There are no credentials, or AWS does not answer.
    pub async fn describe_caller(&self) -> Result<String, AwsError> {
        self.count_read();
        let answer = from_sdk(
            ACTION,
            aws_sdk_sts::Client::new(&self.reads)
                .get_caller_identity()
                .send()
                .await,
        )?;
        Ok(format_caller(
            answer.account().unwrap_or("unknown"),
            answer.arn().unwrap_or_default(),
        ))
    }
}

/// The session's name is left out: it says who assumed a role, not what the role may do.
fn format_caller(account: &str, arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let who = match resource.split_once('/') {
        Some(("assumed-role", rest)) => format!("role {}", rest.split('/').next().unwrap_or(rest)),
        Some((kind, name)) => format!("{kind} {name}"),
        None if resource.is_empty() => "an unnamed caller".to_owned(),
        None => resource.to_owned(),
    };
    format!("AWS account {account}, {who}")
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
            ),
            (
                "arn:aws-cn:iam::123456789012:user/ci/deployer",
                "user ci/deployer",
            ),
            ("arn:aws:iam::123456789012:root", "root"),
            (
                "arn:aws:sts::123456789012:federated-user/ops",
                "federated-user ops",
            ),
            ("", "an unnamed caller"),
        ];
        for (arn, who) in table {
            assert_eq!(
                format_caller("123456789012", arn),
                format!("AWS account 123456789012, {who}")
            );
        }
    }
}
