//! Taking the archive apart that the engine exports, in one pass, while it arrives.
//!
//! Engines write two forms, and mixtures of them: Docker's own (`manifest.json`, a config,
//! `ID/layer.tar`, links to layers that appeared before) and, from Docker 25 on, an OCI layout
//! beside it (`index.json`, `blobs/sha256/…`). An uncompressed archive inside is a layer, and is
//! compressed on its way unless the registry has it; one that turns out to be a layer of the image
//! is handed over at once, so that it is sent while the export goes on. Everything else is kept as
//! it is, and whether it belongs to the image is seen at the end, where the manifest stands.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::wanted::{Told, Wanted};
use crate::archive::{
    ArchiveError, Content, Entries, EntryKind, HEAD, Input, Layers, Packed, follow,
};
use crate::blob::Blob;
use crate::compress::{self, CopyError};
use crate::digest::Digest;
use crate::error::SourceError;
use crate::media::Compression;
use crate::source::Intake;
use crate::spool::Spool;

/// Everything that was taken of an export, by name.
#[derive(Debug)]
pub(super) struct ExportParts {
    members: HashMap<String, Member>,
    /// Links, by name, to names.
    links: HashMap<String, String>,
    pub(super) layers: Layers,
}

/// One file of an export.
#[derive(Debug, Clone)]
pub(super) enum Member {
    /// Kept as it came.
    Verbatim {
        blob: Blob,
        compression: Option<Compression>,
    },
    /// An uncompressed layer, by its digest: it was packed, or the registry has it.
    Layer(Digest),
    /// The registry has a content of this digest and size, and so it was passed over.
    Present { digest: Digest, size: u64 },
    /// A layer that the registry has under another digest; it was passed over, and its name is the
    /// only one who knows it.
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

impl ExportParts {
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
    pub(super) fn new(
        temporary: &Path,
        wanted: Wanted,
        intake: Intake,
    ) -> Result<Self, SourceError> {
        let (spool, temporary) = (Spool::new(temporary)?, temporary.to_owned());
        Ok(Self {
            spool,
            temporary,
            wanted,
            intake,
            parts: HashMap::new(),
        })
    }

    /// Reads the whole archive.
    pub(super) fn take_apart(mut self, from: &mut dyn Input) -> Result<ExportParts, SourceError> {
        let (mut entries, mut links) = (Entries::new(from), HashMap::new());
        while let Some(entry) = entries.next_entry().map_err(|error| broken(&error))? {
            match entry.kind {
                EntryKind::Directory => {}
                EntryKind::Link(to) => drop(links.insert(entry.name, to)),
                EntryKind::File => {
                    let member = self.member(&entry.name, entry.size, &mut entries)?;
                    self.parts.insert(entry.name, member);
                }
            }
        }
        Ok(ExportParts {
            members: self.parts,
            links,
            layers: self.wanted.layers,
        })
    }

