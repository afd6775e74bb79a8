//! PURE: whether deployments are allowed at an instant, and when that changes next.
//!
//! A window and a freeze hold for what the clocks of the zone show. Where clocks go back, the
//! hour that they show twice is within a window twice; where they go forward, a window that begins
//! in the hour that they skip begins right after it.

use std::collections::BTreeSet;

use super::zone::Zone;

/// Seconds of a day without a change of the clocks.
const DAY: i64 = 86_400;
/// A week has every window; one of them may be skipped by a change of the clocks.
const DAYS_AHEAD: i64 = 16;
/// Names of weekdays, Monday first.
pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When deployments are allowed.
#[derive(Debug, Clone)]
pub struct Windows {
    pub(super) zone: Zone,
    /// Any of them; all the time when there are none.
    pub(super) open: Vec<Window>,
    /// None of them.
    pub(super) freezes: Vec<Freeze>,
}

/// Hours of weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// By weekday, Monday first.
    pub(super) days: [bool; 7],
    /// Seconds since midnight.
    pub(super) from: i64,
    /// Seconds since midnight, exclusive; not after `from` when the window ends on the next day.
    pub(super) until: i64,
}

/// A time in which nothing is deployed, by the clocks of the zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Freeze {
    /// Seconds since 1970-01-01 00:00 of the clocks.
    pub(super) from: i64,
    /// The same, exclusive.
    pub(super) until: i64,
    /// Why, in the user's words.
    pub(super) why: Option<String>,
}

/// Whether deployments are allowed at an instant. Instants are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowState {
    /// They are.
    Open {
        /// Until when; none when nothing that is written ends it.
        until: Option<i64>,
    },
    /// They are not.
    Closed {
        /// The freeze, in the user's words; none outside of one.
        freeze: Option<String>,
        /// From when on they are; none when nothing that is written opens it.
        opens: Option<i64>,
    },
}

impl Windows {
    /// The state at an instant.
    pub fn state(&self, instant: i64) -> WindowState {
        if self.is_open(instant) {
            WindowState::Open {
                until: self.next_change(instant),
            }
        } else {
            WindowState::Closed {
                freeze: self.freeze_at(instant).map(Freeze::describe),
                opens: self.next_change(instant),
            }
        }
    }

    /// An instant as people in the zone write it: `Mon 2026-03-30 09:00 (Europe/Berlin)`.
    pub fn describe_instant(&self, instant: i64) -> String {
        format!(
            "{} ({})",
            format_clock(self.zone.clock_at(instant)),
            self.zone
        )
    }

    fn is_open(&self, instant: i64) -> bool {
        let clock = self.zone.clock_at(instant);
        let in_window = self.open.is_empty() || self.open.iter().any(|window| window.has(clock));
        in_window && self.freeze_at(instant).is_none()
    }

    fn freeze_at(&self, instant: i64) -> Option<&Freeze> {
        let clock = self.zone.clock_at(instant);
        self.freezes
            .iter()
            .find(|freeze| (freeze.from..freeze.until).contains(&clock))
    }

    /// The first instant after this one at which the state is another.
    fn next_change(&self, instant: i64) -> Option<i64> {
        let now = self.is_open(instant);
        self.boundaries(instant)
            .range(instant + 1..)
            .copied()
            .find(|boundary| self.is_open(*boundary) != now)
    }

    /// Every instant at which the state may change: in the days after this one, and around the
    /// begin and the end of every freeze, because a schedule repeats every week.
    fn boundaries(&self, instant: i64) -> BTreeSet<i64> {
        let clock = self.zone.clock_at(instant);
        let ends = self
            .freezes
            .iter()
            .flat_map(|freeze| [freeze.from, freeze.until])
            .filter(|end| *end > clock - DAY);
        let mut found = BTreeSet::new();
        let mut days: BTreeSet<i64> = days_from(clock).collect();
        for end in ends {
            self.add_instants(end, &mut found);
            days.extend(days_from(end));
        }
        for day in days {
            let midnight = day * DAY;
            for window in &self.open {
                self.add_instants(midnight + window.from, &mut found);
                self.add_instants(midnight + window.until, &mut found);
            }
            found.extend(self.clock_change(midnight));
        }
        found
    }

    /// The instants at which the clocks show this time: none when they skip it, two when they show
    /// it twice.
    fn add_instants(&self, clock: i64, found: &mut BTreeSet<i64>) {
        for near in [clock - DAY, clock + DAY] {
            let instant = clock - self.zone.offset_at(near);
            if self.zone.clock_at(instant) == clock {
                found.insert(instant);
            }
        }
    }

    /// The instant at which the clocks are changed on a day, found by halving.
    fn clock_change(&self, midnight: i64) -> Option<i64> {
        let (mut before, mut after) = (midnight - DAY, midnight + DAY);
        let offset = self.zone.offset_at(before);
        if self.zone.offset_at(after) == offset {
            return None;
        }
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.zone.offset_at(middle) == offset {
                before = middle;
            } else {
                after = middle;
            }
        }
        Some(after)
    }
}

impl Window {
    fn has(&self, clock: i64) -> bool {
        let (day, second) = (clock.div_euclid(DAY), clock.rem_euclid(DAY));
        if self.from < self.until {
            return self.is_on(day) && (self.from..self.until).contains(&second);
        }
        (self.is_on(day) && second >= self.from) || (self.is_on(day - 1) && second < self.until)
    }

    fn is_on(&self, day: i64) -> bool {
        self.days[weekday(day)]
    }
}

impl Freeze {
    fn describe(&self) -> String {
        let until = format_clock(self.until);
        match &self.why {
            Some(why) => format!("{why}, until {until}"),
            None => format!("until {until}"),
        }
    }
}

/// The days around a time of the clocks.
fn days_from(clock: i64) -> impl Iterator<Item = i64> {
    let day = clock.div_euclid(DAY);
    day - 1..=day + DAYS_AHEAD
}

/// 1970-01-01 was a Thursday.
fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default()
}

/// `Mon 2026-03-30 09:00`, with seconds where there are any.
fn format_clock(clock: i64) -> String {
    let Ok(shown) = time::OffsetDateTime::from_unix_timestamp(clock) else {
        return "a time far away".to_owned();
    };
    let (date, time) = (shown.date(), shown.time());
    let name = WEEKDAYS[weekday(clock.div_euclid(DAY))];
    let (first, rest) = name.split_at(1);
    let seconds = match time.second() {
        0 => String::new(),
        second => format!(":{second:02}"),
    };
    format!(
        "{}{rest} {date} {:02}:{:02}{seconds}",
        first.to_uppercase(),
        time.hour(),
        time.minute()
    )
}

#[cfg(test)]
mod tests;
