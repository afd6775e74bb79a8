//! The form's JSON Schema, for editors. Only tests need it: they write it to the repository and
//! hold its keys against the reader's.
#![expect(dead_code, reason = "the types are read by their derive only")]

use schemars::JsonSchema;
use serde_json::Value;

/// Whether a missing ECR repository is made, and how. What is not given is left to ECR.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum CreateRepository {
    /// With ECR's defaults, or not at all.
    Word(bool),
    Mapping(Repository),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Repository {
    /// Scan images when they are pushed.
    scan_on_push: Option<bool>,
    /// How many images are kept; the others expire, oldest first.
    #[schemars(range(min = 1))]
    keep: Option<u32>,
    /// Which tags stay where they are once they were given.
    immutable_tags: Option<Tags>,
    /// The ARN of the KMS key that encrypts the images.
    #[schemars(length(min = 1))]
    kms_key: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Tags {
    /// All, or none.
    Word(bool),
    Filters(Filters),
}

/// Filters of tags, in which `*` stands for any text.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
struct Filters {
    /// All tags stay but these.
    #[schemars(length(min = 1, max = 5))]
    except: Option<Vec<String>>,
    /// These tags stay.
    #[schemars(length(min = 1, max = 5))]
    only: Option<Vec<String>>,
}

/// The schema as it stands in the repository.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    settings
        .into_generator()
        .into_root_schema_for::<CreateRepository>()
        .to_value()
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys() {
    let schema = schema();
    let table = [
        ("/$defs/Repository/properties", super::KEYS),
        ("/$defs/Filters/properties", super::TAG_KEYS),
    ];
    for (pointer, keys) in table {
        let mut known: Vec<&str> = schema
            .pointer(pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut keys = keys.to_vec();
        known.sort_unstable();
        keys.sort_unstable();
        assert_eq!(known, keys, "{pointer}");
    }
}
