//! Whether what a deployment needs is there: roles, secrets, log groups, files and, for a
//! verification, target groups, permissions, quotas and the repository's settings.
//!
//! The plan says what is needed ([`Needs`]); each part is read at the same time as the rest of the
//! survey. A read that is denied or fails says nothing: it never refuses a deployment.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use crate::aws::elb::TargetHealth;
use crate::aws::iam::{IamRole, SimulatedAction};
use crate::aws::secret_metadata::SecretMetadata;
use crate::aws::secrets::SecretError;
use crate::aws::ssm::{MAX_PARAMETERS, ParameterMetadata};
use crate::aws::target_groups::TargetGroupSettings;
use crate::aws::{AwsError, AwsErrorKind};
use crate::run::Run;

mod permissions;

/// What a deployment needs, as the plan knows it before the rest is read.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Names of IAM roles.
    pub roles: BTreeSet<String>,
    /// ARNs of secrets, with their regions.
    pub secrets: BTreeSet<(String, String)>,
    /// Keys in secrets whose values are read: a secret's ARN and the key.
    pub secret_keys: BTreeSet<(String, String)>,
    /// Names or ARNs of parameters, with their regions.
    pub parameters: BTreeSet<(String, String)>,
    /// Log groups: region and name.
    pub log_groups: BTreeSet<(String, String)>,
    /// Objects of S3: bucket and key.
    pub objects: BTreeSet<(String, String)>,
    /// What only a verification reads.
    pub verification: Option<VerificationNeeds>,
}

/// What only a verification reads.
#[derive(Debug, Clone, Default)]
pub struct VerificationNeeds {
    /// Names of target groups.
    pub target_groups: BTreeSet<String>,
    /// The writes of the run, resource by resource.
    pub writes: Vec<NeededWrites>,
    /// The repository whose lifecycle policy is read: the registry's account, its region, the name.
    pub repository: Option<(Option<String>, String, String)>,
    /// Whether the account's quota for Fargate is read.
    pub fargate_quota: FargateQuota,
}

/// Whether the account's quota for Fargate matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FargateQuota {
    /// The tasks run elsewhere.
    #[default]
    Unneeded,
    /// The tasks run on Fargate.
    Needed,
}

/// Writes on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededWrites {
    /// IAM actions.
    pub actions: Vec<String>,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// Keys of conditions, with their values.
    pub context: Vec<(&'static str, String)>,
}

/// What was found of something that is needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked<T> {
    /// It is there.
    Found(T),
    /// It is not there.
    Missing,
    /// It could not be read.
    Unread(AwsError),
}

impl<T> Looked<T> {
    fn from_lookup(answer: Result<Option<T>, AwsError>) -> Self {
        match answer {
            Ok(Some(found)) => Self::Found(found),
            Ok(None) => Self::Missing,
            Err(error) => Self::Unread(error),
        }
    }

    /// The error of a read that did not work.
    pub fn error(&self) -> Option<&AwsError> {
        match self {
            Self::Unread(error) => Some(error),
            Self::Found(_) | Self::Missing => None,
        }
    }
}

impl Looked<()> {
    fn from_existence(answer: Result<bool, AwsError>) -> Self {
        Self::from_lookup(answer.map(|exists| exists.then_some(())))
    }
}

/// What was found of everything that is needed.
#[derive(Debug, Clone, Default)]
pub struct Prerequisites {
    /// Roles by name.
    pub roles: BTreeMap<String, Looked<IamRole>>,
    /// Secrets by ARN.
    pub secrets: BTreeMap<String, Looked<SecretMetadata>>,
    /// Keys of secrets, by ARN and key.
    pub secret_keys: BTreeMap<(String, String), Result<(), SecretError>>,
    /// Parameters by name or ARN.
    pub parameters: BTreeMap<String, Looked<ParameterMetadata>>,
    /// Log groups by region and name.
    pub log_groups: BTreeMap<(String, String), Looked<()>>,
    /// Objects by bucket and key.
    pub objects: BTreeMap<(String, String), Looked<()>>,
    /// Target groups by name.
    pub target_groups: BTreeMap<String, Looked<SurveyedTargetGroup>>,
    /// What the run's own role may do; none where it was not asked.
    pub permissions: Option<Result<Vec<SimulatedAction>, AwsError>>,
    /// Whether the repository has a lifecycle policy.
    pub lifecycle_policy: Option<Looked<()>>,
    /// The account's quota of vCPUs on Fargate.
    pub fargate_vcpus: Option<Result<f64, AwsError>>,
    /// When everything was read, in seconds since 1970.
    pub looked_at: f64,
    /// When the credentials of the run end, in seconds since 1970, where that is known.
    pub session_end: Option<f64>,
}

/// A target group as it is set up, and how healthy its targets are.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyedTargetGroup {
    /// Its settings.
    pub settings: TargetGroupSettings,
    /// The health of its targets; none if it could not be read.
    pub health: Option<TargetHealth>,
}

impl Prerequisites {
    /// The actions of reads that were denied, and what was not looked at because of that.
    pub fn unread_parts(&self) -> Vec<(&'static str, &AwsError)> {
        let parts = [
            ("roles", self.roles.values().find_map(Looked::error)),
            ("secrets", self.secrets.values().find_map(Looked::error)),
            (
                "parameters",
                self.parameters.values().find_map(Looked::error),
            ),
            (
                "log groups",
                self.log_groups.values().find_map(Looked::error),
            ),
            (
                "environment files",
                self.objects.values().find_map(Looked::error),
            ),
        ];
        parts
            .into_iter()
            .filter_map(|(what, error)| Some((what, error?)))
            .collect()
    }

