//! Which alarm ended a rollout, in words.

use crate::run::Run;

/// The alarms that are in ALARM, and why; `otherwise` where none is any more, or they cannot be
/// read.
pub(super) async fn describe_ringing(
    run: &Run,
    alarms: &[String],
    otherwise: impl FnOnce() -> String,
) -> String {
    let ringing = run
        .optional_read(
            "why the alarm rang is not told",
            run.aws.describe_alarms_in_alarm(alarms).await,
        )
        .unwrap_or_default();
    let descriptions: Vec<String> = ringing
        .iter()
        .map(|alarm| format!("{} ({})", alarm.name, alarm.explanation()))
        .collect();
    if descriptions.is_empty() {
        otherwise()
    } else {
        descriptions.join("; ")
    }
}
