//! PURE: a service's `deploymentConfiguration`: our PAUSE hooks put in and taken out, the strategy set, all else as it was.
//!
//! It is handled as AWS's own JSON, so that hooks, alarms and settings that are not ours (or newer than this action) stay.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::settings::{Strategy, StrategySettings};

/// Where a hook of ours carries the run that added it.
const MARK: &str = "ecsBluegreenAction";
/// ECS wants a bake time for blue/green; this one is taken when neither the service nor the inputs have any.
const BAKE_MINUTES: u64 = 5;
/// The longest pause ECS takes: two weeks.
const LONGEST_PAUSE: u64 = 20_160;

/// Green is up and gets all test traffic.
pub const GREEN: &str = "POST_TEST_TRAFFIC_SHIFT";
/// Before every step of production traffic.
pub const STEP: &str = "PRE_PRODUCTION_TRAFFIC_SHIFT";
/// Green gets all production traffic.
pub const PRODUCTION: &str = "POST_PRODUCTION_TRAFFIC_SHIFT";

/// A PAUSE hook that we add for one rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The stages at which it pauses.
    pub stages: Vec<&'static str>,
    /// How long, before ECS rolls back.
    pub minutes: u64,
    /// The run it belongs to.
    pub run: String,
    /// Whether that run has registered the revision.
    pub is_registered: bool,
}

/// The members that `strategy` and its companions set.
const STRATEGY_MEMBERS: [&str; 4] = ["strategy", "bakeTimeInMinutes", "canaryConfiguration", "linearConfiguration"];

/// The stages at which somebody else's PAUSE hooks pause already.
pub fn paused_stages(configuration: Option<&Value>) -> BTreeSet<String> {
    let pauses = hooks(configuration).iter().filter(|hook| hook["targetType"] == "PAUSE" && run_of(hook).is_none());
    pauses.flat_map(stages).collect()
}

/// The stages at which any PAUSE hook pauses.
pub fn all_paused_stages(configuration: &Value) -> BTreeSet<String> {
    hooks(Some(configuration)).iter().filter(|hook| hook["targetType"] == "PAUSE").flat_map(stages).collect()
}

/// The stages at which PAUSE hooks of runs of this action pause, whichever run that is.
pub fn stages_of_runs(configuration: &Value) -> BTreeSet<String> {
    hooks(Some(configuration)).iter().filter(|hook| run_of(hook).is_some()).flat_map(stages).collect()
}

/// How long the pauses before users reach green last, in minutes.
pub fn pause_of(configuration: &Value) -> Option<u32> {
    let pause = hooks(Some(configuration)).iter().find(|hook| hook["targetType"] == "PAUSE" && stages(hook).any(|stage| stage == GREEN))?;
    u32::try_from(pause["timeoutConfiguration"]["timeoutInMinutes"].as_u64().unwrap_or(1440)).ok()
}

/// The run that a configuration's hooks of ours belong to.
pub fn run_in(configuration: &Value) -> Option<&str> {
    hooks(Some(configuration)).iter().find_map(run_of)
}

/// Whether the run that a configuration's hooks belong to has registered the revision for the rollout.
pub fn is_registered_in(configuration: &Value) -> bool {
    hooks(Some(configuration)).iter().any(|hook| hook["hookDetails"][MARK]["registered"] == true)
}

/// The configuration for a rollout: the strategy as asked, our pause added, pauses that another run left taken out.
/// None when nothing is to be changed.
pub fn for_rollout(present: Option<&Value>, asked: &StrategySettings, pause: Option<&Pause>) -> Option<Value> {
    let before = present.cloned().unwrap_or_else(|| json!({}));
    let mut after = without_ours(&before, None).unwrap_or_else(|| before.clone());
    set_strategy(&mut after, asked);
    if let Some(pause) = pause {
        let mut all = hooks(Some(&after)).to_vec();
        all.push(hook(pause));
        after["lifecycleHooks"] = Value::Array(all);
    }
    (after != before).then_some(after)
}

