//! How many runs of the workflow are before this one, for a run that waits: told where GitHub
//! tells, never needed.

use crate::github::api::{Github, GithubError};
use crate::github::workflow::Workflow;
use crate::run::Run;
use crate::secret::Secret;
use crate::settings::Settings;

use super::stale::tell;

/// The number of older runs of this workflow that have not ended; `None` outside a workflow,
/// without a token, and where GitHub does not tell.
pub async fn ahead(run: &Run, settings: &Settings) -> Option<usize> {
    let workflow = run.runner.workflow.as_ref()?;
    let token = settings.control.github_token.as_ref()?;
    match ask(workflow, token).await {
        Ok(ahead) => Some(ahead),
        Err(error) => {
            tell(run, "the position in the queue is not known", &error);
            None
        }
    }
}

async fn ask(workflow: &Workflow, token: &Secret) -> Result<usize, GithubError> {
    Github::connect(workflow, token)?.queue_position().await
}
