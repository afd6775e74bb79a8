//! How many runs of the workflow are before this one. A run that waits says it where GitHub tells,
//! and never needs it.

use super::api::{Github, GithubError};
use super::note_unknown;
use super::workflow::Workflow;
use crate::run::Run;
use crate::secret::Secret;

/// The number of older runs of this workflow that have not ended; `None` outside a workflow,
/// without a token, and where GitHub does not tell.
pub async fn queue_position(run: &Run, token: Option<&Secret>) -> Option<usize> {
    let workflow = run.runner.workflow.as_ref()?;
    match ask(workflow, token?).await {
        Ok(position) => Some(position),
        Err(error) => {
            note_unknown(run, "the position in the queue is not known", &error);
            None
        }
    }
}

async fn ask(workflow: &Workflow, token: &Secret) -> Result<usize, GithubError> {
    Github::connect(workflow, token)?.queue_position().await
}
