//! The task definition's source and what is changed in it: the inputs of the render action and of
//! the deploy action.

use serde_json::Value;

use super::collect::Collect;
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
    collect: &mut Collect,
) -> Option<DefinitionSettings> {
    let dropped_fields = dropped_fields(inputs, collect);
    let source = source(inputs, runner, dropped_fields, collect);
    let changes = collect.keep_all(changes(inputs));
    let kept = collect.keep_all(KeptKeys::parse(
        inputs.keep_null_value_keys.as_deref().unwrap_or_default(),
    ));
    both_names(inputs, collect);
    let shown_values = shown_values(inputs, collect);
    Some(DefinitionSettings {
        source: source?,
        changes: changes?,
        kept: kept?,
        shown_values,
        dropped_fields,
    })
}

fn shown_values(inputs: &Inputs, collect: &mut Collect) -> Vec<ShownField> {
    let words = collect.list("show-values", inputs.show_values.as_deref());
    words
        .iter()
        .filter_map(|word| collect.word("show-values", Some(word), ShownField::WORDS))
        .collect()
}

fn changes(inputs: &Inputs) -> Result<Changes, Vec<Problem>> {
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
        environment_variables: text(inputs.environment_variables.as_ref()),
        secrets: text(inputs.secrets.as_ref()),
        docker_labels: text(inputs.docker_labels.as_ref()),
        log_driver: text(inputs.log_driver.as_ref()),
        log_options: text(inputs.log_options.as_ref()),
        command: text(inputs.command.as_ref()),
        env_files: text(inputs.env_files.as_ref()),
        task_role_arn: text(inputs.task_role.as_ref()),
        execution_role_arn: text(inputs.execution_role.as_ref()),
    })
}

fn text(input: Option<&String>) -> &str {
    input.map_or("", String::as_str)
}

fn both_names(inputs: &Inputs, collect: &mut Collect) {
    if inputs.container.is_some()
        && inputs.container_name.is_some()
        && inputs.container != inputs.container_name
    {
        collect.problem(
            "container-name",
            "it differs from container, which means the same",
            "leave one of them out",
        );
    }
}

fn dropped_fields(inputs: &Inputs, collect: &mut Collect) -> DroppedFields {
    let allowed = collect
        .truth(
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

fn source(
    inputs: &Inputs,
    runner: &Runner,
    dropped: DroppedFields,
    collect: &mut Collect,
) -> Option<DefinitionSource> {
    let given = [
        &inputs.task_definition,
        &inputs.task_definition_arn,
        &inputs.task_definition_family,
    ];
    if given.iter().filter(|input| input.is_some()).count() > 1 {
        collect.problem(
            "task-definition",
            "more than one source is given",
            "keep one of task-definition, task-definition-arn and task-definition-family",
        );
        return None;
    }
    if inputs.task_definition_revision.is_some() && inputs.task_definition_family.is_none() {
        collect.problem(
            "task-definition-revision",
            "You can't fetch task definition with just revision",
            "set task-definition-family as well",
        );
    }
    if let Some(path) = inputs.task_definition.as_deref() {
        return file(path, runner, dropped, collect).map(DefinitionSource::File);
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

fn file(
    path: &str,
    runner: &Runner,
    dropped: DroppedFields,
    collect: &mut Collect,
) -> Option<Value> {
    let text = collect.file(
        "task-definition",
        path,
        runner,
        "give the path of a file that the job has checked out or rendered",
    )?;
    let value = collect.keep_all(parse::parse(&text, path, "task-definition"))?;
    let value = unwrapped(value, collect);
    let misspelled = match dropped {
        DroppedFields::Refused => MisspelledKeys::Refused,
        DroppedFields::Allowed => MisspelledKeys::Sent,
    };
    let problems = shape::problems(&value, "task-definition", misspelled);
    if problems.is_empty() {
        Some(value)
    } else {
        collect.keep_all(Err(problems))
    }
}

/// What `aws ecs describe-task-definition` prints has the definition in it.
fn unwrapped(value: Value, collect: &mut Collect) -> Value {
    if !value["taskDefinition"].is_object() || value.get("containerDefinitions").is_some() {
        return value;
    }
    collect
        .note("task-definition: the file is a whole answer of describe-task-definition; the taskDefinition in it is taken, with its tags");
    described::from_described(&value)
}
