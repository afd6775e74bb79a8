//! The table of an archive: which file lies where. Made in one pass over the headers; contents are
//! read from their places.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::content::{Content, HEAD};
use super::entries::Entries;
use super::error::ArchiveError;
use super::header::EntryKind;
use super::names;
use super::outer::{Cursor, Outer, unusable};
use crate::blob::{Blob, BlobError, Place};
use crate::digest::Digest;
use crate::error::SourceError;
use crate::graph::SMALL;
use crate::media::Descriptor;

/// An archive whose headers were read.
#[derive(Debug)]
pub(super) struct Contents {
    path: PathBuf,
    outer: Outer,
    files: HashMap<String, Span>,
    links: HashMap<String, String>,
}

/// Where a file lies in the archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    offset: u64,
    pub(super) size: u64,
}

impl Contents {
    pub(super) fn read(path: &Path, temporary: &Path) -> Result<Self, SourceError> {
        let outer = Outer::open(path, temporary)?;
        let mut contents = Self {
            path: path.to_owned(),
            outer,
            files: HashMap::new(),
            links: HashMap::new(),
        };
        contents
            .survey()
            .map_err(|error| contents.unusable(error))?;
        Ok(contents)
    }

    fn survey(&mut self) -> Result<(), ArchiveError> {
        let mut entries = Entries::new(self.outer.cursor(0, self.outer.length));
        while let Some(entry) = entries.next_entry()? {
            match entry.kind {
                EntryKind::Directory => {}
                EntryKind::File => drop(self.files.insert(
                    entry.name,
                    Span {
                        offset: entry.offset,
                        size: entry.size,
                    },
                )),
                EntryKind::Link(to) => drop(self.links.insert(entry.name, to)),
            }
        }
        // A circle is refused although nobody may ask for it.
        self.links
            .keys()
            .try_for_each(|name| names::follow(name, &self.files, &self.links).map(drop))
    }

    pub(super) fn unusable(&self, error: ArchiveError) -> SourceError {
        unusable(&self.path, error)
    }

    /// The file of that name, or the one that the link of that name leads to.
    pub(super) fn find(&self, name: &str) -> Option<Span> {
        // Circles were refused, and a name as the manifests have it may begin with `./`.
        let plain = names::plain(name.as_bytes()).ok()?;
        names::follow(&plain, &self.files, &self.links)
            .ok()
            .flatten()
            .copied()
    }

    pub(super) fn need(&self, name: &str) -> Result<Span, SourceError> {
        self.find(name).ok_or_else(|| {
            self.unusable(ArchiveError::Missing {
                name: name.escape_debug().to_string(),
            })
        })
    }

    pub(super) fn cursor(&self, span: Span) -> Cursor {
        self.outer.cursor(span.offset, span.size)
    }

    pub(super) fn content(&self, span: Span) -> Result<Content, SourceError> {
        let head = self.bytes(Span {
            size: span.size.min(HEAD as u64),
            ..span
        })?;
        Ok(Content::of(&head))
    }

    /// A small file.
    pub(super) fn document<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<T, SourceError> {
        let span = self.need(name)?;
        let wrong = |reason: String| {
            self.unusable(ArchiveError::Document {
                name: name.to_owned(),
                reason,
            })
        };
        if span.size > SMALL {
            return Err(wrong(format!(
                "it has {} bytes, too many for this file",
                span.size
            )));
        }
        serde_json::from_slice(&self.bytes(span)?).map_err(|error| wrong(error.to_string()))
    }

    /// A small file as a blob, named by the digest that it has.
    pub(super) fn small(&self, name: &str) -> Result<Blob, SourceError> {
        let span = self.need(name)?;
        if span.size > SMALL {
            let reason = format!("it has {} bytes, too many for this file", span.size);
            return Err(self.unusable(ArchiveError::Document {
                name: name.escape_debug().to_string(),
                reason,
            }));
        }
        Ok(self.blob(Digest::of(&self.bytes(span)?), span))
    }

    fn bytes(&self, span: Span) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        self.cursor(span)
            .read_to_end(&mut bytes)
            .map_err(|error| self.unusable(ArchiveError::of(error)))?;
        Ok(bytes)
    }

    pub(super) fn blob(&self, digest: Digest, span: Span) -> Blob {
        Blob {
            digest,
            size: span.size,
            place: Place::Span {
                file: Arc::clone(&self.outer.file),
                offset: span.offset,
            },
        }
    }

    /// A blob of an OCI layout. Its digest is checked whenever it is read.
    pub(super) fn locate(&self, descriptor: &Descriptor) -> Result<Blob, BlobError> {
        let digest = descriptor.digest.clone();
        let Some(span) = self.find(&format!("blobs/sha256/{}", digest.hex())) else {
            return Err(BlobError::Unreadable {
                digest,
                source: std::io::ErrorKind::NotFound.into(),
            });
        };
        if span.size != descriptor.size {
            return Err(BlobError::Size {
                digest,
                announced: descriptor.size,
                found: span.size,
            });
        }
        Ok(self.blob(digest, span))
    }
}
