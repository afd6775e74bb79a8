//! Green at its gate, for every kind of rollout: the test listener that leads to it, and its
//! targets' health.

use crate::aws::arn::target_group_name;
use crate::error::Failure;
use crate::event::Event;
use crate::identity::TargetGroupArn;
use crate::observe::traffic::read_forwards;
use crate::outcome::Reason;
use crate::poll_interval::PollInterval;
use crate::run::Run;

/// How often the rules are read: AWS reports that green waits after it switched test traffic, but a
/// read may be a few seconds older.
const TRIES: usize = 10;

/// Green, and the test listeners that should lead to it.
pub(super) struct TestTraffic<'g> {
    /// Its target groups' ARNs.
    pub(super) target_groups: Vec<TargetGroupArn>,
    /// The test listeners, or their rules.
    pub(super) test_listeners: &'g [String],
    /// Where to look when they lead elsewhere.
    pub(super) hint: &'static str,
}

impl TestTraffic<'_> {
    /// Makes sure that test traffic reaches it, as far as that can be read.
    pub(super) async fn verify(
        &self,
        run: &Run,
        interval: &mut PollInterval,
    ) -> Result<(), Failure> {
        for _ in 0..TRIES {
            if self.leads_to_green(run).await {
                self.report_health(run).await;
                return Ok(());
            }
            interval.wait().await;
        }
        Err(Failure::new(
            Reason::RolloutFailed,
            "the test listener does not lead to green, so green cannot be tested",
        )
        .with_hint(self.hint))
    }

    /// True where the rules cannot be read: that is reported once, and does not fail the
    /// deployment.
    async fn leads_to_green(&self, run: &Run) -> bool {
        for listener in self.test_listeners {
            let Some(forwards) = read_forwards(run, listener).await else {
                return true;
            };
            let to_green = |rule: &Vec<(TargetGroupArn, i32)>| {
                rule.iter()
                    .any(|(group, weight)| *weight > 0 && self.target_groups.contains(group))
            };
            if !forwards.is_empty() && !forwards.iter().any(to_green) {
                return false;
            }
        }
        true
    }

    async fn report_health(&self, run: &Run) {
        let Some(group) = self.target_groups.first() else {
            return;
        };
        let health = run.optional_read(
            "green's target health is not shown",
            run.aws.describe_target_health(group).await,
        );
        let health = health.map_or_else(
            || "health not read".to_owned(),
            |health| format!("{} of {} targets healthy", health.healthy, health.all),
        );
        run.emit(Event::GreenFound {
            place: target_group_name(group).to_owned(),
            health: health.into(),
        });
    }
}
