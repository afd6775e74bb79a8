//! Answers the questions of analysis: each from its source, all at the same time, all CloudWatch
//! questions with one request.
//!
//! If a source cannot be read, the answer says so in words without secrets; nothing here decides
//! what follows from it. A denied action is reported once, and named in every answer that it
//! affects.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::Value;

use super::log_lines::{self, SideLogs, answer_from_error};
use crate::aws::ecs_shapes::Task;
use crate::aws::metrics::MetricQuestion;
use crate::aws::sigv4::QUERY_METRICS;
use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::analysis::ask::{self, Access, SourceAnswer};
use crate::checks::analysis::question::{Answer, LogQuery, PrometheusQuery, Query, Question, Side};
use crate::documents::described;
use crate::event::Event;
use crate::identity::RevisionArn;
use crate::run::Run;
use crate::scrub::to_one_line;
use crate::undo::ServiceKey;

/// Longer notes are cut.
const MAX_NOTE_LENGTH: usize = 300;

/// The revision of a side, by which its tasks are found.
#[derive(Debug, Clone, Copy)]
pub struct SideRevision<'a> {
    /// The revision's ARN.
    pub revision: &'a RevisionArn,
    /// Its task definition, where it is known already; otherwise it is read when logs are asked
    /// for.
    pub definition: Option<&'a Value>,
}

/// All sources that analysis can ask.
pub struct MetricSources<'a> {
    run: &'a Run,
    place: &'a ServiceKey,
    blue: Option<SideRevision<'a>>,
    green: SideRevision<'a>,
    client: OnceLock<Result<Client, String>>,
    reported_notes: Mutex<BTreeSet<String>>,
}

impl<'a> MetricSources<'a> {
    /// The sources of a service with its sides; there is no blue at a service's first deployment.
    pub fn new(
        run: &'a Run,
        place: &'a ServiceKey,
        blue: Option<SideRevision<'a>>,
        green: SideRevision<'a>,
    ) -> Self {
        Self {
            run,
            place,
            blue,
            green,
            client: OnceLock::new(),
            reported_notes: Mutex::default(),
        }
    }

    /// Every question's answer, in no particular order.
    pub async fn ask(&self, questions: Vec<Question>) -> Vec<(usize, Answer)> {
        let (metrics, others, logs) = tokio::join!(
            self.ask_cloudwatch(&questions),
            self.ask_others(&questions),
            self.ask_logs(&questions)
        );
        let answers = metrics.into_iter().chain(others).chain(logs);
        answers
            .map(|(id, answer)| (id, self.report_notes(answer)))
            .collect()
    }

    /// Reports the notes of an answer, each only once per run.
    fn report_notes(&self, answer: SourceAnswer) -> Answer {
        for note in answer.notes {
            let sentence = to_one_line(&note, MAX_NOTE_LENGTH);
            if self
                .reported_notes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(sentence.clone())
            {
                self.run.emit(Event::Noted {
                    sentence: sentence.into(),
                });
            }
        }
        answer.answer
    }

    async fn ask_cloudwatch(&self, questions: &[Question]) -> Vec<(usize, SourceAnswer)> {
        let cloudwatch_questions: Vec<MetricQuestion<'_>> =
            questions.iter().filter_map(cloudwatch_question).collect();
        if cloudwatch_questions.is_empty() {
            return Vec::new();
        }
        match self.run.aws.get_metric_data(&cloudwatch_questions).await {
            Ok(answers) => answers,
            Err(error) => {
                let answer =
                    answer_from_error(self.run, "metrics of CloudWatch are not measured", &error);
                cloudwatch_questions
                    .iter()
                    .map(|question| (question.id, answer.clone()))
                    .collect()
            }
        }
    }

    async fn ask_others(&self, questions: &[Question]) -> Vec<(usize, SourceAnswer)> {
        let answers = questions.iter().map(async |question| {
            self.ask_other(question)
                .await
                .map(|answer| (question.id, answer))
        });
        join_all(answers).await.into_iter().flatten().collect()
    }

    async fn ask_other(&self, question: &Question) -> Option<SourceAnswer> {
        let (since, until) = (question.since, question.until);
        let client = match &question.query {
            Query::CloudWatch(_) | Query::Logs(_) => return None,
            Query::Prometheus(_) | Query::Datadog(_) | Query::Http(_) => {
                match self.client.get_or_init(ask::build_client) {
                    Ok(client) => client,
                    Err(words) => {
                        return Some(SourceAnswer {
                            answer: Answer::Failed(words.clone()),
                            notes: Vec::new(),
                            access: Access::Granted,
                        });
                    }
                }
            }
        };
        match &question.query {
            Query::Prometheus(query) => Some(self.ask_prometheus(client, query, until).await),
            Query::Datadog(query) => Some(ask::datadog(client, query, since, until).await),
            Query::Http(query) => Some(ask::http(client, query, until).await),
            Query::CloudWatch(_) | Query::Logs(_) => None,
        }
    }

