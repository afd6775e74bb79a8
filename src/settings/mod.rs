//! Inputs → typed, validated Settings. Every problem is found here or in the plan, before anything
//! is changed.
//!
//! Files are read here, because a file that cannot be read is a problem with an input. AWS is not
//! called.
//!
//! One file, because the types and the one function that fills them from the inputs change
//! together.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::aws::connection::{AwsSettings, InstanceProfile};
use crate::aws::ecr_host::EcrHost;
use crate::checks::analysis::Analysis;
use crate::checks::moment::Moment;
use crate::checks::smoke::Suite;
use crate::choices::{DroppedFields, Follow, PollSettings};
use crate::documents::changes::Changes;
use crate::documents::clean::KeptKeys;
use crate::documents::compare::ShownField;
use crate::documents::ebs::ManagedVolume;
use crate::documents::migration::{MigrationRequest, MigrationUndoRequest};
use crate::documents::new_repository::NewRepository;
use crate::documents::patch::DefinitionPatch;
use crate::documents::run_task::TaskRequest;
use crate::documents::strategy::StrategyRequest;
use crate::identity::{ApplicationName, ClusterName, DeploymentGroupName, ServiceName};
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::registry::{ImageReference, Tag};
use crate::runner::Runner;
use crate::scan::Policy;
use crate::secret::Secret;

mod alarms;
mod checks;
mod cleanup;
mod collect;
pub(crate) mod combinations;
mod control;
mod definition;
mod exposure;
mod gates;
mod image;
mod login;
mod migration;
mod place;
pub(crate) mod regions;
mod repository;
mod role;
pub(crate) mod rollout;
pub(crate) mod scan;
mod strategy;
mod task;
mod verification;

pub use alarms::AlarmSettings;
pub use cleanup::CleanupSettings;
use collect::ProblemCollector;
pub use control::ControlSettings;
pub use gates::GateSettings;
pub use login::SourceLogin;
#[cfg(test)]
pub use repository::schema as repository_schema;
pub use rollout::{AppSpecSource, codedeploy_names};
pub use verification::VerificationSettings;

/// The name of the cluster that ECS uses when none is named.
pub const DEFAULT_CLUSTER: &str = "default";

/// Everything the user asked for, with types.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The mode of the run.
    pub mode: Mode,
    /// Approval, cancellation and concurrency.
    pub control: ControlSettings,
    /// The cluster, as the input names it.
    pub cluster: ClusterName,
    /// The service, as the input names it; without one nothing is rolled out.
    pub service: Option<ServiceName>,
    /// The version users see.
    pub version: Option<String>,
    /// The image to push or pin.
    pub image: Option<ImageSettings>,
    /// Which findings its scan may have.
    pub scan: Option<Policy>,
    /// Where the task definition comes from, and what is changed in it.
    pub definition: DefinitionSettings,
    /// How it is rolled out.
    pub rollout: RolloutSettings,
    /// The checks of green and of production.
    pub checks: CheckSettings,
    /// The task that runs before the rollout: the one-off task, or the migration's.
    pub task: Option<TaskRequest>,
    /// The migration of the database, which that task is then for.
    pub migration: Option<MigrationRequest>,
    /// What a verification looks at, and the lint.
    pub verification: VerificationSettings,
    /// Secrets that commands of the inputs contain, as far as they can be recognized.
    pub command_secrets: Vec<Secret>,
    /// How the migration of a rollout in progress is undone.
    pub migration_undo: Option<MigrationUndoRequest>,
    /// What a cleanup removes.
    pub cleanup: CleanupSettings,
    /// How AWS is called.
    pub aws: AwsSettings,
    /// Notes for the log.
    pub notes: Vec<String>,
}

/// The image, and where it is pushed.
#[derive(Debug, Clone)]
pub struct ImageSettings {
    /// The image as the user wrote it.
    pub reference: ImageReference,
    /// Where it is pushed to.
    pub repository: Option<Repository>,
    /// The credentials for the registry of a `docker://` image, and for no other.
    pub login: SourceLogin,
    /// How the repository is created if it is missing; if none, a missing repository is refused.
    pub create: Option<NewRepository>,
    /// The tags that are set by the push.
    pub tags: Vec<Tag>,
    /// Those of them that are set only once the image serves.
    pub tags_when_deployed: Vec<Tag>,
    /// Whether it is pushed.
    pub push: Push,
}

/// A repository's name, with the registry if the user gave one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `123456789012.dkr.ecr.eu-central-1.amazonaws.com`, where given.
    pub host: Option<String>,
    /// `team/api`.
    pub name: String,
}

/// Whether an image is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// It is pushed if it is found locally.
    Auto,
    /// It must be found locally.
    Always,
    /// It must be in the registry already.
    Never,
}

