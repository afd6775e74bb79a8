//! Images: how long a transfer takes, what it costs and how much memory it needs, beside the tools
//! people use today.
//!
//! All of it against Debian's docker-registry on this machine, in one run. What is ours is measured
//! inside a running process (from finding the image to its last tag), because a run does much else;
//! the others are programs, measured from outside. The engine is a Docker engine of its own, made
//! anew, so that it remembers no earlier push, as on a hosted runner.

mod engine;
mod images;
mod ours;
mod peers;
mod rig;

use std::error::Error;
use std::path::Path;

pub(crate) use ours::FLAG;
pub(crate) use ours::run as run_ours;

use crate::Measured;
use crate::bar::{Bar, median};
use crate::extent::Extent;
use engine::Engine;
use images::{CHANGED_IN_ENGINE, IN_ENGINE, Images};
use ours::{Ours, Took};
use rig::Registry;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Ours is run so often, and the median counts; the others are run once or twice, because they take
/// their time.
const RUNS: usize = 5;
const RUNS_OF_PEERS: usize = 2;
const MIB: u64 = 1024 * 1024;
/// The image of IMAGES.md: eight layers that cannot be compressed, and one more for a small change.
const LAYERS: [u64; 8] = [32 * MIB; 8];
const SMALL: u64 = MIB;
const LARGE: [u64; 4] = [512 * MIB; 4];
const SHORT: [u64; 2] = [2 * MIB; 2];

/// The bars of image transfers.
pub(crate) fn bars(folder: &Path, extent: Extent) -> Measured {
    let folder = tempfile::tempdir_in(rig::fast_folder(folder))?;
    let images = Images::write(folder.path(), extent.of(&LAYERS[..], &SHORT), SMALL)?;
    let mut bars = layouts(folder.path(), &images, extent)?;
    bars.extend(match Engine::start(folder.path()) {
        Ok(engine) => engine_bars(folder.path(), &images, &engine, extent)?,
        Err(error) => {
            vec![Bar::not_measured(
                "engine: all transfers",
                "≤ 3.0 s, 2.6 s, 80 ms",
                &format!("no Docker engine can be started: {error}"),
            )]
        }
    });
    drop(folder);
    Ok(bars)
}

/// Peak memory with 2 GiB, which need a disk.
pub(crate) fn memory(folder: &Path, extent: Extent) -> Measured {
    let folder = tempfile::tempdir_in(folder)?;
    let images = Images::write(folder.path(), extent.of(&LARGE[..], &SHORT), SMALL)?;
    let registry = Registry::start(folder.path())?;
    let took = Ours::new(&registry, "team/large").push(&images.layout(), "v1")?;
    let mut bars = vec![Bar::at_most(
        "2 GiB from an OCI layout, peak memory",
        took.memory,
        40.0,
        "MiB",
        &format!("{:.1} s", took.wall / 1000.0),
    )];
    if let Ok(engine) = Engine::start(folder.path()) {
        engine.load(&images.archive())?;
        let took = Ours::with(&registry, "team/engine", engine.socket()).push(IN_ENGINE, "v1")?;
        bars.push(Bar::at_most(
            "2 GiB from the Docker engine, peak memory",
            took.memory,
            40.0,
            "MiB",
            &format!("{:.1} s", took.wall / 1000.0),
        ));
    }
    Ok(bars)
}

fn layouts(folder: &Path, images: &Images, extent: Extent) -> Measured {
    let (mut cold, mut noop, mut changed, mut promoted, mut retagged) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.of(RUNS, 1) {
        let registry = Registry::start(folder)?;
        let ours = Ours::new(&registry, "team/api");
        cold.push(ours.push(&images.layout(), "v1")?);
        noop.push(ours.push(&images.layout(), "v1")?);
        changed.push(ours.push(&images.changed_layout(), "v1")?);
        promoted.push(Ours::new(&registry, "prod/api").push(&registry.image("team/api:v1"), "v1")?);
        retagged.push(ours.push(&registry.image("team/api:v1"), "v2")?);
    }
    let (mut streams, mut skopeo) = (Vec::new(), Vec::new());
    for _ in 0..extent.of(RUNS_OF_PEERS, 1) {
        streams.push(peers::four_streams(&Registry::start(folder)?, images)?);
        skopeo.push(skopeo_layouts(folder, images)?);
    }
    let peer = |at: usize| median(&skopeo.iter().map(|times| times[at]).collect::<Vec<_>>());
    let limit = median(&streams);
    let beside = |at: usize| format!("skopeo {}", time(peer(at)));
    Ok(vec![
        Bar::at_most(
            "OCI layout, cold",
            wall(&cold),
            (limit * 1.05).round(),
            "ms",
            &format!("4 streams of curl {}; {}", time(limit), beside(0)),
        ),
        Bar::at_most(
            "OCI layout, cold, CPU",
            median_of(&cold, |took| took.cpu),
            200.0,
            "ms",
            "",
        ),
        requests("OCI layout, nothing new", &noop, 12.0, 2, &beside(1)),
        requests("OCI layout, 1 MiB new", &changed, 30.0, 10, &beside(2)),
        Bar::at_most(
            "other repository of the registry",
            wall(&promoted),
            45.0,
            "ms",
            &format!("{} requests; {}", most_requests(&promoted), beside(3)),
        ),
        requests("a new tag", &retagged, 15.0, 2, &beside(4)),
    ])
}

