//! Patterns that are counted in logs.

use std::time::Duration;

use crate::analysis::form::{Asks, Check, Grain, GrainKind, Judgement, Measure, Source};
use crate::analysis::preset;
use crate::document::Node;
use crate::reader::{Fields, Reader};

use super::judgement::policy;
use super::keys::{LOG_KEYS, RUN_KEYS};
use super::run::{Run, run};
use super::{Names, Parts, check};

/// Lines are looked for once there may be some.
pub(super) const PERIOD: Duration = Duration::from_secs(15);

/// CloudWatch Logs shows a line a few seconds after it was written; the agent in the task holds it
/// back for 5 s.
pub(super) const LATE: Duration = Duration::from_secs(15);

pub(super) fn log(
    reader: &mut Reader<'_>,
    node: &Node,
    inherited: &Run,
    names: &mut Names,
) -> Option<Check> {
    let fields = reader.fields(node, "a log check", &[LOG_KEYS, RUN_KEYS].concat())?;
    let name = names.own(reader, node, &fields, "A log check");
    let run = run(reader, &fields, inherited);
    let filter = match fields.get("pattern") {
        Some(node) => reader.non_empty_text(node, "`pattern`"),
        None => reader.refuse(
            node.place,
            "A log check has no `pattern`",
            "Write `pattern: panic`, or a filter pattern of CloudWatch Logs",
        ),
    };
    let groups = fields
        .get("groups")
        .map_or_else(|| Some(Vec::new()), |node| groups(reader, node));
    let judgement = judgement(reader, &fields);
    let grain = Grain {
        kind: GrainKind::Moving,
        period: PERIOD,
        delay: run.delay.unwrap_or(LATE),
    };
    let source = Source {
        asks: Asks::Logs {
            groups: groups?,
            filter: filter?,
        },
        grain,
    };
    // Requests over the same time as the lines: a share of both needs that.
    let requests = preset::requests(preset::grain(run.period(), run.delay));
    let parts = Parts {
        measure: Measure::Lines { source, requests },
        judgement: judgement?,
        volume: None,
        window: None,
    };
    Some(check(name?, reader.position(node.place), &run, parts))
}

fn groups(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let items = reader.list(node, "`groups`")?;
    let groups: Vec<_> = items
        .iter()
        .map(|item| reader.non_empty_text(item, "a log group"))
        .collect();
    groups.into_iter().collect()
}

fn judgement(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Judgement> {
    let at_most = fields.get("at-most").map_or(Some(0), |node| {
        reader.count(node, "`at-most`").map(u64::from)
    });
    let Some(node) = fields.get("compare") else {
        for entry in fields.among(&["allowed-increase", "alpha"]) {
            reader.report(
                entry.place,
                format!("`{}` wants `compare: blue`", entry.key),
                "Write `compare: blue`, or leave it out",
            );
        }
        return at_most.map(Judgement::AtMost);
    };
    reader.word(node, "`compare`", &[("blue", ())])?;
    let policy = policy(reader, fields);
    Some(Judgement::Lines {
        at_most: at_most?,
        policy: policy?,
    })
}
