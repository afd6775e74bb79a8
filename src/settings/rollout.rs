//! How the rollout is done, and how long it is followed.
//!
//! One file, because it reads the inputs of one struct, [`RolloutSettings`].

use std::time::Duration;

use serde_json::Value;

use super::RolloutSettings;
use super::collect::ProblemCollector;
use crate::aws::arn::short_name;
use crate::choices::{Follow, PollSettings};
use crate::documents::ebs::{ManagedVolume, VolumeOwner, parse_managed_volume};
use crate::documents::{app_spec, parse};
use crate::duration::HumanDuration;
use crate::identity::{ApplicationName, DeploymentGroupName};
use crate::inputs::Inputs;
use crate::nearest::find_nearest;
use crate::problem::Problem;
use crate::runner::Runner;

/// The file the official action reads when none is named.
const APP_SPEC: &str = "appspec.yaml";
/// The official default and maximum of `wait-for-minutes`.
const MINUTES: u64 = 30;
const MOST_MINUTES: u64 = 360;
/// A longer time between two reads would break the promise to act within seconds.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(15);

/// Where the AppSpec comes from.
#[derive(Debug, Clone)]
pub enum AppSpecSource {
    /// A file of the job, read and checked.
    File {
        /// The parsed AppSpec.
        spec: Value,
    },
    /// A file with problems, which are only reported if the AppSpec is needed.
    Unusable(Vec<Problem>),
    /// None: the AppSpec is built from the service.
    Built,
}

/// CodeDeploy's application and deployment group: the given names, or AWS's default names for the
/// service.
pub fn codedeploy_names(inputs: &Inputs) -> (ApplicationName, DeploymentGroupName) {
    let cluster = short_name(inputs.cluster.as_deref().unwrap_or("default"));
    let service = short_name(inputs.service.as_deref().unwrap_or_default());
    let application = inputs
        .codedeploy_application
        .clone()
        .unwrap_or_else(|| format!("AppECS-{cluster}-{service}"));
    (
        application.into(),
        inputs
            .codedeploy_group
            .clone()
            .unwrap_or_else(|| format!("DgpECS-{cluster}-{service}"))
            .into(),
    )
}

