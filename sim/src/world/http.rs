//! The few pieces of HTTP that the world's servers and clients share. No routes and no meaning
//! here.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Body = BoxBody<Bytes, BoxError>;
pub(crate) type Client = hyper_util::client::legacy::Client<HttpConnector, Body>;

/// A target that does not even accept a connection in this time is broken; all of them are on this
/// machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn full_body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// A short answer in plain text.
pub(crate) fn text_response(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full_body(text));
    *response.status_mut() = status;
    response
}

/// Marks an answer that is none: the connection ends instead.
#[derive(Debug, Clone, Copy)]
struct ConnectionClosed;

/// No answer: the connection ends.
pub(crate) fn close_connection() -> Response<Body> {
    let mut response = Response::new(full_body(""));
    response.extensions_mut().insert(ConnectionClosed);
    response
}

/// Whether this is the end of a connection, and no answer.
pub(crate) fn closes_connection(response: &Response<Body>) -> bool {
    response.extensions().get::<ConnectionClosed>().is_some()
}

/// A client with a connection pool.
pub(crate) fn new_client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
}

/// A running server; dropping it closes the listener and every connection.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds a free port of `ip` and answers with the handler that `make` gives for this address;
    /// the handler is given the caller's address.
    pub(crate) async fn start<H, F>(
        ip: IpAddr,
        make: impl FnOnce(SocketAddr) -> H,
    ) -> std::io::Result<Self>
    where
        H: Fn(SocketAddr, Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let listener = TcpListener::bind((ip, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            address,
            accepting: tokio::spawn(accept(listener, Arc::new(make(address)))),
        })
    }

    /// Where it is reached from this machine, whatever it is bound to.
    pub(crate) fn address(&self) -> SocketAddr {
        if self.address.ip().is_unspecified() {
            (Ipv4Addr::LOCALHOST, self.address.port()).into()
        } else {
            self.address
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Owns the connections, so that they end with it.
async fn accept<H, F>(listener: TcpListener, handler: Arc<H>)
where
    H: Fn(SocketAddr, Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                drop(connections.spawn(serve_connection(stream, peer, Arc::clone(&handler))));
            }
            // Out of file descriptors, most likely: give the connections a moment to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve_connection<H, F>(stream: TcpStream, peer: SocketAddr, handler: Arc<H>)
where
    H: Fn(SocketAddr, Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let response = handler(peer, request);
        async move {
            Some(response.await)
                .filter(|response| !closes_connection(response))
                .ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted))
        }
    });
    // An error here is a client that went away; there is nobody left to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
