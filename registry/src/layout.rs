//! Reading an OCI image layout, the directory that buildx, skopeo, crane, ko and Bazel write.
//!
//! It reads, it never writes. Nothing outside the directory is opened, whatever links or names the
//! layout holds, and no content is believed before its size and digest were checked.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::blob::{Blob, BlobError, Place};
use super::error::SourceError;
use super::graph::{Image, SMALL, gather};
use super::media::{Descriptor, null_is_empty};

/// The annotations that hold an image's name: the specification's, and the one with which Docker
/// keeps the whole name.
const NAMES: [&str; 2] = [
    "org.opencontainers.image.ref.name",
    "io.containerd.image.name",
];

/// A directory that is an OCI image layout.
#[derive(Debug)]
struct Layout {
    /// Without links, so that what lies inside can be told from what lies outside.
    dir: PathBuf,
}

/// The file by which a layout says that it is one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Marker {
    image_layout_version: String,
}

impl Marker {
    /// Or else what is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let version = &self.image_layout_version;
        if version.starts_with("1.") {
            Ok(())
        } else {
            Err(format!(
                "its version is {}, and 1.0.0 is what is known",
                version.escape_debug()
            ))
        }
    }
}

/// The index of a layout: its images, named by annotations.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) manifests: Vec<Descriptor>,
}

/// Reads the image that `tag` names, or the only one, with everything that belongs to it.
pub(crate) fn read(dir: &Path, tag: Option<&str>) -> Result<Image, SourceError> {
    let layout = Layout::open(dir)?;
    let index: Index = layout.document("index.json")?;
    let root = choose(dir, &index.manifests, tag)?;
    gather(root, &|descriptor| layout.locate(descriptor))
}

impl Layout {
    fn open(dir: &Path) -> Result<Self, SourceError> {
        let layout = Self {
            dir: fs::canonicalize(dir).map_err(|source| SourceError::LayoutMissing {
                dir: dir.to_owned(),
                source,
            })?,
        };
        let marker: Marker = layout.document("oci-layout")?;
        marker.check().map_err(|reason| SourceError::Layout {
            path: dir.join("oci-layout"),
            reason,
        })?;
        Ok(layout)
    }

    /// One of the two small files at the top.
    fn document<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, SourceError> {
        let wrong = |reason: String| SourceError::Layout {
            path: self.dir.join(name),
            reason,
        };
        let path = self
            .inside(Path::new(name))
            .map_err(|error| wrong(error.to_string()))?;
        let length = fs::metadata(&path)
            .map_err(|error| wrong(error.to_string()))?
            .len();
        if length > SMALL {
            return Err(wrong(format!(
                "it has {length} bytes, too many for this file"
            )));
        }
        let bytes = fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
    }

    /// The file of a blob. It is checked for being there in full; its digest is checked whenever it
    /// is read.
    fn locate(&self, descriptor: &Descriptor) -> Result<Blob, BlobError> {
        let (digest, announced) = (descriptor.digest.clone(), descriptor.size);
        let unreadable = |source| BlobError::Unreadable {
            digest: digest.clone(),
            source,
        };
        let path = self
            .inside(&Path::new("blobs/sha256").join(digest.hex()))
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
            place: Place::File(path),
        })
    }

    /// A regular file of the layout. Links are followed (Bazel makes them), but never to the
    /// outside.
    fn inside(&self, name: &Path) -> std::io::Result<PathBuf> {
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

/// One image of several by its name, or the only one.
fn choose<'a>(
    dir: &Path,
    images: &'a [Descriptor],
    tag: Option<&str>,
) -> Result<&'a Descriptor, SourceError> {
    let named = |image: &&Descriptor| tag.is_none_or(|tag| names(image).any(|name| name == tag));
    let mut fitting = images.iter().filter(named);
    match fitting.next() {
        // The same image may have several names.
        Some(image) if fitting.all(|other| other.digest == image.digest) => Ok(image),
        Some(_) => Err(SourceError::Ambiguous {
            dir: dir.to_owned(),
            there: all_names(images),
        }),
        None => Err(SourceError::NotInLayout {
            dir: dir.to_owned(),
            tag: tag.map(str::to_owned),
            there: all_names(images),
        }),
    }
}

