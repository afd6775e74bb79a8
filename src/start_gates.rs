//! PURE: what follows from a look at the start gates: the deployment begins, waits for those that
//! are closed, begins although some are, or does not begin.

use std::time::Duration;

use crate::checks::gates::{GateFinding, GateKind};
use crate::error::Failure;
use crate::event::{StartGate, StartGateState};
use crate::identity::{ClusterName, ServiceName};
use crate::outcome::Reason;
use crate::text::Text;

/// What to do where nothing but a person's word opens a gate in time.
const OVERRIDE_HINT: &str = "if it must not wait, set override-gates to the reason: it is kept with the name of who starts the run";

/// A service in which the image must run already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedService {
    /// How people call it: the environment, else the service.
    pub name: String,
    /// The cluster.
    pub cluster: ClusterName,
    /// The service.
    pub service: ServiceName,
    /// For how long at least.
    pub stayed_for: Duration,
}

/// A gate and what one look at it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateReading {
    /// What it is about.
    pub kind: GateKind,
    /// What people call it, beside its kind; empty where there is only one.
    pub name: String,
    /// What was found.
    pub finding: GateFinding,
}

impl GateReading {
    /// A look at a gate.
    pub fn new(kind: GateKind, name: impl Into<String>, finding: GateFinding) -> Self {
        Self {
            kind,
            name: name.into(),
            finding,
        }
    }

    /// The gate for people; what cannot be read counts as open only where the document says so.
    pub fn to_start_gate(&self, open_if_unreadable: &[GateKind]) -> StartGate {
        let (state, found, opens) = match &self.finding {
            GateFinding::Open { found } => (StartGateState::Open, found, ""),
            GateFinding::Closed { why, opens, .. } => (StartGateState::Closed, why, opens.as_str()),
            GateFinding::Unreadable { why, remedy } => {
                let state = if open_if_unreadable.contains(&self.kind) {
                    StartGateState::UnreadableAndOpen
                } else {
                    StartGateState::Unreadable
                };
                (state, why, remedy.as_str())
            }
        };
        StartGate {
            gate: Text::from_outside(format!("{} {}", self.kind, self.name).trim_end()),
            state,
            found: Text::from_outside(found),
            opens: Text::from_outside(opens),
        }
    }

    fn opens_at(&self) -> Option<i64> {
        match &self.finding {
            GateFinding::Closed { opens_at, .. } => *opens_at,
            GateFinding::Open { .. } | GateFinding::Unreadable { .. } => None,
        }
    }
}

/// What a run does after a look at its start gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatesDecision {
    /// All of them are open.
    Pass,
    /// Some are closed, which a person has overridden.
    Override,
    /// It looks again after this time.
    LookAgain(Duration),
    /// It ends.
    Hold,
}

/// How far a run has waited.
#[derive(Debug, Clone, Copy)]
pub struct GatesPatience<'a> {
    /// Why a person has overridden the gates, where one has.
    pub override_reason: Option<&'a str>,
    /// How long the run may still wait.
    pub left: Duration,
    /// The time between two looks.
    pub pause: Duration,
    /// Now, in seconds since the epoch.
    pub now: i64,
}

/// What follows from what was found.
pub fn decide_gates(
    readings: &[GateReading],
    gates: &[StartGate],
    patience: GatesPatience<'_>,
) -> GatesDecision {
    let closed = |(reading, gate): (&GateReading, &StartGate)| {
        gate.state.is_closed().then(|| reading.opens_at())
    };
    let closed: Vec<Option<i64>> = readings.iter().zip(gates).filter_map(closed).collect();
    if closed.is_empty() {
        return GatesDecision::Pass;
    }
    if patience.override_reason.is_some() {
        return GatesDecision::Override;
    }
    let until = |opens_at: i64| {
        Duration::from_secs(u64::try_from(opens_at - patience.now).unwrap_or_default())
    };
    let known: Vec<Duration> = closed.iter().flatten().copied().map(until).collect();
    if patience.left.is_zero() || known.iter().any(|time| *time > patience.left) {
        return GatesDecision::Hold;
    }
    // Where the time alone opens them, nothing has to be asked before.
    let is_known = known.len() == closed.len();
    let last = known.into_iter().max().filter(|_| is_known);
    let pause = last.map_or(patience.pause, |last| last.max(Duration::from_secs(1)));
    GatesDecision::LookAgain(pause.min(patience.left))
}

