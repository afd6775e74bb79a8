//! PURE: edits a service's `deploymentConfiguration`: adds and removes our PAUSE hooks and sets the
//! strategy; everything else stays unchanged. Also reads its pauses.
//!
//! It is handled as AWS's own JSON, so that hooks, alarms and settings that are not ours (or newer
//! than this action) stay.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::documents::strategy::{Strategy, StrategyRequest};

mod own_hooks;
mod timing;

pub use own_hooks::{HookIdentity, Pause};
use own_hooks::{is_registered_in_mark, run_in_mark, run_of};
pub use timing::{bake_minutes, partial_traffic_steps, shift_minutes, traffic_step_count};

/// ECS requires a bake time for blue/green; this one is used when neither the service nor the
/// inputs give one.
const BAKE_MINUTES: u64 = 5;
/// The longest pause ECS takes: two weeks.
const LONGEST_PAUSE: u64 = 20_160;

/// The stage at which green is up and gets all test traffic.
pub const GREEN: &str = "POST_TEST_TRAFFIC_SHIFT";
/// The stage before every step of production traffic.
pub const STEP: &str = "PRE_PRODUCTION_TRAFFIC_SHIFT";
/// The stage at which green gets all production traffic.
pub const PRODUCTION: &str = "POST_PRODUCTION_TRAFFIC_SHIFT";

/// The members that `strategy` and the inputs that go with it set.
const STRATEGY_MEMBERS: [&str; 4] = [
    "strategy",
    "bakeTimeInMinutes",
    "canaryConfiguration",
    "linearConfiguration",
];

/// The stages at which PAUSE hooks of others pause already.
pub fn paused_stages(
    configuration: Option<&Value>,
    identity: HookIdentity<'_>,
) -> BTreeSet<String> {
    let pauses = hooks(configuration)
        .iter()
        .filter(|hook| hook["targetType"] == "PAUSE" && run_of(hook, identity).is_none());
    pauses.flat_map(stages).collect()
}

/// The stages at which any PAUSE hook pauses.
pub fn all_paused_stages(configuration: &Value) -> BTreeSet<String> {
    hooks(Some(configuration))
        .iter()
        .filter(|hook| hook["targetType"] == "PAUSE")
        .flat_map(stages)
        .collect()
}

/// How many pauses come before green is up.
pub fn count_early_pauses(configuration: &Value) -> usize {
    const EARLY: [&str; 3] = ["RECONCILE_SERVICE", "PRE_SCALE_UP", "POST_SCALE_UP"];
    let pauses = hooks(Some(configuration))
        .iter()
        .filter(|hook| hook["targetType"] == "PAUSE");
    pauses
        .flat_map(stages)
        .filter(|stage| EARLY.contains(&stage.as_str()))
        .count()
}

/// The stages at which PAUSE hooks of this action pause, of any run.
pub fn marked_stages(configuration: &Value) -> BTreeSet<String> {
    hooks(Some(configuration))
        .iter()
        .filter(|hook| run_in_mark(hook).is_some())
        .flat_map(stages)
        .collect()
}

/// How long the pauses before users reach green last, in minutes.
pub fn green_pause_minutes(configuration: &Value) -> Option<u32> {
    let pause = hooks(Some(configuration))
        .iter()
        .find(|hook| hook["targetType"] == "PAUSE" && stages(hook).any(|stage| stage == GREEN))?;
    u32::try_from(
        pause["timeoutConfiguration"]["timeoutInMinutes"]
            .as_u64()
            .unwrap_or(1440),
    )
    .ok()
}

/// The run that owns a configuration's hooks of ours.
pub fn run_of_hooks<'a>(configuration: &'a Value, identity: HookIdentity<'a>) -> Option<&'a str> {
    hooks(Some(configuration))
        .iter()
        .find_map(|hook| run_of(hook, identity))
}

/// The run named by the mark of a configuration's hooks.
pub fn marked_run(configuration: &Value) -> Option<&str> {
    run_of_hooks(configuration, HookIdentity::default())
}

/// Whether the run that owns a configuration's hooks registered the revision for the rollout.
pub fn is_revision_registered(configuration: &Value, identity: HookIdentity<'_>) -> bool {
    let says = |hook: &Value| {
        if run_in_mark(hook).is_some() {
            is_registered_in_mark(hook)
        } else {
            identity.pause.is_some_and(|pause| pause.is_registered)
        }
    };
    hooks(Some(configuration))
        .iter()
        .any(|hook| run_of(hook, identity).is_some() && says(hook))
}

/// The hooks of a configuration.
pub fn all_hooks(configuration: Option<&Value>) -> Vec<Value> {
    hooks(configuration).to_vec()
}

