//! One read-only pass over AWS and the image's source → Snapshot. Nothing is decided here and
//! nothing is written.
//!
//! A read that the run cannot do without is a problem when it is refused; a read that only serves a
//! check narrows the check when it is denied or fails, and says so.

use std::time::Duration;

use serde_json::Value;

use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::{Group, Routing};
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::aws::elb::ForwardingRule;
use crate::aws::{Aws, AwsError, AwsErrorKind};
use crate::checks::analysis::Traffic;
use crate::choices::IfRunning;
use crate::error::{Explain, Failure};
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::run::Run;
use crate::settings::{DefinitionSource, Settings, regions};

mod again;
mod alarms;
mod ecs;
mod image;
mod in_progress;
mod near;
mod production;
mod registries;
mod repository;
mod traffic;
mod urls;

pub use again::has_changed;
pub use alarms::Alarms;
pub use ecs::ServiceDeployments;
pub use image::ImageFound;
pub use in_progress::{
    CodeDeployInProgress, DeploymentInProgress, RollingInProgress, Running, has_registered,
    is_earlier_attempt, of_group,
};
pub use repository::{RepositorySeen, RepositoryState, Template};
pub use traffic::read_traffic;
pub use urls::{Fronts, Unreachable, Urls};

/// What there was when the run began.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The service.
    pub service: Option<Service>,
    /// The service's live revision, as a definition that could be registered, with its ARN.
    pub live: Option<Registered>,
    /// The newest revision of the definition's family, where it was worth reading.
    pub newest: Option<Registered>,
    /// The revision named by `task-definition-arn` or `task-definition-family`.
    pub base: Option<Registered>,
    /// CodeDeploy's side.
    pub group: Option<Group>,
    /// A rollout of the service that is not over.
    pub running: Option<Running>,
    /// What ECS tells about its own deployments.
    pub service_deployments: Option<ServiceDeployments>,
    /// How CodeDeploy shifts traffic; none where that could not be read.
    pub routing: Option<Routing>,
    /// The requests that blue had before the start; none where nobody needs them, or they could not
    /// be read.
    pub traffic: Option<Traffic>,
    /// The repository that the image is pushed to.
    pub repository: Option<RepositorySeen>,
    /// The image.
    pub image: Option<ImageFound>,
    /// Its alarms, and those of the inputs.
    pub alarms: Alarms,
    /// What answers at the URLs of the tests.
    pub urls: Urls,
    /// The forwards of production's rules, where they were read.
    pub production: Vec<ForwardingRule>,
}

