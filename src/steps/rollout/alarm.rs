//! Which alarm ended a rollout, in words.

use crate::run::Run;

/// The alarms that are in ALARM, and why; `otherwise` where none is any more, or they cannot be
/// read.
pub(super) async fn describe_in_alarm(
    run: &Run,
    alarms: &[String],
    otherwise: impl FnOnce() -> String,
) -> String {
    let in_alarm = run
        .optional_read(
            "why the alarm went into ALARM is not known",
            run.aws.describe_alarms_in_alarm(alarms).await,
        )
        .unwrap_or_default();
    let descriptions: Vec<String> = in_alarm
        .iter()
        .map(|alarm| format!("{} ({})", alarm.name, alarm.explanation()))
        .collect();
    if descriptions.is_empty() {
        otherwise()
    } else {
        descriptions.join("; ")
    }
}