    /// The error of a read that AWS throttled.
    pub fn throttled(&self) -> Option<AwsError> {
        self.unread_parts()
            .into_iter()
            .map(|(_, error)| error)
            .chain(
                self.permissions
                    .as_ref()
                    .and_then(|asked| asked.as_ref().err()),
            )
            .find(|error| error.kind == AwsErrorKind::Throttled)
            .cloned()
    }
}

/// Reads everything that is needed, at the same time.
pub(super) async fn read(run: &Run, needs: &Needs) -> Prerequisites {
    let (roles, secrets, keys, parameters, log_groups, objects, verified) = tokio::join!(
        read_each(&needs.roles, async |name| Looked::from_lookup(
            run.aws.get_role(name).await
        )),
        read_each(&needs.secrets, async |(arn, region)| Looked::from_lookup(
            run.aws.describe_secret(region, arn).await
        )),
        read_each(&needs.secret_keys, async |(arn, key)| has_key(
            run, arn, key
        )
        .await),
        read_parameters(run, &needs.parameters),
        read_each(&needs.log_groups, async |(region, name)| {
            Looked::from_existence(run.aws.has_log_group(region, name).await)
        }),
        read_each(&needs.objects, async |(bucket, key)| {
            Looked::from_existence(run.aws.has_object(bucket, key).await)
        }),
        Box::pin(read_for_verification(run, needs.verification.as_ref())),
    );
    let found = Prerequisites {
        roles,
        secrets: secrets
            .into_iter()
            .map(|((arn, _), looked)| (arn, looked))
            .collect(),
        secret_keys: keys,
        parameters,
        log_groups,
        objects,
        looked_at: crate::clock::epoch_seconds(),
        ..verified
    };
    if needs.verification.is_none() {
        note_unread(run, &found);
    }
    found
}

/// A verification has a line for each; a deployment says it once.
fn note_unread(run: &Run, found: &Prerequisites) {
    let parts: Vec<String> = found
        .unread_parts()
        .into_iter()
        .map(|(what, error)| format!("{what} ({})", error.summary()))
        .collect();
    if !parts.is_empty() {
        run.note_once(format!(
            "Not looked at before the start: {}",
            parts.join(", ")
        ));
    }
}

async fn read_each<K: Clone + Ord, T>(
    keys: &BTreeSet<K>,
    read: impl AsyncFn(&K) -> T,
) -> BTreeMap<K, T> {
    let read = &read;
    let found = join_all(
        keys.iter()
            .map(|key| async move { (key.clone(), read(key).await) }),
    );
    found.await.into_iter().collect()
}

/// The value is masked before it is looked at, and dropped.
async fn has_key(run: &Run, arn: &str, key: &str) -> Result<(), SecretError> {
    let value = run.aws.get_secret_value(arn, Some(key)).await?;
    run.mask_secret(&value);
    Ok(())
}

async fn read_parameters(
    run: &Run,
    needed: &BTreeSet<(String, String)>,
) -> BTreeMap<String, Looked<ParameterMetadata>> {
    let mut by_region: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, region) in needed {
        by_region.entry(region).or_default().push(name.clone());
    }
    let batches = by_region.iter().flat_map(|(region, names)| {
        names
            .chunks(MAX_PARAMETERS)
            .map(move |names| (*region, names))
    });
    let read = join_all(batches.map(async |(region, names)| {
        let answer = run.aws.find_parameters(region, names).await;
        names
            .iter()
            .map(|name| (name.clone(), parameter_in(&answer, name)))
            .collect::<Vec<_>>()
    }));
    read.await.into_iter().flatten().collect()
}

fn parameter_in(
    answer: &Result<Vec<ParameterMetadata>, AwsError>,
    name: &str,
) -> Looked<ParameterMetadata> {
    match answer {
        Err(error) => Looked::Unread(error.clone()),
        Ok(found) => found
            .iter()
            .find(|parameter| parameter.name == name || parameter.arn == name)
            .map_or(Looked::Missing, |parameter| {
                Looked::Found(parameter.clone())
            }),
    }
}

async fn read_for_verification(run: &Run, needs: Option<&VerificationNeeds>) -> Prerequisites {
    let Some(needs) = needs else {
        return Prerequisites::default();
    };
    let (target_groups, permissions, lifecycle_policy, fargate_vcpus, session_end) = tokio::join!(
        read_each(&needs.target_groups, async |name| read_target_group(
            run, name
        )
        .await),
        permissions::simulate(run, needs),
        read_lifecycle_policy(run, needs),
        async {
            match needs.fargate_quota {
                FargateQuota::Needed => Some(run.aws.fargate_vcpu_quota().await),
                FargateQuota::Unneeded => None,
            }
        },
        run.aws.session_end(),
    );
    Prerequisites {
        target_groups,
        permissions,
        lifecycle_policy,
        fargate_vcpus,
        session_end,
        ..Prerequisites::default()
    }
}

async fn read_target_group(run: &Run, name: &str) -> Looked<SurveyedTargetGroup> {
    let settings = match run.aws.describe_target_groups(&[name.to_owned()]).await {
        Ok(mut found) if !found.is_empty() => found.swap_remove(0),
        Ok(_) => return Looked::Missing,
        Err(error) if error.has_code("TargetGroupNotFound") => return Looked::Missing,
        Err(error) => return Looked::Unread(error),
    };
    let health = run.aws.describe_target_health(&settings.arn).await.ok();
    Looked::Found(SurveyedTargetGroup { settings, health })
}

async fn read_lifecycle_policy(run: &Run, needs: &VerificationNeeds) -> Option<Looked<()>> {
    let (account, region, name) = needs.repository.as_ref()?;
    let answer = run
        .aws
        .has_lifecycle_policy(account.as_deref(), region, name)
        .await;
    Some(Looked::from_existence(answer))
}
