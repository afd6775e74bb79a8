//! OCI image layouts: the directories that buildx, skopeo, crane, ko and Bazel write.
//!
//! Layouts are only read. No file outside the directory is opened, whatever names and links the
//! layout holds, and nothing in it is trusted before its size and digest were checked.

mod index;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use self::index::{ChoiceError, LayoutIndex, LayoutMarker};
use crate::blob::{Blob, BlobError, BlobLocation};
use crate::descriptor::Descriptor;
use crate::error::SourceError;
use crate::image::{Image, MAX_DOCUMENT_BYTES, gather_image};

/// A directory that is an OCI image layout.
#[derive(Debug)]
struct Layout {
    /// Canonical, so that a canonical path inside it begins with it.
    dir: PathBuf,
}

/// Reads the image that `tag` names, or the only one: all of its manifests, and where its blobs
/// are.
pub(crate) fn read_layout(dir: &Path, tag: Option<&str>) -> Result<Image, SourceError> {
    let layout = Layout::open(dir)?;
    let index: LayoutIndex = layout.read_document("index.json")?;
    let root = index.choose_image(tag).map_err(|error| match error {
        ChoiceError::Ambiguous(there) => SourceError::Ambiguous {
            dir: dir.to_owned(),
            there,
        },
        ChoiceError::NotFound(there) => SourceError::NotInLayout {
            dir: dir.to_owned(),
            tag: tag.map(str::to_owned),
            there,
        },
    })?;
    gather_image(root, &|descriptor| layout.locate(descriptor))
}

impl Layout {
    fn open(dir: &Path) -> Result<Self, SourceError> {
        let layout = Self {
            dir: fs::canonicalize(dir).map_err(|source| SourceError::LayoutMissing {
                dir: dir.to_owned(),
                source,
            })?,
        };
        let marker: LayoutMarker = layout.read_document("oci-layout")?;
        marker.check().map_err(|reason| SourceError::Layout {
            path: dir.join("oci-layout"),
            reason,
        })?;
        Ok(layout)
    }

    /// Parses one of the two small files at the top of the layout.
    fn read_document<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, SourceError> {
        let wrong = |reason: String| SourceError::Layout {
            path: self.dir.join(name),
            reason,
        };
        let path = self
            .resolve_inside(Path::new(name))
            .map_err(|error| wrong(error.to_string()))?;
        let length = fs::metadata(&path)
            .map_err(|error| wrong(error.to_string()))?
            .len();
        if length > MAX_DOCUMENT_BYTES {
            return Err(wrong(format!(
                "it has {length} bytes, too many for this file"
            )));
        }
        let bytes = fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
    }

    /// The file of a blob. That it has its full size is checked here; its digest whenever it is
    /// read.
    fn locate(&self, descriptor: &Descriptor) -> Result<Blob, BlobError> {
        let (digest, announced) = (descriptor.digest.clone(), descriptor.size);
        let unreadable = |source| BlobError::Unreadable {
            digest: digest.clone(),
            source,
        };
        let path = self
            .resolve_inside(&Path::new("blobs/sha256").join(digest.hex()))
            .map_err(unreadable)?;
        let found = fs::metadata(&path).map_err(unreadable)?.len();
        if found != announced {
            return Err(BlobError::Size {
                digest,
                announced,
                found,
            });
        }
        Ok(Blob {
            digest,
            size: announced,
            location: BlobLocation::File(path),
        })
    }

    /// The real path of a regular file of the layout. Links are followed, because Bazel makes them,
    /// but only to files inside.
    fn resolve_inside(&self, name: &Path) -> std::io::Result<PathBuf> {
        let path = fs::canonicalize(self.dir.join(name))?;
        if !path.starts_with(&self.dir) {
            return Err(std::io::Error::other(
                "it is a link that leads out of the layout",
            ));
        }
        if fs::metadata(&path)?.is_file() {
            Ok(path)
        } else {
            Err(std::io::Error::other("it is not a file"))
        }
    }
}

#[cfg(test)]
mod tests;
