//! What every step of a run is given: AWS, the runner, the clock, the armed undos, and a way to
//! report what happened.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::aws::{Aws, AwsError, AwsErrorKind};
use crate::checks::moment::Moment;
use crate::clock::{Clock, to_milliseconds};
use crate::event::{
    self, Event, NamedCaller, ObservedBy, ObservedTraffic, Serving, Stamped, TestUrl,
};
use crate::identity::RevisionArn;
use crate::own_deployment::{OwnDeployment, SeenEnd};
use crate::registry::Tag;
use crate::runner::Runner;
use crate::secret::Secret;
use crate::tags::DeferredTags;
use crate::undo::{MigrationFate, Undo};

mod armed;

pub use armed::ArmedUndo;
use armed::ArmedUndos;

/// Receives events as they happen.
pub type EventObserver = Box<dyn Fn(&Stamped) + Send + Sync>;

/// Saves the armed undos where the next process finds them.
pub type StateStore = Box<dyn Fn(&[Undo]) + Send + Sync>;

/// Masks a secret in all output from now on.
pub type SecretMasker = Box<dyn Fn(&Secret) + Send + Sync>;

/// Where a run reports what happens.
pub struct Observers {
    /// Called for every event, with its time.
    pub observer: EventObserver,
    /// Called with all armed undos whenever one changes.
    pub state_store: StateStore,
    /// Called for every secret that is read during the run.
    pub secret_masker: SecretMasker,
}

/// A run in progress.
pub struct Run {
    /// The clients of AWS.
    pub aws: Aws,
    /// The workflow run and job, from the runner's environment.
    pub runner: Runner,
    /// `GITHUB_RUN_ID-GITHUB_RUN_ATTEMPT-` and eight random digits: marks what this run creates in
    /// AWS.
    pub id: String,
    clock: Clock,
    observer: EventObserver,
    secret_masker: SecretMasker,
    armed: ArmedUndos,
    reported: Mutex<BTreeSet<String>>,
    if_left_alone: Mutex<Option<String>>,
    deferred_tags: Mutex<Option<DeferredTags>>,
    test_url: Mutex<Option<TestUrl>>,
    migration_fate: Mutex<Option<MigrationFate>>,
    has_changed: AtomicBool,
    has_passed_gates: AtomicBool,
    failed_before: Mutex<BTreeSet<String>>,
    caller: OnceLock<Option<NamedCaller>>,
    last_serving: Mutex<Option<(RevisionArn, Serving)>>,
    own_deployment: Mutex<Option<OwnDeployment>>,
}

impl Run {
    /// A run that reports to these observers.
    pub fn new(aws: Aws, runner: Runner, clock: Clock, observers: Observers) -> Self {
        let id = format!("{}-{:08x}", runner.run_id, crate::clock::nonce() >> 32);
        Self {
            aws,
            runner,
            id,
            clock,
            observer: observers.observer,
            secret_masker: observers.secret_masker,
            armed: ArmedUndos::new(observers.state_store),
            reported: Mutex::default(),
            if_left_alone: Mutex::default(),
            deferred_tags: Mutex::default(),
            test_url: Mutex::default(),
            migration_fate: Mutex::default(),
            has_changed: AtomicBool::default(),
            has_passed_gates: AtomicBool::default(),
            failed_before: Mutex::default(),
            caller: OnceLock::new(),
            last_serving: Mutex::default(),
            own_deployment: Mutex::default(),
        }
    }

    /// Reports an event to the observers.
    pub fn emit(&self, event: impl Into<Event>) {
        let at_ms = to_milliseconds(self.clock.elapsed());
        let event = event.into();
        (self.observer)(&Stamped { at_ms, event });
    }

    /// Masks a secret that was read during the run, before anything about it is reported.
    pub fn mask_secret(&self, secret: &Secret) {
        (self.secret_masker)(secret);
    }