pub(super) fn settings(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> RolloutSettings {
    let (application, group) = codedeploy_names(inputs);
    let app_spec = read_app_spec(inputs, runner, collect);
    let (wait, deadline) = (
        Duration::from_secs(60 * read_minutes(inputs, collect)),
        collect.read_duration("deadline", inputs.deadline.as_deref()),
    );
    if deadline == Some(Duration::ZERO) {
        collect.add_problem(
            "deadline",
            "it is zero",
            "use a duration such as 45m, or leave it out",
        );
    }
    let deadline = deadline.filter(|deadline| !deadline.is_zero());
    let poll = read_poll_settings(inputs, deadline.unwrap_or(wait), collect);
    RolloutSettings {
        unread_app_spec: find_unread_app_spec(inputs, runner),
        codedeploy_inputs: given_codedeploy_inputs(inputs),
        app_spec,
        application,
        group,
        description: inputs.codedeploy_description.clone(),
        config: read_config(inputs, collect),
        strategy: super::strategy::settings(inputs, collect),
        force_new_deployment: collect
            .read_bool(
                "force-new-deployment",
                inputs.force_new_deployment.as_deref(),
            )
            .unwrap_or(false),
        desired_count: collect.read_number(
            "desired-count",
            inputs.desired_count.as_deref(),
            0..=i32::MAX,
        ),
        enable_ecs_managed_tags: collect.read_bool(
            "enable-ecs-managed-tags",
            inputs.enable_ecs_managed_tags.as_deref(),
        ),
        propagate_tags: read_propagate_tags(inputs, collect),
        volume: read_volume(inputs, collect),
        follow: read_follow(inputs, collect),
        wait,
        deadline,
        poll,
    }
}

/// The predefined deployment configurations for ECS.
pub(crate) const CONFIGS: [&str; 5] = [
    "CodeDeployDefault.ECSAllAtOnce",
    "CodeDeployDefault.ECSCanary10Percent5Minutes",
    "CodeDeployDefault.ECSCanary10Percent15Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
];

/// Predefined configurations say by their names which platform they are for.
fn read_config(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<String> {
    let name = inputs.codedeploy_config.clone()?;
    if name
        .strip_prefix("CodeDeployDefault.")
        .is_some_and(|kind| !kind.starts_with("ECS"))
    {
        let message =
            format!("`{name}` is not for ECS: AWS's own for ECS begin with CodeDeployDefault.ECS");
        collect.add_problem(
            "codedeploy-deployment-config",
            message,
            config_remedy(&name, CONFIGS),
        );
    }
    Some(name)
}

/// Suggestions for a deployment configuration that cannot be used, among the existing ones.
pub(crate) fn config_remedy<'n>(
    name: &str,
    candidates: impl IntoIterator<Item = &'n str> + Clone,
) -> String {
    // Similar names are searched by the part that differs: all predefined names begin alike.
    let kind = |name: &'n str| {
        name.rsplit('.')
            .next()
            .unwrap_or(name)
            .trim_start_matches("ECS")
    };
    let given = name
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .trim_start_matches("ECS");
    let near = find_nearest(given, candidates.clone().into_iter().map(kind));
    match near.and_then(|near| {
        candidates
            .clone()
            .into_iter()
            .find(|name| kind(name) == near)
    }) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "use one of {}",
            candidates.into_iter().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// An unusable AppSpec is refused only when the service needs one: one of ECS's own strategies, or
/// none, does not.
fn read_app_spec(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> AppSpecSource {
    match inputs.codedeploy_appspec.as_deref() {
        Some(path) => {
            collect.note_substitute_file("codedeploy-appspec", path, runner);
            read_app_spec_file(path, runner).unwrap_or_else(AppSpecSource::Unusable)
        }
        None if runner.workspace.has_file(APP_SPEC) => {
            read_app_spec_file(APP_SPEC, runner).unwrap_or_else(AppSpecSource::Unusable)
        }
        None => AppSpecSource::Built,
    }
}

/// The author of an AppSpec with another common name would assume that it is read.
fn find_unread_app_spec(inputs: &Inputs, runner: &Runner) -> Option<&'static str> {
    let is_read = inputs.codedeploy_appspec.is_some() || runner.workspace.has_file(APP_SPEC);
    let others = ["appspec.yml", "appspec.json", "AppSpec.yaml", "AppSpec.yml"];
    others
        .into_iter()
        .find(|name| !is_read && runner.workspace.has_file(name))
}

fn given_codedeploy_inputs(inputs: &Inputs) -> Vec<&'static str> {
    let all = [
        ("codedeploy-appspec", &inputs.codedeploy_appspec),
        ("codedeploy-application", &inputs.codedeploy_application),
        ("codedeploy-deployment-group", &inputs.codedeploy_group),
        (
            "codedeploy-deployment-description",
            &inputs.codedeploy_description,
        ),
        ("codedeploy-deployment-config", &inputs.codedeploy_config),
    ];
    all.into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(input, _)| input)
        .collect()
}

fn read_app_spec_file(path: &str, runner: &Runner) -> Result<AppSpecSource, Vec<Problem>> {
    let remedy =
        "give the path of a file of the job, or leave it out to have it built from the service";
    let text = runner.workspace.read(path).map_err(|error| {
        vec![Problem::new(
            "codedeploy-appspec",
            format!("{path} {error}"),
            remedy,
        )]
    })?;
    let spec = parse::parse(&text, path, "codedeploy-appspec")?;
    let problems = app_spec::check(&spec, "codedeploy-appspec");
    if problems.is_empty() {
        Ok(AppSpecSource::File { spec })
    } else {
        Err(problems)
    }
}