/// The task definition's source and changes.
#[derive(Debug, Clone, Default)]
pub struct DefinitionSettings {
    /// The source.
    pub source: DefinitionSource,
    /// What the configuration file changes, by container.
    pub patch: DefinitionPatch,
    /// The changes, without the image.
    pub changes: Changes,
    /// Keys that are kept although they are empty.
    pub kept_keys: KeptKeys,
    /// Fields whose changed values are shown, besides those that always are.
    pub shown_values: Vec<ShownField>,
    /// What happens when AWS drops a field of it.
    pub dropped_fields: DroppedFields,
}

/// Where the task definition comes from.
#[derive(Debug, Clone, Default)]
pub enum DefinitionSource {
    /// A file of the job, read and parsed.
    File(Value),
    /// A registered revision or family.
    Registered(String),
    /// The service's live revision.
    #[default]
    Live,
}

/// How the rollout goes.
#[derive(Debug, Clone)]
pub struct RolloutSettings {
    /// Where the AppSpec comes from.
    pub app_spec: AppSpecSource,
    /// A file with a common AppSpec name that is not read, because no input names it.
    pub unread_app_spec: Option<&'static str>,
    /// The given inputs that only CodeDeploy uses.
    pub codedeploy_inputs: Vec<&'static str>,
    /// The CodeDeploy application.
    pub application: ApplicationName,
    /// The deployment group.
    pub group: DeploymentGroupName,
    /// The deployment's description.
    pub description: Option<String>,
    /// The deployment configuration; the group's when none.
    pub config: Option<String>,
    /// How ECS shifts traffic.
    pub strategy: StrategyRequest,
    /// Whether a deployment is started although nothing changed.
    pub force_new_deployment: bool,
    /// The desired count; unchanged when none.
    pub desired_count: Option<i32>,
    /// `enableECSManagedTags` of the request; not sent when none.
    pub enable_ecs_managed_tags: Option<bool>,
    /// `propagateTags` of the request; not sent when none.
    pub propagate_tags: Option<String>,
    /// The managed EBS volume of the service.
    pub volume: ManagedVolume,
    /// How far the rollout is followed.
    pub follow: Follow,
    /// How long it may take, besides the group's own waits.
    pub wait: Duration,
    /// The deadline of the whole run, if given.
    pub deadline: Option<Duration>,
    /// How often AWS is read.
    pub poll: PollSettings,
}

/// The checks of green and of production.
#[derive(Debug, Clone, Default)]
pub struct CheckSettings {
    /// The smoke tests.
    pub suite: Option<Suite>,
    /// The URL at which green is tested, before traffic.
    pub test_url: Option<Url>,
    /// The URL at which production is tested, after the shift.
    pub production_url: Option<Url>,
    /// The values of `${env.NAME}`.
    pub environment: Vec<(String, Secret)>,
    /// The names of those values that are no secrets.
    pub plain_names: BTreeSet<String>,
    /// The alarms that the user names.
    pub alarms: AlarmSettings,
    /// The analysis of metrics while traffic shifts.
    pub analysis: Option<Analysis>,
    /// The gates before the start.
    pub gates: Option<GateSettings>,
}

impl CheckSettings {
    /// Whether green is checked before users reach it.
    pub fn tests_green(&self) -> bool {
        (self.suite.is_some() && self.test_url.is_some()) || self.measures_at(Moment::Green)
    }

    /// Whether anything is measured at a moment.
    pub fn measures_at(&self, moment: Moment) -> bool {
        self.analysis
            .as_ref()
            .is_some_and(|analysis| analysis.runs_on(moment))
    }

    /// The input that makes green's gate necessary.
    pub fn green_gate_input(&self) -> &'static str {
        if self.suite.is_some() && self.test_url.is_some() {
            "test-url"
        } else {
            "analysis"
        }
    }

    /// The URL at which a moment's tests run.
    pub fn url(&self, moment: Moment) -> Option<&Url> {
        match moment {
            Moment::Green => self.test_url.as_ref(),
            Moment::Step | Moment::Production | Moment::Bake => self.production_url.as_ref(),
        }
    }
}

impl RolloutSettings {
    /// Problems with an AppSpec that the user named, for when it is not known whether the service
    /// needs it.
    pub fn named_app_spec_problems(&self) -> &[Problem] {
        match &self.app_spec {
            AppSpecSource::Unusable(problems)
                if self.codedeploy_inputs.contains(&"codedeploy-appspec") =>
            {
                problems
            }
            AppSpecSource::Unusable(_) | AppSpecSource::File { .. } | AppSpecSource::Built => &[],
        }
    }
}

