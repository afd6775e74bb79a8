//! One temporary file for everything that must be kept while an image is on its way.
//!
//! The file has no name: however the process ends, the disk is free again. Contents are appended, and read back as spans,
//! so memory does not grow with the image.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blob::{Blob, Place};
use super::digest::Tally;
use super::error::SourceError;

const BUFFER: usize = 256 * 1024;

/// A nameless file that grows by one content after the other.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    dir: PathBuf,
    end: u64,
}

impl Spool {
    /// Opens the file in a directory that has room for the image.
    pub(crate) fn new(dir: &Path) -> Result<Self, SourceError> {
        let file = tempfile::tempfile_in(dir).map_err(|source| SourceError::Spool { dir: dir.to_owned(), source })?;
        Ok(Self { file: Arc::new(file), dir: dir.to_owned(), end: 0 })
    }

    /// Appends what `write` writes, and names it.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Blob, SourceError> {
        let mut tally = Tally::new(BufWriter::with_capacity(BUFFER, self.file.as_ref()));
        write(&mut tally).and_then(|()| tally.flush()).map_err(|source| SourceError::Spool { dir: self.dir.clone(), source })?;
        let (digest, size) = tally.finish();
        let blob = Blob { digest, size, place: Place::Span { file: Arc::clone(&self.file), offset: self.end } };
        self.end += size;
        Ok(blob)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_named_and_read_back_in_any_order() {
        let mut spool = Spool::new(&std::env::temp_dir()).unwrap();
        let mut put = |bytes: &'static [u8]| spool.append(|to| to.write_all(bytes)).unwrap();
        let (first, empty, last) = (put(b"first"), put(b""), put(b"last"));
        assert_eq!(last.read_whole(9).unwrap(), b"last");
        assert_eq!(empty.read_whole(9).unwrap(), b"");
        assert_eq!(first.read_whole(9).unwrap(), b"first");
    }
}
