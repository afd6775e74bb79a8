//! A tester in a container on the runner's Docker engine. Its removal is armed before it is made,
//! and done however the run ends.

use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::{TesterContext, TesterOutcome};
use crate::checks::tester::engine::{self, ContainerConfig, Engine, EngineError, OwnContainer};
use crate::checks::tester::{Cases, RunnerPlace, Tester, TesterVerdict, Transcript};
use crate::clock::{nonce, to_milliseconds};
use crate::error::{Explain, Failure};
use crate::event::fact::TesterFact;
use crate::event::{Event, StartedTester};
use crate::outcome::Reason;
use crate::run::Run;
use crate::undo::saved::TESTER_CONTAINER;
use crate::undo::{TesterUndo, Undo};

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
    |source| TesterError {
        name: tester.name.clone(),
        source,
    }
}

/// Makes sure that the engine answers and has the image.
pub(super) async fn prepare(
    run: &Run,
    tester: &Tester,
    place: &RunnerPlace,
) -> Result<(), Failure> {
    connect(run, tester, place).await?;
    warn_of_risks(run, tester, place);
    Ok(())
}

/// The engine, which has the image now.
async fn connect(run: &Run, tester: &Tester, place: &RunnerPlace) -> Result<Engine, Failure> {
    let engine = Engine::connect(&run.runner.engine_socket)
        .await
        .map_err(error_of(tester))?;
    ensure_image(run, &engine, place)
        .await
        .map_err(error_of(tester))?;
    Ok(engine)
}

async fn ensure_image(run: &Run, engine: &Engine, place: &RunnerPlace) -> Result<(), EngineError> {
    if engine.has_image(&place.image).await? {
        return Ok(());
    }
    let began = Instant::now();
    run.emit(TesterFact::Pulls {
        image: place.image.to_string().into(),
    });
    engine.pull(&place.image).await?;
    run.emit(TesterFact::Pulled {
        image: place.image.to_string().into(),
        milliseconds: to_milliseconds(began.elapsed()),
    });
    Ok(())
}

pub(super) async fn run_in_container(
    run: &Run,
    tester: &Tester,
    place: &RunnerPlace,
    context: &TesterContext<'_>,
) -> Result<TesterOutcome, Failure> {
    let engine = connect(run, tester, place).await?;
    let container = format!("{TESTER_CONTAINER}-{}-{:08x}", run.id, nonce() >> 32);
    let folders = make_writable_folders(run, &engine, tester, place).await?;
    let armed = run.arm(Undo::Tester(TesterUndo {
        container: container.clone(),
    }));
    let ended = create_and_run(
        run,
        &engine,
        &container,
        tester,
        place,
        folders.as_deref(),
        context,
    )
    .await;
    match engine.remove(&container).await {
        Ok(()) => armed.disarm(),
        // It stays armed: the end of the run tries again, and reports when that fails too.
        Err(error) => run.emit(TesterFact::NotRemovedYet {
            container,
            error: error.to_string().into(),
        }),
    }
    Ok(ended.map_err(error_of(tester))?)
}

/// The folders that the tester may write to, as the engine's machine names them; none: all of the
/// workspace.
///
/// They are made here, because the engine mounts only what is there; one that leads out of the
/// workspace is refused.
async fn make_writable_folders(
    run: &Run,
    engine: &Engine,
    tester: &Tester,
    place: &RunnerPlace,
) -> Result<Option<Vec<(String, PathBuf)>>, Failure> {
    if place.writes_everything() {
        return Ok(None);
    }
    let mut folders = Vec::new();
    for folder in place.writable_folders() {
        let path = make_inside(&run.runner.workspace.root, &folder).map_err(|why| {
            let sentence = format!(
                "tester \"{}\" cannot be run: its folder {folder} {why}",
                tester.name
            );
            Failure::new(Reason::SmokeFailed, sentence)
                .with_hint("name a folder of the workspace under `writes` and `junit`")
        })?;
        let source = engine
            .host_path(&path, &OwnContainer::detect())
            .await
            .map_err(error_of(tester))?;
        folders.push((folder, source));
    }
    Ok(Some(folders))
}