impl Snapshot {
    /// What to do about what is in progress: as asked, else so that the newest commit serves in the
    /// end. A rolling update takes the older one's place without a stop; where traffic moves by
    /// weights, the other rollout comes to its end first.
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
pub struct Registered {
    /// ARN.
    pub arn: String,
    /// AWS's answer.
    pub answer: Value,
}

/// A survey that found what is wrong, or could not look everywhere.
#[derive(Debug)]
pub struct Incomplete {
    /// Why; none where nothing is wrong but the credentials.
    pub why: Option<Unready>,
    /// What AWS says of credentials that it does not take.
    pub credentials: Option<Problem>,
    /// What could be read all the same.
    pub seen: Box<Snapshot>,
}

/// Why something that the run needs was not read.
#[derive(Debug)]
pub enum Unready {
    /// The inputs name something that is not as it should be.
    Problems(Vec<Problem>),
    /// AWS did not answer.
    Failure(Failure),
    /// AWS did not look: there were too many requests.
    Throttled(Failure),
    /// AWS does not take the credentials.
    Credentials(Problem),
}

impl Unready {
    /// What a call to AWS that the run cannot do without came to; `input` names what it asked for.
    fn of(input: &str, error: AwsError) -> Self {
        let mut gathering = Gathering::default();
        gathering.aws(input, error);
        let credentials = gathering.credentials.take();
        credentials
            .map(Self::Credentials)
            .or_else(|| gathering.unready())
            .unwrap_or_else(|| Self::Problems(Vec::new()))
    }
}

/// How long the question who we are may take: it is only to be said, and some networks do not let
/// it through.
const COURTESY: Duration = Duration::from_secs(3);

/// Reads everything the plan needs, and says whose credentials do so.
///
/// # Errors
/// All problems that were found, or that AWS could not be asked.
pub async fn survey(run: &Run, settings: &Settings) -> Result<Snapshot, Incomplete> {
    // On the heap: what is awaited above this is deep already.
    let (snapshot, caller) = tokio::join!(
        Box::pin(snapshot(run, settings)),
        tokio::time::timeout(COURTESY, run.aws.caller())
    );
    if let Ok(Ok(sentence)) = caller {
        run.note_once(sentence);
    }
    snapshot.map_err(|incomplete| Incomplete {
        why: incomplete.why.map(|why| nowhere(settings, why)),
        ..incomplete
    })
}

/// A region that nobody knows, and in which nobody answers, is none.
fn nowhere(settings: &Settings, unready: Unready) -> Unready {
    let region = &settings.aws.region;
    match unready {
        Unready::Failure(failure)
            if failure.reason == Reason::AwsFailed && !regions::is_known(region) =>
        {
            let message = format!(
                "`{region}` is no region that this action knows, and what was asked there failed: {}",
                failure.sentence()
            );
            Unready::Problems(vec![Problem::new(
                "aws-region",
                message,
                regions::remedy(region),
            )])
        }
        other => other,
    }
}

/// Reads everything the plan needs.
///
/// # Errors
/// All problems that were found, or that AWS could not be asked.
async fn snapshot(run: &Run, settings: &Settings) -> Result<Snapshot, Incomplete> {
    let ((mut gathering, read), asked) = tokio::join!(
        Box::pin(read_at_rest(run, settings)),
        Box::pin(urls::ask(settings))
    );
    let urls = Urls {
        fronts: read.urls.fronts.clone(),
        ..asked
    };
    let snapshot = Snapshot { urls, ..read };
    let (credentials, why) = (gathering.credentials.take(), gathering.unready());
    if why.is_some() || credentials.is_some() {
        return Err(Incomplete {
            why,
            credentials,
            seen: Box::new(snapshot),
        });
    }
    Ok(snapshot)
}

/// What was read while a deployment ended would tell of before and after: it is read once more.
async fn read_at_rest(run: &Run, settings: &Settings) -> (Gathering, Snapshot) {
    let first = read(run, settings).await;
    let has_just_ended = first
        .1
        .service_deployments
        .as_ref()
        .is_some_and(|service_deployments| service_deployments.has_just_ended);
    if has_just_ended {
        Box::pin(read(run, settings)).await
    } else {
        first
    }
}

/// What AWS and the image's source tell, as far as it could be read.
async fn read(run: &Run, settings: &Settings) -> (Gathering, Snapshot) {
    let mut gathering = Gathering::default();
    let (service, registry) =
        tokio::join!(service(run, settings), repository::registry(run, settings));
    let service = gathering.take("service", service).flatten();
    let (access, mut repository) = gathering.take("repository", registry).unwrap_or_default();
    let (rollout, service_deployments, definitions, image) = tokio::join!(
        rollout(run, settings, service.as_ref()),
        ecs::service_deployments(run, settings, service.as_ref()),
        definitions(run, settings, service.as_ref()),
        image::find(run, settings, access.as_ref(), repository.as_ref())
    );
    let rollout = gathering
        .take("codedeploy-deployment-group", rollout)
        .unwrap_or_default();
    let (service_deployments, running) = gathering
        .take("service", service_deployments)
        .unwrap_or_default();
    let definitions = gathering
        .take("task-definition", definitions)
        .unwrap_or_default();
    let image = gathering.take_any(image).flatten();
    let (group, service_seen) = (rollout.group.as_ref(), service.as_ref());
    let (alarms, fronts, production) = tokio::join!(
        alarms::alarms(run, settings, group, service_seen),
        urls::fronts(run, settings, group, service_seen),
        production::rules(
            run,
            settings,
            service_seen,
            (group, service_deployments.as_ref())
        )
    );
    if let (Some(asked), Some(found), Some(seen)) = (&settings.image, &image, &mut repository) {
        seen.fixed = image::fixed_tags(asked, found, seen).await;
    }
    let snapshot = Snapshot {
        service,
        repository,
        image,
        live: definitions.live,
        newest: definitions.newest,
        base: definitions.base,
        service_deployments,
        alarms,
        urls: Urls {
            fronts,
            ..Urls::default()
        },
        production,
        running: running
            .or(rollout.running)
            .map(|running| running.claimed(run)),
        ..rollout
    };
    (gathering, snapshot)
}

#[derive(Default)]
struct Gathering {
    problems: Vec<Problem>,
    /// Said once for all calls.
    credentials: Option<Problem>,
    failure: Option<Failure>,
    throttled: Option<Failure>,
}

impl Gathering {
    fn take<T>(&mut self, input: &str, result: Result<T, Unread>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(Unread::Problem(problem)) => self.problems.push(problem),
            Err(Unread::Aws(error)) => self.aws(input, error),
        }
        None
    }

