//! The stage's HTTP ports: AWS's protocols, GitHub's below `/_github/`, sources of metrics below
//! `/_metrics/` and on a port of their own, and `/_stage/` for people and tests.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::aws::{ConnectionDropped, answer_request};
use crate::cloud::Cloud;
use crate::control;
use crate::github;
use crate::sources;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// Everything.
    Aws,
    /// Sources of metrics only.
    Sources,
}

/// Accepts connections for as long as the stage lives.
pub(crate) async fn serve(cloud: Arc<Cloud>, listener: TcpListener, port: Port) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&cloud);
            cloud.spawn(async move { serve_connection(shared, stream, port).await });
        }
    }
}

/// A severed exchange is an error to hyper, and so ends the connection without an answer.
async fn serve_connection(cloud: Arc<Cloud>, stream: TcpStream, port: Port) {
    // Small answers must not wait for more bytes: latencies are measured here.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let cloud = Arc::clone(&cloud);
        async move {
            match port {
                Port::Aws => answer(&cloud, request).await,
                Port::Sources => sources::answer(&cloud, request).await,
            }
        }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    cloud: &Arc<Cloud>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionDropped> {
    if request
        .uri()
        .path()
        .strip_prefix(github::ROOT)
        .is_some_and(|path| path.starts_with('/'))
    {
        return github::answer(cloud, request).await;
    }
    if request
        .uri()
        .path()
        .strip_prefix(sources::ROOT)
        .is_some_and(|path| path.starts_with('/'))
    {
        return sources::answer(cloud, request).await;
    }
    match request
        .uri()
        .path()
        .strip_prefix("/_stage/")
        .map(ToOwned::to_owned)
    {
        Some(page) => Ok(control::answer(cloud, &page, request).await),
        None => answer_request(cloud, request).await,
    }
}
