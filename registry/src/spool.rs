//! The temporary file for what must be kept during a transfer.
//!
//! It has no name, so the system frees it however the process ends. Contents are appended and read
//! back as spans, so memory does not grow with the image.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blob::{Blob, BlobLocation};
use crate::compress::CopyError;
use crate::digest::DigestWriter;
use crate::error::SourceError;

const BUFFER: usize = 256 * 1024;

/// An unnamed temporary file that contents are appended to.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    dir: PathBuf,
    end: u64,
}

impl Spool {
    /// Creates the file in `dir`.
    pub(crate) fn new(dir: &Path) -> Result<Self, SourceError> {
        let file = tempfile::tempfile_in(dir).map_err(|source| SourceError::Spool {
            dir: dir.to_owned(),
            source,
        })?;
        Ok(Self {
            file: Arc::new(file),
            dir: dir.to_owned(),
            end: 0,
        })
    }

    /// The file, for reading at known offsets.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    pub(crate) fn write_error(&self, source: io::Error) -> SourceError {
        SourceError::Spool {
            dir: self.dir.clone(),
            source,
        }
    }

    /// Appends what `write` writes. The blob has the digest of the bytes in the file, not of what
    /// they were made from. After a failure the file is as it was.
    pub(crate) fn append<T>(
        &mut self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> Result<T, CopyError>,
    ) -> Result<(Blob, T), CopyError> {
        // A write that failed has moved the position, and so has one that was discarded.
        self.file
            .as_ref()
            .seek(SeekFrom::Start(self.end))
            .map_err(CopyError::Write)?;
        let mut tally = DigestWriter::new(BufWriter::with_capacity(BUFFER, self.file.as_ref()));
        let outcome = write(&mut tally)?;
        tally.flush().map_err(CopyError::Write)?;
        let (digest, size) = tally.finish();
        let blob = Blob {
            digest,
            size,
            location: BlobLocation::Span {
                file: Arc::clone(&self.file),
                offset: self.end,
            },
        };
        self.end += size;
        Ok((blob, outcome))
    }

    /// Appends everything that `from` gives.
    pub(crate) fn append_copy(&mut self, from: &mut dyn Read) -> Result<Blob, CopyError> {
        Ok(self.append(|to| copy_all(from, to))?.0)
    }

    /// Appends everything that `from` gives without computing its digest, and returns the number of
    /// bytes.
    pub(crate) fn append_raw(&mut self, from: &mut dyn Read) -> Result<u64, CopyError> {
        let bytes = copy_all(from, &mut self.file.as_ref())?;
        self.end += bytes;
        Ok(bytes)
    }

    /// Removes what was appended last, so that its space can be used again.
    pub(crate) fn discard_last(&mut self, last: &Blob) -> io::Result<()> {
        self.end -= last.size;
        self.file.set_len(self.end)
    }
}

fn copy_all(from: &mut dyn Read, to: &mut dyn Write) -> Result<u64, CopyError> {
    let (mut piece, mut bytes) = (vec![0; BUFFER], 0);
    loop {
        let length = match from.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        to.write_all(&piece[..length]).map_err(CopyError::Write)?;
        bytes += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_named_and_read_back_in_any_order() {
        let mut spool = Spool::new(&std::env::temp_dir()).unwrap();
        let mut append = |mut bytes: &'static [u8]| spool.append_copy(&mut bytes).unwrap();
        let (first, empty, last) = (append(b"first"), append(b""), append(b"last"));
        assert_eq!(last.read_all(9).unwrap(), b"last");
        assert_eq!(empty.read_all(9).unwrap(), b"");
        assert_eq!(first.read_all(9).unwrap(), b"first");
    }

    #[test]
    fn what_is_given_up_or_failed_leaves_no_hole() {
        let mut spool = Spool::new(&std::env::temp_dir()).unwrap();
        let first = spool.append_copy(&mut b"first".as_slice()).unwrap();
        let second = spool.append_copy(&mut b"second".as_slice()).unwrap();
        spool.discard_last(&second).unwrap();
        let broken = |to: &mut (dyn Write + Send)| {
            to.write_all(&vec![7; 3 * BUFFER]).unwrap();
            Err::<(), _>(CopyError::Read(io::ErrorKind::ConnectionReset.into()))
        };
        assert!(spool.append(broken).is_err());
        let third = spool.append_copy(&mut b"third".as_slice()).unwrap();
        assert_eq!(
            (first.read_all(9).unwrap(), third.read_all(9).unwrap()),
            (b"first".to_vec(), b"third".to_vec())
        );
        assert!(matches!(
            third.location,
            BlobLocation::Span { offset: 5, .. }
        ));
    }
}
