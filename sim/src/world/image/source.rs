//! Reads images from a registry, the world's own or any other that speaks plain HTTP. What it gives
//! has been checked against its digest.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode, header};

use super::manifest::ACCEPT;
use crate::world::digest::{Digest, Hasher};
use crate::world::http::{Client, full_body, new_client};
use crate::world::registry::access::basic_authorization;

/// A manifest as it is in the registry.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    /// `sha256:…` of the bytes.
    pub digest: String,
    /// The registry's `Content-Type`.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// A registry to read from and to write to.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    client: Client,
    endpoint: String,
    public_endpoint: String,
    password: Option<String>,
}

impl Source {
    pub(crate) fn new(endpoint: &str, password: Option<String>) -> Self {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Self {
            client: new_client(),
            public_endpoint: endpoint.clone(),
            endpoint,
            password,
        }
    }

    /// The same, where images are named by another endpoint than the one that is asked.
    pub(crate) fn with_public_endpoint(self, endpoint: &str) -> Self {
        Self {
            public_endpoint: endpoint.to_owned(),
            ..self
        }
    }

    /// The endpoint without its scheme, as in image references.
    pub(crate) fn host(&self) -> &str {
        self.public_endpoint
            .split_once("://")
            .map_or(self.public_endpoint.as_str(), |(_, host)| host)
    }

    /// One request; `path` may also be the absolute or relative address of a `Location`.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> io::Result<Response<Incoming>> {
        let address = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.endpoint)
        };
        let mut request = Request::builder()
            .method(method)
            .uri(address)
            .header(header::ACCEPT, ACCEPT);
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(password) = &self.password {
            request = request.header(header::AUTHORIZATION, basic_authorization(password));
        }
        let request = request.body(full_body(body)).map_err(io::Error::other)?;
        self.client.request(request).await.map_err(io::Error::other)
    }

    async fn get(&self, path: &str) -> io::Result<Response<Incoming>> {
        let response = self.request(Method::GET, path, "", Bytes::new()).await?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{}{path}: not found", self.host()),
            )),
            status => Err(io::Error::other(format!("{}{path}: {status}", self.host()))),
        }
    }

    /// A manifest or an index, by tag or digest.
    pub(crate) async fn fetch_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> io::Result<StoredManifest> {
        let response = self
            .get(&format!("/v2/{repository}/manifests/{reference}"))
            .await?;
        let media_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(io::Error::other)?
            .to_bytes();
        let digest = Digest::compute(&bytes).to_string();
        if reference.starts_with("sha256:") && reference != digest {
            return Err(digest_mismatch(reference, &digest));
        }
        Ok(StoredManifest {
            digest,
            media_type,
            bytes,
        })
    }

    /// All tags of a repository; none when there is no such repository.
    pub(crate) async fn list_tags(&self, repository: &str) -> io::Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Tags {
            tags: Option<Vec<String>>,
        }
        let response = match self.get(&format!("/v2/{repository}/tags/list")).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(io::Error::other)?
            .to_bytes();
        Ok(serde_json::from_slice::<Tags>(&bytes)?
            .tags
            .unwrap_or_default())
    }

    pub(crate) async fn has_blob(&self, repository: &str, digest: &str) -> io::Result<bool> {
        let response = self
            .request(
                Method::HEAD,
                &format!("/v2/{repository}/blobs/{digest}"),
                "",
                Bytes::new(),
            )
            .await?;
        Ok(response.status() == StatusCode::OK)
    }

    /// Downloads a blob into a file.
    pub(crate) async fn download_blob(
        &self,
        repository: &str,
        digest: &Digest,
        into: &Path,
    ) -> io::Result<()> {
        let mut body = self
            .get(&format!("/v2/{repository}/blobs/{digest}"))
            .await?
            .into_body();
        let mut file = Hasher::new(File::create(into)?);
        while let Some(frame) = body.frame().await {
            if let Some(bytes) = frame.map_err(io::Error::other)?.data_ref() {
                file.write_all(bytes)?;
            }
        }
        let (found, _, _) = file.finish();
        if found == *digest {
            Ok(())
        } else {
            Err(digest_mismatch(&digest.to_string(), &found.to_string()))
        }
    }
}

fn digest_mismatch(wanted: &str, found: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{wanted} was asked for, {found} came"),
    )
}