/// The hooks that are not ours.
pub fn hooks_of_others(configuration: Option<&Value>, identity: HookIdentity<'_>) -> Vec<Value> {
    hooks(configuration)
        .iter()
        .filter(|hook| run_of(hook, identity).is_none())
        .cloned()
        .collect()
}

/// The hook of a run whose deployment carries no mark: the only hook of `minutes` at our stages
/// that is not in `before`.
pub fn find_unmarked_pause(
    configuration: &Value,
    before: &[Value],
    minutes: u64,
    run: &str,
) -> Option<Pause> {
    let added = hooks(Some(configuration))
        .iter()
        .filter(|hook| !before.contains(hook));
    let mut candidates = added.filter_map(|hook| {
        let stages: Vec<String> = stages(hook).collect();
        let is_at_ours = stages
            .iter()
            .all(|stage| [GREEN, STEP, PRODUCTION].contains(&stage.as_str()));
        let pause = Pause {
            stages,
            minutes,
            run: run.to_owned(),
            is_registered: false,
        };
        (is_at_ours
            && run_of(
                hook,
                HookIdentity {
                    pause: Some(&pause),
                    before,
                },
            )
            .is_some())
        .then_some(pause)
    });
    candidates.next().filter(|_| candidates.next().is_none())
}

/// The configuration for a rollout: the requested strategy, and without pauses that another run
/// left behind. None when nothing changes.
pub fn for_rollout(
    present: Option<&Value>,
    request: &StrategyRequest,
    leftover: HookIdentity<'_>,
) -> Option<Value> {
    let before = present.cloned().unwrap_or_else(|| json!({}));
    let mut after = without_own_hooks(&before, None, leftover).unwrap_or_else(|| before.clone());
    set_strategy(&mut after, request);
    (after != before).then_some(after)
}

/// The configuration for a rollout, with our pause added; none when that equals `present`.
pub fn with_pause(
    planned: Option<&Value>,
    present: Option<&Value>,
    pause: &Pause,
) -> Option<Value> {
    let mut after = planned.or(present).cloned().unwrap_or_else(|| json!({}));
    let mut all = hooks(Some(&after)).to_vec();
    all.push(pause.to_hook());
    after["lifecycleHooks"] = Value::Array(all);
    (present != Some(&after)).then_some(after)
}

/// The configuration with the marks removed from our hooks; none when there is no mark.
pub fn without_marks(configuration: &Value) -> Option<Value> {
    marked_run(configuration)?;
    let mut after = configuration.clone();
    for hook in after["lifecycleHooks"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter(|hook| run_in_mark(hook).is_some())
    {
        hook.as_object_mut()
            .map(|members| members.shift_remove("hookDetails"));
    }
    Some(after)
}

/// The configuration without the hooks of one run of ours, or of all; none when there is no such
/// hook.
pub fn without_own_hooks(
    present: &Value,
    run: Option<&str>,
    identity: HookIdentity<'_>,
) -> Option<Value> {
    let all = hooks(Some(present));
    let is_meant =
        |hook: &Value| run_of(hook, identity).is_some_and(|of| run.is_none_or(|run| run == of));
    let others: Vec<Value> = all.iter().filter(|hook| !is_meant(hook)).cloned().collect();
    if others.len() == all.len() {
        return None;
    }
    let mut after = present.clone();
    after["lifecycleHooks"] = Value::Array(others);
    Some(after)
}

/// The configuration as it was before a run's rollout: without its hooks, and with the strategy's
/// members of `before`. None when nothing changes.
pub fn restored_configuration(
    present: &Value,
    before: &Value,
    run: Option<&str>,
    identity: HookIdentity<'_>,
) -> Option<Value> {
    let mut after = without_own_hooks(present, run, identity).unwrap_or_else(|| present.clone());
    let members = after.as_object_mut()?;
    for member in STRATEGY_MEMBERS {
        match before.get(member) {
            Some(value) => members.insert(member.to_owned(), value.clone()),
            None => members.remove(member),
        };
    }
    (after != *present).then_some(after)
}

/// The members of a configuration that `restored_configuration` needs.
pub fn strategy_members(configuration: Option<&Value>) -> Value {
    let kept = STRATEGY_MEMBERS
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), configuration?.get(*member)?.clone())));
    Value::Object(kept.collect::<Map<_, _>>())
}

/// The JSON of hooks for a service's own definition, for users who want no hooks added.
pub fn hook_snippet(stages: &[&str], minutes: u64) -> String {
    json!({ "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": { "timeoutInMinutes": minutes, "action": "ROLLBACK" } }] })
        .to_string()
}

/// The length of a pause in whole minutes, within ECS's limits.
pub fn pause_minutes(deadline: std::time::Duration) -> u64 {
    deadline.as_secs().div_ceil(60).clamp(1, LONGEST_PAUSE)
}

