//! The region, which must have a valid name, and ARNs, which must be in it.

use super::collect::ProblemCollector;
use super::regions;
use crate::aws::arn::short_name;
use crate::inputs::Inputs;
use crate::runner::Runner;

/// The region; none if there is none, or if its name is impossible.
pub(super) fn read_region(
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<String> {
    let Some(region) = inputs.region.clone().or_else(|| runner.region.clone()) else {
        collect.add_problem(
            "aws-region",
            "there is no region",
            "set aws-region, or run aws-actions/configure-aws-credentials before this step",
        );
        return None;
    };
    if !regions::is_possible(&region) {
        collect.add_problem(
            "aws-region",
            format!("`{region}` is not the name of a region"),
            regions::remedy(&region),
        );
        return None;
    }
    check_arns(inputs, &region, collect);
    Some(region)
}

/// AWS looks for an ARN in the region of the request, and would report that it does not exist.
fn check_arns(inputs: &Inputs, region: &str, collect: &mut ProblemCollector) {
    let given = [
        ("cluster", &inputs.cluster),
        ("service", &inputs.service),
        ("task-definition-arn", &inputs.task_definition_arn),
    ];
    for (input, value) in given {
        let Some(found) = value
            .as_deref()
            .and_then(arn_region)
            .filter(|found| *found != region)
        else {
            continue;
        };
        let message = format!("the ARN is in {found}, and aws-region is {region}");
        collect.add_problem(
            input,
            message,
            format!("set aws-region: {found}, or give the one in {region}"),
        );
    }
    let Some((cluster, service)) = inputs
        .cluster
        .as_deref()
        .zip(inputs.service.as_deref().and_then(arn_cluster))
    else {
        return;
    };
    if short_name(cluster) != service {
        let message = format!(
            "the ARN is of a service in cluster `{service}`, and cluster is `{}`",
            short_name(cluster)
        );
        collect.add_problem(
            "service",
            message,
            format!("set cluster: {service}, or give the service by its name"),
        );
    }
}

/// `arn:aws:ecs:REGION:…` → `REGION`.
fn arn_region(arn: &str) -> Option<&str> {
    let mut parts = arn.strip_prefix("arn:")?.split(':');
    parts.nth(2).filter(|region| !region.is_empty())
}

/// `…:service/CLUSTER/NAME` → `CLUSTER`; ARNs of the old form name no cluster.
fn arn_cluster(arn: &str) -> Option<&str> {
    let (_, rest) = arn.strip_prefix("arn:")?.split_once(":service/")?;
    rest.split_once('/').map(|(cluster, _)| cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_held_against_the_region_and_the_cluster() {
        let table = [
            (
                Some("arn:aws:ecs:eu-central-1:1:cluster/prod"),
                Some("api"),
                vec![],
            ),
            (
                Some("prod"),
                Some("arn:aws:ecs:eu-central-1:1:service/prod/api"),
                vec![],
            ),
            (
                Some("prod"),
                Some("arn:aws:ecs:eu-central-1:1:service/api"),
                vec![],
            ),
            (
                Some("arn:aws:ecs:us-east-1:1:cluster/prod"),
                Some("api"),
                vec!["cluster: the ARN is in us-east-1, and aws-region is eu-central-1"],
            ),
            (
                Some("staging"),
                Some("arn:aws:ecs:us-east-1:1:service/prod/api"),
                vec![
                    "service: the ARN is in us-east-1, and aws-region is eu-central-1",
                    "service: the ARN is of a service in cluster `prod`, and cluster is `staging`",
                ],
            ),
        ];
        for (cluster, service, expected) in table {
            let (cluster, service) = (cluster.map(str::to_owned), service.map(str::to_owned));
            let inputs = Inputs {
                cluster,
                service,
                region: Some("eu-central-1".into()),
                ..Inputs::default()
            };
            let mut collect = ProblemCollector::default();
            read_region(&inputs, &Runner::default(), &mut collect);
            let found = collect.finish(|_| Some(())).1;
            assert_eq!(
                found.iter().map(ToString::to_string).collect::<Vec<_>>(),
                expected
            );
        }
    }
}
