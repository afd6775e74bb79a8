//! The changes that the inputs of the render action make to a task definition, parsed and typed.
//!
//! The official messages are kept where they fit. Differences from the official action, on purpose:
//! names after a comma are trimmed, `k=v=w` keeps `v=w`, a value may have several lines, and
//! `command` understands quotes. A problem never repeats a line of an input, because it may hold a
//! secret.
//!
//! One file, because its length is one function for each input, and the tests.

use super::command;
use super::lists::parse_list;
use super::pairs::{Pair, parse_pairs};
use crate::nearest::find_nearest;
use crate::problem::{Position, Problem};

/// The log drivers ECS knows, as the official action lists them.
const LOG_DRIVERS: [&str; 9] = [
    "json-file",
    "syslog",
    "journald",
    "logentries",
    "gelf",
    "fluentd",
    "awslogs",
    "splunk",
    "awsfirelens",
];

/// Which of its two names the user gave for the container, so that a problem repeats that name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ContainerInput {
    /// The official `container-name`.
    #[default]
    ContainerName,
    /// Our shorter `container`.
    Container,
}

impl ContainerInput {
    /// The name as it is written in the workflow.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContainerName => "container-name",
            Self::Container => "container",
        }
    }
}

/// The inputs as they are given, empty meaning absent. The fields have the official names. There is
/// no `Debug`, because values may be secrets.
#[derive(Clone, Copy, Default)]
pub struct ChangeInputs<'a> {
    /// Which input `container_name` comes from.
    pub container_input: ContainerInput,
    /// `container-name` or `container`: one name or a comma list.
    pub container_name: &'a str,
    /// `image`: the image reference to set.
    pub image: &'a str,
    /// `environment-variables`: NAME=value lines.
    pub environment_variables: &'a str,
    /// `secrets`: NAME=valueFrom lines.
    pub secrets: &'a str,
    /// `docker-labels`: key=value lines.
    pub docker_labels: &'a str,
    /// `log-configuration-log-driver`.
    pub log_driver: &'a str,
    /// `log-configuration-options`: key=value lines.
    pub log_options: &'a str,
    /// `command`.
    pub command: &'a str,
    /// `env-files`: ARNs of S3 objects, one a line.
    pub env_files: &'a str,
    /// `task-role-arn`.
    pub task_role_arn: &'a str,
    /// `execution-role-arn`.
    pub execution_role_arn: &'a str,
}

/// The changes to a task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Which input names the containers.
    pub container_input: ContainerInput,
    /// The containers to change; empty means the only one that can be meant.
    pub containers: Vec<String>,
    /// The image reference.
    pub image: Option<String>,
    /// Environment variables to set.
    pub environment: Vec<Pair>,
    /// Secrets to set: name and where the value comes from.
    pub secrets: Vec<Pair>,
    /// Docker labels to set.
    pub docker_labels: Vec<Pair>,
    /// The log driver.
    pub log_driver: Option<String>,
    /// Options of the log driver to set.
    pub log_options: Vec<Pair>,
    /// The command, word by word.
    pub command: Option<Vec<String>>,
    /// The environment files: replaces the list.
    pub environment_files: Option<Vec<String>>,
    /// The role of the task.
    pub task_role_arn: Option<String>,
    /// The role with which ECS starts the task.
    pub execution_role_arn: Option<String>,
}

