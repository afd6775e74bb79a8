//! Who moves the traffic of the rehearsal's service, and how. Data.

use super::scenario::{GATED, ROLLING, Scenario};
use crate::options::{self, Breaker, RollingOptions};
use crate::{Controller, EcsStrategyOptions, GroupOptions};

/// Ten steps of two seconds each.
const CONFIG: &str = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes";
/// Blue stays for 16 seconds after the shift; the tests on production need at most six to fail.
const TERMINATION_MINUTES: u32 = 8;
/// Tests on production run at a gate before this bake, so ten seconds are only there to be seen.
const BAKE_MINUTES: u32 = 5;

/// How the service is rolled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// By `CodeDeploy`, in ten steps.
    CodeDeploy,
    /// By ECS, at once.
    BlueGreen,
    /// By ECS, a share first.
    Canary,
    /// By ECS, share by share.
    Linear,
    /// By ECS, task by task.
    Rolling,
}

impl Strategy {
    /// All there are, the default first.
    const ALL: [Self; 5] = [
        Self::CodeDeploy,
        Self::BlueGreen,
        Self::Canary,
        Self::Linear,
        Self::Rolling,
    ];

    /// The strategy of a word; `codedeploy` for none.
    ///
    /// # Errors
    /// A sentence that says which words there are.
    pub fn choose(wanted: Option<&str>) -> Result<Self, String> {
        let Some(wanted) = wanted.filter(|word| !word.is_empty()) else {
            return Ok(Self::CodeDeploy);
        };
        let names = Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == wanted)
            .ok_or(format!("STRATEGY is {wanted:?}; it can be {names}"))
    }

    /// Its word, in folders too.
    pub fn name(self) -> &'static str {
        match self {
            Self::CodeDeploy => "codedeploy",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
            Self::Linear => "linear",
            Self::Rolling => "rolling",
        }
    }

    /// What it does, for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::CodeDeploy => {
                "CodeDeploy brings green up, waits at its gate, then shifts 10 % of the traffic every minute"
            }
            Self::BlueGreen => {
                "ECS brings green up, waits at its gate, then shifts all traffic at once and keeps blue for 5 minutes"
            }
            Self::Canary => {
                "ECS brings green up, waits at its gate, shifts 10 % of the traffic, and the rest 5 minutes later"
            }
            Self::Linear => {
                "ECS brings green up, waits at its gate, then shifts 20 % of the traffic every 2 minutes"
            }
            Self::Rolling => {
                "ECS replaces tasks in place: there is no green, no gate, and users meet a version before its tests do"
            }
        }
    }

    /// Whether green can be tested before users reach it.
    pub fn has_green(self) -> bool {
        match self {
            Self::CodeDeploy | Self::BlueGreen | Self::Canary | Self::Linear => true,
            Self::Rolling => false,
        }
    }

    /// The stories that are played.
    pub fn scenarios(self) -> [Scenario; 3] {
        if self.has_green() { GATED } else { ROLLING }
    }

    /// The service's own configuration, on the stage.
    pub fn controller(self) -> Controller {
        match self {
            Self::CodeDeploy => Controller::CodeDeploy(GroupOptions {
                config: CONFIG.to_owned(),
                termination_minutes: TERMINATION_MINUTES,
                ..GroupOptions::default()
            }),
            Self::BlueGreen => ecs_controller(options::Strategy::BlueGreen),
            Self::Canary => ecs_controller(options::Strategy::Canary {
                percent: 10.0,
                bake_minutes: 5,
            }),
            Self::Linear => ecs_controller(options::Strategy::Linear {
                percent: 20.0,
                bake_minutes: 2,
            }),
            Self::Rolling => Controller::Rolling(RollingOptions {
                breaker: Breaker::Rollback,
                ..RollingOptions::default()
            }),
        }
    }
}

fn ecs_controller(strategy: options::Strategy) -> Controller {
    Controller::Ecs(EcsStrategyOptions {
        strategy,
        bake_minutes: BAKE_MINUTES,
        ..EcsStrategyOptions::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_codedeploy_is_played() {
        assert_eq!(Strategy::choose(None), Ok(Strategy::CodeDeploy));
        assert_eq!(Strategy::choose(Some("")), Ok(Strategy::CodeDeploy));
    }

    #[test]
    fn every_strategy_is_found_by_its_word() {
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::choose(Some(strategy.name())), Ok(strategy));
        }
    }

    #[test]
    fn a_refused_word_says_which_there_are() {
        let expected =
            "STRATEGY is \"bluegreen\"; it can be codedeploy, blue-green, canary, linear, rolling";
        assert_eq!(
            Strategy::choose(Some("bluegreen")),
            Err(expected.to_owned())
        );
    }
}