impl Settings {
    /// All secrets, for masking.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let login = self
            .image
            .iter()
            .filter_map(|image| image.login.credentials())
            .map(|login| &login.password);
        let environment = self
            .checks
            .environment
            .iter()
            .filter(|(name, _)| !self.checks.plain_names.contains(name));
        environment
            .map(|(_, secret)| secret)
            .chain(login)
            .chain(&self.command_secrets)
    }

    /// Texts that identify this run in its outputs and are therefore never masked.
    pub fn public_names(&self) -> Vec<String> {
        let image = self.image.iter().flat_map(|image| {
            let tags = image.tags.iter().map(|tag| tag.as_str().to_owned());
            tags.chain([image.reference.to_string()])
        });
        let named = [
            Some(self.aws.region.as_str()),
            Some(self.cluster.as_str()),
            self.service.as_ref().map(ServiceName::as_str),
            self.version.as_deref(),
        ];
        let named = named.into_iter().flatten().map(str::to_owned);
        named.chain(image).collect()
    }

    /// Types and validates the inputs.
    ///
    /// # Errors
    /// Every problem there is, in the order of the documentation.
    pub fn from_inputs(inputs: &Inputs, runner: &Runner) -> Result<Self, Vec<Problem>> {
        match Self::draft(inputs, runner) {
            (Some(settings), problems) if problems.is_empty() => Ok(settings),
            (_, problems) => Err(problems),
        }
    }

    /// The account of the repository that the image is pushed to, where that is another one and no
    /// role of it is assumed.
    pub fn foreign_repository_account(&self, account: &str) -> Option<String> {
        let image = self
            .image
            .as_ref()
            .filter(|_| self.mode.plans_deployment())?;
        let host = image.repository.as_ref()?.host.as_deref()?;
        let other = EcrHost::parse(host)?.account;
        let registry = self.aws.registry_role.as_ref();
        let has_role = registry.is_some_and(|role| role.covers(Some(&other)));
        (other != account && !has_role).then_some(other)
    }

    /// A problem for each ARN that is of another account than the credentials.
    pub fn foreign_arn_problems(&self, account: &str) -> Vec<Problem> {
        let base = match &self.definition.source {
            DefinitionSource::Registered(arn) => Some(arn.clone()),
            DefinitionSource::File(_) | DefinitionSource::Live => None,
        };
        let service = self.service.as_ref().map(|name| name.as_str().to_owned());
        let changes = &self.definition.changes;
        let given = [
            ("cluster", Some(self.cluster.as_str().to_owned())),
            ("service", service),
            ("task-definition-arn", base),
            ("task-role-arn", changes.task_role_arn.clone()),
            ("execution-role-arn", changes.execution_role_arn.clone()),
        ];
        let foreign = role::find_foreign(given, account);
        foreign_problems(&foreign, account, "who calls AWS")
    }

    /// The problems with the inputs, and the settings as far as the inputs are valid: an invalid
    /// input counts as not given. Without problems these are the settings; with problems they are
    /// only used to find out where to look in AWS.
    pub fn draft(inputs: &Inputs, runner: &Runner) -> (Option<Self>, Vec<Problem>) {
        let mut collect = ProblemCollector::default();
        let (mode, control) = control::settings(inputs, &mut collect);
        let image = image::settings(mode, inputs, runner, &mut collect);
        let scan = scan::settings(mode, inputs, runner, &mut collect);
        let definition = definition::settings(inputs, runner, &mut collect);
        let rollout = rollout::settings(inputs, runner, &mut collect);
        let checks = checks::settings(mode, inputs, runner, &mut collect);
        let task = task::settings(inputs, &mut collect);
        let migration = migration::settings(mode, inputs, &mut collect);
        let verification = verification::settings(inputs, &mut collect);
        let migration_undo = migration::undo_settings(mode, inputs, &mut collect);
        let cleanup = cleanup::settings(mode, inputs, &mut collect);
        let aws = read_aws(mode, inputs, runner, &mut collect);
        combinations::check(mode, inputs, &mut collect);
        if let Some(role) = aws.as_ref().and_then(|aws| aws.role.as_ref()) {
            let account = role.arn.account();
            let foreign = role::find_foreign(given_arns(inputs), account);
            for problem in foreign_problems(&foreign, account, "role-to-assume") {
                collect.value_or_problem::<()>(Err(problem));
            }
        }
        if let (Some(checks), Mode::Smoke) = (&checks, mode) {
            combinations::refuse_unknown_version(checks, inputs, &mut collect);
        }
        if let Some(checks) = checks.as_ref().filter(|_| mode.plans_deployment()) {
            combinations::refuse_same_url(checks, &mut collect);
        }
        collect.finish(|notes| {
            Some(Self {
                mode,
                control,
                cluster: inputs.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER).into(),
                service: inputs.service.as_deref().map(ServiceName::from),
                version: choose_version(mode, inputs, image.as_ref(), runner),
                image,
                scan,
                definition: definition.unwrap_or_default(),
                rollout,
                checks: checks.unwrap_or_default(),
                command_secrets: migration::command_secrets(inputs),
                task: task.valid(),
                migration,
                verification,
                migration_undo,
                cleanup,
                aws: aws?,
                notes,
            })
        })
    }
}

