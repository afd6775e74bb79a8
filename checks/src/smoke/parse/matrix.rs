//! An entry's `matrix`: every combination of its values, of which each becomes a test or a flow of
//! its own.

use serde_json::Value;

use crate::document::{Content, Entry, Node};
use crate::reader::Reader;
use crate::smoke::flow::Cell;
use crate::template::{Secrecy, is_value_name};

/// More than this is no longer a smoke test.
const MOST: usize = 256;

/// Reads a matrix and makes its names known; what it comes to are its combinations, the last axis
/// changing fastest.
pub(super) fn matrix(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Vec<Cell>>> {
    let entries = reader.entries(node, "`matrix`")?;
    let axes: Vec<_> = entries.iter().map(|entry| axis(reader, entry)).collect();
    let axes: Vec<Vec<Cell>> = axes.into_iter().collect::<Option<_>>()?;
    let size = axes
        .iter()
        .try_fold(1, |size: usize, axis| size.checked_mul(axis.len()));
    if axes.is_empty() || size.is_none_or(|size| size > MOST) {
        let size = if axes.is_empty() {
            "no values".to_owned()
        } else {
            format!("more than {MOST} combinations")
        };
        reader.report(
            node.place,
            format!("`matrix` has {size}"),
            "Write lists such as `locale: [de, en]`, of a few values each",
        );
        return None;
    }
    Some(
        axes.into_iter()
            .fold(vec![Vec::new()], |combinations, axis| {
                product(&combinations, &axis)
            }),
    )
}

fn product(combinations: &[Vec<Cell>], axis: &[Cell]) -> Vec<Vec<Cell>> {
    let with =
        |combination: &Vec<Cell>, cell: &Cell| combination.iter().chain([cell]).cloned().collect();
    combinations
        .iter()
        .flat_map(|combination| axis.iter().map(move |cell| with(combination, cell)))
        .collect()
}

fn axis(reader: &mut Reader<'_>, entry: &Entry) -> Option<Vec<Cell>> {
    if !is_value_name(&entry.key) {
        let remedy = "Write letters, digits, `_` and `-`, beginning with a letter";
        reader.report(
            entry.place,
            format!("`{}` cannot be a name in a matrix", entry.key),
            remedy,
        );
    }
    let name = format!("matrix.{}", entry.key);
    reader.scope.declare(&name, Secrecy::Open, entry.place);
    let items = reader.list(&entry.value, &format!("`{}`", entry.key))?;
    if items.is_empty() {
        reader.report(
            entry.value.place,
            format!("`{}` has no values", entry.key),
            "Write at least one, or leave it out",
        );
    }
    let cells: Vec<_> = items.iter().map(|item| cell(reader, item, &name)).collect();
    let cells: Vec<Cell> = cells.into_iter().collect::<Option<_>>()?;
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

fn cell(reader: &mut Reader<'_>, node: &Node, name: &str) -> Option<Cell> {
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
    Some(Cell {
        name: name.to_owned(),
        text,
        json,
    })
}
