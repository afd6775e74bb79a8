//! How each strategy is set up, with every gate it has.

use ecs_bluegreen_sim::{Breaker, Clock, Entry, HookDetails, ReadyExpiry, RollingOptions};

use crate::harness::{Action, Story};

/// How traffic moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    CodeDeploy,
    Rolling,
    BlueGreen,
    Canary,
    Linear,
    /// Blue/green, where AWS drops the marks of our hooks.
    Dropped,
    /// Blue/green, where AWS refuses them.
    Refused,
}

impl Strategy {
    pub(super) const ALL: [Self; 7] = [
        Self::CodeDeploy,
        Self::Rolling,
        Self::BlueGreen,
        Self::Canary,
        Self::Linear,
        Self::Dropped,
        Self::Refused,
    ];

    /// A service of this strategy that runs 1.0.0.
    pub(super) fn story(self) -> Story {
        match self {
            Self::CodeDeploy => Story::codedeploy(),
            Self::Rolling => Story::rolling(RollingOptions {
                breaker: Breaker::Rollback,
                ..RollingOptions::default()
            }),
            Self::BlueGreen => Story::blue_green(),
            Self::Canary => Story::canary(),
            Self::Linear => Story::linear(),
            Self::Dropped => Story::blue_green()
                .switches(|switches| switches.hook_details = HookDetails::Dropped),
            Self::Refused => Story::blue_green()
                .switches(|switches| switches.hook_details = HookDetails::Refused),
        }
    }

    /// The same, at whose gates nobody waits for long: a gate that may not be opened runs out
    /// within the test.
    pub(super) fn impatient(self) -> Story {
        let clock = Clock::Observed {
            brief_ms: 3_000,
            patience_ms: 10_000,
            ready_minute_ms: 100,
        };
        // Where AWS rolls nothing back when the wait runs out, green's tasks stay: they serve
        // nobody, and are AWS's to end.
        self.story()
            .stage(|options| options.clock = clock)
            .switches(|switches| switches.ready_expiry = ReadyExpiry::AsStop)
    }

    /// The deploy of 1.1.0, tested wherever the strategy allows it. The shortest path has a one-off
    /// task before it.
    pub(super) fn action(self) -> Action {
        let tested = Action::deploy_tested_by("1.1.0", &["health"]);
        match self {
            Self::Rolling => {
                let overrides = r#"[{ "name": "app", "command": ["migrate"] }]"#;
                tested
                    .without("test-url")
                    .with("run-task", "true")
                    .with("run-task-container-overrides", overrides)
            }
            Self::CodeDeploy
            | Self::BlueGreen
            | Self::Canary
            | Self::Linear
            | Self::Dropped
            | Self::Refused => tested,
        }
    }

    /// A happy path with fewer mutating calls than these has lost a gate.
    pub(super) fn fewest_calls(self) -> usize {
        match self {
            Self::Rolling | Self::CodeDeploy => 3,
            Self::Dropped => 4,
            Self::Refused | Self::BlueGreen => 5,
            Self::Canary => 7,
            Self::Linear => 9,
        }
    }

    /// Whether a call of the happy path is to be refused: the first update, which carries the mark.
    pub(super) fn expects(self, call: &Entry) -> bool {
        call.status == 200
            || (self == Self::Refused
                && call.operation == "ecs:UpdateService"
                && call.status == 400)
    }

    /// Whether a call is played. What is the same as without the switch is played there.
    pub(super) fn plays(self, operation: &str) -> bool {
        match self {
            Self::Dropped | Self::Refused => {
                ["ecs:UpdateService", "ecs:TagResource", "ecs:UntagResource"].contains(&operation)
            }
            Self::CodeDeploy | Self::Rolling | Self::BlueGreen | Self::Canary | Self::Linear => {
                true
            }
        }
    }
}
