//! `create-repository`: whether a missing repository is made, and how. The form is explained in
//! `docs/images.md`.

use super::collect::Collect;
use crate::checks::document::{Content, Node, read_document};
use crate::checks::reader::{Fields, Outside, Reader};
use crate::inputs::Inputs;
use crate::problem::Problem;
use crate::runner::Runner;

#[cfg(test)]
pub mod schema;
#[cfg(test)]
mod tests;

/// A repository that is to be made when it is missing. What is not given is not set: ECR's own
/// defaults hold then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRepository {
    /// Whether images are scanned when they are pushed.
    pub scan_on_push: Option<bool>,
    /// How many images are kept; the others expire, oldest first.
    pub keep: Option<u32>,
    /// Which tags may move.
    pub tags: Option<TagRule>,
    /// The KMS key that encrypts the images.
    pub kms_key: Option<String>,
}

impl NewRepository {
    /// Whether anything but ECR's defaults was asked for.
    pub fn is_particular(&self) -> bool {
        *self != Self::default()
    }
}

/// Which tags stay where they are once they were given. Filters are texts in which `*` stands for
/// anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagRule {
    /// None.
    Movable,
    /// All.
    Immutable,
    /// All but those that a filter matches.
    ImmutableExcept(Vec<String>),
    /// Those that a filter matches.
    ImmutableOnly(Vec<String>),
}

const INPUT: &str = "create-repository";
pub(super) const KEYS: &[&str] = &["scan-on-push", "keep", "immutable-tags", "kms-key"];
pub(super) const TAG_KEYS: &[&str] = &["except", "only"];
/// ECR takes so many filters, of so many letters, with so many stars each.
const FILTERS: usize = 5;
const FILTER_LENGTH: usize = 128;
const STARS: usize = 2;

pub(super) fn settings(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut Collect,
) -> Option<NewRepository> {
    let text = inputs.create_repository.as_deref()?;
    match text.to_lowercase().as_str() {
        "false" => None,
        "true" => Some(NewRepository::default()),
        _ if text.contains('\n') || text.contains(": ") || text.starts_with('{') => {
            Some(collect.keep_all(parse(text, "inline")).unwrap_or_default())
        }
        // It was asked for: that it is missing is not said besides.
        _ => Some(from_file(text, runner, collect).unwrap_or_default()),
    }
}

fn from_file(path: &str, runner: &Runner, collect: &mut Collect) -> Option<NewRepository> {
    let remedy = "use true, false, a mapping such as { scan-on-push: true, keep: 30 }, or the path of a file with one";
    if !path.contains(['/', '.']) && !runner.workspace.has(path) {
        collect.problem(
            INPUT,
            format!("`{path}` is neither true nor false, and no file in the workspace"),
            remedy,
        );
        return None;
    }
    let content = collect.file(INPUT, path, runner, remedy)?;
    collect.keep_all(parse(&content, path))
}

/// Reads the mapping; `origin` is the file as the user wrote it, or `inline`.
fn parse(text: &str, origin: &str) -> Result<NewRepository, Vec<Problem>> {
    let root = read_document(text, INPUT, origin)?;
    let mut reader = Reader::new(INPUT, origin, Outside::NOTHING);
    let repository = repository(&mut reader, &root).unwrap_or_default();
    let problems = reader.finish();
    if problems.is_empty() {
        Ok(repository)
    } else {
        Err(problems)
    }
}

fn repository(reader: &mut Reader<'_>, root: &Node) -> Option<NewRepository> {
    let fields = reader.fields(root, "the repository", KEYS)?;
    Some(NewRepository {
        scan_on_push: fields
            .get("scan-on-push")
            .and_then(|node| reader.boolean(node, "`scan-on-push`")),
        keep: fields.get("keep").and_then(|node| keep(reader, node)),
        tags: fields
            .get("immutable-tags")
            .and_then(|node| tags(reader, node)),
        kms_key: fields.get("kms-key").and_then(|node| key(reader, node)),
    })
}

fn keep(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    let number = match &node.content {
        Content::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number > 0),
        Content::Null
        | Content::Boolean(_)
        | Content::Text(_)
        | Content::List(_)
        | Content::Mapping(_) => None,
    };
    if number.is_none() {
        reader.report(
            node.place,
            "`keep` must be a whole number from 1 on",
            "Write how many images to keep, such as `keep: 30`",
        );
    }
    number
}

fn key(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let key = reader.text(node, "`kms-key`")?;
    if key.trim().is_empty() {
        reader.report(
            node.place,
            "`kms-key` is empty",
            "Write the key's ARN, or leave `kms-key` out",
        );
    }
    Some(key)
}

fn tags(reader: &mut Reader<'_>, node: &Node) -> Option<TagRule> {
    match &node.content {
        Content::Boolean(true) => Some(TagRule::Immutable),
        Content::Boolean(false) => Some(TagRule::Movable),
        Content::Mapping(_) => {
            let fields = reader.fields(node, "`immutable-tags`", TAG_KEYS)?;
            rule(reader, node, &fields)
        }
        Content::Null | Content::Number(_) | Content::Text(_) | Content::List(_) => {
            let remedy = "Write `true`, `false`, `{ except: [latest] }` or `{ only: [\"v*\"] }`";
            reader.report(
                node.place,
                "`immutable-tags` must be true, false or a mapping",
                remedy,
            );
            None
        }
    }
}

fn rule(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>) -> Option<TagRule> {
    match (fields.get("except"), fields.get("only")) {
        (Some(except), None) => filters(reader, except, "`except`").map(TagRule::ImmutableExcept),
        (None, Some(only)) => filters(reader, only, "`only`").map(TagRule::ImmutableOnly),
        (Some(_), Some(_)) | (None, None) => {
            let remedy =
                "Write `except` with the tags that may move, or `only` with those that may not";
            reader.report(
                node.place,
                "`immutable-tags` takes one of `except` and `only`",
                remedy,
            );
            None
        }
    }
}

fn filters(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Vec<String>> {
    let items = if let Content::List(items) = &node.content {
        items.as_slice()
    } else {
        std::slice::from_ref(node)
    };
    if items.is_empty() || items.len() > FILTERS {
        reader.report(
            node.place,
            format!(
                "{what} has {} filters; ECR takes 1 to {FILTERS}",
                items.len()
            ),
            "Write fewer, with `*` for any text",
        );
    }
    let filters: Vec<_> = items
        .iter()
        .map(|item| filter(reader, item, what))
        .collect();
    filters.into_iter().collect()
}

fn filter(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
    let text = reader.text(node, what)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
    let is_filter = (1..=FILTER_LENGTH).contains(&text.len())
        && text.bytes().all(fits)
        && text.matches('*').count() <= STARS;
    if !is_filter {
        let message = format!("`{}` is not a filter of tags", text.escape_debug());
        reader.report(
            node.place,
            message,
            "Use letters, digits, `.`, `_`, `-` and at most two `*`",
        );
    }
    Some(text)
}
