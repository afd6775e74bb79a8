//! ECR: where images are pushed to, and the token for it.

use aws_sdk_ecr::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;

use super::ecr_host::EcrHost;
use super::error::from_sdk;
use super::{Aws, AwsError};
use crate::identity::RepositoryName;
use crate::secret::Secret;

/// The registry for which a token is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryPlace {
    /// The account's own registry, or that of the first of these accounts, in the run's region.
    Own(Vec<String>),
    /// The registry of this host, in any account and region.
    Host(EcrHost),
}

/// The registry of an account, with the credentials for it.
#[derive(Debug, Clone)]
pub struct RegistryAccess {
    /// The endpoint, such as `https://123456789012.dkr.ecr.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The user name, `AWS`.
    pub user: String,
    /// The authorization token, valid for 12 hours.
    pub password: Secret,
    /// The registry's region.
    pub region: String,
    /// The registry's account, where it is known.
    pub account: Option<String>,
    /// The registry that was requested.
    pub place: RegistryPlace,
}

impl RegistryAccess {
    /// The endpoint without its scheme, as image names contain it.
    pub fn host(&self) -> &str {
        host(&self.endpoint)
    }

    /// Whether a host in an image's name is this registry.
    pub fn matches_host(&self, written: &str) -> bool {
        let is_asked = matches!(&self.place, RegistryPlace::Host(host) if host.text == written);
        let same = || EcrHost::parse(written).zip(EcrHost::parse(self.host()));
        is_asked
            || written == self.host()
            || same().is_some_and(|(written, own)| written.is_same_registry(&own))
    }
}

fn host(endpoint: &str) -> &str {
    endpoint
        .split_once("://")
        .map_or(endpoint, |(_, host)| host)
        .trim_end_matches('/')
}

impl Aws {
    /// The registry's endpoint and a token for it, good for 12 hours.
    pub async fn request_registry_access(
        &self,
        place: &RegistryPlace,
    ) -> Result<RegistryAccess, AwsError> {
        request_access(
            self.ecr_of(place),
            place.clone(),
            self.region_of(place).to_owned(),
        )
        .await
    }

    /// A function that requests access again later: a token expires, and a transfer may take
    /// longer.
    pub fn registry_access_refresher(
        &self,
        place: &RegistryPlace,
    ) -> impl Fn() -> BoxFuture<'static, Result<RegistryAccess, AwsError>> + use<> {
        let (region, place) = (self.region_of(place).to_owned(), place.clone());
        let client = self.ecr_of(&place);
        move || {
            Box::pin(request_access(
                client.clone(),
                place.clone(),
                region.clone(),
            ))
        }
    }

    fn ecr_of(&self, place: &RegistryPlace) -> Client {
        let account = match place {
            RegistryPlace::Own(accounts) => accounts.first(),
            RegistryPlace::Host(host) => Some(&host.account),
        };
        self.ecr_at(account.map(String::as_str), Some(self.region_of(place)))
    }

    fn region_of<'p>(&'p self, place: &'p RegistryPlace) -> &'p str {
        match place {
            RegistryPlace::Own(_) => self.partition().region(),
            RegistryPlace::Host(host) => &host.region,
        }
    }

    /// The tags of an image, by its digest. The host of its registry says whose it is.
    pub async fn describe_image_tags(
        &self,
        registry: &str,
        repository: &RepositoryName,
        digest: &str,
    ) -> Result<Vec<String>, AwsError> {
        let host = EcrHost::parse(registry);
        let (account, region) = (
            host.as_ref().map(|host| host.account.as_str()),
            host.as_ref().map(|host| host.region.as_str()),
        );
        let image = aws_sdk_ecr::types::ImageIdentifier::builder()
            .image_digest(digest)
            .build();
        let answer = from_sdk(
            "ecr:DescribeImages",
            self.ecr_at(account, region)
                .describe_images()
                .set_registry_id(account.map(str::to_owned))
                .repository_name(repository.as_str())
                .image_ids(image)
                .send()
                .await,
        )?;
        Ok(answer
            .image_details()
            .iter()
            .flat_map(|detail| detail.image_tags().to_vec())
            .collect())
    }
}

async fn request_access(
    client: Client,
    place: RegistryPlace,
    region: String,
) -> Result<RegistryAccess, AwsError> {
    const ACTION: &str = "ecr:GetAuthorizationToken";
    let accounts = match &place {
        RegistryPlace::Own(accounts) => accounts.clone(),
        RegistryPlace::Host(host) => vec![host.account.clone()],
    };
    let accounts = (!accounts.is_empty()).then_some(accounts);
    #[expect(
        deprecated,
        reason = "nothing else makes ECR name the endpoint of another account's registry"
    )]
    let call = client
        .get_authorization_token()
        .set_registry_ids(accounts.clone());
    let answer = from_sdk(ACTION, call.send().await)?;
    let data = answer
        .authorization_data()
        .first()
        .ok_or_else(|| AwsError::incomplete_answer(ACTION, "authorization data"))?;
    let token = data
        .authorization_token()
        .and_then(|token| STANDARD.decode(token).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (user, password) = token
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .ok_or_else(|| AwsError::incomplete_answer(ACTION, "a readable token"))?;
    let named_endpoint = data
        .proxy_endpoint()
        .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the registry's endpoint"))?;
    let account = accounts
        .and_then(|accounts| accounts.into_iter().next())
        .or_else(|| EcrHost::parse(host(named_endpoint)).map(|host| host.account));
    Ok(RegistryAccess {
        endpoint: endpoint(&place, named_endpoint),
        user: user.to_owned(),
        password: Secret::new(password),
        region,
        account,
        place,
    })
}

/// The endpoint that AWS returns, unless the user wrote another name of the same registry: then
/// that name is in the task definition, and it is the one the task can reach (IPv6, FIPS).
fn endpoint(place: &RegistryPlace, named_endpoint: &str) -> String {
    match place {
        RegistryPlace::Host(written)
            if EcrHost::parse(host(named_endpoint))
                .is_some_and(|host| host.is_same_registry(written)) =>
        {
            format!("https://{}", written.text)
        }
        RegistryPlace::Host(_) | RegistryPlace::Own(_) => named_endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_the_user_wrote_is_kept_for_the_registry_that_aws_names() {
        let at = |text: &str| RegistryPlace::Host(EcrHost::parse(text).unwrap());
        let named = "https://123456789012.dkr.ecr.us-east-2.amazonaws.com";
        assert_eq!(endpoint(&RegistryPlace::Own(Vec::new()), named), named);
        assert_eq!(
            endpoint(&at("123456789012.dkr-ecr.us-east-2.on.aws"), named),
            "https://123456789012.dkr-ecr.us-east-2.on.aws"
        );
        assert_eq!(
            endpoint(
                &at("210987654321.dkr-ecr.us-east-2.on.aws"),
                "http://127.0.0.1:5000"
            ),
            "http://127.0.0.1:5000"
        );
    }
}
