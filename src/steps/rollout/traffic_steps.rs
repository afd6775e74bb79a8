//! Green's share of production traffic as it changes, for checks that run at every step of it.

use tokio::sync::watch;

use crate::event::Progress;

/// The sending half: every look at the rollout sends the share that it showed.
pub(super) struct TrafficSource(watch::Sender<f64>);

/// Green's share of production traffic, in percent.
pub struct TrafficSteps(watch::Receiver<f64>);

impl TrafficSource {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0.0))
    }

    pub(super) fn record(&self, progress: &Progress) {
        if let Some(traffic) = progress.traffic {
            self.0.send_if_modified(|share| {
                let changed = (*share - traffic.green).abs() > f64::EPSILON;
                *share = traffic.green;
                changed
            });
        }
    }

    pub(super) fn subscribe(&self) -> TrafficSteps {
        TrafficSteps(self.0.subscribe())
    }
}

impl TrafficSteps {
    /// Waits until green has another share of the traffic than at the last call: some, and not all
    /// of it.
    pub async fn next_step(&mut self) {
        while self.0.changed().await.is_ok() {
            let share = *self.0.borrow_and_update();
            if share > 0.0 && share < 100.0 {
                return;
            }
        }
        // The rollout is not followed any more: there is no next step.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::Traffic;

    fn progress_with(green: f64) -> Progress {
        Progress {
            stage: "".into(),
            traffic: Some(Traffic {
                blue: 100.0 - green,
                green,
            }),
            tasks: None,
        }
    }

    #[tokio::test]
    async fn a_step_is_a_share_that_changed_and_is_neither_none_nor_all() {
        let source = TrafficSource::new();
        let mut steps = source.subscribe();
        source.record(&progress_with(10.0));
        steps.next_step().await;
        source.record(&progress_with(10.0));
        source.record(&progress_with(100.0));
        assert!(
            tokio::time::timeout(Duration::from_millis(20), steps.next_step())
                .await
                .is_err()
        );
    }
}
