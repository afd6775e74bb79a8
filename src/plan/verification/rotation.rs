//! PURE: secrets and parameters that are older than `rotation` allows.

use super::{LineResult, Subject};
use crate::survey::Looked;

const DAY: f64 = 86_400.0;

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(limit) = subject.settings.verification.rotation else {
        return vec![LineResult::skipped("rotation is not given")];
    };
    let seen = &subject.snapshot.prerequisites;
    let secrets = seen
        .secrets
        .iter()
        .filter_map(|(name, looked)| match looked {
            Looked::Found(found) => Some((name, found.changed_at?)),
            Looked::Missing | Looked::Unread(_) => None,
        });
    let parameters = seen
        .parameters
        .iter()
        .filter_map(|(name, looked)| match looked {
            Looked::Found(found) => Some((name, found.changed_at?)),
            Looked::Missing | Looked::Unread(_) => None,
        });
    let ages: Vec<(&String, f64)> = secrets
        .chain(parameters)
        .map(|(name, changed)| (name, seen.looked_at - changed))
        .collect();
    let days = (limit.as_secs_f64() / DAY).round();
    let mut old: Vec<&(&String, f64)> = ages
        .iter()
        .filter(|(_, age)| *age > limit.as_secs_f64())
        .collect();
    old.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    if ages.is_empty() {
        vec![LineResult::skipped("no secret's age is known")]
    } else if old.is_empty() {
        vec![LineResult::Ok(format!("none is older than {days} days"))]
    } else {
        old.into_iter()
            .map(|(name, age)| {
                let age = (age / DAY).floor();
                LineResult::warned(
                    format!("{name} was last changed {age} days ago, which is more than {days}"),
                    "rotate it, and deploy again: tasks read secrets when they start",
                )
            })
            .collect()
    }
}
