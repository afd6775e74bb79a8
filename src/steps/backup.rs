//! The backup of the database before its migration: a snapshot that RDS makes, named after the
//! workflow run, so that a run again finds it.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::migration::BackupState;
use super::task::OneOff;
use crate::aws::rds::DatabaseSnapshot;
use crate::aws::{AwsError, AwsErrorKind};
use crate::documents::backup::BackupRequest;
use crate::documents::run_task::describe_words;
use crate::duration::HumanDuration;
use crate::error::{Explain as _, Failure};
use crate::event::fact::MigrationFact;
use crate::event::{BackupProgress, DatabaseBackup, Event, Migration};
use crate::outcome::Reason;
use crate::plan::MigrationPlan;
use crate::poll_interval::PollInterval;
use crate::undo::{BackupUndo, Undo};

/// A snapshot that is older is not used again: what was written since would be missing in it, and ECS
/// does not show any more what ran meanwhile.
const MAX_AGE: Duration = Duration::from_hours(1);
/// How much of the digest of what is migrated is used.
const DIGEST_LENGTH: usize = 8;
/// RDS's code while an instance or cluster is changed, or backed up by itself.
const BUSY: [&str; 2] = ["InvalidDBInstanceState", "InvalidDBClusterStateFault"];
const EXISTS: [&str; 2] = [
    "DBSnapshotAlreadyExists",
    "DBClusterSnapshotAlreadyExistsFault",
];
const MISSING: [&str; 2] = ["DBInstanceNotFound", "DBClusterNotFoundFault"];
const TOO_MANY: [&str; 1] = ["SnapshotQuotaExceeded"];
/// The tag with the run that made a snapshot.
const RUN_TAG: &str = "ecs-bluegreen-action:run";
/// What serves when a backup fails.
const NOTHING_MIGRATED: &str = "the migration was not run, and nothing was rolled out";

/// A backup under way.
struct Backup<'b> {
    one_off: &'b OneOff<'b>,
    migration: &'b MigrationPlan,
    request: &'b BackupRequest,
    began: Instant,
}

impl OneOff<'_> {
    /// Whether the database has to be backed up before the migration. A snapshot that was made is
    /// not good any more where another migration was started since.
    pub async fn backup_state(
        &self,
        migration: &MigrationPlan,
        made: Option<&DatabaseSnapshot>,
    ) -> BackupState {
        let Some(snapshot) = made else {
            return match migration.backup {
                Some(_) => BackupState::Due,
                None => BackupState::Done,
            };
        };
        match snapshot.created_at {
            Some(at) if self.has_migrated_since(at).await => BackupState::Due,
            Some(_) | None => BackupState::Done,
        }
    }

    /// Makes the snapshot that the migration wants, or finds the one that this workflow run has made
    /// before, and waits until it can be restored from.
    ///
    /// # Errors
    /// There is none, or not in time. Nothing is migrated then.
    pub async fn back_up(
        &self,
        migration: &MigrationPlan,
        request: &BackupRequest,
    ) -> Result<DatabaseSnapshot, Failure> {
        let backup = Backup {
            one_off: self,
            migration,
            request,
            began: Instant::now(),
        };
        backup.make().await
    }
}