/// A folder below the workspace, made where it is missing; a link must not lead elsewhere.
fn make_inside(root: &Path, folder: &str) -> Result<PathBuf, String> {
    let root = root
        .canonicalize()
        .map_err(|error| format!("cannot be made: {error}"))?;
    let mut place = root.clone();
    for part in Path::new(folder).components() {
        place.push(part);
        if place.symlink_metadata().is_err() {
            std::fs::create_dir(&place).map_err(|error| format!("cannot be made: {error}"))?;
        }
        place = place
            .canonicalize()
            .map_err(|error| format!("cannot be made: {error}"))?;
        if !place.starts_with(&root) {
            return Err("leads out of the workspace".to_owned());
        }
    }
    Ok(place)
}

/// Warns, before anything runs, of what a manipulated tester could read or change.
fn warn_of_risks(run: &Run, tester: &Tester, place: &RunnerPlace) {
    if !place.image.as_str().contains("@sha256:") {
        run.emit(TesterFact::NamedByTag {
            tester: tester.name.clone().into(),
            image: place.image.to_string().into(),
        });
    }
    let settings = std::fs::read_to_string(run.runner.workspace.root.join(".git/config"))
        .unwrap_or_default()
        .to_lowercase();
    if settings.contains("extraheader") {
        run.emit(TesterFact::ReadsToken {
            tester: tester.name.clone().into(),
        });
    }
}

async fn create_and_run(
    run: &Run,
    engine: &Engine,
    container: &str,
    tester: &Tester,
    place: &RunnerPlace,
    writable: Option<&[(String, PathBuf)]>,
    context: &TesterContext<'_>,
) -> Result<TesterOutcome, EngineError> {
    let root = &run.runner.workspace.root;
    let config = ContainerConfig {
        image: place.image.as_str(),
        command: &tester.command,
        environment: &tester.render_environment(context.moment, context.url, context.values),
        workspace: &engine.host_path(root, &OwnContainer::detect()).await?,
        writable,
        limits: (place.memory, place.processes),
        working_directory: place.working_directory.as_deref(),
        network: engine::choose_network(place.network.as_deref(), context.url),
        run: &run.id,
    };
    engine.create(container, &config).await?;
    let before = place.junit.as_ref().map(|path| path.find_existing(root));
    run.emit(Event::TesterStarted(StartedTester {
        name: tester.name.clone(),
        moment: context.moment,
        place: tester.describe_place(),
    }));
    let report = |line: &str| {
        run.emit(Event::TesterLine {
            name: tester.name.clone(),
            line: line.into(),
        });
    };
    let mut transcript = Transcript::new(&context.scrubber, &report);
    let ended = engine
        .run(container, tester.timeout, &mut transcript)
        .await?;
    let (cases, note) = match (&place.junit, &before) {
        (Some(path), Some(before)) => path.read_new_cases(root, before, &context.scrubber),
        (None, _) | (_, None) => (Cases::default(), None),
    };
    let (verdict, exit_code) = match ended {
        engine::ContainerExit::Exited(0) => (TesterVerdict::Passed, Some(0)),
        engine::ContainerExit::Exited(code) => (TesterVerdict::Failed, Some(code)),
        engine::ContainerExit::TimedOut => (TesterVerdict::TimedOut, None),
    };
    Ok(TesterOutcome {
        verdict,
        exit_code,
        cases,
        lines: transcript.last_lines(),
        omitted_lines: transcript.omitted_count(),
        note,
        why: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_writing_is_made_inside_and_a_link_that_leads_out_is_refused() {
        let (workspace, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), workspace.path().join("out")).unwrap();
        assert!(
            make_inside(workspace.path(), "reports/e2e")
                .unwrap()
                .ends_with("reports/e2e")
        );
        for folder in ["out", "out/deeper"] {
            assert_eq!(
                make_inside(workspace.path(), folder),
                Err("leads out of the workspace".to_owned())
            );
        }
        assert!(
            std::fs::read_dir(elsewhere.path())
                .unwrap()
                .next()
                .is_none()
        );
    }
}
