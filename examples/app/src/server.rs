//! Accepts connections until SIGTERM, then lets the requests in flight finish.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::journal;
use crate::routes::App;
use crate::settings::Settings;

/// Below the 30 seconds that ECS waits before it kills.
const LAST_REQUESTS: Duration = Duration::from_secs(20);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(settings: Settings) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port)).await?;
    journal::info(
        "started",
        &json!({ "version": settings.version, "port": settings.port }),
    );
    let (app, open) = (Arc::new(App::new(settings)), GracefulShutdown::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connection(&open, stream, Arc::clone(&app)),
                // Out of file descriptors, most likely: give the connections a moment to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    journal::info("stopping", &json!({ "open_connections": open.count() }));
    let finished = tokio::time::timeout(LAST_REQUESTS, open.shutdown())
        .await
        .is_ok();
    journal::info("stopped", &json!({ "all_requests_finished": finished }));
    Ok(())
}

fn connection(open: &GracefulShutdown, stream: TcpStream, app: Arc<App>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(app.answer(request).await) }
    });
    let connection =
        open.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        // An error here is a client that went away.
        let _ = connection.await;
    });
}