    fn take_any<T>(&mut self, result: Result<T, Unready>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(Unready::Problems(problems)) => self.problems.extend(problems),
            Err(Unready::Failure(failure)) => self.failure = self.failure.take().or(Some(failure)),
            Err(Unready::Throttled(failure)) => {
                self.throttled = self.throttled.take().or(Some(failure));
            }
            Err(Unready::Credentials(problem)) => {
                self.credentials = self.credentials.take().or(Some(problem));
            }
        }
        None
    }

    /// What AWS refuses is a problem with what was asked for; what it fails to answer is not the
    /// user's doing.
    fn aws(&mut self, input: &str, error: AwsError) {
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

    /// The most telling reason; none where everything was read.
    fn unready(mut self) -> Option<Unready> {
        self.problems.dedup();
        if !self.problems.is_empty() {
            return Some(Unready::Problems(self.problems));
        }
        self.failure
            .map(Unready::Failure)
            .or(self.throttled.map(Unready::Throttled))
    }
}

/// Why something the run needs was not read.
#[derive(Debug)]
enum Unread {
    Aws(AwsError),
    Problem(Problem),
}

impl From<AwsError> for Unread {
    fn from(error: AwsError) -> Self {
        Self::Aws(error)
    }
}

async fn service(run: &Run, settings: &Settings) -> Result<Option<Service>, Unread> {
    let Some(name) = settings.service.as_deref() else {
        return Ok(None);
    };
    match run.aws.describe_service(&settings.cluster, name).await {
        Ok(ServiceLookup::Service(service)) => Ok(Some(*service)),
        Ok(ServiceLookup::Missing(word)) => Err(Unread::Problem(
            near::no_service(run, settings, name, &word).await,
        )),
        Err(error) if error.is("ClusterNotFound") => {
            Err(Unread::Problem(near::no_cluster(run, settings).await))
        }
        Err(error) => Err(error.into()),
    }
}

