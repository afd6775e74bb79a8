//! A CloudWatch metric, or metric math over some.

use crate::analysis::form::{Metric, QueryTemplate};
use crate::document::{Entry, Node};
use crate::document_form;
use crate::form::{FromNode, read_all};
use crate::reader::{Fields, Reader};
use crate::template::Template;
use crate::web_address::Texts;

use super::super::values::NonEmptyText;

/// The keys of a metric.
const METRIC_KEYS: &[&str] = &["namespace", "metric", "stat", "dimensions"];

document_form! {
    /// A metric, or metric math over `metrics`.
    #[schemars(extend("oneOf" = [{ "required": ["namespace", "metric", "stat"] }, { "required": ["metrics", "expression"] }]))]
    pub(in crate::analysis::parse) struct CloudWatch, check check_metric_or_math {
        namespace: Option<NonEmptyText>,
        metric: Option<NonEmptyText>,
        stat: Option<NonEmptyText>,
        dimensions: Option<Texts>,
        /// Metrics by the id that the expression knows.
        metrics: Option<CloudWatchMetrics>,
        /// Metric math.
        expression: Option<Template>,
    }
}

document_form! {
    #[schemars(rename = "CloudWatchMetric")]
    pub(in crate::analysis::parse) struct CloudWatchMetricForm {
        #[required("Write `namespace: AWS/ApplicationELB`")]
        namespace: NonEmptyText,
        #[required("Write `metric: RequestCount`")]
        metric: NonEmptyText,
        #[required("Write `stat: Sum`")]
        stat: NonEmptyText,
        dimensions: Option<Texts>,
    }
}

fn check_metric_or_math(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    match (fields.get("metrics"), fields.get("expression")) {
        (None, None) => {
            let examples = ["AWS/ApplicationELB", "RequestCount", "Sum"];
            for (key, example) in METRIC_KEYS.iter().zip(examples) {
                if fields.get(key).is_none() {
                    reader.report(
                        node.place,
                        format!("{what} has no `{key}`"),
                        format!("Write `{key}: {example}`"),
                    );
                }
            }
        }
        (Some(_), Some(_)) => {
            for entry in fields.entries_with(METRIC_KEYS) {
                reader.report(
                    entry.place,
                    format!("`{}` is beside `metrics`", entry.key),
                    "Write it in a metric of `metrics`",
                );
            }
        }
        (Some(single), None) | (None, Some(single)) => reader.report(
            single.place,
            "Metric math wants `metrics` and `expression`",
            "Write both: `metrics: { errors: …, requests: … }` and `expression: \"100 * errors / requests\"`",
        ),
    }
}

impl CloudWatch {
    pub(super) fn into_query(self) -> Option<QueryTemplate> {
        if let Some(CloudWatchMetrics(metrics)) = self.metrics {
            let expression = self.expression;
            return Some(QueryTemplate::CloudWatch {
                metrics,
                expression,
            });
        }
        let metric = CloudWatchMetricForm {
            namespace: self.namespace?,
            metric: self.metric?,
            stat: self.stat?,
            dimensions: self.dimensions,
        };
        Some(QueryTemplate::CloudWatch {
            metrics: vec![("m".to_owned(), metric.into_metric())],
            expression: None,
        })
    }
}

impl CloudWatchMetricForm {
    fn into_metric(self) -> Metric {
        Metric {
            namespace: self.namespace.0,
            name: self.metric.0,
            stat: self.stat.0,
            dimensions: self.dimensions.map(|texts| texts.0).unwrap_or_default(),
        }
    }
}

/// Metrics by their ids.
#[derive(Debug, Clone)]
pub(in crate::analysis::parse) struct CloudWatchMetrics(Vec<(String, Metric)>);

impl FromNode for CloudWatchMetrics {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        if entries.is_empty() {
            return reader.refuse(
                node.place,
                format!("{what} is empty"),
                "Write at least one metric with an id",
            );
        }
        read_all(reader, entries, |reader, entry| {
            check_id(reader, entry);
            let what = format!("metric `{}`", entry.key);
            let form = CloudWatchMetricForm::from_node(reader, &entry.value, &what)?;
            Some((entry.key.clone(), form.into_metric()))
        })
        .map(Self)
    }
}

fn check_id(reader: &mut Reader<'_>, Entry { key, place, .. }: &Entry) {
    let is_valid = key.starts_with(|first: char| first.is_ascii_lowercase())
        && key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !is_valid {
        reader.report(
            *place,
            format!("`{key}` is not an id of a metric"),
            "CloudWatch wants a small letter first, and letters, digits and `_`",
        );
    }
}

#[cfg(test)]
mod schema {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::{CloudWatchMetricForm, CloudWatchMetrics};

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct ById(#[schemars(extend("minProperties" = 1))] BTreeMap<String, CloudWatchMetricForm>);

    crate::document_schema!(CloudWatchMetrics as ById);
}
