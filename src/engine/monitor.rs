//! What is watched while users reach green: alarms every few seconds, and the analysis at its own
//! rhythm.
//!
//! What is found wrong is an answer here, never an action: who calls takes the rollout back, or
//! waits for a person.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::checks::Brought;
use super::{Halt, deploy, step};
use crate::checks::analysis::{AnalysisResult, Judge, OnInconclusive, TrafficSchedule};
use crate::checks::measurement::Phase;
use crate::checks::moment::Moment;
use crate::checks::smoke::Values;
use crate::clock;
use crate::error::Failure;
use crate::event::{Event, Step};
use crate::observe::metric_sources::{Sources, Version};
use crate::plan::{ChecksPlan, RolloutPlan, SPARE};
use crate::run::Run;
use crate::steps::alarms::{AlarmWatch, EVERY};
use crate::steps::analysis::{self, Analysis};
use crate::steps::green_health::GreenHealth;
use crate::steps::revision::Revision;
use crate::steps::rollout::{GateState, Interrupted, Rollout};

/// The watch of one rollout.
pub(super) struct RolloutMonitor<'a> {
    run: &'a Run,
    checks: &'a ChecksPlan,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    values: Values,
    /// Whether a person has answered once traffic had moved.
    is_answered: bool,
    alarms: tokio::sync::Mutex<Looks<'a>>,
    analysis: OnceCell<Analysis<'a>>,
    /// Green's health, once it has all of production's traffic and blue is kept.
    health: OnceCell<GreenHealth<'a>>,
    times: Mutex<Times>,
}

/// When traffic changed, in seconds of the epoch.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// The first went to green.
    began: f64,
    /// Green's share changed last.
    changed: f64,
}

/// The alarms, and when they are looked at next.
struct Looks<'a> {
    watch: AlarmWatch<'a>,
    next: Instant,
}

impl<'a> RolloutMonitor<'a> {
    pub(super) fn new(run: &'a Run, brought: &Brought<'a>, values: Values) -> Self {
        let &Brought {
            checks,
            plan,
            revision,
            is_answered,
            ..
        } = brought;
        let watch = AlarmWatch::new(run, plan.alarms.all(), &plan.alarms.before);
        let alarms = tokio::sync::Mutex::new(Looks {
            watch,
            next: Instant::now(),
        });
        Self {
            run,
            checks,
            plan,
            revision,
            values,
            is_answered,
            alarms,
            analysis: OnceCell::new(),
            health: OnceCell::new(),
            times: Mutex::default(),
        }
    }

    /// Traffic goes to green from now on.
    pub(super) async fn begin(&self, rollout: &mut Rollout<'_>) -> Result<(), Interrupted> {
        if !self.alarms.lock().await.watch.is_idle() {
            rollout.share_reads();
        }
        if self.checks.analysis.is_some() {
            rollout.reach_traffic().await?;
            self.change(|times| times.began = clock::seconds());
            self.changes();
            self.enter(Moment::Step, rollout).await;
        }
        Ok(())
    }

    /// Ready only when something is wrong that no gate ahead leaves to a person.
    pub(super) async fn wrong(&self, moment: Moment) -> Failure {
        tokio::select! {
            failure = self.alarm(moment) => failure,
            failure = self.worse(moment) => failure,
            failure = self.unhealthy(moment) => failure,
        }
    }

    /// Green has all of production's traffic from now on, and is watched as long as blue can be
    /// brought back.
    pub(super) async fn watch_health(&self, rollout: &Rollout<'_>) {
        if rollout.keeps_blue() && !rollout.serves_nothing() {
            let made = async || {
                GreenHealth::new(
                    self.run,
                    self.plan,
                    self.revision,
                    rollout.serving_groups().await,
                )
            };
            self.health.get_or_init(made).await;
        }
    }

    /// Ready only when nothing of green can answer any more, or when its tasks stop again and
    /// again.
    async fn unhealthy(&self, moment: Moment) -> Failure {
        match (moment, self.health.get()) {
            (Moment::Production | Moment::Bake, Some(health)) => health.watch().await,
            (Moment::Green | Moment::Step, _) | (_, None) => std::future::pending().await,
        }
    }

    /// Ready only when an alarm rings.
    pub(super) async fn alarm(&self, moment: Moment) -> Failure {
        let mut looks = self.alarms.lock().await;
        while !looks.watch.is_idle() {
            tokio::time::sleep_until(looks.next).await;
            looks.next = Instant::now() + EVERY;
            let look = looks.watch.look(moment).await;
            for measurement in look.measurements {
                self.run.tell(Event::Checked {
                    measurement: Box::new(measurement),
                });
            }
            if let Some(failure) = look.failure {
                return failure;
            }
        }
        std::future::pending().await
    }

    /// Ready only when the analysis ended badly.
    async fn worse(&self, moment: Moment) -> Failure {
        let Some(analysis) = self.analysis.get() else {
            return std::future::pending().await;
        };
        let ended = analysis.ended().await;
        match analysis::failure(&ended) {
            // It waits at the next gate, which is not passed without a person.
            Some(_)
                if asks(&ended) && moment != Moment::Bake && self.plan.waits_after_the_shift() =>
            {
                std::future::pending().await
            }
            Some(failure) => with_gate(failure, &ended),
            None => std::future::pending().await,
        }
    }

    /// Everything that is measured at a moment at which nothing moves, to its end.
    pub(super) async fn complete(
        &self,
        moment: Moment,
        rollout: &mut Rollout<'_>,
    ) -> Result<(), Halt> {
        if !self.checks.measures(moment) {
            return Ok(());
        }
        let Some(analysis) = self.enter(moment, rollout).await else {
            return Ok(());
        };
        step(
            self.run,
            Step::Analysis,
            self.until(moment, analysis.complete(), rollout),
            |_| analysis.found(),
        )
        .await
        .map(drop)
    }

