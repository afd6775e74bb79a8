//! From the answer that fails a smoke test to our `StopDeployment`. The tested address is a
//! listener of this program, which knows when it answered.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::job::{Job, Step, StopSignals};
use ecs_bluegreen_sim::{Controller, GroupOptions, Stage, StageOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Measurements;
use crate::benchmark::{Benchmark, median, worst};
use crate::extent::Extent;
use crate::fixture::{new_revision, start_stage};

const RUNS: usize = 8;
const TESTS: &str = "tests: [{ name: health, get: /health, retry: { for: 0s } }]";
const ANSWER: &[u8] =
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// The outcome `rolled-back`.
const ROLLED_BACK: i32 = 20;

pub(crate) async fn measure(programs: &Programs, folder: &Path, extent: Extent) -> Measurements {
    let runs = extent.choose(RUNS, 1);
    let service = [(
        "api".to_owned(),
        Controller::CodeDeploy(GroupOptions::default()),
    )];
    let stage = start_stage(programs, folder, StageOptions::default(), &service).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (url, answered) = (
        format!("http://{}", listener.local_addr()?),
        Arc::<AtomicI64>::default(),
    );
    let server = tokio::spawn(serve(listener, Arc::clone(&answered)));
    let mut times = Vec::new();
    for run in 0..runs {
        let job = Job::new(&programs.action, &folder.join("stop"), &stage.endpoint())?;
        let ended = job
            .run(
                &failing_step(run, &url),
                &mut StopSignals::disabled(),
                |_| (),
            )
            .await?;
        let stopped = last_stop_time(&stage).filter(|_| ended.exit == ROLLED_BACK);
        times.push(to_milliseconds(
            stopped.ok_or("a failed smoke test did not lead to a rollback")?
                - answered.load(Ordering::SeqCst),
        ));
    }
    server.abort();
    stage.shutdown().await;
    let note = format!("worst of {runs}: {:.0}", worst(&times));
    Ok(vec![Benchmark::at_most(
        "smoke test fails → StopDeployment sent, median",
        median(&times),
        300.0,
        "ms",
        &note,
    )])
}

fn failing_step(run: usize, url: &str) -> Step {
    let mut step = new_revision("api", run);
    step.inputs.extend([
        ("smoke-tests", TESTS.to_owned()),
        ("test-url", url.to_owned()),
    ]);
    step
}

fn last_stop_time(stage: &Stage) -> Option<i64> {
    stage
        .ledger()
        .iter()
        .rev()
        .find(|entry| entry.operation == "codedeploy:StopDeployment")
        .map(|entry| entry.at_ms)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds between two events"
)]
fn to_milliseconds(between: i64) -> f64 {
    between as f64
}

async fn serve(listener: TcpListener, answered: Arc<AtomicI64>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = answer(stream, &answered).await;
    }
}

async fn answer(mut stream: TcpStream, answered: &AtomicI64) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await?;
    stream.write_all(ANSWER).await?;
    answered.store(wall_clock_ms(), Ordering::SeqCst);
    stream.shutdown().await
}

/// The wall clock that the stage's ledger is kept by.
#[expect(
    clippy::disallowed_methods,
    reason = "a ledger of wall-clock times can only be compared with the wall clock"
)]
fn wall_clock_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
