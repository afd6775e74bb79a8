//! PURE: what a deployment left on a service, as the value of the service's tag, and how a service
//! differs from it.
//!
//! A tag's value has at most 256 characters, so it has a short hash for each field: what differs can
//! be named, and no value is written down. A revision never changes, so it is named; the hash of its
//! content tells it from another one when it can no longer be read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::aws::arn::short_name;
use crate::documents::described::from_described;
use crate::documents::service_fields::FIELDS;
use crate::identity::RevisionArn;
use crate::registry::Digest;

/// The service tag in which a deployment of ours says what it left.
pub const RECORD_TAG: &str = "ecs-bluegreen-action:deployed";

/// The form of the tag's value.
const FORM: &str = "v1";
/// The longest value of a tag.
const MAX_CHARACTERS: usize = 256;
/// Characters of a field's hash, 6 bits each: a change is missed once in 16 million.
const FIELD_CHARACTERS: usize = 4;
/// Characters of the hash of a revision's content.
const CONTENT_CHARACTERS: usize = 8;
/// Stands for a number of tasks that nobody sets.
const NO_COUNT: &str = "-";

/// What the tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentRecord {
    /// A deployment of ours was seen to its end.
    Deployed(DeployedState),
    /// A deployment of ours was started, and no run has seen its end.
    Unfinished(RecordedRun),
}

/// A run, and when it wrote the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRun {
    /// The run's id.
    pub run: String,
    /// Seconds since 1970.
    pub at: u64,
}

/// What a deployment left on its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedState {
    /// The run that deployed.
    pub by: RecordedRun,
    /// The number of tasks; none where AWS alone decides it.
    pub desired_count: Option<i64>,
    /// The revision, `family:7`; only `:7` where the family is too long for a tag.
    pub revision: String,
    content: String,
    fields: Vec<String>,
}

impl DeployedState {
    /// What a service looks like now. `fields` are those of
    /// [`canonical_fields`](crate::documents::service_fields::canonical_fields), `definition` is
    /// AWS's answer about `revision`.
    pub fn new(
        by: RecordedRun,
        revision: &RevisionArn,
        definition: &Value,
        fields: &[Value],
        desired_count: Option<i64>,
    ) -> Self {
        Self {
            by,
            desired_count,
            revision: short_name(revision).to_owned(),
            content: content_hash(definition),
            fields: fields.iter().map(field_hash).collect(),
        }
    }

    /// The value of the tag.
    pub fn to_tag(&self) -> String {
        let count = self
            .desired_count
            .map_or_else(|| NO_COUNT.to_owned(), |count| count.to_string());
        let begin = format!(
            "{FORM} deployed {} {} {count} {} {}",
            self.by.run,
            self.by.at,
            self.content,
            self.fields.concat()
        );
        let whole = format!("{begin} {}", self.revision);
        if whole.len() <= MAX_CHARACTERS {
            return whole;
        }
        let number = self.revision.rsplit(':').next().unwrap_or_default();
        format!("{begin} :{number}")
    }

    /// Whether this is the revision that was deployed, by its name.
    pub fn is_revision(&self, revision: &RevisionArn) -> bool {
        let name = short_name(revision);
        if self.revision.starts_with(':') {
            name.ends_with(&self.revision)
        } else {
            name == self.revision
        }
    }

    /// Whether a revision has the content of the one that was deployed.
    pub fn is_content(&self, definition: &Value) -> bool {
        content_hash(definition) == self.content
    }

    /// The revision that was deployed, by a name that AWS knows; `live` is one of its family, where
    /// the record has no room for the family.
    pub fn revision_name(&self, live: &RevisionArn) -> String {
        if !self.revision.starts_with(':') {
            return self.revision.clone();
        }
        let family = short_name(live).split(':').next().unwrap_or_default();
        format!("{family}{}", self.revision)
    }

    /// The fields that are different now. A field that is newer than the record is not compared.
    pub fn differing_fields(&self, now: &[Value]) -> Vec<&'static str> {
        FIELDS
            .iter()
            .zip(&self.fields)
            .zip(now)
            .filter(|((_, recorded), now)| **recorded != field_hash(now))
            .map(|((field, _), _)| *field)
            .collect()
    }
}

impl DeploymentRecord {
    /// Reads the value of the tag; none when this version of the action did not write it.
    pub fn from_tag(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        if words.next() != Some(FORM) {
            return None;
        }
        let kind = words.next()?;
        let by = RecordedRun {
            run: words.next().filter(|run| !run.is_empty())?.to_owned(),
            at: words.next()?.parse().ok()?,
        };
        match kind {
            "unfinished" => Some(Self::Unfinished(by)),
            "deployed" => read_state(by, words).map(Self::Deployed),
            _ => None,
        }
    }

    /// The run that wrote it.
    pub fn by(&self) -> &RecordedRun {
        match self {
            Self::Deployed(state) => &state.by,
            Self::Unfinished(by) => by,
        }
    }

    /// The value of the tag.
    pub fn to_tag(&self) -> String {
        match self {
            Self::Deployed(state) => state.to_tag(),
            Self::Unfinished(by) => format!("{FORM} unfinished {} {}", by.run, by.at),
        }
    }
}

