//! CloudWatch: reads the points of many metrics with one GetMetricData.
//!
//! `batch` decides which questions share a request and which results answer which question; here
//! requests are only sent and read.

mod batch;
mod expression;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, MessageData, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
};
use futures_util::future::join_all;

use super::error::from_sdk;
use super::{Aws, AwsError, AwsErrorKind};
use crate::checks::analysis::ask::SourceAnswer;
use crate::checks::analysis::question::{CloudWatchMetric, CloudWatchQuery, Point};
use batch::{Batch, Series, SeriesStatus};

const ACTION: &str = "cloudwatch:GetMetricData";
/// A page holds 100,800 points: the windows of a rollout never fill even one.
const MAX_PAGES: usize = 20;

/// One question to CloudWatch; times are seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct MetricQuestion<'q> {
    /// Returned with the answer.
    pub id: usize,
    /// The query.
    pub query: &'q CloudWatchQuery,
    /// The start of the window, in seconds since 1970.
    pub since: f64,
    /// The end of the window, in seconds since 1970; exclusive.
    pub until: f64,
}

impl Aws {
    /// Answers all questions, with one request where their expressions allow it.
    ///
    /// # Errors
    ///
    /// The request failed. A question that CloudWatch cannot answer fails alone.
    pub async fn get_metric_data(
        &self,
        questions: &[MetricQuestion<'_>],
    ) -> Result<Vec<(usize, SourceAnswer)>, AwsError> {
        let mut answers = Vec::new();
        for batch in join_all(
            batch::batches(questions)
                .iter()
                .map(|batch| self.ask_batch(batch)),
        )
        .await
        {
            answers.extend(batch?);
        }
        Ok(answers)
    }

    /// CloudWatch refuses a whole request for one bad query in it. Then each question is sent
    /// alone, so that only the bad one fails.
    async fn ask_batch(&self, batch: &Batch<'_>) -> Result<Vec<(usize, SourceAnswer)>, AwsError> {
        match self.read_series(batch).await {
            Ok(series) => Ok(batch.answers(&series)),
            Err(error) if error.kind == AwsErrorKind::Refused => {
                let single_batches = batch.split();
                if single_batches.len() == 1 {
                    return Ok(batch.fail_all(&error.to_string()));
                }
                let answers = join_all(
                    single_batches
                        .iter()
                        .map(|batch| async move { (batch, self.read_series(batch).await) }),
                )
                .await;
                let answers = answers.into_iter().map(|(batch, series)| match series {
                    Ok(series) => Ok(batch.answers(&series)),
                    Err(error) if error.kind == AwsErrorKind::Refused => {
                        Ok(batch.fail_all(&error.to_string()))
                    }
                    Err(error) => Err(error),
                });
                Ok(answers
                    .collect::<Result<Vec<_>, _>>()?
                    .into_iter()
                    .flatten()
                    .collect())
            }
            Err(error) => Err(error),
        }
    }

    async fn read_series(&self, batch: &Batch<'_>) -> Result<Vec<Series>, AwsError> {
        let (mut series, mut token) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let call = self
                .cloudwatch()
                .get_metric_data()
                .set_metric_data_queries(Some(build_queries(batch)));
            let call = call
                .start_time(DateTime::from_secs_f64(batch.since))
                .end_time(DateTime::from_secs_f64(batch.until));
            let answer = from_sdk(
                ACTION,
                call.scan_by(ScanBy::TimestampAscending)
                    .set_next_token(token.take())
                    .send()
                    .await,
            )?;
            series.extend(answer.metric_data_results().iter().map(parse_result));
            batch::add_messages(&mut series, &message_texts(answer.messages()));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(series),
            }
        }
        Ok(series)
    }
}

fn build_queries(batch: &Batch<'_>) -> Vec<MetricDataQuery> {
    let queries = batch.queries();
    let built = queries.into_iter().map(|query| {
        let builder = MetricDataQuery::builder()
            .id(query.id)
            .return_data(query.is_asked);
        match query.kind {
            batch::BatchQueryKind::Metric(metric) => builder
                .metric_stat(build_stat(metric, query.period))
                .build(),
            batch::BatchQueryKind::Expression(expression) => {
                builder.expression(expression).period(query.period).build()
            }
        }
    });
    built.collect()
}

fn build_stat(metric: &CloudWatchMetric, period: i32) -> MetricStat {
    let dimensions = metric
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build())
        .collect();
    let what = Metric::builder()
        .namespace(&metric.namespace)
        .metric_name(&metric.name)
        .set_dimensions(Some(dimensions))
        .build();
    MetricStat::builder()
        .metric(what)
        .stat(&metric.stat)
        .period(period)
        .build()
}

fn parse_result(result: &MetricDataResult) -> Series {
    let points = result
        .timestamps()
        .iter()
        .zip(result.values())
        .map(|(at, value)| Point {
            at: at.as_secs_f64(),
            value: *value,
        });
    let fate = match result
        .status_code()
        .map(aws_sdk_cloudwatch::types::StatusCode::as_str)
    {
        None | Some("Complete") => SeriesStatus::Complete,
        Some("PartialData") => SeriesStatus::Partial,
        Some("Forbidden") => SeriesStatus::Forbidden,
        Some(other) => SeriesStatus::Failed(other.to_owned()),
    };
    Series {
        id: result.id().unwrap_or_default().to_owned(),
        points: points.collect(),
        status: fate,
        messages: message_texts(result.messages()),
    }
}

/// `ArithmeticError: One or more data-points have been dropped …`.
fn message_texts(messages: &[MessageData]) -> Vec<String> {
    let code_and_value = |message: &MessageData| {
        [message.code(), message.value()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(": ")
    };
    messages
        .iter()
        .map(code_and_value)
        .filter(|words| !words.is_empty())
        .collect()
}
