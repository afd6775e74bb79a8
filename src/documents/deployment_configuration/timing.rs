//! PURE: how long a deployment configuration shifts traffic and keeps blue, and in which steps.

use serde_json::Value;

/// About how long traffic takes from blue to green, in minutes, without the bake time at the end.
pub fn shift_minutes(configuration: &Value) -> u64 {
    let bake = match configuration["strategy"].as_str() {
        Some("CANARY") => configuration["canaryConfiguration"]["canaryBakeTimeInMinutes"]
            .as_u64()
            .unwrap_or(10),
        Some("LINEAR") => configuration["linearConfiguration"]["stepBakeTimeInMinutes"]
            .as_u64()
            .unwrap_or(6),
        _ => 0,
    };
    u64::from(traffic_step_count(configuration).saturating_sub(1)) * bake
}

/// Green's shares before it has everything, in percent, each with its minutes; AWS's defaults where
/// none are given.
pub fn partial_traffic_steps(configuration: &Value) -> Vec<(f64, u64)> {
    match configuration["strategy"].as_str() {
        Some("CANARY") => {
            let canary = &configuration["canaryConfiguration"];
            vec![(
                canary["canaryPercent"].as_f64().unwrap_or(5.0),
                canary["canaryBakeTimeInMinutes"].as_u64().unwrap_or(10),
            )]
        }
        Some("LINEAR") => {
            let linear = &configuration["linearConfiguration"];
            let (percent, minutes) = (
                linear["stepPercent"].as_f64().unwrap_or(10.0),
                linear["stepBakeTimeInMinutes"].as_u64().unwrap_or(6),
            );
            (1..count_steps(percent))
                .map(|step| (percent * f64::from(step), minutes))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// In how many steps traffic shifts.
pub fn traffic_step_count(configuration: &Value) -> u32 {
    match configuration["strategy"].as_str() {
        Some("CANARY") => 2,
        Some("LINEAR") => count_steps(
            configuration["linearConfiguration"]["stepPercent"]
                .as_f64()
                .unwrap_or(10.0),
        ),
        _ => 1,
    }
}

/// How many steps of a percentage make a whole.
fn count_steps(percent: f64) -> u32 {
    let mut steps = 0;
    let mut reached = 0.0;
    while reached < 100.0 && percent > 0.0 {
        reached += percent;
        steps += 1;
    }
    steps
}

/// Minutes that blue is kept after the shift.
pub fn bake_minutes(configuration: &Value) -> u64 {
    configuration["bakeTimeInMinutes"].as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn how_long_a_shift_takes_is_counted_between_steps() {
        let linear = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 30.0, "stepBakeTimeInMinutes": 2 } });
        assert_eq!(shift_minutes(&linear), 6);
        assert_eq!(
            partial_traffic_steps(&linear),
            [(30.0, 2), (60.0, 2), (90.0, 2)]
        );
        assert_eq!(
            partial_traffic_steps(&json!({ "strategy": "CANARY" })),
            [(5.0, 10)]
        );
        assert_eq!(shift_minutes(&json!({ "strategy": "CANARY" })), 10);
        assert_eq!(shift_minutes(&json!({ "strategy": "BLUE_GREEN" })), 0);
    }
}
