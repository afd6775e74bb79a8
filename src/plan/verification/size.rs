//! PURE: Fargate has tasks of this size.

use super::{LineResult, Subject};
use crate::documents::fargate::{cpu_units, memory_mib, size_problem};
use crate::plan::image::is_on_fargate;

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(definition) = subject.definition else {
        return vec![LineResult::skipped("no task definition could be made")];
    };
    if !is_on_fargate(definition, subject.snapshot.service.as_ref()) {
        return vec![LineResult::skipped("the tasks do not run on Fargate")];
    }
    vec![match size_problem(definition) {
        Some((why, remedy)) => LineResult::failed("task-definition", why, remedy),
        None => match (cpu_units(definition), memory_mib(definition)) {
            (Some(cpu), Some(memory)) => {
                LineResult::Ok(format!("{cpu} CPU units, {memory} MiB: Fargate has that"))
            }
            (Some(_) | None, _) => LineResult::skipped("the task definition does not say them"),
        },
    }]
}
