//! The file of an archive: opened once, and unpacked once if it is compressed as a whole.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::entries::ArchiveInput;
use super::error::ArchiveError;
use crate::compress::CopyError;
use crate::error::SourceError;
use crate::spool::Spool;

/// How many times its compressed size an archive may have. Images shrink to a half or a third,
/// layers of mostly zeros to a hundredth. A decompression bomb uses the maximum of deflate, 1032.
const MAX_RATIO: u64 = 200;
/// Unpacked size that is always allowed, in bytes.
const MIN_UNPACKED_LIMIT: u64 = 64 * 1024 * 1024;
/// What no archive may exceed, in bytes. ECR takes at most 52,000 MiB a layer.
const MAX_UNPACKED_BYTES: u64 = 512 * 1024 * 1024 * 1024;

/// An uncompressed archive in a file: the one that was given, or a temporary one.
#[derive(Debug, Clone)]
pub(super) struct ArchiveFile {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
}

/// Reads a part of the file. Each cursor has a position of its own.
#[derive(Debug)]
pub(super) struct FileCursor {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl ArchiveFile {
    pub(super) fn open(path: &Path, temporary: &Path) -> Result<Self, SourceError> {
        let missing = |source| SourceError::ArchiveMissing {
            file: path.to_owned(),
            source,
        };
        // Checked before opening, because opening a pipe waits for a writer.
        if !std::fs::metadata(path).map_err(missing)?.is_file() {
            return Err(archive_error(path, ArchiveError::NotAFile));
        }
        let file = File::open(path).map_err(missing)?;
        let length = file.metadata().map_err(missing)?.len();
        let outer = Self {
            file: Arc::new(file),
            length,
        };
        match outer
            .detect_form()
            .map_err(|error| archive_error(path, error))?
        {
            ArchiveForm::Tar => Ok(outer),
            ArchiveForm::Gzip => outer.unpack(path, temporary),
        }
    }

    /// A reader of `bytes` bytes from `offset` on, or of fewer where the file ends.
    pub(super) fn cursor(&self, offset: u64, bytes: u64) -> FileCursor {
        FileCursor {
            file: Arc::clone(&self.file),
            position: offset,
            end: offset.saturating_add(bytes).min(self.length),
        }
    }

    fn detect_form(&self) -> Result<ArchiveForm, ArchiveError> {
        let mut head = Vec::new();
        self.cursor(0, 512)
            .read_to_end(&mut head)
            .map_err(ArchiveError::from_io_error)?;
        match head.as_slice() {
            [0x1f, 0x8b, ..] => Ok(ArchiveForm::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(ArchiveError::Compressed("zstd")),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Err(ArchiveError::Compressed("xz")),
            [b'B', b'Z', b'h', ..] => Err(ArchiveError::Compressed("bzip2")),
            head if head.len() == 512
                && (head[257..262] == *b"ustar" || head.iter().all(|byte| *byte == 0)) =>
            {
                Ok(ArchiveForm::Tar)
            }
            _ => Err(ArchiveError::NotAnArchive),
        }
    }

    fn unpack(&self, path: &Path, temporary: &Path) -> Result<Self, SourceError> {
        let limit = self
            .length
            .saturating_mul(MAX_RATIO)
            .saturating_add(MIN_UNPACKED_LIMIT)
            .min(MAX_UNPACKED_BYTES);
        let mut from = MultiGzDecoder::new(BufReader::with_capacity(
            256 * 1024,
            self.cursor(0, self.length),
        ))
        .take(limit + 1);
        let mut spool = Spool::new(temporary)?;
        let length = spool.append_raw(&mut from).map_err(|error| match error {
            CopyError::Write(source) => SourceError::Spool {
                dir: temporary.to_owned(),
                source,
            },
            CopyError::Read(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                archive_error(path, ArchiveError::Truncated)
            }
            CopyError::Read(source) => archive_error(path, ArchiveError::Gzip(source)),
        })?;
        if length > limit {
            return Err(archive_error(
                path,
                ArchiveError::DecompressionBomb {
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

enum ArchiveForm {
    Tar,
    Gzip,
}

pub(super) fn archive_error(path: &Path, source: ArchiveError) -> SourceError {
    SourceError::Archive {
        file: path.to_owned(),
        source,
    }
}

impl Read for FileCursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.position)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let length = self.file.read_at(&mut into[..most], self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl ArchiveInput for FileCursor {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let to = self
            .position
            .checked_add(bytes)
            .filter(|to| *to <= self.end);
        self.position = to.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}
