//! ECR: where images are pushed to, and the token for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::told;
use super::{Aws, AwsError};
use crate::secret::Secret;

/// The registry of an account, and how to speak to it.
#[derive(Debug, Clone)]
pub struct RegistryAccess {
    /// The endpoint, such as `https://123456789012.dkr.ecr.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The user name, `AWS`.
    pub user: String,
    /// The token.
    pub password: Secret,
}

impl RegistryAccess {
    /// The endpoint without its scheme, as it stands in image names.
    pub fn host(&self) -> &str {
        self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host).trim_end_matches('/')
    }
}

impl Aws {
    /// The registry's endpoint and a token for it, good for 12 hours.
    pub async fn registry_access(&self, accounts: &[String]) -> Result<RegistryAccess, AwsError> {
        const ACTION: &str = "ecr:GetAuthorizationToken";
        let accounts = (!accounts.is_empty()).then(|| accounts.to_vec());
        #[expect(deprecated, reason = "the login action's `registries` input has no other way to name another account's registry")]
        let call = self.ecr().get_authorization_token().set_registry_ids(accounts);
        let answer = told(ACTION, call.send().await)?;
        let data = answer.authorization_data().first().ok_or_else(|| AwsError::incomplete(ACTION, "authorization data"))?;
        let token =
            data.authorization_token().and_then(|token| STANDARD.decode(token).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
        let (user, password) =
            token.as_deref().and_then(|text| text.split_once(':')).ok_or_else(|| AwsError::incomplete(ACTION, "a readable token"))?;
        let endpoint = data.proxy_endpoint().ok_or_else(|| AwsError::incomplete(ACTION, "the registry's endpoint"))?;
        Ok(RegistryAccess { endpoint: endpoint.to_owned(), user: user.to_owned(), password: Secret::new(password) })
    }

    /// The tags of an image of the account's registry, by its digest.
    pub async fn tags_of(&self, repository: &str, digest: &str) -> Result<Vec<String>, AwsError> {
        let image = aws_sdk_ecr::types::ImageIdentifier::builder().image_digest(digest).build();
        let answer = told("ecr:DescribeImages", self.ecr().describe_images().repository_name(repository).image_ids(image).send().await)?;
        Ok(answer.image_details().iter().flat_map(|detail| detail.image_tags().to_vec()).collect())
    }
}