    async fn ask_prometheus(
        &self,
        client: &Client,
        query: &PrometheusQuery,
        until: f64,
    ) -> SourceAnswer {
        const LIMITED: &str = "metrics of Amazon Managed Service for Prometheus are not measured";
        let Some(region) = &query.sigv4 else {
            return ask::prometheus(client, query, until, None).await;
        };
        let endpoint = self
            .run
            .runner
            .variables
            .get("AWS_ENDPOINT_URL")
            .map(String::as_str);
        let signer = match self.run.aws.prometheus_signer(region, endpoint).await {
            Ok(signer) => signer,
            Err(error) => return answer_from_error(self.run, LIMITED, &error),
        };
        let answer =
            ask::prometheus(client, query, until, Some(&|request| signer.sign(request))).await;
        match (answer.access, &answer.answer) {
            (Access::Denied, Answer::Failed(words)) => {
                let error = AwsError {
                    action: QUERY_METRICS,
                    kind: AwsErrorKind::Denied,
                    code: String::new(),
                    message: words.clone(),
                };
                answer_from_error(self.run, LIMITED, &error)
            }
            _ => answer,
        }
    }

    async fn ask_logs(&self, questions: &[Question]) -> Vec<(usize, SourceAnswer)> {
        let log_questions = questions
            .iter()
            .filter_map(|question| match &question.query {
                Query::Logs(query) => Some((question, query)),
                Query::CloudWatch(_)
                | Query::Prometheus(_)
                | Query::Datadog(_)
                | Query::Http(_) => None,
            });
        let log_questions: Vec<(&Question, &LogQuery)> = log_questions.collect();
        if log_questions.is_empty() {
            return Vec::new();
        }
        let tasks = log_lines::read_tasks(self.run, self.place).await;
        let counted = log_questions.iter().map(async |(question, query)| {
            (question.id, self.count_lines(&tasks, question, query).await)
        });
        join_all(counted).await
    }

    async fn count_lines(
        &self,
        tasks: &Result<Vec<Task>, AwsError>,
        question: &Question,
        query: &LogQuery,
    ) -> SourceAnswer {
        let counted = async {
            let version = self
                .side_revision(query.side)
                .map_err(CountError::Sentence)?;
            let tasks = tasks
                .as_ref()
                .map_err(|error| CountError::Aws(error.clone()))?;
            let tasks = tasks
                .iter()
                .filter(|task| task.task_definition_arn == *version.revision)
                .cloned()
                .collect();
            let definition = self
                .read_definition(version)
                .await
                .map_err(CountError::Aws)?;
            let logging = SideLogs {
                revision: version.revision.clone(),
                definition,
                tasks,
            };
            Ok(log_lines::count(self.run, &logging, query, question.since, question.until).await)
        };
        match counted.await {
            Ok(told) => told,
            Err(CountError::Aws(error)) => answer_from_error(self.run, log_lines::LIMITED, &error),
            Err(CountError::Sentence(words)) => SourceAnswer {
                answer: Answer::Failed(words),
                notes: Vec::new(),
                access: Access::Granted,
            },
        }
    }

    /// The side's revision, if it differs from that of the other side.
    fn side_revision(&self, side: Side) -> Result<SideRevision<'a>, String> {
        if self
            .blue
            .is_some_and(|blue| blue.revision == self.green.revision)
        {
            return Err(
                "blue and green run the same revision, so their logs cannot be told apart"
                    .to_owned(),
            );
        }
        match side {
            Side::Green => Ok(self.green),
            Side::Blue => self
                .blue
                .ok_or_else(|| "there is no blue whose logs could be read".to_owned()),
        }
    }

    async fn read_definition(&self, version: SideRevision<'_>) -> Result<Value, AwsError> {
        match version.definition {
            Some(definition) => Ok(definition.clone()),
            None => Ok(described::from_described(
                &self
                    .run
                    .aws
                    .describe_task_definition(version.revision.as_str())
                    .await?,
            )),
        }
    }
}

fn cloudwatch_question(question: &Question) -> Option<MetricQuestion<'_>> {
    let Question {
        id,
        query,
        since,
        until,
    } = question;
    match query {
        Query::CloudWatch(query) => Some(MetricQuestion {
            id: *id,
            query,
            since: *since,
            until: *until,
        }),
        Query::Prometheus(_) | Query::Datadog(_) | Query::Http(_) | Query::Logs(_) => None,
    }
}

enum CountError {
    Sentence(String),
    Aws(AwsError),
}
