//! The registry through its API.

mod deviations;
mod faults;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{HeaderMap, Method, StatusCode, header};
use serde_json::json;

use super::*;
use crate::world::digest::Digest;
use crate::world::http::{Client, full_body, new_client};
use crate::world::image::source::Source;

const OCTETS: &str = "application/octet-stream";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EVERYTHING: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

struct Fixture {
    source: Source,
    client: Client,
    server: RegistryServer,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Fixture {
    async fn start(password: Option<&str>) -> Self {
        Self::with_options(RegistryOptions {
            password: password.map(str::to_owned),
            ..RegistryOptions::default()
        })
        .await
    }

    async fn with_rules(rules: RegistryRules) -> Self {
        Self::with_options(RegistryOptions {
            rules,
            ..RegistryOptions::default()
        })
        .await
    }

    async fn with_options(options: RegistryOptions) -> Self {
        let password = options.password.clone();
        let server = RegistryServer::start(options).await.expect("a registry");
        let source = Source::new(&format!("http://{}", server.address()), password);
        Self {
            source,
            client: new_client(),
            server,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> (StatusCode, String) {
        let response = self
            .source
            .request(method, path, content_type, Bytes::copy_from_slice(body))
            .await
            .expect("an answer");
        let location = response
            .headers()
            .get(header::LOCATION)
            .map(|value| value.to_str().expect("text").to_owned());
        (response.status(), location.unwrap_or_default())
    }

    /// A request with these headers; an error is a connection that ended.
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, String> {
        let address = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("http://{}{path}", self.server.address())
        };
        let request = headers.iter().fold(
            hyper::Request::builder().method(method).uri(address),
            |request, (name, value)| request.header(*name, *value),
        );
        let request = request.body(full_body(body.to_vec())).expect("a request");
        let (head, body) = self
            .client
            .request(request)
            .await
            .map_err(|error| error.to_string())?
            .into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes()
            .to_vec();
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    async fn push(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::compute(bytes);
        let (status, _) = self
            .ask(
                Method::POST,
                &format!("/v2/{repository}/blobs/uploads/?digest={digest}"),
                OCTETS,
                bytes,
            )
            .await;
        assert_eq!(status, 201);
        digest
    }

    /// Pushes an image of these layers, and answers its manifest.
    async fn image(&self, repository: &str, reference: &str, layers: &[&[u8]]) -> String {
        let config = self.push(repository, b"{}").await;
        let mut digests = Vec::new();
        for layer in layers {
            digests.push(self.push(repository, layer).await);
        }
        let layers: Vec<_> = digests
            .iter()
            .map(|digest| json!({ "digest": digest.to_string() }))
            .collect();
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": { "digest": config.to_string() }, "layers": layers })
                .to_string();
        let digest = Digest::compute(manifest.as_bytes()).to_string();
        let reference = if reference.is_empty() {
            &digest
        } else {
            reference
        };
        let put = self
            .send(
                "PUT",
                &format!("/v2/{repository}/manifests/{reference}"),
                &[("content-type", OCI_MANIFEST)],
                manifest.as_bytes(),
            )
            .await
            .expect("answered");
        assert_eq!(put.status, 201, "{}", put.text());
        manifest
    }
}

#[tokio::test]
async fn blobs_come_back_as_they_were_however_they_were_pushed() {
    let registry = Fixture::start(None).await;
    let (bytes, digest) = (b"some bytes".as_slice(), Digest::compute(b"some bytes"));
    let (status, session) = registry
        .ask(Method::POST, "/v2/a/blobs/uploads/", "", b"")
        .await;
    assert_eq!(status, 202);
    assert_eq!(
        registry
            .ask(Method::PATCH, &session, OCTETS, &bytes[..4])
            .await
            .0,
        202
    );
    assert_eq!(
        registry
            .ask(Method::PATCH, &session, OCTETS, &bytes[4..])
            .await
            .0,
        202
    );
    assert_eq!(
        registry
            .ask(
                Method::PUT,
                &format!("{session}?digest={digest}"),
                OCTETS,
                b""
            )
            .await
            .0,
        201
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    registry
        .source
        .download_blob("a", &digest, file.path())
        .await
        .expect("downloaded and checked");
    assert_eq!(std::fs::read(file.path()).expect("read"), bytes);
    assert!(
        !registry
            .source
            .has_blob("b", &digest.to_string())
            .await
            .expect("answered"),
        "another repository does not have it"
    );
    let mount = format!("/v2/b/blobs/uploads/?mount={digest}&from=a");
    assert_eq!(registry.ask(Method::POST, &mount, "", b"").await.0, 201);
    assert!(
        registry
            .source
            .has_blob("b", &digest.to_string())
            .await
            .expect("answered")
    );
    let unknown = format!(
        "/v2/b/blobs/uploads/?mount={}&from=a",
        Digest::compute(b"unknown")
    );
    assert_eq!(
        registry.ask(Method::POST, &unknown, "", b"").await.0,
        202,
        "the mount of an unknown blob starts an upload"
    );
}

#[tokio::test]
async fn a_wrong_digest_is_refused_and_leaves_nothing() {
    let registry = Fixture::start(None).await;
    let claimed = Digest::compute(b"what was claimed");
    let path = format!("/v2/a/blobs/uploads/?digest={claimed}");
    assert_eq!(
        registry
            .ask(Method::POST, &path, OCTETS, b"what came")
            .await
            .0,
        400
    );
    assert!(
        !registry
            .source
            .has_blob("a", &claimed.to_string())
            .await
            .expect("answered")
    );
    let manifest = format!("/v2/a/manifests/{claimed}");
    assert_eq!(
        registry
            .ask(Method::PUT, &manifest, "application/json", b"{}")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn manifests_are_found_by_tag_and_digest() {
    let registry = Fixture::start(None).await;
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let config = Digest::compute(b"{}");
    let manifest =
        json!({ "schemaVersion": 2, "config": { "digest": config.to_string() }, "layers": [] })
            .to_string();
    assert_eq!(
        registry
            .ask(Method::PUT, "/v2/a/manifests/v1", kind, manifest.as_bytes())
            .await
            .0,
        400,
        "its configuration is missing"
    );
    registry.push("a", b"{}").await;
    for tag in ["v1", "latest"] {
        assert_eq!(
            registry
                .ask(
                    Method::PUT,
                    &format!("/v2/a/manifests/{tag}"),
                    kind,
                    manifest.as_bytes()
                )
                .await
                .0,
            201
        );
    }
    let found = registry
        .source
        .fetch_manifest("a", "v1")
        .await
        .expect("found");
    assert_eq!(
        (found.bytes.as_ref(), found.media_type.as_str()),
        (manifest.as_bytes(), kind)
    );
    assert_eq!(
        registry
            .source
            .fetch_manifest("a", &found.digest)
            .await
            .expect("found")
            .bytes,
        found.bytes
    );
    assert_eq!(
        registry.source.list_tags("a").await.expect("listed"),
        ["latest", "v1"]
    );
    assert_eq!(
        registry.source.list_tags("unknown").await.expect("listed"),
        Vec::<String>::new()
    );
    assert_eq!(
        registry
            .ask(
                Method::DELETE,
                &format!("/v2/a/manifests/{}", found.digest),
                "",
                b""
            )
            .await
            .0,
        202
    );
    assert_eq!(
        registry
            .source
            .fetch_manifest("a", "v1")
            .await
            .expect_err("gone")
            .kind(),
        std::io::ErrorKind::NotFound
    );
}

#[tokio::test]
async fn pieces_out_of_order_and_unknown_uploads_are_refused() {
    let registry = Fixture::start(None).await;
    let (_, session) = registry
        .ask(Method::POST, "/v2/a/blobs/uploads/", "", b"")
        .await;
    let request = hyper::Request::patch(format!("http://{}{session}", registry.server.address()))
        .header("content-range", "5-9");
    let request = request
        .body(crate::world::http::full_body("hello"))
        .expect("a request");
    assert_eq!(
        crate::world::http::new_client()
            .request(request)
            .await
            .expect("an answer")
            .status(),
        416
    );
    for session in ["999", "..", "%2e%2e"] {
        assert_eq!(
            registry
                .ask(
                    Method::PATCH,
                    &format!("/v2/a/blobs/uploads/{session}"),
                    OCTETS,
                    b"x"
                )
                .await
                .0,
            404,
            "{session}"
        );
    }
}

#[tokio::test]
async fn a_password_is_asked_for() {
    let registry = Fixture::start(Some("secret")).await;
    assert_eq!(registry.ask(Method::GET, "/v2/", "", b"").await.0, 200);
    let stranger = Source::new(&format!("http://{}", registry.server.address()), None);
    let response = stranger
        .request(Method::GET, "/v2/", "", Bytes::new())
        .await
        .expect("an answer");
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
}
