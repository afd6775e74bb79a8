//! Alarms: their states and reasons, events at which they go to ALARM, and composites that follow
//! their children. Pure.

mod rule;

use std::collections::BTreeMap;

pub(crate) use rule::Rule;

use crate::event_time::{EventTime, TrafficHistory};
use crate::options::{AlarmDetails, AlarmState, StageOptions};

/// `StateReason` of an alarm whose options give none.
const DEFAULT_REASON: &str = "Set on the stage";
/// `StateReason` of an alarm that goes to ALARM at an event and whose options give none.
const DEFAULT_ALARM_REASON: &str =
    "Threshold Crossed: 1 datapoint [5.0] was greater than or equal to the threshold (1.0).";

/// An alarm, and since when it is in its state.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) state: AlarmState,
    pub(crate) since_ms: i64,
    pub(crate) reason: String,
    /// Of a composite alarm: the children that are in ALARM and so caused its state.
    pub(crate) triggering_children: Vec<String>,
    pub(crate) details: AlarmDetails,
    /// Its state was set by a test; a composite alarm that was set no longer follows its children.
    is_set_manually: bool,
    has_fired: bool,
    has_recovered: bool,
}

impl Alarm {
    fn new(state: AlarmState, since_ms: i64, details: AlarmDetails) -> Self {
        let reason = details
            .reason
            .clone()
            .unwrap_or_else(|| DEFAULT_REASON.to_owned());
        Self {
            state,
            since_ms,
            reason,
            triggering_children: Vec::new(),
            details,
            is_set_manually: false,
            has_fired: false,
            has_recovered: false,
        }
    }

    /// Its rule, if it is a composite that can be read.
    pub(crate) fn rule(&self) -> Option<Rule> {
        Rule::parse(self.details.rule.as_deref()?).ok()
    }

    fn set_state(&mut self, state: AlarmState, reason: &str, now_ms: i64) {
        if self.state != state {
            self.since_ms = now_ms;
        }
        (self.state, self.reason) = (state, reason.to_owned());
    }
}

/// All alarms by name.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    by_name: BTreeMap<String, Alarm>,
}