impl Changes {
    /// Reads the inputs, and reports all problems at once.
    pub fn from_inputs(inputs: &ChangeInputs<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let names = parse_list(inputs.container_name, inputs.container_input.as_str());
        let containers = names.unwrap_or_else(|found| append(&mut problems, found));
        let mut collect = |result: Result<Vec<Pair>, Vec<Problem>>| {
            result.unwrap_or_else(|found| append(&mut problems, found))
        };
        let changes = Self {
            container_input: inputs.container_input,
            containers,
            image: non_empty(inputs.image).map(str::to_owned),
            environment: collect(parse_pairs(
                inputs.environment_variables,
                "environment-variables",
                "environment variable",
            )),
            secrets: collect(parse_pairs(inputs.secrets, "secrets", "secret")),
            docker_labels: collect(parse_pairs(
                inputs.docker_labels,
                "docker-labels",
                "docker label",
            )),
            log_options: collect(parse_pairs(
                inputs.log_options,
                "log-configuration-options",
                "log option",
            )),
            log_driver: collect_problem(
                &mut problems,
                non_empty(inputs.log_driver).map(parse_log_driver),
            ),
            command: collect_problem(
                &mut problems,
                non_empty(inputs.command).map(command::split_command),
            ),
            environment_files: non_empty(inputs.env_files).map(|text| {
                parse_environment_files(text).unwrap_or_else(|found| append(&mut problems, found))
            }),
            task_role_arn: collect_problem(
                &mut problems,
                non_empty(inputs.task_role_arn).map(|arn| parse_role(arn, "task-role-arn")),
            ),
            execution_role_arn: collect_problem(
                &mut problems,
                non_empty(inputs.execution_role_arn)
                    .map(|arn| parse_role(arn, "execution-role-arn")),
            ),
        };
        problems.extend(changes.duplicate_name_problems());
        if problems.is_empty() {
            Ok(changes)
        } else {
            Err(problems)
        }
    }

    /// A name that is both an environment variable and a secret.
    fn duplicate_name_problems(&self) -> impl Iterator<Item = Problem> {
        let both = self
            .environment
            .iter()
            .filter(|pair| self.secrets.iter().any(|secret| secret.name == pair.name));
        both.map(|pair| {
            let message = format!(
                "{} is in environment-variables too, and a container takes a name once",
                pair.name.escape_debug()
            );
            Problem::new("secrets", message, "Keep it in one of the two")
        })
    }

    /// Whether any container changes; roles belong to the task.
    pub fn changes_containers(&self) -> bool {
        let lists = [
            &self.environment,
            &self.secrets,
            &self.docker_labels,
            &self.log_options,
        ];
        let singles = [
            self.image.is_some(),
            self.log_driver.is_some(),
            self.command.is_some(),
            self.environment_files.is_some(),
        ];
        lists.iter().any(|list| !list.is_empty()) || singles.contains(&true)
    }
}

fn non_empty(input: &str) -> Option<&str> {
    Some(input.trim()).filter(|text| !text.is_empty())
}

fn append<T: Default>(problems: &mut Vec<Problem>, found: Vec<Problem>) -> T {
    problems.extend(found);
    T::default()
}

fn collect_problem<T>(
    problems: &mut Vec<Problem>,
    result: Option<Result<T, Problem>>,
) -> Option<T> {
    result?.map_err(|problem| problems.push(problem)).ok()
}

fn parse_log_driver(driver: &str) -> Result<String, Problem> {
    if LOG_DRIVERS.contains(&driver) {
        return Ok(driver.to_owned());
    }
    let message = format!("'{driver}' is invalid logConfigurationLogDriver");
    let meant = if driver.to_lowercase().contains("cloudwatch") {
        Some("awslogs")
    } else {
        find_nearest(driver, LOG_DRIVERS)
    };
    let meant = meant
        .map(|meant| format!("Did you mean `{meant}`? "))
        .unwrap_or_default();
    Err(Problem::new(
        "log-configuration-log-driver",
        message,
        format!("{meant}Valid options are {}", LOG_DRIVERS.join(", ")),
    ))
}

fn parse_environment_files(text: &str) -> Result<Vec<String>, Vec<Problem>> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty());
    let (files, invalid): (Vec<_>, Vec<_>) = lines.partition(|(_, line)| is_s3_object(line));
    if invalid.is_empty() {
        return Ok(files.into_iter().map(|(_, line)| line.to_owned()).collect());
    }
    Err(invalid
        .into_iter()
        .map(|(line, text)| s3_object_problem(line, text))
        .collect())
}

