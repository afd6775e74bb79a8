//! PURE: shifting traffic in shares is useless if nothing checks green meanwhile.

use super::RolloutPlan;
use crate::checks::moment::Moment;
use crate::checks::smoke::Suite;
use crate::choices::Follow;
use crate::settings::{CheckSettings, Settings};
use crate::survey::Snapshot;

/// The warning before the start if nothing checks green.
pub(super) fn find_warning(
    settings: &Settings,
    snapshot: &Snapshot,
    rollout: &RolloutPlan,
) -> Option<String> {
    let has_alarms = !settings.checks.alarms.watched.is_empty() || !snapshot.alarms.own.is_empty();
    let is_watched =
        has_alarms || settings.checks.analysis.is_some() || tests_steps(&settings.checks);
    (rollout.kind.is_stepwise() && !is_watched && settings.rollout.follow != Follow::LeaveToAws).then(|| {
        "no alarm, analysis or test watches green while traffic shifts: set alarms or analysis, or let a smoke test run `on: step`"
            .to_owned()
    })
}

fn tests_steps(checks: &CheckSettings) -> bool {
    let is_tested = |suite: &Suite| {
        let testers = suite
            .testers()
            .iter()
            .any(|tester| tester.on.contains(&Moment::Step));
        suite.count_tests(Moment::Step) > 0 || suite.loads(Moment::Step).next().is_some() || testers
    };
    checks.production_url.is_some() && checks.suite.as_ref().is_some_and(is_tested)
}