impl Backup<'_> {
    async fn make(&self) -> Result<DatabaseSnapshot, Failure> {
        let run = self.one_off.run;
        let existing = self.list().await.map_err(|error| self.failure(&error))?;
        let snapshot = match self.find_usable(existing).await {
            Some(found) => {
                self.arm(&found.id);
                run.emit(MigrationFact::BackupFound {
                    snapshot: found.id.clone(),
                    of: self.request.database.to_string(),
                });
                found
            }
            None => self.create().await?,
        };
        self.wait_until_available(snapshot).await
    }

    async fn list(&self) -> Result<Vec<DatabaseSnapshot>, AwsError> {
        self.one_off
            .run
            .aws
            .list_snapshots(&self.request.database)
            .await
    }

    /// The newest snapshot of this workflow run, whatever its attempt, that is young and before which
    /// nothing has changed the schema.
    async fn find_usable(&self, existing: Vec<DatabaseSnapshot>) -> Option<DatabaseSnapshot> {
        let (prefix, suffix) = (self.prefix(), self.digest());
        let is_ours = |snapshot: &DatabaseSnapshot| {
            snapshot.id.starts_with(&prefix) && snapshot.id.contains(&suffix)
        };
        let is_usable = |snapshot: &DatabaseSnapshot| {
            snapshot.is_being_made()
                || (snapshot.is_available()
                    && snapshot
                        .created_at
                        .is_some_and(|at| crate::clock::elapsed_since(at) < MAX_AGE))
        };
        let age = |snapshot: &DatabaseSnapshot| snapshot.created_at.unwrap_or(f64::MAX);
        let newest = existing
            .into_iter()
            .filter(|snapshot| is_ours(snapshot) && is_usable(snapshot))
            .max_by(|one, other| age(one).total_cmp(&age(other)))?;
        let has_migrated_since = match newest.created_at {
            Some(at) => self.one_off.has_migrated_since(at).await,
            None => false,
        };
        (!has_migrated_since).then_some(newest)
    }

    /// Begins a snapshot. While RDS is busy with the database that is tried again.
    async fn create(&self) -> Result<DatabaseSnapshot, Failure> {
        let run = self.one_off.run;
        let id = self.new_identifier();
        let armed = self.arm(&id);
        let tags = [(RUN_TAG, run.id.as_str())];
        let mut poll_interval = PollInterval::new(self.one_off.plan.host.poll);
        let mut may_exist = false;
        loop {
            let asked = run
                .aws
                .create_snapshot(&self.request.database, &id, &tags)
                .await;
            let error = match asked {
                Ok(made) => {
                    self.tell_begun(&id);
                    return Ok(made);
                }
                Err(error) => error,
            };
            if has_any_code(&error, &EXISTS) || error.may_have_landed() {
                may_exist = true;
                if let Some(made) = self.find(&id).await {
                    self.tell_begun(&id);
                    return Ok(made);
                }
            } else if !has_any_code(&error, &BUSY) {
                armed.disarm();
                return Err(self.failure(&error));
            }
            if self.began.elapsed() >= self.request.timeout {
                if !may_exist {
                    armed.disarm();
                }
                return Err(self.failure(&error));
            }
            run.emit_once(MigrationFact::BackupWaits {
                why: error.to_string().into(),
            });
            poll_interval.wait().await;
        }
    }

    fn tell_begun(&self, id: &str) {
        self.one_off.run.emit(MigrationFact::BackupStarted {
            snapshot: id.to_owned(),
            of: self.request.database.to_string(),
        });
        self.report(id, BackupProgress::Started);
    }

    async fn find(&self, id: &str) -> Option<DatabaseSnapshot> {
        let listed = self.list().await.unwrap_or_default();
        listed.into_iter().find(|snapshot| snapshot.id == id)
    }

    async fn wait_until_available(
        &self,
        begun: DatabaseSnapshot,
    ) -> Result<DatabaseSnapshot, Failure> {
        let mut poll_interval = PollInterval::new(self.one_off.plan.host.poll);
        let (id, mut last, mut seen) = (begun.id.clone(), None, Some(begun));
        loop {
            if let Some(snapshot) = seen {
                self.tell_progress(&snapshot, &mut last);
                if snapshot.is_available() {
                    self.report(&id, BackupProgress::Available);
                    return Ok(snapshot);
                }
                if !snapshot.is_being_made() {
                    return Err(self.ended_badly(&snapshot));
                }
            }
            if self.began.elapsed() >= self.request.timeout {
                return Err(self.timeout_failure(&id));
            }
            poll_interval.wait().await;
            seen = match self.list().await {
                Ok(listed) => listed.into_iter().find(|snapshot| snapshot.id == id),
                Err(error) if error.is_final() => return Err(self.failure(&error)),
                // Throttled, or an outage: the time that is left decides.
                Err(_) => {
                    poll_interval.slow_down();
                    None
                }
            };
        }
    }

    fn tell_progress(&self, snapshot: &DatabaseSnapshot, last: &mut Option<(String, Option<u8>)>) {
        let now = Some((snapshot.status.clone(), snapshot.percent));
        if *last == now {
            return;
        }
        self.one_off.run.emit(MigrationFact::BackupProgress {
            snapshot: snapshot.id.clone(),
            status: snapshot.status.as_str().into(),
            percent: snapshot.percent,
        });
        *last = now;
    }

    fn report(&self, id: &str, state: BackupProgress) {
        let backup = DatabaseBackup {
            of: self.request.database.to_string(),
            snapshot: id.to_owned(),
            state,
        };
        let command = describe_words(&self.migration.command).into();
        self.one_off.run.emit(Event::Migrated {
            migration: Migration::after_backup(command, backup),
        });
    }

    fn arm(&self, id: &str) -> crate::run::ArmedUndo<'_> {
        self.one_off.run.arm(Undo::Backup(BackupUndo {
            database: self.request.database.clone(),
            snapshot: id.to_owned(),
        }))
    }

    /// `ecs-bluegreen-4711-`: the workflow run, whatever its attempt.
    fn prefix(&self) -> String {
        let run = &self.one_off.run.id;
        let workflow = run.split('-').next().unwrap_or(run);
        let own = match workflow.parse::<u64>() {
            Ok(_) => workflow,
            // Runs by hand have no number.
            Err(_) => run,
        };
        format!("ecs-bluegreen-{own}-")
    }

    /// What is migrated: two jobs of one workflow run may migrate two services.
    fn digest(&self) -> String {
        let service = self.one_off.plan.host.service.as_ref();
        let subject = format!(
            "{} {} {}",
            self.one_off.plan.host.cluster,
            service.map(ToString::to_string).unwrap_or_default(),
            self.migration.command.join(" ")
        );
        let mut digest = format!("{:x}", Sha256::digest(subject));
        digest.truncate(DIGEST_LENGTH);
        format!("-{digest}")
    }

    /// `ecs-bluegreen-4711-1-3f786850-0a1b2c3d`, with the attempt, the job, and the try in it.
    fn new_identifier(&self) -> String {
        let (_, job) = self.one_off.run.id.split_once('-').unwrap_or_default();
        let id = format!("{}{job}{}", self.prefix(), self.digest());
        match self.one_off.attempt {
            1 => id,
            number => format!("{id}-{number}"),
        }
    }

    fn failure(&self, error: &AwsError) -> Failure {
        let reason = match error.kind {
            AwsErrorKind::Denied | AwsErrorKind::Credentials => error.reason(),
            _ => Reason::BackupFailed,
        };
        let failure = Failure::new(
            reason,
            format!("{} could not be backed up", self.request.database),
        )
        .with_cause(error.to_string());
        let remedy = error.hint().or_else(|| remedy(error));
        remedy
            .into_iter()
            .fold(failure, Failure::with_hint)
            .with_hint(NOTHING_MIGRATED)
    }

    fn ended_badly(&self, snapshot: &DatabaseSnapshot) -> Failure {
        let sentence = format!(
            "snapshot {} of {} is {}",
            snapshot.id, self.request.database, snapshot.status
        );
        Failure::new(Reason::BackupFailed, sentence)
            .with_hint("the events of the database in the RDS console say why")
            .with_hint(NOTHING_MIGRATED)
    }

    fn timeout_failure(&self, id: &str) -> Failure {
        let sentence = format!(
            "snapshot {id} of {} was not available after {}",
            self.request.database,
            HumanDuration(self.request.timeout)
        );
        Failure::new(Reason::BackupFailed, sentence)
            .with_hint("raise backup-timeout, or run this again once the snapshot is available: it is then used")
            .with_hint(NOTHING_MIGRATED)
    }
}

fn has_any_code(error: &AwsError, codes: &[&str]) -> bool {
    codes
        .iter()
        .any(|code| error.has_code(code) || error.code == code.trim_end_matches("Fault"))
}

fn remedy(error: &AwsError) -> Option<String> {
    if has_any_code(error, &MISSING) {
        return Some(
            "check its identifier and aws-region; clusters of Aurora are given as rds-cluster:CLUSTER"
                .to_owned(),
        );
    }
    has_any_code(error, &TOO_MANY).then(|| {
        "delete manual snapshots that nobody needs any more, or have the quota raised".to_owned()
    })
}
