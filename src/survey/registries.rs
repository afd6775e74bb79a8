//! Repositories as the transfer wants them: address, credentials, and where new ones come from when
//! these expire on the way.

use url::Url;

use super::Unready;
use crate::aws::ecr::{RegistryAccess, RegistryPlace};
use crate::aws::ecr_host::EcrHost;
use crate::aws::{Aws, AwsError};
use crate::error::Failure;
use crate::outcome::Reason;
use crate::registry::{Credentials, ImageName, Renewal, Target, Transport};

/// The connections, and the registry whose token we have.
pub(super) struct Registries<'r> {
    pub(super) aws: &'r Aws,
    pub(super) access: Option<&'r RegistryAccess>,
    pub(super) transport: Transport,
}

impl<'r> Registries<'r> {
    pub(super) fn new(aws: &'r Aws, access: Option<&'r RegistryAccess>) -> Result<Self, Unready> {
        let unusable = |error| {
            Unready::Failure(Failure::new(
                Reason::ImageFailed,
                crate::error::chain_of(&error).join(": "),
            ))
        };
        Ok(Self {
            aws,
            access,
            transport: Transport::new().map_err(unusable)?,
        })
    }

    /// A repository in ECR.
    pub(super) fn in_ecr(
        &self,
        access: &RegistryAccess,
        repository: &str,
    ) -> Result<Target, Unready> {
        let ask = self.aws.registry_access_again(&access.place);
        let renewal = Renewal::new(move || {
            let asked = ask();
            Box::pin(async move {
                asked
                    .await
                    .map(|access| credentials(&access))
                    .map_err(|error: AwsError| error.to_string())
            })
        });
        let target = self.target(&access.endpoint, repository, Some(credentials(access)))?;
        Ok(Target {
            renewal: Some(renewal),
            ..target
        })
    }

    /// The repository that a name means, in whatever registry. Only ECR is shown ECR's token, and
    /// only the registry of `image` what was given for it.
    pub(super) async fn of_name(
        &self,
        name: &ImageName,
        login: Option<&Credentials>,
    ) -> Result<Target, Unready> {
        let (host, repository) = name.address();
        if let Some(access) = self.access.filter(|access| access.is_at(&host)) {
            return self.in_ecr(access, &repository);
        }
        if let Some(ecr) = EcrHost::parse(&host) {
            let access = self
                .aws
                .registry_access(&RegistryPlace::At(ecr))
                .await
                .map_err(|error| Unready::of("image", error))?;
            return self.in_ecr(&access, &repository);
        }
        self.target(
            &format!("{}://{host}", scheme(&host)),
            &repository,
            login.cloned(),
        )
    }

    fn target(
        &self,
        endpoint: &str,
        repository: &str,
        credentials: Option<Credentials>,
    ) -> Result<Target, Unready> {
        let endpoint = Url::parse(endpoint).map_err(|error| {
            Unready::Failure(Failure::new(
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

/// A registry on this machine has no certificate; the tools people know make the same exception.
fn scheme(host: &str) -> &'static str {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = name == "localhost" || name == "[::1]" || name.starts_with("127.");
    if is_here { "http" } else { "https" }
}
