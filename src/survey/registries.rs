//! Repositories as the transfer needs them: address, credentials, and how to get new credentials
//! when these expire during the transfer.

use url::Url;

use super::SurveyFailure;
use crate::aws::ecr::{RegistryAccess, RegistryPlace};
use crate::aws::ecr_host::EcrHost;
use crate::aws::{Aws, AwsError};
use crate::error::Failure;
use crate::outcome::Reason;
use crate::registry::{Credentials, ImageName, Renewal, Target, Transport};

/// The connections, and the registry for which we have a token.
pub(super) struct Registries<'r> {
    pub(super) aws: &'r Aws,
    pub(super) access: Option<&'r RegistryAccess>,
    pub(super) transport: Transport,
}

impl<'r> Registries<'r> {
    pub(super) fn new(
        aws: &'r Aws,
        access: Option<&'r RegistryAccess>,
    ) -> Result<Self, SurveyFailure> {
        let unusable = |error| {
            SurveyFailure::Failure(Failure::new(
                Reason::ImageFailed,
                crate::error::cause_chain(&error).join(": "),
            ))
        };
        Ok(Self {
            aws,
            access,
            transport: Transport::new().map_err(unusable)?,
        })
    }

    /// A repository in ECR.
    pub(super) fn ecr_target(
        &self,
        access: &RegistryAccess,
        repository: &str,
    ) -> Result<Target, SurveyFailure> {
        let ask = self.aws.registry_access_refresher(&access.place);
        let renewal = Renewal::new(move || {
            let answer = ask();
            Box::pin(async move {
                answer
                    .await
                    .map(|access| credentials(&access))
                    .map_err(|error: AwsError| error.to_string())
            })
        });
        let target = self.build_target(&access.endpoint, repository, Some(credentials(access)))?;
        Ok(Target {
            renewal: Some(renewal),
            ..target
        })
    }

    /// The repository of a name, in any registry. ECR's token is sent only to ECR, and the
    /// credentials for `image` only to its registry.
    pub(super) async fn target_for_name(
        &self,
        name: &ImageName,
        login: Option<&Credentials>,
    ) -> Result<Target, SurveyFailure> {
        let (host, repository) = name.address();
        if let Some(access) = self.access.filter(|access| access.matches_host(&host)) {
            return self.ecr_target(access, &repository);
        }
        if let Some(ecr) = EcrHost::parse(&host) {
            let access = self
                .aws
                .request_registry_access(&RegistryPlace::Host(ecr))
                .await
                .map_err(|error| SurveyFailure::from_aws_error("image", error))?;
            return self.ecr_target(&access, &repository);
        }
        self.build_target(
            &format!("{}://{host}", scheme(&host)),
            &repository,
            login.cloned(),
        )
    }

    fn build_target(
        &self,
        endpoint: &str,
        repository: &str,
        credentials: Option<Credentials>,
    ) -> Result<Target, SurveyFailure> {
        let endpoint = Url::parse(endpoint).map_err(|error| {
            SurveyFailure::Failure(Failure::new(
                Reason::ImageFailed,
                format!("the registry's address {endpoint} is not a URL: {error}"),
            ))
        })?;
        let (repository, transport) = (repository.to_owned(), self.transport.clone());
        Ok(Target {
            endpoint,
            repository,
            credentials,
            renewal: None,
            transport,
        })
    }
}

fn credentials(access: &RegistryAccess) -> Credentials {
    Credentials {
        user: access.user.clone(),
        password: access.password.clone(),
    }
}

/// A registry on this machine has no certificate; Docker and other tools make the same exception.
fn scheme(host: &str) -> &'static str {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = name == "localhost" || name == "[::1]" || name.starts_with("127.");
    if is_here { "http" } else { "https" }
}
