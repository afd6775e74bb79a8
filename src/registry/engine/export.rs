//! Taking the archive apart that the engine exports, in one pass, while it arrives.
//!
//! Engines write two forms, and mixtures of them: Docker's own (`manifest.json`, a config, `ID/layer.tar`, links to layers
//! that appeared before) and, from Docker 25 on, an OCI layout beside it (`index.json`, `blobs/sha256/…`). An uncompressed
//! archive inside is a layer, and is compressed on its way unless the registry has it; one that turns out to be a layer of
//! the image is handed over at once, so that it is sent while the export goes on. Everything else is kept as it is, and
//! whether it belongs to the image is seen at the end, where the manifest stands.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::wanted::{Told, Wanted};
use crate::registry::archive::{ArchiveError, Content, Entries, HEAD, Input, Kind, Layers, Packed, follow};
use crate::registry::blob::Blob;
use crate::registry::compress::{self, CopyError};
use crate::registry::digest::Digest;
use crate::registry::error::SourceError;
use crate::registry::media::Compression;
use crate::registry::source::Intake;
use crate::registry::spool::Spool;

/// Everything that was taken of an export, by name.
#[derive(Debug)]
pub(super) struct Parts {
    members: HashMap<String, Member>,
    /// Links, by name, to names.
    links: HashMap<String, String>,
    pub(super) layers: Layers,
}

/// One file of an export.
#[derive(Debug, Clone)]
pub(super) enum Member {
    /// Kept as it came.
    Verbatim { blob: Blob, compression: Option<Compression> },
    /// An uncompressed layer, by its digest: it was packed, or the registry has it.
    Layer(Digest),
    /// The registry has a content of this digest and size, and so it was passed over.
    Present { digest: Digest, size: u64 },
    /// A layer that the registry has under another digest; it was passed over, and its name is the only one who knows it.
    Known,
}

/// Where an export goes.
pub(super) struct Taking {
    spool: Spool,
    temporary: PathBuf,
    wanted: Wanted,
    intake: Intake,
    parts: HashMap<String, Member>,
}

impl Parts {
    /// The file of that name, or the one that the link of that name leads to.
    pub(super) fn get(&self, name: &str) -> Option<&Member> {
        follow(name, &self.members, &self.links).ok().flatten()
    }

    /// The file of that name, when it was kept as it came.
    pub(super) fn verbatim(&self, name: &str) -> Option<&Blob> {
        match self.get(name)? {
            Member::Verbatim { blob, .. } => Some(blob),
            Member::Layer(_) | Member::Present { .. } | Member::Known => None,
        }
    }
}

impl Taking {
    pub(super) fn new(temporary: &Path, wanted: Wanted, intake: Intake) -> Result<Self, SourceError> {
        let (spool, temporary) = (Spool::new(temporary)?, temporary.to_owned());
        Ok(Self { spool, temporary, wanted, intake, parts: HashMap::new() })
    }

    /// Reads the whole archive.
    pub(super) fn take_apart(mut self, from: &mut dyn Input) -> Result<Parts, SourceError> {
        let (mut entries, mut links) = (Entries::new(from), HashMap::new());
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            match entry.kind {
                Kind::Directory => {}
                Kind::Link(to) => drop(links.insert(entry.name, to)),
                Kind::File => {
                    let member = self.member(&entry.name, entry.size, &mut entries)?;
                    self.parts.insert(entry.name, member);
                }
            }
        }
        Ok(Parts { members: self.parts, links, layers: self.wanted.layers })
    }

    fn member(&mut self, name: &str, size: u64, content: &mut dyn Read) -> Result<Member, SourceError> {
        let told = self.wanted.told(name);
        if told == Told::Known {
            return Ok(Member::Known);
        }
        let mut head = Vec::with_capacity(HEAD);
        content.take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
        let kind = Content::of(&head);
        let whole = &mut head.as_slice().chain(content);
        match (kind, told) {
            (Content::Archive | Content::Gzip | Content::Zstd, Told::Perhaps(digest)) => Ok(Member::Present { digest, size }),
            (Content::Archive, Told::Nothing) if self.wanted.may_be_known() => self.compare(whole),
            (Content::Archive, _) => self.pack(whole),
            (Content::Gzip, _) => self.keep(whole, Some(Compression::Gzip)),
            (Content::Zstd, _) => self.keep(whole, Some(Compression::Zstd)),
            (Content::Other, _) => self.keep(whole, None),
        }
    }

    fn keep(&mut self, content: &mut dyn Read, compression: Option<Compression>) -> Result<Member, SourceError> {
        let blob = self.spool.keep(content).map_err(|error| failed(error, &self.spool))?;
        Ok(Member::Verbatim { blob, compression })
    }

    /// Compresses what comes, and hands it over when it is a layer of the image.
    fn pack(&mut self, content: &mut dyn Read) -> Result<Member, SourceError> {
        let packed = self.spool.append(|to| compress::gzip(content, to));
        let (blob, (plain, _)) = packed.map_err(|error| failed(error, &self.spool))?;
        if self.wanted.is_missing(&plain) {
            self.wanted.take(plain.clone(), Packed { blob: blob.clone(), compression: Compression::Gzip });
            // Whoever does not take it any more has a reason of its own.
            drop(self.intake.blocking_send(blob));
        } else {
            self.spool.forget_last(&blob).map_err(|error| self.spool.full(error))?;
        }
        Ok(Member::Layer(plain))
    }

    /// Keeps a layer uncompressed until its digest is known: most likely the registry has it, and compressing is the dear part.
    fn compare(&mut self, content: &mut dyn Read) -> Result<Member, SourceError> {
        let mut aside = Spool::new(&self.temporary)?;
        let plain = aside.keep(content).map_err(|error| failed(error, &aside))?;
        if !self.wanted.is_missing(&plain.digest) {
            return Ok(Member::Layer(plain.digest));
        }
        let file = aside.file();
        self.pack(&mut io::BufReader::with_capacity(1 << 18, Rewound { file, at: 0 }))
    }
}

/// A temporary file from its beginning.
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

fn failed(error: CopyError, spool: &Spool) -> SourceError {
    match error {
        CopyError::Read(error) => unreadable(error),
        CopyError::Write(error) => spool.full(error),
    }
}

fn unreadable(error: io::Error) -> SourceError {
    broken(ArchiveError::of(error))
}

fn broken(error: ArchiveError) -> SourceError {
    SourceError::Export { reason: error.to_string() }
}
