//! How each strategy is set up, with every gate it has.

use ecs_bluegreen_sim::{Breaker, Clock, ReadyExpiry, RollingOptions};

use crate::harness::{Action, Story};

/// How traffic moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    CodeDeploy,
    Rolling,
    BlueGreen,
    Canary,
    Linear,
}

impl Strategy {
    pub(super) const ALL: [Self; 5] = [Self::CodeDeploy, Self::Rolling, Self::BlueGreen, Self::Canary, Self::Linear];

    /// A service of this strategy that runs 1.0.0.
    pub(super) fn story(self) -> Story {
        match self {
            Self::CodeDeploy => Story::codedeploy(),
            Self::Rolling => Story::rolling(RollingOptions { breaker: Breaker::Rollback, ..RollingOptions::default() }),
            Self::BlueGreen => Story::blue_green(),
            Self::Canary => Story::canary(),
            Self::Linear => Story::linear(),
        }
    }

    /// The same, at whose gates nobody waits for long: a gate that may not be opened runs out within the test.
    pub(super) fn impatient(self) -> Story {
        let clock = Clock::Observed { brief_ms: 3_000, patience_ms: 10_000, ready_minute_ms: 100 };
        // Where AWS rolls nothing back when the wait runs out, green's tasks stay: they serve nobody, and are AWS's to end.
        self.story().stage(|options| options.clock = clock).switches(|switches| switches.ready_expiry = ReadyExpiry::AsStop)
    }

    /// The deploy of 1.1.0, tested wherever the strategy allows it. The shortest line has a one-off task before it.
    pub(super) fn action(self) -> Action {
        let tested = Action::tested_by("1.1.0", &["health"]);
        match self {
            Self::Rolling => {
                let overrides = r#"[{ "name": "app", "command": ["migrate"] }]"#;
                tested.without("test-url").with("run-task", "true").with("run-task-container-overrides", overrides)
            }
            Self::CodeDeploy | Self::BlueGreen | Self::Canary | Self::Linear => tested,
        }
    }

    /// A happy line with fewer mutating calls than these has lost a gate.
    pub(super) fn fewest_calls(self) -> usize {
        match self {
            Self::Rolling => 3,
            Self::CodeDeploy => 3,
            Self::BlueGreen => 5,
            Self::Canary => 7,
            Self::Linear => 9,
        }
    }
}
