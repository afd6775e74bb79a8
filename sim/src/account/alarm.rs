//! Alarms: their states and why, events at which they ring, and composites that follow their
//! children. Pure.

mod rule;

use std::collections::BTreeMap;

pub(crate) use rule::Rule;

use crate::options::{AlarmDetails, AlarmState, StageOptions};
use crate::when::{Shifts, When};

/// Why an alarm is as it is, when nobody said.
const SET: &str = "Set on the stage";
/// Why an alarm rings at an event, when nobody said.
const CROSSED: &str =
    "Threshold Crossed: 1 datapoint [5.0] was greater than or equal to the threshold (1.0).";

/// An alarm, and since when it is in its state.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) state: AlarmState,
    pub(crate) since_ms: i64,
    pub(crate) reason: String,
    /// Of a composite: the children that brought it into its state.
    pub(crate) because_of: Vec<String>,
    pub(crate) details: AlarmDetails,
    /// Set by hand: a composite that was follows its children no more.
    is_pinned: bool,
    has_rung: bool,
    has_calmed: bool,
}

impl Alarm {
    fn new(state: AlarmState, since_ms: i64, details: AlarmDetails) -> Self {
        let reason = details.reason.clone().unwrap_or_else(|| SET.to_owned());
        Self {
            state,
            since_ms,
            reason,
            because_of: Vec::new(),
            details,
            is_pinned: false,
            has_rung: false,
            has_calmed: false,
        }
    }

    /// Its rule, if it is a composite that can be read.
    pub(crate) fn rule(&self) -> Option<Rule> {
        Rule::parse(self.details.rule.as_deref()?).ok()
    }

    fn turn(&mut self, state: AlarmState, reason: &str, now_ms: i64) {
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
    /// Those of the options.
    pub(crate) fn founded(options: &StageOptions, now_ms: i64) -> Self {
        let details = |name: &String| options.alarm_details.get(name).cloned().unwrap_or_default();
        let detailed = options.alarm_details.keys().map(|name| {
            (
                name.clone(),
                Alarm::new(AlarmState::Ok, now_ms, details(name)),
            )
        });
        let named = options
            .alarms
            .iter()
            .map(|(name, state)| (name.clone(), Alarm::new(*state, now_ms, details(name))));
        let mut alarms = Self {
            by_name: detailed.chain(named).collect(),
        };
        alarms.settle(now_ms);
        alarms
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Alarm)> {
        self.by_name.iter()
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<&Alarm> {
        self.by_name.get(name)
    }

    /// Sets an alarm's state by hand; it exists from then on.
    pub(crate) fn set(&mut self, name: &str, state: AlarmState, reason: Option<&str>, now_ms: i64) {
        let alarm = self
            .by_name
            .entry(name.to_owned())
            .or_insert_with(|| Alarm::new(state, now_ms, AlarmDetails::default()));
        alarm.is_pinned = true;
        alarm.because_of.clear();
        alarm.turn(state, reason.unwrap_or(SET), now_ms);
        self.settle(now_ms);
    }

    /// Lets events come: the alarms that turned.
    pub(crate) fn advance(&mut self, shifts: &Shifts, now_ms: i64) -> Vec<(String, AlarmState)> {
        let mut turned = Vec::new();
        let has_come = |when: &Option<When>| {
            when.as_ref()
                .is_some_and(|when| shifts.has_come(when, now_ms))
        };
        for (name, alarm) in &mut self.by_name {
            if !alarm.has_rung && has_come(&alarm.details.rings) {
                alarm.has_rung = true;
                let reason = alarm.details.reason.clone();
                alarm.turn(
                    AlarmState::Alarm,
                    reason.as_deref().unwrap_or(CROSSED),
                    now_ms,
                );
                turned.push((name.clone(), AlarmState::Alarm));
            }
            if !alarm.has_calmed && has_come(&alarm.details.calms) {
                alarm.has_calmed = true;
                alarm.turn(AlarmState::Ok, SET, now_ms);
                turned.push((name.clone(), AlarmState::Ok));
            }
        }
        if !turned.is_empty() {
            turned.extend(self.settle(now_ms));
        }
        turned
    }

    /// Composites follow their children, and composites of composites those: no longer than there
    /// are alarms, whatever circles there are.
    fn settle(&mut self, now_ms: i64) -> Vec<(String, AlarmState)> {
        let mut turned = Vec::new();
        for _ in 0..self.by_name.len() {
            let changes: Vec<(String, AlarmState, Vec<String>)> = self
                .by_name
                .iter()
                .filter_map(|(name, alarm)| self.follows(name, alarm))
                .collect();
            if changes.is_empty() {
                break;
            }
            for (name, state, because_of) in changes {
                if let Some(alarm) = self.by_name.get_mut(&name) {
                    alarm.turn(state, &told(&because_of, state), now_ms);
                    alarm.because_of = because_of;
                }
                turned.push((name, state));
            }
        }
        turned
    }

    /// The state that a composite has to have, and does not.
    fn follows(&self, name: &str, alarm: &Alarm) -> Option<(String, AlarmState, Vec<String>)> {
        let rule = alarm.rule().filter(|_| !alarm.is_pinned)?;
        let state_of = |child: &str| {
            self.get(child)
                .map_or(AlarmState::InsufficientData, |child| child.state)
        };
        let state = if rule.holds(&state_of) {
            AlarmState::Alarm
        } else {
            AlarmState::Ok
        };
        let ringing = rule
            .children()
            .into_iter()
            .filter(|child| state_of(child) == AlarmState::Alarm)
            .map(ToOwned::to_owned);
        (alarm.state != state).then(|| (name.to_owned(), state, ringing.collect()))
    }
}

/// Why a composite turned.
fn told(because_of: &[String], state: AlarmState) -> String {
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
        Alarms::founded(&options, 0)
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
            (any.since_ms, any.reason.as_str(), any.because_of.as_slice()),
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
    fn an_alarm_rings_once_at_its_event_and_calms_at_another() {
        let details = AlarmDetails {
            calms: Some(When::Started(4.0)),
            ..AlarmDetails::rings(When::Started(2.0)).because("burning")
        };
        let mut alarms = alarms(&[("errors", details)]);
        let shifts = Shifts::new(0);
        assert_eq!(alarms.advance(&shifts, 1_999), []);
        assert_eq!(
            alarms.advance(&shifts, 2_000),
            [("errors".to_owned(), AlarmState::Alarm)]
        );
        assert_eq!(
            alarms
                .get("errors")
                .map(|alarm| (alarm.reason.as_str(), alarm.since_ms)),
            Some(("burning", 2_000))
        );
        alarms.set("errors", AlarmState::Ok, None, 2_500);
        assert_eq!(alarms.advance(&shifts, 3_000), []);
        assert_eq!(
            alarms.advance(&shifts, 4_000),
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
