//! Stops a run that a newer run has overtaken, so that it does not deploy its older commit by
//! accident.
//!
//! Where GitHub's API cannot be read, the run continues and says so.

use crate::error::Failure;
use crate::github::api::{Github, WorkflowRun};
use crate::github::client::GithubError;
use crate::github::workflow::Workflow;
use crate::observe::workflow_runs::note_unknown;
use crate::outcome::Reason;
use crate::run::Run;
use crate::secret::Secret;

/// Characters of a commit's id, as GitHub shows it.
const SHORT_SHA: usize = 7;

/// Refuses when a newer run of the workflow has succeeded on this branch with another commit.
///
/// # Errors
/// The run is stale. An API that cannot be read is no error.
pub async fn check(run: &Run, token: &Secret) -> Result<(), Failure> {
    let Some((workflow, branch, sha)) = job_context(run) else {
        return Ok(());
    };
    match fetch_newer_run(workflow, token, branch, sha).await {
        Ok(None) => Ok(()),
        Ok(Some(newer)) => Err(overtaken_failure(workflow.number, branch, &newer)),
        Err(error) => {
            note_unknown(
                run,
                "a newer run that has deployed this branch already is not noticed",
                &error,
            );
            Ok(())
        }
    }
}

/// Workflow, branch and commit of the job, where it has all of them.
fn job_context(run: &Run) -> Option<(&Workflow, &str, &str)> {
    let workflow = run.runner.workflow.as_ref()?;
    Some((
        workflow,
        workflow.branch.as_deref()?,
        run.runner.sha.as_deref()?,
    ))
}

async fn fetch_newer_run(
    workflow: &Workflow,
    token: &Secret,
    branch: &str,
    sha: &str,
) -> Result<Option<WorkflowRun>, GithubError> {
    Github::connect(workflow, token)?
        .find_newer_run(branch, sha)
        .await
}

fn overtaken_failure(ours: u64, branch: &str, newer: &WorkflowRun) -> Failure {
    let sha: String = newer.sha.chars().take(SHORT_SHA).collect();
    let sentence = format!(
        "this run, #{ours}, is stale: run #{} of the workflow has deployed {branch} already, with commit {sha}",
        newer.number
    );
    Failure::new(Reason::StaleRun, sentence)
        .with_cause(format!("the newer run: {}", newer.url))
        .with_hint("set stale-run: allow to deploy the older commit all the same, or mode: rollback to go back on purpose")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_run_names_the_newer_one_and_both_ways_on() {
        let url = "https://github.example/octo/shop/actions/runs/99".to_owned();
        let newer = WorkflowRun {
            number: 42,
            sha: "3f786850e387550fdab836ed7e6dc881de23001b".into(),
            url,
            status: None,
            conclusion: None,
        };
        let failure = overtaken_failure(41, "main", &newer);
        assert_eq!(failure.reason, Reason::StaleRun);
        assert_eq!(
            failure.chain,
            [
                "this run, #41, is stale: run #42 of the workflow has deployed main already, with commit 3f78685",
                "the newer run: https://github.example/octo/shop/actions/runs/99"
            ]
        );
        assert!(
            failure.hints[0].contains("stale-run: allow")
                && failure.hints[0].contains("mode: rollback")
        );
    }
}
