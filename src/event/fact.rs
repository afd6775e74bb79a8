//! Facts that are shown as one sentence: data, by subject, together with the code that makes the
//! sentence.
//!
//! Free text from AWS or a person is an [`Event::Noted`] or [`Event::Warned`] instead.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration::HumanDuration;
use crate::event::Event;
use crate::text::Text;

mod aws;
mod cleanup;
mod drift;
mod gate;
mod hooks;
mod image;
mod migration;
mod one_off;
mod queue;
mod revision;
mod rollback;
mod scaling;
mod session;
mod tester;
mod undo;

pub use aws::{AwsFact, SoughtEffect};
pub use cleanup::CleanupFact;
pub use drift::DriftFact;
pub use gate::GateFact;
pub use hooks::{HooksFact, TagValue};
pub use image::{BlobMounting, ImageFact};
pub use migration::MigrationFact;
pub use one_off::OneOffFact;
pub use queue::QueueFact;
pub use revision::RevisionFact;
pub use rollback::RollbackFact;
pub use scaling::ScalingFact;
pub use session::{AssumedBy, SessionFact};
pub use tester::TesterFact;
pub use undo::{UndoFact, UndoneDeployment};

/// A fact, by its subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Fact {
    /// Other runs' deployments of the service, and what this run does about them.
    Queue(QueueFact),
    /// AWS does not accept or answer a request at once.
    Aws(AwsFact),
    /// `mode: rollback`: the revision that is rolled back to, and how.
    Rollback(RollbackFact),
    /// Revisions that stay, or that AWS changed.
    Revision(RevisionFact),
    /// Scale-in and the desired count during a rollout.
    Scaling(ScalingFact),
    /// The PAUSE hooks that this action sets on a service, and their tag.
    Hooks(HooksFact),
    /// The one-off task.
    OneOff(OneOffFact),
    /// The migration of the database.
    Migration(MigrationFact),
    /// The image, its repository and its scan.
    Image(ImageFact),
    /// Gates of a rollout that behave differently than expected.
    Gate(GateFact),
    /// How a rollout is undone.
    Undo(UndoFact),
    /// Testers on the runner.
    Tester(TesterFact),
    /// Sessions of the roles that are assumed.
    Session(SessionFact),
    /// The record of a deployment on its service.
    Drift(DriftFact),
    /// What a cleanup has done.
    Cleanup(CleanupFact),
}

/// How loud a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactLevel {
    /// The log shows it for the record.
    Note,
    /// The user should know.
    Warning,
}

impl Fact {
    /// The sentence for people.
    pub fn sentence(&self) -> Text {
        let sentence = match self {
            Self::Queue(fact) => fact.sentence(),
            Self::Aws(fact) => fact.sentence(),
            Self::Rollback(fact) => fact.sentence(),
            Self::Revision(fact) => fact.sentence(),
            Self::Scaling(fact) => fact.sentence(),
            Self::Hooks(fact) => fact.sentence(),
            Self::OneOff(fact) => fact.sentence(),
            Self::Migration(fact) => fact.sentence(),
            Self::Image(fact) => fact.sentence(),
            Self::Gate(fact) => fact.sentence(),
            Self::Undo(fact) => fact.sentence(),
            Self::Tester(fact) => fact.sentence(),
            Self::Session(fact) => fact.sentence(),
            Self::Drift(fact) => fact.sentence(),
            Self::Cleanup(fact) => fact.sentence(),
        };
        sentence.into()
    }

    /// Whether it is a note or a warning.
    pub fn level(&self) -> FactLevel {
        match self {
            Self::Queue(fact) => fact.level(),
            Self::Rollback(fact) => fact.level(),
            Self::Revision(fact) => fact.level(),
            Self::Scaling(fact) => fact.level(),
            Self::Hooks(fact) => fact.level(),
            Self::OneOff(fact) => fact.level(),
            Self::Migration(fact) => fact.level(),
            Self::Image(fact) => fact.level(),
            Self::Gate(fact) => fact.level(),
            Self::Undo(fact) => fact.level(),
            Self::Tester(fact) => fact.level(),
            Self::Session(fact) => fact.level(),
            Self::Drift(fact) => fact.level(),
            Self::Cleanup(fact) => fact.level(),
            Self::Aws(_) => FactLevel::Note,
        }
    }
}

