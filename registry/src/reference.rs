//! Which image is meant: the words of containers-transports(5), parsed at the edge.
//!
//! Parsing looks at the text only; whether the image exists is asked in `source.rs`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::digest::Digest;

/// An image as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageReference {
    /// `docker-daemon:NAME[:TAG]`, `docker-daemon:NAME@sha256:…`, `docker-daemon:sha256:ID`: in the
    /// local Docker engine.
    Engine(ImageName),
    /// `oci:DIR[:TAG]`: an OCI image layout in a directory.
    Layout {
        /// The directory as written; relative to the workspace.
        dir: PathBuf,
        /// The `org.opencontainers.image.ref.name` to choose; absent when the layout holds one
        /// image only.
        tag: Option<String>,
    },
    /// `oci-archive:FILE[:TAG]`: an OCI image layout in an archive.
    OciArchive {
        /// The file as written; relative to the workspace.
        file: PathBuf,
        /// As for a layout.
        tag: Option<String>,
    },
    /// `docker-archive:FILE[:NAME:TAG]`: what `docker save` writes.
    DockerArchive {
        /// The file as written; relative to the workspace.
        file: PathBuf,
        /// The name to choose; absent when the archive holds one image only.
        name: Option<String>,
    },
    /// `docker://[HOST[:PORT]/]PATH[:TAG]` or `@sha256:…`: in a registry.
    Registry(ImageName),
    /// A reference without a transport: the engine is asked first, then the caller decides.
    Bare(ImageName),
}

/// The name of an image inside an engine or a registry: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, or an
/// engine's image id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    text: String,
    repository: String,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

/// A tag of a manifest: at most 128 letters, digits, `_`, `.` and `-`, beginning with none of the
/// last two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing was written, or nothing after the transport.
    #[error("the image reference `{0}` names no image")]
    Empty(String),
    /// A transport that exists, but that is not read by this version.
    #[error("`{transport}` images are not read by this version")]
    Transport {
        /// The transport as it is written, for example `oci-archive:`.
        transport: String,
    },
    /// The name breaks the rules of image names.
    #[error("`{text}` is not an image name: {reason}")]
    Name {
        /// What was written.
        text: String,
        /// Which rule is broken.
        reason: &'static str,
    },
}

/// A text that cannot be a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a tag (1 to 128 of letters, digits, `_`, `.`, `-`, the first a letter, a digit or `_`)"
)]
pub struct TagError(String);

/// Transports that people know from other tools.
const UNREAD: [&str; 3] = ["containers-storage:", "dir:", "ostree:"];
/// What Docker Hub is called in image names, and where it answers.
const HUB_NAMES: [&str; 2] = ["docker.io", "index.docker.io"];
const HUB: &str = "registry-1.docker.io";

impl ReferenceError {
    /// What to do instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty(_) | Self::Name { .. } => {
                "write NAME:TAG, docker-daemon:NAME:TAG, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://HOST/NAME:TAG"
            }
            Self::Transport { .. } => {
                "write it to an OCI layout or an archive, or load it into the Docker engine"
            }
        }
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if let Some(transport) = UNREAD
            .into_iter()
            .find(|transport| text.starts_with(transport))
        {
            return Err(ReferenceError::Transport {
                transport: transport.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("docker-daemon:") {
            return Ok(Self::Engine(rest.parse()?));
        }
        if let Some(rest) = text.strip_prefix("docker://") {
            return Ok(Self::Registry(in_registry(text, rest)?));
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            return place(text, rest).map(|(file, tag)| Self::OciArchive { file, tag });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            return place(text, rest).map(|(file, name)| Self::DockerArchive { file, name });
        }
        match text.strip_prefix("oci:") {
            Some(rest) => place(text, rest).map(|(dir, tag)| Self::Layout { dir, tag }),
            None => Ok(Self::Bare(text.parse()?)),
        }
    }
}

/// A path, and what of it is meant. The first colon ends the path, as in containers-transports(5).
fn place(text: &str, rest: &str) -> Result<(PathBuf, Option<String>), ReferenceError> {
    let (path, chosen) = rest.split_once(':').map_or((rest, None), |(path, chosen)| {
        (path, Some(chosen.to_owned()))
    });
    if path.is_empty() || chosen.as_deref() == Some("") {
        return Err(ReferenceError::Empty(text.to_owned()));
    }
    Ok((PathBuf::from(path), chosen))
}

/// A registry knows no image ids.
fn in_registry(text: &str, rest: &str) -> Result<ImageName, ReferenceError> {
    let name: ImageName = rest.parse()?;
    if name.repository.is_empty() {
        return Err(ReferenceError::Name {
            text: text.escape_debug().to_string(),
            reason: "a digest alone names no repository",
        });
    }
    Ok(name)
}

impl fmt::Display for ImageReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(name) => write!(out, "docker-daemon:{name}"),
            Self::Layout { dir, tag } => place_and_choice(out, "oci", dir, tag.as_deref()),
            Self::OciArchive { file, tag } => {
                place_and_choice(out, "oci-archive", file, tag.as_deref())
            }
            Self::DockerArchive { file, name } => {
                place_and_choice(out, "docker-archive", file, name.as_deref())
            }
            Self::Registry(name) => write!(out, "docker://{name}"),
            Self::Bare(name) => write!(out, "{name}"),
        }
    }
}

fn place_and_choice(
    out: &mut fmt::Formatter<'_>,
    transport: &str,
    path: &Path,
    choice: Option<&str>,
) -> fmt::Result {
    write!(out, "{transport}:{}", path.display())?;
    choice.map_or(Ok(()), |choice| write!(out, ":{choice}"))
}

