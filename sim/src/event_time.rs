//! Events that options can wait for, and the history of weights that determines when they came.
//! Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A point in time, relative to an event. Only the first occurrence of the event counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EventTime {
    /// So many seconds after the stage was started.
    Started(f64),
    /// A listener sends at least this share of its traffic to green.
    Shifted {
        /// The listener; `prod` unless set.
        #[serde(default = "default_listener")]
        listener: String,
        /// The share, in percent; 0 is the first request of the shift.
        #[serde(default)]
        percent: f64,
        /// Seconds after the event.
        #[serde(default)]
        seconds_later: f64,
    },
}

fn default_listener() -> String {
    "prod".to_owned()
}

impl EventTime {
    /// Green has at least this share of the traffic of the listener `prod`.
    pub fn traffic_reached(percent: f64) -> Self {
        Self::Shifted {
            listener: default_listener(),
            percent,
            seconds_later: 0.0,
        }
    }

    /// So many seconds after the first production traffic went to green.
    pub fn seconds_into_shift(seconds_later: f64) -> Self {
        Self::Shifted {
            listener: default_listener(),
            percent: 0.0,
            seconds_later,
        }
    }
}

/// What a listener forwarded to from a time on.
#[derive(Debug, Clone, PartialEq)]
struct WeightChange {
    at_ms: i64,
    weights: Vec<(String, u32)>,
}

/// The weights of all listeners, since the stage was started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrafficHistory {
    started_ms: i64,
    listeners: BTreeMap<String, Vec<WeightChange>>,
}

/// The two target groups behind a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// What had everything before the last shift began.
    pub(crate) blue: Option<String>,
    /// The target group that received traffic last.
    pub(crate) green: Option<String>,
}

impl TrafficHistory {
    pub(crate) const fn new(started_ms: i64) -> Self {
        Self {
            started_ms,
            listeners: BTreeMap::new(),
        }
    }

    pub(crate) const fn started_ms(&self) -> i64 {
        self.started_ms
    }

    /// A listener forwards to these from now on.
    pub(crate) fn record(&mut self, listener: &str, weights: &[(String, u32)], at_ms: i64) {
        let history = self.listeners.entry(listener.to_owned()).or_default();
        if history.last().is_none_or(|last| last.weights != weights) {
            history.push(WeightChange {
                at_ms,
                weights: weights.to_vec(),
            });
        }
    }

    /// When an event came, or comes if that is certain already.
    pub(crate) fn time_of(&self, when: &EventTime) -> Option<i64> {
        match when {
            EventTime::Started(seconds) => Some(self.started_ms + to_milliseconds(*seconds)),
            EventTime::Shifted {
                listener,
                percent,
                seconds_later,
            } => {
                let history = self.listeners.get(listener)?;
                let reached = (1..history.len()).find(|index| {
                    green_share(history, *index)
                        .is_some_and(|share| share > 0.0 && share >= *percent)
                });
                Some(history.get(reached?)?.at_ms + to_milliseconds(*seconds_later))
            }
        }
    }

    /// Whether an event has come.
    pub(crate) fn has_happened(&self, when: &EventTime, now_ms: i64) -> bool {
        self.time_of(when).is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// The sides behind a listener. Before the first shift there is only blue.
    pub(crate) fn sides(&self, listener: &str) -> Sides {
        let Some(history) = self.listeners.get(listener) else {
            return Sides::default();
        };
        let index = (1..history.len())
            .rev()
            .find(|index| green_share(history, *index).is_some_and(|share| share > 0.0));
        let Some(index) = index else {
            return Sides {
                blue: history.last().and_then(sole_group),
                green: None,
            };
        };
        let blue = blue_before(history, index);
        let green = history
            .get(index)
            .into_iter()
            .flat_map(|shift| &shift.weights)
            .find(|(name, weight)| *weight > 0 && Some(name) != blue.as_ref());
        Sides {
            green: green.map(|(name, _)| name.clone()),
            blue,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a story")]
fn to_milliseconds(seconds: f64) -> i64 {
    (seconds * 1_000.0) as i64
}

/// The group that has everything.
fn sole_group(shift: &WeightChange) -> Option<String> {
    match shift
        .weights
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [(only, _)] => Some(only.clone()),
        _ => None,
    }
}

/// The group that had everything last before a shift.
fn blue_before(history: &[WeightChange], index: usize) -> Option<String> {
    history.get(..index)?.iter().rev().find_map(sole_group)
}

/// The share that is not blue's.
fn green_share(history: &[WeightChange], index: usize) -> Option<f64> {
    let (blue, shift) = (blue_before(history, index)?, history.get(index)?);
    let total: u32 = shift.weights.iter().map(|(_, weight)| weight).sum();
    let others: u32 = shift
        .weights
        .iter()
        .filter(|(name, _)| *name != blue)
        .map(|(_, weight)| weight)
        .sum();
    (total > 0).then(|| f64::from(others) * 100.0 / f64::from(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A canary of 10 % at 2 s, everything at 5 s.
    fn canary() -> TrafficHistory {
        let mut shifts = TrafficHistory::new(0);
        for (at_ms, blue, green) in [
            (1_000, 100, 0),
            (2_000, 90, 10),
            (2_500, 90, 10),
            (5_000, 0, 100),
        ] {
            shifts.record(
                "prod",
                &[("api-1".to_owned(), blue), ("api-2".to_owned(), green)],
                at_ms,
            );
        }
        shifts
    }

    fn sides(history: &TrafficHistory) -> (Option<String>, Option<String>) {
        let Sides { blue, green } = history.sides("prod");
        (blue, green)
    }

    #[test]
    fn a_share_is_reached_once() {
        let history = canary();
        let table = [
            (EventTime::traffic_reached(0.0), Some(2_000)),
            (EventTime::traffic_reached(10.0), Some(2_000)),
            (EventTime::traffic_reached(50.0), Some(5_000)),
            (EventTime::seconds_into_shift(1.5), Some(3_500)),
            (EventTime::Started(0.5), Some(500)),
            (
                EventTime::Shifted {
                    listener: "test".to_owned(),
                    percent: 0.0,
                    seconds_later: 0.0,
                },
                None,
            ),
        ];
        for (when, expected) in table {
            assert_eq!(history.time_of(&when), expected, "{when:?}");
        }
        assert!(
            history.has_happened(&EventTime::traffic_reached(10.0), 2_000)
                && !history.has_happened(&EventTime::traffic_reached(10.0), 1_999)
        );
    }

    #[test]
    fn sides_are_known_before_during_and_after_a_shift_and_after_a_way_back_from_a_canary() {
        let mut shifts = TrafficHistory::new(0);
        let weights = |blue, green| [("api-1".to_owned(), blue), ("api-2".to_owned(), green)];
        shifts.record("prod", &weights(100, 0), 1);
        assert_eq!(sides(&shifts), (Some("api-1".to_owned()), None));
        let both = (Some("api-1".to_owned()), Some("api-2".to_owned()));
        for (blue, green) in [(90, 10), (100, 0)] {
            shifts.record("prod", &weights(blue, green), 2);
            assert_eq!(sides(&shifts), both);
        }
        assert_eq!(sides(&canary()), both);
    }

    #[test]
    fn it_reads_as_json() {
        let read = |text: &str| serde_json::from_str::<EventTime>(text).unwrap();
        assert_eq!(
            read(r#"{"shifted":{"percent":10}}"#),
            EventTime::traffic_reached(10.0)
        );
        assert_eq!(read(r#"{"started":2}"#), EventTime::Started(2.0));
    }
}
