//! PURE: when the next request goes out.
//!
//! In the open loop every request has a time at which it should be sent, and its latency counts
//! from there: a service that stalls is not asked less often for it, so the stall is seen by every
//! request that it should have answered ("coordinated omission").

use std::time::Duration;

use tokio::time::Instant;

use super::form::Arrival;

/// Sent later than this although there was room: the runner is too slow, not the service.
const TARDY: Duration = Duration::from_millis(50);

/// The order of one volley.
#[derive(Debug)]
pub(super) struct Schedule {
    arrival: Arrival,
    begin: Instant,
    end: Instant,
    /// A request that could not be sent for so long is not sent any more.
    patience: Duration,
    /// Requests whose turn has come, sent or not.
    taken: u64,
    /// When there was last no room for a request that was due.
    blocked: Option<Instant>,
    /// Requests that were sent late although there was room.
    pub(super) tardy: u64,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A request that should have been sent at this time.
    Send(Instant),
    /// One that could not be sent in time, and is counted as that.
    Miss(Instant),
    /// Nothing until then.
    At(Instant),
    /// Nothing until an answer has come.
    WhenOneReturns,
    /// Nothing any more.
    Never,
}

impl Schedule {
    pub(super) fn new(
        arrival: Arrival,
        begin: Instant,
        duration: Duration,
        patience: Duration,
    ) -> Self {
        Self {
            arrival,
            begin,
            end: begin + duration,
            patience,
            taken: 0,
            blocked: None,
            tardy: 0,
        }
    }

    /// How many requests there will have been in the end, where that is known.
    pub(super) fn planned(&self) -> Option<u64> {
        match self.arrival {
            Arrival::Closed { .. } => None,
            Arrival::Open { rate, .. } => Some(whole(
                (self.end - self.begin).as_nanos() * u128::from(rate) / NANOSECONDS,
            )),
        }
    }

    pub(super) fn next(&mut self, now: Instant, under_way: usize) -> Next {
        match self.arrival {
            Arrival::Closed { .. } if now >= self.end => Next::Never,
            Arrival::Closed { concurrency } if under_way >= concurrency => Next::WhenOneReturns,
            Arrival::Closed { .. } => Next::Send(now),
            Arrival::Open { rate, concurrency } => {
                self.next_open(now, under_way, rate, concurrency)
            }
        }
    }

    fn next_open(&mut self, now: Instant, under_way: usize, rate: u32, concurrency: usize) -> Next {
        let intended = self.begin
            + Duration::from_nanos(whole(
                u128::from(self.taken) * NANOSECONDS / u128::from(rate),
            ));
        if intended >= self.end {
            return Next::Never;
        }
        if intended > now {
            return Next::At(intended);
        }
        if now - intended > self.patience {
            self.taken += 1;
            return Next::Miss(intended);
        }
        if under_way >= concurrency {
            self.blocked = Some(now);
            return Next::WhenOneReturns;
        }
        let waited_for_room = self.blocked.is_some_and(|blocked| intended <= blocked);
        self.tardy += u64::from(!waited_for_room && now - intended > TARDY);
        self.taken += 1;
        Next::Send(intended)
    }
}

const NANOSECONDS: u128 = 1_000_000_000;

fn whole(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_closed_loop_sends_when_there_is_room_until_its_time_is_over() {
        let begin = Instant::now();
        let mut schedule = Schedule::new(Arrival::Closed { concurrency: 2 }, begin, SECOND, SECOND);
        assert_eq!(schedule.next(begin, 0), Next::Send(begin));
        assert_eq!(schedule.next(begin, 2), Next::WhenOneReturns);
        assert_eq!(schedule.next(begin + SECOND, 0), Next::Never);
        assert_eq!(schedule.planned(), None);
    }

    #[test]
    fn an_open_loop_sends_at_its_rate_whatever_is_under_way() {
        let begin = Instant::now();
        let mut schedule = Schedule::new(
            Arrival::Open {
                rate: 10,
                concurrency: 5,
            },
            begin,
            SECOND,
            SECOND,
        );
        assert_eq!(
            (schedule.planned(), schedule.next(begin, 0)),
            (Some(10), Next::Send(begin))
        );
        assert_eq!(schedule.next(begin, 1), Next::At(begin + milliseconds(100)));
        assert_eq!(
            schedule.next(begin + milliseconds(210), 4),
            Next::Send(begin + milliseconds(100))
        );
        assert_eq!(
            schedule.next(begin + milliseconds(210), 5),
            Next::WhenOneReturns
        );
        // Latency counts from when it should have been sent.
        assert_eq!(
            schedule.next(begin + milliseconds(400), 4),
            Next::Send(begin + milliseconds(200))
        );
        let mut sent = 3;
        while let Next::Send(_) = schedule.next(begin + milliseconds(999), 0) {
            sent += 1;
        }
        assert_eq!(
            (sent, schedule.next(begin + SECOND * 5, 0)),
            (10, Next::Never)
        );
    }

    #[test]
    fn what_cannot_be_sent_in_time_is_missed_and_the_runner_is_blamed_only_when_there_was_room() {
        let begin = Instant::now();
        let mut schedule = Schedule::new(
            Arrival::Open {
                rate: 10,
                concurrency: 1,
            },
            begin,
            SECOND,
            milliseconds(300),
        );
        assert_eq!(
            schedule.next(begin + milliseconds(150), 0),
            Next::Send(begin)
        );
        assert_eq!(schedule.tardy, 1);
        assert_eq!(
            schedule.next(begin + milliseconds(200), 1),
            Next::WhenOneReturns
        );
        assert_eq!(
            schedule.next(begin + milliseconds(450), 0),
            Next::Miss(begin + milliseconds(100))
        );
        assert_eq!(
            schedule.next(begin + milliseconds(450), 0),
            Next::Send(begin + milliseconds(200))
        );
        assert_eq!(schedule.tardy, 1);
        assert_eq!(
            schedule.next(begin + milliseconds(450), 0),
            Next::Send(begin + milliseconds(300))
        );
        assert_eq!(schedule.tardy, 2);
    }
}
