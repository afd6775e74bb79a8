//! The pauses at which a service deployment waits: which gate each is, and how it is answered.

use crate::aws::AwsErrorKind;
use crate::aws::ecs_rollout_shapes::{HookDetail, ServiceDeployment};
use crate::aws::ecs_rollouts::Answered;
use crate::decide::{At, Seen};
use crate::error::Failure;
use crate::event::fact::{AwsFact, GateFact, SoughtEffect};
use crate::event::{Event, Gate, ObservedBy, StepSeen};

use super::shown::asked_for;
use super::{AFTER_SHIFT, EcsRollout, Waiting, gate};

/// A pause that was answered and still waits is answered again after this many looks.
const AGAIN: u32 = 5;
/// Who may not do it leaves the gates to others.
const CONTINUE: &str = "ecs:ContinueServiceDeployment";

impl EcsRollout<'_> {
    /// Lets the deployment pass the gate at which it waits, after this was seen there.
    pub(super) async fn open_gate(&mut self, seen: StepSeen) -> Result<(), Failure> {
        let Some(Waiting { hook, at, .. }) = self.waiting.take() else {
            return Ok(());
        };
        match self
            .run
            .aws
            .continue_service_deployment(&self.arn, &hook.hook_id, Answered::Continue)
            .await
        {
            Ok(()) => self.run.tell(Event::GateOpened {
                gate: named(at),
                seen,
            }),
            Err(error) if error.kind == AwsErrorKind::Denied => {
                self.run.limit_check(
                    "the gate is left to whoever may continue the deployment",
                    &error,
                );
            }
            Err(error) if error.may_have_landed() || error.kind == AwsErrorKind::Throttled => {
                self.run.tell(AwsFact::AnswerLost {
                    error: error.to_string().into(),
                    effect: SoughtEffect::GateOpen,
                });
            }
            // Answered by somebody else, expired, or over: the next look says which.
            Err(error) if error.kind == AwsErrorKind::Refused => {
                self.run.tell(GateFact::WaitsNoMore);
            }
            Err(error) => return Err(error.into()),
        }
        self.answered.insert(hook.hook_id, self.looks);
        self.is_green_passed |= at == At::Green;
        self.is_production_passed |= at == At::Production;
        Ok(())
    }

    /// A pause that waits for an answer. One that was answered and still waits is answered once
    /// more, because the answer was lost on the way there; one that we may not answer waits for
    /// whoever may.
    pub(super) async fn unanswered(
        &mut self,
        deployment: &ServiceDeployment,
    ) -> Option<HookDetail> {
        for hook in deployment.awaiting() {
            let Some(answered) = self.answered.get(&hook.hook_id).copied() else {
                return Some(hook.clone());
            };
            if self.run.is_denied(CONTINUE) {
                return Some(hook.clone());
            }
            let waited = self.looks - answered;
            if waited > 0 && waited.is_multiple_of(AGAIN) {
                let again = self
                    .run
                    .aws
                    .continue_service_deployment(&self.arn, &hook.hook_id, Answered::Continue)
                    .await;
                if again.is_ok() {
                    self.run.tell(GateFact::OpenedAgain);
                }
            }
        }
        None
    }

    pub(super) async fn at_gate(
        &mut self,
        deployment: &ServiceDeployment,
        hook: HookDetail,
    ) -> Seen {
        let is_known = self.waiting.as_ref().is_some_and(|waiting| {
            waiting.at == At::Foreign && waiting.hook.hook_id == hook.hook_id
        });
        // It may wait for hours: the weights are not read at every look.
        if is_known && !self.looks.is_multiple_of(AGAIN) {
            return Seen::AtGate(At::Foreign);
        }
        let observed = self.observe_traffic().await;
        if let Some(shared) =
            observed.filter(|observed| deployment.stage() == AFTER_SHIFT && observed.is_shared())
        {
            return self.shared(deployment, shared);
        }
        let observed = observed.or_else(|| asked_for(deployment));
        let facts = gate::Facts {
            stage: deployment.stage(),
            on_green: observed.map(|observed| observed.traffic.green),
            on_test: deployment
                .target_service_revision
                .as_ref()
                .and_then(|green| green.requested_test_traffic_weight),
            passed: self.passed(deployment),
            early: self.early,
            shares: self.shares,
            is_green_passed: self.is_green_passed,
            pauses: &self.pauses,
        };
        let is_refused = self.answered.contains_key(&hook.hook_id) && self.run.is_denied(CONTINUE);
        let at = if is_refused {
            At::Foreign
        } else {
            gate::at(&facts)
        };
        if at == At::Foreign {
            self.tell_foreign(deployment, &hook);
        }
        if at == At::Production {
            self.confirm_green(
                observed.map_or(ObservedBy::Controller, |observed| observed.observed_by),
            );
        }
        self.waiting = Some(Waiting { hook, at, observed });
        Seen::AtGate(at)
    }

    /// Says once that a pause is somebody else's to answer.
    fn tell_foreign(&self, deployment: &ServiceDeployment, hook: &HookDetail) {
        let is_told = self
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.hook.hook_id == hook.hook_id);
        if is_told {
            return;
        }
        self.run.tell(GateFact::ForeignHook {
            stage: deployment.stage().to_owned().into(),
            hook: hook.hook_id.clone().into(),
        });
    }

    /// How many pauses were passed: of all that were seen, those that do not wait.
    fn passed(&self, deployment: &ServiceDeployment) -> usize {
        self.seen_pauses
            .iter()
            .filter(|id| deployment.awaiting().all(|hook| hook.hook_id != **id))
            .count()
    }
}

fn named(at: At) -> Gate {
    match at {
        At::Green | At::Foreign => Gate::Green,
        At::Step => Gate::Step,
        At::Production => Gate::Production,
    }
}
