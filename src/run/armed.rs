//! The armed undos, newest last: saved whenever they change, so that the next process finds them.
//!
//! Arming returns a handle, which refines and disarms only its own undo: several effects may be in
//! progress at once, and none can touch the undo of another.

use std::sync::{Mutex, PoisonError};

use crate::run::StateStore;
use crate::undo::Undo;

pub(super) struct ArmedUndos {
    list: Mutex<NumberedUndos>,
    state_store: StateStore,
}

/// Numbers are never given twice.
#[derive(Default)]
struct NumberedUndos {
    next: u64,
    undos: Vec<(u64, Undo)>,
}

/// Handle of an armed undo. Dropping it disarms nothing.
#[derive(Clone, Copy)]
pub struct ArmedUndo<'r> {
    armed: &'r ArmedUndos,
    number: u64,
}

impl ArmedUndo<'_> {
    /// Replaces it by a more precise one, once AWS has answered. An undo that was disarmed stays
    /// disarmed.
    pub fn refine(self, refined: Undo) {
        self.armed.change(|undos| {
            if let Some((_, undo)) = undos.iter_mut().find(|(number, _)| *number == self.number) {
                *undo = refined;
            }
        });
    }

    /// Removes it: its effect did not happen or has been undone.
    pub fn disarm(self) {
        self.armed
            .change(|undos| undos.retain(|(number, _)| *number != self.number));
    }
}

impl ArmedUndos {
    pub(super) fn new(state_store: StateStore) -> Self {
        Self {
            list: Mutex::default(),
            state_store,
        }
    }

    pub(super) fn arm(&self, undo: Undo) -> ArmedUndo<'_> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let number = list.next;
        list.next += 1;
        list.undos.push((number, undo));
        self.save(&list.undos);
        ArmedUndo {
            armed: self,
            number,
        }
    }

    pub(super) fn to_vec(&self) -> Vec<Undo> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        without_numbers(&list.undos)
    }

    pub(super) fn disarm(&self, undone: &Undo) {
        self.change(|undos| undos.retain(|(_, undo)| undo != undone));
    }

    pub(super) fn retain_temporary(&self) {
        self.change(|undos| {
            undos.retain(|(_, undo)| undo.is_temporary());
            for (_, undo) in undos {
                undo.keep_strategy();
            }
        });
    }

    fn change(&self, how: impl FnOnce(&mut Vec<(u64, Undo)>)) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        how(&mut list.undos);
        self.save(&list.undos);
    }

    /// Called under the lock, so that the last state that is saved is the last one that is armed.
    fn save(&self, numbered: &[(u64, Undo)]) {
        (self.state_store)(&without_numbers(numbered));
    }
}

fn without_numbers(numbered: &[(u64, Undo)]) -> Vec<Undo> {
    numbered.iter().map(|(_, undo)| undo.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::undo::{RevisionUndo, TesterUndo};

    fn revision(arn: &str) -> Undo {
        Undo::Revision(RevisionUndo {
            arn: arn.into(),
            service: None,
        })
    }

    fn tester(container: &str) -> Undo {
        Undo::Tester(TesterUndo {
            container: container.into(),
        })
    }

    #[test]
    fn an_undo_refines_and_disarms_itself_whatever_was_armed_after_it() {
        let saved = Arc::new(Mutex::new(Vec::new()));
        let store = Arc::clone(&saved);
        let armed = ArmedUndos::new(Box::new(move |undos: &[Undo]| {
            *store.lock().unwrap() = undos.to_vec();
        }));
        let first = armed.arm(revision("one"));
        let second = armed.arm(revision("two"));
        first.refine(revision("one, refined"));
        assert_eq!(
            *saved.lock().unwrap(),
            [revision("one, refined"), revision("two")]
        );
        first.disarm();
        first.refine(revision("one again"));
        let third = armed.arm(tester("three"));
        second.disarm();
        assert_eq!(armed.to_vec(), [tester("three")]);
        third.disarm();
        assert_eq!(*saved.lock().unwrap(), []);
    }

    #[test]
    fn what_is_kept_is_what_was_changed_only_for_the_rollout() {
        let armed = ArmedUndos::new(Box::new(|_: &[Undo]| {}));
        armed.arm(revision("one"));
        armed.arm(tester("two"));
        armed.retain_temporary();
        assert_eq!(armed.to_vec(), [tester("two")]);
        armed.disarm(&tester("two"));
        assert_eq!(armed.to_vec(), []);
    }
}