/// The failure of a run that is held; it names every gate that is closed.
pub fn held_failure(gates: &[StartGate], waited: Duration) -> Failure {
    let closed: Vec<&StartGate> = gates.iter().filter(|gate| gate.state.is_closed()).collect();
    let sentence = match closed.as_slice() {
        [only] => format!("the gate {} is closed", only.gate),
        several => format!("{} of {} gates are closed", several.len(), gates.len()),
    };
    let after = if waited < Duration::from_secs(1) {
        String::new()
    } else {
        format!(
            ", after the run has waited for {}",
            crate::duration::HumanDuration(waited)
        )
    };
    let mut failure = Failure::new(Reason::GateClosed, format!("{sentence}{after}"));
    for gate in &closed {
        let opens = match (gate.state, gate.opens.is_empty()) {
            (_, true) => String::new(),
            (StartGateState::Closed, false) => format!("; it opens {}", gate.opens),
            (_, false) => format!("; {}", gate.opens),
        };
        failure = failure.with_cause(format!("{}: {}{opens}", gate.gate, gate.found));
    }
    let wait = if waited.is_zero() {
        "start the job again when they are open, or write `wait: 15m` into gates, so that the run waits"
    } else {
        "start the job again when they are open"
    };
    failure.with_hint(wait).with_hint(OVERRIDE_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(opens_at: Option<i64>) -> GateReading {
        let finding = GateFinding::Closed {
            why: "shut".to_owned(),
            opens: "later".to_owned(),
            opens_at,
        };
        GateReading::new(GateKind::Windows, "", finding)
    }

    fn open() -> GateReading {
        GateReading::new(GateKind::Slo, "a", GateFinding::open("fine"))
    }

    fn unreadable() -> GateReading {
        GateReading::new(
            GateKind::Slo,
            "b",
            GateFinding::unreadable("denied", "allow it"),
        )
    }

    fn decide(readings: &[GateReading], left: u64, override_reason: Option<&str>) -> GatesDecision {
        let gates: Vec<StartGate> = readings
            .iter()
            .map(|reading| reading.to_start_gate(&[]))
            .collect();
        let patience = GatesPatience {
            override_reason,
            left: Duration::from_secs(left),
            pause: Duration::from_secs(10),
            now: 1_000,
        };
        decide_gates(readings, &gates, patience)
    }

    #[test]
    fn a_run_waits_as_long_as_it_may_and_helps() {
        let again = |seconds| GatesDecision::LookAgain(Duration::from_secs(seconds));
        let table = [
            (vec![open()], 0, GatesDecision::Pass),
            (vec![open(), closed(None)], 0, GatesDecision::Hold),
            (vec![closed(None)], 60, again(10)),
            (vec![closed(None)], 4, again(4)),
            (vec![closed(Some(1_030))], 60, again(30)),
            (vec![closed(Some(1_000))], 60, again(1)),
            (vec![closed(Some(1_061))], 60, GatesDecision::Hold),
            (vec![closed(Some(1_030)), unreadable()], 60, again(10)),
            (vec![unreadable()], 0, GatesDecision::Hold),
        ];
        for (readings, left, expected) in table {
            assert_eq!(decide(&readings, left, None), expected, "{readings:?}");
        }
        assert_eq!(
            decide(&[closed(Some(9_999))], 0, Some("now")),
            GatesDecision::Override
        );
        assert_eq!(decide(&[open()], 0, Some("now")), GatesDecision::Pass);
    }

    #[test]
    fn what_cannot_be_read_is_open_only_where_the_document_says_so() {
        let state = |kinds: &[GateKind]| unreadable().to_start_gate(kinds).state;
        assert_eq!(state(&[GateKind::Backup]), StartGateState::Unreadable);
        assert_eq!(state(&[GateKind::Slo]), StartGateState::UnreadableAndOpen);
    }

    #[test]
    fn every_closed_gate_is_in_the_failure() {
        let gates: Vec<StartGate> = [open(), closed(None), unreadable()]
            .iter()
            .map(|reading| reading.to_start_gate(&[]))
            .collect();
        let failure = held_failure(&gates, Duration::ZERO);
        let chain = [
            "2 of 3 gates are closed",
            "windows: shut; it opens later",
            "slo b: denied; allow it",
        ];
        assert_eq!(failure.chain, chain);
        assert_eq!(failure.reason, Reason::GateClosed);
        let waited = held_failure(&gates[1..2], Duration::from_mins(15));
        assert_eq!(
            waited.sentence(),
            "the gate windows is closed, after the run has waited for 15 m"
        );
    }
}
