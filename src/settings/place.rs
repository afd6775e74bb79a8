//! Where AWS is asked: a region that can be one, and ARNs that are in it.

use super::collect::Collect;
use super::regions;
use crate::aws::arn::short_name;
use crate::inputs::Inputs;
use crate::runner::Runner;

/// The region; none where there is none, or where the word cannot be one.
pub(super) fn region(inputs: &Inputs, runner: &Runner, collect: &mut Collect) -> Option<String> {
    let Some(region) = inputs.region.clone().or_else(|| runner.region.clone()) else {
        collect.problem(
            "aws-region",
            "there is no region",
            "set aws-region, or run aws-actions/configure-aws-credentials before this step",
        );
        return None;
    };
    if !regions::is_possible(&region) {
        collect.problem(
            "aws-region",
            format!("`{region}` is not the name of a region"),
            regions::remedy(&region),
        );
        return None;
    }
    elsewhere(inputs, &region, collect);
    Some(region)
}

/// AWS looks for what an ARN names in the region that is asked, and would say that it is missing.
fn elsewhere(inputs: &Inputs, region: &str, collect: &mut Collect) {
    let given = [
        ("cluster", &inputs.cluster),
        ("service", &inputs.service),
        ("task-definition-arn", &inputs.task_definition_arn),
    ];
    for (input, value) in given {
        let Some(theirs) = value
            .as_deref()
            .and_then(region_of)
            .filter(|theirs| *theirs != region)
        else {
            continue;
        };
        let message = format!("the ARN is in {theirs}, and aws-region is {region}");
        collect.problem(
            input,
            message,
            format!("set aws-region: {theirs}, or give the one in {region}"),
        );
    }
    let Some((cluster, service)) = inputs
        .cluster
        .as_deref()
        .zip(inputs.service.as_deref().and_then(cluster_of))
    else {
        return;
    };
    if short_name(cluster) != service {
        let message = format!(
            "the ARN is of a service in cluster `{service}`, and cluster is `{}`",
            short_name(cluster)
        );
        collect.problem(
            "service",
            message,
            format!("set cluster: {service}, or give the service by its name"),
        );
    }
}

/// `arn:aws:ecs:REGION:…` → `REGION`.
fn region_of(arn: &str) -> Option<&str> {
    let mut parts = arn.strip_prefix("arn:")?.split(':');
    parts.nth(2).filter(|region| !region.is_empty())
}

/// `…:service/CLUSTER/NAME` → `CLUSTER`; ARNs of the old form name no cluster.
fn cluster_of(arn: &str) -> Option<&str> {
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
            let mut collect = Collect::default();
            region(&inputs, &Runner::default(), &mut collect);
            let found = collect.finish(|_| Some(())).1;
            assert_eq!(
                found.iter().map(ToString::to_string).collect::<Vec<_>>(),
                expected
            );
        }
    }
}
