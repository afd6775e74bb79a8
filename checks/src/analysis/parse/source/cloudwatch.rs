//! A CloudWatch metric, or metric math over some.

use crate::analysis::form::{Asks, Metric};
use crate::document::{Entry, Node};
use crate::reader::{Fields, Reader};

use super::super::keys::{CLOUDWATCH_KEYS, CLOUDWATCH_METRIC_KEYS};

pub(super) fn cloudwatch(reader: &mut Reader<'_>, node: &Node) -> Option<Asks> {
    let fields = reader.fields(node, "`cloudwatch`", CLOUDWATCH_KEYS)?;
    match (fields.get("metrics"), fields.get("expression")) {
        (None, None) => {
            let metric = metric(reader, node, &fields, "`cloudwatch`")?;
            Some(Asks::CloudWatch { metrics: vec![("m".to_owned(), metric)], expression: None })
        }
        (Some(metrics), Some(expression)) => math(reader, &fields, metrics, expression),
        (Some(lonely), None) | (None, Some(lonely)) => reader.refuse(
            lonely.place,
            "Metric math wants `metrics` and `expression`",
            "Write both: `metrics: { errors: …, requests: … }` and `expression: \"100 * errors / requests\"`",
        ),
    }
}

fn math(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    metrics: &Node,
    expression: &Node,
) -> Option<Asks> {
    for entry in fields.among(CLOUDWATCH_METRIC_KEYS) {
        reader.report(
            entry.place,
            format!("`{}` stands beside `metrics`", entry.key),
            "Write it in a metric of `metrics`",
        );
    }
    let entries = reader.entries(metrics, "`metrics`")?;
    if entries.is_empty() {
        return reader.refuse(
            metrics.place,
            "`metrics` is empty",
            "Write at least one metric with an id",
        );
    }
    let read: Vec<_> = entries.iter().map(|entry| named(reader, entry)).collect();
    let expression = reader.template(expression, "`expression`");
    Some(Asks::CloudWatch {
        metrics: read.into_iter().collect::<Option<_>>()?,
        expression: Some(expression?),
    })
}

fn named(reader: &mut Reader<'_>, entry: &Entry) -> Option<(String, Metric)> {
    let legal = entry
        .key
        .starts_with(|first: char| first.is_ascii_lowercase())
        && entry
            .key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !legal {
        let remedy = "CloudWatch wants a small letter first, and letters, digits and `_`";
        reader.report(
            entry.place,
            format!("`{}` is not an id of a metric", entry.key),
            remedy,
        );
    }
    let what = format!("metric `{}`", entry.key);
    let fields = reader.fields(&entry.value, &what, CLOUDWATCH_METRIC_KEYS)?;
    let metric = metric(reader, &entry.value, &fields, &what)?;
    legal.then(|| (entry.key.clone(), metric))
}

fn metric(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) -> Option<Metric> {
    let mut word = |key: &str, example: &str| match fields.get(key) {
        Some(node) => reader.non_empty_text(node, &format!("`{key}`")),
        None => reader.refuse(
            node.place,
            format!("{what} has no `{key}`"),
            format!("Write `{key}: {example}`"),
        ),
    };
    let (namespace, name, stat) = (
        word("namespace", "AWS/ApplicationELB"),
        word("metric", "RequestCount"),
        word("stat", "Sum"),
    );
    let dimensions = fields.get("dimensions").map_or_else(
        || Some(Vec::new()),
        |node| reader.templates(node, "`dimensions`"),
    );
    Some(Metric {
        namespace: namespace?,
        name: name?,
        stat: stat?,
        dimensions: dimensions?,
    })
}
