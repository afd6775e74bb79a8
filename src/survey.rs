//! One read-only pass over AWS and the image's source → Snapshot. Nothing is decided here and
//! nothing is written.
//!
//! A read that the run needs is a problem when it is refused. A read that only serves a check
//! limits that check when it is denied or fails, and the run says so.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;

use crate::aws::codedeploy_shapes::{DeploymentGroup, Routing};
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::Service;
use crate::aws::elb::ForwardingRule;
use crate::aws::{AwsError, AwsErrorKind, RoleFailure};
use crate::checks::analysis::Traffic;
use crate::choices::IfRunning;
use crate::error::{Explain, Failure};
use crate::event::NamedCaller;
use crate::identity::RevisionArn;
use crate::outcome::{Mode, Reason};
use crate::problem::Problem;
use crate::run::Run;
use crate::settings::{Settings, regions};

mod alarms;
mod codedeploy;
mod definitions;
mod ecs;
mod image;
mod in_progress;
mod prerequisites;
mod production;
mod registries;
mod repository;
mod second_look;
mod suggestions;
mod traffic;
mod urls;

pub use alarms::SurveyedAlarms;
pub use ecs::ServiceDeployments;
pub use image::ImageFound;
pub use in_progress::{
    CodeDeployInProgress, DeploymentInProgress, RollingInProgress, RunningRollout, find_in_group,
    has_registered, is_earlier_attempt,
};
pub use prerequisites::{
    FargateQuota, Looked, NeededWrites, Needs, Prerequisites, SurveyedTargetGroup,
    VerificationNeeds,
};
pub use repository::{CreationTemplate, RepositoryState, SurveyedRepository};
pub use second_look::has_changed;
pub use traffic::read_traffic;
pub use urls::{TestUrlListeners, UnreachableUrl, Urls};

/// The state of AWS when the run begins.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The service; none if the run has none.
    pub service: Option<Service>,
    /// The service's live revision.
    pub live_revision: Option<RegisteredRevision>,
    /// The newest revision of the definition's family, if it was read.
    pub newest_revision: Option<RegisteredRevision>,
    /// The revision named by `task-definition-arn` or `task-definition-family`.
    pub base_revision: Option<RegisteredRevision>,
    /// The CodeDeploy deployment group.
    pub group: Option<DeploymentGroup>,
    /// A rollout of the service that is not over.
    pub running: Option<RunningRollout>,
    /// ECS's own deployments of the service.
    pub service_deployments: Option<ServiceDeployments>,
    /// How CodeDeploy shifts traffic; none if that could not be read.
    pub routing: Option<Routing>,
    /// Blue's traffic before the start; none if it is not needed, or could not be read.
    pub traffic: Option<Traffic>,
    /// The repository that the image is pushed to.
    pub repository: Option<SurveyedRepository>,
    /// The image.
    pub image: Option<ImageFound>,
    /// The alarms of the deployment and of the inputs.
    pub alarms: SurveyedAlarms,
    /// What answers at the URLs of the tests.
    pub urls: Urls,
    /// The forwards of production's rules, if they were read.
    pub production_rules: Vec<ForwardingRule>,
    /// Whether what a deployment needs is there.
    pub prerequisites: Prerequisites,
}

impl Snapshot {
    /// What to do about a rollout in progress: what the user asked for; otherwise what lets the
    /// newest commit serve in the end. A rolling update replaces the older one without a stop;
    /// where traffic moves by weights, the run waits for the end of the other rollout.
    pub fn if_running(&self, asked: Option<IfRunning>) -> IfRunning {
        let is_rolled = self.service_deployments.is_none()
            && self
                .running
                .as_ref()
                .is_some_and(|running| running.deployment.is_replaceable());
        asked.unwrap_or(if is_rolled {
            IfRunning::Supersede
        } else {
            IfRunning::Wait
        })
    }
}

/// A registered revision: its ARN and the whole answer of DescribeTaskDefinition.
#[derive(Debug, Clone)]
pub struct RegisteredRevision {
    /// The revision's ARN.
    pub arn: RevisionArn,
    /// AWS's answer.
    pub answer: Value,
}

/// A survey that found problems, or could not read everything.
#[derive(Debug)]
pub struct IncompleteSurvey {
    /// The failure; none if only the credentials are the problem.
    pub why: Option<SurveyFailure>,
    /// The problem with the credentials, if AWS does not accept them.
    pub credentials: Option<Problem>,
    /// What could be read all the same.
    pub snapshot: Box<Snapshot>,
}

