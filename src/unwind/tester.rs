//! Removes the containers of testers. They touch no traffic: whether one can be removed changes no
//! outcome.

use std::time::Duration;

use crate::checks::tester::engine::Engine;
use crate::error::cause_chain;
use crate::event::fact::TesterFact;
use crate::run::Run;
use crate::undo::Undo;

/// An engine that hangs must not use up the seconds that a cancelled run has.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Removes them, and reports only failures; one that is still there stays armed for `post`.
pub(super) async fn remove(run: &Run, armed: &[Undo]) {
    for undo in armed {
        let Undo::Tester(tester) = undo else { continue };
        let why =
            match tokio::time::timeout(TIMEOUT, remove_container(run, &tester.container)).await {
                Ok(Ok(())) => {
                    run.disarm(undo);
                    continue;
                }
                Ok(Err(why)) => why,
                Err(_) => "the Docker engine does not answer".to_owned(),
            };
        run.emit(TesterFact::NotRemoved {
            container: tester.container.clone(),
            error: why.into(),
        });
    }
}

async fn remove_container(run: &Run, container: &str) -> Result<(), String> {
    let engine = Engine::connect(&run.runner.engine_socket).await;
    let engine = engine.map_err(|error| cause_chain(&error).join(": "))?;
    engine
        .remove(container)
        .await
        .map_err(|error| cause_chain(&error).join(": "))
}
