//! Where each file lies in an archive. One pass reads all headers; contents are read when they are
//! needed.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::entries::Entries;
use super::error::ArchiveError;
use super::file::{ArchiveFile, FileCursor, archive_error};
use super::file_type::{FileType, HEAD_BYTES};
use super::header::EntryKind;
use super::names;
use crate::blob::{Blob, BlobError, BlobLocation};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::SourceError;
use crate::image::MAX_DOCUMENT_BYTES;

/// The files and links of an archive.
#[derive(Debug)]
pub(super) struct FileTable {
    path: PathBuf,
    outer: ArchiveFile,
    files: HashMap<String, Span>,
    links: HashMap<String, String>,
}

/// Where a file lies in the archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    offset: u64,
    pub(super) size: u64,
}

impl FileTable {
    pub(super) fn open(path: &Path, temporary: &Path) -> Result<Self, SourceError> {
        let outer = ArchiveFile::open(path, temporary)?;
        let mut contents = Self {
            path: path.to_owned(),
            outer,
            files: HashMap::new(),
            links: HashMap::new(),
        };
        contents
            .read_headers()
            .map_err(|error| contents.archive_error(error))?;
        Ok(contents)
    }

    fn read_headers(&mut self) -> Result<(), ArchiveError> {
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
        // Circles are refused at once, even among links that are not followed.
        self.links
            .keys()
            .try_for_each(|name| names::follow_links(name, &self.files, &self.links).map(drop))
    }

    pub(super) fn archive_error(&self, error: ArchiveError) -> SourceError {
        archive_error(&self.path, error)
    }

    /// The file of this name, or the one that the link of this name leads to.
    pub(super) fn find(&self, name: &str) -> Option<Span> {
        // Manifests may write a name with `./`; circles were refused when the archive was opened.
        let plain = names::normalize(name.as_bytes()).ok()?;
        names::follow_links(&plain, &self.files, &self.links)
            .ok()
            .flatten()
            .copied()
    }

    pub(super) fn require(&self, name: &str) -> Result<Span, SourceError> {
        self.find(name).ok_or_else(|| {
            self.archive_error(ArchiveError::Missing {
                name: name.escape_debug().to_string(),
            })
        })
    }

    pub(super) fn cursor(&self, span: Span) -> FileCursor {
        self.outer.cursor(span.offset, span.size)
    }

    pub(super) fn detect_type(&self, span: Span) -> Result<FileType, SourceError> {
        let head = self.read_bytes(Span {
            size: span.size.min(HEAD_BYTES as u64),
            ..span
        })?;
        Ok(FileType::detect(&head))
    }

    /// Parses a JSON document of at most [`MAX_DOCUMENT_BYTES`] bytes.
    pub(super) fn read_document<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<T, SourceError> {
        let span = self.require(name)?;
        let wrong = |reason: String| {
            self.archive_error(ArchiveError::Document {
                name: name.to_owned(),
                reason,
            })
        };
        if span.size > MAX_DOCUMENT_BYTES {
            return Err(wrong(format!(
                "it has {} bytes, too many for this file",
                span.size
            )));
        }
        serde_json::from_slice(&self.read_bytes(span)?).map_err(|error| wrong(error.to_string()))
    }

    /// A file of at most [`MAX_DOCUMENT_BYTES`] bytes as a blob. Its digest is computed.
    pub(super) fn read_small_blob(&self, name: &str) -> Result<Blob, SourceError> {
        let span = self.require(name)?;
        if span.size > MAX_DOCUMENT_BYTES {
            let reason = format!("it has {} bytes, too many for this file", span.size);
            return Err(self.archive_error(ArchiveError::Document {
                name: name.escape_debug().to_string(),
                reason,
            }));
        }
        Ok(self.blob_at(Digest::compute(&self.read_bytes(span)?), span))
    }

    fn read_bytes(&self, span: Span) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        self.cursor(span)
            .read_to_end(&mut bytes)
            .map_err(|error| self.archive_error(ArchiveError::from_io_error(error)))?;
        Ok(bytes)
    }

    pub(super) fn blob_at(&self, digest: Digest, span: Span) -> Blob {
        Blob {
            digest,
            size: span.size,
            location: BlobLocation::Span {
                file: Arc::clone(&self.outer.file),
                offset: span.offset,
            },
        }
    }

    /// A blob of an OCI layout in the archive. Its size is checked here, its digest whenever it is
    /// read.
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
        Ok(self.blob_at(digest, span))
    }
}
