//! PURE: when the next request goes out.
//!
//! In the open loop every request has a time at which it should be sent, and its latency counts
//! from there: a service that stalls does not get fewer requests, so every request that it should
//! have answered shows the stall (no "coordinated omission").

use std::time::Duration;

use tokio::time::Instant;

use super::form::Arrival;

/// Sent later than this although there was room: the runner is too slow, not the service.
const LATE_AFTER: Duration = Duration::from_millis(50);

/// The schedule of one load run.
#[derive(Debug)]
pub(super) struct Schedule {
    arrival: Arrival,
    begin: Instant,
    end: Instant,
    /// A request that could not be sent for this long is skipped.
    max_delay: Duration,
    /// Requests whose turn has come, sent or not.
    due_count: u64,
    /// When there was last no room for a request that was due.
    last_full: Option<Instant>,
    /// Requests that were sent late although there was room.
    pub(super) late_requests: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A request that should have been sent at this time.
    Send(Instant),
    /// One that could not be sent in time, and is counted as that.
    Skip(Instant),
    /// Nothing until then.
    WaitUntil(Instant),
    /// Nothing until an answer has come.
    WaitForAnswer,
    /// Nothing any more.
    Done,
}

impl Schedule {
    pub(super) fn new(
        arrival: Arrival,
        begin: Instant,
        duration: Duration,
        max_delay: Duration,
    ) -> Self {
        Self {
            arrival,
            begin,
            end: begin + duration,
            max_delay,
            due_count: 0,
            last_full: None,
            late_requests: 0,
        }
    }

    /// How many requests there will have been in the end, where that is known.
    pub(super) fn planned_requests(&self) -> Option<u64> {
        match self.arrival {
            Arrival::Closed { .. } => None,
            Arrival::Open { rate, .. } => Some(saturating_u64(
                (self.end - self.begin).as_nanos() * u128::from(rate) / NANOSECONDS,
            )),
        }
    }

    pub(super) fn next(&mut self, now: Instant, in_flight: usize) -> Next {
        match self.arrival {
            Arrival::Closed { .. } if now >= self.end => Next::Done,
            Arrival::Closed { concurrency } if in_flight >= concurrency => Next::WaitForAnswer,
            Arrival::Closed { .. } => Next::Send(now),
            Arrival::Open { rate, concurrency } => {
                self.next_open(now, in_flight, rate, concurrency)
            }
        }
    }

    fn next_open(&mut self, now: Instant, in_flight: usize, rate: u32, concurrency: usize) -> Next {
        let intended = self.begin
            + Duration::from_nanos(saturating_u64(
                u128::from(self.due_count) * NANOSECONDS / u128::from(rate),
            ));
        if intended >= self.end {
            return Next::Done;
        }
        if intended > now {
            return Next::WaitUntil(intended);
        }
        if now - intended > self.max_delay {
            self.due_count += 1;
            return Next::Skip(intended);
        }
        if in_flight >= concurrency {
            self.last_full = Some(now);
            return Next::WaitForAnswer;
        }
        let waited_for_room = self.last_full.is_some_and(|blocked| intended <= blocked);
        self.late_requests += u64::from(!waited_for_room && now - intended > LATE_AFTER);
        self.due_count += 1;
        Next::Send(intended)
    }
}

const NANOSECONDS: u128 = 1_000_000_000;

fn saturating_u64(number: u128) -> u64 {
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
        assert_eq!(schedule.next(begin, 2), Next::WaitForAnswer);
        assert_eq!(schedule.next(begin + SECOND, 0), Next::Done);
        assert_eq!(schedule.planned_requests(), None);
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
            (schedule.planned_requests(), schedule.next(begin, 0)),
            (Some(10), Next::Send(begin))
        );
        assert_eq!(
            schedule.next(begin, 1),
            Next::WaitUntil(begin + milliseconds(100))
        );
        assert_eq!(
            schedule.next(begin + milliseconds(210), 4),
            Next::Send(begin + milliseconds(100))
        );
        assert_eq!(
            schedule.next(begin + milliseconds(210), 5),
            Next::WaitForAnswer
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
            (10, Next::Done)
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
        assert_eq!(schedule.late_requests, 1);
        assert_eq!(
            schedule.next(begin + milliseconds(200), 1),
            Next::WaitForAnswer
        );
        assert_eq!(
            schedule.next(begin + milliseconds(450), 0),
            Next::Skip(begin + milliseconds(100))
        );
        assert_eq!(
            schedule.next(begin + milliseconds(450), 0),
            Next::Send(begin + milliseconds(200))
        );
        assert_eq!(schedule.late_requests, 1);
        assert_eq!(
            schedule.next(begin + milliseconds(450), 0),
            Next::Send(begin + milliseconds(300))
        );
        assert_eq!(schedule.late_requests, 2);
    }
}
