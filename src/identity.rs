//! Identities of AWS's resources, a type each, so that none is passed where another is meant. In
//! the saved state, the journal and AWS's requests they are plain text.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identities {
    ($($(#[$doc:meta])+ $name:ident)+) => {$(
        $(#[$doc])+
        #[derive(
            Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text, as AWS takes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether it is empty, which means that AWS gave none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(identity: $name) -> Self {
                identity.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    )+};
}

identities! {
    /// A cluster, by name or ARN.
    ClusterName
    /// A service, by name or ARN.
    ServiceName
    /// ARN of a service.
    ServiceArn
    /// ARN of a task definition's revision: `…:task-definition/FAMILY:REVISION`.
    RevisionArn
    /// ARN of a service revision, which ECS makes for each service deployment:
    /// `…:service-revision/CLUSTER/SERVICE/ID`.
    ServiceRevisionArn
    /// ARN of a task: `…:task/CLUSTER/ID`.
    TaskArn
    /// Id of a task set: `ecs-svc/…`.
    TaskSetId
    /// ARN of a target group: `…:targetgroup/NAME/ID`.
    TargetGroupArn
    /// Id of a CodeDeploy deployment: `d-…`.
    DeploymentId
    /// ARN of a service deployment of ECS: `…:service-deployment/CLUSTER/SERVICE/ID`.
    ServiceDeploymentArn
    /// Id of a deployment inside a rolling service: `ecs-svc/…`.
    RollingDeploymentId
    /// What names a rollout, whatever its kind: a [`DeploymentId`], a [`ServiceDeploymentArn`] or a
    /// [`RollingDeploymentId`].
    RolloutId
    /// ARN of a scalable target of Application Auto Scaling: `…:scalable-target/ID`.
    ScalableTargetArn
    /// ARN of a role: `arn:aws:iam::ACCOUNT:role/NAME`, with a path before the name or none.
    RoleArn
    /// Name of an ECR repository.
    RepositoryName
    /// Name of a CodeDeploy application.
    ApplicationName
    /// Name of a CodeDeploy deployment group.
    DeploymentGroupName
}

impl RoleArn {
    /// The account's number.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The name, without the path.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl From<DeploymentId> for RolloutId {
    fn from(id: DeploymentId) -> Self {
        Self(id.0)
    }
}

impl From<ServiceDeploymentArn> for RolloutId {
    fn from(arn: ServiceDeploymentArn) -> Self {
        Self(arn.0)
    }
}

impl From<RollingDeploymentId> for RolloutId {
    fn from(id: RollingDeploymentId) -> Self {
        Self(id.0)
    }
}

/// Converts texts of AWS's responses to identities.
pub fn identities<I: for<'t> From<&'t str>>(texts: &[String]) -> Vec<I> {
    texts.iter().map(|text| I::from(text.as_str())).collect()
}

/// Converts identities to texts for AWS's requests.
pub fn texts(identities: &[impl AsRef<str>]) -> Vec<String> {
    identities
        .iter()
        .map(|identity| identity.as_ref().to_owned())
        .collect()
}
