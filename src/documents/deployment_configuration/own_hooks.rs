//! PURE: which hooks of a service are ours.
//!
//! Our hooks name their run in `hookDetails`. ECS may drop or refuse these on PAUSE hooks, and
//! other tools may remove them. So a hook is also recognized by its exact settings: the undo saves
//! these together with the earlier hooks, and a tag of the service keeps them for later runs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The key of `hookDetails` that names the run that added the hook.
const MARK: &str = "ecsBluegreenAction";
/// ECS's default length of a pause.
const DEFAULT_MINUTES: u64 = 1440;

/// A PAUSE hook that we add for one rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The stages at which it pauses.
    pub stages: Vec<String>,
    /// The time in minutes after which ECS rolls back.
    pub minutes: u64,
    /// The run that owns it.
    pub run: String,
    /// Whether that run registered the revision.
    pub is_registered: bool,
}

/// How our hooks are recognized when they carry no mark.
#[derive(Debug, Clone, Copy, Default)]
pub struct HookIdentity<'k> {
    /// The hook that the run added.
    pub pause: Option<&'k Pause>,
    /// The hooks that existed before it: none of them is ours.
    pub before: &'k [Value],
}

impl<'k> HookIdentity<'k> {
    /// Recognizes the hook by its settings alone.
    pub fn from_pause(pause: Option<&'k Pause>) -> Self {
        Self { pause, before: &[] }
    }
}

impl Pause {
    /// The value of the service's tag, in the characters that tags allow.
    pub fn to_tag(&self) -> String {
        let registered = if self.is_registered {
            " registered"
        } else {
            ""
        };
        format!(
            "{} {} {}{registered}",
            self.run,
            self.minutes,
            self.stages.join("+")
        )
    }

    /// Reads the value of the tag; none when this action did not write it.
    pub fn from_tag(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let (run, minutes, stages) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        let is_registered = words.next() == Some("registered");
        let stages: Vec<String> = stages
            .split('+')
            .filter(|stage| !stage.is_empty())
            .map(str::to_owned)
            .collect();
        (!run.is_empty() && !stages.is_empty()).then(|| Self {
            stages,
            minutes,
            run: run.to_owned(),
            is_registered,
        })
    }

    /// The hook as it is sent to ECS.
    pub(super) fn to_hook(&self) -> Value {
        let registered = self
            .is_registered
            .then(|| ("registered".to_owned(), Value::Bool(true)));
        let mark: Map<String, Value> = [("run".to_owned(), Value::from(self.run.as_str()))]
            .into_iter()
            .chain(registered)
            .collect();
        json!({
            "targetType": "PAUSE", "lifecycleStages": self.stages, "hookDetails": { MARK: mark },
            "timeoutConfiguration": { "timeoutInMinutes": self.minutes, "action": "ROLLBACK" },
        })
    }

    /// Whether a hook without a mark has the same settings, even when another tool has removed
    /// fields that older SDKs do not know.
    fn matches_form(&self, hook: &Value) -> bool {
        let bare = |member: &str| {
            hook[member].is_null() || hook[member].as_object().is_some_and(Map::is_empty)
        };
        let mut stages: Vec<String> = super::stages(hook).collect();
        let mut own = self.stages.clone();
        stages.sort_unstable();
        own.sort_unstable();
        let timeout = &hook["timeoutConfiguration"];
        let minutes = timeout["timeoutInMinutes"]
            .as_u64()
            .unwrap_or(DEFAULT_MINUTES);
        let is_stripped = hook["targetType"] != "PAUSE"
            && (bare("timeoutConfiguration") || minutes == DEFAULT_MINUTES);
        let is_whole = hook["targetType"] == "PAUSE" && minutes == self.minutes;
        let rolls_back = timeout["action"]
            .as_str()
            .is_none_or(|action| action == "ROLLBACK");
        stages == own
            && bare("hookDetails")
            && bare("hookTargetArn")
            && rolls_back
            && (is_whole || is_stripped)
    }
}

/// The run named by a hook's mark.
pub(super) fn run_in_mark(hook: &Value) -> Option<&str> {
    hook["hookDetails"][MARK]["run"].as_str()
}

/// Whether a hook's mark says that its run registered the revision.
pub(super) fn is_registered_in_mark(hook: &Value) -> bool {
    hook["hookDetails"][MARK]["registered"] == true
}

