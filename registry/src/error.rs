//! What can go wrong on either side of a transfer, in sentences for people.
//!
//! [`SourceError`] is about the image that is read, [`PushError`] about the registry. Neither repeats its source: print the chain.

use std::path::PathBuf;

use url::Url;

use super::archive::ArchiveError;
use super::blob::BlobError;
use super::digest::Digest;
use super::reference::Tag;

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nobody answers at the engine's socket.
    #[error("the Docker engine does not answer at {}", socket.display())]
    EngineUnreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The engine was silent for too long while it should export.
    #[error("the Docker engine sent nothing for {seconds} seconds")]
    EngineSilent {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The engine answered with an error of its own.
    #[error("the Docker engine answered {status}: {message}")]
    EngineRefused {
        /// The HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// The engine does not have it.
    #[error("the Docker engine has no image `{name}`")]
    NotInEngine {
        /// The name that was asked for.
        name: String,
    },
    /// What the engine exported is not an image that can be understood.
    #[error("the Docker engine's export cannot be used: {reason}")]
    Export {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such directory.
    #[error("there is no OCI layout at {}", dir.display())]
    LayoutMissing {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of the layout's own files is missing or wrong.
    #[error("{} is not part of a good OCI layout: {reason}", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The layout has no image of that name, or none at all.
    #[error("{}", not_in_layout(dir, tag.as_deref(), there))]
    NotInLayout {
        /// The directory.
        dir: PathBuf,
        /// The name that was asked for.
        tag: Option<String>,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// Without a tag it is not said which image of several is meant.
    #[error("the OCI layout at {} holds several images: {}", dir.display(), there.join(", "))]
    Ambiguous {
        /// The directory.
        dir: PathBuf,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// There is no such archive.
    #[error("there is no image archive at {}", file.display())]
    ArchiveMissing {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The archive is damaged, or it holds what no image needs.
    #[error("the archive {} cannot be used", file.display())]
    Archive {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// The archive has no image of that name, or none at all.
    #[error("{}", not_in_archive(file, name.as_deref(), there))]
    NotInArchive {
        /// The file.
        file: PathBuf,
        /// The name that was asked for.
        name: Option<String>,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// Without a name it is not said which image of several is meant.
    #[error("the archive {} holds several images: {}", file.display(), there.join(", "))]
    AmbiguousArchive {
        /// The file.
        file: PathBuf,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// A manifest or an index is not one.
    #[error("the manifest {digest} cannot be used: {reason}")]
    Manifest {
        /// Which one.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// An image config is not one.
    #[error("the image config {digest} cannot be used: {reason}")]
    Config {
        /// Which one.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A content is missing, too short, too long or garbled.
    #[error("a part of the image is missing or damaged")]
    Blob(#[from] BlobError),
    /// The registry that has the image does not give it.
    #[error("the image cannot be read from its registry")]
    Registry(#[source] Box<PushError>),
    /// The registry has no such image.
    #[error("the registry {host} has no image `{name}`")]
    NotInRegistry {
        /// The registry's host.
        host: String,
        /// Repository and tag or digest.
        name: String,
    },
    /// The temporary directory does not take the image.
    #[error("the image cannot be kept in {}", dir.display())]
    Spool {
        /// The temporary directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn not_in_layout(dir: &std::path::Path, tag: Option<&str>, there: &[String]) -> String {
    let dir = dir.display();
    match tag {
        Some(tag) if !there.is_empty() => format!("the OCI layout at {dir} has no image `{tag}`; there are: {}", there.join(", ")),
        Some(_) | None => format!("the OCI layout at {dir} holds no image"),
    }
}

fn not_in_archive(file: &std::path::Path, name: Option<&str>, there: &[String]) -> String {
    let file = file.display();
    match name {
        Some(name) if !there.is_empty() => format!("the archive {file} has no image `{name}`; there are: {}", there.join(", ")),
        Some(_) | None => format!("the archive {file} holds no image"),
    }
}

impl SourceError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            other => other.own_hint().map(str::to_owned),
        }
    }

    fn own_hint(&self) -> Option<&'static str> {
        match self {
            Self::EngineUnreachable { .. } => Some("does the job's runner have a Docker engine, and is DOCKER_HOST a unix:// address?"),
            Self::NotInEngine { .. } => Some("build with `load: true` (buildx), or check the name with `docker image ls`"),
            Self::LayoutMissing { .. } | Self::ArchiveMissing { .. } => {
                Some("the path is relative to the workspace; files outside the workspace are not seen by the action")
            }
            Self::Layout { .. } => Some("an archive is written oci-archive:FILE or docker-archive:FILE"),
            Self::NotInRegistry { .. } => Some("check the name, and that the build pushed it"),
            Self::Ambiguous { .. } => Some("write oci:DIR:TAG"),
            Self::Archive { source, .. } => source.hint(),
            Self::AmbiguousArchive { .. } => Some("write oci-archive:FILE:TAG or docker-archive:FILE:NAME:TAG"),
            Self::Blob(_) | Self::Manifest { .. } | Self::Config { .. } => Some("write the image again; it may have been cut off"),
            Self::Spool { .. } => Some("the temporary directory needs room for the compressed image"),
            Self::EngineSilent { .. }
            | Self::EngineRefused { .. }
            | Self::Export { .. }
            | Self::NotInLayout { .. }
            | Self::NotInArchive { .. }
            | Self::Registry(_) => None,
        }
    }
}

/// What was asked of the registry when it said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking whether a blob is there.
    CheckBlob,
    /// Beginning an upload.
    StartUpload,
    /// Sending a blob.
    SendBlob,
    /// Reading a blob.
    ReadBlob,
    /// Asking which manifest a tag or a digest names.
    ReadManifest,
    /// Writing a manifest or a tag.
    WriteManifest,
    /// Exchanging credentials for a token.
    SignIn,
}

impl Step {
    fn words(self) -> &'static str {
        match self {
            Self::CheckBlob => "look for a layer",
            Self::StartUpload => "begin an upload",
            Self::SendBlob => "send a layer",
            Self::ReadBlob => "read a layer",
            Self::ReadManifest => "read a manifest",
            Self::WriteManifest => "write a manifest",
            Self::SignIn => "sign in",
        }
    }

    /// The IAM actions that ECR asks for (ECR user guide, "IAM permissions for pushing an image").
    pub fn iam_actions(self) -> &'static str {
        match self {
            Self::CheckBlob => "ecr:BatchCheckLayerAvailability",
            Self::StartUpload => "ecr:InitiateLayerUpload",
            Self::ReadBlob => "ecr:GetDownloadUrlForLayer",
            Self::SendBlob => "ecr:UploadLayerPart and ecr:CompleteLayerUpload",
            Self::ReadManifest => "ecr:BatchGetImage",
            Self::WriteManifest => "ecr:PutImage",
            Self::SignIn => "ecr:GetAuthorizationToken",
        }
    }
}

/// Why an image did not arrive in the registry, or why the registry could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The image cannot be read.
    #[error("the image cannot be read")]
    Source(#[from] SourceError),
    /// The repository's name or the registry's address cannot be one.
    #[error("`{text}` is not a repository: {reason}")]
    Repository {
        /// What was given.
        text: String,
        /// Which rule is broken.
        reason: String,
    },
    /// No HTTP client could be made (no certificate roots, for example).
    #[error("no connection can be prepared")]
    Client(#[source] reqwest::Error),
    /// The connection could not be made, or it broke again and again.
    #[error("the registry {host} cannot be reached to {}", step.words())]
    Unreachable {
        /// The registry's host.
        host: String,
        /// What was asked.
        step: Step,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The registry took nothing, or gave no answer, for too long.
    #[error("the registry {host} was silent for {seconds} seconds when asked to {}", step.words())]
    Silent {
        /// The registry's host.
        host: String,
        /// What was asked.
        step: Step,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The credentials are missing, wrong, or not allowed to do this.
    #[error("the registry {host} does not allow to {} in `{repository}`: {message}", step.words())]
    Denied {
        /// The registry's host.
        host: String,
        /// The repository.
        repository: String,
        /// What was asked.
        step: Step,
        /// The registry's words.
        message: String,
    },
    /// There is no such repository, and the registry makes none by itself.
    #[error("the registry {host} has no repository `{repository}`: {message}")]
    RepositoryMissing {
        /// The registry's host.
        host: String,
        /// The repository.
        repository: String,
        /// The registry's words.
        message: String,
    },
    /// The tag is immutable and names another image.
    #[error("the tag `{tag}` of `{repository}` cannot be moved: {message}; {}", held(there.as_ref(), ours))]
    TagTaken {
        /// The repository.
        repository: String,
        /// The tag.
        tag: Tag,
        /// What the tag names now, where the registry told.
        there: Option<Digest>,
        /// What it was to name.
        ours: Digest,
        /// The registry's words.
        message: String,
    },
    /// Contents that the manifest names are not in the registry, although it said so or took them.
    #[error("the registry {host} misses contents of the image in `{repository}`: {message}")]
    ContentsMissing {
        /// The registry's host.
        host: String,
        /// The repository.
        repository: String,
        /// The registry's words.
        message: String,
    },
    /// The image, or a layer of it, is in ECR's archive.
    #[error("the image in `{repository}` is archived: {message}")]
    Archived {
        /// The repository.
        repository: String,
        /// The registry's words.
        message: String,
    },
    /// The image has more layers than the registry takes.
    #[error("the image has more layers than the registry {host} takes: {message}")]
    TooManyLayers {
        /// The registry's host.
        host: String,
        /// The registry's words.
        message: String,
    },
    /// A layer is larger than the registry takes.
    #[error("the layer {digest} has {size} bytes, and the registry {host} takes {most}")]
    LayerTooLarge {
        /// The registry's host.
        host: String,
        /// Which one.
        digest: Digest,
        /// Its bytes.
        size: u64,
        /// The registry's limit in bytes.
        most: u64,
    },
    /// Any other answer that is not the one hoped for.
    #[error("the registry {host} refused to {} ({status}): {message}", step.words())]
    Refused {
        /// The registry's host.
        host: String,
        /// What was asked.
        step: Step,
        /// The HTTP status.
        status: u16,
        /// The registry's words.
        message: String,
    },
    /// The registry's answer breaks the protocol.
    #[error("the registry {host} gave an answer that cannot be followed: {reason}")]
    Answer {
        /// The registry's host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry holds something else than was sent.
    #[error("the registry {host} holds {theirs} where {ours} was sent")]
    DigestMismatch {
        /// The registry's host.
        host: String,
        /// What was sent, computed here.
        ours: Digest,
        /// What the registry says.
        theirs: String,
    },
}

fn held(there: Option<&Digest>, ours: &Digest) -> String {
    there.map_or_else(|| format!("it should name {ours}"), |there| format!("it names {there} and should name {ours}"))
}

impl PushError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Archived { .. } => Some(
                "restore it: aws ecr update-image-storage-class --target-storage-class STANDARD, or push it again under a new tag"
                    .to_owned(),
            ),
            Self::TooManyLayers { .. } | Self::LayerTooLarge { .. } => {
                Some("put fewer or smaller layers into the image: join RUN lines, or build in several stages".to_owned())
            }
            Self::Denied { host, step, repository, .. } if is_ecr(host) => {
                Some(format!("allow {} on the repository `{repository}`, in the role's policy and in the repository's", step.iam_actions()))
            }
            Self::RepositoryMissing { host, repository, .. } if is_ecr(host) => {
                Some(format!("create it: aws ecr create-repository --repository-name {repository}"))
            }
            Self::Refused { status, message, .. } => meant(*status, message),
            Self::TagTaken { .. } => Some("use a tag that is new for every build, for example the commit's".to_owned()),
            Self::Denied { .. } => Some("check the user and the password for this registry".to_owned()),
            Self::Repository { .. }
            | Self::Client(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::RepositoryMissing { .. }
            | Self::ContentsMissing { .. }
            | Self::Answer { .. }
            | Self::DigestMismatch { .. } => None,
        }
    }
}

/// What to do about refusals that are known by their status or by ECR's words only.
fn meant(status: u16, message: &str) -> Option<String> {
    let words = message.to_lowercase();
    let remedy = if status == 429 {
        "ECR takes ten manifests a second in an account and region: let fewer jobs push at once, or run the job again"
    } else if words.contains("kms") {
        "the repository's KMS key must be enabled, and usable by the role: kms:GenerateDataKey and kms:Decrypt"
    } else if ["upstream image", "upstream layer", "upstream_image", "upstream_layer"].iter().any(|word| words.contains(word)) {
        "the pull-through cache cannot reach its upstream: check its rule and its credentials in Secrets Manager"
    } else {
        return None;
    };
    Some(remedy.to_owned())
}

/// Both forms of ECR's addresses, `ACCOUNT.dkr.ecr.REGION.amazonaws.com` and `ACCOUNT.dkr-ecr.REGION.on.aws`.
pub(crate) fn is_ecr(host: &str) -> bool {
    host.contains(".dkr.ecr.") || host.contains(".dkr-ecr.")
}

/// How a host is written in a sentence.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Words that came from outside, made fit for one line of ours.
pub(crate) fn one_line(words: &str) -> String {
    const LONGEST: usize = 500;
    let flat: Vec<&str> =
        words.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty()).collect();
    flat.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_on_one_line() {
        assert_eq!(one_line(" no\n::error::x\u{1b}[31m \r\n way "), "no ::error::x [31m way");
        assert_eq!(one_line(&"x".repeat(900)).len(), 500);
    }

    #[test]
    fn refusals_that_are_known_have_a_remedy() {
        for (status, message, word) in [
            (429, "TOOMANYREQUESTS: Rate exceeded", "ten manifests a second"),
            (400, "KmsException: the key is disabled", "kms:Decrypt"),
            (404, "UNABLE_TO_GET_UPSTREAM_IMAGE: Upstream image not found", "pull-through cache"),
        ] {
            assert!(meant(status, message).unwrap().contains(word), "{message}");
        }
        assert_eq!(meant(500, "INTERNAL"), None);
    }

    #[test]
    fn a_denial_by_ecr_names_the_iam_action() {
        let denied =
            |host: &str| PushError::Denied { host: host.into(), repository: "a/b".into(), step: Step::StartUpload, message: "no".into() };
        let hint = denied("1.dkr.ecr.eu-west-1.amazonaws.com").hint().unwrap();
        assert!(hint.contains("ecr:InitiateLayerUpload") && hint.contains("a/b"), "{hint}");
        assert!(!denied("ghcr.io").hint().unwrap().contains("ecr:"));
        assert_eq!(denied("ghcr.io").to_string(), "the registry ghcr.io does not allow to begin an upload in `a/b`: no");
    }
}