/// The configuration without the hooks of one run of ours, or of all; none when there is none.
pub fn without_ours(present: &Value, run: Option<&str>) -> Option<Value> {
    let all = hooks(Some(present));
    let is_meant = |hook: &Value| run_of(hook).is_some_and(|of| run.is_none_or(|run| run == of));
    let theirs: Vec<Value> = all.iter().filter(|hook| !is_meant(hook)).cloned().collect();
    if theirs.len() == all.len() {
        return None;
    }
    let mut after = present.clone();
    after["lifecycleHooks"] = Value::Array(theirs);
    Some(after)
}

/// The configuration as it was before a run's rollout: its hooks out, the strategy's members as in `before`. None when
/// it is so already.
pub fn as_before(present: &Value, before: &Value, run: Option<&str>) -> Option<Value> {
    let mut after = without_ours(present, run).unwrap_or_else(|| present.clone());
    let members = after.as_object_mut()?;
    for member in STRATEGY_MEMBERS {
        match before.get(member) {
            Some(value) => members.insert(member.to_owned(), value.clone()),
            None => members.remove(member),
        };
    }
    (after != *present).then_some(after)
}

/// The members of a configuration that `as_before` needs.
pub fn strategy_members(configuration: Option<&Value>) -> Value {
    let kept = STRATEGY_MEMBERS.iter().filter_map(|member| Some(((*member).to_owned(), configuration?.get(*member)?.clone())));
    Value::Object(kept.collect::<Map<_, _>>())
}

/// What a service's own definition would need, for those who want no hooks added.
pub fn snippet(stages: &[&str], minutes: u64) -> String {
    json!({ "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": { "timeoutInMinutes": minutes, "action": "ROLLBACK" } }] })
        .to_string()
}

/// A pause's length as ECS takes it.
pub fn pause_minutes(deadline: std::time::Duration) -> u64 {
    deadline.as_secs().div_ceil(60).clamp(1, LONGEST_PAUSE)
}

/// About how long traffic takes from blue to green, in minutes, without the bake at the end.
pub fn shift_minutes(configuration: &Value) -> u64 {
    let bake = match configuration["strategy"].as_str() {
        Some("CANARY") => configuration["canaryConfiguration"]["canaryBakeTimeInMinutes"].as_u64().unwrap_or(10),
        Some("LINEAR") => configuration["linearConfiguration"]["stepBakeTimeInMinutes"].as_u64().unwrap_or(6),
        _ => 0,
    };
    u64::from(shares(configuration).saturating_sub(1)) * bake
}

/// Green's shares before it has everything, in percent, each with its minutes; AWS's usual ones where none are given.
pub fn partial_shares(configuration: &Value) -> Vec<(f64, u64)> {
    match configuration["strategy"].as_str() {
        Some("CANARY") => {
            let canary = &configuration["canaryConfiguration"];
            vec![(canary["canaryPercent"].as_f64().unwrap_or(5.0), canary["canaryBakeTimeInMinutes"].as_u64().unwrap_or(10))]
        }
        Some("LINEAR") => {
            let linear = &configuration["linearConfiguration"];
            let (percent, minutes) =
                (linear["stepPercent"].as_f64().unwrap_or(10.0), linear["stepBakeTimeInMinutes"].as_u64().unwrap_or(6));
            (1..steps(percent)).map(|step| (percent * f64::from(step), minutes)).collect()
        }
        _ => Vec::new(),
    }
}

/// In how many shares traffic goes over.
pub fn shares(configuration: &Value) -> u32 {
    match configuration["strategy"].as_str() {
        Some("CANARY") => 2,
        Some("LINEAR") => steps(configuration["linearConfiguration"]["stepPercent"].as_f64().unwrap_or(10.0)),
        _ => 1,
    }
}

