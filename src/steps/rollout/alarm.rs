//! Which alarm ended a rollout, in words.

use crate::run::Run;

/// Those of the alarms that ring, and why; `otherwise` where none rings any more, or that cannot be
/// read.
pub(super) async fn named(
    run: &Run,
    alarms: &[String],
    otherwise: impl FnOnce() -> String,
) -> String {
    let rings = run
        .optional_read(
            "why the alarm rang is not told",
            run.aws.ringing(alarms).await,
        )
        .unwrap_or_default();
    let named: Vec<String> = rings
        .iter()
        .map(|alarm| format!("{} ({})", alarm.name, alarm.why()))
        .collect();
    if named.is_empty() {
        otherwise()
    } else {
        named.join("; ")
    }
}
