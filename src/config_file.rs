//! The input `config`: a file of the repository with the inputs of every environment. It is read
//! before the inputs are: what the file says takes the place of inputs that the workflow leaves out.

use std::collections::BTreeMap;

use crate::checks::document::{Content, Entry, Node, Place, read_document};
use crate::checks::reader::{DocumentResources, Reader, suggest_choices};
use crate::documents::patch::DefinitionPatch;
use crate::inputs;
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::workspace::Workspace;

mod patch;
#[cfg(test)]
pub mod schema;

const INPUT: &str = "config";
/// What holds for every environment, and what holds for one.
const PARTS: [&str; 2] = ["defaults", "environments"];
/// Inputs that are secrets: a file of the repository is no place for them.
const SECRETS: [&str; 2] = ["registry-password", "github-token"];
/// Inputs that say what a run does and with which file, and those that decide what a document, or a
/// branch that was checked out, may see of the job.
const WORKFLOW_ONLY: [&str; 9] = [
    "mode",
    "config",
    "environment",
    "plan-digest",
    "expose-env",
    "plain-env",
    "show-values",
    "use-instance-profile",
    "override-gates",
];
/// Inputs that only runs read which deploy something new, beside all that begin with `migrate`.
const DEPLOYMENT_ONLY: [&str; 5] = [
    "image",
    "repository",
    "task-definition",
    "task-definition-arn",
    "task-definition-family",
];

/// Inputs as variables in which the runner gives them.
type Variables = BTreeMap<String, String>;

/// What the configuration file says.
#[derive(Debug, Default)]
pub struct ConfigFile {
    /// Inputs of which the workflow says nothing, as variables.
    pub variables: Variables,
    /// What is changed in the task definition.
    pub patch: DefinitionPatch,
}

/// What one environment says.
#[derive(Debug, Default)]
struct EnvironmentValues {
    inputs: BTreeMap<&'static str, String>,
    patch: DefinitionPatch,
}

impl EnvironmentValues {
    fn merge(&mut self, other: Self) {
        self.inputs.extend(other.inputs);
        self.patch.merge(other.patch);
    }
}

/// Reads the configuration file, if one is named.
///
/// # Errors
///
/// What is wrong with the file.
pub fn read(variables: &Variables, workspace: &Workspace) -> Result<ConfigFile, Vec<Problem>> {
    let given = |input: &str| {
        let value = variables.get(&inputs::variable(input))?.trim();
        (!value.is_empty()).then_some(value)
    };
    let environment = given("environment");
    let Some(path) = given(INPUT) else {
        return match environment {
            None => Ok(ConfigFile::default()),
            Some(_) => Err(vec![Problem::new(
                "environment",
                "it is given without a file that has environments",
                "set config, or leave it out",
            )]),
        };
    };
    let plans_deployment = Mode::from_input(given("mode")).is_none_or(Mode::plans_deployment);
    let is_read = |input: &str| {
        plans_deployment || !(DEPLOYMENT_ONLY.contains(&input) || input.starts_with("migrate"))
    };
    let values = read_values(path, environment, workspace)?;
    let said = values
        .inputs
        .into_iter()
        .filter(|(input, _)| given(input).is_none() && is_read(input))
        .map(|(input, value)| (inputs::variable(input), value));
    Ok(ConfigFile {
        variables: said.collect(),
        patch: if plans_deployment {
            values.patch
        } else {
            DefinitionPatch::default()
        },
    })
}

/// The inputs of another environment of a file, by their names.
///
/// # Errors
/// The file cannot be read, or has no such environment.
pub fn environment_inputs(
    path: &str,
    environment: &str,
    workspace: &Workspace,
) -> Result<BTreeMap<&'static str, String>, Vec<Problem>> {
    read_values(path, Some(environment), workspace).map(|values| values.inputs)
}

