//! A registry in memory, as far as a push needs one.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::client::{Target, Transport};
use crate::digest::Digest;

/// A registry in memory, which answers one request per connection.
#[derive(Default)]
pub(super) struct FakeRegistry {
    pub(super) blobs: HashSet<String>,
    /// By tag and by digest.
    manifests: HashMap<String, (String, Vec<u8>)>,
    /// Method and path, without `/v2/team/api/`.
    requests: Vec<String>,
    /// What the next manifest that is written is refused with.
    pub(super) refusal: Option<&'static str>,
    /// Whether tags may be read.
    pub(super) denies_reading_tags: bool,
}

pub(super) type Shared = Arc<Mutex<FakeRegistry>>;

impl FakeRegistry {
    pub(super) fn start() -> (Shared, Target) {
        // A second installation by another test is no failure.
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let registry = Shared::default();
        let shared = Arc::clone(&registry);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(&shared, &stream);
            }
        });
        (registry, target(&endpoint))
    }

    fn answer(&mut self, request: &str, media_type: &str, body: &[u8]) -> String {
        self.requests.push(request.to_owned());
        let (method, path) = request.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let reference = path.trim_start_matches("manifests/");
        match (method, path.split('/').next().unwrap()) {
            ("POST", _) => response("202 Accepted", "Location: /v2/team/api/upload\r\n", b""),
            ("PUT", "upload") => {
                let digest = query.trim_start_matches("digest=").replace("%3A", ":");
                self.blobs.insert(digest);
                response("201 Created", "", b"")
            }
            ("PUT", _) => {
                if let Some(code) = self.refusal.take() {
                    let body = json!({"errors": [{"code": code, "message": code}]}).to_string();
                    return response("404 Not Found", "", body.as_bytes());
                }
                let digest = Digest::compute(body).to_string();
                for name in [digest, reference.to_owned()] {
                    self.manifests
                        .insert(name, (media_type.to_owned(), body.to_vec()));
                }
                response("201 Created", "", b"")
            }
            (_, "blobs") if self.blobs.contains(path.trim_start_matches("blobs/")) => {
                response("200 OK", "", b"")
            }
            (_, "manifests") if self.denies_reading_tags && !reference.contains(':') => {
                response("403 Forbidden", "", b"no")
            }
            (_, "manifests") => match self.manifests.get(reference) {
                Some((media_type, body)) => {
                    let headers = format!(
                        "Content-Type: {media_type}\r\nDocker-Content-Digest: {}\r\n",
                        Digest::compute(body)
                    );
                    let body = if method == "HEAD" { b"" } else { &body[..] };
                    response("200 OK", &headers, body)
                }
                None => response("404 Not Found", "", b""),
            },
            _ => response("404 Not Found", "", b""),
        }
    }

    /// The requests that change something, since the last time.
    pub(super) fn write_requests(&mut self) -> Vec<String> {
        let requests = std::mem::take(&mut self.requests);
        let is_write =
            |request: &String| !request.starts_with("GET") && !request.starts_with("HEAD");
        requests
            .into_iter()
            .filter(is_write)
            .map(|request| request.split('?').next().unwrap().to_owned())
            .collect()
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> String {
    let body = String::from_utf8(body.to_vec()).unwrap();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn serve(registry: &Shared, mut stream: &TcpStream) {
    let mut lines = BufReader::new(stream);
    let (mut line, mut length, mut media_type) = (String::new(), 0, String::new());
    lines.read_line(&mut line).unwrap();
    let mut parts = line.split(' ');
    let (method, path) = (parts.next().unwrap(), parts.next().unwrap_or_default());
    let request = format!("{method} {}", path.trim_start_matches("/v2/team/api/"));
    loop {
        let mut header = String::new();
        lines.read_line(&mut header).unwrap();
        match header.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-type") => {
                value.clone_into(&mut media_type);
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    let answer = registry
        .lock()
        .unwrap()
        .answer(&request, &media_type, &body);
    stream.write_all(answer.as_bytes()).unwrap();
}

pub(super) fn target(endpoint: &str) -> Target {
    drop(rustls::crypto::ring::default_provider().install_default());
    Target {
        endpoint: endpoint.parse().unwrap(),
        repository: "team/api".to_owned(),
        credentials: None,
        renewal: None,
        transport: Transport::new().unwrap(),
    }
}
