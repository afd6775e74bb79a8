//! Hours, weekdays and dates: how windows and freezes are written.

use time::{Date, Month};

use crate::document::Node;
use crate::form::{FromNode, OneOrMore, Spanned};
use crate::reader::{Reader, suggest_choices};
use crate::{document_form, document_schema};

use super::OneLineName;
use crate::gates::windows::{Freeze, WEEKDAYS, Window, Windows};
use crate::gates::zone::Zone;

/// Seconds of an hour, a minute and a day.
const HOUR: i64 = 3_600;
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
/// The Julian day of 1970-01-01.
const EPOCH: i32 = 2_440_588;
/// More windows or freezes than this are a mistake.
const MAX_ITEMS: usize = 100;

document_form! {
    /// When deployments are allowed: in any of the windows, and in none of the freezes.
    #[schemars(rename = "Windows")]
    pub(super) struct WindowsForm: "`windows`" {
        /// The time zone by its name in the IANA database, such as `Europe/Berlin`; UTC when
        /// absent.
        time_zone: Option<Zone>,
        /// Hours of weekdays; all the time when absent.
        open: Option<Some100<Window>>,
        /// Times in which nothing is deployed.
        freezes: Option<Some100<Freeze>>,
    }
}

impl From<WindowsForm> for Windows {
    fn from(form: WindowsForm) -> Self {
        Self {
            zone: form.time_zone.unwrap_or_else(Zone::utc),
            open: form.open.map(|windows| windows.0).unwrap_or_default(),
            freezes: form.freezes.map(|freezes| freezes.0).unwrap_or_default(),
        }
    }
}

impl FromNode for Zone {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let name = reader.text(node, what)?;
        match Self::find(name.trim()) {
            Ok(zone) => Some(zone),
            Err(similar) => {
                let remedy = similar.map_or_else(
                    || "Write a name such as `Europe/Berlin` or `UTC`".to_owned(),
                    |similar| format!("Did you mean `{similar}`?"),
                );
                reader.refuse(
                    node.place,
                    format!("{what}: there is no time zone `{name}`"),
                    remedy,
                )
            }
        }
    }
}

document_schema!(Zone as String);

/// One to a hundred of them.
#[derive(Debug, Clone)]
pub(super) struct Some100<T>(Vec<T>);

impl<T: FromNode> FromNode for Some100<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if node.one_or_more().len() > MAX_ITEMS {
            return reader.refuse(
                node.place,
                format!("{what} has more than {MAX_ITEMS} items"),
                "Write fewer, such as one for several weekdays",
            );
        }
        OneOrMore::from_node(reader, node, what).map(|items| Self(items.0))
    }

    fn has_shape(content: &crate::document::Content) -> bool {
        OneOrMore::<T>::has_shape(content)
    }
}

document_form! {
    /// Hours of weekdays.
    #[schemars(rename = "Window")]
    struct WindowForm: "an item of `open`" {
        /// Weekdays such as `mon-fri`, or a list of them; every day when absent. A window over
        /// midnight belongs to the day on which it begins.
        days: Option<OneOrMore<Weekdays>>,
        /// Hours such as `09:00-16:00`; the whole day when absent.
        hours: Option<Hours>,
    }
}

impl FromNode for Window {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let form = WindowForm::from_node(reader, node, what)?;
        let mut days = [form.days.is_none(); 7];
        for written in form.days.iter().flat_map(|days| days.iter()) {
            for (day, is_named) in days.iter_mut().zip(written.0) {
                *day |= is_named;
            }
        }
        let hours = form.hours.unwrap_or(Hours(0, DAY));
        Some(Self {
            days,
            from: hours.0,
            until: hours.1,
        })
    }

    fn has_shape(content: &crate::document::Content) -> bool {
        WindowForm::has_shape(content)
    }
}

document_schema!(Window as WindowForm);

/// A weekday, or a range of them; over the weekend too: `fri-mon`.
#[derive(Debug, Clone, Copy)]
struct Weekdays([bool; 7]);

