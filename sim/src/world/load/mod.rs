//! Users: a closed-loop load on a listener. Each connection sends its next request when the last
//! one was answered.
//!
//! It is strict: nothing is sent twice, so that every request a user would have seen fail is
//! counted.

mod latency;
mod stats;

pub use stats::{FailureTolerance, Stats, VersionSeen};

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use stats::{LoadRecorder, RequestOutcome};

/// The load and its target.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Address of the listener.
    pub target: SocketAddr,
    /// The path of every request.
    pub path: String,
    /// The number of users, each with a connection.
    pub connections: usize,
    /// What each of them waits between an answer and the next request.
    pub pause: Duration,
    /// After this long without an answer the request has failed.
    pub timeout: Duration,
    /// So many requests a second, of all users together, instead of the pause. A user who is still
    /// waiting sends nothing in the meantime.
    pub rate: Option<f64>,
    /// How many failures are expected.
    pub tolerated: FailureTolerance,
}

impl LoadOptions {
    /// Eight users of `/`, who leave a small machine time for what they load.
    pub fn for_target(target: SocketAddr) -> Self {
        let (pause, timeout) = (Duration::from_millis(5), Duration::from_secs(5));
        Self {
            target,
            path: "/".to_owned(),
            connections: 8,
            pause,
            timeout,
            rate: None,
            tolerated: FailureTolerance::None,
        }
    }
}

/// A load that is running. Dropping it ends it.
#[derive(Debug)]
pub struct Load {
    tally: Arc<Mutex<LoadRecorder>>,
    tolerated: FailureTolerance,
    started: Instant,
    stop: watch::Sender<bool>,
    users: JoinSet<()>,
}

impl Load {
    /// Starts sending at once.
    pub fn start(options: LoadOptions) -> Self {
        let (tally, tolerated, options) = (
            Arc::<Mutex<LoadRecorder>>::default(),
            options.tolerated,
            Arc::new(options),
        );
        let (stop, stopped) = watch::channel(false);
        let mut users = JoinSet::new();
        for _ in 0..options.connections {
            users.spawn(run_user(
                Arc::clone(&options),
                Arc::clone(&tally),
                stopped.clone(),
            ));
        }
        Self {
            tally,
            tolerated,
            started: Instant::now(),
            stop,
            users,
        }
    }

    /// What was measured so far.
    pub fn stats(&self) -> Stats {
        lock(&self.tally).stats(self.started.elapsed(), self.tolerated)
    }

    /// Sends nothing more, waits for the answers that are still to come, and returns what was
    /// measured.
    pub async fn stop(mut self) -> Stats {
        self.stop.send_replace(true);
        while self.users.join_next().await.is_some() {}
        self.stats()
    }
}

fn lock(tally: &Mutex<LoadRecorder>) -> MutexGuard<'_, LoadRecorder> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

type Connection = SendRequest<Empty<Bytes>>;

async fn run_user(
    options: Arc<LoadOptions>,
    tally: Arc<Mutex<LoadRecorder>>,
    stopped: watch::Receiver<bool>,
) {
    let mut connection = None;
    while !*stopped.borrow() {
        let sent = Instant::now();
        let (seen, kept) =
            match tokio::time::timeout(options.timeout, send_request(&options, connection.take()))
                .await
            {
                Ok(Ok((seen, kept))) => (seen, Some(kept)),
                Ok(Err(kind)) => (RequestOutcome::Failure(kind), None),
                Err(_) => (RequestOutcome::Failure("timeout".to_owned()), None),
            };
        connection = kept;
        lock(&tally).add(seen, sent.elapsed());
        pause_between(&options, sent).await;
    }
}

/// Until it is this user's turn again.
async fn pause_between(options: &LoadOptions, sent: Instant) {
    match options.rate.filter(|rate| *rate > 0.0) {
        None => tokio::time::sleep(options.pause).await,
        Some(rate) => {
            #[expect(clippy::cast_precision_loss, reason = "there are few users")]
            let interval = Duration::from_secs_f64(options.connections as f64 / rate);
            tokio::time::sleep_until(sent + interval).await;
        }
    }
}

/// One request to the last byte of its answer.
async fn send_request(
    options: &LoadOptions,
    connection: Option<Connection>,
) -> Result<(RequestOutcome, Connection), String> {
    let mut connection = match connection {
        Some(connection) if connection.is_ready() => connection,
        Some(_) | None => connect(options.target).await?,
    };
    let request = Request::get(&options.path)
        .header(header::HOST, options.target.to_string())
        .body(Empty::new());
    let request = request.map_err(|error| format!("request: {error}"))?;
    let response = connection
        .send_request(request)
        .await
        .map_err(|_| "connection broke".to_owned())?;
    let (status, version) = (
        response.status(),
        response.headers().get("x-app-version").cloned(),
    );
    response
        .into_body()
        .collect()
        .await
        .map_err(|_| "answer broke off".to_owned())?;
    if status.is_server_error() {
        return Ok((
            RequestOutcome::Failure(format!("status {}", status.as_u16())),
            connection,
        ));
    }
    let version = version.and_then(|version| version.to_str().ok().map(str::to_owned));
    Ok((RequestOutcome::Answer { version }, connection))
}

async fn connect(target: SocketAddr) -> Result<Connection, String> {
    let no_connection = |_| "no connection".to_owned();
    let stream = TcpStream::connect(target).await.map_err(no_connection)?;
    stream.set_nodelay(true).map_err(no_connection)?;
    let (connection, driver) = handshake(TokioIo::new(stream))
        .await
        .map_err(|_| "no connection".to_owned())?;
    tokio::spawn(driver);
    Ok(connection)
}