fn skopeo_layouts(folder: &Path, images: &Images) -> Result<[f64; 5]> {
    let registry = Registry::start(folder)?;
    let (one, other) = (registry.image("team/api:v1"), registry.image("prod/api:v1"));
    Ok([
        peers::skopeo(&images.layout(), &one)?,
        peers::skopeo(&images.layout(), &one)?,
        peers::skopeo(&images.changed_layout(), &one)?,
        peers::skopeo(&one, &other)?,
        peers::skopeo(&one, &registry.image("team/api:v2"))?,
    ])
}

fn engine_bars(folder: &Path, images: &Images, engine: &Engine, extent: Extent) -> Measured {
    engine.load(&images.archive())?;
    engine.load(&images.changed_archive())?;
    let (mut cold, mut noop, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.of(RUNS, 1) {
        let registry = Registry::start(folder)?;
        let ours = Ours::with(&registry, "team/api", engine.socket());
        cold.push(ours.push(IN_ENGINE, "v1")?);
        noop.push(ours.push(IN_ENGINE, "v1")?);
        changed.push(ours.push(CHANGED_IN_ENGINE, "v1")?);
    }
    let skopeo = {
        let registry = Registry::start(folder)?;
        [IN_ENGINE, IN_ENGINE, CHANGED_IN_ENGINE]
            .map(|image| peers::skopeo_of_engine(engine, image, &registry.image("team/api:v1")))
    };
    let docker = {
        let registry = Registry::start(folder)?;
        [IN_ENGINE, IN_ENGINE, CHANGED_IN_ENGINE]
            .map(|image| peers::docker_push(engine, image, &registry))
    };
    let beside = |at: usize| {
        format!(
            "docker push {}; skopeo {}",
            shown(&docker[at]),
            shown(&skopeo[at])
        )
    };
    Ok(vec![
        Bar::at_most("engine, cold", wall(&cold), 3000.0, "ms", &beside(0)),
        Bar::at_most(
            "engine, 1 MiB new, on a fresh machine",
            wall(&changed),
            2600.0,
            "ms",
            &beside(2),
        ),
        Bar::at_most(
            "engine, nothing new, on a fresh machine",
            wall(&noop),
            80.0,
            "ms",
            &beside(1),
        ),
    ])
}

/// A bar of time that fails as well when more is asked of the registry.
fn requests(name: &str, all: &[Took], limit: f64, most: usize, beside: &str) -> Bar {
    let asked = most_requests(all);
    let measured = if asked <= most {
        wall(all)
    } else {
        f64::INFINITY
    };
    Bar::at_most(
        name,
        measured,
        limit,
        "ms",
        &format!("{asked} requests, ≤ {most}; {beside}"),
    )
}

fn most_requests(all: &[Took]) -> usize {
    all.iter()
        .map(|took| took.requests)
        .max()
        .unwrap_or_default()
}

fn wall(all: &[Took]) -> f64 {
    median_of(all, |took| took.wall)
}

fn median_of(all: &[Took], value: impl Fn(&Took) -> f64) -> f64 {
    median(&all.iter().map(value).collect::<Vec<_>>())
}

fn time(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.2} s", milliseconds / 1000.0)
    }
}

fn shown(measured: &Result<f64>) -> String {
    measured.as_ref().map_or_else(
        |error| format!("not measured ({error})"),
        |milliseconds| time(*milliseconds),
    )
}
