//! One pass over the entries of a tar archive, from a file or a stream, in bounded memory.
//!
//! Nothing is unpacked and no link is followed. Names come out normalized, and no file occurs
//! twice.

use std::collections::HashSet;
use std::io::{self, Read};

use super::error::ArchiveError;
use super::header::{BLOCK, EntryKind, Header, HeaderExtensions, ParsedHeader};

/// The most headers that are read. An image of 127 layers has about 600 in Docker's oldest form, an
/// archive of many images a few thousand.
pub(super) const MAX_ENTRIES: usize = 20_000;

/// A source of an archive: a file, or a stream.
pub(crate) trait ArchiveInput: Read {
    /// Skips bytes. Fails like a read if there are not that many.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

impl<I: ArchiveInput + ?Sized> ArchiveInput for &mut I {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        (**self).skip(bytes)
    }
}

/// One entry. Its content is read from [`Entries`], before the next entry is asked for.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Normalized: without `.`, `..` and a leading `/`.
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    /// The size of the content in bytes.
    pub(crate) size: u64,
    /// Where the content begins, in bytes from the beginning of the archive.
    pub(crate) offset: u64,
}

/// Reads the entries of an archive.
pub(crate) struct Entries<R> {
    from: R,
    position: u64,
    /// Bytes of the current content that were not read yet.
    remaining: u64,
    names: HashSet<String>,
    headers: usize,
}

impl<R: ArchiveInput> Entries<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            position: 0,
            remaining: 0,
            names: HashSet::new(),
            headers: 0,
        }
    }

    /// The next entry, or `None` at the end mark of the archive. What follows the mark is not read.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let mut extensions = HeaderExtensions::default();
        loop {
            self.skip_remaining()?;
            let at = self.position;
            let block = self.read_block()?;
            if block.iter().all(|byte| *byte == 0) {
                return if extensions.is_pending() {
                    Err(ArchiveError::Truncated)
                } else {
                    Ok(None)
                };
            }
            self.count_header()?;
            match Header::parse(&block, at)?.interpret(&extensions)? {
                ParsedHeader::Extension { flag, bytes } => {
                    extensions.apply_extension(flag, &self.read_extension(bytes)?)?;
                }
                ParsedHeader::Entry { name, kind, size } => {
                    self.check_unique(&name, &kind)?;
                    self.remaining = size;
                    return Ok(Some(Entry {
                        name,
                        kind,
                        size,
                        offset: self.position,
                    }));
                }
            }
        }
    }

    fn skip_remaining(&mut self) -> Result<(), ArchiveError> {
        let wanted = self
            .remaining
            .checked_add(self.padding())
            .ok_or(ArchiveError::Number { at: self.position })?;
        self.from
            .skip(wanted)
            .map_err(ArchiveError::from_io_error)?;
        self.position = self
            .position
            .checked_add(wanted)
            .ok_or(ArchiveError::Number { at: self.position })?;
        self.remaining = 0;
        Ok(())
    }

    /// The bytes between the end of the current content and the next header.
    fn padding(&self) -> u64 {
        let end = self.position.wrapping_add(self.remaining) % BLOCK as u64;
        if end == 0 { 0 } else { BLOCK as u64 - end }
    }

    fn read_block(&mut self) -> Result<[u8; BLOCK], ArchiveError> {
        let mut block = [0; BLOCK];
        self.from
            .read_exact(&mut block)
            .map_err(ArchiveError::from_io_error)?;
        self.position += BLOCK as u64;
        Ok(block)
    }

    fn read_extension(&mut self, bytes: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut content = vec![
            0;
            usize::try_from(bytes)
                .map_err(|_| ArchiveError::Number { at: self.position })?
        ];
        self.from
            .read_exact(&mut content)
            .map_err(ArchiveError::from_io_error)?;
        self.position += bytes;
        Ok(content)
    }

    /// Counts all headers, also extension headers: an archive of nothing else must end somewhere.
    fn count_header(&mut self) -> Result<(), ArchiveError> {
        self.headers += 1;
        if self.headers > MAX_ENTRIES {
            Err(ArchiveError::TooManyEntries { most: MAX_ENTRIES })
        } else {
            Ok(())
        }
    }

    /// Refuses a second file of the same name, because readers differ in which of the two they
    /// take. A directory may occur again.
    fn check_unique(&mut self, name: &str, kind: &EntryKind) -> Result<(), ArchiveError> {
        match kind {
            EntryKind::Directory => Ok(()),
            EntryKind::File | EntryKind::Link(_) if self.names.insert(name.to_owned()) => Ok(()),
            EntryKind::File | EntryKind::Link(_) => Err(ArchiveError::Duplicate {
                name: name.escape_debug().to_string(),
            }),
        }
    }
}

/// Reads the content of the current entry. An archive that ends within it is an error.
impl<R: Read> Read for Entries<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let length = self.from.read(&mut into[..most])?;
        if length == 0 {
            return Err(ArchiveError::Truncated.into_io_error());
        }
        self.remaining -= length as u64;
        self.position += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
pub(crate) mod tests;