impl ImageName {
    /// Host and path in the registry that the name means. A name without a host is Docker Hub's,
    /// and one without a slash is in its `library/`, as everywhere.
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

    /// The name with which whoever has no engine pulls it: `api:1` → `docker.io/library/api:1`;
    /// none for an image id.
    pub fn pulled(&self) -> Option<String> {
        let (host, path) = self.address();
        let host = if host == HUB {
            HUB_NAMES[0].to_owned()
        } else {
            host
        };
        let rest = self.text.strip_prefix(&self.repository)?;
        (!self.repository.is_empty()).then(|| format!("{host}/{path}{rest}"))
    }

    /// The registry that the name says, when it says one.
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

/// A colon before the last slash belongs to a port.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        Some(_) | None => (name, None),
    }
}

/// The first part of a name is a host when it could not be a part of a path.
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

impl Tag {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let fits = text.len() <= 128
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|byte| word(byte) || b".-".contains(&byte));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(TagError(text.escape_debug().to_string()))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn name(text: &str) -> (String, Option<String>, Option<String>) {
        let name: ImageName = text.parse().unwrap();
        (
            name.repository().to_owned(),
            name.tag().map(ToString::to_string),
            name.digest().map(ToString::to_string),
        )
    }

    #[test]
    fn a_name_has_a_repository_and_perhaps_a_tag_and_a_digest() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(name("api"), ("api".into(), None, None));
        assert_eq!(name("api:1.0"), ("api".into(), some("1.0"), None));
        assert_eq!(
            name("localhost:5000/a/b"),
            ("localhost:5000/a/b".into(), None, None)
        );
        assert_eq!(
            name("ghcr.io/a/b:x"),
            ("ghcr.io/a/b".into(), some("x"), None)
        );
        assert_eq!(name(&format!("a/b@{ID}")), ("a/b".into(), None, some(ID)));
        assert_eq!(
            name(&format!("a/b:t@{ID}")),
            ("a/b".into(), some("t"), some(ID))
        );
        assert_eq!(name(ID), (String::new(), None, some(ID)));
    }

    #[test]
    fn every_transport_that_is_read_keeps_its_words() {
        let hub = format!("docker://alpine@{ID}");
        for text in [
            "docker-daemon:api:1",
            "oci:out",
            "oci:build/out:v1",
            "oci-archive:out.tar",
            "oci-archive:out.tar:v1",
            "docker-archive:saved.tar.gz:ghcr.io/a/b:1",
            "docker://ghcr.io/a/b:1",
            &hub,
            "api:1",
            "123.dkr.ecr.eu-west-1.amazonaws.com/team/api:1",
        ] {
            assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), text);
        }
        let layout = ImageReference::Layout {
            dir: "out".into(),
            tag: Some("ghcr.io/a/b:1".into()),
        };
        assert_eq!("oci:out:ghcr.io/a/b:1".parse(), Ok(layout));
    }

    #[test]
    fn transports_that_are_not_read_are_named() {
        let error = "containers-storage:a"
            .parse::<ImageReference>()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`containers-storage:` images are not read by this version"
        );
    }

    #[test]
    fn a_name_in_a_registry_has_a_host_or_is_docker_hubs() {
        let address = |text: &str| match text.parse().unwrap() {
            ImageReference::Registry(name) => name.address(),
            other => panic!("{other:?}"),
        };
        let pair = |host: &str, path: &str| (host.to_owned(), path.to_owned());
        assert_eq!(address("docker://ghcr.io/a/b:1"), pair("ghcr.io", "a/b"));
        assert_eq!(
            address("docker://localhost:5000/b"),
            pair("localhost:5000", "b")
        );
        for text in [
            "docker://alpine",
            "docker://library/alpine:3",
            "docker://docker.io/alpine",
            "docker://index.docker.io/library/alpine",
        ] {
            assert_eq!(address(text), pair(HUB, "library/alpine"), "{text}");
        }
        assert!(format!("docker://{ID}").parse::<ImageReference>().is_err());
        let host = |text: &str| text.parse::<ImageName>().unwrap().host().map(str::to_owned);
        assert_eq!(
            (
                host("ghcr.io/a/b:1").as_deref(),
                host("team/api:1"),
                host("api")
            ),
            (Some("ghcr.io"), None, None)
        );
    }

    #[test]
    fn what_is_no_image_name_is_refused_with_the_rule() {
        let wrong = [
            "",
            "docker-daemon:",
            "oci:",
            "oci::tag",
            "oci:dir:",
            "oci-archive:",
            "docker-archive::x",
            "docker://",
            "Api",
            "ghcr.io/Owner/app",
            "a//b",
            "../b",
            "a:b:c d",
            "a@sha256:12",
            "a b",
            "-a",
            "ho st.x/a",
        ];
        for text in wrong {
            assert!(text.parse::<ImageReference>().is_err(), "{text}");
        }
        let error = "ghcr.io/Owner/app:1".parse::<ImageReference>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`ghcr.io/Owner/app:1` is not an image name: a repository is written in lower case"
        );
    }

    #[test]
    fn tags_follow_the_rule_of_the_distribution_specification() {
        for good in ["latest", "1.0", "_x", "A-b.c", &"a".repeat(128)] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for wrong in ["", ".x", "-x", "1.0+abc", "a/b", "a:b", &"a".repeat(129)] {
            assert!(wrong.parse::<Tag>().is_err(), "{wrong}");
        }
    }
}