/// The inputs that may be ARNs of what has to be in the account of the service.
fn given_arns(inputs: &Inputs) -> [(&'static str, Option<String>); 5] {
    let given = [
        ("cluster", &inputs.cluster),
        ("service", &inputs.service),
        ("task-definition-arn", &inputs.task_definition_arn),
        ("task-role-arn", &inputs.task_role),
        ("execution-role-arn", &inputs.execution_role),
    ];
    given.map(|(input, value)| (input, value.clone()))
}

/// A problem for each ARN of another account: ECS and its roles are used in one account only.
fn foreign_problems(
    foreign: &[(&'static str, String)],
    account: &str,
    credentials: &str,
) -> Vec<Problem> {
    let problems = foreign.iter().map(|(input, found)| {
        let message = format!(
            "the ARN is of account {found}, and {credentials} is of account {account}"
        );
        let remedy = format!(
            "give the one of account {account}, or deploy with a role of account {found} (role-to-assume)"
        );
        Problem::new(*input, message, remedy)
    });
    problems.collect()
}

/// How AWS is called by the post step, as far as the inputs can be read: what is wrong with them
/// was told by the main step.
pub fn post_connection(inputs: &Inputs, runner: &Runner) -> AwsSettings {
    let mut collect = ProblemCollector::default();
    let mode = Mode::from_input(inputs.mode.as_deref()).unwrap_or_default();
    let read = read_aws(mode, inputs, runner, &mut collect).unwrap_or_default();
    AwsSettings {
        attempts: 3,
        write_attempts: None,
        registries: Vec::new(),
        ..read
    }
}

/// `version`, otherwise the first tag that the user gave, otherwise the commit. Not for a rollback,
/// which deploys another version, nor for what serves already.
fn choose_version(
    mode: Mode,
    inputs: &Inputs,
    image: Option<&ImageSettings>,
    runner: &Runner,
) -> Option<String> {
    let tag = inputs
        .tags
        .as_ref()
        .and(image)
        .and_then(|image| image.tags.first())
        .map(|tag| tag.as_str().to_owned());
    inputs.version.clone().or(tag).or_else(|| {
        runner.sha.clone().filter(|_| {
            !matches!(
                mode,
                Mode::Rollback | Mode::Smoke | Mode::Drift | Mode::Cleanup
            )
        })
    })
}

/// One attempt for 0 and 1. The official action used 3 for 0, contrary to its own documentation.
fn read_aws(
    mode: Mode,
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<AwsSettings> {
    let given = collect
        .read_number("max-retries", inputs.max_retries.as_deref(), 0..=20)
        .map(|retries: u32| retries.max(1));
    let asks_nothing_of_aws = mode == Mode::Smoke && inputs.service.is_none();
    let region = if asks_nothing_of_aws {
        let region = inputs.region.clone().or_else(|| runner.region.clone());
        Some(region.unwrap_or_default())
    } else {
        place::read_region(inputs, runner, collect)
    };
    if inputs
        .registry_type
        .as_deref()
        .is_some_and(|kind| kind != "private")
    {
        collect.add_problem(
            "registry-type",
            "only private registries are supported",
            "use private, or leave it out",
        );
    }
    if inputs.mask_password.is_some() || inputs.skip_logout.is_some() {
        collect.add_note("mask-password and skip-logout have nothing to do here: nothing is logged in, the ECR token is never shown");
    }
    let registries = collect.read_list("registries", inputs.registries.as_deref());
    let instance_profile = collect
        .read_bool(
            "use-instance-profile",
            inputs.use_instance_profile.as_deref(),
        )
        .unwrap_or_default();
    let instance_profile = if instance_profile {
        InstanceProfile::Used
    } else {
        InstanceProfile::Unused
    };
    let proxy = read_proxy(inputs, collect);
    let (role, registry_role) = role::settings(inputs, runner, instance_profile, collect);
    // A rollback must not fail for a role that only images need.
    let needs_registry =
        Mode::from_input(inputs.mode.as_deref()).is_none_or(Mode::plans_deployment);
    let registry_role = registry_role.filter(|_| needs_registry);
    Some(AwsSettings {
        region: region?,
        attempts: given.unwrap_or(3),
        write_attempts: given,
        instance_profile,
        role,
        registry_role,
        proxy,
        registries,
    })
}

/// An invalid proxy must not be ignored silently, because the user relies on it.
fn read_proxy(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<String> {
    let text = inputs.http_proxy.as_deref()?;
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        collect.add_problem(
            "http-proxy",
            "it is not the URL of an HTTP proxy",
            "write it whole, such as http://proxy.example.com:3128",
        );
    }
    url.map(|_| text.to_owned())
}
