//! The gate `deployed-in`: another service of the account runs the very image, since a while.
//!
//! Under the ECS controller the time counts from the end of its newest deployment, which must have
//! succeeded. Under CodeDeploy it counts from when the task set that serves was made.

use super::{GateReading, describe_age, from_error};
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_rollout_shapes::DeploymentStatus;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::checks::gates::{GateFinding, GateKind};
use crate::clock;
use crate::duration::HumanDuration;
use crate::identity::RevisionArn;
use crate::plan::StartGatesPlan;
use crate::run::Run;
use crate::start_gates::DeployedService;

/// The state of the task set to which production's traffic goes.
const PRIMARY: &str = "PRIMARY";

/// What runs in the other service.
struct RunningImages {
    revision: RevisionArn,
    digests: Vec<String>,
    /// In seconds since 1970.
    since: f64,
}

pub(super) async fn read(run: &Run, plan: &StartGatesPlan, place: &DeployedService) -> GateReading {
    let finding = find(run, plan, place)
        .await
        .unwrap_or_else(|finding| finding);
    GateReading::new(GateKind::DeployedIn, &place.name, finding)
}

async fn find(
    run: &Run,
    plan: &StartGatesPlan,
    place: &DeployedService,
) -> Result<GateFinding, GateFinding> {
    if plan.digests.is_empty() {
        return Err(GateFinding::unreadable(
            "the digest of the image is not known before it is pushed",
            "deploy an image of a registry (docker://…@sha256:…), or an OCI layout, whose digests are known",
        ));
    }
    let from_error = |error: AwsError| from_error(&error);
    let found = run
        .aws
        .describe_service(&place.cluster, &place.service)
        .await;
    let service = match found.map_err(from_error)? {
        ServiceLookup::Service(service) => *service,
        ServiceLookup::Missing(_) => {
            return Err(GateFinding::unreadable(
                format!("there is no service {} on {}", place.service, place.cluster),
                "check cluster, service and aws-region of this gate",
            ));
        }
    };
    let running = match service.controller() {
        DeploymentController::Ecs(_) => of_deployment(run, place).await?,
        DeploymentController::CodeDeploy => of_task_set(run, &service).await?,
        DeploymentController::Other(other) => {
            let why = format!("its controller is {other}, whose deployments are not known here");
            return Err(GateFinding::unreadable(why, "leave this gate out"));
        }
    };
    Ok(compare(&plan.digests, &running, place))
}

fn compare(wanted: &[String], running: &RunningImages, place: &DeployedService) -> GateFinding {
    let revision = short_name(&running.revision);
    let opens = format!("when this image is deployed to {}", place.name);
    if running.digests.is_empty() {
        return GateFinding::unreadable(
            format!("{revision} runs there, and the digest of its image is not known"),
            "deploy by digest there, as this action does",
        );
    }
    // All of them: containers beside the service's own are the same in many services.
    if !wanted.iter().all(|digest| running.digests.contains(digest)) {
        return GateFinding::closed(
            format!("{revision} runs there, which is another image"),
            opens,
        );
    }
    let age = clock::elapsed_since(running.since);
    let shown = format!(
        "{revision} has run the image there for {}",
        describe_age(age)
    );
    if age >= place.stayed_for {
        return GateFinding::open(shown);
    }
    GateFinding::Closed {
        why: format!(
            "{shown}, and must run it for {}",
            HumanDuration(place.stayed_for)
        ),
        opens: format!(
            "in {}, if it stays",
            HumanDuration(place.stayed_for.saturating_sub(age))
        ),
        opens_at: None,
    }
}

/// The newest deployment of ECS, if it has succeeded.
async fn of_deployment(run: &Run, place: &DeployedService) -> Result<RunningImages, GateFinding> {
    let from_error = |error: AwsError| from_error(&error);
    let all = run
        .aws
        .list_service_deployments(&place.cluster, &place.service)
        .await;
    let all = all.map_err(from_error)?;
    let Some(newest) = all.first() else {
        return Err(GateFinding::unreadable(
            "ECS knows no deployment of it in the last 90 days",
            "deploy there once more",
        ));
    };
    let (DeploymentStatus::Successful, Some(since), Some(target)) = (
        newest.status(),
        newest.finished_at,
        &newest.target_service_revision_arn,
    ) else {
        return Err(GateFinding::closed(
            format!("its newest deployment is {}", newest.raw_status),
            "when a deployment of this image has succeeded there",
        ));
    };
    let revisions = run
        .aws
        .describe_service_revisions(std::slice::from_ref(target))
        .await;
    let revision = revisions.map_err(from_error)?.into_iter().next();
    let Some(revision) = revision else {
        let why = "ECS does not show what its newest deployment runs";
        return Err(GateFinding::unreadable(why, "deploy there once more"));
    };
    let digests = revision.container_images.iter().flat_map(|image| {
        let named = image.image.as_deref().and_then(digest_of);
        named.into_iter().chain(image.image_digest.clone())
    });
    Ok(RunningImages {
        digests: digests.collect(),
        revision: revision.task_definition,
        since,
    })
}

/// The task set of CodeDeploy to which production's traffic goes.
async fn of_task_set(run: &Run, service: &Service) -> Result<RunningImages, GateFinding> {
    let serving = service
        .task_sets
        .iter()
        .find(|task_set| task_set.status == PRIMARY);
    let Some(serving) = serving else {
        let why = "no task set of it serves";
        return Err(GateFinding::closed(
            why,
            "when this image is deployed there",
        ));
    };
    let described = run
        .aws
        .describe_task_definition(serving.task_definition.as_str())
        .await
        .map_err(|error| from_error(&error))?;
    let containers = described["taskDefinition"]["containerDefinitions"].as_array();
    let images = containers.into_iter().flatten();
    Ok(RunningImages {
        digests: images
            .filter_map(|container| digest_of(container["image"].as_str()?))
            .collect(),
        revision: serving.task_definition.clone(),
        since: serving.created_at,
    })
}

/// The digest in an image's reference.
fn digest_of(image: &str) -> Option<String> {
    image.split_once('@').map(|(_, digest)| digest.to_owned())
}
