//! From the start of the process to the first byte of its first request to AWS. The stage has no
//! part in it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::job::Job;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::Measurements;
use crate::benchmark::{Benchmark, median, worst};
use crate::extent::Extent;
use crate::fixture::new_revision;

const RUNS: usize = 50;
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn measure(programs: &Programs, folder: &Path, extent: Extent) -> Measurements {
    let runs = extent.choose(RUNS, 2);
    let mut times = Vec::new();
    for _ in 0..runs {
        times.push(measure_once(programs, folder).await?);
    }
    let note = format!(
        "worst of {runs}: {:.1}; the official action: 189",
        worst(&times)
    );
    Ok(vec![Benchmark::at_most(
        "process start → first AWS request, median",
        median(&times),
        20.0,
        "ms",
        &note,
    )])
}

async fn measure_once(programs: &Programs, folder: &Path) -> std::io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let job = Job::new(
        &programs.action,
        &folder.join("start"),
        &format!("http://{}", listener.local_addr()?),
    )?;
    let mut action = job.command(&programs.action, job.variables(&new_revision("api", 1)));
    action.stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let mut child = action.spawn()?;
    let first = async {
        let (mut stream, _) = listener.accept().await?;
        stream.read_u8().await
    };
    timeout(TIMEOUT, first).await??;
    let took = began.elapsed();
    child.kill().await?;
    Ok(took.as_secs_f64() * 1000.0)
}
