//! How ECS shifts traffic, as far as the inputs set it. What they leave out keeps the service's
//! value.

use std::time::Duration;

use super::collect::ProblemCollector;
use crate::documents::strategy::{Strategy, StrategyRequest};
use crate::inputs::Inputs;

/// The longest bake time that ECS accepts, in minutes.
const MOST_MINUTES: u64 = 1440;

pub(super) fn settings(inputs: &Inputs, collect: &mut ProblemCollector) -> StrategyRequest {
    let words = [
        ("auto", None),
        ("rolling", Some(Strategy::Rolling)),
        ("blue-green", Some(Strategy::BlueGreen)),
        ("canary", Some(Strategy::Canary)),
        ("linear", Some(Strategy::Linear)),
    ];
    let asked = collect
        .read_choice("strategy", inputs.strategy.as_deref(), &words)
        .flatten();
    let settings = StrategyRequest {
        requested: asked,
        canary_percent: collect.read_percent(
            "canary-percent",
            inputs.canary_percent.as_deref(),
            0.1,
        ),
        canary_bake: read_minutes("canary-bake", inputs.canary_bake.as_deref(), collect),
        step_percent: collect.read_percent("step-percent", inputs.step_percent.as_deref(), 3.0),
        step_bake: read_minutes("step-bake", inputs.step_bake.as_deref(), collect),
        bake: read_minutes("bake", inputs.bake.as_deref(), collect),
        manage_hooks: collect
            .read_bool("manage-hooks", inputs.manage_hooks.as_deref())
            .unwrap_or(true),
    };
    if let Some(asked) = asked {
        settings
            .unsupported_inputs(asked)
            .into_iter()
            .for_each(|input| {
                let message = format!("it has no meaning for strategy `{}`", asked.input_name());
                collect.add_problem(
                    input,
                    message,
                    "leave it out, or choose the strategy that it belongs to",
                );
            });
    }
    settings
}

/// ECS counts in minutes. A duration that is not a whole number of minutes is refused, not rounded.
fn read_minutes(input: &str, value: Option<&str>, collect: &mut ProblemCollector) -> Option<u64> {
    let duration = collect.read_duration(input, value)?;
    let minutes = duration.as_secs() / 60;
    if duration != Duration::from_mins(minutes) || minutes > MOST_MINUTES {
        collect.add_problem(
            input,
            "ECS takes whole minutes, at most 24 hours",
            "use a duration such as 5m or 1h",
        );
        return None;
    }
    Some(minutes)
}
