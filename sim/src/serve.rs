//! The stage's one HTTP port: AWS's protocols, GitHub's below `/_github/`, and `/_stage/` for people and tests.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::aws::{Severed, exchange};
use crate::cloud::Cloud;
use crate::control;
use crate::github;

/// Accepts connections for as long as the stage lives.
pub(crate) async fn serve(cloud: Arc<Cloud>, listener: TcpListener) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&cloud);
            cloud.spawn(async move { connection(shared, stream).await });
        }
    }
}

/// A severed exchange is an error to hyper, and so ends the connection without an answer.
async fn connection(cloud: Arc<Cloud>, stream: TcpStream) {
    // Small answers must not wait for more bytes: latencies are measured here.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let cloud = Arc::clone(&cloud);
        async move { answer(&cloud, request).await }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(cloud: &Arc<Cloud>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Severed> {
    if request.uri().path().strip_prefix(github::ROOT).is_some_and(|path| path.starts_with('/')) {
        return github::answer(cloud, request).await;
    }
    match request.uri().path().strip_prefix("/_stage/").map(ToOwned::to_owned) {
        Some(page) => Ok(control::answer(cloud, &page, request).await),
        None => exchange(cloud, request).await,
    }
}
