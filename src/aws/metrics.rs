//! CloudWatch: reads the points of many metrics with one GetMetricData.
//!
//! `batch` decides which questions share a request and which results answer which question; here
//! requests are only sent and read.

mod batch;
mod expression;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService, entries, number, text};
use super::{Aws, AwsError, AwsErrorKind};
use crate::checks::analysis::ask::SourceAnswer;
use crate::checks::analysis::question::{CloudWatchMetric, CloudWatchQuery, Point};
use batch::{Batch, BatchQuery, BatchQueryKind, Series, SeriesStatus};

/// CloudWatch without its logs.
pub(super) const CLOUDWATCH: SignedService = SignedService {
    signing_name: "monitoring",
    host: "monitoring",
    id: "CloudWatch",
    protocol: SignedProtocol::Json10("GraniteServiceVersion20100801"),
};
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
        let call = SignedCall::new(CLOUDWATCH, ACTION, self.partition.region());
        let mut series = Vec::new();
        let queries: Vec<Value> = batch.queries().iter().map(build_query).collect();
        let mut input = json!({
            "MetricDataQueries": queries,
            "StartTime": batch.since,
            "EndTime": batch.until,
            "ScanBy": "TimestampAscending",
        });
        for _ in 0..MAX_PAGES {
            let answer = self.read_signed(call, &input).await?;
            series.extend(
                entries(&answer["MetricDataResults"])
                    .iter()
                    .map(parse_result),
            );
            batch::add_messages(&mut series, &message_texts(&answer["Messages"]));
            match text(&answer["NextToken"]) {
                Some(next) => input["NextToken"] = json!(next),
                None => return Ok(series),
            }
        }
        Ok(series)
    }
}

fn build_query(query: &BatchQuery<'_>) -> Value {
    let (id, is_asked) = (&query.id, query.is_asked);
    match &query.kind {
        BatchQueryKind::Metric(metric) => {
            json!({ "Id": id, "ReturnData": is_asked, "MetricStat": build_stat(metric, query.period) })
        }
        BatchQueryKind::Expression(expression) => {
            json!({ "Id": id, "ReturnData": is_asked, "Expression": expression, "Period": query.period })
        }
    }
}

fn build_stat(metric: &CloudWatchMetric, period: i32) -> Value {
    let dimensions: Vec<Value> = metric
        .dimensions
        .iter()
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect();
    json!({
        "Metric": { "Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions },
        "Stat": metric.stat,
        "Period": period,
    })
}

fn parse_result(result: &Value) -> Series {
    let (times, values) = (entries(&result["Timestamps"]), entries(&result["Values"]));
    let points = times.iter().zip(values).filter_map(|(at, value)| {
        Some(Point {
            at: number(at)?,
            value: number(value)?,
        })
    });
    let status = match text(&result["StatusCode"]) {
        None | Some("Complete") => SeriesStatus::Complete,
        Some("PartialData") => SeriesStatus::Partial,
        Some("Forbidden") => SeriesStatus::Forbidden,
        Some(other) => SeriesStatus::Failed(other.to_owned()),
    };
    Series {
        id: text(&result["Id"]).unwrap_or_default().to_owned(),
        points: points.collect(),
        status,
        messages: message_texts(&result["Messages"]),
    }
}

/// `ArithmeticError: One or more data-points have been dropped …`.
fn message_texts(messages: &Value) -> Vec<String> {
    let code_and_value = |message: &Value| {
        [&message["Code"], &message["Value"]]
            .into_iter()
            .filter_map(text)
            .collect::<Vec<_>>()
            .join(": ")
    };
    entries(messages)
        .iter()
        .map(code_and_value)
        .filter(|words| !words.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_its_points_and_what_is_no_number_stays_none() {
        let result = json!({
            "Id": "q0", "StatusCode": "PartialData", "Timestamps": [60, 120.5, 180], "Values": [1, 0.25, "NaN"],
            "Messages": [{ "Code": "ArithmeticError", "Value": "dropped" }],
        });
        let series = parse_result(&result);
        let points: Vec<(f64, f64)> = series.points.iter().map(|it| (it.at, it.value)).collect();
        assert_eq!(points[..2], [(60.0, 1.0), (120.5, 0.25)]);
        assert!(points.len() == 3 && points[2].1.is_nan());
        assert_eq!(series.status, SeriesStatus::Partial);
        assert_eq!(series.messages, ["ArithmeticError: dropped"]);
    }
}