    /// Reports that a check is limited because a read failed, once for each check and action.
    pub fn limit_check(&self, check: &str, error: &AwsError) {
        let allow = if error.kind == AwsErrorKind::Denied {
            error.action
        } else {
            ""
        };
        let key = if allow.is_empty() { check } else { allow };
        if self
            .reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned())
        {
            self.emit(Event::Narrowed {
                check: check.into(),
                allow: allow.to_owned(),
                why: error.to_string().into(),
            });
        }
    }

    /// The answer of a read that only serves a check. Where the read was denied or failed there is
    /// none, and the check is reported as limited.
    pub fn optional_read<T>(&self, check: &str, read: Result<T, AwsError>) -> Option<T> {
        read.inspect_err(|error| self.limit_check(check, error))
            .ok()
    }

    /// Reports a note, once however often it is given.
    pub fn note_once(&self, sentence: String) {
        if self
            .reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sentence.clone())
        {
            self.emit(Event::Noted {
                sentence: sentence.into(),
            });
        }
    }

    /// Reports a fact, once however often it is found.
    pub fn emit_once(&self, fact: impl Into<Event>) {
        let event = fact.into();
        let key = format!("{event:?}");
        if self
            .reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key)
        {
            self.emit(event);
        }
    }

    /// Whether AWS has denied this action before; asking again would only cost requests.
    pub fn is_denied(&self, action: &str) -> bool {
        self.reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(action)
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Remembers what AWS would do by itself if the run ended now.
    pub fn set_if_left_alone(&self, what: String) {
        *self
            .if_left_alone
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// What AWS would do by itself, as far as a rollout was followed.
    pub fn if_left_alone(&self) -> Option<String> {
        self.if_left_alone
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reports where test-url leads, and remembers it for what is said of its tests.
    pub fn record_test_url(&self, test_url: TestUrl) {
        *self.test_url.lock().unwrap_or_else(PoisonError::into_inner) = Some(test_url.clone());
        self.emit(Event::TestUrlSeen { seen: test_url });
    }

    /// Where test-url leads; none before that was checked.
    pub fn test_url(&self) -> Option<TestUrl> {
        self.test_url
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Which side the checks of a moment reach, in words.
    pub fn describe_side(&self, moment: Moment) -> String {
        event::describe_target(moment, self.test_url().as_ref())
    }

    /// Leaves tags of the pushed image for the end of the run.
    pub fn defer_tags(&self, deferred: DeferredTags) {
        *self
            .deferred_tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(deferred);
    }

    /// The deferred tags that are still to be set.
    pub fn deferred_tags(&self) -> Option<DeferredTags> {
        self.deferred_tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|deferred| !deferred.tags.is_empty())
    }

    /// Notes that a tag names the image now.
    pub fn mark_tag_set(&self, tag: &Tag) {
        if let Some(deferred) = self
            .deferred_tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            deferred.tags.retain(|other| other != tag);
        }
        self.emit(Event::TagSet {
            tag: tag.as_str().to_owned(),
        });
    }

    /// Reports which side was observed to serve production, and by what.
    pub fn confirm_traffic(&self, revision: &RevisionArn, side: Serving, observed_by: ObservedBy) {
        *self
            .last_serving
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((revision.clone(), side));
        self.emit(Event::TrafficObserved(ObservedTraffic {
            revision: revision.clone(),
            side,
            observed_by,
        }));
    }

    /// Which revision was last observed to serve production, and on which side.
    pub fn last_serving(&self) -> Option<(RevisionArn, Serving)> {
        self.last_serving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes what became of the migration that was to be undone.
    pub fn set_migration_fate(&self, fate: MigrationFate) {
        *self
            .migration_fate
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(fate);
    }

    /// What became of the migration that was to be undone.
    pub fn migration_fate(&self) -> Option<MigrationFate> {
        self.migration_fate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The part of an undo's effect that stays, as it is now, in a sentence.
    pub fn permanent_effect(&self, undo: &Undo) -> Option<String> {
        undo.permanent_effect(self.migration_fate().as_ref())
    }

    /// Notes that the gates before the start are passed.
    pub fn mark_gates_passed(&self) {
        self.has_passed_gates.store(true, Ordering::Relaxed);
    }

    /// Whether the gates before the start are passed.
    pub fn has_passed_gates(&self) -> bool {
        self.has_passed_gates.load(Ordering::Relaxed)
    }

    /// Notes which smoke tests fail on blue already.
    pub fn set_failed_before(&self, tests: BTreeSet<String>) {
        *self
            .failed_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = tests;
    }

    /// Whether a smoke test has failed on blue before the start.
    pub fn has_failed_before(&self, test: &str) -> bool {
        self.failed_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(test)
    }

    /// Whether it was asked who calls AWS.
    pub fn is_caller_named(&self) -> bool {
        self.caller.get().is_some()
    }

    /// Reports who calls AWS the first time, and remembers it; none where AWS did not say.
    pub fn name_caller(&self, caller: Option<NamedCaller>) -> Option<&NamedCaller> {
        let named = self.caller.get_or_init(|| {
            if let Some(caller) = &caller {
                self.emit(Event::CallerNamed(caller.clone()));
            }
            caller
        });
        named.as_ref()
    }

    /// Remembers the deployment that this run has started or taken over.
    pub fn begin_deployment(&self, own: OwnDeployment) {
        *self
            .own_deployment
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(own);
    }

    /// Remembers that this deployment serves all of production, which was observed.
    pub fn end_deployment(&self) {
        if let Some(own) = self
            .own_deployment
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            own.end = SeenEnd::Seen;
        }
    }

    /// The deployment that this run has started or taken over, if any.
    pub fn own_deployment(&self) -> Option<OwnDeployment> {
        self.own_deployment
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that something in AWS is changed from now on.
    pub fn mark_changed(&self) {
        self.has_changed.store(true, Ordering::Relaxed);
    }

    /// Whether this run has changed anything, or was about to.
    pub fn has_changed(&self) -> bool {
        self.has_changed.load(Ordering::Relaxed)
    }

    /// Arms an undo; call this before the effect.
    pub fn arm(&self, undo: Undo) -> ArmedUndo<'_> {
        self.mark_changed();
        self.armed.arm(undo)
    }

    /// Removes an undo that has been carried out.
    pub fn disarm(&self, undo: &Undo) {
        self.armed.disarm(undo);
    }

    /// Disarms everything but temporary changes: the deployment stays, and only those are still to
    /// be restored.
    pub fn retain_temporary_undos(&self) {
        self.armed.retain_temporary();
    }

    /// The armed undos, newest last.
    pub fn armed_undos(&self) -> Vec<Undo> {
        self.armed.to_vec()
    }
}
