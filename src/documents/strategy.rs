//! PURE: how ECS shifts traffic: its strategies, and the settings of them that the user gave. What
//! the user left out keeps the service's value.

/// One of ECS's own strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Tasks are replaced in place, behind one target group.
    Rolling,
    /// All traffic moves at once.
    BlueGreen,
    /// One share first, then the rest.
    Canary,
    /// Equal shares.
    Linear,
}

impl Strategy {
    /// The name in AWS's spelling.
    pub fn aws_name(self) -> &'static str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
            Self::Canary => "CANARY",
            Self::Linear => "LINEAR",
        }
    }

    /// The name in the inputs' spelling.
    pub fn input_name(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
            Self::Linear => "linear",
        }
    }

    /// The strategy of AWS's name; none for one that is newer than this action.
    pub fn from_aws_name(word: &str) -> Option<Self> {
        [Self::Rolling, Self::BlueGreen, Self::Canary, Self::Linear]
            .into_iter()
            .find(|strategy| strategy.aws_name() == word)
    }

    /// Whether traffic moves in more than one step.
    pub fn has_steps(self) -> bool {
        match self {
            Self::Canary | Self::Linear => true,
            Self::Rolling | Self::BlueGreen => false,
        }
    }
}

/// The strategy settings that the user gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrategyRequest {
    /// The strategy; the service's own when none.
    pub requested: Option<Strategy>,
    /// The first step of a canary, in percent.
    pub canary_percent: Option<f64>,
    /// The time between the two steps of a canary, in minutes.
    pub canary_bake: Option<u64>,
    /// A step of a linear strategy, in percent.
    pub step_percent: Option<f64>,
    /// The time between two linear steps, in minutes.
    pub step_bake: Option<u64>,
    /// The time that blue is kept, in minutes.
    pub bake: Option<u64>,
    /// Whether PAUSE hooks may be added for this rollout.
    pub manage_hooks: bool,
}

impl Default for StrategyRequest {
    fn default() -> Self {
        Self {
            requested: None,
            canary_percent: None,
            canary_bake: None,
            step_percent: None,
            step_bake: None,
            bake: None,
            manage_hooks: true,
        }
    }
}

impl StrategyRequest {
    /// The given inputs that change the deployment configuration.
    pub fn given_inputs(&self) -> Vec<&'static str> {
        let all = [
            ("strategy", self.requested.is_some()),
            ("canary-percent", self.canary_percent.is_some()),
            ("canary-bake", self.canary_bake.is_some()),
            ("step-percent", self.step_percent.is_some()),
            ("step-bake", self.step_bake.is_some()),
            ("bake", self.bake.is_some()),
        ];
        all.into_iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(input, _)| input)
            .collect()
    }

    /// The given inputs that this strategy does not support.
    pub fn unsupported_inputs(&self, strategy: Strategy) -> Vec<&'static str> {
        let canary = strategy == Strategy::Canary;
        let linear = strategy == Strategy::Linear;
        let given = [
            ("canary-percent", self.canary_percent.is_some() && !canary),
            ("canary-bake", self.canary_bake.is_some() && !canary),
            ("step-percent", self.step_percent.is_some() && !linear),
            ("step-bake", self.step_bake.is_some() && !linear),
            ("bake", self.bake.is_some() && strategy == Strategy::Rolling),
        ];
        given
            .into_iter()
            .filter(|(_, is_foreign)| *is_foreign)
            .map(|(input, _)| input)
            .collect()
    }
}
