//! Images: how long a transfer takes, what it costs and how much memory it needs, beside the tools
//! people use today.
//!
//! All of it against Debian's docker-registry on this machine, in one run. What is ours is measured
//! inside a running process (from finding the image to its last tag), because a run does much else;
//! the others are programs, measured from outside. The engine is a Docker engine of its own, made
//! anew, so that it remembers no earlier push, as on a hosted runner.

mod docker_registry;
mod engine;
mod images;
mod ours;
mod peers;

use std::error::Error;
use std::path::Path;

pub(crate) use ours::FLAG;
pub(crate) use ours::run as run_ours;

use crate::Measurements;
use crate::benchmark::{Benchmark, median};
use crate::extent::Extent;
use docker_registry::Registry;
use engine::Engine;
use images::{CHANGED_IN_ENGINE, IN_ENGINE, Images};
use ours::{ActionPush, TransferCost};

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
pub(crate) fn measure(folder: &Path, extent: Extent) -> Measurements {
    let folder = tempfile::tempdir_in(docker_registry::fast_folder(folder))?;
    let images = Images::write(folder.path(), extent.choose(&LAYERS[..], &SHORT), SMALL)?;
    let mut bars = measure_layouts(folder.path(), &images, extent)?;
    bars.extend(match Engine::start(folder.path()) {
        Ok(engine) => measure_engine(folder.path(), &images, &engine, extent)?,
        Err(error) => {
            vec![Benchmark::not_measured(
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
pub(crate) fn measure_memory(folder: &Path, extent: Extent) -> Measurements {
    let folder = tempfile::tempdir_in(folder)?;
    let images = Images::write(folder.path(), extent.choose(&LARGE[..], &SHORT), SMALL)?;
    let registry = Registry::start(folder.path())?;
    let took = ActionPush::new(&registry, "team/large").push(&images.layout(), "v1")?;
    let mut bars = vec![Benchmark::at_most(
        "2 GiB from an OCI layout, peak memory",
        took.memory,
        40.0,
        "MiB",
        &format!("{:.1} s", took.wall / 1000.0),
    )];
    if let Ok(engine) = Engine::start(folder.path()) {
        engine.load(&images.archive())?;
        let took = ActionPush::with_engine(&registry, "team/engine", engine.socket())
            .push(IN_ENGINE, "v1")?;
        bars.push(Benchmark::at_most(
            "2 GiB from the Docker engine, peak memory",
            took.memory,
            40.0,
            "MiB",
            &format!("{:.1} s", took.wall / 1000.0),
        ));
    }
    Ok(bars)
}

fn measure_layouts(folder: &Path, images: &Images, extent: Extent) -> Measurements {
    let (mut cold, mut noop, mut changed, mut promoted, mut retagged) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.choose(RUNS, 1) {
        let registry = Registry::start(folder)?;
        let ours = ActionPush::new(&registry, "team/api");
        cold.push(ours.push(&images.layout(), "v1")?);
        noop.push(ours.push(&images.layout(), "v1")?);
        changed.push(ours.push(&images.changed_layout(), "v1")?);
        promoted.push(
            ActionPush::new(&registry, "prod/api").push(&registry.image("team/api:v1"), "v1")?,
        );
        retagged.push(ours.push(&registry.image("team/api:v1"), "v2")?);
    }
    let (mut streams, mut skopeo) = (Vec::new(), Vec::new());
    for _ in 0..extent.choose(RUNS_OF_PEERS, 1) {
        streams.push(peers::four_streams(&Registry::start(folder)?, images)?);
        skopeo.push(skopeo_layouts(folder, images)?);
    }
    let peer = |at: usize| median(&skopeo.iter().map(|times| times[at]).collect::<Vec<_>>());
    let limit = median(&streams);
    let describe_peer = |at: usize| format!("skopeo {}", format_time(peer(at)));
    Ok(vec![
        Benchmark::at_most(
            "OCI layout, cold",
            median_wall(&cold),
            (limit * 1.05).round(),
            "ms",
            &format!(
                "4 streams of curl {}; {}",
                format_time(limit),
                describe_peer(0)
            ),
        ),
        Benchmark::at_most(
            "OCI layout, cold, CPU",
            median_of(&cold, |took| took.cpu),
            200.0,
            "ms",
            "",
        ),
        limit_with_requests("OCI layout, nothing new", &noop, 12.0, 2, &describe_peer(1)),
        limit_with_requests(
            "OCI layout, 1 MiB new",
            &changed,
            30.0,
            10,
            &describe_peer(2),
        ),
        Benchmark::at_most(
            "other repository of the registry",
            median_wall(&promoted),
            45.0,
            "ms",
            &format!(
                "{} requests; {}",
                most_requests(&promoted),
                describe_peer(3)
            ),
        ),
        limit_with_requests("a new tag", &retagged, 15.0, 2, &describe_peer(4)),
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

fn measure_engine(folder: &Path, images: &Images, engine: &Engine, extent: Extent) -> Measurements {
    engine.load(&images.archive())?;
    engine.load(&images.changed_archive())?;
    let (mut cold, mut noop, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.choose(RUNS, 1) {
        let registry = Registry::start(folder)?;
        let ours = ActionPush::with_engine(&registry, "team/api", engine.socket());
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
    let describe_peers = |at: usize| {
        format!(
            "docker push {}; skopeo {}",
            format_result(&docker[at]),
            format_result(&skopeo[at])
        )
    };
    Ok(vec![
        Benchmark::at_most(
            "engine, cold",
            median_wall(&cold),
            3000.0,
            "ms",
            &describe_peers(0),
        ),
        Benchmark::at_most(
            "engine, 1 MiB new, on a fresh machine",
            median_wall(&changed),
            2600.0,
            "ms",
            &describe_peers(2),
        ),
        Benchmark::at_most(
            "engine, nothing new, on a fresh machine",
            median_wall(&noop),
            80.0,
            "ms",
            &describe_peers(1),
        ),
    ])
}

/// A bar of time that fails as well when more is asked of the registry.
fn limit_with_requests(
    name: &str,
    all: &[TransferCost],
    limit: f64,
    max_requests: usize,
    peers_note: &str,
) -> Benchmark {
    let asked = most_requests(all);
    let measured = if asked <= max_requests {
        median_wall(all)
    } else {
        f64::INFINITY
    };
    Benchmark::at_most(
        name,
        measured,
        limit,
        "ms",
        &format!("{asked} requests, ≤ {max_requests}; {peers_note}"),
    )
}

fn most_requests(all: &[TransferCost]) -> usize {
    all.iter()
        .map(|took| took.requests)
        .max()
        .unwrap_or_default()
}

fn median_wall(all: &[TransferCost]) -> f64 {
    median_of(all, |took| took.wall)
}

fn median_of(all: &[TransferCost], value: impl Fn(&TransferCost) -> f64) -> f64 {
    median(&all.iter().map(value).collect::<Vec<_>>())
}

fn format_time(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.2} s", milliseconds / 1000.0)
    }
}

fn format_result(measured: &Result<f64>) -> String {
    measured.as_ref().map_or_else(
        |error| format!("not measured ({error})"),
        |milliseconds| format_time(*milliseconds),
    )
}
