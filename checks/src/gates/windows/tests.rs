//! Tables over both changes of the clocks, and properties for any schedule.

use proptest::prelude::*;

use super::*;
use crate::gates::parse;
use crate::reader::DocumentResources;

fn windows(document: &str) -> Windows {
    let text = format!("windows: {document}");
    let parsed = parse(&text, "inline", DocumentResources::NONE.environment);
    parsed.unwrap().windows.unwrap()
}

/// The instant of a time in UTC, as `2026-03-29 01:00`.
fn utc(text: &str) -> i64 {
    let (date, time) = text.split_once(' ').unwrap();
    let date: Vec<i32> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let time: Vec<i64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    let month = time::Month::try_from(u8::try_from(date[1]).unwrap()).unwrap();
    let day = u8::try_from(date[2]).unwrap();
    let day = time::Date::from_calendar_date(date[0], month, day).unwrap();
    i64::from(day.to_julian_day() - 2_440_588) * DAY + time[0] * 3_600 + time[1] * 60
}

fn describe(windows: &Windows, at: &str) -> String {
    let named = |instant: Option<i64>| {
        instant.map_or("never".to_owned(), |instant| {
            windows.describe_instant(instant)
        })
    };
    match windows.state(utc(at)) {
        WindowState::Open { until } => format!("open until {}", named(until)),
        WindowState::Closed { freeze, opens } => {
            let frozen = freeze
                .map(|why| format!("frozen ({why}), "))
                .unwrap_or_default();
            format!("{frozen}closed, opens {}", named(opens))
        }
    }
}

#[test]
fn working_hours_of_berlin_open_an_hour_earlier_in_summer() {
    let hours =
        windows("{ time-zone: Europe/Berlin, open: { days: mon-fri, hours: 09:00-16:00 } }");
    let table = [
        // Friday and Monday around the clocks' change forward, on Sunday 2026-03-29.
        (
            "2026-03-27 07:59",
            "closed, opens Fri 2026-03-27 09:00 (Europe/Berlin)",
        ),
        (
            "2026-03-27 08:00",
            "open until Fri 2026-03-27 16:00 (Europe/Berlin)",
        ),
        (
            "2026-03-27 15:00",
            "closed, opens Mon 2026-03-30 09:00 (Europe/Berlin)",
        ),
        (
            "2026-03-30 06:59",
            "closed, opens Mon 2026-03-30 09:00 (Europe/Berlin)",
        ),
        (
            "2026-03-30 07:00",
            "open until Mon 2026-03-30 16:00 (Europe/Berlin)",
        ),
        // And around the change back, on Sunday 2026-10-25.
        (
            "2026-10-23 07:00",
            "open until Fri 2026-10-23 16:00 (Europe/Berlin)",
        ),
        (
            "2026-10-26 07:59",
            "closed, opens Mon 2026-10-26 09:00 (Europe/Berlin)",
        ),
        (
            "2026-10-26 08:00",
            "open until Mon 2026-10-26 16:00 (Europe/Berlin)",
        ),
    ];
    for (at, expected) in table {
        assert_eq!(describe(&hours, at), expected, "{at}");
    }
}

