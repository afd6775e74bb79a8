//! The path when all goes well: its mutating calls, and how many deployments there are in its end.

use std::fmt;

use ecs_bluegreen_sim::Entry;

use super::strategy::Strategy;
use super::world;

/// What the happy path of a strategy comes to.
#[derive(Debug, Clone)]
pub(super) struct HappyPath {
    pub(super) strategy: Strategy,
    pub(super) cells: Vec<Cell>,
    /// Including the one that deployed blue, if that was one.
    pub(super) deployments: usize,
}

impl HappyPath {
    pub(super) async fn of(strategy: Strategy) -> Self {
        let mut play = strategy.story().begin().await;
        let run = play.act(strategy.action()).await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
        let deployments = world::observe(&play.stage).await.deployed();
        play.end().await;
        let cells = cells(strategy, &run.calls);
        assert!(
            cells.len() >= strategy.fewest_calls(),
            "the happy path has lost a call: {cells:?}"
        );
        Self {
            strategy,
            cells,
            deployments,
        }
    }
}

/// A mutating call: an operation, and which of its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// As in `ecs:UpdateService`.
    pub(super) operation: String,
    /// Counted from 1.
    pub(super) nth: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.operation, self.nth)
    }
}

/// The calls of a ledger that are played, in order. All of them succeeded, but for what is to be
/// refused.
fn cells(strategy: Strategy, ledger: &[Entry]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for call in ledger {
        assert!(
            strategy.expects(call),
            "the happy path has a refused call: {call:?}"
        );
        let nth = cells
            .iter()
            .filter(|cell| cell.operation == call.operation)
            .count()
            + 1;
        cells.push(Cell {
            operation: call.operation.clone(),
            nth,
        });
    }
    cells.retain(|cell| strategy.plays(&cell.operation));
    cells
}

impl Cell {
    /// The call itself, in a ledger in which it was met by something.
    pub(super) fn call<'l>(&self, ledger: &'l [Entry]) -> Option<&'l Entry> {
        ledger
            .iter()
            .filter(|call| call.operation == self.operation)
            .nth(self.nth - 1)
    }
}
