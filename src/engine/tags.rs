//! The end of a run that pushed an image: tags that were left for last are set once the new image
//! serves.
//!
//! Nothing is rolled back from here on, so a signal only ends the wait; tags that were not set are
//! reported.

use std::time::Duration;

use super::Ending;
use crate::outcome::{Outcome, Reason};
use crate::run::Run;
use crate::steps::tags;

/// How long the registry may be busy or unreachable before the run ends without these tags.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Sets the tags that waited, where the run's end allows it.
pub(super) async fn set_deferred(
    run: &Run,
    ending: Ending,
    time_is_up: impl Future<Output = ()>,
) -> Ending {
    let Some(deferred) = run.deferred_tags().filter(|_| has_deployed(&ending)) else {
        return ending;
    };
    tokio::select! {
        () = tags::set(run, &deferred) => {}
        () = tokio::time::sleep(TIMEOUT) => {}
        () = time_is_up => {}
    }
    let Some(left) = run.deferred_tags() else {
        return ending;
    };
    Ending {
        sentence: format!(
            "{}; tags not set: {}",
            ending.sentence,
            tags::join_names(&left.tags)
        ),
        ..ending
    }
}

/// Whether the image serves; without a service, whether all that was asked for is done.
fn has_deployed(ending: &Ending) -> bool {
    match (ending.outcome, ending.reason) {
        (Outcome::Deployed | Outcome::Registered, _)
        | (Outcome::AlreadyDeployed, Reason::AlreadyRuns) => true,
        (_, _) => false,
    }
}