impl Alarms {
    /// The alarms that the options name.
    pub(crate) fn from_options(options: &StageOptions, now_ms: i64) -> Self {
        let details = |name: &String| options.alarm_details.get(name).cloned().unwrap_or_default();
        let detailed = options.alarm_details.keys().map(|name| {
            (
                name.clone(),
                Alarm::new(AlarmState::Ok, now_ms, details(name)),
            )
        });
        let with_state = options
            .alarms
            .iter()
            .map(|(name, state)| (name.clone(), Alarm::new(*state, now_ms, details(name))));
        let mut alarms = Self {
            by_name: detailed.chain(with_state).collect(),
        };
        alarms.update_composites(now_ms);
        alarms
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Alarm)> {
        self.by_name.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Alarm> {
        self.by_name.get(name)
    }

    /// Sets an alarm's state for a test; creates the alarm if there is none.
    pub(crate) fn set(&mut self, name: &str, state: AlarmState, reason: Option<&str>, now_ms: i64) {
        let alarm = self
            .by_name
            .entry(name.to_owned())
            .or_insert_with(|| Alarm::new(state, now_ms, AlarmDetails::default()));
        alarm.is_set_manually = true;
        alarm.triggering_children.clear();
        alarm.set_state(state, reason.unwrap_or(DEFAULT_REASON), now_ms);
        self.update_composites(now_ms);
    }

    /// Applies the events that are due, and returns the alarms whose state changed.
    pub(crate) fn advance(
        &mut self,
        history: &TrafficHistory,
        now_ms: i64,
    ) -> Vec<(String, AlarmState)> {
        let mut changed = Vec::new();
        let has_come = |when: &Option<EventTime>| {
            when.as_ref()
                .is_some_and(|when| history.has_happened(when, now_ms))
        };
        for (name, alarm) in &mut self.by_name {
            if !alarm.has_fired && has_come(&alarm.details.rings) {
                alarm.has_fired = true;
                let reason = alarm.details.reason.clone();
                alarm.set_state(
                    AlarmState::Alarm,
                    reason.as_deref().unwrap_or(DEFAULT_ALARM_REASON),
                    now_ms,
                );
                changed.push((name.clone(), AlarmState::Alarm));
            }
            if !alarm.has_recovered && has_come(&alarm.details.calms) {
                alarm.has_recovered = true;
                alarm.set_state(AlarmState::Ok, DEFAULT_REASON, now_ms);
                changed.push((name.clone(), AlarmState::Ok));
            }
        }
        if !changed.is_empty() {
            changed.extend(self.update_composites(now_ms));
        }
        changed
    }

    /// Updates composite alarms until nothing changes. The number of rounds is limited to the
    /// number of alarms, so a cycle ends too.
    fn update_composites(&mut self, now_ms: i64) -> Vec<(String, AlarmState)> {
        let mut changed = Vec::new();
        for _ in 0..self.by_name.len() {
            let changes: Vec<(String, AlarmState, Vec<String>)> = self
                .by_name
                .iter()
                .filter_map(|(name, alarm)| self.composite_change(name, alarm))
                .collect();
            if changes.is_empty() {
                break;
            }
            for (name, state, because_of) in changes {
                if let Some(alarm) = self.by_name.get_mut(&name) {
                    alarm.set_state(state, &composite_reason(&because_of, state), now_ms);
                    alarm.triggering_children = because_of;
                }
                changed.push((name, state));
            }
        }
        changed
    }

    /// The new state of a composite alarm, if it differs from its present one.
    fn composite_change(
        &self,
        name: &str,
        alarm: &Alarm,
    ) -> Option<(String, AlarmState, Vec<String>)> {
        let rule = alarm.rule().filter(|_| !alarm.is_set_manually)?;
        let state_of = |child: &str| {
            self.get(child)
                .map_or(AlarmState::InsufficientData, |child| child.state)
        };
        let state = if rule.holds(&state_of) {
            AlarmState::Alarm
        } else {
            AlarmState::Ok
        };
        let in_alarm = rule
            .children()
            .into_iter()
            .filter(|child| state_of(child) == AlarmState::Alarm)
            .map(ToOwned::to_owned);
        (alarm.state != state).then(|| (name.to_owned(), state, in_alarm.collect()))
    }
}

/// `StateReason` of a composite alarm.
fn composite_reason(because_of: &[String], state: AlarmState) -> String {
    match (because_of, state) {
        ([], AlarmState::Alarm) | (_, AlarmState::Ok | AlarmState::InsufficientData) => {
            format!(
                "The alarm rule does {}hold",
                if state == AlarmState::Alarm {
                    ""
                } else {
                    "not "
                }
            )
        }
        (children, AlarmState::Alarm) => format!("{} transitioned to ALARM", children.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(details: &[(&str, AlarmDetails)]) -> Alarms {
        let details = details
            .iter()
            .map(|(name, details)| ((*name).to_owned(), details.clone()))
            .collect();
        let options = StageOptions {
            alarm_details: details,
            ..StageOptions::default()
        };
        Alarms::from_options(&options, 0)
    }

    fn states(alarms: &Alarms) -> Vec<(&str, &str)> {
        alarms
            .iter()
            .map(|(name, alarm)| (name.as_str(), alarm.state.as_str()))
            .collect()
    }

    #[test]
    fn a_composite_follows_its_children_and_a_composite_of_it_follows_too() {
        let composite = AlarmDetails::composite(r#"ALARM("errors") OR ALARM(latency)"#);
        let mut alarms = alarms(&[
            ("errors", AlarmDetails::default()),
            ("latency", AlarmDetails::default()),
            ("any", composite),
            ("all", AlarmDetails::composite("ALARM(any)")),
        ]);
        alarms.set("errors", AlarmState::Alarm, Some("too many"), 5);
        assert_eq!(
            states(&alarms),
            [
                ("all", "ALARM"),
                ("any", "ALARM"),
                ("errors", "ALARM"),
                ("latency", "OK")
            ]
        );
        let any = alarms.get("any").unwrap();
        assert_eq!(
            (
                any.since_ms,
                any.reason.as_str(),
                any.triggering_children.as_slice()
            ),
            (
                5,
                "errors transitioned to ALARM",
                &["errors".to_owned()][..]
            )
        );
        alarms.set("errors", AlarmState::Ok, None, 9);
        assert_eq!(
            states(&alarms),
            [
                ("all", "OK"),
                ("any", "OK"),
                ("errors", "OK"),
                ("latency", "OK")
            ]
        );
    }

    #[test]
    fn a_composite_that_was_set_stays_as_it_was_set() {
        let mut alarms = alarms(&[
            ("errors", AlarmDetails::default()),
            ("any", AlarmDetails::composite("ALARM(errors)")),
        ]);
        alarms.set("any", AlarmState::Alarm, None, 1);
        alarms.set("errors", AlarmState::Ok, None, 2);
        assert_eq!(states(&alarms), [("any", "ALARM"), ("errors", "OK")]);
    }

    #[test]
    fn an_alarm_fires_once_at_its_event_and_recovers_at_another() {
        let details = AlarmDetails {
            calms: Some(EventTime::Started(4.0)),
            ..AlarmDetails::in_alarm_from(EventTime::Started(2.0)).with_reason("burning")
        };
        let mut alarms = alarms(&[("errors", details)]);
        let history = TrafficHistory::new(0);
        assert_eq!(alarms.advance(&history, 1_999), []);
        assert_eq!(
            alarms.advance(&history, 2_000),
            [("errors".to_owned(), AlarmState::Alarm)]
        );
        assert_eq!(
            alarms
                .get("errors")
                .map(|alarm| (alarm.reason.as_str(), alarm.since_ms)),
            Some(("burning", 2_000))
        );
        alarms.set("errors", AlarmState::Ok, None, 2_500);
        assert_eq!(alarms.advance(&history, 3_000), []);
        assert_eq!(
            alarms.advance(&history, 4_000),
            [("errors".to_owned(), AlarmState::Ok)]
        );
    }

    #[test]
    fn alarms_in_a_circle_come_to_an_end() {
        let alarms = alarms(&[
            ("a", AlarmDetails::composite("NOT ALARM(b)")),
            ("b", AlarmDetails::composite("ALARM(a)")),
        ]);
        assert_eq!(alarms.iter().count(), 2);
    }
}
