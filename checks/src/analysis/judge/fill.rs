//! A source, filled for one side: the query that is sent, and its words for people.

use crate::analysis::form::{Asks, Metric, Source};
use crate::analysis::question::{
    CloudWatchMetric, CloudWatchQuery, DatadogQuery, HttpQuery, LogQuery, PrometheusQuery, Query,
    Side,
};
use crate::analysis::sides::Sides;
use crate::secret::Secret;
use crate::template::{Template, Values};

/// What stands for the variables of queries.
#[derive(Debug, Clone)]
pub(in crate::analysis) struct Filling {
    pub(in crate::analysis) sides: Sides,
    pub(in crate::analysis) values: Values,
}

impl Filling {
    pub(in crate::analysis) fn query(&self, source: &Source, side: Side) -> Query {
        let values = self.sides.values(side, &self.values);
        let text = |text: &Template| text.render(&values);
        let secret = |secret: &Template| Secret::new(text(secret));
        let headers = |headers: &[(String, Template)]| {
            headers
                .iter()
                .map(|(name, value)| (name.clone(), secret(value)))
                .collect()
        };
        match &source.asks {
            Asks::CloudWatch {
                metrics,
                expression,
            } => Query::CloudWatch(CloudWatchQuery {
                metrics: metrics
                    .iter()
                    .map(|(id, metric)| (id.clone(), filled(metric, &values)))
                    .collect(),
                expression: expression.as_ref().map(text),
                period: source.grain.period,
            }),
            Asks::Prometheus {
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
            Asks::Datadog {
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
            Asks::Http {
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
            Asks::Logs { groups, filter } => Query::Logs(LogQuery {
                side,
                groups: groups.clone(),
                filter: filter.clone(),
            }),
        }
    }

    /// What is asked, in words, on one line and without secrets.
    pub(super) fn shown(&self, source: &Source, side: Side) -> String {
        let values = self.sides.values(side, &self.values);
        let text = |text: &Template| {
            text.masked(&values)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        match &source.asks {
            Asks::CloudWatch {
                metrics,
                expression: None,
            } => metrics.iter().map(|(_, metric)| words(metric)).collect(),
            Asks::CloudWatch {
                metrics,
                expression: Some(expression),
            } => {
                let named: Vec<String> = metrics
                    .iter()
                    .map(|(id, metric)| format!("{id} = {}", words(metric)))
                    .collect();
                format!("{} with {}", text(expression), named.join(", "))
            }
            Asks::Prometheus { query, .. } | Asks::Datadog { query, .. } => text(query),
            Asks::Http { url, path, .. } => format!("{path} of {}", text(url)),
            Asks::Logs { filter, .. } => format!("log lines with {filter}"),
        }
    }
}

fn filled(metric: &Metric, values: &Values) -> CloudWatchMetric {
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

fn words(metric: &Metric) -> String {
    format!("{} {} {}", metric.namespace, metric.name, metric.stat)
}
