//! An OCI layout in a tar file, as buildx (`type=oci,dest=FILE`), skopeo and containerd write it:
//! pushed as it is.

use std::path::Path;

use super::contents::Contents;
use super::error::ArchiveError;
use crate::error::SourceError;
use crate::graph::{Image, gather};
use crate::layout::{Index, Marker, all_names, names};
use crate::media::Descriptor;

/// Reads the image that `tag` names, or the only one. Layers stay where they are: they are sent
/// from the archive.
pub(crate) fn read_oci(
    file: &Path,
    tag: Option<&str>,
    temporary: &Path,
) -> Result<Image, SourceError> {
    let contents = Contents::read(file, temporary)?;
    contents
        .document::<Marker>("oci-layout")?
        .check()
        .map_err(|reason| {
            let name = "oci-layout".to_owned();
            contents.unusable(ArchiveError::Document { name, reason })
        })?;
    let index: Index = contents.document("index.json")?;
    let root = choose(file, &index.manifests, tag)?;
    gather(root, &|descriptor| contents.locate(descriptor))
}

fn choose<'a>(
    file: &Path,
    images: &'a [Descriptor],
    tag: Option<&str>,
) -> Result<&'a Descriptor, SourceError> {
    let mut fitting = images
        .iter()
        .filter(|image| tag.is_none_or(|tag| names(image).any(|name| name == tag)));
    match fitting.next() {
        // The same image may have several names.
        Some(image) if fitting.all(|other| other.digest == image.digest) => Ok(image),
        Some(_) => Err(SourceError::AmbiguousArchive {
            file: file.to_owned(),
            there: all_names(images),
        }),
        None => Err(SourceError::NotInArchive {
            file: file.to_owned(),
            name: tag.map(str::to_owned),
            there: all_names(images),
        }),
    }
}
