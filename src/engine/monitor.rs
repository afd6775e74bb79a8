//! Watches the rollout while users reach green: alarms every few seconds, and the analysis at its
//! own interval.
//!
//! A problem is only returned here; the caller rolls back, or waits for a person.
//!
//! One file, because alarms, the analysis and green's health are watched together and share the
//! times at which traffic changed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::checks::Release;
use super::{Halt, endings, run_step};
use crate::checks::analysis::{AnalysisResult, Judge, OnInconclusive, TrafficSchedule};
use crate::checks::measurement::Phase;
use crate::checks::moment::Moment;
use crate::checks::smoke::Values;
use crate::clock;
use crate::error::Failure;
use crate::event::{Event, Step};
use crate::observe::metric_sources::{MetricSources, SideRevision};
use crate::plan::{ChecksPlan, ROLLBACK_RESERVE, RolloutPlan};
use crate::run::Run;
use crate::steps::alarms::{ALARM_INTERVAL, AlarmWatch};
use crate::steps::analysis::{self, Analysis};
use crate::steps::green_health::GreenHealth;
use crate::steps::revision::Revision;
use crate::steps::rollout::{GateState, Interrupted, Rollout};

pub(super) struct RolloutMonitor<'a> {
    run: &'a Run,
    checks: &'a ChecksPlan,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    values: Values,
    /// Whether a person has answered after traffic had moved.
    is_answered: bool,
    alarms: tokio::sync::Mutex<AlarmSchedule<'a>>,
    analysis: OnceCell<Analysis<'a>>,
    /// Green's health, once it has all of production's traffic and blue is kept.
    health: OnceCell<GreenHealth<'a>>,
    times: Mutex<ShiftTimes>,
}

/// When traffic changed, in seconds of the epoch.
#[derive(Debug, Clone, Copy, Default)]
struct ShiftTimes {
    /// When the first traffic went to green.
    began: f64,
    /// When green's share changed last.
    changed: f64,
}

/// The alarms, and when they are read next.
struct AlarmSchedule<'a> {
    watch: AlarmWatch<'a>,
    next: Instant,
}

