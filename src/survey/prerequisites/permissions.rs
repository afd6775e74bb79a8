//! What the run's own role may do, as far as IAM tells before anything is tried.

use futures_util::future::join_all;

use super::VerificationNeeds;
use crate::aws::AwsError;
use crate::aws::ecr_host::partition;
use crate::aws::iam::SimulatedAction;
use crate::run::Run;

/// Asks for every write; none where there is nothing to ask.
pub(super) async fn simulate(
    run: &Run,
    needs: &VerificationNeeds,
) -> Option<Result<Vec<SimulatedAction>, AwsError>> {
    if needs.writes.is_empty() {
        return None;
    }
    Some(simulate_writes(run, needs).await)
}

async fn simulate_writes(
    run: &Run,
    needs: &VerificationNeeds,
) -> Result<Vec<SimulatedAction>, AwsError> {
    let principal = find_principal(run).await?;
    let asked = join_all(needs.writes.iter().map(|writes| {
        run.aws.simulate_actions(
            &principal,
            &writes.actions,
            &writes.resource,
            &writes.context,
        )
    }));
    let answers: Result<Vec<_>, AwsError> = asked.await.into_iter().collect();
    Ok(answers?.into_iter().flatten().collect())
}

/// The ARN of the role or user whose policies are asked. A session's ARN lacks the path of its
/// role, which only IAM knows; most roles have none.
async fn find_principal(run: &Run) -> Result<String, AwsError> {
    let caller = run.aws.caller_arn().await?;
    let Some((account, role)) = assumed_role(&caller) else {
        return Ok(caller);
    };
    if let Ok(Some(found)) = run.aws.get_role(role).await {
        return Ok(found.arn);
    }
    let partition = partition(run.aws.partition().region());
    Ok(format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` → account and role.
fn assumed_role(caller: &str) -> Option<(&str, &str)> {
    let mut parts = caller.splitn(6, ':').skip(4);
    let (account, resource) = (parts.next()?, parts.next()?);
    let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    Some((account, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_of_a_session_is_found_in_its_arn() {
        let table = [
            (
                "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions",
                Some(("123456789012", "deploy")),
            ),
            ("arn:aws:iam::123456789012:user/ci", None),
            ("", None),
        ];
        for (caller, expected) in table {
            assert_eq!(assumed_role(caller), expected);
        }
    }
}
