//! References to images, as in containers-transports(5). Whether an image exists is asked in
//! `source.rs`.

mod name;
mod tag;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use self::name::ImageName;
pub(crate) use self::name::check_path;
pub use self::tag::{ManifestReference, Tag, TagError};

/// A reference to an image, as users write it.
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
        /// The `org.opencontainers.image.ref.name` to choose, as for a layout.
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

/// Why a text is not a reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It is empty, or a transport without an image.
    #[error("the image reference `{0}` names no image")]
    Empty(String),
    /// A transport that is known from other tools but not read here.
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

/// Transports of other tools that are not read here.
const UNSUPPORTED_TRANSPORTS: [&str; 3] = ["containers-storage:", "dir:", "ostree:"];

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
        if let Some(transport) = UNSUPPORTED_TRANSPORTS
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
            return Ok(Self::Registry(parse_registry_name(text, rest)?));
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            return parse_path(text, rest).map(|(file, tag)| Self::OciArchive { file, tag });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            return parse_path(text, rest).map(|(file, name)| Self::DockerArchive { file, name });
        }
        match text.strip_prefix("oci:") {
            Some(rest) => parse_path(text, rest).map(|(dir, tag)| Self::Layout { dir, tag }),
            None => Ok(Self::Bare(text.parse()?)),
        }
    }
}

/// A path, and the image to choose there. The first colon ends the path, as in
/// containers-transports(5).
fn parse_path(text: &str, rest: &str) -> Result<(PathBuf, Option<String>), ReferenceError> {
    let (path, chosen) = rest.split_once(':').map_or((rest, None), |(path, chosen)| {
        (path, Some(chosen.to_owned()))
    });
    if path.is_empty() || chosen.as_deref() == Some("") {
        return Err(ReferenceError::Empty(text.to_owned()));
    }
    Ok((PathBuf::from(path), chosen))
}

/// A name of an image in a registry, where an image id means nothing.
fn parse_registry_name(text: &str, rest: &str) -> Result<ImageName, ReferenceError> {
    let name: ImageName = rest.parse()?;
    if name.repository().is_empty() {
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
            Self::Layout { dir, tag } => write_path(out, "oci", dir, tag.as_deref()),
            Self::OciArchive { file, tag } => write_path(out, "oci-archive", file, tag.as_deref()),
            Self::DockerArchive { file, name } => {
                write_path(out, "docker-archive", file, name.as_deref())
            }
            Self::Registry(name) => write!(out, "docker://{name}"),
            Self::Bare(name) => write!(out, "{name}"),
        }
    }
}

fn write_path(
    out: &mut fmt::Formatter<'_>,
    transport: &str,
    path: &Path,
    choice: Option<&str>,
) -> fmt::Result {
    write!(out, "{transport}:{}", path.display())?;
    choice.map_or(Ok(()), |choice| write!(out, ":{choice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse_name(text: &str) -> (String, Option<String>, Option<String>) {
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
        assert_eq!(parse_name("api"), ("api".into(), None, None));
        assert_eq!(parse_name("api:1.0"), ("api".into(), some("1.0"), None));
        assert_eq!(
            parse_name("localhost:5000/a/b"),
            ("localhost:5000/a/b".into(), None, None)
        );
        assert_eq!(
            parse_name("ghcr.io/a/b:x"),
            ("ghcr.io/a/b".into(), some("x"), None)
        );
        assert_eq!(
            parse_name(&format!("a/b@{ID}")),
            ("a/b".into(), None, some(ID))
        );
        assert_eq!(
            parse_name(&format!("a/b:t@{ID}")),
            ("a/b".into(), some("t"), some(ID))
        );
        assert_eq!(parse_name(ID), (String::new(), None, some(ID)));
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
            assert_eq!(
                address(text),
                pair("registry-1.docker.io", "library/alpine"),
                "{text}"
            );
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
