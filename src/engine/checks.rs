//! Which checks run, and when: at the gates, and alongside the rollout while it continues.

use std::collections::BTreeMap;
use std::time::Duration;

use super::monitor::RolloutMonitor;
use super::{Halt, run_step};
use crate::checks::moment::Moment;
use crate::checks::smoke::{Suite, Values};
use crate::error::Failure;
use crate::event::fact::GateFact;
use crate::event::{Step, TestUrl};
use crate::plan::{ChecksPlan, RolloutPlan};
use crate::run::Run;
use crate::secret::Secret;
use crate::steps::image::ResolvedImage;
use crate::steps::revision::Revision;
use crate::steps::rollout::{GateState, Interrupted, Rollout, TrafficSteps};
use crate::steps::{load, secrets, smoke, test_url, tester};

/// What checks need and what can be fetched before anything is changed.
pub(super) struct PreparedChecks {
    pub(super) secrets: BTreeMap<String, Secret>,
}

/// Fetches secrets, and the images of testers, so that what is wrong with them is known before
/// anything is changed.
pub(super) async fn prepare(run: &Run, checks: &ChecksPlan) -> Result<PreparedChecks, Failure> {
    let secrets = secrets::fetch(run, checks).await?;
    tester::prepare(run, checks).await?;
    Ok(PreparedChecks { secrets })
}

pub(super) struct Checks<'a> {
    run: &'a Run,
    asked: &'a ChecksPlan,
    plan: &'a RolloutPlan,
    values: Values,
    monitor: RolloutMonitor<'a>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(run: &'a Run, prepared: PreparedChecks, release: &Release<'a>) -> Self {
        let checks = release.checks;
        let values = Values {
            secrets: prepared.secrets,
            ..smoke::build_values(checks, release.image, release.revision)
        };
        let monitor = RolloutMonitor::new(run, release, values.clone());
        Self {
            run,
            asked: checks,
            plan: release.plan,
            values,
            monitor,
        }
    }

    /// Runs the checks of a moment at which no traffic moves: on green at its gate, on production
    /// after the shift.
    pub(super) async fn run_at(
        &self,
        moment: Moment,
        rollout: &mut Rollout<'_>,
    ) -> Result<(), Halt> {
        if rollout.serves_nothing() {
            return Ok(());
        }
        match moment {
            Moment::Green => {
                self.monitor.enter_if_measured(moment, rollout).await;
                self.check_test_url(rollout).await;
                self.run_tests_step(moment).await?;
                self.monitor.complete(moment, rollout).await
            }
            Moment::Step | Moment::Production | Moment::Bake => {
                self.monitor.note_traffic_change();
                self.monitor.watch_health(rollout).await;
                tokio::select! {
                    tested = self.run_tests_step(moment) => tested?,
                    failure = self.monitor.wait_for_failure(moment) => return Err(failure.into()),
                }
                self.monitor.complete(moment, rollout).await?;
                self.monitor.wait_for_final_verdict(rollout).await
            }
        }
    }

    /// Checks whether test-url leads to green: what is reported of the tests there depends on it.
    async fn check_test_url(&self, rollout: &Rollout<'_>) {
        if self.has_tests_at(Moment::Green) {
            test_url::check(
                self.run,
                self.asked,
                &self.plan.test_url,
                &rollout.green_target_groups().await,
            )
            .await;
        }
    }

    /// Called when traffic starts to go to green.
    pub(super) async fn begin_shift(&self, rollout: &mut Rollout<'_>) -> Result<(), Interrupted> {
        self.monitor.begin_shift(rollout).await
    }

    /// Runs the checks that must pass before the next share of traffic goes to green. `Passed` when
    /// the rollout continued without our answer meanwhile. Before the first share there is nothing
    /// to check.
    pub(super) async fn run_at_step(&self, rollout: &mut Rollout<'_>) -> Result<GateState, Halt> {
        if rollout.serves_nothing()
            || rollout
                .green_percent()
                .is_some_and(|percent| percent <= 0.0)
        {
            return Ok(GateState::NotPassed);
        }
        tokio::select! {
            passed = self.run_tests(Moment::Step) => passed?,
            failure = self.monitor.wait_for_failure(Moment::Step) => return Err(failure.into()),
        };
        self.monitor.wait_for_step_verdict(rollout).await
    }

    /// Runs the checks while other work continues; a check that fails ends both.
    pub(super) async fn run_alongside<T>(
        &self,
        moment: Moment,
        steps: Option<TrafficSteps>,
        work: impl Future<Output = Result<T, Interrupted>>,
    ) -> Result<T, Halt> {
        tokio::select! {
            biased;
            done = work => Ok(done?),
            failure = self.run_recurring_tests(moment, steps) => Err(failure.into()),
            failure = self.monitor.wait_for_failure(moment) => Err(failure.into()),
        }
    }

    /// Repeats the tests of a recurring moment: after every change of traffic, and at an interval
    /// during the bake. Completes only when one of them fails.
    async fn run_recurring_tests(
        &self,
        moment: Moment,
        mut steps: Option<TrafficSteps>,
    ) -> Failure {
        while self.has_tests_at(moment) {
            match (moment, &mut steps) {
                (Moment::Step, Some(steps)) => steps.next_step().await,
                (Moment::Bake, _) => tokio::time::sleep(self.bake_interval()).await,
                // A rollout that waits at its steps is tested there.
                (Moment::Step, None) | (Moment::Green | Moment::Production, _) => break,
            }
            if let Err(failure) = self.run_tests(moment).await {
                return failure;
            }
        }
        std::future::pending().await
    }

    /// The tests of a moment, where there are any, as a step of the log.
    async fn run_tests_step(&self, moment: Moment) -> Result<(), Failure> {
        if !self.has_tests_at(moment) {
            return Ok(());
        }
        let step = match moment {
            Moment::Green => Step::Gate,
            Moment::Step | Moment::Production | Moment::Bake => Step::Production,
        };
        let unproven = || match self.run.test_url() {
            Some(TestUrl::Unproven { why }) if moment == Moment::Green => Some(why),
            _ => None,
        };
        let result = |passed: &usize| match unproven() {
            Some(_) => format!("{passed} passed, not proven to have reached green"),
            None => format!("{passed} passed"),
        };
        run_step(self.run, step, self.run_tests(moment), result).await?;
        if let Some(why) = unproven() {
            self.run.emit(GateFact::NotProven { why });
        }
        Ok(())
    }

    /// The pause between two runs of the bake's tests.
    fn bake_interval(&self) -> Duration {
        self.asked
            .suite
            .as_ref()
            .map_or(Duration::MAX, Suite::bake_interval)
    }

    fn has_tests_at(&self, moment: Moment) -> bool {
        // Not every kind of rollout sets a count.
        let runs_none =
            self.plan.update.desired_count == Some(0) && self.plan.kind.desired_count().is_some();
        !runs_none && has_tests(self.asked, moment)
    }

    async fn run_tests(&self, moment: Moment) -> Result<usize, Failure> {
        let tests_passed = || test_url::note_tests_passed(self.run, &self.plan.test_url);
        run_tests(self.run, self.asked, moment, &self.values, tests_passed).await
    }
}

