//! The servers that are tested: HTTP/1.1 and HTTP/2, with TLS by certificates of an authority of
//! our own or without.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct ReceivedRequest {
    pub(super) version: hyper::Version,
    pub(super) method: String,
    /// What stood in `:authority` or `Host`.
    pub(super) host: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl ReceivedRequest {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What a server answers.
pub(super) type Answer = Response<Full<Bytes>>;

/// An answer with a status, headers and a body.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let built = headers.iter().fold(
        Response::builder().status(status),
        |built, (name, value)| built.header(*name, *value),
    );
    built.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}

/// A server that runs as long as the test's runtime, and everything it was asked.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) requests: Arc<Mutex<Vec<ReceivedRequest>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn url(&self, scheme_and_host: &str) -> Url {
        format!("{scheme_and_host}:{}", self.port).parse().unwrap()
    }

    pub(super) fn last_request(&self) -> ReceivedRequest {
        self.requests
            .lock()
            .unwrap()
            .last()
            .cloned()
            .expect("a request arrived")
    }

    /// How many connections were made.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Serves without TLS, HTTP/1.1 and HTTP/2 by prior knowledge.
pub(super) async fn serve_plain(
    answers: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
) -> Server {
    start_server(None, answers).await
}

/// Serves over TLS with a certificate; `protocols` is what is offered by ALPN.
pub(super) async fn serve_tls(
    identity: &Identity,
    protocols: &[&str],
    answers: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
) -> Server {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.clone()));
    let chain = vec![identity.certificate.clone().into()];
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    start_server(Some(TlsAcceptor::from(Arc::new(config))), answers).await
}

async fn start_server(
    acceptor: Option<TlsAcceptor>,
    answers: impl Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        requests: Arc::default(),
        connections: Arc::default(),
    };
    let (seen, answers, connections) = (
        server.requests.clone(),
        Arc::new(answers),
        server.connections.clone(),
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let (acceptor, seen, answers) = (acceptor.clone(), seen.clone(), answers.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => serve_connection(stream, seen, answers).await,
                    // A handshake that fails is the client's to tell.
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve_connection(stream, seen, answers).await;
                        }
                    }
                }
            });
        }
    });
    server
}

async fn serve_connection<S, A>(stream: S, seen: Arc<Mutex<Vec<ReceivedRequest>>>, answers: Arc<A>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(&ReceivedRequest) -> Answer + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, answers) = (seen.clone(), answers.clone());
        async move {
            let request = read_request(request).await;
            let answer = answers(&request);
            seen.lock().unwrap().push(request);
            Ok::<_, Infallible>(answer)
        }
    });
    // A client that goes away is no failure of the server.
    let _ = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn read_request(request: Request<Incoming>) -> ReceivedRequest {
    let (parts, body) = request.into_parts();
    let host = parts.uri.authority().map(ToString::to_string);
    let host = host
        .or_else(|| {
            parts
                .headers
                .get("host")
                .map(|host| host.to_str().unwrap().to_owned())
        })
        .unwrap_or_default();
    let target = parts
        .uri
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes().to_vec())
        .unwrap_or_default();
    ReceivedRequest {
        version: parts.version,
        method: parts.method.to_string(),
        host,
        target,
        headers: parts.headers,
        body,
    }
}

/// An authority that signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

/// A certificate and its key, both in DER.
pub(super) struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for a name, good from one moment to another.
    pub(super) fn sign(&self, name: &str, from: OffsetDateTime, until: OffsetDateTime) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (from, until);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
        }
    }

    /// One that is good for a year from yesterday.
    pub(super) fn sign_valid(&self, name: &str) -> Identity {
        let now = OffsetDateTime::now_utc();
        self.sign(
            name,
            now - time::Duration::DAY,
            now + time::Duration::days(365),
        )
    }
}

/// A self-signed certificate, and its PEM.
pub(super) fn self_signed_identity(name: &str) -> (Identity, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (
        Identity {
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
        },
        certificate.pem(),
    )
}

/// Midnight of a day.
pub(super) fn midnight(year: i32, month: u8, day: u8) -> OffsetDateTime {
    date_time_ymd(year, month, day)
}
