//! Suggests what a name that AWS does not know was meant to be. The suggestion is optional: where
//! listing names is denied or fails, none is made.

use super::ReadError;
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::Routing;
use crate::identity::ServiceName;
use crate::nearest::find_nearest;
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::run::Run;
use crate::settings::Settings;
use crate::settings::rollout::{CONFIGS, config_remedy};

/// How many names are shown at most.
const SHOWN: usize = 5;

/// The problem of a missing cluster.
pub(super) async fn missing_cluster_problem(run: &Run, settings: &Settings) -> Problem {
    let cluster = &settings.cluster;
    let meant = suggest_names(
        cluster.as_str(),
        "clusters there:",
        run.aws.list_cluster_arns().await,
    );
    let remedy = format!(
        "{meant}check cluster and aws-region (`{}`)",
        settings.aws.region
    );
    Problem::new(
        "cluster",
        format!("there is no cluster `{}`", short_name(cluster)),
        remedy,
    )
}

/// The problem of a missing service.
pub(super) async fn missing_service_problem(
    run: &Run,
    settings: &Settings,
    name: &ServiceName,
    word: &str,
) -> Problem {
    let meant = suggest_names(
        name.as_str(),
        "its services:",
        run.aws.list_service_arns(&settings.cluster).await,
    );
    let remedy = format!(
        "{meant}create the service first, or check service, cluster (`{}`) and aws-region (`{}`)",
        settings.cluster, settings.aws.region
    );
    Problem::new(
        "service",
        format!("`{name}` is {word} in cluster `{}`", settings.cluster),
        remedy,
    )
}

/// Similar names, or all names if there are few; empty, or ending with a semicolon.
fn suggest_names(given: &str, there: &str, listed: Result<Vec<String>, AwsError>) -> String {
    let arns = listed.unwrap_or_default();
    let names: Vec<&str> = arns
        .iter()
        .map(short_name)
        .filter(|name| *name != short_name(given))
        .collect();
    match find_nearest(short_name(given), names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Otherwise "),
        None if names.is_empty() || names.len() > SHOWN => String::new(),
        None => format!("{there} {}; ", names.join(", ")),
    }
}

/// How the deployment configuration of the inputs shifts traffic. It is refused if AWS does not
/// have it, or has it for something other than ECS.
pub(super) async fn read_routing(
    run: &Run,
    settings: &Settings,
    groups: Option<&str>,
) -> Result<Option<Routing>, ReadError> {
    let requested = settings
        .rollout
        .config
        .as_deref()
        .filter(|_| settings.mode.plans_deployment() || settings.mode == Mode::Rollback);
    let Some(name) = settings.rollout.config.as_deref().or(groups) else {
        return Ok(None);
    };
    let read = run.aws.get_deployment_config(name).await;
    let wrong = match &read {
        Ok(found) if !found.is_for_ecs() => {
            Some(format!("`{name}` is not for ECS ({})", found.platform))
        }
        Err(error)
            if error.has_code("DeploymentConfigDoesNotExist")
                || error.has_code("InvalidDeploymentConfigName") =>
        {
            Some(format!("there is no deployment configuration `{name}`"))
        }
        Ok(_) | Err(_) => None,
    };
    if let (Some(message), Some(_)) = (wrong, requested) {
        let listed = run.aws.list_deployment_configs().await.unwrap_or_default();
        let own = listed
            .iter()
            .map(String::as_str)
            .filter(|name| !name.starts_with("CodeDeployDefault."));
        let remedy = config_remedy(name, own.chain(CONFIGS));
        return Err(ReadError::Problem(Problem::new(
            "codedeploy-deployment-config",
            message,
            remedy,
        )));
    }
    let limited = "the deadline does not count how long the traffic shift takes";
    Ok(run.optional_read(limited, read).map(|found| found.routing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_near_name_is_offered_else_the_few_that_there_are() {
        let listed = |names: &[&str]| {
            Ok(names
                .iter()
                .map(|name| format!("arn:aws:ecs:eu-central-1:1:service/prod/{name}"))
                .collect())
        };
        let table = [
            (
                "apy",
                listed(&["api", "web"]),
                "did you mean `api`? Otherwise ",
            ),
            (
                "orders",
                listed(&["api", "web"]),
                "its services: api, web; ",
            ),
            ("orders", listed(&["a1", "a2", "a3", "a4", "a5", "a6"]), ""),
            ("orders", listed(&[]), ""),
            ("api", Err(AwsError::timed_out("ecs:ListServices")), ""),
        ];
        for (given, listed, expected) in table {
            assert_eq!(
                suggest_names(given, "its services:", listed),
                expected,
                "{given}"
            );
        }
    }
}