/// Why something that the run needs was not read.
#[derive(Debug)]
pub enum SurveyFailure {
    /// The inputs name something that does not exist or does not fit.
    Problems(Vec<Problem>),
    /// AWS did not answer.
    Failure(Failure),
    /// AWS did not process the call, because there were too many requests.
    Throttled(Failure),
    /// AWS does not accept the credentials.
    Credentials(Problem),
}

impl SurveyFailure {
    /// Classifies the error of a call that the run needs; `input` names what the call was about.
    fn from_aws_error(input: &str, error: AwsError) -> Self {
        let mut gathering = FailureCollector::default();
        gathering.add_aws_error(input, error);
        let credentials = gathering.credentials.take();
        credentials
            .map(Self::Credentials)
            .or_else(|| gathering.into_failure())
            .unwrap_or_else(|| Self::Problems(Vec::new()))
    }
}

/// What a deployment needs to be there, by what is known of it before the rest is read.
pub type NeedsOf = fn(&Settings, &Snapshot) -> Needs;

/// How long GetCallerIdentity is waited for once everything else was read: some networks block STS.
const CALLER_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads everything the plan needs, and logs whose credentials do so.
///
/// # Errors
///
/// All problems that were found, or that AWS could not be read.
pub async fn survey(
    run: &Run,
    settings: &Settings,
    needs_of: NeedsOf,
) -> Result<Snapshot, IncompleteSurvey> {
    begin_sessions(run).await?;
    // On the heap, because the futures above this one are large already.
    let (snapshot, caller) = (
        Box::pin(read_what_is_asked(run, settings, needs_of)),
        Box::pin(identify_caller(run)),
    );
    let (snapshot, caller) = match select(snapshot, caller).await {
        Either::Left((snapshot, caller)) => {
            let late = tokio::time::timeout(CALLER_TIMEOUT, caller).await;
            (snapshot, late.unwrap_or_default())
        }
        Either::Right((caller, snapshot)) => (snapshot.await, caller),
    };
    if let Some(caller) = run.name_caller(caller) {
        check_accounts(run, settings, &caller.account).map_err(|problems| IncompleteSurvey {
            why: Some(SurveyFailure::Problems(problems)),
            credentials: None,
            snapshot: Box::default(),
        })?;
    }
    snapshot.map_err(|incomplete| IncompleteSurvey {
        why: incomplete
            .why
            .map(|why| explain_unknown_region(settings, why)),
        ..incomplete
    })
}

/// Assumes the roles that the run uses, before anything is read with them.
///
/// # Errors
///
/// A role was not assumed.
pub async fn begin_sessions(run: &Run) -> Result<(), IncompleteSurvey> {
    let Err(error) = run.aws.begin_sessions().await else {
        return Ok(());
    };
    let (mut why, mut credentials) = (None, None);
    match error.failure {
        RoleFailure::Refused => {
            credentials = Some(Problem::new(error.input, error.message, error.remedy));
        }
        RoleFailure::Unavailable => {
            let failure = Failure::new(Reason::Credentials, error.message);
            why = Some(SurveyFailure::Failure(failure.with_hint(error.remedy)));
        }
    }
    Err(IncompleteSurvey {
        why,
        credentials,
        snapshot: Box::default(),
    })
}

/// Who calls AWS: asked once, and unknown where that fails.
async fn identify_caller(run: &Run) -> Option<NamedCaller> {
    if run.is_caller_named() {
        return None;
    }
    let caller = run.aws.identify_caller().await.ok()?;
    Some(NamedCaller {
        account: caller.account,
        who: caller.who,
        session: caller.session,
    })
}

/// What names another account than the credentials': ECS is used in one account only, while a
/// repository may let other accounts in.
fn check_accounts(run: &Run, settings: &Settings, account: &str) -> Result<(), Vec<Problem>> {
    let problems = settings.foreign_arn_problems(account);
    if !problems.is_empty() {
        return Err(problems);
    }
    let foreign = settings.foreign_repository_account(account);
    if let Some(other) = foreign {
        run.note_once(format!(
            "repository is in account {other}: its policy has to allow what account {account} does there (registry-role-to-assume takes a role of account {other} instead)"
        ));
    }
    Ok(())
}

