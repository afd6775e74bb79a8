//! GitHub: what the runner understands (workflow commands, command files), and what GitHub tells
//! about the workflow's runs.

pub mod api;
pub mod commands;
pub mod files;
pub mod queue_position;
pub mod workflow;

use crate::error::chain_of;
use crate::event::Event;
use crate::github::api::GithubError;
use crate::run::Run;

/// What the job's token must be allowed.
const PERMISSION: &str = "actions: read in the job's permissions";

/// Says in the log what is not known because GitHub did not answer. Nothing fails of it, and it is
/// no warning: the job's token is there by default, with whatever it may.
pub fn note_unknown(run: &Run, what: &str, error: &GithubError) {
    let allow = if error.is_denied() {
        format!("; allow {PERMISSION} to have it")
    } else {
        String::new()
    };
    run.tell(Event::Noted {
        sentence: format!("{what}{allow} ({})", chain_of(error).join(": ")),
    });
}
