//! Names of images: repository, tag and digest, by the rules of the distribution specification.

use std::fmt;
use std::str::FromStr;

use super::{ReferenceError, Tag};
use crate::digest::Digest;

/// The hosts of Docker Hub in image names, and the host of its registry.
const HUB_NAMES: [&str; 2] = ["docker.io", "index.docker.io"];
const HUB: &str = "registry-1.docker.io";

/// The name of an image inside an engine or a registry: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, or an
/// engine's image id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    text: String,
    repository: String,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl ImageName {
    /// The host of the registry and the path of the repository. As with other tools, a name without
    /// a host is Docker Hub's, and one without a slash is in `library/` there.
    pub fn address(&self) -> (String, String) {
        let (host, path) = match self.repository.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path.to_owned()),
            Some(_) | None => (HUB_NAMES[0], self.repository.clone()),
        };
        if !HUB_NAMES.contains(&host) {
            return (host.to_owned(), path);
        }
        (
            HUB.to_owned(),
            if path.contains('/') {
                path
            } else {
                format!("library/{path}")
            },
        )
    }

    /// The full name, as the image is pulled: `api:1` → `docker.io/library/api:1`. `None` for an
    /// image id.
    pub fn pull_name(&self) -> Option<String> {
        let (host, path) = self.address();
        let host = if host == HUB {
            HUB_NAMES[0].to_owned()
        } else {
            host
        };
        let rest = self.text.strip_prefix(&self.repository)?;
        (!self.repository.is_empty()).then(|| format!("{host}/{path}{rest}"))
    }

    /// The registry in the name, if there is one.
    pub fn host(&self) -> Option<&str> {
        self.repository
            .split_once('/')
            .map(|(host, _)| host)
            .filter(|host| is_host(host))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name without tag and digest, host included.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, when one was written.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest, when one was written; of `sha256:…` alone it is the engine's image id.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl FromStr for ImageName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty(text.to_owned()));
        }
        let wrong = |reason| ReferenceError::Name {
            text: text.escape_debug().to_string(),
            reason,
        };
        if let Ok(id) = text.parse() {
            return Ok(Self {
                text: text.to_owned(),
                repository: String::new(),
                tag: None,
                digest: Some(id),
            });
        }
        let (name, digest) = text
            .split_once('@')
            .map_or((text, None), |(name, digest)| (name, Some(digest)));
        let digest = digest
            .map(str::parse)
            .transpose()
            .map_err(|_| wrong("what follows `@` must be a sha256 digest"))?;
        let (repository, tag) = split_tag(name);
        let tag = tag
            .map(str::parse)
            .transpose()
            .map_err(|_| wrong("what follows the last `:` must be a tag"))?;
        check_repository(repository).map_err(wrong)?;
        Ok(Self {
            text: text.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }
}

/// Splits the tag off; a colon before the last slash is that of a port.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        Some(_) | None => (name, None),
    }
}

/// Whether the first part of a name is a host: it has a character that no part of a path has.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// The rules for `[HOST[:PORT]/]PATH`.
fn check_repository(repository: &str) -> Result<(), &'static str> {
    match repository.split_once('/') {
        Some((host, path)) if is_host(host) => {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
            let begins =
                host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[');
            if begins && host.bytes().all(fits) {
                check_path(path)
            } else {
                Err("its host is not one")
            }
        }
        Some(_) | None => check_path(repository),
    }
}

/// The rules for the part of a name that a registry calls the repository.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a repository is written in lower case");
    }
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let part_fits = |part: &str| {
        part.bytes().all(fits) && edge(part.as_bytes().first()) && edge(part.as_bytes().last())
    };
    if path.split('/').all(part_fits) {
        Ok(())
    } else {
        Err(
            "parts between `/` are letters, digits, `.`, `_` and `-`, and begin and end with a letter or digit",
        )
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