/// Whether anything is asked of a side at a moment.
pub(super) fn has_tests(checks: &ChecksPlan, moment: Moment) -> bool {
    (moment == Moment::Green && load::has_warm_ups(checks))
        || smoke::target_url(checks, moment).is_some()
        || tester::has_testers(checks, moment)
        || load::has_probes(checks, moment)
}

/// Warm-up, smoke tests, testers, load probes: what takes long comes last. How many passed.
/// `green_tests_passed` is called once green's smoke tests have.
pub(super) async fn run_tests(
    run: &Run,
    checks: &ChecksPlan,
    moment: Moment,
    values: &Values,
    green_tests_passed: impl FnOnce(),
) -> Result<usize, Failure> {
    if moment == Moment::Green {
        load::warm_up(run, checks, values).await?;
    }
    let tests = smoke::run_tests(run, checks, moment, values).await?;
    if moment == Moment::Green && tests > 0 {
        green_tests_passed();
    }
    let testers = tester::run_testers(run, checks, moment, values).await?;
    Ok(tests + testers + load::run_probes(run, checks, moment, values).await?)
}

/// What is released to production, for the names and values of its checks.
pub(super) struct Release<'a> {
    pub(super) checks: &'a ChecksPlan,
    pub(super) plan: &'a RolloutPlan,
    pub(super) revision: &'a Revision,
    /// The image, where this run has pushed or found one.
    pub(super) image: Option<&'a ResolvedImage>,
    /// Whether a person has answered after traffic had moved: an inconclusive analysis then does
    /// not ask again.
    pub(super) is_answered: bool,
}
