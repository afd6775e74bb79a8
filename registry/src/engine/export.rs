//! Reads the archive that the engine exports, in one pass, while it arrives.
//!
//! Engines write two forms, and mixtures of both: Docker's own (`manifest.json`, a config,
//! `ID/layer.tar`, links to layers that occurred before) and, from Docker 25 on, an OCI layout
//! beside it (`index.json`, `blobs/sha256/…`). A tar archive inside is a layer. It is compressed
//! while it is read, unless the registry has it, and passed on if it is a layer of the image, so
//! that it is uploaded while the export continues. Everything else is kept as it is: only the
//! manifest at the end says what belongs to the image.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::selection::{ExportSelection, NameHint};
use crate::archive::{
    ArchiveError, ArchiveInput, Entries, EntryKind, FileType, HEAD_BYTES, ImageLayers, PackedLayer,
    follow_links,
};
use crate::blob::Blob;
use crate::compress::{self, CopyError};
use crate::descriptor::Compression;
use crate::digest::Digest;
use crate::error::SourceError;
use crate::source::BlobSender;
use crate::spool::Spool;

/// The files of an export.
#[derive(Debug)]
pub(super) struct ExportParts {
    members: HashMap<String, Member>,
    /// Links, by name, to names.
    links: HashMap<String, String>,
    pub(super) layers: ImageLayers,
}

/// One file of an export.
#[derive(Debug, Clone)]
pub(super) enum Member {
    /// It was kept as it is.
    Verbatim {
        blob: Blob,
        compression: Option<Compression>,
    },
    /// An uncompressed layer with this digest. It was compressed, or the registry has it.
    Layer(Digest),
    /// A blob with this digest and size in bytes that the registry has. It was skipped.
    Present { digest: Digest, size: u64 },
    /// A layer that the registry has under another digest. It was skipped: only its name says
    /// which layer it is.
    PresentLayer,
}

pub(super) struct ExportReader {
    spool: Spool,
    temporary: PathBuf,
    selection: ExportSelection,
    blob_sender: BlobSender,
    parts: HashMap<String, Member>,
}

impl ExportParts {
    /// The file of this name, or the one that the link of this name leads to.
    pub(super) fn get(&self, name: &str) -> Option<&Member> {
        follow_links(name, &self.members, &self.links)
            .ok()
            .flatten()
    }

    /// The file of this name, if it was kept as it is.
    pub(super) fn find_verbatim(&self, name: &str) -> Option<&Blob> {
        match self.get(name)? {
            Member::Verbatim { blob, .. } => Some(blob),
            Member::Layer(_) | Member::Present { .. } | Member::PresentLayer => None,
        }
    }
}

impl ExportReader {
    pub(super) fn new(
        temporary: &Path,
        selection: ExportSelection,
        blob_sender: BlobSender,
    ) -> Result<Self, SourceError> {
        let (spool, temporary) = (Spool::new(temporary)?, temporary.to_owned());
        Ok(Self {
            spool,
            temporary,
            selection,
            blob_sender,
            parts: HashMap::new(),
        })
    }

    /// Reads the whole archive.
    pub(super) fn read_all(
        mut self,
        from: &mut dyn ArchiveInput,
    ) -> Result<ExportParts, SourceError> {
        let (mut entries, mut links) = (Entries::new(from), HashMap::new());
        while let Some(entry) = entries.next_entry().map_err(|error| export_error(&error))? {
            match entry.kind {
                EntryKind::Directory => {}
                EntryKind::Link(to) => drop(links.insert(entry.name, to)),
                EntryKind::File => {
                    let member = self.read_member(&entry.name, entry.size, &mut entries)?;
                    self.parts.insert(entry.name, member);
                }
            }
        }
        Ok(ExportParts {
            members: self.parts,
            links,
            layers: self.selection.layers,
        })
    }

    fn read_member(
        &mut self,
        name: &str,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<Member, SourceError> {
        let name_hint = self.selection.classify_name(name);
        if name_hint == NameHint::PresentLayer {
            return Ok(Member::PresentLayer);
        }
        let mut head = Vec::with_capacity(HEAD_BYTES);
        content
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(read_error)?;
        let kind = FileType::detect(&head);
        let whole = &mut head.as_slice().chain(content);
        match (kind, name_hint) {
            (
                FileType::Archive | FileType::Gzip | FileType::Zstd,
                NameHint::PossiblyPresent(digest),
            ) => Ok(Member::Present { digest, size }),
            (FileType::Archive, NameHint::Unspecific) if self.selection.has_existing_layers() => {
                self.identify_layer(whole)
            }
            (FileType::Archive, _) => self.compress_layer(whole),
            (FileType::Gzip, _) => self.store_verbatim(whole, Some(Compression::Gzip)),
            (FileType::Zstd, _) => self.store_verbatim(whole, Some(Compression::Zstd)),
            (FileType::Other, _) => self.store_verbatim(whole, None),
        }
    }

    fn store_verbatim(
        &mut self,
        content: &mut dyn Read,
        compression: Option<Compression>,
    ) -> Result<Member, SourceError> {
        let blob = self
            .spool
            .append_copy(content)
            .map_err(|error| copy_error(error, &self.spool))?;
        Ok(Member::Verbatim { blob, compression })
    }

    /// Compresses a tar archive, and passes it on if it is a layer of the image.
    fn compress_layer(&mut self, content: &mut dyn Read) -> Result<Member, SourceError> {
        let packed = self.spool.append(|to| compress::compress_gzip(content, to));
        let (blob, (plain, _)) = packed.map_err(|error| copy_error(error, &self.spool))?;
        if self.selection.is_missing(&plain) {
            self.selection.add_layer(
                plain.clone(),
                PackedLayer {
                    blob: blob.clone(),
                    compression: Compression::Gzip,
                },
            );
            // If blobs are not received any more, the transfer has failed and says why itself.
            drop(self.blob_sender.blocking_send(blob));
        } else {
            self.spool
                .discard_last(&blob)
                .map_err(|error| self.spool.write_error(error))?;
        }
        Ok(Member::Layer(plain))
    }

    /// Copies a layer to find its digest, and compresses it only if the registry does not have it:
    /// probably it has, and compressing is what costs time.
    fn identify_layer(&mut self, content: &mut dyn Read) -> Result<Member, SourceError> {
        let mut aside = Spool::new(&self.temporary)?;
        let plain = aside
            .append_copy(content)
            .map_err(|error| copy_error(error, &aside))?;
        if !self.selection.is_missing(&plain.digest) {
            return Ok(Member::Layer(plain.digest));
        }
        let file = aside.file();
        self.compress_layer(&mut io::BufReader::with_capacity(
            1 << 18,
            Rewound { file, at: 0 },
        ))
    }
}

/// Reads a temporary file from its beginning.
struct Rewound {
    file: std::sync::Arc<std::fs::File>,
    at: u64,
}

impl Read for Rewound {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = std::os::unix::fs::FileExt::read_at(self.file.as_ref(), into, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

fn copy_error(error: CopyError, spool: &Spool) -> SourceError {
    match error {
        CopyError::Read(error) => read_error(error),
        CopyError::Write(error) => spool.write_error(error),
    }
}

fn read_error(error: io::Error) -> SourceError {
    export_error(&ArchiveError::from_io_error(error))
}

fn export_error(error: &ArchiveError) -> SourceError {
    SourceError::Export {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
