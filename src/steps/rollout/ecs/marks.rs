//! The update that sets our pause, and the marks by which it is recognised later: in the hook where
//! ECS keeps them, else in a tag of the service.

use serde_json::Value;

use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::Service;
use crate::aws::{AwsError, AwsErrorKind};
use crate::documents::deployment_configuration::{Pause, marked_run, without_marks};
use crate::event::fact::HooksFact;
use crate::run::Run;
use crate::undo::ServiceKey;

/// The limitation when no tag can be set.
const LIMITED_WITHOUT_TAG: &str =
    "PAUSE hooks that a killed run leaves on the service are not known to later runs";

pub(super) struct ServiceUpdateCall<'a> {
    pub(super) run: &'a Run,
    pub(super) place: &'a ServiceKey,
    pub(super) body: Value,
    /// The pause that it adds.
    pub(super) pause: Option<&'a Pause>,
}

impl ServiceUpdateCall<'_> {
    /// Sends the update. Where ECS refuses marks, they are left out, and a tag that names the run
    /// is set before the hooks.
    pub(super) async fn send(&mut self) -> Result<(), AwsError> {
        let answer = match (
            self.run.aws.update_service(&self.body).await,
            self.unmarked_configuration(),
        ) {
            (Err(error), Some(unmarked)) if mentions_hooks(&error) => {
                self.run.emit(HooksFact::Unmarked {
                    error: error.to_string().into(),
                });
                self.ensure_marked(None).await;
                self.body["deploymentConfiguration"] = unmarked;
                return self.run.aws.update_service(&self.body).await.map(drop);
            }
            (answer, _) => answer?,
        };
        self.ensure_marked(Some(&answer)).await;
        Ok(())
    }

    fn unmarked_configuration(&self) -> Option<Value> {
        self.body
            .get("deploymentConfiguration")
            .and_then(without_marks)
    }

    /// Reads the service back: where ECS did not keep the mark of our hook, a tag replaces it.
    pub(super) async fn ensure_marked(&self, answer: Option<&Service>) {
        if self.pause.is_none()
            || self.unmarked_configuration().is_none()
            || answer.is_some_and(|service| self.is_marked(service))
        {
            return;
        }
        let read = self
            .run
            .aws
            .describe_service(&self.place.cluster, &self.place.service)
            .await;
        match self.run.optional_read(LIMITED_WITHOUT_TAG, read) {
            Some(ServiceLookup::Service(service)) if !self.is_marked(&service) => {
                self.add_tag(&service).await;
            }
            Some(ServiceLookup::Service(_) | ServiceLookup::Missing(_)) | None => {}
        }
    }

    fn is_marked(&self, service: &Service) -> bool {
        service
            .deployment_configuration
            .as_ref()
            .and_then(marked_run)
            == Some(self.run.id.as_str())
    }

    async fn add_tag(&self, service: &Service) {
        let Some(pause) = self.pause else { return };
        self.run.optional_read(
            LIMITED_WITHOUT_TAG,
            self.run
                .aws
                .tag_service(&service.service_arn, &pause.to_tag())
                .await,
        );
    }
}

fn mentions_hooks(error: &AwsError) -> bool {
    error.kind == AwsErrorKind::Refused && error.message.to_lowercase().contains("hook")
}