    fn member(
        &mut self,
        name: &str,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<Member, SourceError> {
        let told = self.wanted.told(name);
        if told == Told::Known {
            return Ok(Member::Known);
        }
        let mut head = Vec::with_capacity(HEAD);
        content
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(unreadable)?;
        let kind = Content::of(&head);
        let whole = &mut head.as_slice().chain(content);
        match (kind, told) {
            (Content::Archive | Content::Gzip | Content::Zstd, Told::Perhaps(digest)) => {
                Ok(Member::Present { digest, size })
            }
            (Content::Archive, Told::Nothing) if self.wanted.may_be_known() => self.compare(whole),
            (Content::Archive, _) => self.pack(whole),
            (Content::Gzip, _) => self.keep(whole, Some(Compression::Gzip)),
            (Content::Zstd, _) => self.keep(whole, Some(Compression::Zstd)),
            (Content::Other, _) => self.keep(whole, None),
        }
    }

    fn keep(
        &mut self,
        content: &mut dyn Read,
        compression: Option<Compression>,
    ) -> Result<Member, SourceError> {
        let blob = self
            .spool
            .keep(content)
            .map_err(|error| failed(error, &self.spool))?;
        Ok(Member::Verbatim { blob, compression })
    }

    /// Compresses what comes, and hands it over when it is a layer of the image.
    fn pack(&mut self, content: &mut dyn Read) -> Result<Member, SourceError> {
        let packed = self.spool.append(|to| compress::gzip(content, to));
        let (blob, (plain, _)) = packed.map_err(|error| failed(error, &self.spool))?;
        if self.wanted.is_missing(&plain) {
            self.wanted.take(
                plain.clone(),
                Packed {
                    blob: blob.clone(),
                    compression: Compression::Gzip,
                },
            );
            // Whoever does not take it any more has a reason of its own.
            drop(self.intake.blocking_send(blob));
        } else {
            self.spool
                .forget_last(&blob)
                .map_err(|error| self.spool.full(error))?;
        }
        Ok(Member::Layer(plain))
    }

    /// Keeps a layer uncompressed until its digest is known: most likely the registry has it, and
    /// compressing is the dear part.
    fn compare(&mut self, content: &mut dyn Read) -> Result<Member, SourceError> {
        let mut aside = Spool::new(&self.temporary)?;
        let plain = aside.keep(content).map_err(|error| failed(error, &aside))?;
        if !self.wanted.is_missing(&plain.digest) {
            return Ok(Member::Layer(plain.digest));
        }
        let file = aside.file();
        self.pack(&mut io::BufReader::with_capacity(
            1 << 18,
            Rewound { file, at: 0 },
        ))
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
    broken(&ArchiveError::of(error))
}

fn broken(error: &ArchiveError) -> SourceError {
    SourceError::Export {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::archive;
    use crate::known::Known;
    use crate::media::{Config, DOCKER_MANIFEST, Manifest};
    use serde_json::json;
    use tokio::sync::mpsc;

    /// A registry that has an image of these layers, each under the digest of `packed NUMBER`.
    fn knowing(layers: &[&[u8]]) -> Known {
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
        let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string();
        let described = |media_type: &str, digest: Digest| json!({"mediaType": media_type, "size": 1, "digest": digest});
        let packed = |number| {
            described(
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                Digest::of(format!("packed {number}").as_bytes()),
            )
        };
        let manifest = json!({
            "config": described("application/vnd.docker.container.image.v1+json", Digest::of(config.as_bytes())),
            "layers": (0..layers.len()).map(packed).collect::<Vec<_>>(),
        });
        let manifest = Manifest::read(manifest.to_string().into_bytes(), DOCKER_MANIFEST).unwrap();
        let mut known = Known::default();
        known.translate(
            &manifest,
            &Config::read(config.as_bytes(), &Digest::of(config.as_bytes())).unwrap(),
        );
        known.add(manifest);
        known
    }

    /// What becomes of an export of an image of these layers: its files by name, and what was
    /// handed over.
    fn taken(
        export: &[u8],
        layers: &[&[u8]],
        known: &Known,
    ) -> Result<(ExportParts, Vec<Blob>), SourceError> {
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
        let (intake, mut handed) = mpsc::channel(99);
        let taking = Taking::new(
            &std::env::temp_dir(),
            Wanted::new(&diff_ids, Layers::new(known)),
            intake,
        )?;
        let parts = taking.take_apart(&mut &*export)?;
        let mut blobs = Vec::new();
        while let Ok(blob) = handed.try_recv() {
            blobs.push(blob);
        }
        Ok((parts, blobs))
    }

    fn layer(content: &str) -> Vec<u8> {
        archive(&[("file", content.as_bytes())])
    }

    #[test]
    fn layers_are_packed_the_same_way_every_time_and_the_rest_is_kept() {
        let one = layer("one");
        let export = archive(&[
            ("a/layer.tar", &one),
            ("b.json", b"{}"),
            ("c", b"\x1f\x8bgz"),
        ]);
        let [(parts, handed), (_, again)] =
            [0, 1].map(|_| taken(&export, &[&one], &Known::default()).unwrap());
        assert_eq!((handed.len(), &handed[0].digest), (1, &again[0].digest));
        assert!(
            matches!(parts.get("a/layer.tar"), Some(Member::Layer(plain)) if *plain == Digest::of(&one))
        );
        assert_eq!(
            parts.verbatim("b.json").unwrap().read_whole(9).unwrap(),
            b"{}"
        );
        assert!(matches!(
            parts.get("c"),
            Some(Member::Verbatim {
                compression: Some(Compression::Gzip),
                ..
            })
        ));
    }

    #[test]
    fn what_is_no_layer_of_the_image_is_never_handed_over() {
        let (one, other) = (layer("one"), layer("other"));
        let (parts, handed) = taken(
            &archive(&[("a/layer.tar", &other)]),
            &[&one],
            &Known::default(),
        )
        .unwrap();
        assert!(handed.is_empty());
        assert!(
            matches!(parts.get("a/layer.tar"), Some(Member::Layer(plain)) if *plain == Digest::of(&other))
        );
    }

    #[test]
    fn layers_that_the_registry_has_are_passed_over_by_name_in_both_forms() {
        let layers = [layer("one"), layer("two"), layer("three")];
        let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
        let known = knowing(&layers[..2]);
        let blob = |layer: &[u8]| format!("blobs/sha256/{}", Digest::of(layer).hex());
        // That the content is not looked at is seen by its being wrong.
        let export = archive(&[
            (&blob(layers[0]), b"anything"),
            (&blob(layers[2]), layers[2]),
        ]);
        let (parts, handed) = taken(&export, &layers, &known).unwrap();
        assert!(matches!(parts.get(&blob(layers[0])), Some(Member::Known)));
        assert_eq!(handed.len(), 1);

        let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
        let directories = super::super::legacy::directories(&diff_ids);
        let first = directories
            .iter()
            .find(|(_, diff_id)| **diff_id == diff_ids[0])
            .unwrap()
            .0;
        let export = archive(&[
            (&format!("{first}/layer.tar"), b"anything"),
            ("topmost/layer.tar", layers[2]),
        ]);
        let (parts, handed) = taken(&export, &layers, &known).unwrap();
        assert!(matches!(
            parts.get(&format!("{first}/layer.tar")),
            Some(Member::Known)
        ));
        assert_eq!(handed.len(), 1);
    }

    #[test]
    fn a_layer_whose_name_says_nothing_is_told_by_its_content() {
        let (one, two) = (layer("one"), layer("two"));
        let export = archive(&[("x/layer.tar", &one), ("y/layer.tar", &two)]);
        let (parts, handed) = taken(&export, &[&one, &two], &knowing(&[&one])).unwrap();
        assert!(
            matches!(parts.get("x/layer.tar"), Some(Member::Layer(plain)) if *plain == Digest::of(&one))
        );
        let packed = parts
            .layers
            .packed()
            .map(|blob| blob.digest.clone())
            .collect::<Vec<_>>();
        assert_eq!(
            handed
                .iter()
                .map(|blob| blob.digest.clone())
                .collect::<Vec<_>>(),
            packed
        );
        assert_eq!(packed.len(), 1);
    }

    #[test]
    fn compressed_contents_that_the_registry_has_are_passed_over_and_documents_are_kept() {
        let known = knowing(&[b"a layer"]);
        let there = |content: &[u8]| format!("blobs/sha256/{}", Digest::of(content).hex());
        let export = archive(&[(&there(b"packed 0"), b"\x1f\x8banything")]);
        let (parts, _) = taken(&export, &[], &known).unwrap();
        assert!(matches!(
            parts.get(&there(b"packed 0")),
            Some(Member::Present { size: 10, .. })
        ));
        let export = archive(&[(&there(b"packed 0"), b"{}")]);
        assert!(
            taken(&export, &[], &known)
                .unwrap()
                .0
                .verbatim(&there(b"packed 0"))
                .is_some()
        );
    }

    #[test]
    fn an_archive_that_breaks_off_or_means_no_good_is_refused() {
        let outer = archive(&[("a", &[7; 4000])]);
        let refusal = |export: &[u8]| {
            taken(export, &[], &Known::default())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refusal(&outer[..2000]),
            "the Docker engine's export cannot be used: it breaks off: its end is missing"
        );
        assert!(refusal(&archive(&[("a", b""), ("./a", b"")])).ends_with("it holds `a` twice"));
    }
}
