//! What is asked of green and of production, and when: at the gates, and beside the rollout while it goes on.

use std::time::Duration;

use super::{Halt, step};
use crate::checks::moment::Moment;
use crate::checks::smoke::Values;
use crate::error::Failure;
use crate::event::Step;
use crate::run::Run;
use crate::settings::Settings;
use crate::steps::rollout::{Interrupted, Rollout, Shares};
use crate::steps::smoke;

/// In the bake, production is tested so often.
const BAKE_TESTS: Duration = Duration::from_mins(1);

/// The checks of one run.
pub(super) struct Checks<'a> {
    run: &'a Run,
    settings: &'a Settings,
    values: Values,
}

impl<'a> Checks<'a> {
    pub(super) fn new(run: &'a Run, settings: &'a Settings, values: Values) -> Self {
        Self { run, settings, values }
    }

    /// What is owed at a moment at which nothing moves: on green at its gate, on production after the shift.
    pub(super) async fn at(&self, moment: Moment) -> Result<(), Halt> {
        Ok(self.tests(moment).await?)
    }

    /// What is owed before the next share of traffic goes to green. Before the first there is nothing to look at.
    pub(super) async fn at_step(&self, rollout: &Rollout<'_>) -> Result<(), Halt> {
        match rollout.on_green() {
            Some(percent) if percent <= 0.0 => Ok(()),
            Some(_) | None => Ok(self.smoke(Moment::Step).await.map(drop)?),
        }
    }

    /// Watches while something else goes on; what is found wrong ends both.
    pub(super) async fn beside<T>(
        &self,
        moment: Moment,
        steps: Option<Shares>,
        going: impl Future<Output = Result<T, Interrupted>>,
    ) -> Result<T, Halt> {
        tokio::select! {
            biased;
            went = going => Ok(went?),
            failure = self.tests_beside(moment, steps) => Err(failure.into()),
        }
    }

    /// The tests of a moment that recurs: at every change of traffic, and every minute of the bake. Ready only when one failed.
    async fn tests_beside(&self, moment: Moment, mut steps: Option<Shares>) -> Failure {
        while smoke::asked(self.settings, moment).is_some() {
            match (moment, &mut steps) {
                (Moment::Step, Some(steps)) => steps.next_step().await,
                (Moment::Bake, _) => tokio::time::sleep(BAKE_TESTS).await,
                // A rollout that waits at its steps is tested there.
                (Moment::Step, None) | (Moment::Green | Moment::Production, _) => break,
            }
            if let Err(failure) = self.smoke(moment).await {
                return failure;
            }
        }
        std::future::pending().await
    }

    /// The tests of a moment, where there are any, as a step of the log.
    async fn tests(&self, moment: Moment) -> Result<(), Failure> {
        if smoke::asked(self.settings, moment).is_none() {
            return Ok(());
        }
        let at = match moment {
            Moment::Green => Step::Gate,
            Moment::Step | Moment::Production | Moment::Bake => Step::Production,
        };
        step(self.run, at, self.smoke(moment), |passed| format!("{passed} passed")).await.map(drop)
    }

    async fn smoke(&self, moment: Moment) -> Result<usize, Failure> {
        smoke::smoke(self.run, self.settings, moment, &self.values).await
    }
}
