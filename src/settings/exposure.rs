//! `expose-env` and `plain-env`: which variables of the environment documents may use, and which of
//! them are no secrets. The workflow decides this, not the document.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::ProblemCollector;
use crate::checks::environment::{Environment, is_reserved};
use crate::inputs::Inputs;

/// Which variables of the environment are exposed, and which are no secrets.
#[derive(Debug, Default)]
pub(super) struct Exposure {
    exposed: Option<BTreeSet<String>>,
    pub(super) plain_names: BTreeSet<String>,
}

impl Exposure {
    /// Those of the variables that documents may use.
    pub(super) fn restrict<'a>(
        &'a self,
        variables: &'a BTreeMap<String, String>,
    ) -> Environment<'a> {
        Environment {
            variables,
            exposed: self.exposed.as_ref(),
            plain: &self.plain_names,
        }
    }
}

pub(super) fn settings(inputs: &Inputs, collect: &mut ProblemCollector) -> Exposure {
    let exposed = inputs
        .expose_env
        .as_deref()
        .map(|text| read_variable_names("expose-env", text, collect));
    let plain = inputs
        .plain_env
        .as_deref()
        .map(|text| read_variable_names("plain-env", text, collect))
        .unwrap_or_default();
    Exposure {
        exposed,
        plain_names: plain,
    }
}

fn read_variable_names(
    input: &str,
    text: &str,
    collect: &mut ProblemCollector,
) -> BTreeSet<String> {
    let names: BTreeSet<String> = collect.read_list(input, Some(text)).into_iter().collect();
    for name in &names {
        if is_reserved(name) {
            let remedy = "take it out; set a variable of another name under `env:` of the step, if a document may have the value";
            collect.add_problem(input, format!("{name} belongs to the platform or to credentials, and is never given to a document"), remedy);
        } else if !name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
        {
            collect.add_problem(
                input,
                format!("`{name}` is not the name of an environment variable"),
                "write names separated by commas or lines",
            );
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(expose: &str) -> Vec<String> {
        let inputs = Inputs {
            expose_env: Some(expose.to_owned()),
            ..Inputs::default()
        };
        let mut collect = ProblemCollector::default();
        settings(&inputs, &mut collect);
        collect
            .finish(|_| Some(()))
            .1
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn names_are_listed_by_commas_or_lines_and_credentials_cannot_be_exposed() {
        assert_eq!(problems("SMOKE_TOKEN, STAGE\nTENANT"), Vec::<String>::new());
        let expected = "expose-env: AWS_SESSION_TOKEN belongs to the platform or to credentials, and is never given to a document";
        assert_eq!(problems("AWS_SESSION_TOKEN"), [expected]);
        assert_eq!(
            problems("SMOKE-*"),
            ["expose-env: `SMOKE-*` is not the name of an environment variable"]
        );
    }
}
