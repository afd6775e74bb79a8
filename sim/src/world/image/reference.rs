//! An image as a task definition names it. Pure.

use crate::world::digest::Digest;

/// `HOST/repository:tag`, `HOST/repository@sha256:…`, or both; the digest wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageReference {
    pub(crate) host: String,
    pub(crate) repository: String,
    /// A tag or a digest, as in a manifest's URL.
    pub(crate) reference: String,
}

impl ImageReference {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, rest) = text.split_once('/')?;
        let (name, digest) = match rest.split_once('@') {
            Some((name, digest)) => (name, Some(Digest::parse(digest)?.to_string())),
            None => (rest, None),
        };
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let complete = !host.is_empty() && !repository.is_empty() && !tag.is_empty();
        let reference = digest.unwrap_or_else(|| tag.to_owned());
        complete.then(|| Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            reference,
        })
    }

    /// For the engine's command line, at another host.
    pub(crate) fn with_host(&self, host: &str) -> String {
        let separator = if self.reference.starts_with("sha256:") {
            '@'
        } else {
            ':'
        };
        format!("{host}/{}{separator}{}", self.repository, self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_and_digest_are_told_apart() {
        let digest = Digest::compute(b"");
        let table = [
            (
                "127.0.0.1:5000/api:1.0".to_owned(),
                "127.0.0.1:5000/api:1.0".to_owned(),
            ),
            (
                "127.0.0.1:5000/team/api".to_owned(),
                "127.0.0.1:5000/team/api:latest".to_owned(),
            ),
            (format!("h/api:1.0@{digest}"), format!("h/api@{digest}")),
            (format!("h/api@{digest}"), format!("h/api@{digest}")),
        ];
        for (given, expected) in table {
            let parsed = ImageReference::parse(&given).expect("valid");
            assert_eq!(parsed.with_host(&parsed.host), expected);
        }
    }

    #[test]
    fn what_is_not_an_image_is_refused() {
        for text in ["", "api", "h/", "h/api:", "h/api@sha256:12", "h/api@latest"] {
            assert_eq!(ImageReference::parse(text), None, "{text}");
        }
    }
}