    /// Waits until the traffic that green has now was judged, before it gets more.
    pub(super) async fn settled(&self, rollout: &mut Rollout<'_>) -> Result<GateState, Halt> {
        let Some(analysis) = self.analysis.get() else {
            return Ok(GateState::NotPassed);
        };
        let past = self
            .until(
                Moment::Step,
                analysis.settled(self.times().changed),
                rollout,
            )
            .await?;
        self.changes();
        Ok(past)
    }

    /// Waits until all of production's traffic on green was judged, as long as blue can be brought
    /// back.
    pub(super) async fn concluded(&self, rollout: &mut Rollout<'_>) -> Result<(), Halt> {
        let Some(analysis) = self.enter(Moment::Step, rollout).await else {
            return Ok(());
        };
        let Times { began, changed } = self.times();
        // Production's tests have used up some of the time for which blue is kept.
        let stays = rollout
            .blue_stays()
            .saturating_sub(clock::since(changed))
            .saturating_sub(SPARE);
        let in_time = async {
            // Checks of the shift alone have not judged anything yet when all traffic went over at
            // once.
            let judged = async {
                if let Some(ended) = analysis.settled(began).await {
                    return Some(ended);
                }
                analysis.enter(Moment::Bake);
                analysis.settled(changed).await
            };
            match tokio::time::timeout(stays, judged).await {
                Ok(ended) => ended,
                // What was never known by now will not be known in time.
                Err(_) => analysis.finish(),
            }
        };
        let concluded = async {
            match self.until(Moment::Bake, in_time, rollout).await? {
                GateState::NotPassed => Ok(()),
                // Blue is gone already: what is known by now is all that will be known.
                GateState::Passed => self.finished(),
            }
        };
        step(self.run, Step::Analysis, concluded, |()| analysis.found()).await
    }

    /// What the analysis came to, although nobody waits for it any more.
    fn finished(&self) -> Result<(), Halt> {
        let Some(ended) = self.analysis.get().and_then(Analysis::finish) else {
            return Ok(());
        };
        analysis::failure(&ended).map_or(Ok(()), |failure| Err(with_gate(failure, &ended).into()))
    }

    /// A moment begins whose checks are completed later.
    pub(super) async fn meet(&self, moment: Moment, rollout: &Rollout<'_>) {
        if self.checks.measures(moment) {
            self.enter(moment, rollout).await;
        }
    }

    /// Measures while the rollout is held where it is; passed when it went on by itself.
    async fn until(
        &self,
        moment: Moment,
        measured: impl Future<Output = Option<AnalysisResult>>,
        rollout: &mut Rollout<'_>,
    ) -> Result<GateState, Halt> {
        let ended = {
            let held = async {
                if rollout.keeps_blue() {
                    rollout.held().await
                } else {
                    std::future::pending().await
                }
            };
            tokio::select! {
                biased;
                ended = measured => ended,
                failure = self.alarm(moment), if moment != Moment::Green => return Err(failure.into()),
                failure = self.unhealthy(moment) => return Err(failure.into()),
                held = held => {
                    held?;
                    return Ok(GateState::Passed);
                }
            }
        };
        match ended.and_then(|ended| analysis::failure(&ended).map(|failure| (ended, failure))) {
            None => Ok(GateState::NotPassed),
            Some((ended, _)) if asks(&ended) && self.stands_at_gate(moment) => Err(Halt::Waits(
                deploy::waiting_for_verdict(self.run, rollout, &analysis::sentence(&ended)),
            )),
            Some((ended, failure)) => Err(with_gate(failure, &ended).into()),
        }
    }

    /// Whether the rollout, while it is held, is so by a gate.
    fn stands_at_gate(&self, moment: Moment) -> bool {
        match moment {
            Moment::Green | Moment::Step => true,
            Moment::Production | Moment::Bake => self.plan.waits_after_the_shift(),
        }
    }

    async fn enter(&self, moment: Moment, rollout: &Rollout<'_>) -> Option<&Analysis<'a>> {
        let asked = self.checks.analysis.as_ref()?;
        // A person who answered has said already what becomes of an inconclusive one.
        let asked = if self.is_answered {
            asked.clone().answered()
        } else {
            asked.clone()
        };
        let made = self.analysis.get_or_init(async || {
            let green = Version {
                revision: &self.revision.arn,
                definition: Some(&self.revision.definition),
            };
            let blue = Version {
                revision: &self.plan.blue.revision,
                definition: None,
            };
            let blue = self.plan.kind.has_blue().then_some(blue);
            let shift = self
                .plan
                .course
                .as_ref()
                .map_or(Duration::ZERO, TrafficSchedule::shift);
            let judge = Judge::new(&asked, rollout.sides().await, self.values.clone())
                .expecting(shift, self.plan.lasts);
            Analysis::new(
                self.run,
                Sources::new(self.run, &self.plan.place, blue, green),
                judge,
            )
        });
        let analysis = made.await;
        analysis.enter(moment);
        Some(analysis)
    }

    /// Green has more of the traffic from now on.
    pub(super) fn changes(&self) {
        self.change(|times| times.changed = clock::seconds());
    }

    fn change(&self, change: impl FnOnce(&mut Times)) {
        change(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn times(&self) -> Times {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a person is to decide.
fn asks(ended: &AnalysisResult) -> bool {
    ended.phase == Phase::Inconclusive && ended.on_inconclusive == OnInconclusive::Pause
}

fn with_gate(failure: Failure, ended: &AnalysisResult) -> Failure {
    if asks(ended) {
        failure.caused_by("there is no gate here at which it could wait for a person")
    } else {
        failure
    }
}
