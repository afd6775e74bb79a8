//! `containers` and `task` of an environment: what it changes in the task definition.

use crate::checks::document::{Content, Entry, Node};
use crate::checks::reader::{Reader, suggest_choices};
use crate::documents::pairs::Pair;
use crate::documents::patch::{
    CONTAINER_FIELDS, ContainerPatch, DefinitionPatch, PatchField, PatchKind, PatchValue,
    PatchedFields, TASK_FIELDS,
};
use crate::secret::Secret;

/// The keys beside the inputs.
pub(super) const KEYS: [&str; 2] = ["containers", "task"];

/// Reads one of [`KEYS`].
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry, origin: &str) -> DefinitionPatch {
    let mut patch = DefinitionPatch::default();
    if matches!(entry.value.content, Content::Null) {
        return patch;
    }
    if entry.key == "task" {
        patch.task = read_fields(reader, &entry.value, "`task`", &TASK_FIELDS);
        return patch;
    }
    for container in reader.entries(&entry.value, "`containers`").unwrap_or(&[]) {
        let what = format!("container `{}`", container.key);
        let fields = match container.value.content {
            Content::Null => PatchedFields::new(),
            _ => read_fields(reader, &container.value, &what, &CONTAINER_FIELDS),
        };
        let position = container.place.to_position(origin);
        let read = ContainerPatch { position, fields };
        patch.containers.insert(container.key.clone(), read);
    }
    patch
}

fn read_fields(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    known: &[PatchField],
) -> PatchedFields {
    let keys: Vec<&str> = known.iter().map(|field| field.key).collect();
    let mut fields = PatchedFields::new();
    for entry in reader.entries(node, what).unwrap_or(&[]) {
        let Some(field) = known.iter().find(|field| field.key == entry.key) else {
            let message = format!("Unknown key `{}` in {what}", entry.key);
            reader.report(entry.place, message, suggest_choices(&entry.key, &keys));
            continue;
        };
        if !matches!(entry.value.content, Content::Null)
            && let Some(value) = read_value(reader, entry, field.kind)
        {
            fields.insert(field.name, value);
        }
    }
    refuse_shared_names(reader, node, &fields);
    fields
}

/// A name is a variable or a secret.
fn refuse_shared_names(reader: &mut Reader<'_>, node: &Node, fields: &PatchedFields) {
    let (Some(PatchValue::Pairs(variables)), Some(Content::Mapping(secrets))) = (
        fields.get("environment"),
        node.entry("secrets").map(|entry| &entry.value.content),
    ) else {
        return;
    };
    let is_variable = |secret: &&Entry| variables.iter().any(|pair| pair.name == secret.key);
    for secret in secrets.iter().filter(is_variable) {
        let message = format!("`{}` is in `environment` too", secret.key);
        reader.report(secret.place, message, "Keep it in one of the two");
    }
}

fn read_value(reader: &mut Reader<'_>, entry: &Entry, kind: PatchKind) -> Option<PatchValue> {
    let what = format!("`{}`", entry.key);
    match kind {
        PatchKind::Pairs => {
            let pairs = reader.entries(&entry.value, &what)?;
            let pairs = pairs.iter().filter_map(|pair| {
                let value = reader.text(&pair.value, &format!("`{}`", pair.key))?;
                Some(Pair {
                    name: pair.key.clone(),
                    value: Secret::new(value),
                })
            });
            Some(PatchValue::Pairs(pairs.collect()))
        }
        PatchKind::Words => {
            let words = reader.list(&entry.value, &what)?;
            let words = words.iter().filter_map(|word| reader.text(word, &what));
            Some(PatchValue::Words(words.collect()))
        }
        PatchKind::Number => {
            let text = reader.text(&entry.value, &what)?;
            let number = text.trim().parse().ok().filter(|number| *number > 0);
            number.map(PatchValue::Number).or_else(|| {
                reader.refuse(
                    entry.value.place,
                    format!("{what}: `{text}` is not a whole number from 1"),
                    "Write a number such as `512`, without a unit",
                )
            })
        }
    }
}