fn s3_object_problem(line: usize, text: &str) -> Problem {
    let position = Position {
        origin: "inline".to_owned(),
        line,
        column: 1,
    };
    let place = text
        .strip_prefix("s3://")
        .map(|path| format!("arn:aws:s3:::{path}"))
        .filter(|arn| is_s3_object(arn));
    let remedy = place.map_or_else(
        || "Write one ARN a line: arn:aws:s3:::<bucket>/<key>".to_owned(),
        |arn| format!("Write its ARN: {arn}"),
    );
    Problem::new("env-files", "This is not the ARN of an S3 object", remedy).at_position(position)
}

fn is_s3_object(arn: &str) -> bool {
    let Some((partition, path)) = arn
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":s3:::"))
    else {
        return false;
    };
    is_partition(partition)
        && path
            .split_once('/')
            .is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
}

fn parse_role(arn: &str, input: &str) -> Result<String, Problem> {
    if is_role_arn(arn) {
        return Ok(arn.to_owned());
    }
    let message = format!("Invalid ARN format for {input}");
    Err(Problem::new(
        input,
        message,
        "Expected format: arn:aws:iam::<account-id>:role/<role-name>",
    ))
}

/// Whether a text is the ARN of a role, by the official pattern: `^arn:aws(-cn|-us-gov|-iso|…)?:iam::[0-9]{12}:role/.+$`.
pub fn is_role_arn(arn: &str) -> bool {
    let Some((partition, rest)) = arn
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
    else {
        return false;
    };
    let Some((account, name)) = rest.split_once(":role/") else {
        return false;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_partition(partition) && is_account && !name.is_empty() && !name.contains(['\n', '\r'])
}

fn is_partition(name: &str) -> bool {
    matches!(
        name,
        "aws"
            | "aws-cn"
            | "aws-us-gov"
            | "aws-iso"
            | "aws-iso-b"
            | "aws-iso-e"
            | "aws-iso-f"
            | "aws-eusc"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_reported_at_once_with_the_official_names() {
        let inputs = ChangeInputs {
            environment_variables: "A=1\nhunter2\n",
            log_driver: "nope",
            command: "sh -c 'x",
            env_files: "arn:aws:s3:::bucket/a.env\nbucket/b.env",
            task_role_arn: "role/x",
            execution_role_arn: "arn:aws:iam::1:role/x",
            ..ChangeInputs::default()
        };
        let problems = Changes::from_inputs(&inputs).unwrap_err();
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let expected = [
            "environment-variables: inline:2:1: Cannot parse the environment variable: the line has no `=` (it is not shown, because it may be part \
             of a secret)",
            "log-configuration-log-driver: 'nope' is invalid logConfigurationLogDriver",
            "command: A quote is not closed",
            "env-files: inline:2:1: This is not the ARN of an S3 object",
            "task-role-arn: Invalid ARN format for task-role-arn",
            "execution-role-arn: Invalid ARN format for execution-role-arn",
        ];
        assert_eq!(texts, expected);
        assert!(!format!("{problems:?}").contains("hunter2"));
    }

    #[test]
    fn role_arns_follow_the_official_pattern() {
        let table = [
            ("arn:aws:iam::123456789012:role/x", true),
            ("arn:aws-us-gov:iam::123456789012:role/path/x", true),
            ("arn:aws:iam::12345678901:role/x", false),
            ("arn:aws:iam::123456789012:user/x", false),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:azure:iam::123456789012:role/x", false),
        ];
        for (arn, expected) in table {
            assert_eq!(is_role_arn(arn), expected, "{arn}");
        }
    }

    #[test]
    fn only_wishes_for_containers_touch_a_container() {
        let touched = |inputs| Changes::from_inputs(&inputs).unwrap().changes_containers();
        assert!(!touched(ChangeInputs {
            container_name: "api",
            task_role_arn: "arn:aws:iam::123456789012:role/x",
            ..ChangeInputs::default()
        }));
        assert!(touched(ChangeInputs {
            docker_labels: "a=b",
            ..ChangeInputs::default()
        }));
        assert!(touched(ChangeInputs {
            image: "api:1",
            ..ChangeInputs::default()
        }));
    }
}