impl<'a> RolloutMonitor<'a> {
    pub(super) fn new(run: &'a Run, release: &Release<'a>, values: Values) -> Self {
        let &Release {
            checks,
            plan,
            revision,
            is_answered,
            ..
        } = release;
        let watch = AlarmWatch::new(run, plan.alarms.all_names(), &plan.alarms.initial);
        let alarms = tokio::sync::Mutex::new(AlarmSchedule {
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

    /// Called when traffic starts to go to green.
    pub(super) async fn begin_shift(&self, rollout: &mut Rollout<'_>) -> Result<(), Interrupted> {
        if !self.alarms.lock().await.watch.is_idle() {
            rollout.share_reads();
        }
        if self.checks.analysis.is_some() {
            rollout.wait_for_traffic().await?;
            self.update_times(|times| times.began = clock::epoch_seconds());
            self.note_traffic_change();
            self.enter(Moment::Step, rollout).await;
        }
        Ok(())
    }

    /// Completes only when something fails that no later gate leaves to a person.
    pub(super) async fn wait_for_failure(&self, moment: Moment) -> Failure {
        tokio::select! {
            failure = self.wait_for_alarm(moment) => failure,
            failure = self.wait_for_bad_analysis(moment) => failure,
            failure = self.wait_for_unhealthy(moment) => failure,
        }
    }

    /// Green has all of production's traffic from now on, and is watched as long as traffic can
    /// return to blue.
    pub(super) async fn watch_health(&self, rollout: &Rollout<'_>) {
        if rollout.keeps_blue() && !rollout.serves_nothing() {
            let create = async || {
                GreenHealth::new(
                    self.run,
                    self.plan,
                    self.revision,
                    rollout.serving_target_groups().await,
                )
            };
            self.health.get_or_init(create).await;
        }
    }

    /// Completes only when nothing of green can answer any more, or when its tasks stop again and
    /// again.
    async fn wait_for_unhealthy(&self, moment: Moment) -> Failure {
        match (moment, self.health.get()) {
            (Moment::Production | Moment::Bake, Some(health)) => health.watch().await,
            (Moment::Green | Moment::Step, _) | (_, None) => std::future::pending().await,
        }
    }

    /// Completes only when an alarm is in ALARM.
    pub(super) async fn wait_for_alarm(&self, moment: Moment) -> Failure {
        let mut looks = self.alarms.lock().await;
        while !looks.watch.is_idle() {
            tokio::time::sleep_until(looks.next).await;
            looks.next = Instant::now() + ALARM_INTERVAL;
            let look = looks.watch.look(moment).await;
            for measurement in look.measurements {
                self.run.emit(Event::Checked {
                    measurement: Box::new(measurement),
                });
            }
            if let Some(failure) = look.failure {
                return failure;
            }
        }
        std::future::pending().await
    }

    /// Completes only when the analysis fails.
    async fn wait_for_bad_analysis(&self, moment: Moment) -> Failure {
        let Some(analysis) = self.analysis.get() else {
            return std::future::pending().await;
        };
        let ended = analysis.wait_for_end().await;
        match analysis::to_failure(&ended) {
            // An inconclusive analysis waits at the next gate, which only a person passes.
            Some(_)
                if needs_person(&ended)
                    && moment != Moment::Bake
                    && self.plan.waits_after_shift() =>
            {
                std::future::pending().await
            }
            Some(failure) => note_missing_gate(failure, &ended),
            None => std::future::pending().await,
        }
    }

    /// Completes every measurement of a moment at which no traffic moves.
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
        run_step(
            self.run,
            Step::Analysis,
            self.hold_until(moment, analysis.complete(), rollout),
            |_| analysis.describe_findings(),
        )
        .await
        .map(drop)
    }

    /// Waits until green was evaluated under the traffic that it has now, before it gets more.
    pub(super) async fn wait_for_step_verdict(
        &self,
        rollout: &mut Rollout<'_>,
    ) -> Result<GateState, Halt> {
        let Some(analysis) = self.analysis.get() else {
            return Ok(GateState::NotPassed);
        };
        let gate = self
            .hold_until(
                Moment::Step,
                analysis.wait_for_verdict_since(self.times().changed),
                rollout,
            )
            .await?;
        self.note_traffic_change();
        Ok(gate)
    }

    /// Waits until green was evaluated under all of production's traffic, as long as traffic can
    /// return to blue.
    pub(super) async fn wait_for_final_verdict(
        &self,
        rollout: &mut Rollout<'_>,
    ) -> Result<(), Halt> {
        let Some(analysis) = self.enter(Moment::Step, rollout).await else {
            return Ok(());
        };
        let ShiftTimes { began, changed } = self.times();
        // Production's tests have used up some of the time for which blue is kept.
        let blue_kept_for = rollout
            .blue_kept_for()
            .saturating_sub(clock::elapsed_since(changed))
            .saturating_sub(ROLLBACK_RESERVE);
        let in_time = async {
            // When all traffic moves at once, checks that only measure the shift have no verdict
            // yet.
            let verdict = async {
                if let Some(ended) = analysis.wait_for_verdict_since(began).await {
                    return Some(ended);
                }
                analysis.enter(Moment::Bake);
                analysis.wait_for_verdict_since(changed).await
            };
            match tokio::time::timeout(blue_kept_for, verdict).await {
                Ok(ended) => ended,
                // What is still unknown now will not be known while blue is kept.
                Err(_) => analysis.finish(),
            }
        };
        let concluded = async {
            match self.hold_until(Moment::Bake, in_time, rollout).await? {
                GateState::NotPassed => Ok(()),
                // Blue is gone already: what is known by now is all that will be known.
                GateState::Passed => self.finish_analysis(),
            }
        };
        run_step(self.run, Step::Analysis, concluded, |()| {
            analysis.describe_findings()
        })
        .await
    }

    /// The result of the analysis so far, although nothing waits for more.
    fn finish_analysis(&self) -> Result<(), Halt> {
        let Some(ended) = self.analysis.get().and_then(Analysis::finish) else {
            return Ok(());
        };
        analysis::to_failure(&ended).map_or(Ok(()), |failure| {
            Err(note_missing_gate(failure, &ended).into())
        })
    }

    /// Starts the measurements of a moment, which are completed later.
    pub(super) async fn enter_if_measured(&self, moment: Moment, rollout: &Rollout<'_>) {
        if self.checks.measures(moment) {
            self.enter(moment, rollout).await;
        }
    }

    /// Measures while the rollout is held; `Passed` when the rollout continued by itself meanwhile.
    async fn hold_until(
        &self,
        moment: Moment,
        measured: impl Future<Output = Option<AnalysisResult>>,
        rollout: &mut Rollout<'_>,
    ) -> Result<GateState, Halt> {
        let ended = {
            let held = async {
                if rollout.keeps_blue() {
                    rollout.wait_while_held().await
                } else {
                    std::future::pending().await
                }
            };
            tokio::select! {
                biased;
                ended = measured => ended,
                failure = self.wait_for_alarm(moment), if moment != Moment::Green => return Err(failure.into()),
                failure = self.wait_for_unhealthy(moment) => return Err(failure.into()),
                held = held => {
                    held?;
                    return Ok(GateState::Passed);
                }
            }
        };
        match ended.and_then(|ended| analysis::to_failure(&ended).map(|failure| (ended, failure))) {
            None => Ok(GateState::NotPassed),
            Some((ended, _)) if needs_person(&ended) && self.is_held_by_gate(moment) => {
                Err(Halt::Waiting(endings::inconclusive_ending(
                    self.run,
                    rollout,
                    &analysis::describe_result(&ended),
                )))
            }
            Some((ended, failure)) => Err(note_missing_gate(failure, &ended).into()),
        }
    }

    /// Whether it is a gate that holds the rollout.
    fn is_held_by_gate(&self, moment: Moment) -> bool {
        match moment {
            Moment::Green | Moment::Step => true,
            Moment::Production | Moment::Bake => self.plan.waits_after_shift(),
        }
    }

    async fn enter(&self, moment: Moment, rollout: &Rollout<'_>) -> Option<&Analysis<'a>> {
        let asked = self.checks.analysis.as_ref()?;
        // A person has answered once, so an inconclusive result does not pause again.
        let asked = if self.is_answered {
            asked.clone().without_pauses()
        } else {
            asked.clone()
        };
        let created = self.analysis.get_or_init(async || {
            let green = SideRevision {
                revision: &self.revision.arn,
                definition: Some(&self.revision.definition),
            };
            let blue = SideRevision {
                revision: &self.plan.blue.revision,
                definition: None,
            };
            let blue = self.plan.kind.has_blue().then_some(blue);
            let shift = self
                .plan
                .traffic_schedule
                .as_ref()
                .map_or(Duration::ZERO, TrafficSchedule::shift_duration);
            let judge = Judge::new(&asked, rollout.sides().await, self.values.clone())
                .with_expected_looks(shift, self.plan.expected_duration);
            Analysis::new(
                self.run,
                MetricSources::new(self.run, &self.plan.place, blue, green),
                judge,
            )
        });
        let analysis = created.await;
        analysis.enter(moment);
        Some(analysis)
    }

    /// Called when green has a larger share of the traffic.
    pub(super) fn note_traffic_change(&self) {
        self.update_times(|times| times.changed = clock::epoch_seconds());
    }

    fn update_times(&self, change: impl FnOnce(&mut ShiftTimes)) {
        change(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn times(&self) -> ShiftTimes {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn needs_person(ended: &AnalysisResult) -> bool {
    ended.phase == Phase::Inconclusive && ended.on_inconclusive == OnInconclusive::Pause
}

fn note_missing_gate(failure: Failure, ended: &AnalysisResult) -> Failure {
    if needs_person(ended) {
        failure.with_cause("there is no gate here at which it could wait for a person")
    } else {
        failure
    }
}
