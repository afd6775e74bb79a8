//! An ECS service's `deploymentConfiguration`: kept as JSON, because updates replace it member by
//! member, with methods that read what it means. One file, because it is one type and its JSON
//! form.

use serde_json::{Map, Value, json};

use super::LifecycleStage;
use crate::options::Breaker;

/// A hook's default time-out: 24 hours, after which the deployment is rolled back.
const HOOK_TIMEOUT_MINUTES: u64 = 1440;

/// The deployment configuration of a service, or a deployment's snapshot of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Configuration(pub(crate) Map<String, Value>);

/// A lifecycle hook of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hook {
    /// The Lambda function; none for a pause.
    pub(crate) function: Option<String>,
    pub(crate) timeout_minutes: u64,
    pub(crate) timeout_action: HookAction,
}

/// What happens when a hook times out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookAction {
    Continue,
    Rollback,
}

impl HookAction {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Rollback => "ROLLBACK",
        }
    }
}

/// When a rolling deployment is successful early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EarlySuccess {
    /// Healthy tasks, of the desired ones.
    pub(crate) percent: u32,
    pub(crate) cleanup: Cleanup,
}

/// When the tasks of before go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cleanup {
    /// Before the deployment is successful.
    Blocking,
    /// After.
    Deferred,
}

/// One step of production traffic: green's share, and the minutes until the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrafficStep {
    pub(crate) percent: f64,
    pub(crate) minutes: u32,
}