/// What an environment says, above the defaults.
fn read_values(
    path: &str,
    environment: Option<&str>,
    workspace: &Workspace,
) -> Result<EnvironmentValues, Vec<Problem>> {
    let text = workspace.read(path).map_err(|error| {
        let remedy = "give the path of a file that the job has checked out";
        vec![Problem::new(INPUT, format!("{path} {error}"), remedy)]
    })?;
    let root = read_document(&text, INPUT, path)?;
    let mut reader = Reader::new(INPUT, path, DocumentResources::NONE);
    let values = read_root(&mut reader, &root, environment, path);
    let problems = reader.finish();
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

fn read_root(
    reader: &mut Reader<'_>,
    root: &Node,
    environment: Option<&str>,
    origin: &str,
) -> EnvironmentValues {
    let mut values = EnvironmentValues::default();
    let Some(fields) = reader.fields(root, "the file", &PARTS) else {
        return values;
    };
    if let Some(defaults) = fields.get("defaults") {
        values.merge(read_environment(reader, defaults, "defaults", origin));
    }
    let Some(environments) = fields.get("environments") else {
        if let Some(environment) = environment {
            reader.report(
                root.place,
                format!("there is no environment `{environment}`: the file has no environments"),
                "Add it below `environments`, or leave the input environment out",
            );
        }
        return values;
    };
    let entries = reader.entries(environments, "environments").unwrap_or(&[]);
    if environment.is_none() && !entries.is_empty() {
        reader.report(
            environments.place,
            "the file has environments, and none is chosen",
            "Set the input environment",
        );
    }
    // All of them are checked, so that a mistake in production is found when staging is deployed.
    for entry in entries {
        let what = format!("environment `{}`", entry.key);
        let said = read_environment(reader, &entry.value, &what, origin);
        if environment == Some(entry.key.as_str()) {
            values.merge(said);
        }
    }
    if let Some(environment) = environment
        && !entries.iter().any(|entry| entry.key == environment)
    {
        let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        reader.report(
            environments.place,
            format!("there is no environment `{environment}`"),
            suggest_choices(environment, &names),
        );
    }
    values
}

fn read_environment(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    origin: &str,
) -> EnvironmentValues {
    let mut values = EnvironmentValues::default();
    if matches!(node.content, Content::Null) {
        return values;
    }
    for entry in reader.entries(node, what).unwrap_or(&[]) {
        if patch::KEYS.contains(&entry.key.as_str()) {
            values.patch.merge(patch::read(reader, entry, origin));
        } else if let Some(name) = known_input(reader, entry)
            && let Some(value) = read_value(reader, entry)
        {
            values.inputs.insert(name, value);
        }
    }
    values
}

fn known_input(reader: &mut Reader<'_>, entry: &Entry) -> Option<&'static str> {
    let key = entry.key.as_str();
    let mut refuse = |place: Place, message: String, remedy: String| {
        reader.report(place, message, remedy);
        None
    };
    if SECRETS.contains(&key) {
        let remedy = format!("Give it in the workflow: with: {key}: ${{{{ secrets.… }}}}");
        return refuse(entry.place, format!("`{key}` is a secret"), remedy);
    }
    if WORKFLOW_ONLY.contains(&key) {
        let message = format!("`{key}` is said in the workflow only");
        return refuse(entry.place, message, "Move it to `with:`".to_owned());
    }
    if let Some(input) = inputs::find(key) {
        return Some(input.name);
    }
    let remedy = inputs::find_similar(key).map_or_else(
        || "docs/inputs.md lists the inputs".to_owned(),
        |name| format!("Did you mean `{name}`?"),
    );
    refuse(entry.place, format!("there is no input `{key}`"), remedy)
}

/// A scalar as it is written; a list as its items, a line each.
fn read_value(reader: &mut Reader<'_>, entry: &Entry) -> Option<String> {
    let key = entry.key.as_str();
    match &entry.value.content {
        Content::Null => None,
        Content::Mapping(_) => {
            reader.report(
                entry.value.place,
                format!("`{key}` is a mapping"),
                format!("Write the document as text (`{key}: |`, and the document below it), or give the path of a file"),
            );
            None
        }
        Content::List(items) => {
            let items: Vec<Option<String>> =
                items.iter().map(|item| reader.text(item, key)).collect();
            let items: Option<Vec<String>> = items.into_iter().collect();
            Some(items?.join("\n"))
        }
        Content::Text(_) | Content::Number(_) | Content::Boolean(_) => {
            reader.text(&entry.value, key)
        }
    }
}
