//! Service revisions: what a service was made of in each of its deployments.

use serde_json::{Value, json};

use crate::account::{Account, Revision};
use crate::clock::now_ms;

/// One service revision. It never changes.
#[derive(Debug, Clone)]
pub(crate) struct ServiceRevision {
    pub(crate) arn: String,
    pub(crate) service: String,
    /// The task definition's ARN.
    pub(crate) task_definition: String,
    /// Where its tasks are registered.
    pub(crate) target_group: Option<String>,
    /// `containerImages`.
    pub(crate) images: Value,
    pub(crate) created_ms: i64,
}

/// Writes down what a service is to be made of, and returns its ARN.
pub(crate) fn add_service_revision(
    account: &mut Account,
    service: &str,
    task_definition: &str,
    target_group: Option<String>,
) -> String {
    let id = account.ids.next_digits();
    let revision = ServiceRevision {
        arn: account.location.service_revision_arn(service, &id),
        service: service.to_owned(),
        task_definition: task_definition.to_owned(),
        target_group,
        images: container_images(account, task_definition),
        created_ms: now_ms(),
    };
    let arn = revision.arn.clone();
    account.service_revisions.push(revision);
    arn
}

/// The digest is known where the definition names it: the stage's registry is not asked.
fn container_images(account: &Account, task_definition: &str) -> Value {
    let containers = account
        .revisions
        .find(task_definition)
        .into_iter()
        .flat_map(Revision::containers);
    containers
        .map(|container| {
            let image = container
                .get("image")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let mut view = json!({ "containerName": container.get("name"), "image": image });
            if let Some((_, digest)) = image.rsplit_once('@') {
                view["imageDigest"] = json!(digest);
            }
            view
        })
        .collect()
}