fn read_propagate_tags(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<String> {
    let words = [
        ("SERVICE", "SERVICE"),
        ("TASK_DEFINITION", "TASK_DEFINITION"),
        ("NONE", "NONE"),
    ];
    collect
        .read_choice("propagate-tags", inputs.propagate_tags.as_deref(), &words)
        .map(str::to_owned)
}

fn read_volume(inputs: &Inputs, collect: &mut ProblemCollector) -> ManagedVolume {
    let text = |input: &Option<String>| input.clone().unwrap_or_default();
    collect.read_volume(parse_managed_volume(
        &text(&inputs.ebs_name),
        &text(&inputs.ebs),
        VolumeOwner::Service,
    ))
}

fn read_follow(inputs: &Inputs, collect: &mut ProblemCollector) -> Follow {
    let stable = collect.read_bool("wait-for-service-stability", inputs.stability.as_deref());
    let until = collect.read_choice(
        "wait-until",
        inputs.wait_until.as_deref(),
        &[
            ("shifted", Follow::Shifted),
            ("completed", Follow::Completed),
        ],
    );
    if stable == Some(false) {
        return Follow::LeaveToAws;
    }
    until.unwrap_or(Follow::Completed)
}

/// 0 means the default, and more than six hours means six hours, as in the official action. A text
/// that is not a number is a problem here; the official action used 30.
fn read_minutes(inputs: &Inputs, collect: &mut ProblemCollector) -> u64 {
    match collect.read_minutes("wait-for-minutes", inputs.wait_minutes.as_deref()) {
        None => MINUTES,
        Some(0) => {
            collect.add_note(format!("wait-for-minutes: 0 means its default, {MINUTES}"));
            MINUTES
        }
        Some(minutes) if minutes > MOST_MINUTES => {
            collect.add_note(format!("wait-for-minutes: {minutes} is more than the longest wait: {MOST_MINUTES} minutes are waited"));
            MOST_MINUTES
        }
        Some(minutes) => minutes,
    }
}

/// A poll interval as long as the deadline would miss the end of the rollout.
fn read_poll_settings(
    inputs: &Inputs,
    limit: Duration,
    collect: &mut ProblemCollector,
) -> PollSettings {
    let max_delay = collect.read_number(
        "wait-max-delay-seconds",
        inputs.wait_max_delay.as_deref(),
        1..=3600_u64,
    );
    let fixed = collect.read_duration("poll-interval", inputs.poll_interval.as_deref());
    if fixed.is_some_and(|fixed| fixed.is_zero()) {
        collect.add_problem(
            "poll-interval",
            "it is zero",
            "use a duration such as 2s, or leave it out",
        );
    }
    if let Some(fixed) = fixed.filter(|fixed| *fixed >= limit) {
        let message = format!(
            "{} is as long as the rollout is followed at all ({})",
            HumanDuration(fixed),
            HumanDuration(limit)
        );
        collect.add_problem(
            "poll-interval",
            message,
            "use a duration such as 2s, or leave it out",
        );
    }
    PollSettings {
        fixed_interval: fixed,
        max_interval: max_delay.map_or(MAX_POLL_INTERVAL, Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_a_number_or_a_duration_of_whole_minutes() {
        let table = [
            ("30", Some(30)),
            ("30m", Some(30)),
            ("1h30m", Some(90)),
            ("0", Some(MINUTES)),
            ("1000", Some(MOST_MINUTES)),
            ("90s", None),
            ("half an hour", None),
            ("-5", None),
        ];
        for (text, expected) in table {
            let inputs = Inputs {
                wait_minutes: Some(text.to_owned()),
                ..Inputs::default()
            };
            let mut collect = ProblemCollector::default();
            let found = read_minutes(&inputs, &mut collect);
            let (_, problems) = collect.finish(|_| Some(()));
            assert_eq!(
                Some(found).filter(|_| problems.is_empty()),
                expected,
                "{text}: {problems:?}"
            );
        }
    }
}
