//! `create-repository`: whether a missing repository is created, and how. The form is explained in
//! `docs/images.md`.

use super::collect::ProblemCollector;
use crate::checks::document::{Content, Node, read_document};
use crate::checks::document_form;
use crate::checks::form::{FromNode, read_all};
use crate::checks::reader::{DocumentResources, Fields, Reader};
use crate::documents::new_repository::{NewRepository, TagRule};
use crate::inputs::Inputs;
use crate::problem::Problem;
use crate::runner::Runner;

#[cfg(test)]
mod tests;

const INPUT: &str = "create-repository";
/// How many filters ECR accepts; below, how long each may be, and how many stars it may have.
const FILTERS: usize = 5;
const FILTER_LENGTH: usize = 128;
const STARS: usize = 2;

pub(super) fn settings(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<NewRepository> {
    let text = inputs.create_repository.as_deref()?;
    match text.to_lowercase().as_str() {
        "false" => None,
        "true" => Some(NewRepository::default()),
        _ if text.contains('\n') || text.contains(": ") || text.starts_with('{') => Some(
            collect
                .value_or_problems(parse(text, "inline"))
                .unwrap_or_default(),
        ),
        // A repository was asked for, so that it is missing is not reported as well.
        _ => Some(from_file(text, runner, collect).unwrap_or_default()),
    }
}

fn from_file(path: &str, runner: &Runner, collect: &mut ProblemCollector) -> Option<NewRepository> {
    let remedy = "use true, false, a mapping such as { scan-on-push: true, keep: 30 }, or the path of a file with one";
    if !path.contains(['/', '.']) && !runner.workspace.has_file(path) {
        collect.add_problem(
            INPUT,
            format!("`{path}` is neither true nor false, and no file in the workspace"),
            remedy,
        );
        return None;
    }
    let content = collect.read_file(INPUT, path, runner, remedy)?;
    collect.value_or_problems(parse(&content, path))
}

/// Reads the mapping; `origin` is the file as the user wrote it, or `inline`.
fn parse(text: &str, origin: &str) -> Result<NewRepository, Vec<Problem>> {
    let root = read_document(text, INPUT, origin)?;
    let mut reader = Reader::new(INPUT, origin, DocumentResources::NONE);
    let form = RepositoryForm::from_node(&mut reader, &root, INPUT);
    let problems = reader.finish();
    form.filter(|_| problems.is_empty())
        .map(RepositoryForm::into_repository)
        .ok_or(problems)
}

document_form! {
    #[schemars(rename = "Repository")]
    struct RepositoryForm: "the repository" {
        /// Scan images when they are pushed.
        scan_on_push: Option<bool>,
        /// How many images are kept; the others expire, oldest first. At least 2: a rollback needs the one before.
        keep: Option<Keep>,
        /// Which tags are immutable: can never name another image.
        immutable_tags: Option<TagRule>,
        /// The ARN of the KMS key that encrypts the images.
        kms_key: Option<KmsKey>,
    }
}

impl RepositoryForm {
    fn into_repository(self) -> NewRepository {
        NewRepository {
            scan_on_push: self.scan_on_push,
            max_images: self.keep.map(|keep| keep.0),
            tags: self.immutable_tags,
            kms_key: self.kms_key.map(|key| key.0),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Keep(u32);

impl FromNode for Keep {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if let Content::Number(number) = &node.content
            && let Some(Ok(number @ 2..)) = number.as_u64().map(u32::try_from)
        {
            return Some(Self(number));
        }
        reader.refuse(
            node.place,
            format!("{what} must be a whole number from 2 on: the image that runs and the one that a rollback needs"),
            "Write how many images to keep, such as `keep: 30`",
        )
    }
}

#[derive(Debug, Clone)]
struct KmsKey(String);

impl FromNode for KmsKey {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let key = reader.text(node, what)?;
        if key.trim().is_empty() {
            return reader.refuse(
                node.place,
                format!("{what} is empty"),
                format!("Write the key's ARN, or leave {what} out"),
            );
        }
        Some(Self(key))
    }
}

document_form! {
    /// Filters of tags, in which `*` stands for any text.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    struct Filters, check check_one_list {
        /// All tags are immutable but these.
        except: Option<TagFilters>,
        /// Only these tags are immutable.
        only: Option<TagFilters>,
    }
}

fn check_one_list(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    if fields.get("except").is_some() == fields.get("only").is_some() {
        reader.report(
            node.place,
            format!("{what} takes one of `except` and `only`"),
            "Write `except` with the tags that may move, or `only` with those that may not",
        );
    }
}

impl FromNode for TagRule {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        match &node.content {
            Content::Boolean(true) => Some(Self::Immutable),
            Content::Boolean(false) => Some(Self::Mutable),
            Content::Mapping(_) => {
                let Filters { except, only } = Filters::from_node(reader, node, what)?;
                let except = except.map(|filters| Self::ImmutableExcept(filters.0));
                except.or(only.map(|filters| Self::ImmutableOnly(filters.0)))
            }
            Content::Null | Content::Number(_) | Content::Text(_) | Content::List(_) => reader
                .refuse(
                    node.place,
                    format!("{what} must be true, false or a mapping"),
                    "Write `true`, `false`, `{ except: [latest] }` or `{ only: [\"v*\"] }`",
                ),
        }
    }
}

#[derive(Debug, Clone)]
struct TagFilters(Vec<String>);

impl FromNode for TagFilters {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = node.one_or_more();
        if items.is_empty() || items.len() > FILTERS {
            let count = items.len();
            reader.report(
                node.place,
                format!("{what} has {count} filters; ECR takes 1 to {FILTERS}"),
                "Write fewer, with `*` for any text",
            );
        }
        read_all(reader, items, |reader, item| {
            read_filter(reader, item, what)
        })
        .map(Self)
    }
}

fn read_filter(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
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

#[cfg(test)]
pub mod schema {
    //! The JSON Schema, for editors.
    #![expect(dead_code, reason = "the types are read by their derive only")]

    use schemars::JsonSchema;

    use super::{Filters, Keep, KmsKey, RepositoryForm, TagFilters, TagRule};
    use crate::checks::document_schema;

    /// Whether a missing ECR repository is created, and how. Settings that are not given are ECR's
    /// defaults.
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    enum CreateRepository {
        /// With ECR's defaults, or not at all.
        Word(bool),
        Mapping(RepositoryForm),
    }

    #[derive(JsonSchema)]
    #[schemars(untagged)]
    enum Tags {
        /// All, or none.
        Word(bool),
        Filters(Filters),
    }

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct FromOne(#[schemars(range(min = 1))] u32);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct NotEmpty(#[schemars(length(min = 1))] String);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct UpToFive(#[schemars(length(min = 1, max = 5))] Vec<String>);

    document_schema!(TagRule as Tags);
    document_schema!(Keep as FromOne);
    document_schema!(KmsKey as NotEmpty);
    document_schema!(TagFilters as UpToFive);

    /// The schema as it is in the repository.
    pub fn schema() -> serde_json::Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        settings
            .into_generator()
            .into_root_schema_for::<CreateRepository>()
            .to_value()
    }
}
