//! Waiting until tasks beside the service's own have stopped. Testers that run as tasks use it too.

use std::time::Duration;

use tokio::time::Instant;

use super::TaskError;
use crate::aws::ecs_shapes::Task;
use crate::error::Failure;
use crate::event::fact::OneOffFact;
use crate::identity::TaskArn;
use crate::observe::followed_log::FollowedLog;
use crate::plan::TaskHost;
use crate::poll_interval::PollInterval;
use crate::run::Run;

pub(in crate::steps) struct AwaitedTasks<'a> {
    /// What they are, for the log.
    pub(in crate::steps) what: &'a str,
    pub(in crate::steps) arns: &'a [TaskArn],
    /// The longest that is waited.
    pub(in crate::steps) deadline: Duration,
}

/// After this many reads in a row without the task, it is gone.
const ABSENT_LOOKS: u32 = 20;

/// Waits until all of them have stopped; none when they have not in their time, and an empty list
/// where ECS does not know them any more. What is new in the log is shown at each look.
pub(in crate::steps) async fn wait_until_stopped(
    run: &Run,
    host: &TaskHost,
    watched: &AwaitedTasks<'_>,
    mut log: Option<&mut FollowedLog<'_>>,
) -> Result<Option<Vec<Task>>, Failure> {
    let AwaitedTasks {
        what,
        arns,
        deadline,
    } = *watched;
    let began = Instant::now();
    let mut poll_interval = PollInterval::new(host.poll);
    let mut last = String::new();
    let mut outage_since: Option<Instant> = None;
    let mut absent = 0;
    loop {
        match run.aws.describe_tasks(&host.cluster, arns).await {
            // A task that was just started may not be shown yet; one whose instance is gone is
            // never shown again.
            Ok(tasks) if tasks.is_empty() && absent >= ABSENT_LOOKS => return Ok(Some(tasks)),
            Ok(tasks) if !tasks.is_empty() && tasks.iter().all(Task::is_stopped) => {
                return Ok(Some(tasks));
            }
            Ok(tasks) => {
                outage_since = None;
                absent = if tasks.is_empty() { absent + 1 } else { 0 };
                poll_interval.recover();
                let now = tasks
                    .iter()
                    .map(|task| task.last_status.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                if now != last {
                    run.emit(OneOffFact::Status {
                        what: what.to_owned(),
                        status: now.clone().into(),
                    });
                    last = now;
                }
                if let Some(log) = &mut log {
                    log.show_new_lines().await;
                }
            }
            Err(error)
                if error.may_have_landed()
                    && outage_since.get_or_insert_with(Instant::now).elapsed()
                        < crate::decide::OUTAGE_BUDGET =>
            {
                poll_interval.slow_down();
            }
            Err(error) if error.kind == crate::aws::AwsErrorKind::Throttled => {
                poll_interval.slow_down();
            }
            Err(source) => {
                return Err(TaskError {
                    what: what.to_owned(),
                    doing: "watched",
                    source,
                }
                .into());
            }
        }
        if began.elapsed() >= deadline {
            return Ok(None);
        }
        poll_interval.wait().await;
    }
}
