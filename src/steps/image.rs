//! The image goes to its registry and is pinned by digest. Nothing is armed: what is pushed is addressed by content.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Explain, Failure};
use crate::event::Event;
use crate::outcome::Reason;
use crate::registry::{self, Delivery, Progress, PushError, Source, Target};
use crate::run::Run;
use crate::settings::ImageSettings;
use crate::survey::ImageFound;

/// A line of progress at most this often: enough to see that it moves.
const SPEAK: Duration = Duration::from_secs(5);

/// What is put into the task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The reference.
    pub image: String,
    /// The digest, unless the image is deployed by its name.
    pub digest: Option<String>,
}

impl Pinned {
    /// With a digest as long as people write it.
    pub fn short(&self) -> String {
        match self.image.split_once('@') {
            Some((name, digest)) => format!("{name}@{}", short(digest)),
            None => self.image.clone(),
        }
    }
}

/// The image could not be pushed.
#[derive(Debug, thiserror::Error)]
#[error("the image could not be pushed")]
pub struct ImageError(#[from] PushError);

impl Explain for ImageError {
    fn reason(&self) -> Reason {
        match self.0 {
            PushError::Denied { .. } => Reason::Denied,
            _ => Reason::ImageFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

/// Pushes what is local, takes the rest as it was found.
pub async fn image(run: &Run, settings: &ImageSettings, found: ImageFound) -> Result<Pinned, Failure> {
    match found {
        ImageFound::Local { source, target } => push(run, settings, &source, &target).await,
        ImageFound::InRegistry { pinned, digest } => {
            run.tell(Event::Noted { sentence: format!("{} is in the registry already, 0 bytes moved", settings.reference) });
            let registry = pinned.split('/').next().unwrap_or_default().to_owned();
            run.tell(Event::ImagePinned { image: pinned.clone(), digest: digest.clone(), registry, tags: Vec::new(), moved: 0 });
            Ok(Pinned { image: pinned, digest: Some(digest) })
        }
        ImageFound::AsNamed(name) => Ok(Pinned { image: name, digest: None }),
    }
}

async fn push(run: &Run, settings: &ImageSettings, source: &Source, target: &Target) -> Result<Pinned, Failure> {
    let said = Mutex::new(None);
    let delivery = Delivery { tags: &settings.tags, ..Delivery::default() };
    let pushed = registry::push(source, target, delivery, &|progress| speak(run, &said, &progress)).await.map_err(ImageError)?;
    let registry = host(target);
    let digest = pushed.digest.to_string();
    let image = format!("{registry}/{}@{digest}", target.repository);
    let sentence = format!("{} layers and manifests sent, {} in the registry already", pushed.uploaded, pushed.existing);
    run.tell(Event::Noted { sentence });
    let tags = pushed.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    run.tell(Event::ImagePinned { image: image.clone(), digest: digest.clone(), registry, tags, moved: pushed.bytes_moved });
    Ok(Pinned { image, digest: Some(digest) })
}

fn host(target: &Target) -> String {
    let host = target.endpoint.host_str().unwrap_or_default();
    target.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn speak(run: &Run, said: &Mutex<Option<Instant>>, progress: &Progress) {
    let sentence = match progress {
        Progress::Reading { bytes, of } => format!("reading the image, {} of about {}", Mib(*bytes), Mib(*of)),
        Progress::Uploading { digest, bytes, of } => format!("sending {}, {} of {}", short(digest.as_str()), Mib(*bytes), Mib(*of)),
        Progress::Waiting { pause, reason } => {
            return run.tell(Event::Noted { sentence: format!("{reason}; trying again in {} s", pause.as_secs().max(1)) });
        }
        Progress::Healing { reason } => return run.tell(Event::Noted { sentence: format!("{reason}; everything is asked for again") }),
        Progress::Ready { .. }
        | Progress::Existing { .. }
        | Progress::Mounted { .. }
        | Progress::Uploaded { .. }
        | Progress::Tagged { .. } => return,
    };
    let mut said = said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let first = *said.get_or_insert_with(Instant::now);
    if first.elapsed() >= SPEAK {
        *said = Some(Instant::now());
        run.tell(Event::Noted { sentence });
    }
}

/// `sha256:` and twelve digits, as people write digests.
pub fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

struct Mib(u64);

impl std::fmt::Display for Mib {
    #[expect(clippy::cast_precision_loss, reason = "a tenth of a mebibyte is precise enough for people")]
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:.1} MiB", self.0 as f64 / 1_048_576.0)
    }
}
