//! How many runs of the workflow are ahead of this one. A waiting run says so where GitHub answers,
//! and never depends on it.

use crate::error::cause_chain;
use crate::event::Event;
use crate::github::api::Github;
use crate::github::client::GithubError;
use crate::github::workflow::Workflow;
use crate::run::Run;
use crate::secret::Secret;

/// The permission that the job's token needs.
const PERMISSION: &str = "actions: read in the job's permissions";

/// The number of older runs of this workflow that have not ended; `None` outside a workflow,
/// without a token, and where GitHub does not answer.
pub async fn queue_position(run: &Run, token: Option<&Secret>) -> Option<usize> {
    let workflow = run.runner.workflow.as_ref()?;
    match ask_github(workflow, token?).await {
        Ok(position) => Some(position),
        Err(error) => {
            note_unknown(run, "the position in the queue is not known", &error);
            None
        }
    }
}

async fn ask_github(workflow: &Workflow, token: &Secret) -> Result<usize, GithubError> {
    Github::connect(workflow, token)?.count_runs_ahead().await
}

/// Notes in the log what is unknown because GitHub did not answer. It is no warning and no failure:
/// the job's token exists by default, with whatever permissions it has.
pub fn note_unknown(run: &Run, what: &str, error: &GithubError) {
    let allow = if error.is_denied() {
        format!("; allow {PERMISSION} to have it")
    } else {
        String::new()
    };
    run.emit(Event::Noted {
        sentence: format!("{what}{allow} ({})", cause_chain(error).join(": ")).into(),
    });
}
