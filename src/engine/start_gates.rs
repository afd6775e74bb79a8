//! The gates before the start: read, waited for, passed or not. What each look means is decided in
//! `crate::start_gates`.

use std::time::Duration;

use tokio::time::Instant;

use super::{Halt, run_step};
use crate::aws::add_jitter;
use crate::clock::to_milliseconds;
use crate::event::fact::QueueFact;
use crate::event::{Event, StartGate, StartGatesResult, StartGatesSeen, Step};
use crate::plan::StartGatesPlan;
use crate::planner::Planner;
use crate::run::Run;
use crate::start_gates::{GateReading, GatesDecision, GatesPatience, decide_gates, held_failure};
use crate::steps::start_gates::{now_seconds, read_gates};
use crate::survey::Snapshot;
use crate::text::Text;

/// The time between two looks: four a minute, so that nobody who is asked minds.
const PAUSE: Duration = Duration::from_secs(15);

/// Passes the gates as a step of the log, where there are any and they have not been passed.
pub(super) async fn pass(run: &Run, planner: &Planner, snapshot: &Snapshot) -> Result<(), Halt> {
    match planner.start_gates(snapshot) {
        Some(plan) if !run.has_passed_gates() => {
            let waits = wait(run, &plan);
            run_step(run, Step::StartGates, waits, Clone::clone)
                .await
                .map(drop)
        }
        Some(_) => Ok(()),
        None => {
            if planner.has_start_gates() {
                run.emit(QueueFact::GatesPassedBefore);
            }
            Ok(())
        }
    }
}

/// The same within another step: before somebody else's rollout is stopped.
pub(super) async fn pass_within(
    run: &Run,
    planner: &Planner,
    snapshot: &Snapshot,
) -> Result<(), Halt> {
    match planner.start_gates(snapshot) {
        Some(plan) if !run.has_passed_gates() => wait(run, &plan).await.map(drop),
        Some(_) | None => Ok(()),
    }
}

/// Reads the gates once and shows them: nothing waits for them.
pub(super) async fn show(run: &Run, planner: &Planner, snapshot: &Snapshot) {
    if let Some(plan) = planner.start_gates(snapshot) {
        let (_, gates) = look(run, &plan).await;
        tell(run, &gates, StartGatesResult::Shown);
    }
}

/// Looks until all are open or overridden, or until the run has waited long enough; the result in
/// a few words.
async fn wait(run: &Run, plan: &StartGatesPlan) -> Result<String, Halt> {
    let began = Instant::now();
    let mut told: Option<Vec<StartGate>> = None;
    loop {
        let (readings, gates) = look(run, plan).await;
        let patience = GatesPatience {
            override_reason: plan.override_reason.as_deref(),
            left: plan.gates.wait.saturating_sub(began.elapsed()),
            pause: add_jitter(PAUSE),
            now: now_seconds(),
        };
        match decide_gates(&readings, &gates, patience) {
            GatesDecision::Pass => {
                tell(run, &gates, StartGatesResult::Passed);
                run.mark_gates_passed();
                return Ok(format!("{} open", gates.len()));
            }
            GatesDecision::Override => {
                let reason = plan.override_reason.as_deref().unwrap_or_default();
                let result = StartGatesResult::Overridden {
                    actor: Text::from_outside(&plan.actor),
                    reason: Text::from_outside(reason),
                };
                tell(run, &gates, result);
                run.mark_gates_passed();
                return Ok("overridden".to_owned());
            }
            GatesDecision::LookAgain(pause) => {
                if told.as_ref().is_none_or(|told| differ(told, &gates)) {
                    let milliseconds = to_milliseconds(patience.left);
                    tell(run, &gates, StartGatesResult::Waits { milliseconds });
                }
                told = Some(gates);
                tokio::time::sleep(pause).await;
            }
            GatesDecision::Hold => {
                tell(run, &gates, StartGatesResult::Held);
                return Err(held_failure(&gates, began.elapsed().min(plan.gates.wait)).into());
            }
        }
    }
}

/// Whether something else is open or closed; times that pass do not count.
fn differ(told: &[StartGate], gates: &[StartGate]) -> bool {
    told.iter()
        .zip(gates)
        .any(|(told, gate)| told.state != gate.state)
}

async fn look(run: &Run, plan: &StartGatesPlan) -> (Vec<GateReading>, Vec<StartGate>) {
    let readings = read_gates(run, plan).await;
    let gates = readings
        .iter()
        .map(|reading| reading.to_start_gate(&plan.gates.open_if_unreadable))
        .collect();
    (readings, gates)
}

fn tell(run: &Run, gates: &[StartGate], result: StartGatesResult) {
    run.emit(Event::StartGatesSeen(StartGatesSeen {
        gates: gates.to_vec(),
        result,
    }));
}