fn read_state<'w>(
    by: RecordedRun,
    mut words: impl Iterator<Item = &'w str>,
) -> Option<DeployedState> {
    let desired_count = match words.next()? {
        NO_COUNT => None,
        count => Some(count.parse().ok()?),
    };
    let (content, hashes, revision) = (words.next()?, words.next()?, words.next()?);
    let is_whole = hashes.is_ascii()
        && hashes.len().is_multiple_of(FIELD_CHARACTERS)
        && content.len() == CONTENT_CHARACTERS
        && revision.contains(':')
        && words.next().is_none();
    let fields = hashes.as_bytes().chunks(FIELD_CHARACTERS);
    is_whole.then(|| DeployedState {
        by,
        desired_count,
        revision: revision.to_owned(),
        content: content.to_owned(),
        fields: fields
            .map(|hash| String::from_utf8_lossy(hash).into_owned())
            .collect(),
    })
}

/// The definition without its tags, which are not what runs.
fn content_hash(definition: &Value) -> String {
    let mut definition = from_described(definition);
    if let Some(members) = definition.as_object_mut() {
        members.shift_remove("tags");
        members.shift_remove("family");
    }
    short_hash(
        &with_sorted_keys(&definition).to_string(),
        CONTENT_CHARACTERS,
    )
}

/// The same value, with the members of its objects in the order of their names.
fn with_sorted_keys(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, Value> = entries
                .iter()
                .map(|(key, value)| (key, with_sorted_keys(value)))
                .collect();
            sorted
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect()
        }
        Value::Array(items) => items.iter().map(with_sorted_keys).collect(),
        other => other.clone(),
    }
}

fn field_hash(value: &Value) -> String {
    short_hash(&value.to_string(), FIELD_CHARACTERS)
}

fn short_hash(text: &str, characters: usize) -> String {
    let digest = Digest::compute(text.as_bytes());
    let bytes = digest.hex().as_bytes().chunks(2).filter_map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let mut hash = URL_SAFE_NO_PAD.encode(bytes.collect::<Vec<u8>>());
    hash.truncate(characters);
    hash
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::deployment_configuration::HookIdentity;
    use crate::documents::service_fields::canonical_fields;

    fn arn(name: &str) -> RevisionArn {
        format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/{name}").into()
    }

    fn service(bake: u32) -> Vec<Value> {
        let service = json!({ "deploymentConfiguration": { "bakeTimeInMinutes": bake } });
        canonical_fields(&service, HookIdentity::default())
    }

    fn definition(value: &str) -> Value {
        json!({ "taskDefinition": { "family": "api", "revision": 7, "containerDefinitions":
            [{ "name": "app", "environment": [{ "name": "A", "value": value }] }] } })
    }

    fn state(family: &str) -> DeployedState {
        let by = RecordedRun {
            run: "19876543210-1-3f786850".to_owned(),
            at: 1_764_523_120,
        };
        let revision = arn(&format!("{family}:7"));
        DeployedState::new(by, &revision, &definition("secret"), &service(5), Some(2))
    }

    #[test]
    fn a_tag_says_what_was_deployed_within_the_limits_of_tags() {
        let unfinished = DeploymentRecord::Unfinished(state("api").by);
        for record in [DeploymentRecord::Deployed(state("api")), unfinished] {
            let tag = record.to_tag();
            assert!(
                tag.len() <= MAX_CHARACTERS
                    && tag.chars().all(
                        |letter| letter.is_ascii_alphanumeric() || " _.:/=+-@".contains(letter)
                    ),
                "{tag}"
            );
            assert_eq!(DeploymentRecord::from_tag(&tag), Some(record));
        }
    }

    #[test]
    fn a_family_that_is_too_long_is_left_out() {
        let family = "f".repeat(255);
        let tag = state(&family).to_tag();
        assert!(tag.len() <= MAX_CHARACTERS, "{tag}");
        let Some(DeploymentRecord::Deployed(read)) = DeploymentRecord::from_tag(&tag) else {
            panic!("{tag}");
        };
        let live = arn(&format!("{family}:8"));
        assert_eq!(read.revision_name(&live), format!("{family}:7"));
        assert!(read.is_revision(&arn(&format!("{family}:7"))) && !read.is_revision(&live));
    }

    #[test]
    fn what_differs_is_named_and_what_was_deployed_is_known_again() {
        let state = state("api");
        assert_eq!(state.differing_fields(&service(5)), Vec::<&str>::new());
        assert_eq!(
            state.differing_fields(&service(6)),
            ["deploymentConfiguration.bakeTimeInMinutes"]
        );
        assert!(state.is_revision(&arn("api:7")) && !state.is_revision(&arn("api:17")));
        assert!(state.is_content(&definition("secret")) && !state.is_content(&definition("x")));
    }

    #[test]
    fn a_record_of_fewer_fields_compares_those() {
        let tag = state("api").to_tag();
        let hashes = tag.split(' ').nth(6).unwrap();
        let shorter = tag.replace(hashes, &hashes[..FIELD_CHARACTERS * 3]);
        let Some(DeploymentRecord::Deployed(read)) = DeploymentRecord::from_tag(&shorter) else {
            panic!("{shorter}");
        };
        assert_eq!(read.differing_fields(&service(6)), Vec::<&str>::new());
    }

    #[test]
    fn what_this_action_did_not_write_is_no_record() {
        let tag = state("api").to_tag();
        let others = [
            String::new(),
            "yes".to_owned(),
            tag.replacen("v1", "v2", 1),
            tag.replacen("deployed", "exploded", 1),
            tag[..tag.len() - " api:7".len()].to_owned(),
            format!("{tag} more"),
            tag.replacen("1764523120", "soon", 1),
            "v1 unfinished".to_owned(),
        ];
        for other in others {
            assert_eq!(DeploymentRecord::from_tag(&other), None, "{other}");
        }
    }
}
