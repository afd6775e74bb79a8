//! PURE: how ECS shifts traffic: its strategies, and what of them is asked for. What is left out is
//! the service's own.

/// One of ECS's own strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Tasks are replaced in place.
    Rolling,
    /// Traffic moves at once.
    BlueGreen,
    /// A share first, then the rest.
    Canary,
    /// Equal shares.
    Linear,
}

impl Strategy {
    /// AWS's word.
    pub fn aws_name(self) -> &'static str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
            Self::Canary => "CANARY",
            Self::Linear => "LINEAR",
        }
    }

    /// The word of the inputs.
    pub fn input_name(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
            Self::Linear => "linear",
        }
    }

    /// The strategy of AWS's word; none for one that is newer than this action.
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

/// What is asked of the strategy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrategyRequest {
    /// The strategy, unless it is the service's.
    pub requested: Option<Strategy>,
    /// Percent of the first step of a canary.
    pub canary_percent: Option<f64>,
    /// Minutes between its two steps.
    pub canary_bake: Option<u64>,
    /// Percent of a linear step.
    pub step_percent: Option<f64>,
    /// Minutes between two linear steps.
    pub step_bake: Option<u64>,
    /// Minutes that blue is kept.
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
    /// The inputs that set anything of the deployment's configuration.
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

    /// The inputs that were given and that this strategy does not know.
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
