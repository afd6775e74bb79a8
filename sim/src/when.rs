//! Events that options can wait for, and the history of weights that tells when they came. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An event, and how long after it. It comes once: what happens again later changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// So many seconds after the stage was started.
    Started(f64),
    /// A listener gives the side that is brought in at least this share.
    Shifted {
        /// The listener; `prod` unless set.
        #[serde(default = "production")]
        listener: String,
        /// The share, in percent; 0 is the first request of the shift.
        #[serde(default)]
        percent: f64,
        /// So many seconds later.
        #[serde(default)]
        seconds_later: f64,
    },
}

fn production() -> String {
    "prod".to_owned()
}

impl When {
    /// Green has at least this share of the traffic of the listener `prod`.
    pub fn shifted(percent: f64) -> Self {
        Self::Shifted {
            listener: production(),
            percent,
            seconds_later: 0.0,
        }
    }

    /// So many seconds after the first production traffic went to green.
    pub fn seconds_into_the_shift(seconds_later: f64) -> Self {
        Self::Shifted {
            listener: production(),
            percent: 0.0,
            seconds_later,
        }
    }
}

/// What a listener forwarded to from a time on.
#[derive(Debug, Clone, PartialEq)]
struct Shift {
    at_ms: i64,
    weights: Vec<(String, u32)>,
}

/// The weights of all listeners, since the stage was started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shifts {
    started_ms: i64,
    listeners: BTreeMap<String, Vec<Shift>>,
}

/// The two target groups behind a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// What had everything before the last shift began.
    pub(crate) blue: Option<String>,
    /// What was brought in last.
    pub(crate) green: Option<String>,
}

impl Shifts {
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
    pub(crate) fn note(&mut self, listener: &str, weights: &[(String, u32)], at_ms: i64) {
        let history = self.listeners.entry(listener.to_owned()).or_default();
        if history.last().is_none_or(|last| last.weights != weights) {
            history.push(Shift {
                at_ms,
                weights: weights.to_vec(),
            });
        }
    }

    /// When an event came, or comes if that is certain already.
    pub(crate) fn time_of(&self, when: &When) -> Option<i64> {
        match when {
            When::Started(seconds) => Some(self.started_ms + milliseconds(*seconds)),
            When::Shifted {
                listener,
                percent,
                seconds_later,
            } => {
                let history = self.listeners.get(listener)?;
                let reached = (1..history.len()).find(|index| {
                    share(history, *index).is_some_and(|share| share > 0.0 && share >= *percent)
                });
                Some(history.get(reached?)?.at_ms + milliseconds(*seconds_later))
            }
        }
    }

    /// Whether an event has come.
    pub(crate) fn has_come(&self, when: &When, now_ms: i64) -> bool {
        self.time_of(when).is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// The sides behind a listener. Before the first shift there is only blue.
    pub(crate) fn sides(&self, listener: &str) -> Sides {
        let Some(history) = self.listeners.get(listener) else {
            return Sides::default();
        };
        let index = (1..history.len())
            .rev()
            .find(|index| share(history, *index).is_some_and(|share| share > 0.0));
        let Some(index) = index else {
            return Sides {
                blue: history.last().and_then(whole),
                green: None,
            };
        };
        let blue = before(history, index);
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
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1_000.0) as i64
}

/// The group that has everything.
fn whole(shift: &Shift) -> Option<String> {
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
fn before(history: &[Shift], index: usize) -> Option<String> {
    history.get(..index)?.iter().rev().find_map(whole)
}

/// The share that is not blue's.
fn share(history: &[Shift], index: usize) -> Option<f64> {
    let (blue, shift) = (before(history, index)?, history.get(index)?);
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
    fn canary() -> Shifts {
        let mut shifts = Shifts::new(0);
        for (at_ms, blue, green) in [
            (1_000, 100, 0),
            (2_000, 90, 10),
            (2_500, 90, 10),
            (5_000, 0, 100),
        ] {
            shifts.note(
                "prod",
                &[("api-1".to_owned(), blue), ("api-2".to_owned(), green)],
                at_ms,
            );
        }
        shifts
    }

    fn sides(shifts: &Shifts) -> (Option<String>, Option<String>) {
        let Sides { blue, green } = shifts.sides("prod");
        (blue, green)
    }

    #[test]
    fn a_share_is_reached_once() {
        let shifts = canary();
        let table = [
            (When::shifted(0.0), Some(2_000)),
            (When::shifted(10.0), Some(2_000)),
            (When::shifted(50.0), Some(5_000)),
            (When::seconds_into_the_shift(1.5), Some(3_500)),
            (When::Started(0.5), Some(500)),
            (
                When::Shifted {
                    listener: "test".to_owned(),
                    percent: 0.0,
                    seconds_later: 0.0,
                },
                None,
            ),
        ];
        for (when, expected) in table {
            assert_eq!(shifts.time_of(&when), expected, "{when:?}");
        }
        assert!(
            shifts.has_come(&When::shifted(10.0), 2_000)
                && !shifts.has_come(&When::shifted(10.0), 1_999)
        );
    }

    #[test]
    fn sides_are_known_before_during_and_after_a_shift_and_after_a_way_back_from_a_canary() {
        let mut shifts = Shifts::new(0);
        let weights = |blue, green| [("api-1".to_owned(), blue), ("api-2".to_owned(), green)];
        shifts.note("prod", &weights(100, 0), 1);
        assert_eq!(sides(&shifts), (Some("api-1".to_owned()), None));
        let both = (Some("api-1".to_owned()), Some("api-2".to_owned()));
        for (blue, green) in [(90, 10), (100, 0)] {
            shifts.note("prod", &weights(blue, green), 2);
            assert_eq!(sides(&shifts), both);
        }
        assert_eq!(sides(&canary()), both);
    }

    #[test]
    fn it_reads_as_json() {
        let read = |text: &str| serde_json::from_str::<When>(text).unwrap();
        assert_eq!(read(r#"{"shifted":{"percent":10}}"#), When::shifted(10.0));
        assert_eq!(read(r#"{"started":2}"#), When::Started(2.0));
    }
}
