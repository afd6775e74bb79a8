//! Which credentials a run uses: those that the job was given. The machine's own (an instance
//! profile, a container's role) are used only when the workflow asks for them: on a self-hosted
//! runner they were made for another purpose, and using them by accident would go unnoticed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::aws::connection::InstanceProfile;
use crate::secret::Secret;

/// The list of places in the message that no credentials were found.
pub(super) const SEARCHED_SOURCES: &str =
    "AWS_ACCESS_KEY_ID, a profile, a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)";

/// Called with each secret that must be masked.
type CredentialMasker = Box<dyn Fn(&Secret) + Send + Sync>;

/// Who is told of secrets that AWS hands out, once that is set.
#[derive(Clone, Default)]
pub(super) struct SecretListener(Arc<OnceLock<CredentialMasker>>);

impl SecretListener {
    pub(super) fn set(&self, hide: impl Fn(&Secret) + Send + Sync + 'static) {
        // A second listener would mask nothing that the first does not.
        let _ = self.0.set(Box::new(hide));
    }

    pub(super) fn hide(&self, text: &str) {
        if let Some(hide) = self.0.get() {
            hide(&Secret::new(text));
        }
    }
}

impl fmt::Debug for SecretListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Listener")
    }
}

/// A credentials provider that masks its secrets before it returns them. Those of the environment
/// are masked from the start.
#[derive(Debug)]
struct MaskingProvider<P> {
    provider: P,
    listener: SecretListener,
}

impl<P: ProvideCredentials> ProvideCredentials for MaskingProvider<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let credentials = self.provider.provide_credentials().await?;
            self.listener.hide(credentials.secret_access_key());
            credentials
                .session_token()
                .into_iter()
                .for_each(|token| self.listener.hide(token));
            Ok(credentials)
        })
    }
}

/// The providers in the SDK's own order.
pub(super) fn chain(
    config: &ProviderConfig,
    instance_profile: InstanceProfile,
    listener: &SecretListener,
) -> CredentialsProviderChain {
    let chain = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else(
        "Profile",
        with_masking(
            ProfileFileCredentialsProvider::builder()
                .configure(config)
                .build(),
            listener,
        ),
    )
    .or_else(
        "WebIdentityToken",
        with_masking(
            WebIdentityTokenCredentialsProvider::builder()
                .configure(config)
                .build(),
            listener,
        ),
    );
    match instance_profile {
        InstanceProfile::Unused => chain,
        InstanceProfile::Used => chain
            .or_else(
                "EcsContainer",
                with_masking(
                    EcsCredentialsProvider::builder().configure(config).build(),
                    listener,
                ),
            )
            .or_else(
                "Ec2InstanceMetadata",
                with_masking(
                    ImdsCredentialsProvider::builder().configure(config).build(),
                    listener,
                ),
            ),
    }
}

fn with_masking<P>(provider: P, listener: &SecretListener) -> MaskingProvider<P> {
    MaskingProvider {
        provider,
        listener: listener.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use aws_credential_types::Credentials;

    use super::*;

    #[tokio::test]
    async fn what_a_provider_hands_out_is_hidden_before_anybody_has_it() {
        let (listener, told) = (SecretListener::default(), Arc::new(Mutex::new(Vec::new())));
        let sink = Arc::clone(&told);
        listener.set(move |secret| sink.lock().unwrap().push(secret.expose().to_owned()));
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "canary-key",
            Some("canary-token".to_owned()),
            None,
            "test",
        );
        with_masking(credentials, &listener)
            .provide_credentials()
            .await
            .unwrap();
        assert_eq!(*told.lock().unwrap(), ["canary-key", "canary-token"]);
    }

    #[test]
    fn the_machine_s_own_credentials_are_looked_for_only_when_they_are_asked_for() {
        let config = ProviderConfig::empty().with_http_client(crate::aws::http_client(None));
        let names = |instance_profile| {
            format!(
                "{:?}",
                chain(&config, instance_profile, &SecretListener::default())
            )
        };
        let unused = names(InstanceProfile::Unused);
        assert!(
            !unused.contains("Ec2")
                && !unused.contains("Ecs")
                && unused.contains("WebIdentityToken"),
            "{unused}"
        );
        let used = names(InstanceProfile::Used);
        assert!(
            used.contains("EcsContainer") && used.contains("Ec2InstanceMetadata"),
            "{used}"
        );
    }
}
