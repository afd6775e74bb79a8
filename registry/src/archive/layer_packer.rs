//! Makes the layers of a Docker archive ready to be sent, one by one.

use std::io;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::docker::{ArchivedLayer, DockerArchiveParts};
use super::docker_manifest::digest_in_name;
use super::error::ArchiveError;
use super::file_type::FileType;
use super::layers::{ImageLayers, PackedLayer};
use crate::blob::Blob;
use crate::compress::{self, CopyError};
use crate::descriptor::Compression;
use crate::digest::{Digest, DigestWriter, TeeReader};
use crate::error::SourceError;
use crate::image::Image;
use crate::image_config::Platform;
use crate::source::BlobSender;
use crate::spool::Spool;

/// The layers that are ready, and where the others are compressed to.
pub(super) struct LayerPacker {
    pub(super) parts: Arc<DockerArchiveParts>,
    pub(super) layers: ImageLayers,
    pub(super) spool: Spool,
    pub(super) blob_sender: BlobSender,
}

impl LayerPacker {
    /// Makes a layer ready and passes it on, unless the registry has it. The packer is given back,
    /// because each layer is packed on a thread of its own.
    pub(super) fn add_layer(
        mut self,
        diff_id: Digest,
        layer: &ArchivedLayer,
    ) -> Result<Self, SourceError> {
        if self.layers.has_layer(&diff_id) {
            return Ok(self);
        }
        let (blob, compression) = match self.parts.contents.detect_type(layer.span)? {
            FileType::Archive => (self.compress_layer(&diff_id, layer)?, Compression::Gzip),
            FileType::Gzip => (self.verify_gzip_layer(&diff_id, layer)?, Compression::Gzip),
            FileType::Zstd => (self.name_zstd_layer(layer)?, Compression::Zstd),
            FileType::Other => {
                return Err(self.parts.contents.archive_error(ArchiveError::NotALayer {
                    name: layer.display_name(),
                }));
            }
        };
        self.send_blob(&blob);
        self.layers
            .add_packed(diff_id, PackedLayer { blob, compression });
        Ok(self)
    }

    /// Compresses an uncompressed layer into the spool.
    fn compress_layer(
        &mut self,
        diff_id: &Digest,
        layer: &ArchivedLayer,
    ) -> Result<Blob, SourceError> {
        let mut from = self.parts.contents.cursor(layer.span);
        let packed = self
            .spool
            .append(|to| compress::compress_gzip(&mut from, to));
        let (blob, (found, _)) = packed.map_err(|error| match error {
            CopyError::Read(error) => self
                .parts
                .contents
                .archive_error(ArchiveError::from_io_error(error)),
            CopyError::Write(error) => self.spool.write_error(error),
        })?;
        self.check_diff_id(diff_id, found, layer)?;
        Ok(blob)
    }

    /// Unpacks a compressed layer to check it against the config. It is sent as it is in the
    /// archive.
    fn verify_gzip_layer(
        &mut self,
        diff_id: &Digest,
        layer: &ArchivedLayer,
    ) -> Result<Blob, SourceError> {
        let unreadable = |error| {
            self.parts
                .contents
                .archive_error(ArchiveError::from_io_error(error))
        };
        let mut packed = TeeReader {
            from: self.parts.contents.cursor(layer.span),
            to: DigestWriter::new(io::sink()),
        };
        let mut plain = DigestWriter::new(io::sink());
        io::copy(
            &mut MultiGzDecoder::new(io::BufReader::with_capacity(256 * 1024, &mut packed)),
            &mut plain,
        )
        .map_err(unreadable)?;
        self.check_diff_id(diff_id, plain.finish().0, layer)?;
        // The decoder has read to the end of the file: bytes behind the gzip would have been an
        // error.
        let (digest, _) = packed.to.finish();
        Ok(self.parts.contents.blob_at(digest, layer.span))
    }

    /// Takes the digest of a zstd layer from its name. Like every blob it is verified when it is
    /// sent.
    fn name_zstd_layer(&self, layer: &ArchivedLayer) -> Result<Blob, SourceError> {
        let digest = digest_in_name(&layer.name);
        let digest = digest.ok_or_else(|| {
            self.parts
                .contents
                .archive_error(ArchiveError::Unverifiable {
                    name: layer.display_name(),
                })
        })?;
        Ok(self.parts.contents.blob_at(digest, layer.span))
    }

    fn check_diff_id(
        &self,
        promised: &Digest,
        found: Digest,
        layer: &ArchivedLayer,
    ) -> Result<(), SourceError> {
        if found == *promised {
            return Ok(());
        }
        let (name, promised) = (layer.display_name(), promised.clone());
        Err(self
            .parts
            .contents
            .archive_error(ArchiveError::DigestMismatch {
                name,
                promised,
                found,
            }))
    }

    /// Passes the config on, and writes the manifest.
    pub(super) fn finish(self, platform: Platform) -> Result<Image, SourceError> {
        self.send_blob(&self.parts.config);
        let diff_ids: Vec<Digest> = self
            .parts
            .layers
            .iter()
            .map(|(diff_id, _)| diff_id.clone())
            .collect();
        self.layers
            .build_image(&diff_ids, &self.parts.config, platform)
    }

    fn send_blob(&self, blob: &Blob) {
        // If blobs are not received any more, the transfer has failed and says why itself.
        drop(self.blob_sender.blocking_send(blob.clone()));
    }
}
