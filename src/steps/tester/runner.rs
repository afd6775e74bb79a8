//! A tester in a container on the runner's Docker engine. Its removal is armed before it is made, and done in every end.

use tokio::time::Instant;

use super::{Ended, Occasion};
use crate::checks::tester::engine::{self, Engine, EngineError, OwnContainer, Recipe};
use crate::checks::tester::{Cases, RunnerPlace, Tester, TesterVerdict, Transcript};
use crate::clock::nonce;
use crate::duration::Human;
use crate::error::{Explain, Failure};
use crate::event::Event;
use crate::outcome::Reason;
use crate::run::Run;
use crate::undo::{TesterUndo, Undo};

/// The engine did not run the tester.
#[derive(Debug, thiserror::Error)]
#[error("tester \"{name}\" cannot be run")]
pub(super) struct TesterError {
    name: String,
    source: EngineError,
}

impl Explain for TesterError {
    fn reason(&self) -> Reason {
        Reason::SmokeFailed
    }

    fn hint(&self) -> Option<String> {
        self.source.hint().map(str::to_owned)
    }
}

fn error_of(tester: &Tester) -> impl Fn(EngineError) -> TesterError {
    |source| TesterError { name: tester.name.clone(), source }
}

/// The engine answers and has the image.
pub(super) async fn prepare(run: &Run, tester: &Tester, place: &RunnerPlace) -> Result<(), Failure> {
    let engine = Engine::connect(&run.runner.engine_socket).await.map_err(error_of(tester))?;
    fetch(run, &engine, place).await.map_err(error_of(tester))?;
    Ok(())
}

async fn fetch(run: &Run, engine: &Engine, place: &RunnerPlace) -> Result<(), EngineError> {
    if engine.has_image(&place.image).await? {
        return Ok(());
    }
    let began = Instant::now();
    run.tell(Event::Noted { sentence: format!("{} is not in the Docker engine: it is pulled", place.image) });
    engine.pull(&place.image).await?;
    run.tell(Event::Noted { sentence: format!("{} is there ({})", place.image, Human(began.elapsed())) });
    Ok(())
}

pub(super) async fn run_in_container(run: &Run, tester: &Tester, place: &RunnerPlace, occasion: &Occasion<'_>) -> Result<Ended, Failure> {
    let engine = Engine::connect(&run.runner.engine_socket).await.map_err(error_of(tester))?;
    fetch(run, &engine, place).await.map_err(error_of(tester))?;
    let container = format!("ecs-bluegreen-tester-{}-{:08x}", run.id, nonce() >> 32);
    let undo = Undo::Tester(TesterUndo { container: container.clone() });
    run.arm(undo.clone());
    let ended = whole_life(run, &engine, &container, tester, place, occasion).await;
    match engine.remove(&container).await {
        Ok(()) => run.disarm(&undo),
        // It stays armed: whoever ends the run tries again, and says so when that fails too.
        Err(error) => run.tell(Event::Noted { sentence: format!("container {container} is not removed yet: {error}") }),
    }
    Ok(ended.map_err(error_of(tester))?)
}

async fn whole_life(
    run: &Run,
    engine: &Engine,
    container: &str,
    tester: &Tester,
    place: &RunnerPlace,
    occasion: &Occasion<'_>,
) -> Result<Ended, EngineError> {
    let root = &run.runner.workspace.root;
    let recipe = Recipe {
        image: place.image.as_str(),
        command: &tester.command,
        environment: &tester.environment(occasion.moment, occasion.url, occasion.values),
        workspace: &engine.host_path(root, &OwnContainer::look()).await?,
        working_directory: place.working_directory.as_deref(),
        network: engine::network(place.network.as_deref(), occasion.url),
        run: &run.id,
    };
    engine.create(container, &recipe).await?;
    let before = place.junit.as_ref().map(|path| path.seen(root));
    run.tell(Event::TesterStarted { name: tester.name.clone(), moment: occasion.moment, place: tester.place_in_words() });
    let tell = |line: &str| run.tell(Event::TesterLine { name: tester.name.clone(), line: line.to_owned() });
    let mut transcript = Transcript::new(&occasion.scrubber, &tell);
    let ended = engine.run(container, tester.timeout, &mut transcript).await?;
    let (cases, note) = match (&place.junit, &before) {
        (Some(path), Some(before)) => path.read(root, before, &occasion.scrubber),
        (None, _) | (_, None) => (Cases::default(), None),
    };
    let (verdict, exit_code) = match ended {
        engine::Ended::Exited(0) => (TesterVerdict::Passed, Some(0)),
        engine::Ended::Exited(code) => (TesterVerdict::Failed, Some(code)),
        engine::Ended::TimedOut => (TesterVerdict::TimedOut, None),
    };
    Ok(Ended { verdict, exit_code, cases, lines: transcript.last(), untold: transcript.untold(), note, why: None })
}
