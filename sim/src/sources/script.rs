//! Chooses the next scripted answer to a query.

use std::collections::BTreeMap;

use super::options::Reply;
use crate::event_time::TrafficHistory;

/// Where each question's lines stand: the line, and how often it was answered.
#[derive(Debug, Default)]
pub(super) struct Positions {
    by_question: BTreeMap<String, (usize, u64)>,
}

impl Positions {
    /// The line for a question that is asked now.
    pub(super) fn next(
        &mut self,
        question: &str,
        lines: &[Reply],
        history: &TrafficHistory,
        now_ms: i64,
    ) -> Option<Reply> {
        let (at, answered) = self.by_question.entry(question.to_owned()).or_default();
        let is_due = |line: &Reply| {
            line.when
                .as_ref()
                .is_some_and(|when| history.has_happened(when, now_ms))
        };
        let due = (*at + 1..lines.len())
            .rev()
            .find(|index| lines.get(*index).is_some_and(is_due));
        let is_used_up = lines.get(*at).is_some_and(|line| *answered >= line.times);
        let moves_on = is_used_up && lines.get(*at + 1).is_some_and(|next| next.when.is_none());
        match due {
            Some(index) => (*at, *answered) = (index, 0),
            None if moves_on => (*at, *answered) = (*at + 1, 0),
            None => {}
        }
        *answered += 1;
        // The very first line may wait for its event, too: until then there is nothing.
        lines
            .get(*at)
            .filter(|line| {
                line.when
                    .as_ref()
                    .is_none_or(|when| history.has_happened(when, now_ms))
            })
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::ReplyAnswer;
    use super::*;
    use crate::event_time::EventTime;

    fn values(lines: &[Reply], times: &[i64]) -> Vec<Option<f64>> {
        let mut positions = Positions::default();
        let answer = |line: Reply| match line.answer {
            ReplyAnswer::Value(value) => Some(value),
            _ => None,
        };
        times
            .iter()
            .map(|now_ms| {
                positions
                    .next("q", lines, &TrafficHistory::new(0), *now_ms)
                    .and_then(answer)
            })
            .collect()
    }

    fn reply(value: f64) -> Reply {
        Reply::new(ReplyAnswer::Value(value))
    }

    #[test]
    fn lines_are_answered_in_turn_and_the_last_again_and_again() {
        assert_eq!(
            values(&[reply(1.0).times(2), reply(2.0), reply(3.0)], &[0; 6]),
            [1.0, 1.0, 2.0, 3.0, 3.0, 3.0].map(Some)
        );
    }

    #[test]
    fn an_event_has_its_line_answered_at_once() {
        let lines = [
            reply(1.0).times(100),
            reply(9.0).starting_at(EventTime::Started(2.0)),
        ];
        assert_eq!(
            values(&lines, &[0, 1_999, 2_000, 2_001]),
            [1.0, 1.0, 9.0, 9.0].map(Some)
        );
        assert_eq!(
            values(
                &[reply(1.0), reply(9.0).starting_at(EventTime::Started(2.0))],
                &[0, 1, 2_000]
            ),
            [1.0, 1.0, 9.0].map(Some)
        );
    }

    #[test]
    fn before_its_event_a_first_line_is_nothing() {
        assert_eq!(
            values(
                &[reply(9.0).starting_at(EventTime::Started(2.0))],
                &[0, 2_000]
            ),
            [None, Some(9.0)]
        );
        assert_eq!(values(&[], &[0]), [None]);
    }
}
