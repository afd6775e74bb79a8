//! PURE: which flow may begin, given which have passed.

use std::collections::BTreeSet;

use crate::smoke::flow::Flow;

pub(super) struct TestOrder<'s> {
    waiting: Vec<(usize, &'s Flow)>,
    /// Flows of this moment that have not passed yet: one that does not run now is not waited for.
    not_passed: BTreeSet<usize>,
}

impl<'s> TestOrder<'s> {
    pub(super) fn new(flows: &[(usize, &'s Flow)]) -> Self {
        Self {
            waiting: flows.to_vec(),
            not_passed: flows.iter().map(|(index, _)| *index).collect(),
        }
    }

    /// Those that may begin now, in the order of the document; each is given out once.
    pub(super) fn take_due(&mut self) -> Vec<(usize, &'s Flow)> {
        let (due, waiting) = self
            .waiting
            .iter()
            .partition(|(_, flow)| flow.after.is_disjoint(&self.not_passed));
        self.waiting = waiting;
        due
    }

    pub(super) fn mark_passed(&mut self, index: usize) {
        self.not_passed.remove(&index);
    }

    /// From now on no flow begins.
    pub(super) fn cancel_waiting(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;
    use crate::smoke::parse::tests::{no_files, test_resources};
    use crate::smoke::{Suite, parse};

    fn take_due_indexes(order: &mut TestOrder<'_>) -> Vec<usize> {
        order
            .take_due()
            .into_iter()
            .map(|(index, _)| index)
            .collect()
    }

    fn order_at(suite: &Suite, moment: Moment) -> TestOrder<'_> {
        let flows: Vec<_> = suite
            .flows
            .iter()
            .enumerate()
            .filter(|(_, flow)| flow.on.contains(&moment))
            .collect();
        TestOrder::new(&flows)
    }

    #[test]
    fn flows_begin_when_what_they_wait_for_has_passed() {
        let document = "tests:\n- { name: a, get: /, capture: { id: status } }\n- { name: b, get: /, on: production }\n\
            - { name: c, get: '/${id}' }\n- { name: d, get: /, after: [b, c] }\n- { name: e, get: / }\n";
        let suite = parse(document, "inline", test_resources(&no_files)).unwrap();
        let mut order = order_at(&suite, Moment::Green);
        assert_eq!(
            (take_due_indexes(&mut order), take_due_indexes(&mut order)),
            (vec![0, 4], vec![])
        );
        order.mark_passed(4);
        assert_eq!(take_due_indexes(&mut order), Vec::<usize>::new());
        order.mark_passed(0);
        assert_eq!(take_due_indexes(&mut order), [2]);
        order.mark_passed(2);
        assert_eq!(take_due_indexes(&mut order), [3]);
        let mut order = order_at(&suite, Moment::Production);
        assert_eq!(take_due_indexes(&mut order), [0, 1, 4]);
        order.cancel_waiting();
        order.mark_passed(0);
        assert_eq!(take_due_indexes(&mut order), Vec::<usize>::new());
    }

    #[test]
    fn a_flow_that_waits_for_a_matrix_waits_for_all_of_it() {
        let document = "tests:\n- { name: a, get: '/${matrix.n}', matrix: { n: [1, 2] } }\n- { name: b, get: /, after: a }\n";
        let suite = parse(document, "inline", test_resources(&no_files)).unwrap();
        let mut order = order_at(&suite, Moment::Green);
        assert_eq!(take_due_indexes(&mut order), [0, 1]);
        order.mark_passed(0);
        assert_eq!(take_due_indexes(&mut order), Vec::<usize>::new());
        order.mark_passed(1);
        assert_eq!(take_due_indexes(&mut order), [2]);
    }
}