impl From<Fact> for Event {
    fn from(fact: Fact) -> Self {
        Self::Fact(fact)
    }
}

impl From<SessionFact> for Event {
    fn from(fact: SessionFact) -> Self {
        Self::Fact(Fact::Session(fact))
    }
}

impl From<QueueFact> for Event {
    fn from(fact: QueueFact) -> Self {
        Self::Fact(Fact::Queue(fact))
    }
}

impl From<AwsFact> for Event {
    fn from(fact: AwsFact) -> Self {
        Self::Fact(Fact::Aws(fact))
    }
}

impl From<RollbackFact> for Event {
    fn from(fact: RollbackFact) -> Self {
        Self::Fact(Fact::Rollback(fact))
    }
}

impl From<RevisionFact> for Event {
    fn from(fact: RevisionFact) -> Self {
        Self::Fact(Fact::Revision(fact))
    }
}

impl From<ScalingFact> for Event {
    fn from(fact: ScalingFact) -> Self {
        Self::Fact(Fact::Scaling(fact))
    }
}

impl From<HooksFact> for Event {
    fn from(fact: HooksFact) -> Self {
        Self::Fact(Fact::Hooks(fact))
    }
}

impl From<MigrationFact> for Event {
    fn from(fact: MigrationFact) -> Self {
        Self::Fact(Fact::Migration(fact))
    }
}

impl From<OneOffFact> for Event {
    fn from(fact: OneOffFact) -> Self {
        Self::Fact(Fact::OneOff(fact))
    }
}

impl From<ImageFact> for Event {
    fn from(fact: ImageFact) -> Self {
        Self::Fact(Fact::Image(fact))
    }
}

impl From<GateFact> for Event {
    fn from(fact: GateFact) -> Self {
        Self::Fact(Fact::Gate(fact))
    }
}

impl From<UndoFact> for Event {
    fn from(fact: UndoFact) -> Self {
        Self::Fact(Fact::Undo(fact))
    }
}

impl From<DriftFact> for Event {
    fn from(fact: DriftFact) -> Self {
        Self::Fact(Fact::Drift(fact))
    }
}

impl From<CleanupFact> for Event {
    fn from(fact: CleanupFact) -> Self {
        Self::Fact(Fact::Cleanup(fact))
    }
}

impl From<TesterFact> for Event {
    fn from(fact: TesterFact) -> Self {
        Self::Fact(Fact::Tester(fact))
    }
}

/// Milliseconds as people read them.
fn human_duration(milliseconds: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stamped;

    #[test]
    fn a_fact_survives_the_journal() {
        let facts: [Event; 3] = [
            QueueFact::Waits {
                running: "deployment d-1 is in progress".into(),
                position: Some(2),
            }
            .into(),
            AwsFact::AnswerLost {
                error: "timed out".into(),
                effect: SoughtEffect::Registered,
            }
            .into(),
            UndoFact::TooLate {
                deployment: UndoneDeployment::Ecs { id: "x1".into() },
                revision: "api:1".into(),
            }
            .into(),
        ];
        for event in facts {
            let stamped = Stamped { at_ms: 1, event };
            let line = serde_json::to_string(&stamped).unwrap();
            assert_eq!(
                serde_json::from_str::<Stamped>(&line).unwrap(),
                stamped,
                "{line}"
            );
        }
    }

    #[test]
    fn a_fact_has_one_sentence() {
        let waits = QueueFact::Waits {
            running: "deployment d-1 is in progress".into(),
            position: Some(2),
        };
        assert_eq!(
            waits.sentence(),
            "deployment d-1 is in progress: waiting until it is over (position 2 in the workflow's queue)"
        );
        let late = UndoFact::TooLate {
            deployment: UndoneDeployment::CodeDeploy { id: "d-1".into() },
            revision: "api:1".into(),
        };
        assert_eq!(
            late.sentence(),
            "deployment d-1 had succeeded before it could be stopped; to go back, deploy api:1 again (task-definition-arn)"
        );
        assert_eq!(Fact::Undo(late).level(), FactLevel::Warning);
        assert_eq!(Fact::Queue(waits).level(), FactLevel::Note);
    }
}