/// How many shares of a percentage make a whole.
fn steps(percent: f64) -> u32 {
    let mut steps = 0;
    let mut reached = 0.0;
    while reached < 100.0 && percent > 0.0 {
        reached += percent;
        steps += 1;
    }
    steps
}

/// Whether tasks are replaced one by one behind one target group, as ECS does without a strategy.
pub fn is_in_place(configuration: &Value) -> bool {
    configuration["strategy"].as_str().is_none_or(|word| word == Strategy::Rolling.word())
}

/// Minutes that blue is kept after the shift.
pub fn bake_minutes(configuration: &Value) -> u64 {
    configuration["bakeTimeInMinutes"].as_u64().unwrap_or(0)
}

fn set_strategy(configuration: &mut Value, asked: &StrategySettings) {
    if let Some(strategy) = asked.asked {
        configuration["strategy"] = json!(strategy.word());
    }
    let strategy = configuration["strategy"].as_str().and_then(Strategy::of);
    let set = |configuration: &mut Value, group: &str, member: &str, value: Option<Value>| {
        if let Some(value) = value {
            configuration[group][member] = value;
        }
    };
    match strategy {
        Some(Strategy::Canary) => {
            set(configuration, "canaryConfiguration", "canaryPercent", asked.canary_percent.map(|percent| json!(percent)));
            set(configuration, "canaryConfiguration", "canaryBakeTimeInMinutes", asked.canary_bake.map(|minutes| json!(minutes)));
        }
        Some(Strategy::Linear) => {
            set(configuration, "linearConfiguration", "stepPercent", asked.step_percent.map(|percent| json!(percent)));
            set(configuration, "linearConfiguration", "stepBakeTimeInMinutes", asked.step_bake.map(|minutes| json!(minutes)));
        }
        Some(Strategy::Rolling | Strategy::BlueGreen) | None => {}
    }
    bake(configuration, asked, strategy);
    if asked.asked.is_some() {
        drop_others(configuration, strategy);
    }
}

fn bake(configuration: &mut Value, asked: &StrategySettings, strategy: Option<Strategy>) {
    let needs_one = asked.asked.is_some() && strategy != Some(Strategy::Rolling) && configuration["bakeTimeInMinutes"].is_null();
    if let Some(minutes) = asked.bake.or(needs_one.then_some(BAKE_MINUTES)) {
        configuration["bakeTimeInMinutes"] = json!(minutes);
    }
}

/// A strategy that was asked for is not refused for what another one had needed.
fn drop_others(configuration: &mut Value, strategy: Option<Strategy>) {
    let Some(members) = configuration.as_object_mut() else { return };
    if strategy != Some(Strategy::Canary) {
        members.remove("canaryConfiguration");
    }
    if strategy != Some(Strategy::Linear) {
        members.remove("linearConfiguration");
    }
}

fn hook(pause: &Pause) -> Value {
    let registered = pause.is_registered.then(|| ("registered".to_owned(), Value::Bool(true)));
    let mark: Map<String, Value> = [("run".to_owned(), Value::from(pause.run.as_str()))].into_iter().chain(registered).collect();
    json!({
        "targetType": "PAUSE", "lifecycleStages": pause.stages, "hookDetails": { MARK: mark },
        "timeoutConfiguration": { "timeoutInMinutes": pause.minutes, "action": "ROLLBACK" },
    })
}

