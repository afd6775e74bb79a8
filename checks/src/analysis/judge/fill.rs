//! Fills a source's query for one side, and describes it for people.

use crate::analysis::form::{Metric, QueryTemplate, Source};
use crate::analysis::question::{
    CloudWatchMetric, CloudWatchQuery, DatadogQuery, HttpQuery, LogQuery, PrometheusQuery, Query,
    Side,
};
use crate::analysis::sides::Sides;
use crate::secret::Secret;
use crate::template::{Template, Values};

/// The values of the variables in queries.
#[derive(Debug, Clone)]
pub(in crate::analysis) struct QueryFiller {
    pub(in crate::analysis) sides: Sides,
    pub(in crate::analysis) values: Values,
}

impl QueryFiller {
    pub(in crate::analysis) fn fill(&self, source: &Source, side: Side) -> Query {
        let values = self.sides.values_for(side, &self.values);
        let text = |text: &Template| text.render(&values);
        let secret = |secret: &Template| Secret::new(text(secret));
        let headers = |headers: &[(String, Template)]| {
            headers
                .iter()
                .map(|(name, value)| (name.clone(), secret(value)))
                .collect()
        };
        match &source.query {
            QueryTemplate::CloudWatch {
                metrics,
                expression,
            } => Query::CloudWatch(CloudWatchQuery {
                metrics: metrics
                    .iter()
                    .map(|(id, metric)| (id.clone(), fill_metric(metric, &values)))
                    .collect(),
                expression: expression.as_ref().map(text),
                period: source.sampling.period,
            }),
            QueryTemplate::Prometheus {
                url,
                headers: sent,
                sigv4,
                query,
            } => Query::Prometheus(PrometheusQuery {
                url: text(url),
                headers: headers(sent),
                sigv4: sigv4.clone(),
                promql: text(query),
            }),
            QueryTemplate::Datadog {
                url,
                api_key,
                application_key,
                query,
            } => Query::Datadog(DatadogQuery {
                url: url.clone(),
                api_key: secret(api_key),
                application_key: secret(application_key),
                query: text(query),
            }),
            QueryTemplate::Http {
                url,
                headers: sent,
                body,
                path,
            } => Query::Http(HttpQuery {
                url: text(url),
                body: body.as_ref().map(secret),
                headers: headers(sent),
                path: path.clone(),
            }),
            QueryTemplate::Logs { groups, filter } => Query::Logs(LogQuery {
                side,
                groups: groups.clone(),
                filter: filter.clone(),
            }),
        }
    }

    /// The query for people, on one line and without secrets.
    pub(super) fn describe(&self, source: &Source, side: Side) -> String {
        let values = self.sides.values_for(side, &self.values);
        let text = |text: &Template| {
            text.render_masked(&values)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        match &source.query {
            QueryTemplate::CloudWatch {
                metrics,
                expression: None,
            } => metrics
                .iter()
                .map(|(_, metric)| describe_metric(metric))
                .collect(),
            QueryTemplate::CloudWatch {
                metrics,
                expression: Some(expression),
            } => {
                let definitions: Vec<String> = metrics
                    .iter()
                    .map(|(id, metric)| format!("{id} = {}", describe_metric(metric)))
                    .collect();
                format!("{} with {}", text(expression), definitions.join(", "))
            }
            QueryTemplate::Prometheus { query, .. } | QueryTemplate::Datadog { query, .. } => {
                text(query)
            }
            QueryTemplate::Http { url, path, .. } => format!("{path} of {}", text(url)),
            QueryTemplate::Logs { filter, .. } => format!("log lines with {filter}"),
        }
    }
}

fn fill_metric(metric: &Metric, values: &Values) -> CloudWatchMetric {
    let dimensions = metric
        .dimensions
        .iter()
        .map(|(name, value)| (name.clone(), value.render(values)));
    CloudWatchMetric {
        namespace: metric.namespace.clone(),
        name: metric.name.clone(),
        dimensions: dimensions.collect(),
        stat: metric.stat.clone(),
    }
}

fn describe_metric(metric: &Metric) -> String {
    format!("{} {} {}", metric.namespace, metric.name, metric.stat)
}