/// Reports a region that is unknown to us and in which every call failed as a wrong input.
fn explain_unknown_region(settings: &Settings, unready: SurveyFailure) -> SurveyFailure {
    let region = &settings.aws.region;
    match unready {
        SurveyFailure::Failure(failure)
            if failure.reason == Reason::AwsFailed && !regions::is_documented(region) =>
        {
            let message = format!(
                "`{region}` is not a region that this action knows, and a call to it failed: {}",
                failure.sentence()
            );
            SurveyFailure::Problems(vec![Problem::new(
                "aws-region",
                message,
                regions::remedy(region),
            )])
        }
        other => other,
    }
}

/// Where only what changed is looked for, the service and its revision are enough.
async fn read_what_is_asked(
    run: &Run,
    settings: &Settings,
    needs_of: NeedsOf,
) -> Result<Snapshot, IncompleteSurvey> {
    if settings.mode == Mode::Drift {
        read_service_alone(run, settings).await
    } else {
        read_snapshot(run, settings, needs_of).await
    }
}

async fn read_service_alone(run: &Run, settings: &Settings) -> Result<Snapshot, IncompleteSurvey> {
    let mut gathering = FailureCollector::default();
    let service = gathering
        .collect("service", read_service(run, settings).await)
        .flatten();
    let live_revision = definitions::read_live(run, service.as_ref()).await;
    let snapshot = Snapshot {
        service,
        live_revision,
        ..Snapshot::default()
    };
    gathering
        .complete(snapshot)
        .map_err(|incomplete| *incomplete)
}

/// Reads everything the plan needs.
///
/// # Errors
///
/// All problems that were found, or that AWS could not be read.
async fn read_snapshot(
    run: &Run,
    settings: &Settings,
    needs_of: NeedsOf,
) -> Result<Snapshot, IncompleteSurvey> {
    let ((gathering, read), asked) = tokio::join!(
        Box::pin(read_consistently(run, settings, needs_of)),
        Box::pin(urls::probe(settings))
    );
    let urls = Urls {
        test_url_listeners: read.urls.test_url_listeners.clone(),
        ..asked
    };
    let snapshot = Snapshot { urls, ..read };
    gathering
        .complete(snapshot)
        .map_err(|incomplete| *incomplete)
}

/// Reads again when a deployment ended during the first read, which would mix the states before and
/// after.
async fn read_consistently(
    run: &Run,
    settings: &Settings,
    needs_of: NeedsOf,
) -> (FailureCollector, Snapshot) {
    let first = read_once(run, settings, needs_of).await;
    let has_just_ended = first
        .1
        .service_deployments
        .as_ref()
        .is_some_and(|service_deployments| service_deployments.has_just_ended);
    if has_just_ended {
        Box::pin(read_once(run, settings, needs_of)).await
    } else {
        first
    }
}

/// Reads AWS and the image's source, as far as possible.
async fn read_once(
    run: &Run,
    settings: &Settings,
    needs_of: NeedsOf,
) -> (FailureCollector, Snapshot) {
    let mut gathering = FailureCollector::default();
    let (service, registry) = tokio::join!(
        read_service(run, settings),
        repository::read_registry(run, settings)
    );
    let service = gathering.collect("service", service).flatten();
    let (access, mut repository) = gathering
        .collect("repository", registry)
        .unwrap_or_default();
    let (rollout, service_deployments, definitions, image) = tokio::join!(
        codedeploy::read_codedeploy(run, settings, service.as_ref()),
        ecs::read_service_deployments(run, settings, service.as_ref()),
        definitions::read_definitions(run, settings, service.as_ref()),
        image::find(run, settings, access.as_ref(), repository.as_ref())
    );
    let rollout = gathering
        .collect("codedeploy-deployment-group", rollout)
        .unwrap_or_default();
    let (service_deployments, running) = gathering
        .collect("service", service_deployments)
        .unwrap_or_default();
    let definitions = gathering
        .collect("task-definition", definitions)
        .unwrap_or_default();
    let image = gathering.collect_failure(image).flatten();
    if let (Some(asked), Some(found), Some(seen)) = (&settings.image, &image, &mut repository) {
        seen.immutable_tags = image::read_immutable_tags(asked, found, seen).await;
    }
    let read = Snapshot {
        service,
        repository,
        image,
        live_revision: definitions.live,
        newest_revision: definitions.newest,
        base_revision: definitions.base,
        service_deployments,
        running: running
            .or(rollout.running)
            .map(|running| running.claim_if_ours(run)),
        ..rollout
    };
    let needs = needs_of(settings, &read);
    let (group, service_seen) = (read.group.as_ref(), read.service.as_ref());
    let (alarms, fronts, production, prerequisites) = tokio::join!(
        alarms::read_alarms(run, settings, group, service_seen),
        urls::find_test_url_listeners(run, settings, group, service_seen),
        production::read_rules(
            run,
            settings,
            service_seen,
            (group, read.service_deployments.as_ref())
        ),
        Box::pin(prerequisites::read(run, &needs))
    );
    let snapshot = Snapshot {
        alarms,
        urls: Urls {
            test_url_listeners: fronts,
            ..Urls::default()
        },
        production_rules: production,
        prerequisites,
        ..read
    };
    (gathering, snapshot)
}

