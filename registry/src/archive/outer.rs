//! The archive as a file: opened once, and unpacked once when it is compressed as a whole.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::entries::Input;
use super::error::ArchiveError;
use crate::compress::CopyError;
use crate::error::SourceError;
use crate::spool::Spool;

/// Images shrink to a third or a half; of a layer that is zeros for the most part, a hundredth may
/// be left. Deflate itself reaches 1032, which is what a bomb uses.
const MOST_TIMES: u64 = 200;
/// What every archive may grow to, however small it is.
const ALWAYS: u64 = 64 * 1024 * 1024;
/// No image is larger; ECR takes 52,000 MiB a layer.
const LARGEST: u64 = 512 * 1024 * 1024 * 1024;

/// An archive that can be read anywhere.
#[derive(Debug, Clone)]
pub(super) struct Outer {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
}

/// Reads a file from a place on, with a place of its own.
#[derive(Debug)]
pub(super) struct Cursor {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Outer {
    pub(super) fn open(path: &Path, temporary: &Path) -> Result<Self, SourceError> {
        let missing = |source| SourceError::ArchiveMissing {
            file: path.to_owned(),
            source,
        };
        // Asked before it is opened: opening a pipe waits for somebody to write.
        if !std::fs::metadata(path).map_err(missing)?.is_file() {
            return Err(unusable(path, ArchiveError::NotAFile));
        }
        let file = File::open(path).map_err(missing)?;
        let length = file.metadata().map_err(missing)?.len();
        let outer = Self {
            file: Arc::new(file),
            length,
        };
        match outer.form().map_err(|error| unusable(path, error))? {
            Form::Tar => Ok(outer),
            Form::Gzip => outer.unpack(path, temporary),
        }
    }

    /// All of it, or a part.
    pub(super) fn cursor(&self, offset: u64, bytes: u64) -> Cursor {
        Cursor {
            file: Arc::clone(&self.file),
            at: offset,
            end: offset.saturating_add(bytes).min(self.length),
        }
    }

    fn form(&self) -> Result<Form, ArchiveError> {
        let mut head = Vec::new();
        self.cursor(0, 512)
            .read_to_end(&mut head)
            .map_err(ArchiveError::of)?;
        match head.as_slice() {
            [0x1f, 0x8b, ..] => Ok(Form::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(ArchiveError::Compressed("zstd")),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Err(ArchiveError::Compressed("xz")),
            [b'B', b'Z', b'h', ..] => Err(ArchiveError::Compressed("bzip2")),
            head if head.len() == 512
                && (head[257..262] == *b"ustar" || head.iter().all(|byte| *byte == 0)) =>
            {
                Ok(Form::Tar)
            }
            _ => Err(ArchiveError::NoArchive),
        }
    }

    fn unpack(&self, path: &Path, temporary: &Path) -> Result<Self, SourceError> {
        let limit = self
            .length
            .saturating_mul(MOST_TIMES)
            .saturating_add(ALWAYS)
            .min(LARGEST);
        let mut from = MultiGzDecoder::new(BufReader::with_capacity(
            256 * 1024,
            self.cursor(0, self.length),
        ))
        .take(limit + 1);
        let mut spool = Spool::new(temporary)?;
        let length = spool.unpack(&mut from).map_err(|error| match error {
            CopyError::Write(source) => SourceError::Spool {
                dir: temporary.to_owned(),
                source,
            },
            CopyError::Read(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                unusable(path, ArchiveError::CutOff)
            }
            CopyError::Read(source) => unusable(path, ArchiveError::Gzip(source)),
        })?;
        if length > limit {
            return Err(unusable(
                path,
                ArchiveError::Bomb {
                    limit,
                    times: limit / self.length.max(1),
                },
            ));
        }
        Ok(Self {
            file: spool.file(),
            length,
        })
    }
}

enum Form {
    Tar,
    Gzip,
}

pub(super) fn unusable(path: &Path, source: ArchiveError) -> SourceError {
    SourceError::Archive {
        file: path.to_owned(),
        source,
    }
}

impl Read for Cursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let length = self.file.read_at(&mut into[..most], self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

impl Input for Cursor {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let to = self.at.checked_add(bytes).filter(|to| *to <= self.end);
        self.at = to.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}
