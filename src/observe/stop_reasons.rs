//! PURE: what to do about the reasons for which ECS stops tasks, by AWS's word for each.

/// A hint for a stop reason in AWS's words, or for an exit code; none where nothing can be advised.
pub fn remedy(reason: &str, exit_code: Option<i32>) -> Option<&'static str> {
    let has = |word: &str| reason.contains(word);
    if has("ResourceInitializationError") && (has("AccessDenied") || has("not authorized")) {
        return Some(
            "the execution role lacks a permission that the task needs before it starts: for ECR, the log group, or a secret",
        );
    }
    let by_word = [
        (
            "CannotPullContainer",
            "check that the image exists, that the execution role may read its repository, and that the subnets reach it",
        ),
        (
            "ResourceInitializationError",
            "the task could not reach ECR, CloudWatch Logs or its secrets: check the subnets' route (NAT or endpoints) and the security groups",
        ),
        (
            "OutOfMemory",
            "give the container or the task more memory in the task definition",
        ),
        (
            "CannotStartContainer",
            "the container could not be started: check that the command is in the image",
        ),
        (
            "ContainerRuntime",
            "the container runtime failed: run it again",
        ),
        (
            "CannotCreateVolume",
            "the task's volume could not be made: check its file system, and the role that mounts it",
        ),
        (
            "Spot",
            "AWS took the capacity back: do not run it on FARGATE_SPOT (run-task-capacity-provider-strategy)",
        ),
    ];
    let known = by_word
        .into_iter()
        .find(|(word, _)| has(word))
        .map(|(_, remedy)| remedy);
    known.or(match exit_code {
        Some(126 | 127) => Some("the image has no such command, or it cannot be executed"),
        Some(137) => Some("it was killed: usually it had too little memory"),
        Some(_) | None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_remedy_and_an_ordinary_exit_has_none() {
        let begins = |reason: &str, code| remedy(reason, code).map(|text| &text[..20]);
        let table = [
            (
                "CannotPullContainerError: not found",
                None,
                Some("check that the image"),
            ),
            (
                "ResourceInitializationError: unable to pull secrets: AccessDeniedException",
                None,
                Some("the execution role l"),
            ),
            (
                "ResourceInitializationError: i/o timeout",
                None,
                Some("the task could not r"),
            ),
            (
                "OutOfMemoryError: Container killed due to memory usage",
                Some(137),
                Some("give the container o"),
            ),
            ("SpotInterruption", None, Some("AWS took the capacit")),
            (
                "Essential container in task exited",
                Some(127),
                Some("the image has no suc"),
            ),
            ("Essential container in task exited", Some(1), None),
        ];
        for (reason, code, expected) in table {
            assert_eq!(begins(reason, code), expected, "{reason}");
        }
    }
}
