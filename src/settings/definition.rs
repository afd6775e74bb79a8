//! The task definition's source and what is changed in it: the inputs of the render action and of
//! the deploy action.

use serde_json::Value;

use super::collect::ProblemCollector;
use super::{DefinitionSettings, DefinitionSource};
use crate::choices::DroppedFields;
use crate::documents::changes::{ChangeInputs, Changes, ContainerInput};
use crate::documents::clean::KeptKeys;
use crate::documents::compare::ShownField;
use crate::documents::typing::MisspelledKeys;
use crate::documents::{described, parse, shape};
use crate::inputs::Inputs;
use crate::problem::Problem;
use crate::runner::Runner;

pub(super) fn settings(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<DefinitionSettings> {
    let dropped_fields = read_dropped_fields(inputs, collect);
    let source = read_source(inputs, runner, dropped_fields, collect);
    let changes = collect.value_or_problems(read_changes(inputs));
    let kept = collect.value_or_problems(KeptKeys::parse(
        inputs.keep_null_value_keys.as_deref().unwrap_or_default(),
    ));
    refuse_two_names(inputs, collect);
    let shown_values = read_shown_values(inputs, collect);
    Some(DefinitionSettings {
        source: source?,
        patch: inputs.definition_patch.clone(),
        changes: changes?,
        kept_keys: kept?,
        shown_values,
        dropped_fields,
    })
}

fn read_shown_values(inputs: &Inputs, collect: &mut ProblemCollector) -> Vec<ShownField> {
    let words = collect.read_list("show-values", inputs.show_values.as_deref());
    words
        .iter()
        .filter_map(|word| collect.read_choice("show-values", Some(word), ShownField::WORDS))
        .collect()
}

fn read_changes(inputs: &Inputs) -> Result<Changes, Vec<Problem>> {
    Changes::from_inputs(&ChangeInputs {
        container_input: if inputs.container.is_some() {
            ContainerInput::Container
        } else {
            ContainerInput::ContainerName
        },
        container_name: inputs
            .container
            .as_deref()
            .or(inputs.container_name.as_deref())
            .unwrap_or_default(),
        image: "",
        environment_variables: text_or_empty(inputs.environment_variables.as_ref()),
        secrets: text_or_empty(inputs.secrets.as_ref()),
        docker_labels: text_or_empty(inputs.docker_labels.as_ref()),
        log_driver: text_or_empty(inputs.log_driver.as_ref()),
        log_options: text_or_empty(inputs.log_options.as_ref()),
        command: text_or_empty(inputs.command.as_ref()),
        env_files: text_or_empty(inputs.env_files.as_ref()),
        task_role_arn: text_or_empty(inputs.task_role.as_ref()),
        execution_role_arn: text_or_empty(inputs.execution_role.as_ref()),
    })
}

fn text_or_empty(input: Option<&String>) -> &str {
    input.map_or("", String::as_str)
}

fn refuse_two_names(inputs: &Inputs, collect: &mut ProblemCollector) {
    if inputs.container.is_some()
        && inputs.container_name.is_some()
        && inputs.container != inputs.container_name
    {
        collect.add_problem(
            "container-name",
            "it differs from container, which means the same",
            "leave one of them out",
        );
    }
}

fn read_dropped_fields(inputs: &Inputs, collect: &mut ProblemCollector) -> DroppedFields {
    let allowed = collect
        .read_bool(
            "allow-dropped-fields",
            inputs.allow_dropped_fields.as_deref(),
        )
        .unwrap_or(false);
    if allowed {
        DroppedFields::Allowed
    } else {
        DroppedFields::Refused
    }
}

fn read_source(
    inputs: &Inputs,
    runner: &Runner,
    dropped: DroppedFields,
    collect: &mut ProblemCollector,
) -> Option<DefinitionSource> {
    let given = [
        &inputs.task_definition,
        &inputs.task_definition_arn,
        &inputs.task_definition_family,
    ];
    if given.iter().filter(|input| input.is_some()).count() > 1 {
        collect.add_problem(
            "task-definition",
            "more than one source is given",
            "keep one of task-definition, task-definition-arn and task-definition-family",
        );
        return None;
    }
    if inputs.task_definition_revision.is_some() && inputs.task_definition_family.is_none() {
        collect.add_problem(
            "task-definition-revision",
            "You can't fetch task definition with just revision",
            "set task-definition-family as well",
        );
    }
    if let Some(path) = inputs.task_definition.as_deref() {
        return read_definition_file(path, runner, dropped, collect).map(DefinitionSource::File);
    }
    let family = inputs.task_definition_family.as_ref().map(|family| {
        match &inputs.task_definition_revision {
            Some(revision) => format!("{family}:{revision}"),
            None => family.clone(),
        }
    });
    Some(
        inputs
            .task_definition_arn
            .clone()
            .or(family)
            .map_or(DefinitionSource::Live, DefinitionSource::Registered),
    )
}

fn read_definition_file(
    path: &str,
    runner: &Runner,
    dropped: DroppedFields,
    collect: &mut ProblemCollector,
) -> Option<Value> {
    let text = collect.read_file(
        "task-definition",
        path,
        runner,
        "give the path of a file that the job has checked out or rendered",
    )?;
    let value = collect.value_or_problems(parse::parse(&text, path, "task-definition"))?;
    let value = unwrap_described(value, collect);
    let misspelled = match dropped {
        DroppedFields::Refused => MisspelledKeys::Refused,
        DroppedFields::Allowed => MisspelledKeys::Sent,
    };
    let problems = shape::find_problems(&value, "task-definition", misspelled);
    if problems.is_empty() {
        Some(value)
    } else {
        collect.value_or_problems(Err(problems))
    }
}

/// The output of `aws ecs describe-task-definition` contains the definition.
fn unwrap_described(value: Value, collect: &mut ProblemCollector) -> Value {
    if !value["taskDefinition"].is_object() || value.get("containerDefinitions").is_some() {
        return value;
    }
    collect
        .add_note("task-definition: the file is a whole answer of describe-task-definition; the taskDefinition in it is taken, with its tags");
    described::from_described(&value)
}