#[test]
fn a_window_in_the_hour_that_is_skipped_begins_after_it_and_in_the_one_that_is_repeated_twice() {
    let night = windows("{ time-zone: Europe/Berlin, open: { hours: 02:30-03:30 } }");
    let table = [
        // 02:00 is 03:00 at once: 01:00 UTC.
        (
            "2026-03-29 00:59",
            "closed, opens Sun 2026-03-29 03:00 (Europe/Berlin)",
        ),
        (
            "2026-03-29 01:00",
            "open until Sun 2026-03-29 03:30 (Europe/Berlin)",
        ),
        (
            "2026-03-29 01:30",
            "closed, opens Mon 2026-03-30 02:30 (Europe/Berlin)",
        ),
        // 03:00 is 02:00 again at 01:00 UTC.
        (
            "2026-10-25 00:29",
            "closed, opens Sun 2026-10-25 02:30 (Europe/Berlin)",
        ),
        (
            "2026-10-25 00:30",
            "open until Sun 2026-10-25 02:00 (Europe/Berlin)",
        ),
        (
            "2026-10-25 01:00",
            "closed, opens Sun 2026-10-25 02:30 (Europe/Berlin)",
        ),
        (
            "2026-10-25 01:30",
            "open until Sun 2026-10-25 03:30 (Europe/Berlin)",
        ),
    ];
    for (at, expected) in table {
        assert_eq!(describe(&night, at), expected, "{at}");
    }
    let skipped = windows("{ time-zone: Europe/Berlin, open: { days: sun, hours: 02:15-02:45 } }");
    assert_eq!(
        describe(&skipped, "2026-03-28 12:00"),
        "closed, opens Sun 2026-04-05 02:15 (Europe/Berlin)"
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let night = windows("{ time-zone: America/New_York, open: { days: fri, hours: 22:00-02:00 } }");
    let table = [
        (
            "2026-01-16 02:59",
            "closed, opens Fri 2026-01-16 22:00 (America/New_York)",
        ),
        (
            "2026-01-17 03:00",
            "open until Sat 2026-01-17 02:00 (America/New_York)",
        ),
        (
            "2026-01-17 06:59",
            "open until Sat 2026-01-17 02:00 (America/New_York)",
        ),
        (
            "2026-01-17 07:00",
            "closed, opens Fri 2026-01-23 22:00 (America/New_York)",
        ),
    ];
    for (at, expected) in table {
        assert_eq!(describe(&night, at), expected, "{at}");
    }
}

#[test]
fn a_freeze_is_from_a_day_to_the_end_of_another_and_windows_count_again_after_it() {
    let frozen = windows(
        "{ time-zone: Europe/Berlin, open: { days: mon-fri, hours: 09:00-16:00 }, freezes: [{ from: 2026-12-20, until: 2027-01-06, why: the holidays }, { from: '2026-07-01 12:00', until: '2026-07-01 14:30' }] }",
    );
    let table = [
        (
            "2026-12-18 14:00",
            "open until Fri 2026-12-18 16:00 (Europe/Berlin)",
        ),
        (
            "2026-12-24 10:00",
            "frozen (the holidays, until Thu 2027-01-07 00:00), closed, opens Thu 2027-01-07 09:00 (Europe/Berlin)",
        ),
        (
            "2026-07-01 09:59",
            "open until Wed 2026-07-01 12:00 (Europe/Berlin)",
        ),
        (
            "2026-07-01 10:00",
            "frozen (until Wed 2026-07-01 14:30), closed, opens Wed 2026-07-01 14:30 (Europe/Berlin)",
        ),
    ];
    for (at, expected) in table {
        assert_eq!(describe(&frozen, at), expected, "{at}");
    }
    let only = windows("{ freezes: { from: 2030-01-01, until: 2030-01-01 } }");
    assert_eq!(
        describe(&only, "2026-01-01 00:00"),
        "open until Tue 2030-01-01 00:00 (UTC)"
    );
    assert_eq!(describe(&only, "2031-01-01 00:00"), "open until never");
}

#[test]
fn windows_that_touch_are_one() {
    let all =
        windows("{ open: [{ days: mon, hours: 00:00-24:00 }, { days: tue, hours: 00:00-06:00 }] }");
    assert_eq!(
        describe(&all, "2026-01-12 12:00"),
        "open until Tue 2026-01-13 06:00 (UTC)"
    );
    let never_closed = windows("{ open: { hours: 00:00-24:00 } }");
    assert_eq!(
        describe(&never_closed, "2026-01-12 12:00"),
        "open until never"
    );
}

#[test]
fn a_zone_whose_clocks_change_by_half_an_hour_and_one_that_skips_a_day() {
    let lord_howe = windows("{ time-zone: Australia/Lord_Howe, open: { hours: 01:45-02:15 } }");
    // 02:00 is 01:30 again on 2026-04-05: 15:00 UTC of the day before.
    assert_eq!(
        describe(&lord_howe, "2026-04-04 14:50"),
        "open until Sun 2026-04-05 01:30 (Australia/Lord_Howe)"
    );
    let apia = windows("{ time-zone: Pacific/Apia, open: { days: fri } }");
    // Friday 2011-12-30 did not exist there.
    assert_eq!(
        describe(&apia, "2011-12-29 12:00"),
        "closed, opens Fri 2012-01-06 00:00 (Pacific/Apia)"
    );
}

prop_compose! {
    fn any_window()(days in any::<[bool; 7]>(), from in 0..96i64, until in 1..=96i64) -> Window {
        Window { days, from: from * 900, until: until * 900 }
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
    ])
    .prop_map(|name| Zone::find(name).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Nothing changes before the instant that is named, and something does then: looked at every
    /// quarter of an hour, because that is where the windows of this test begin and end.
    #[test]
    fn the_next_change_is_the_first_one(
        zone in any_zone(),
        open in prop::collection::vec(any_window(), 1..4),
        day in 20_450..20_830i64,
        quarter in 0..96i64,
        freeze in prop::option::of((0..40i64, 1..300i64)),
    ) {
        let instant = day * DAY + quarter * 900;
        let clock = zone.clock_at(instant);
        let freezes = freeze.map(|(from, length)| {
            let from = clock - 20 * 900 + from * 900;
            Freeze { from, until: from + length * 900, why: None }
        });
        let windows = Windows { zone, open, freezes: freezes.into_iter().collect() };
        let state = windows.is_open(instant);
        let looked = (1..=14 * 96).map(|step| instant + step * 900);
        let first = looked.clone().find(|at| windows.is_open(*at) != state);
        let named = windows.next_change(instant);
        match (first, named) {
            (Some(first), Some(named)) => {
                prop_assert_eq!(first, named);
                prop_assert_ne!(windows.is_open(named), state);
            }
            (None, named) => prop_assert!(named.is_none_or(|named| named > instant + 14 * DAY)),
            (Some(first), None) => prop_assert!(false, "a change at {} is not known", first),
        }
    }

    /// Every instant of any day can be asked for, in every zone.
    #[test]
    fn a_change_is_always_later_and_another_state(zone in any_zone(), window in any_window(), instant in -4_000_000_000..8_000_000_000i64) {
        let windows = Windows { zone, open: vec![window], freezes: Vec::new() };
        if let Some(next) = windows.next_change(instant) {
            prop_assert!(next > instant);
            prop_assert_ne!(windows.is_open(next), windows.is_open(instant));
        }
    }
}