/// The names that an image has in an index.
pub(crate) fn names(image: &Descriptor) -> impl Iterator<Item = &str> {
    NAMES
        .iter()
        .filter_map(|name| image.annotations.get(*name))
        .map(String::as_str)
}

/// The images of an index, for a sentence.
pub(crate) fn all_names(images: &[Descriptor]) -> Vec<String> {
    images
        .iter()
        .map(|image| {
            names(image).next().map_or_else(
                || image.digest.to_string(),
                |name| name.escape_debug().to_string(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::media::{OCI_INDEX, OCI_MANIFEST};
    use serde_json::{Value, json};

    /// A layout with one image of one layer, which tests then damage.
    struct Bench {
        dir: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let bench = Self {
                dir: tempfile::tempdir().unwrap(),
            };
            fs::create_dir_all(bench.path("blobs/sha256")).unwrap();
            fs::write(
                bench.path("oci-layout"),
                r#"{"imageLayoutVersion":"1.0.0"}"#,
            )
            .unwrap();
            bench
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn put(&self, media_type: &str, content: &str) -> Value {
            let digest = Digest::of(content.as_bytes());
            fs::write(self.path("blobs/sha256").join(digest.hex()), content).unwrap();
            json!({"mediaType": media_type, "digest": digest, "size": content.len()})
        }

        fn image(&self, architecture: &str) -> Value {
            let text = format!(
                r#"{{"os":"linux","architecture":"{architecture}","config":{{"Labels":{{"a":"b"}}}}}}"#
            );
            let config = self.put("application/vnd.oci.image.config.v1+json", &text);
            let layer = self.put("application/vnd.oci.image.layer.v1.tar+gzip", "layer");
            self.put(
                OCI_MANIFEST,
                &json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
            )
        }

        fn index(&self, images: &[(Value, &str)]) {
            let named = |(image, name): &(Value, &str)| {
                let mut image = image.clone();
                image["annotations"] = json!({"org.opencontainers.image.ref.name": name});
                image
            };
            let manifests: Vec<Value> = images.iter().map(named).collect();
            fs::write(
                self.path("index.json"),
                json!({"schemaVersion": 2, "manifests": manifests}).to_string(),
            )
            .unwrap();
        }

        fn read(&self, tag: Option<&str>) -> Result<Image, SourceError> {
            read(self.dir.path(), tag)
        }

        fn refusal(&self) -> String {
            let error = self.read(None).unwrap_err();
            std::error::Error::source(&error)
                .map_or(error.to_string(), |source| format!("{error}: {source}"))
        }

        fn blob(&self, content: &str) -> PathBuf {
            self.path("blobs/sha256")
                .join(Digest::of(content.as_bytes()).hex())
        }
    }

    #[test]
    fn one_image_is_read_with_config_and_layer() {
        let bench = Bench::new();
        bench.index(&[(bench.image("amd64"), "v1")]);
        let image = bench.read(None).unwrap();
        assert_eq!((image.manifests.len(), image.blobs.len()), (1, 2));
        assert_eq!(image.facts.images[0].platform.to_string(), "linux/amd64");
    }

    #[test]
    fn an_index_comes_whole_children_first_and_shared_blobs_once() {
        let bench = Bench::new();
        let children =
            json!({"schemaVersion": 2, "manifests": [bench.image("amd64"), bench.image("arm64")]});
        bench.index(&[(bench.put(OCI_INDEX, &children.to_string()), "v1")]);
        let image = bench.read(Some("v1")).unwrap();
        assert_eq!((image.manifests.len(), image.blobs.len()), (3, 3));
        assert_eq!(image.manifests[2].media_type, OCI_INDEX);
        assert_eq!(image.facts.images.len(), 2);
    }

    #[test]
    fn the_tag_chooses_and_without_one_there_must_be_one_image() {
        let bench = Bench::new();
        bench.index(&[(bench.image("amd64"), "v1"), (bench.image("arm64"), "v2")]);
        assert_eq!(
            bench.read(Some("v2")).unwrap().facts.images[0]
                .platform
                .architecture,
            "arm64"
        );
        assert!(
            bench
                .read(Some("v3"))
                .unwrap_err()
                .to_string()
                .ends_with("has no image `v3`; there are: v1, v2")
        );
        assert!(bench.refusal().ends_with("holds several images: v1, v2"));
        let (api, worker) = (bench.image("amd64"), bench.image("arm64"));
        for images in [
            [(&api, "v1"), (&api, "latest"), (&worker, "worker")],
            [(&worker, "worker"), (&api, "v1"), (&api, "latest")],
        ] {
            bench.index(&images.map(|(image, name)| (image.clone(), name)));
            assert!(
                bench.refusal().contains("holds several images"),
                "{}",
                bench.refusal()
            );
            assert_eq!(
                bench.read(Some("latest")).unwrap().facts.images[0]
                    .platform
                    .architecture,
                "amd64"
            );
        }
        bench.index(&[(api.clone(), "v1"), (api.clone(), "latest"), (api, "other")]);
        assert!(bench.read(None).is_ok());
        fs::write(
            bench.path("index.json"),
            r#"{"schemaVersion":2,"annotations":null,"manifests":null}"#,
        )
        .unwrap();
        assert!(
            bench.refusal().ends_with("holds no image"),
            "{}",
            bench.refusal()
        );
        bench.index(&[]);
        assert!(bench.refusal().ends_with("holds no image"));
    }

    #[test]
    fn missing_truncated_and_garbled_contents_are_refused() {
        let bench = Bench::new();
        bench.index(&[(bench.image("amd64"), "v1")]);
        fs::write(bench.blob("layer"), "lay").unwrap();
        assert!(
            bench
                .refusal()
                .contains("has 3 bytes where 5 were announced"),
            "{}",
            bench.refusal()
        );
        fs::remove_file(bench.blob("layer")).unwrap();
        assert!(
            bench.refusal().contains("cannot be read"),
            "{}",
            bench.refusal()
        );
        bench.image("amd64");
        let config = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"a":"b"}}}"#;
        fs::write(bench.blob(config), config.replace('b', "c")).unwrap();
        assert!(
            bench.refusal().contains("is garbled"),
            "{}",
            bench.refusal()
        );
    }

    #[test]
    fn what_leads_out_of_the_layout_is_refused() {
        let (bench, outside) = (Bench::new(), tempfile::NamedTempFile::new().unwrap());
        bench.index(&[(bench.image("amd64"), "v1")]);
        fs::write(outside.path(), "layer").unwrap();
        fs::remove_file(bench.blob("layer")).unwrap();
        std::os::unix::fs::symlink(outside.path(), bench.blob("layer")).unwrap();
        assert!(
            bench.refusal().contains("cannot be read"),
            "{}",
            bench.refusal()
        );
        let digest = "sha256:../../../../etc/passwd";
        fs::write(
            bench.path("index.json"),
            json!({"manifests": [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1}]})
                .to_string(),
        )
        .unwrap();
        assert!(
            bench.refusal().contains("is not a sha256 digest"),
            "{}",
            bench.refusal()
        );
    }

    #[test]
    fn what_is_no_layout_is_refused() {
        let bench = Bench::new();
        assert!(
            bench.refusal().contains("index.json"),
            "{}",
            bench.refusal()
        );
        fs::write(
            bench.path("oci-layout"),
            r#"{"imageLayoutVersion":"2.0.0"}"#,
        )
        .unwrap();
        assert!(
            bench.refusal().contains("its version is 2.0.0"),
            "{}",
            bench.refusal()
        );
        fs::write(bench.path("oci-layout"), "garbage").unwrap();
        assert!(
            bench.refusal().contains("oci-layout"),
            "{}",
            bench.refusal()
        );
        assert!(matches!(
            read(&bench.path("nowhere"), None),
            Err(SourceError::LayoutMissing { .. })
        ));
    }
}