impl FromNode for Weekdays {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?.to_lowercase();
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        let mut number = |name: &str| {
            let name = name.trim();
            let found = WEEKDAYS.iter().position(|day| *day == name);
            if found.is_none() {
                reader.report(
                    node.place,
                    format!("{what}: `{name}` is no weekday"),
                    suggest_choices(name, &WEEKDAYS),
                );
            }
            found
        };
        let (first, last) = (number(first), number(last));
        let (first, last) = (first?, last?);
        let mut days = [false; 7];
        for step in 0..=(last + 7 - first) % 7 {
            days[(first + step) % 7] = true;
        }
        Some(Self(days))
    }
}

document_schema!(Weekdays as String);

/// From a time of the day, inclusive, to another, exclusive.
#[derive(Debug, Clone, Copy)]
struct Hours(i64, i64);

impl FromNode for Hours {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let ends = text
            .split_once('-')
            .and_then(|(from, until)| Some((parse_time(from.trim())?, parse_time(until.trim())?)));
        match ends {
            Some((from, until)) if from != until && from < DAY => Some(Self(from, until)),
            Some(_) | None => reader.refuse(
                node.place,
                format!("{what}: `{text}` are no hours"),
                "Write hours such as `09:00-16:00`; `22:00-02:00` ends on the next day",
            ),
        }
    }
}

document_schema!(Hours as String);

document_form! {
    /// A time in which nothing is deployed.
    #[schemars(rename = "Freeze")]
    struct FreezeForm: "an item of `freezes`" {
        /// The first day, such as `2026-12-20`, or a time: `2026-12-20 18:00`.
        #[required("Write `from:` with the first day")]
        from: Spanned<LocalTime>,
        /// The last day, or the time of its end.
        #[required("Write `until:` with the last day")]
        until: Spanned<LocalTime>,
        /// Why, in words for the log.
        why: Option<OneLineName>,
    }
}

impl FromNode for Freeze {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let form = FreezeForm::from_node(reader, node, what)?;
        let until = form.until.value.end();
        if until <= form.from.value.begin() {
            return reader.refuse(
                form.until.place,
                "The freeze ends before it begins",
                "Write an `until` that is not before `from`",
            );
        }
        Some(Self {
            from: form.from.value.begin(),
            until,
            why: form.why.map(|why| why.0),
        })
    }

    fn has_shape(content: &crate::document::Content) -> bool {
        FreezeForm::has_shape(content)
    }
}

document_schema!(Freeze as FreezeForm);

/// A day, or a time of a day.
#[derive(Debug, Clone, Copy)]
struct LocalTime {
    day: i64,
    second: Option<i64>,
}

impl LocalTime {
    fn begin(self) -> i64 {
        self.day * DAY + self.second.unwrap_or_default()
    }

    /// A day is over at its end.
    fn end(self) -> i64 {
        self.day * DAY + self.second.unwrap_or(DAY)
    }
}

impl FromNode for LocalTime {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        parse_local_time(text.trim()).or_else(|| {
            reader.refuse(
                node.place,
                format!("{what}: `{text}` is no day"),
                "Write a day such as `2026-12-20`, or a time such as `2026-12-20 18:00`",
            )
        })
    }
}

document_schema!(LocalTime as String);

fn parse_local_time(text: &str) -> Option<LocalTime> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time.trim())),
        None => (text, None),
    };
    let second = match time {
        Some(time) => Some(parse_time(time)?),
        None => None,
    };
    Some(LocalTime {
        day: parse_date(date)?,
        second,
    })
}

/// Days since 1970-01-01.
fn parse_date(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some((date.to_julian_day() - EPOCH).into())
}

/// Seconds since midnight of `09:00`, `09:00:30` or `24:00`.
fn parse_time(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &str| -> Option<i64> {
        let is_number = text.len() == 2 && text.chars().all(|digit| digit.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (number(hour)?, number(minute)?, 0),
        [hour, minute, second] => (number(hour)?, number(minute)?, number(second)?),
        _ => return None,
    };
    let seconds = hour * HOUR + minute * MINUTE + second;
    (minute < 60 && second < 60 && seconds <= DAY).then_some(seconds)
}

#[cfg(test)]
mod schema {
    use super::Some100;
    use crate::form::{OneOrMore, generic_schema};

    generic_schema!(Some100 as OneOrMore<T>);
}
