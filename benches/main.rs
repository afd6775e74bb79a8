//! `make bench`: the bars of speed and size that the project keeps, measured with the release
//! binary against a stage.
//!
//! Prints one table and ends with 1 when a bar is missed. `bench scale [DEPLOYMENTS [ACTION]]`,
//! `bench transfer` and `bench canaries` measure one of them alone. `bench short` measures
//! everything in its shortest form and judges nothing: what is measured depends on the machine,
//! that it can be measured does not.

mod bar;
mod canaries;
mod extent;
mod fixture;
mod memory;
mod reaction;
mod rolling;
mod scale;
mod size;
mod start;
mod stop;
mod transfer;
mod usage;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use bar::{Bar, table};
use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::way::Way;
use extent::Extent;

type Measured = Result<Vec<Bar>, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [flag, order] if flag == transfer::FLAG => return transfer::run_ours(order),
        [flag, file, program] if flag == usage::FLAG => {
            return usage::measure(Path::new(file), Path::new(program));
        }
        [word, rest @ ..] if word == "scale" => wait_for(scale_alone(rest)),
        [word] if word == "short" => return short(),
        [word] if word == "canaries" => Ok(canaries_alone()),
        [word] if word == "transfer" => wait_for(transfer_alone()),
        _ => wait_for(whole()),
    };
    match done {
        Ok(bars) if bars.iter().all(Bar::is_kept) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: the bars cannot be measured: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn wait_for(measuring: impl Future<Output = Measured>) -> Measured {
    tokio::runtime::Runtime::new()?.block_on(measuring)
}

fn canaries_alone() -> Vec<Bar> {
    let bars = canaries(Extent::Whole);
    print(&bars);
    bars
}

fn canaries(extent: Extent) -> Vec<Bar> {
    say(
        "canaries: drawn traffic for a green that is equal and for one that is worse, judged minute by minute",
    );
    let (table, bars) = canaries::bars(extent);
    if extent == Extent::Whole {
        for line in &table {
            say(line);
        }
    }
    bars
}

async fn transfer_alone() -> Measured {
    let folder = Programs::beside_this()?.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let bars = transfer(&folder, Extent::Whole).await?;
    print(&bars);
    Ok(bars)
}

async fn transfer(folder: &Path, extent: Extent) -> Measured {
    say(
        "transfer: images from a layout, an engine and a registry, beside skopeo, docker push and curl",
    );
    let folder = folder.to_owned();
    let measured = tokio::task::spawn_blocking(move || {
        let mut bars = transfer::bars(&folder, extent).map_err(|error| error.to_string())?;
        bars.extend(transfer::memory(&folder, extent).map_err(|error| error.to_string())?);
        Ok::<_, String>(bars)
    });
    Ok(measured.await??)
}

async fn scale_alone(arguments: &[String]) -> Measured {
    let deployments = arguments
        .first()
        .map_or(Ok(scale::DEPLOYMENTS), |text| text.parse())?;
    let action = match arguments.get(1) {
        Some(path) => Path::new(path).canonicalize()?,
        None => Programs::beside_this()?.action,
    };
    let folder = tempfile::tempdir()?;
    let bars = scale(&action, folder.path(), deployments).await?;
    print(&bars);
    if !bars.iter().all(Bar::is_kept) {
        say(&format!("  the logs stay in {}", folder.keep().display()));
    }
    Ok(bars)
}

async fn scale(action: &Path, folder: &Path, deployments: usize) -> Measured {
    say(&format!(
        "scale: {deployments} deployments at once under AWS's request limits"
    ));
    scale::bars(action, folder, deployments).await
}

fn print(bars: &[Bar]) {
    for line in table(bars) {
        say(&line);
    }
}

/// That everything can be measured, with whatever programs were built beside this one.
fn short() -> ExitCode {
    match wait_for(bench(Extent::Short)) {
        Ok(bars) => {
            say(&format!(
                "{} bars can be measured; in this form they are not judged",
                bars.len()
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("error: the bars cannot be measured: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn whole() -> Measured {
    let bars = bench(Extent::Whole).await?;
    print(&bars);
    Ok(bars)
}

async fn bench(extent: Extent) -> Measured {
    let programs = Programs::beside_this()?;
    let folder = programs.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let way = Way::choose(None).await?;
    let mut bars = Vec::new();
    say("start: processes up to their first request");
    bars.extend(start::bars(&programs, &folder, extent).await?);
    say("rolling deploy: one after the other");
    bars.extend(rolling::bars(&programs, &folder, extent).await?);
    say("reaction: deployments at once, then following them");
    bars.extend(reaction::bars(&programs, &folder, extent).await?);
    say("stop: deployments that fail at the gate");
    bars.extend(stop::bars(&programs, &folder, extent).await?);
    say("memory: deployments without an image, and with a large one");
    bars.extend(memory::bars(&programs, &folder, way, extent).await?);
    bars.extend(transfer(&folder, extent).await?);
    bars.extend(scale(&programs.action, &folder, extent.of(scale::DEPLOYMENTS, 4)).await?);
    bars.extend(size::bars(&programs, way).await?);
    bars.extend(tokio::task::spawn_blocking(move || canaries(extent)).await?);
    Ok(bars)
}

/// A line for whoever waits. Nobody may be there to read it.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
