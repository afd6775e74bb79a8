//! Which revision and side serve production now, for runs whose rollout was replaced by another.

use std::collections::BTreeMap;

use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::Service;
use crate::event::Serving;
use crate::observe::traffic;
use crate::run::Run;
use crate::undo::{Blue, ServiceKey};

/// Describes what the load balancer and the service's tasks show; says so when neither can be read.
pub async fn describe(run: &Run, place: &ServiceKey, blue: &Blue) -> String {
    let (observed, tasks) = tokio::join!(
        traffic::observe(run, place, blue),
        describe_tasks(run, place)
    );
    match (observed, tasks) {
        (Some(observed), _) if observed.sole_side() == Some(Serving::Blue) => {
            format!(
                "blue serves 100 % of production: {} ({})",
                short_name(&blue.revision),
                observed.observed_by.describe()
            )
        }
        (Some(observed), Some(tasks)) => format!("{}; {tasks}", observed.describe()),
        (Some(observed), None) => observed.describe(),
        (None, Some(tasks)) => tasks,
        (None, None) => "which side serves production could not be read".to_owned(),
    }
}

async fn describe_tasks(run: &Run, place: &ServiceKey) -> Option<String> {
    let read = run
        .aws
        .describe_service(&place.cluster, &place.service)
        .await;
    match run.optional_read("what the service runs now is not shown", read)? {
        ServiceLookup::Service(service) if service.is_active() => Some(describe_running(&service)),
        ServiceLookup::Service(service) => Some(format!(
            "the service is {} and serves nothing",
            service.status
        )),
        ServiceLookup::Missing(word) => Some(format!("the service is {word} and serves nothing")),
    }
}

/// The revisions of the running tasks, with the number of tasks.
fn describe_running(service: &Service) -> String {
    let sets = service
        .task_sets
        .iter()
        .map(|set| (&set.task_definition, set.running_count));
    let deployments = service
        .deployments
        .iter()
        .map(|deployment| (&deployment.task_definition, deployment.running_count));
    let mut counts = BTreeMap::new();
    for (revision, count) in sets.chain(deployments).filter(|(_, count)| *count > 0) {
        *counts.entry(short_name(revision)).or_insert(0) += count;
    }
    let words = counts.iter().map(|(revision, count)| {
        format!(
            "{count} {} of {revision}",
            if *count == 1 { "task" } else { "tasks" }
        )
    });
    let words = words.collect::<Vec<_>>().join(" and ");
    if words.is_empty() {
        "no task of the service runs".to_owned()
    } else {
        format!("running now: {words}")
    }
}
