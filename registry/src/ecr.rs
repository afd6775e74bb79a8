//! What is particular to Amazon ECR as a registry: its hosts, quotas and refusals, and what people
//! can do about them. No API of AWS is called here or anywhere else in this crate.

use crate::error::Step;

/// The quota for one layer in bytes (Amazon ECR service quotas, "Maximum layer size": 52,000 MiB).
pub(crate) const MAX_LAYER_BYTES: u64 = 52_000 * 1024 * 1024;

/// How to make an archived image available again.
pub(crate) const RESTORE_FROM_ARCHIVE: &str = "restore it: aws ecr update-image-storage-class --target-storage-class STANDARD, or push it again under a new tag";

/// Whether a host is ECR's, in either form: `ACCOUNT.dkr.ecr.REGION.amazonaws.com` or
/// `ACCOUNT.dkr-ecr.REGION.on.aws`.
pub(crate) fn is_ecr(host: &str) -> bool {
    host.contains(".dkr.ecr.") || host.contains(".dkr-ecr.")
}

/// The IAM actions that a step needs (Amazon ECR user guide, "Required IAM permissions for pushing
/// an image").
pub(crate) fn iam_actions(step: Step) -> &'static str {
    match step {
        Step::CheckBlob => "ecr:BatchCheckLayerAvailability",
        Step::StartUpload => "ecr:InitiateLayerUpload",
        Step::ReadBlob => "ecr:GetDownloadUrlForLayer",
        Step::SendBlob => "ecr:UploadLayerPart and ecr:CompleteLayerUpload",
        Step::ReadManifest => "ecr:BatchGetImage",
        Step::WriteManifest => "ecr:PutImage",
        Step::SignIn => "ecr:GetAuthorizationToken",
    }
}

/// What to do about a step that was denied in a repository.
pub(crate) fn allow_hint(step: Step, repository: &str) -> String {
    format!(
        "allow {} on the repository `{repository}`, in the role's policy and in the repository's",
        iam_actions(step)
    )
}

/// What to do about a repository that is missing.
pub(crate) fn create_hint(repository: &str) -> String {
    format!("create it: aws ecr create-repository --repository-name {repository}")
}

/// What to do about a refusal that is only recognized by its HTTP status or by ECR's words.
pub(crate) fn refusal_hint(status: u16, message: &str) -> Option<&'static str> {
    const UPSTREAM: [&str; 4] = [
        "upstream image",
        "upstream layer",
        "upstream_image",
        "upstream_layer",
    ];
    let words = message.to_lowercase();
    if status == 429 {
        Some(
            "ECR takes ten manifests a second in an account and region: let fewer jobs push at once, or run the job again",
        )
    } else if words.contains("kms") {
        Some(
            "the repository's KMS key must be enabled, and usable by the role: kms:GenerateDataKey and kms:Decrypt",
        )
    } else if UPSTREAM.iter().any(|word| words.contains(word)) {
        Some(
            "the pull-through cache cannot reach its upstream: check its rule and its credentials in Secrets Manager",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_its_hosts_are_recognized() {
        assert!(is_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com"));
        assert!(is_ecr("123456789012.dkr-ecr.eu-west-1.on.aws"));
        for other in ["public.ecr.aws", "ghcr.io", "ecr.example.com"] {
            assert!(!is_ecr(other), "{other}");
        }
    }

    #[test]
    fn refusals_that_are_recognized_have_a_remedy() {
        for (status, message, word) in [
            (
                429,
                "TOOMANYREQUESTS: Rate exceeded",
                "ten manifests a second",
            ),
            (400, "KmsException: the key is disabled", "kms:Decrypt"),
            (
                404,
                "UNABLE_TO_GET_UPSTREAM_IMAGE: Upstream image not found",
                "pull-through cache",
            ),
        ] {
            assert!(
                refusal_hint(status, message).unwrap().contains(word),
                "{message}"
            );
        }
        assert_eq!(refusal_hint(500, "INTERNAL"), None);
    }
}