#[derive(Default)]
struct FailureCollector {
    problems: Vec<Problem>,
    /// Reported once for all calls.
    credentials: Option<Problem>,
    failure: Option<Failure>,
    throttled: Option<Failure>,
}

impl FailureCollector {
    fn collect<T>(&mut self, input: &str, result: Result<T, ReadError>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(ReadError::Problem(problem)) => self.problems.push(problem),
            Err(ReadError::Aws(error)) => self.add_aws_error(input, error),
        }
        None
    }

    fn collect_failure<T>(&mut self, result: Result<T, SurveyFailure>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(SurveyFailure::Problems(problems)) => self.problems.extend(problems),
            Err(SurveyFailure::Failure(failure)) => {
                self.failure = self.failure.take().or(Some(failure));
            }
            Err(SurveyFailure::Throttled(failure)) => {
                self.throttled = self.throttled.take().or(Some(failure));
            }
            Err(SurveyFailure::Credentials(problem)) => {
                self.credentials = self.credentials.take().or(Some(problem));
            }
        }
        None
    }

    /// A refusal by AWS is a problem with the input; a call that AWS fails to answer is not the
    /// user's fault.
    fn add_aws_error(&mut self, input: &str, error: AwsError) {
        match error.kind {
            AwsErrorKind::Denied | AwsErrorKind::Credentials | AwsErrorKind::Refused => {
                let remedy = error
                    .hint()
                    .unwrap_or_else(|| format!("check {input}, cluster and aws-region"));
                let input = if error.kind == AwsErrorKind::Refused {
                    input
                } else {
                    "aws"
                };
                let problem = Problem::new(input, error.to_string(), remedy);
                match error.kind {
                    AwsErrorKind::Credentials => {
                        self.credentials = self.credentials.take().or(Some(problem));
                    }
                    _ => self.problems.push(problem),
                }
            }
            AwsErrorKind::Throttled => {
                self.throttled = self.throttled.take().or_else(|| Some(error.into()));
            }
            AwsErrorKind::Failed | AwsErrorKind::Unanswered => {
                self.failure = self.failure.take().or_else(|| Some(error.into()));
            }
        }
    }

    /// The snapshot, if everything that it needs was read.
    fn complete(mut self, snapshot: Snapshot) -> Result<Snapshot, Box<IncompleteSurvey>> {
        let (credentials, why) = (self.credentials.take(), self.into_failure());
        if why.is_some() || credentials.is_some() {
            return Err(Box::new(IncompleteSurvey {
                why,
                credentials,
                snapshot: Box::new(snapshot),
            }));
        }
        Ok(snapshot)
    }

    /// The most informative reason; none if everything was read.
    fn into_failure(mut self) -> Option<SurveyFailure> {
        self.problems.dedup();
        if !self.problems.is_empty() {
            return Some(SurveyFailure::Problems(self.problems));
        }
        self.failure
            .map(SurveyFailure::Failure)
            .or(self.throttled.map(SurveyFailure::Throttled))
    }
}

/// Why something the run needs was not read.
#[derive(Debug)]
enum ReadError {
    Aws(AwsError),
    Problem(Problem),
}

impl From<AwsError> for ReadError {
    fn from(error: AwsError) -> Self {
        Self::Aws(error)
    }
}

async fn read_service(run: &Run, settings: &Settings) -> Result<Option<Service>, ReadError> {
    let Some(name) = &settings.service else {
        return Ok(None);
    };
    match run.aws.describe_service(&settings.cluster, name).await {
        Ok(ServiceLookup::Service(service)) => Ok(Some(*service)),
        Ok(ServiceLookup::Missing(word)) => Err(ReadError::Problem(
            suggestions::missing_service_problem(run, settings, name, &word).await,
        )),
        Err(error) if error.has_code("ClusterNotFound") => Err(ReadError::Problem(
            suggestions::missing_cluster_problem(run, settings).await,
        )),
        Err(error) => Err(error.into()),
    }
}
