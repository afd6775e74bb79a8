//! Where the account is, and the identities AWS would give to things in it: ARNs and ids.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::options::LoadBalancerKind;

/// Account number, region and cluster.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) cluster: String,
}

impl Location {
    fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.region, self.account
        )
    }

    pub(crate) fn cluster_arn(&self) -> String {
        self.arn("ecs", &format!("cluster/{}", self.cluster))
    }

    pub(crate) fn service_arn(&self, name: &str) -> String {
        self.arn("ecs", &format!("service/{}/{name}", self.cluster))
    }

    pub(crate) fn task_arn(&self, id: &str) -> String {
        self.arn("ecs", &format!("task/{}/{id}", self.cluster))
    }

    pub(crate) fn container_arn(&self, task: &str, name: &str) -> String {
        self.arn(
            "ecs",
            &format!(
                "container/{}/{task}/{}",
                self.cluster,
                uuid_from(&format!("{task}/{name}"))
            ),
        )
    }

    pub(crate) fn task_set_arn(&self, service: &str, id: &str) -> String {
        self.arn("ecs", &format!("task-set/{}/{service}/{id}", self.cluster))
    }

    pub(crate) fn service_deployment_arn(&self, service: &str, id: &str) -> String {
        self.arn(
            "ecs",
            &format!("service-deployment/{}/{service}/{id}", self.cluster),
        )
    }

    pub(crate) fn service_revision_arn(&self, service: &str, id: &str) -> String {
        self.arn(
            "ecs",
            &format!("service-revision/{}/{service}/{id}", self.cluster),
        )
    }

    pub(crate) fn revision_arn(&self, family: &str, revision: u32) -> String {
        self.arn("ecs", &format!("task-definition/{family}:{revision}"))
    }

    pub(crate) fn balancer_arn(&self, kind: LoadBalancerKind) -> String {
        self.arn(
            "elasticloadbalancing",
            &format!(
                "loadbalancer/{}/{}",
                balancer_path(kind),
                hex_prefix("stage", 16)
            ),
        )
    }

    pub(crate) fn listener_arn(&self, kind: LoadBalancerKind, name: &str) -> String {
        let path = balancer_path(kind);
        self.arn(
            "elasticloadbalancing",
            &format!(
                "listener/{path}/{}/{}",
                hex_prefix("stage", 16),
                hex_prefix(name, 16)
            ),
        )
    }

    pub(crate) fn rule_arn(&self, listener: &str) -> String {
        let (stage, listener, rule) = (
            hex_prefix("stage", 16),
            hex_prefix(listener, 16),
            hex_prefix(&format!("{listener}/default"), 16),
        );
        self.arn(
            "elasticloadbalancing",
            &format!("listener-rule/app/stage/{stage}/{listener}/{rule}"),
        )
    }

    pub(crate) fn target_group_arn(&self, name: &str) -> String {
        self.arn(
            "elasticloadbalancing",
            &format!("targetgroup/{name}/{}", hex_prefix(name, 16)),
        )
    }

    pub(crate) fn alarm_arn(&self, name: &str) -> String {
        self.arn("cloudwatch", &format!("alarm:{name}"))
    }

    pub(crate) fn workspace_arn(&self, id: &str) -> String {
        self.arn("aps", &format!("workspace/{id}"))
    }

    /// With the six characters that Secrets Manager puts after a name.
    pub(crate) fn secret_arn(&self, name: &str) -> String {
        self.arn(
            "secretsmanager",
            &format!("secret:{name}-{}", hex_prefix(&format!("secret/{name}"), 6)),
        )
    }

    pub(crate) fn log_group_arn(&self, name: &str) -> String {
        self.arn("logs", &format!("log-group:{name}:*"))
    }

    /// By name, or by the ARN itself.
    pub(crate) fn parameter_arn(&self, name: &str) -> String {
        if name.starts_with("arn:") {
            name.to_owned()
        } else {
            self.arn(
                "ssm",
                &format!("parameter/{}", name.trim_start_matches('/')),
            )
        }
    }

    pub(crate) fn repository_arn(&self, name: &str) -> String {
        self.arn("ecr", &format!("repository/{name}"))
    }

    pub(crate) fn scalable_target_arn(&self, service: &str) -> String {
        self.arn(
            "application-autoscaling",
            &format!(
                "scalable-target/{}",
                hex_prefix(&format!("scalable/{service}"), 36)
            ),
        )
    }

    pub(crate) fn caller_arn(&self) -> String {
        format!(
            "arn:aws:sts::{}:assumed-role/github-actions/deploy",
            self.account
        )
    }

    pub(crate) fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }
}

/// A load balancer's type and name, as its ARNs have them.
const fn balancer_path(kind: LoadBalancerKind) -> &'static str {
    match kind {
        LoadBalancerKind::Nlb => "net/stage-network",
        LoadBalancerKind::Alb
        | LoadBalancerKind::Lattice
        | LoadBalancerKind::Gateway
        | LoadBalancerKind::ServiceConnect
        | LoadBalancerKind::Headless => "app/stage",
    }
}

/// The ids of new things: unlike each other, and unlike those of another stage.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: i64,
    issued: u64,
}

impl Ids {
    pub(crate) const fn new(seed: i64) -> Self {
        Self { seed, issued: 0 }
    }

    fn next_hex(&mut self, length: usize) -> String {
        self.issued += 1;
        hex_prefix(&format!("{}/{}", self.seed, self.issued), length)
    }

    /// 32 hexadecimal digits, as tasks have.
    pub(crate) fn next_task(&mut self) -> String {
        self.next_hex(32)
    }

    /// `ecs-svc/` and 19 digits, as deployments and task sets of a service have.
    pub(crate) fn next_fleet(&mut self) -> String {
        format!("ecs-svc/{}", self.next_digits())
    }

    /// 19 digits, as service revisions have.
    pub(crate) fn next_digits(&mut self) -> String {
        let digits: String = self
            .next_hex(19)
            .bytes()
            .map(|byte| char::from(b'0' + byte % 10))
            .collect();
        digits.replacen('0', "7", 1)
    }

    /// 21 letters and digits, as service deployments have.
    pub(crate) fn next_service_deployment(&mut self) -> String {
        self.next_hex(21)
    }

    /// `d-` and 9 capitals, as `CodeDeploy` deployments have.
    pub(crate) fn next_deployment(&mut self) -> String {
        format!("d-{}", self.next_hex(9).to_uppercase())
    }

    pub(crate) fn next_uuid(&mut self) -> String {
        self.issued += 1;
        uuid_from(&format!("{}/{}", self.seed, self.issued))
    }
}

fn hex_prefix(text: &str, length: usize) -> String {
    sha256_hex(text).chars().take(length).collect()
}

/// A text's SHA-256 in hexadecimal digits.
pub(crate) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// A UUID that is always the same for a text.
pub(crate) fn uuid_from(text: &str) -> String {
    let hex = hex_prefix(text, 32);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shapes_of_aws() {
        let mut ids = Ids::new(1);
        assert_eq!(ids.next_task().len(), 32);
        assert_eq!(ids.next_deployment().len(), 11);
        assert!(
            ids.next_fleet()
                .strip_prefix("ecs-svc/")
                .is_some_and(|digits| digits.len() == 19)
        );
        assert_eq!(ids.next_uuid().len(), 36);
        assert_ne!(ids.next_task(), ids.next_task());
    }
}
