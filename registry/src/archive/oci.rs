//! An OCI layout in a tar file, as buildx (`type=oci,dest=FILE`), skopeo and containerd write it.
//! It is pushed as it is.

use std::path::Path;

use super::error::ArchiveError;
use super::file_table::FileTable;
use crate::error::SourceError;
use crate::image::{Image, gather_image};
use crate::layout::{ChoiceError, LayoutIndex, LayoutMarker};

/// Reads the image that `tag` names, or the only one: all of its manifests, and where in the
/// archive its blobs are. An archive that is compressed as a whole is unpacked into `temporary`.
pub(crate) fn read_oci(
    file: &Path,
    tag: Option<&str>,
    temporary: &Path,
) -> Result<Image, SourceError> {
    let table = FileTable::open(file, temporary)?;
    let marker: LayoutMarker = table.read_document("oci-layout")?;
    marker.check().map_err(|reason| {
        let name = "oci-layout".to_owned();
        table.archive_error(ArchiveError::Document { name, reason })
    })?;
    let index: LayoutIndex = table.read_document("index.json")?;
    let root = index.choose_image(tag).map_err(|error| match error {
        ChoiceError::Ambiguous(there) => SourceError::AmbiguousArchive {
            file: file.to_owned(),
            there,
        },
        ChoiceError::NotFound(there) => SourceError::NotInArchive {
            file: file.to_owned(),
            name: tag.map(str::to_owned),
            there,
        },
    })?;
    gather_image(root, &|descriptor| table.locate(descriptor))
}
