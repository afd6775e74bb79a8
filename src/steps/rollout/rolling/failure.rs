//! How a rolling deployment of ours ends when it does not succeed.

use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::{RollingDeployment, Service};
use crate::decide::{Goal, RolloutFailure};
use crate::identity::RollingDeploymentId;
use crate::observe::task_failures::{
    CountedTasks, DESCRIBE_ACTION, LIMIT, LIST_ACTION, unhealthy_trouble,
};
use crate::outcome::Reason;
use crate::scrub::mask;

use super::RollingRollout;

/// A circuit breaker that has not ended the deployment after this many failed tasks beyond its
/// threshold will not: tasks that become healthy for a while reset its count.
const BREAKER_RESETS: i64 = 2;

impl RollingRollout<'_> {
    /// Ends the rollout although ECS would continue, when tasks of ours fail again and again. A
    /// circuit breaker has precedence.
    pub(super) async fn check_task_failures(
        &mut self,
        service: &Service,
        goal: Goal,
    ) -> Option<RolloutFailure> {
        let ours = service
            .deployments
            .iter()
            .find(|deployment| deployment.id == self.id)?;
        let counted = CountedTasks {
            place: &self.plan.place,
            revision: &self.revision.arn,
            since: ours.created_at,
            deployment: Some(self.id.as_str()),
        };
        self.task_failures
            .read_when_due(self.run, &counted, self.looks)
            .await;
        let limit = service.tolerated_failures().map_or(LIMIT, |tolerated| {
            usize::try_from(tolerated + BREAKER_RESETS).unwrap_or(LIMIT)
        });
        self.task_failures.trouble(limit, goal).or_else(|| {
            self.failures_counted_by_ecs(service, ours, limit)
                .filter(|_| goal != Goal::Watch)
        })
    }

    /// Where tasks cannot be read, ECS's own count and text are used.
    fn failures_counted_by_ecs(
        &self,
        service: &Service,
        ours: &RollingDeployment,
        limit: usize,
    ) -> Option<RolloutFailure> {
        let failed = usize::try_from(ours.failed_tasks).unwrap_or_default();
        let is_only_source = self.run.is_denied(LIST_ACTION) || self.run.is_denied(DESCRIBE_ACTION);
        (is_only_source && failed >= limit.max(LIMIT))
            .then(|| unhealthy_trouble(failed, find_reason_in_events(service)))
    }

    /// Explains why ours is not the primary deployment any more: ECS rolled it back, or somebody
    /// deployed something else.
    pub(super) fn explain_replacement(
        &self,
        service: &Service,
        ours: Option<&RollingDeployment>,
    ) -> RolloutFailure {
        let primary = service.primary_deployment();
        let is_rollback = primary.is_some_and(|primary| {
            primary.task_definition == self.plan.blue.revision
                && is_rolled_back(service, &self.id, primary)
        });
        if is_rollback {
            let event = service.events.iter().find(|event| {
                event.message.contains(self.id.as_str()) && event.message.contains("failed")
            });
            let cause = ours
                .and_then(|ours| ours.rollout_state_reason.clone())
                .or_else(|| event.map(|event| event.message.clone()));
            let cause = cause.as_deref().map(mask);
            return RolloutFailure {
                reason: Reason::TasksUnhealthy,
                sentence: format!("ECS rolled deployment {} back", self.id),
                cause,
            };
        }
        if let Some(former) = primary.filter(|primary| self.existed_before(primary)) {
            let former = format!("{} of {}", former.id, short_name(&former.task_definition));
            let sentence = format!(
                "deployment {} was rolled back: {former}, which ran before it, is primary again",
                self.id
            );
            return RolloutFailure {
                reason: Reason::Stopped,
                sentence,
                cause: ours
                    .and_then(|ours| ours.rollout_state_reason.as_deref())
                    .map(mask),
            };
        }
        let newer = primary.map_or_else(
            || "no deployment".to_owned(),
            |primary| {
                format!(
                    "deployment {} of {} ({})",
                    primary.id,
                    short_name(&primary.task_definition),
                    primary.rollout_state.as_deref().unwrap_or("state unknown")
                )
            },
        );
        RolloutFailure {
            reason: Reason::Superseded,
            sentence: format!("{newer} took the place of ours, {}", self.id),
            cause: None,
        }
    }
}

/// ECS marks the deployment that rolls back in its own reason, and says so in the service's events.
pub(super) fn is_rolled_back(
    service: &Service,
    ours: &RollingDeploymentId,
    primary: &RollingDeployment,
) -> bool {
    let says = |text: &str| text.contains("rolling back");
    let in_reason = primary.rollout_state_reason.as_deref().is_some_and(says);
    let in_events = service.events.iter().any(|event| {
        (says(&event.message) && event.message.contains(primary.id.as_str()))
            || (event.message.contains(ours.as_str()) && event.message.contains("failed"))
    });
    in_reason || in_events
}

pub(super) fn explain_failure(service: &Service, ours: &RollingDeployment) -> RolloutFailure {
    let breaker = service.circuit_breaker();
    let follows = if breaker.rollback {
        "ECS rolls it back"
    } else {
        "ECS leaves it as it is"
    };
    let sentence = format!(
        "deployment {} failed after {} tasks could not be kept running; {follows}",
        ours.id, ours.failed_tasks
    );
    RolloutFailure {
        reason: Reason::TasksUnhealthy,
        sentence,
        cause: ours.rollout_state_reason.as_deref().map(mask),
    }
}

pub(super) fn explain_deleted_service(word: &str) -> RolloutFailure {
    RolloutFailure {
        reason: Reason::Superseded,
        sentence: format!("the service is {word} now: somebody deleted it while it was deployed"),
        cause: None,
    }
}

pub(super) fn explain_zero_tasks() -> RolloutFailure {
    RolloutFailure {
        reason: Reason::ZeroTasks,
        sentence:
            "the service wants zero tasks now: somebody scaled it down, so nothing of ours serves"
                .into(),
        cause: None,
    }
}

/// What the service's events say of tasks that fail, the newest first.
fn find_reason_in_events(service: &Service) -> Option<String> {
    let says_why = |text: &str| {
        ["unhealthy", "unable to", "failed"]
            .iter()
            .any(|word| text.contains(word))
    };
    service
        .events
        .iter()
        .map(|event| &event.message)
        .find(|message| says_why(message))
        .map(|message| mask(message))
}