impl Configuration {
    fn get(&self, pointer: &str) -> Option<&Value> {
        let (member, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
        let value = self.0.get(member)?;
        if rest.is_empty() {
            Some(value)
        } else {
            value.pointer(&format!("/{rest}"))
        }
    }

    fn number(&self, pointer: &str) -> Option<u32> {
        self.get(pointer)?
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    }

    fn flag(&self, pointer: &str) -> bool {
        self.get(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn strategy(&self) -> &str {
        self.get("strategy")
            .and_then(Value::as_str)
            .unwrap_or("ROLLING")
    }

    /// ECS shifts traffic between two sides.
    pub(crate) fn shifts_traffic(&self) -> bool {
        self.strategy() != "ROLLING"
    }

    pub(crate) fn maximum_percent(&self) -> u32 {
        self.number("maximumPercent").unwrap_or(200)
    }

    pub(crate) fn minimum_healthy_percent(&self) -> u32 {
        self.number("minimumHealthyPercent").unwrap_or(100)
    }

    pub(crate) fn bake_minutes(&self) -> u32 {
        self.number("bakeTimeInMinutes").unwrap_or(0)
    }

    pub(crate) fn breaker(&self) -> Breaker {
        match (
            self.flag("deploymentCircuitBreaker/enable"),
            self.flag("deploymentCircuitBreaker/rollback"),
        ) {
            (true, true) => Breaker::Rollback,
            (true, false) => Breaker::Fail,
            (false, _) => Breaker::Off,
        }
    }

    /// When a rolling deployment is successful before all of its tasks are healthy.
    pub(crate) fn early_success(&self) -> Option<EarlySuccess> {
        let percent = self.flag("earlySuccessCriteria/enable").then(|| {
            self.number("earlySuccessCriteria/healthyPercent")
                .unwrap_or(100)
        })?;
        let deferred = self
            .get("earlySuccessCriteria/sourceServiceRevisionCleanup")
            .and_then(Value::as_str)
            == Some("DEFERRED");
        Some(EarlySuccess {
            percent,
            cleanup: if deferred {
                Cleanup::Deferred
            } else {
                Cleanup::Blocking
            },
        })
    }

    /// The number of failed tasks at which the circuit breaker trips. The default is half of the
    /// desired count, at least 3 and at most 200.
    pub(crate) fn breaker_threshold(&self, desired: u32) -> u32 {
        let value = self
            .number("deploymentCircuitBreaker/thresholdConfiguration/value")
            .unwrap_or(50);
        let share = desired.saturating_mul(value).div_ceil(100);
        match self
            .get("deploymentCircuitBreaker/thresholdConfiguration/type")
            .and_then(Value::as_str)
        {
            Some("COUNT") => value,
            Some("UNBOUNDED_PERCENT") => share,
            Some(_) | None => share.clamp(3, 200),
        }
    }

    /// The alarms that are watched.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let names = self
            .get("alarms/alarmNames")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        if self.flag("alarms/enable") {
            names
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect()
        } else {
            Vec::new()
        }
    }

    /// An alarm rolls back, and does not only fail.
    pub(crate) fn alarms_roll_back(&self) -> bool {
        self.flag("alarms/rollback")
    }

    /// In which steps production traffic moves.
    pub(crate) fn steps(&self) -> Vec<TrafficStep> {
        let share = |name: &str, default| self.get(name).and_then(Value::as_f64).unwrap_or(default);
        let last = TrafficStep {
            percent: 100.0,
            minutes: 0,
        };
        match self.strategy() {
            "CANARY" => {
                let minutes = self
                    .number("canaryConfiguration/canaryBakeTimeInMinutes")
                    .unwrap_or(10);
                vec![
                    TrafficStep {
                        percent: share("canaryConfiguration/canaryPercent", 5.0),
                        minutes,
                    },
                    last,
                ]
            }
            "LINEAR" => {
                let minutes = self
                    .number("linearConfiguration/stepBakeTimeInMinutes")
                    .unwrap_or(6);
                linear_steps(share("linearConfiguration/stepPercent", 10.0), minutes)
                    .chain([last])
                    .collect()
            }
            _ => vec![last],
        }
    }

    /// The hooks of a stage, in the order in which they are listed.
    pub(crate) fn hooks(&self, stage: LifecycleStage) -> Vec<Hook> {
        let all = self
            .get("lifecycleHooks")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        all.filter(|hook| hook_stages(hook).any(|name| name == stage.as_str()))
            .map(parse_hook)
            .collect()
    }

    /// The members given replace those that are there.
    pub(crate) fn replace_members(&mut self, given: &Map<String, Value>) {
        for (member, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            self.0.insert(member.clone(), value.clone());
        }
        let unused: &[&str] = match self.strategy() {
            "CANARY" => &["linearConfiguration"],
            "LINEAR" => &["canaryConfiguration"],
            _ => &["linearConfiguration", "canaryConfiguration"],
        };
        for member in unused {
            self.0.shift_remove(*member);
        }
    }

    /// This configuration with the hooks of another one.
    #[must_use]
    pub(crate) fn with_hooks_of(mut self, other: &Self) -> Self {
        match other.0.get("lifecycleHooks") {
            Some(hooks) => self.0.insert("lifecycleHooks".to_owned(), hooks.clone()),
            None => self.0.shift_remove("lifecycleHooks"),
        };
        self
    }

    /// Removes the hooks that another configuration does not have.
    pub(crate) fn retain_hooks_of(&mut self, other: &Self) {
        let other_hooks = other
            .0
            .get("lifecycleHooks")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if let Some(hooks) = self
            .0
            .get_mut("lifecycleHooks")
            .and_then(Value::as_array_mut)
        {
            hooks.retain(|hook| other_hooks.contains(hook));
        }
    }

    /// The JSON that AWS answers, with the defaults of hooks filled in.
    pub(crate) fn view(&self) -> Value {
        let mut view = self.0.clone();
        for hook in view
            .get_mut("lifecycleHooks")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            fill_hook_defaults(hook);
        }
        Value::Object(view)
    }
}

fn linear_steps(percent: f64, minutes: u32) -> impl Iterator<Item = TrafficStep> {
    let size = percent.clamp(3.0, 100.0);
    (1..)
        .map(move |step| f64::from(step) * size)
        .take_while(|share| *share < 100.0 - 1e-6)
        .map(move |percent| TrafficStep { percent, minutes })
}

fn hook_stages(hook: &Value) -> impl Iterator<Item = &str> {
    hook.get("lifecycleStages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn parse_hook(value: &Value) -> Hook {
    let rolls_back = value
        .pointer("/timeoutConfiguration/action")
        .and_then(Value::as_str)
        != Some("CONTINUE");
    let pauses = value.get("targetType").and_then(Value::as_str) == Some("PAUSE");
    Hook {
        function: (!pauses).then(|| {
            value
                .get("hookTargetArn")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        }),
        timeout_minutes: value
            .pointer("/timeoutConfiguration/timeoutInMinutes")
            .and_then(Value::as_u64)
            .unwrap_or(HOOK_TIMEOUT_MINUTES),
        timeout_action: if rolls_back {
            HookAction::Rollback
        } else {
            HookAction::Continue
        },
    }
}

fn fill_hook_defaults(value: &mut Value) {
    let parsed = parse_hook(value);
    let Some(members) = value.as_object_mut() else {
        return;
    };
    members
        .entry("targetType")
        .or_insert_with(|| json!("AWS_LAMBDA"));
    let timeout = json!({ "timeoutInMinutes": parsed.timeout_minutes, "action": parsed.timeout_action.as_str() });
    members.insert("timeoutConfiguration".to_owned(), timeout);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(value: Value) -> Configuration {
        let Value::Object(members) = value else {
            panic!("an object")
        };
        Configuration(members)
    }

    fn percents(value: Value) -> Vec<f64> {
        configuration(value)
            .steps()
            .iter()
            .map(|step| step.percent)
            .collect()
    }

    #[test]
    fn every_strategy_ends_with_all_traffic_on_green() {
        assert_eq!(percents(json!({ "strategy": "BLUE_GREEN" })), [100.0]);
        assert_eq!(percents(json!({ "strategy": "CANARY" })), [5.0, 100.0]);
        assert_eq!(
            percents(
                json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 30.0 } })
            ),
            [30.0, 60.0, 90.0, 100.0]
        );
        assert_eq!(
            percents(
                json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 50.0 } })
            ),
            [50.0, 100.0]
        );
    }

    #[test]
    fn the_breaker_trips_at_half_but_not_below_three_unless_it_says_otherwise() {
        let own = configuration(json!({}));
        assert_eq!(
            [1, 6, 7, 1000].map(|desired| own.breaker_threshold(desired)),
            [3, 3, 4, 200]
        );
        let with = |threshold: Value| {
            configuration(
                json!({ "deploymentCircuitBreaker": { "thresholdConfiguration": threshold } }),
            )
        };
        assert_eq!(
            with(json!({ "type": "COUNT", "value": 1 })).breaker_threshold(10),
            1
        );
        assert_eq!(
            with(json!({ "type": "UNBOUNDED_PERCENT", "value": 10 })).breaker_threshold(5),
            1
        );
        assert_eq!(
            with(json!({ "type": "BOUNDED_PERCENT", "value": 100 })).breaker_threshold(5),
            5
        );
    }

    #[test]
    fn a_given_list_of_hooks_replaces_and_an_absent_one_keeps() {
        let pause = json!({ "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"] });
        let mut own = configuration(json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [pause] }));
        own.replace_members(json!({ "bakeTimeInMinutes": 1 }).as_object().unwrap());
        assert_eq!(own.hooks(LifecycleStage::PostScaleUp).len(), 1);
        own.replace_members(json!({ "lifecycleHooks": [] }).as_object().unwrap());
        assert_eq!(own.hooks(LifecycleStage::PostScaleUp), []);
    }

    #[test]
    fn another_strategy_drops_the_steps_of_the_former() {
        let mut own = configuration(
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 20.0 } }),
        );
        own.replace_members(json!({ "strategy": "BLUE_GREEN" }).as_object().unwrap());
        assert!(own.0.get("canaryConfiguration").is_none());
    }

    #[test]
    fn a_hook_that_says_nothing_of_its_time_out_waits_a_day_and_rolls_back() {
        let own = configuration(
            json!({ "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"] }] }),
        );
        let view = own.view();
        assert_eq!(
            view["lifecycleHooks"][0]["timeoutConfiguration"],
            json!({ "timeoutInMinutes": 1440, "action": "ROLLBACK" })
        );
    }
}
