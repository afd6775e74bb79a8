//! An entry's `matrix`: every combination of its values, of which each becomes a test or a flow of
//! its own.

use serde_json::Value;

use crate::document::{Content, Entry, Node, Place};
use crate::form::{FromNode, read_all};
use crate::reader::Reader;
use crate::smoke::flow::MatrixCell;
use crate::template::{Secrecy, is_value_name};

/// More than this is no longer a smoke test.
const MAX_COMBINATIONS: usize = 256;

/// The combinations, the last axis changing fastest.
#[derive(Debug, Clone)]
pub(super) struct Matrix(pub(super) Vec<Vec<MatrixCell>>);

impl FromNode for Matrix {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        let axes = read_all(reader, entries, read_axis)?;
        let size = axes
            .iter()
            .try_fold(1, |size: usize, axis| size.checked_mul(axis.len()));
        if axes.is_empty() || size.is_none_or(|size| size > MAX_COMBINATIONS) {
            let size = if axes.is_empty() {
                "no values".to_owned()
            } else {
                format!("more than {MAX_COMBINATIONS} combinations")
            };
            return reader.refuse(
                node.place,
                format!("{what} has {size}"),
                "Write lists such as `locale: [de, en]`, of a few values each",
            );
        }
        let combinations = axes
            .into_iter()
            .fold(vec![Vec::new()], |combinations, axis| {
                cross_product(&combinations, &axis)
            });
        Some(Self(combinations))
    }
}

/// Declares the names of an entry's matrix while the entry is read, whatever the order of its keys:
/// a value of one combination has no meaning outside of it.
pub(super) fn with_names<T>(
    reader: &mut Reader<'_>,
    entry: &Node,
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> T {
    let names: Vec<(String, Place)> = match entry.entry("matrix").map(|entry| &entry.value.content)
    {
        Some(Content::Mapping(axes)) => axes
            .iter()
            .map(|axis| (format!("matrix.{}", axis.key), axis.place))
            .collect(),
        Some(_) | None => Vec::new(),
    };
    for (name, place) in &names {
        reader.scope.declare(name, Secrecy::Open, *place);
    }
    let value = read(reader);
    for (name, _) in &names {
        reader.scope.remove(name);
    }
    value
}

fn cross_product(combinations: &[Vec<MatrixCell>], axis: &[MatrixCell]) -> Vec<Vec<MatrixCell>> {
    let with = |combination: &Vec<MatrixCell>, cell: &MatrixCell| {
        combination.iter().chain([cell]).cloned().collect()
    };
    combinations
        .iter()
        .flat_map(|combination| axis.iter().map(move |cell| with(combination, cell)))
        .collect()
}

fn read_axis(reader: &mut Reader<'_>, entry: &Entry) -> Option<Vec<MatrixCell>> {
    if !is_value_name(&entry.key) {
        let remedy = "Write letters, digits, `_` and `-`, beginning with a letter";
        reader.report(
            entry.place,
            format!("`{}` cannot be a name in a matrix", entry.key),
            remedy,
        );
    }
    let name = format!("matrix.{}", entry.key);
    let items = reader.list(&entry.value, &format!("`{}`", entry.key))?;
    if items.is_empty() {
        reader.report(
            entry.value.place,
            format!("`{}` has no values", entry.key),
            "Write at least one, or leave it out",
        );
    }
    let cells = read_all(reader, items, |reader, item| read_cell(reader, item, &name))?;
    for (index, cell) in cells
        .iter()
        .enumerate()
        .filter(|(index, cell)| cells[..*index].iter().any(|other| other.text == cell.text))
    {
        reader.report(
            items[index].place,
            format!("`{}` stands twice in `{}`", cell.text, entry.key),
            "Leave one of them out",
        );
    }
    Some(cells)
}

fn read_cell(reader: &mut Reader<'_>, node: &Node, name: &str) -> Option<MatrixCell> {
    let text = reader.text(node, "A value of a matrix")?;
    if text.contains("${") || text.contains(char::is_control) {
        reader.report(
            node.place,
            "A value of a matrix is one line without variables",
            "Write the value itself: it is shown as a part of the test's name",
        );
    }
    let json = match &node.content {
        Content::Boolean(value) => Value::Bool(*value),
        Content::Number(value) => Value::Number(value.clone()),
        Content::Null | Content::Text(_) | Content::List(_) | Content::Mapping(_) => {
            Value::String(text.clone())
        }
    };
    Some(MatrixCell {
        name: name.to_owned(),
        text,
        json,
    })
}

#[cfg(test)]
mod schema {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::super::names::Name;
    use super::Matrix;
    use crate::template::Template;

    /// Lists of values by name.
    #[derive(JsonSchema)]
    #[schemars(rename = "Matrix")]
    #[expect(dead_code, reason = "read by its derive only")]
    struct Axes(#[schemars(extend("minProperties" = 1))] BTreeMap<Name, MatrixValues>);

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct MatrixValues(#[schemars(length(min = 1))] Vec<Template>);

    crate::document_schema!(Matrix as Axes);
}