/// Whether tasks are replaced in place behind one target group, which is ECS's default strategy.
pub fn is_rolling(configuration: &Value) -> bool {
    configuration["strategy"]
        .as_str()
        .is_none_or(|word| word == Strategy::Rolling.aws_name())
}

fn set_strategy(configuration: &mut Value, request: &StrategyRequest) {
    if let Some(strategy) = request.requested {
        configuration["strategy"] = json!(strategy.aws_name());
    }
    let strategy = configuration["strategy"]
        .as_str()
        .and_then(Strategy::from_aws_name);
    let set = |configuration: &mut Value, group: &str, member: &str, value: Option<Value>| {
        if let Some(value) = value {
            configuration[group][member] = value;
        }
    };
    match strategy {
        Some(Strategy::Canary) => {
            set(
                configuration,
                "canaryConfiguration",
                "canaryPercent",
                request.canary_percent.map(|percent| json!(percent)),
            );
            set(
                configuration,
                "canaryConfiguration",
                "canaryBakeTimeInMinutes",
                request.canary_bake.map(|minutes| json!(minutes)),
            );
        }
        Some(Strategy::Linear) => {
            set(
                configuration,
                "linearConfiguration",
                "stepPercent",
                request.step_percent.map(|percent| json!(percent)),
            );
            set(
                configuration,
                "linearConfiguration",
                "stepBakeTimeInMinutes",
                request.step_bake.map(|minutes| json!(minutes)),
            );
        }
        Some(Strategy::Rolling | Strategy::BlueGreen) | None => {}
    }
    set_bake_time(configuration, request, strategy);
    if request.requested.is_some() {
        remove_other_strategies(configuration, strategy);
    }
}

fn set_bake_time(configuration: &mut Value, request: &StrategyRequest, strategy: Option<Strategy>) {
    let needs_one = request.requested.is_some()
        && strategy != Some(Strategy::Rolling)
        && configuration["bakeTimeInMinutes"].is_null();
    if let Some(minutes) = request.bake.or(needs_one.then_some(BAKE_MINUTES)) {
        configuration["bakeTimeInMinutes"] = json!(minutes);
    }
}

/// Removes the settings of other strategies, which ECS would refuse together with the new strategy.
fn remove_other_strategies(configuration: &mut Value, strategy: Option<Strategy>) {
    let Some(members) = configuration.as_object_mut() else {
        return;
    };
    if strategy != Some(Strategy::Canary) {
        members.remove("canaryConfiguration");
    }
    if strategy != Some(Strategy::Linear) {
        members.remove("linearConfiguration");
    }
}

