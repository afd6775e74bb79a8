//! `gates` and `override-gates`: what must hold before a deployment writes anything.

use super::collect::ProblemCollector;
use super::{CheckSettings, DEFAULT_CLUSTER};
use crate::checks::environment::Environment;
use crate::checks::gates::{self, StartGates, TestedDeployment};
use crate::checks::moment::Moment;
use crate::config_file;
use crate::inputs::Inputs;
use crate::problem::Problem;
use crate::runner::Runner;
use crate::start_gates::DeployedService;

const INPUT: &str = "gates";
/// Who starts a run, in the order in which GitHub's runner names them: who has run it again, who
/// began it.
const ACTORS: [&str; 2] = ["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"];
/// Where no variable names anybody.
const UNNAMED: &str = "whoever runs it by hand";

/// The gates before the start.
#[derive(Debug, Clone)]
pub struct GateSettings {
    /// As they were written.
    pub gates: StartGates,
    /// The services of `deployed-in`.
    pub deployed_in: Vec<DeployedService>,
    /// Why closed gates are passed all the same.
    pub override_reason: Option<String>,
    /// Who starts the run.
    pub actor: String,
}

pub(super) fn read_gates(
    text: &str,
    inputs: &Inputs,
    (runner, environment): (&Runner, Environment<'_>),
    collect: &mut ProblemCollector,
) -> Option<GateSettings> {
    let gates = if text.contains(['\n', '{']) || text.contains(": ") {
        collect.value_or_problems(gates::parse(text, "inline", environment))?
    } else {
        let remedy = "give inline YAML, or the path of a file that the job has checked out";
        let content = collect.read_file(INPUT, text, runner, remedy)?;
        collect.value_or_problems(gates::parse(&content, text, environment))?
    };
    let places: Vec<Option<DeployedService>> = gates
        .deployed_in
        .iter()
        .map(|asked| collect.value_or_problem(find_service(asked, inputs, runner)))
        .collect();
    let given = inputs.override_gates.clone();
    let actor = ACTORS.iter().find_map(|name| runner.variables.get(*name));
    Some(GateSettings {
        override_reason: given.or_else(|| gates.override_reason.clone()),
        actor: actor.cloned().unwrap_or_else(|| UNNAMED.to_owned()),
        deployed_in: places.into_iter().collect::<Option<_>>()?,
        gates,
    })
}

/// The service that a gate names, or that of an environment of the configuration file.
fn find_service(
    asked: &TestedDeployment,
    inputs: &Inputs,
    runner: &Runner,
) -> Result<DeployedService, Problem> {
    let problem = |message: String, remedy: &str| {
        Problem::new(INPUT, message, remedy).at_position(asked.at.clone())
    };
    let configured = match (&asked.environment, &inputs.config) {
        (Some(environment), Some(path)) if asked.service.is_none() || asked.cluster.is_none() => {
            let found = config_file::environment_inputs(path, environment, &runner.workspace);
            let names_service = asked.service.is_some();
            found.or_else(|problems| match problems.into_iter().next() {
                Some(found) if !names_service => Err(problem(
                    format!("`deployed-in`: {}", found.message),
                    "name an environment of the input config, or cluster and service",
                )),
                Some(_) | None => Ok(std::collections::BTreeMap::new()),
            })?
        }
        _ => std::collections::BTreeMap::new(),
    };
    let own = inputs.region.as_ref().or(runner.region.as_ref());
    let region = configured
        .get("aws-region")
        .filter(|region| own != Some(*region));
    if let Some(region) = region {
        return Err(problem(
            format!(
                "`deployed-in`: the environment is in {region}, and gates read only the region of this run"
            ),
            "leave this gate out, or deploy both in one region",
        ));
    }
    let choose =
        |own: &Option<String>, input: &str| own.clone().or_else(|| configured.get(input).cloned());
    let Some(service) = choose(&asked.service, "service") else {
        return Err(problem(
            "`deployed-in` does not say which service is meant".to_owned(),
            "write `cluster:` and `service:`, or name an environment of the input config that has them",
        ));
    };
    let cluster = choose(&asked.cluster, "cluster");
    Ok(DeployedService {
        name: asked.environment.clone().unwrap_or_else(|| service.clone()),
        cluster: cluster.as_deref().unwrap_or(DEFAULT_CLUSTER).into(),
        service: service.as_str().into(),
        stayed_for: asked.stayed_for,
    })
}

/// Blue is asked by production's smoke tests.
pub(super) fn refuse_untested_blue(checks: &CheckSettings, collect: &mut ProblemCollector) {
    let asks_blue = checks
        .gates
        .as_ref()
        .is_some_and(|settings| settings.gates.blue_healthy);
    let tests = checks
        .suite
        .as_ref()
        .map_or(0, |suite| suite.count_tests(Moment::Production));
    if asks_blue && (tests == 0 || checks.production_url.is_none()) {
        collect.add_problem(
            INPUT,
            "`blue-healthy` runs production's smoke tests, and there are none",
            "set smoke-tests and production-url, or leave blue-healthy out",
        );
    }
}
