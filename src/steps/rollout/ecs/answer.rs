//! The pauses at which a service deployment waits: which gate each is, and how it is answered.

use crate::aws::AwsErrorKind;
use crate::aws::ecs_rollout_shapes::{HookDetail, ServiceDeployment};
use crate::aws::ecs_rollouts::PauseAnswer;
use crate::decide::{GateKind, RolloutStatus};
use crate::error::Failure;
use crate::event::fact::{AwsFact, GateFact, SoughtEffect};
use crate::event::{Event, Gate, ObservedBy, StepSeen};

use super::description::requested_traffic;
use super::{AFTER_SHIFT, EcsRollout, WaitingPause, gate};

/// A pause that was answered and still waits is answered again after this many looks.
const ANSWER_AGAIN_AFTER: u32 = 5;
/// Where this action is denied, others answer the gates.
const CONTINUE_ACTION: &str = "ecs:ContinueServiceDeployment";

impl EcsRollout<'_> {
    /// Lets the deployment pass the gate at which it waits, after `seen` was read there.
    pub(super) async fn open_gate(&mut self, seen: StepSeen) -> Result<(), Failure> {
        let Some(WaitingPause { hook, gate, .. }) = self.waiting_pause.take() else {
            return Ok(());
        };
        match self
            .run
            .aws
            .continue_service_deployment(&self.arn, &hook.hook_id, PauseAnswer::Continue)
            .await
        {
            Ok(()) => self.run.emit(Event::GateOpened {
                gate: to_event_gate(gate),
                seen,
            }),
            Err(error) if error.kind == AwsErrorKind::Denied => {
                self.run.limit_check(
                    "the gate is left to whoever may continue the deployment",
                    &error,
                );
            }
            Err(error) if error.may_have_landed() || error.kind == AwsErrorKind::Throttled => {
                self.run.emit(AwsFact::AnswerLost {
                    error: error.to_string().into(),
                    effect: SoughtEffect::GateOpen,
                });
            }
            // Answered by somebody else, expired, or over: the next look shows which.
            Err(error) if error.kind == AwsErrorKind::Refused => {
                self.run.emit(GateFact::WaitsNoMore);
            }
            Err(error) => return Err(error.into()),
        }
        self.answered.insert(hook.hook_id, self.looks);
        self.is_green_passed |= gate == GateKind::Green;
        self.is_production_passed |= gate == GateKind::Production;
        Ok(())
    }

    /// Finds a pause that waits for an answer. One that was answered and still waits is answered
    /// once more, because the answer was lost on its way; one that we may not answer waits for
    /// somebody who may.
    pub(super) async fn find_unanswered_pause(
        &mut self,
        deployment: &ServiceDeployment,
    ) -> Option<HookDetail> {
        for hook in deployment.awaiting_pauses() {
            let Some(answered) = self.answered.get(&hook.hook_id).copied() else {
                return Some(hook.clone());
            };
            if self.run.is_denied(CONTINUE_ACTION) {
                return Some(hook.clone());
            }
            let waited = self.looks - answered;
            if waited > 0 && waited.is_multiple_of(ANSWER_AGAIN_AFTER) {
                let again = self
                    .run
                    .aws
                    .continue_service_deployment(&self.arn, &hook.hook_id, PauseAnswer::Continue)
                    .await;
                if again.is_ok() {
                    self.run.emit(GateFact::OpenedAgain);
                }
            }
        }
        None
    }

    pub(super) async fn status_at_gate(
        &mut self,
        deployment: &ServiceDeployment,
        hook: HookDetail,
    ) -> RolloutStatus {
        let is_known_external = self.waiting_pause.as_ref().is_some_and(|waiting| {
            waiting.gate == GateKind::External && waiting.hook.hook_id == hook.hook_id
        });
        // It may wait for hours: the weights are not read at every look.
        if is_known_external && !self.looks.is_multiple_of(ANSWER_AGAIN_AFTER) {
            return RolloutStatus::AtGate(GateKind::External);
        }
        let observed = self.observe_traffic().await;
        if let Some(shared) =
            observed.filter(|observed| deployment.stage() == AFTER_SHIFT && observed.is_shared())
        {
            return self.status_if_shared(deployment, shared);
        }
        let observed = observed.or_else(|| requested_traffic(deployment));
        let facts = gate::PauseFacts {
            stage: deployment.stage(),
            green_percent: observed.map(|observed| observed.traffic.green),
            green_test_percent: deployment
                .target_service_revision
                .as_ref()
                .and_then(|green| green.requested_test_traffic_weight),
            passed_pauses: self.count_passed_pauses(deployment),
            early_pauses: self.early_pauses,
            traffic_steps: self.traffic_steps,
            is_green_passed: self.is_green_passed,
            paused_stages: &self.paused_stages,
        };
        let is_refused =
            self.answered.contains_key(&hook.hook_id) && self.run.is_denied(CONTINUE_ACTION);
        let kind = if is_refused {
            GateKind::External
        } else {
            gate::identify(&facts)
        };
        if kind == GateKind::External {
            self.report_external_gate(deployment, &hook);
        }
        if kind == GateKind::Production {
            self.confirm_green(
                observed.map_or(ObservedBy::Controller, |observed| observed.observed_by),
            );
        }
        self.waiting_pause = Some(WaitingPause {
            hook,
            gate: kind,
            observed,
        });
        RolloutStatus::AtGate(kind)
    }

    /// Reports once that somebody else has to answer a pause.
    fn report_external_gate(&self, deployment: &ServiceDeployment, hook: &HookDetail) {
        let is_reported = self
            .waiting_pause
            .as_ref()
            .is_some_and(|waiting| waiting.hook.hook_id == hook.hook_id);
        if is_reported {
            return;
        }
        self.run.emit(GateFact::ForeignHook {
            stage: deployment.stage().to_owned().into(),
            hook: hook.hook_id.clone().into(),
        });
    }

    /// How many pauses were passed: those that were seen and do not wait any more.
    fn count_passed_pauses(&self, deployment: &ServiceDeployment) -> usize {
        self.seen_pauses
            .iter()
            .filter(|id| {
                deployment
                    .awaiting_pauses()
                    .all(|hook| hook.hook_id != **id)
            })
            .count()
    }
}

fn to_event_gate(gate: GateKind) -> Gate {
    match gate {
        GateKind::Green | GateKind::External => Gate::Green,
        GateKind::Step => Gate::Step,
        GateKind::Production => Gate::Production,
    }
}
