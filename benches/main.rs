//! `make bench`: the bars of speed and size that the project keeps, measured with the release
//! binary against a stage.
//!
//! Prints one table and ends with 1 when a bar is missed. `bench scale [DEPLOYMENTS [ACTION]]`,
//! `bench transfer` and `bench canaries` measure one of them alone. `bench short` measures
//! everything in its shortest form and compares nothing with the limits: what is measured depends
//! on the machine, that it can be measured does not.

mod benchmark;
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

use benchmark::{Benchmark, table};
use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::mode::RehearsalMode;
use extent::Extent;

type Measurements = Result<Vec<Benchmark>, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [flag, order] if flag == transfer::FLAG => return transfer::run_ours(order),
        [flag, file, program] if flag == usage::FLAG => {
            return usage::measure(Path::new(file), Path::new(program));
        }
        [word, rest @ ..] if word == "scale" => block_on(run_scale(rest)),
        [word] if word == "short" => return run_short(),
        [word] if word == "canaries" => Ok(run_canaries()),
        [word] if word == "transfer" => block_on(run_transfer()),
        _ => block_on(run_full()),
    };
    match done {
        Ok(bars) if bars.iter().all(Benchmark::is_met) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            print_line(&format!("error: the bars cannot be measured: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn block_on(measuring: impl Future<Output = Measurements>) -> Measurements {
    tokio::runtime::Runtime::new()?.block_on(measuring)
}

fn run_canaries() -> Vec<Benchmark> {
    let bars = measure_canaries(Extent::Full);
    print(&bars);
    bars
}

fn measure_canaries(extent: Extent) -> Vec<Benchmark> {
    print_line(
        "canaries: drawn traffic for a green that is equal and for one that is worse, judged minute by minute",
    );
    let (table, bars) = canaries::measure(extent);
    if extent == Extent::Full {
        for line in &table {
            print_line(line);
        }
    }
    bars
}

async fn run_transfer() -> Measurements {
    let folder = Programs::locate()?.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let bars = measure_transfer(&folder, Extent::Full).await?;
    print(&bars);
    Ok(bars)
}

async fn measure_transfer(folder: &Path, extent: Extent) -> Measurements {
    print_line(
        "transfer: images from a layout, an engine and a registry, beside skopeo, docker push and curl",
    );
    let folder = folder.to_owned();
    let measured = tokio::task::spawn_blocking(move || {
        let mut bars = transfer::measure(&folder, extent).map_err(|error| error.to_string())?;
        bars.extend(transfer::measure_memory(&folder, extent).map_err(|error| error.to_string())?);
        Ok::<_, String>(bars)
    });
    Ok(measured.await??)
}

async fn run_scale(arguments: &[String]) -> Measurements {
    let deployments = arguments
        .first()
        .map_or(Ok(scale::DEPLOYMENTS), |text| text.parse())?;
    let action = match arguments.get(1) {
        Some(path) => Path::new(path).canonicalize()?,
        None => Programs::locate()?.action,
    };
    let folder = tempfile::tempdir()?;
    let bars = measure_scale(&action, folder.path(), deployments).await?;
    print(&bars);
    if !bars.iter().all(Benchmark::is_met) {
        print_line(&format!("  the logs stay in {}", folder.keep().display()));
    }
    Ok(bars)
}

async fn measure_scale(action: &Path, folder: &Path, deployments: usize) -> Measurements {
    print_line(&format!(
        "scale: {deployments} deployments at once under AWS's request limits"
    ));
    scale::measure(action, folder, deployments).await
}

fn print(bars: &[Benchmark]) {
    for line in table(bars) {
        print_line(&line);
    }
}

/// That everything can be measured, with whatever programs were built beside this one.
fn run_short() -> ExitCode {
    match block_on(measure_all(Extent::Short)) {
        Ok(bars) => {
            print_line(&format!(
                "{} bars can be measured; in this form they are not judged",
                bars.len()
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_line(&format!("error: the bars cannot be measured: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run_full() -> Measurements {
    let bars = measure_all(Extent::Full).await?;
    print(&bars);
    Ok(bars)
}

async fn measure_all(extent: Extent) -> Measurements {
    let programs = Programs::locate()?;
    let folder = programs.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let way = RehearsalMode::choose(None).await?;
    let mut bars = Vec::new();
    print_line("start: processes up to their first request");
    bars.extend(start::measure(&programs, &folder, extent).await?);
    print_line("rolling deploy: one after the other");
    bars.extend(rolling::measure(&programs, &folder, extent).await?);
    print_line("reaction: deployments at once, then following them");
    bars.extend(reaction::measure(&programs, &folder, extent).await?);
    print_line("stop: deployments that fail at the gate");
    bars.extend(stop::measure(&programs, &folder, extent).await?);
    print_line("memory: deployments without an image, and with a large one");
    bars.extend(memory::measure(&programs, &folder, way, extent).await?);
    bars.extend(measure_transfer(&folder, extent).await?);
    bars.extend(
        measure_scale(
            &programs.action,
            &folder,
            extent.choose(scale::DEPLOYMENTS, 4),
        )
        .await?,
    );
    bars.extend(size::measure(&programs, way).await?);
    bars.extend(tokio::task::spawn_blocking(move || measure_canaries(extent)).await?);
    Ok(bars)
}

/// Prints a line of progress. Standard output may be closed.
fn print_line(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
