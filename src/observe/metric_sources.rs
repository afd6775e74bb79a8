//! Answers the questions of analysis: each by its source, all at the same time, those to CloudWatch
//! by one request.
//!
//! What cannot be asked is an answer too, in words without secrets; nothing here decides what
//! follows from it. A denied action is told once, and named in every answer that it prevents.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::Value;

use super::log_lines::{self, Logging, trouble};
use crate::aws::ecs_shapes::Task;
use crate::aws::metrics::MetricQuestion;
use crate::aws::sigv4::QUERY_METRICS;
use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::analysis::ask::{self, Access, Told};
use crate::checks::analysis::question::{Answer, LogQuery, PrometheusQuery, Query, Question, Side};
use crate::documents::described;
use crate::event::Event;
use crate::run::Run;
use crate::scrub::one_line;
use crate::undo::ServiceKey;

/// Longer notes are cut.
const LONGEST: usize = 300;

/// Whose tasks are a side's.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// The revision's ARN.
    pub revision: &'a str,
    /// Its task definition, where it is known already; else it is read when logs are asked for.
    pub definition: Option<&'a Value>,
}

/// Everyone who can be asked.
pub struct Sources<'a> {
    run: &'a Run,
    place: &'a ServiceKey,
    blue: Option<Version<'a>>,
    green: Version<'a>,
    client: OnceLock<Result<Client, String>>,
    noted: Mutex<BTreeSet<String>>,
}

impl<'a> Sources<'a> {
    /// The sources of a service with its sides; there is no blue at a service's first deployment.
    pub fn new(
        run: &'a Run,
        place: &'a ServiceKey,
        blue: Option<Version<'a>>,
        green: Version<'a>,
    ) -> Self {
        Self {
            run,
            place,
            blue,
            green,
            client: OnceLock::new(),
            noted: Mutex::default(),
        }
    }

    /// Every question's answer, in no particular order.
    pub async fn ask(&self, questions: Vec<Question>) -> Vec<(usize, Answer)> {
        let (metrics, others, logs) = tokio::join!(
            self.metrics(&questions),
            self.others(&questions),
            self.logs(&questions)
        );
        let told = metrics.into_iter().chain(others).chain(logs);
        told.map(|(id, told)| (id, self.noted(told))).collect()
    }

    /// What there is to know about an answer is told once, not with every measurement.
    fn noted(&self, told: Told) -> Answer {
        for note in told.notes {
            let sentence = one_line(&note, LONGEST);
            if self
                .noted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(sentence.clone())
            {
                self.run.tell(Event::Noted {
                    sentence: sentence.into(),
                });
            }
        }
        told.answer
    }

    async fn metrics(&self, questions: &[Question]) -> Vec<(usize, Told)> {
        let asked: Vec<MetricQuestion<'_>> = questions.iter().filter_map(to_cloudwatch).collect();
        if asked.is_empty() {
            return Vec::new();
        }
        match self.run.aws.metric_data(&asked).await {
            Ok(answers) => answers,
            Err(error) => {
                let told = trouble(self.run, "metrics of CloudWatch are not measured", &error);
                asked.iter().map(|asked| (asked.id, told.clone())).collect()
            }
        }
    }

    async fn others(&self, questions: &[Question]) -> Vec<(usize, Told)> {
        let asked = questions
            .iter()
            .map(async |question| self.other(question).await.map(|told| (question.id, told)));
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn other(&self, question: &Question) -> Option<Told> {
        let (since, until) = (question.since, question.until);
        let client = match &question.query {
            Query::CloudWatch(_) | Query::Logs(_) => return None,
            Query::Prometheus(_) | Query::Datadog(_) | Query::Http(_) => {
                match self.client.get_or_init(ask::client) {
                    Ok(client) => client,
                    Err(words) => {
                        return Some(Told {
                            answer: Answer::Failed(words.clone()),
                            notes: Vec::new(),
                            access: Access::Granted,
                        });
                    }
                }
            }
        };
        match &question.query {
            Query::Prometheus(query) => Some(self.prometheus(client, query, until).await),
            Query::Datadog(query) => Some(ask::datadog(client, query, since, until).await),
            Query::Http(query) => Some(ask::http(client, query, until).await),
            Query::CloudWatch(_) | Query::Logs(_) => None,
        }
    }

    async fn prometheus(&self, client: &Client, query: &PrometheusQuery, until: f64) -> Told {
        const NARROWER: &str = "metrics of Amazon Managed Service for Prometheus are not measured";
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
            Err(error) => return trouble(self.run, NARROWER, &error),
        };
        let told =
            ask::prometheus(client, query, until, Some(&|request| signer.sign(request))).await;
        match (told.access, &told.answer) {
            (Access::Denied, Answer::Failed(words)) => {
                let error = AwsError {
                    action: QUERY_METRICS,
                    kind: AwsErrorKind::Denied,
                    code: String::new(),
                    message: words.clone(),
                };
                trouble(self.run, NARROWER, &error)
            }
            _ => told,
        }
    }

    async fn logs(&self, questions: &[Question]) -> Vec<(usize, Told)> {
        let asked = questions
            .iter()
            .filter_map(|question| match &question.query {
                Query::Logs(query) => Some((question, query)),
                Query::CloudWatch(_)
                | Query::Prometheus(_)
                | Query::Datadog(_)
                | Query::Http(_) => None,
            });
        let asked: Vec<(&Question, &LogQuery)> = asked.collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let tasks = log_lines::tasks(self.run, self.place).await;
        let counted = asked.iter().map(async |(question, query)| {
            (question.id, self.count(&tasks, question, query).await)
        });
        join_all(counted).await
    }

    async fn count(
        &self,
        tasks: &Result<Vec<Task>, AwsError>,
        question: &Question,
        query: &LogQuery,
    ) -> Told {
        let counted = async {
            let version = self.version(query.side).map_err(Obstacle::Words)?;
            let tasks = tasks
                .as_ref()
                .map_err(|error| Obstacle::Aws(error.clone()))?;
            let tasks = tasks
                .iter()
                .filter(|task| task.task_definition_arn == version.revision)
                .cloned()
                .collect();
            let definition = self.definition(version).await.map_err(Obstacle::Aws)?;
            let logging = Logging {
                revision: version.revision.to_owned(),
                definition,
                tasks,
            };
            Ok(log_lines::count(self.run, &logging, query, question.since, question.until).await)
        };
        match counted.await {
            Ok(told) => told,
            Err(Obstacle::Aws(error)) => trouble(self.run, log_lines::NARROWER, &error),
            Err(Obstacle::Words(words)) => Told {
                answer: Answer::Failed(words),
                notes: Vec::new(),
                access: Access::Granted,
            },
        }
    }

    /// The side's revision, where that tells its tasks from the other side's.
    fn version(&self, side: Side) -> Result<Version<'a>, String> {
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

    async fn definition(&self, version: Version<'_>) -> Result<Value, AwsError> {
        match version.definition {
            Some(definition) => Ok(definition.clone()),
            None => Ok(described::from_described(
                &self
                    .run
                    .aws
                    .describe_task_definition(version.revision)
                    .await?,
            )),
        }
    }
}

fn to_cloudwatch(question: &Question) -> Option<MetricQuestion<'_>> {
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

/// Why lines were not counted.
enum Obstacle {
    Words(String),
    Aws(AwsError),
}
