//! The two small files of an OCI layout, wherever it is: `oci-layout` and `index.json`.

use serde::Deserialize;

use crate::descriptor::{Descriptor, null_as_default};

/// The annotations that hold the name of an image: the specification's, and the one in which
/// containerd and Docker keep the whole name.
const NAME_ANNOTATIONS: [&str; 2] = [
    "org.opencontainers.image.ref.name",
    "io.containerd.image.name",
];

/// `oci-layout`, the file that makes a directory or an archive a layout.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayoutMarker {
    image_layout_version: String,
}

impl LayoutMarker {
    /// # Errors
    /// A reason for people, if the layout's version is not 1.
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

/// `index.json`, which lists the images of a layout; annotations name them.
#[derive(Debug, Deserialize)]
pub(crate) struct LayoutIndex {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) manifests: Vec<Descriptor>,
}

/// Why an index does not say which image is meant; the names of its images, for the sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChoiceError {
    /// No image has the name, or there is none at all.
    NotFound(Vec<String>),
    /// Several images have the name, or no name was given.
    Ambiguous(Vec<String>),
}

impl LayoutIndex {
    /// The image that `name` names, or without a name the only one. One image may have several
    /// names.
    pub(crate) fn choose_image(&self, name: Option<&str>) -> Result<&Descriptor, ChoiceError> {
        let mut matching = self.manifests.iter().filter(|image| {
            name.is_none_or(|name| annotated_names(image).any(|other| other == name))
        });
        match matching.next() {
            Some(image) if matching.all(|other| other.digest == image.digest) => Ok(image),
            Some(_) => Err(ChoiceError::Ambiguous(self.names())),
            None => Err(ChoiceError::NotFound(self.names())),
        }
    }

    /// The first name of each image, or its digest.
    fn names(&self) -> Vec<String> {
        let name = |image: &Descriptor| {
            annotated_names(image).next().map_or_else(
                || image.digest.to_string(),
                |name| name.escape_debug().to_string(),
            )
        };
        self.manifests.iter().map(name).collect()
    }
}

fn annotated_names(image: &Descriptor) -> impl Iterator<Item = &str> {
    NAME_ANNOTATIONS
        .iter()
        .filter_map(|annotation| image.annotations.get(*annotation))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use serde_json::{Value, json};

    /// An index of images, each with a content that gives it its digest, and its annotations.
    fn index(images: &[(&str, Value)]) -> LayoutIndex {
        let describe = |(content, annotations): &(&str, Value)| json!({"mediaType": "", "size": 1, "digest": Digest::compute(content.as_bytes()), "annotations": annotations});
        let images: Vec<Value> = images.iter().map(describe).collect();
        serde_json::from_value(json!({"manifests": images})).unwrap()
    }

    fn named_annotation(name: &str) -> Value {
        json!({"org.opencontainers.image.ref.name": name})
    }

    #[test]
    fn an_image_is_chosen_by_either_annotation_and_only_by_its_name() {
        let index = index(&[
            ("api", named_annotation("v1")),
            (
                "worker",
                json!({"io.containerd.image.name": "ghcr.io/a/worker:v1"}),
            ),
        ]);
        let chosen = |name| index.choose_image(Some(name)).unwrap().digest.clone();
        assert_eq!(chosen("v1"), Digest::compute(b"api"));
        assert_eq!(chosen("ghcr.io/a/worker:v1"), Digest::compute(b"worker"));
        let names = vec!["v1".to_owned(), "ghcr.io/a/worker:v1".to_owned()];
        assert_eq!(
            index.choose_image(Some("v2")),
            Err(ChoiceError::NotFound(names.clone()))
        );
        assert_eq!(index.choose_image(None), Err(ChoiceError::Ambiguous(names)));
    }

    #[test]
    fn without_a_name_there_must_be_one_image_which_may_have_several_names() {
        let several = index(&[
            ("api", named_annotation("v1")),
            ("api", named_annotation("latest")),
        ]);
        assert_eq!(
            several.choose_image(None).unwrap().digest,
            Digest::compute(b"api")
        );
        assert_eq!(
            index(&[]).choose_image(None),
            Err(ChoiceError::NotFound(Vec::new()))
        );
        let unnamed = index(&[("api", json!(null)), ("worker", named_annotation("a\nb"))]);
        let names = vec![Digest::compute(b"api").to_string(), "a\\nb".to_owned()];
        assert_eq!(
            unnamed.choose_image(None),
            Err(ChoiceError::Ambiguous(names))
        );
    }

    #[test]
    fn only_version_1_is_read() {
        let check = |version: &str| {
            serde_json::from_value::<LayoutMarker>(json!({"imageLayoutVersion": version}))
                .unwrap()
                .check()
        };
        assert_eq!(check("1.0.0"), Ok(()));
        assert_eq!(check("1.1.0"), Ok(()));
        assert_eq!(
            check("2.0.0").unwrap_err(),
            "its version is 2.0.0, and 1.0.0 is what is known"
        );
    }
}
