//! What serves production now, by revision and side: for runs whose rollout another one has
//! replaced.

use std::collections::BTreeMap;

use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::Service;
use crate::event::Serving;
use crate::observe::traffic;
use crate::run::Run;
use crate::undo::{Blue, ServiceKey};

/// Looks at the load balancer and at the service's tasks, and says it in words; plainly where
/// neither can be seen.
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
        (None, None) => "what serves production now could not be seen".to_owned(),
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

/// The revisions whose tasks run, with how many of them.
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