/// The run that owns a hook, by its mark or by its settings.
pub(super) fn run_of<'a>(hook: &'a Value, identity: HookIdentity<'a>) -> Option<&'a str> {
    let by_form = || {
        identity
            .pause
            .filter(|pause| !identity.before.contains(hook) && pause.matches_form(hook))
            .map(|pause| pause.run.as_str())
    };
    run_in_mark(hook).or_else(by_form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause() -> Pause {
        let stages = vec![
            crate::documents::deployment_configuration::GREEN.to_owned(),
            crate::documents::deployment_configuration::STEP.to_owned(),
        ];
        Pause {
            stages,
            minutes: 45,
            run: "7-1-ab".into(),
            is_registered: true,
        }
    }

    fn unmarked_hook(change: impl FnOnce(&mut Value)) -> Value {
        let mut hook = pause().to_hook();
        hook.as_object_mut().unwrap().shift_remove("hookDetails");
        change(&mut hook);
        hook
    }

    #[test]
    fn a_tag_tells_what_a_hook_of_ours_looks_like() {
        for pause in [
            pause(),
            Pause {
                is_registered: false,
                ..pause()
            },
        ] {
            let tag = pause.to_tag();
            assert!(
                tag.len() <= 256
                    && tag.chars().all(
                        |letter| letter.is_ascii_alphanumeric() || " _.:/=+-@".contains(letter)
                    ),
                "{tag}"
            );
            assert_eq!(Pause::from_tag(&tag), Some(pause));
        }
        for other in [
            "",
            "7-1-ab",
            "7-1-ab soon POST_SCALE_UP",
            "7-1-ab 45",
            "7-1-ab 45 ",
        ] {
            assert_eq!(Pause::from_tag(other), None, "{other}");
        }
    }

    #[test]
    fn a_hook_without_a_mark_is_known_by_its_form_and_by_not_having_been_there() {
        let own = pause();
        let run = |hook: &Value, before: &[Value]| {
            run_of(
                hook,
                HookIdentity {
                    pause: Some(&own),
                    before,
                },
            )
            .map(str::to_owned)
        };
        let ours = [
            unmarked_hook(|_| ()),
            unmarked_hook(|hook| hook["hookDetails"] = json!({})),
            unmarked_hook(|hook| hook["lifecycleStages"].as_array_mut().unwrap().reverse()),
            // What an SDK that knows no PAUSE hooks writes back, and what ECS makes of it.
            json!({ "lifecycleStages": own.stages }),
            json!({ "lifecycleStages": own.stages, "targetType": "AWS_LAMBDA", "timeoutConfiguration": { "timeoutInMinutes": 1440, "action": "ROLLBACK" } }),
        ];
        for hook in &ours {
            assert_eq!(run(hook, &[]).as_deref(), Some("7-1-ab"), "{hook}");
            assert_eq!(
                run(hook, std::slice::from_ref(hook)),
                None,
                "it was there before: {hook}"
            );
            assert_eq!(
                run_of(hook, HookIdentity::default()),
                None,
                "nothing is known of it: {hook}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_hook_of_ours_is_not_ours() {
        let own = pause();
        let theirs = [
            unmarked_hook(|hook| hook["timeoutConfiguration"]["timeoutInMinutes"] = json!(60)),
            unmarked_hook(|hook| hook["timeoutConfiguration"]["action"] = json!("CONTINUE")),
            unmarked_hook(|hook| {
                hook["lifecycleStages"] =
                    json!([crate::documents::deployment_configuration::GREEN]);
            }),
            unmarked_hook(|hook| hook["hookDetails"] = json!({ "owner": "team-a" })),
            json!({ "targetType": "PAUSE", "lifecycleStages": own.stages }),
            json!({ "lifecycleStages": own.stages, "hookTargetArn": "arn:aws:lambda:eu-central-1:1:function:f" }),
        ];
        for hook in &theirs {
            assert_eq!(
                run_of(hook, HookIdentity::from_pause(Some(&own))),
                None,
                "{hook}"
            );
        }
        let marked = Pause {
            run: "8-1-cd".into(),
            ..own.clone()
        }
        .to_hook();
        assert_eq!(
            run_of(&marked, HookIdentity::from_pause(Some(&own))),
            Some("8-1-cd"),
            "a mark says more than a form"
        );
    }
}