fn hooks(configuration: Option<&Value>) -> &[Value] {
    configuration.and_then(|all| all.get("lifecycleHooks")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn stages(hook: &Value) -> impl Iterator<Item = String> + '_ {
    hook["lifecycleStages"].as_array().into_iter().flatten().filter_map(|stage| stage.as_str().map(str::to_owned))
}

fn run_of(hook: &Value) -> Option<&str> {
    hook["hookDetails"][MARK]["run"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause() -> Pause {
        Pause { stages: vec![GREEN, STEP], minutes: 45, run: "7-1-ab".into(), is_registered: false }
    }

    fn theirs() -> Value {
        json!({ "targetType": "AWS_LAMBDA", "hookTargetArn": "arn:aws:lambda:eu-central-1:1:function:f", "lifecycleStages": ["POST_SCALE_UP"] })
    }

    #[test]
    fn our_pause_is_added_and_taken_out_and_all_else_stays() {
        let before =
            json!({ "strategy": "CANARY", "alarms": { "enable": true, "alarmNames": ["a"] }, "lifecycleHooks": [theirs()], "newer": 1 });
        let during = for_rollout(Some(&before), &StrategySettings::default(), Some(&pause())).unwrap();
        assert_eq!(during["lifecycleHooks"].as_array().map(Vec::len), Some(2));
        assert_eq!(during["lifecycleHooks"][1]["timeoutConfiguration"], json!({ "timeoutInMinutes": 45, "action": "ROLLBACK" }));
        assert_eq!(run_in(&during), Some("7-1-ab"));
        assert_eq!(without_ours(&during, None), Some(before.clone()));
        assert_eq!(without_ours(&before, None), None);
    }

    #[test]
    fn a_pause_that_another_run_left_goes_with_the_next_rollout() {
        let left = for_rollout(None, &StrategySettings::default(), Some(&pause())).unwrap();
        let next = for_rollout(Some(&left), &StrategySettings::default(), None).unwrap();
        assert_eq!(next["lifecycleHooks"], json!([]));
    }

    #[test]
    fn the_pause_of_another_run_stays_where_one_run_is_meant() {
        let during = for_rollout(None, &StrategySettings::default(), Some(&pause())).unwrap();
        assert_eq!(without_ours(&during, Some("8-1-cd")), None);
        assert_eq!(without_ours(&during, Some("7-1-ab")).unwrap()["lifecycleHooks"], json!([]));
    }

    #[test]
    fn the_hook_says_whether_its_run_has_registered_the_revision() {
        let with = |is_registered| {
            let pause = Pause { is_registered, ..pause() };
            is_registered_in(&for_rollout(None, &StrategySettings::default(), Some(&pause)).unwrap())
        };
        assert!(with(true) && !with(false) && !is_registered_in(&json!({ "lifecycleHooks": [theirs()] })));
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        let before = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5 });
        assert_eq!(for_rollout(Some(&before), &StrategySettings::default(), None), None);
    }

    #[test]
    fn only_pauses_of_others_count_as_theirs() {
        let configuration = json!({ "lifecycleHooks": [theirs(), { "targetType": "PAUSE", "lifecycleStages": [GREEN] }, hook(&pause())] });
        assert_eq!(paused_stages(Some(&configuration)).into_iter().collect::<Vec<_>>(), [GREEN]);
        assert_eq!(all_paused_stages(&configuration).len(), 2);
    }

    #[test]
    fn a_strategy_brings_its_settings_and_drops_those_of_another() {
        let before = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 20.0 } });
        let asked = StrategySettings {
            asked: Some(Strategy::Canary),
            canary_percent: Some(10.0),
            canary_bake: Some(3),
            ..StrategySettings::default()
        };
        let after = for_rollout(Some(&before), &asked, None).unwrap();
        assert_eq!(
            after,
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 3 }, "bakeTimeInMinutes": 5 })
        );
        assert_eq!(as_before(&after, &strategy_members(Some(&before)), None), Some(before));
    }

    #[test]
    fn how_long_a_shift_takes_is_counted_between_steps() {
        let linear = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 30.0, "stepBakeTimeInMinutes": 2 } });
        assert_eq!(shift_minutes(&linear), 6);
        assert_eq!(partial_shares(&linear), [(30.0, 2), (60.0, 2), (90.0, 2)]);
        assert_eq!(partial_shares(&json!({ "strategy": "CANARY" })), [(5.0, 10)]);
        assert_eq!(shift_minutes(&json!({ "strategy": "CANARY" })), 10);
        assert_eq!(shift_minutes(&json!({ "strategy": "BLUE_GREEN" })), 0);
    }
}