/// CodeDeploy's group, what runs in it, and how long it takes.
async fn rollout(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Result<Snapshot, Unread> {
    let Some(service) =
        service.filter(|service| service.controller() == DeploymentController::CodeDeploy)
    else {
        return Ok(Snapshot::default());
    };
    let rollout = &settings.rollout;
    let (application, group) = (rollout.application.as_str(), rollout.group.as_str());
    let (found, running) = tokio::join!(
        run.aws.get_deployment_group(application, group),
        in_progress::of_group(run, application, group, service)
    );
    let found = found.map_err(|error| missing_group(error, application, group))?;
    let routing = near::config(run, settings, found.config.as_deref()).await?;
    Ok(Snapshot {
        group: Some(found),
        running,
        routing,
        ..Snapshot::default()
    })
}

fn missing_group(error: AwsError, application: &str, group: &str) -> Unread {
    if error.is("DeploymentGroupDoesNotExist") {
        let remedy = "set codedeploy-deployment-group; its default is DgpECS-{cluster}-{service}";
        return Unread::Problem(Problem::new(
            "codedeploy-deployment-group",
            format!("application `{application}` has no group `{group}`"),
            remedy,
        ));
    }
    if error.is("ApplicationDoesNotExist") {
        let remedy = "set codedeploy-application; its default is AppECS-{cluster}-{service}";
        return Unread::Problem(Problem::new(
            "codedeploy-application",
            format!("there is no application `{application}`"),
            remedy,
        ));
    }
    error.into()
}

#[derive(Default)]
struct Definitions {
    live: Option<Registered>,
    newest: Option<Registered>,
    base: Option<Registered>,
}

/// Asked at the same time and told in order: two denials of one action are one line of the log,
/// always the same.
async fn definitions(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Result<Definitions, Unread> {
    let (live_described, newest_described, base) = tokio::join!(
        live(run, service),
        newest(run, settings, service),
        base(run, settings)
    );
    let live = match (live_described, &settings.definition.source) {
        (None, _) => None,
        (Some(described), DefinitionSource::Live) => Some(described?),
        (Some(described), DefinitionSource::File(_) | DefinitionSource::Registered(_)) => run.optional_read("a definition that has not changed is registered again, and what changes is not shown",
            described,
        ),
    };
    let newest = newest_described.and_then(|described| match described {
        Err(error) if error.kind == AwsErrorKind::Refused => None, // the family's first revision
        described => run.optional_read(
            "a definition that has not changed is registered again",
            described,
        ),
    });
    Ok(Definitions {
        live,
        newest,
        base: base?,
    })
}

/// Needed when there is no file; otherwise it only shows what changes and whether anything does.
async fn live(run: &Run, service: Option<&Service>) -> Option<Result<Registered, AwsError>> {
    let service = service.filter(|service| !service.revision().is_empty())?;
    Some(describe(&run.aws, service.revision()).await)
}

/// What a run that was cut short may have registered already; and what a definition without a
/// service is compared with.
async fn newest(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Option<Result<Registered, AwsError>> {
    Some(describe(&run.aws, family(run, settings, service)?).await)
}

/// The family in which it may be. What starts from the live revision asks only when the job is run
/// again: nothing of this run can be there before.
fn family<'s>(run: &Run, settings: &'s Settings, service: Option<&'s Service>) -> Option<&'s str> {
    let of_revision = |revision: &'s str| {
        short_name(revision)
            .split(':')
            .next()
            .filter(|family| !family.is_empty())
    };
    match &settings.definition.source {
        DefinitionSource::File(definition) => definition["family"].as_str(),
        DefinitionSource::Live if run.runner.is_rerun() => of_revision(service?.revision()),
        DefinitionSource::Registered(name) if run.runner.is_rerun() => of_revision(name),
        DefinitionSource::Live | DefinitionSource::Registered(_) => None,
    }
}

async fn base(run: &Run, settings: &Settings) -> Result<Option<Registered>, Unread> {
    match &settings.definition.source {
        DefinitionSource::Registered(name) => Ok(Some(describe(&run.aws, name).await?)),
        DefinitionSource::File(_) | DefinitionSource::Live => Ok(None),
    }
}

async fn describe(aws: &Aws, revision: &str) -> Result<Registered, AwsError> {
    let answer = aws.describe_task_definition(revision).await?;
    let arn = answer["taskDefinition"]["taskDefinitionArn"]
        .as_str()
        .unwrap_or(revision)
        .to_owned();
    Ok(Registered { arn, answer })
}