fn hooks(configuration: Option<&Value>) -> &[Value] {
    configuration
        .and_then(|all| all.get("lifecycleHooks"))
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn stages(hook: &Value) -> impl Iterator<Item = String> + '_ {
    hook["lifecycleStages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stage| stage.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause() -> Pause {
        Pause {
            stages: vec![GREEN.into(), STEP.into()],
            minutes: 45,
            run: "7-1-ab".into(),
            is_registered: false,
        }
    }

    fn with_own_pause(present: Option<&Value>, pause: &Pause) -> Option<Value> {
        let planned = for_rollout(
            present,
            &StrategyRequest::default(),
            HookIdentity::default(),
        );
        with_pause(planned.as_ref(), present, pause)
    }

    fn other_hook() -> Value {
        json!({ "targetType": "AWS_LAMBDA", "hookTargetArn": "arn:aws:lambda:eu-central-1:1:function:f", "lifecycleStages": ["POST_SCALE_UP"] })
    }

    #[test]
    fn our_pause_is_added_and_taken_out_and_all_else_stays() {
        let before = json!({ "strategy": "CANARY", "alarms": { "enable": true, "alarmNames": ["a"] }, "lifecycleHooks": [other_hook()], "newer": 1 });
        let during = with_own_pause(Some(&before), &pause()).unwrap();
        assert_eq!(during["lifecycleHooks"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            during["lifecycleHooks"][1]["timeoutConfiguration"],
            json!({ "timeoutInMinutes": 45, "action": "ROLLBACK" })
        );
        assert_eq!(marked_run(&during), Some("7-1-ab"));
        assert_eq!(
            without_own_hooks(&during, None, HookIdentity::default()),
            Some(before.clone())
        );
        assert_eq!(
            without_own_hooks(&before, None, HookIdentity::default()),
            None
        );
    }

    #[test]
    fn a_pause_that_another_run_left_goes_with_the_next_rollout() {
        let left = with_own_pause(None, &pause()).unwrap();
        let next = for_rollout(
            Some(&left),
            &StrategyRequest::default(),
            HookIdentity::default(),
        )
        .unwrap();
        assert_eq!(next["lifecycleHooks"], json!([]));
    }

    #[test]
    fn the_pause_of_another_run_stays_where_one_run_is_meant() {
        let during = with_own_pause(None, &pause()).unwrap();
        assert_eq!(
            without_own_hooks(&during, Some("8-1-cd"), HookIdentity::default()),
            None
        );
        assert_eq!(
            without_own_hooks(&during, Some("7-1-ab"), HookIdentity::default()).unwrap()["lifecycleHooks"],
            json!([])
        );
    }

    #[test]
    fn the_hook_says_whether_its_run_has_registered_the_revision() {
        let with = |is_registered| {
            let pause = Pause {
                is_registered,
                ..pause()
            };
            is_revision_registered(
                &with_own_pause(None, &pause).unwrap(),
                HookIdentity::default(),
            )
        };
        assert!(
            with(true)
                && !with(false)
                && !is_revision_registered(
                    &json!({ "lifecycleHooks": [other_hook()] }),
                    HookIdentity::default()
                )
        );
    }

    #[test]
    fn a_hook_whose_mark_was_dropped_is_told_and_taken_out_by_what_is_known_of_it() {
        let before = json!({ "strategy": "CANARY", "lifecycleHooks": [other_hook()] });
        let sent = with_own_pause(Some(&before), &pause()).unwrap();
        let shown = without_marks(&sent).unwrap();
        assert_eq!((marked_run(&shown), without_marks(&shown)), (None, None));
        let own = Pause {
            is_registered: true,
            ..pause()
        };
        let known = HookIdentity {
            pause: Some(&own),
            before: &[other_hook()],
        };
        assert_eq!(
            (
                run_of_hooks(&shown, known),
                is_revision_registered(&shown, known)
            ),
            (Some("7-1-ab"), true)
        );
        assert_eq!(paused_stages(Some(&shown), known), BTreeSet::new());
        assert_eq!(
            without_own_hooks(&shown, Some("7-1-ab"), known),
            Some(before.clone())
        );
        assert_eq!(
            without_own_hooks(&shown, Some("8-1-cd"), known),
            None,
            "another run's"
        );
        assert_eq!(
            restored_configuration(&shown, &strategy_members(Some(&before)), None, known),
            Some(before.clone())
        );
        assert_eq!(
            for_rollout(Some(&shown), &StrategyRequest::default(), known),
            Some(before)
        );
    }

    #[test]
    fn a_run_that_is_run_again_finds_the_one_hook_that_its_dead_attempt_added() {
        let user = json!({ "targetType": "PAUSE", "lifecycleStages": [PRODUCTION], "timeoutConfiguration": { "timeoutInMinutes": 45, "action": "ROLLBACK" } });
        let sent = with_own_pause(Some(&json!({ "lifecycleHooks": [user.clone()] })), &pause());
        let shown = without_marks(&sent.unwrap()).unwrap();
        let found =
            |before: &[Value], minutes| find_unmarked_pause(&shown, before, minutes, "7-1-ab");
        assert_eq!(found(std::slice::from_ref(&user), 45), Some(pause()));
        assert_eq!(
            found(std::slice::from_ref(&user), 30),
            None,
            "this run would not ask for it"
        );
        assert_eq!(
            found(&[], 45),
            None,
            "two came with the deployment: which one is ours cannot be told"
        );
        assert_eq!(
            find_unmarked_pause(&shown, &all_hooks(Some(&shown)), 45, "7-1-ab"),
            None,
            "nothing was added"
        );
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        let before = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5 });
        assert_eq!(
            for_rollout(
                Some(&before),
                &StrategyRequest::default(),
                HookIdentity::default()
            ),
            None
        );
    }

    #[test]
    fn only_pauses_of_others_count_as_theirs() {
        let configuration = json!({ "lifecycleHooks": [other_hook(), { "targetType": "PAUSE", "lifecycleStages": [GREEN] }, pause().to_hook()] });
        assert_eq!(
            paused_stages(Some(&configuration), HookIdentity::default())
                .into_iter()
                .collect::<Vec<_>>(),
            [GREEN]
        );
        assert_eq!(all_paused_stages(&configuration).len(), 2);
    }

    #[test]
    fn a_strategy_brings_its_settings_and_drops_those_of_another() {
        let before =
            json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 20.0 } });
        let asked = StrategyRequest {
            requested: Some(Strategy::Canary),
            canary_percent: Some(10.0),
            canary_bake: Some(3),
            ..StrategyRequest::default()
        };
        let after = for_rollout(Some(&before), &asked, HookIdentity::default()).unwrap();
        assert_eq!(
            after,
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 3 }, "bakeTimeInMinutes": 5 })
        );
        assert_eq!(
            restored_configuration(
                &after,
                &strategy_members(Some(&before)),
                None,
                HookIdentity::default()
            ),
            Some(before)
        );
    }
}
