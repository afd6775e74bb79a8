//! Shows a container's log while its task runs, by reading what is new in its stream. What cannot be
//! read is not shown, and never changes how the task is judged.

use serde_json::Value;

use crate::aws::AwsErrorKind;
use crate::aws::arn::short_name;
use crate::checks::tester::strip_colors;
use crate::documents::task_definition::TaskDefinition;
use crate::event::Event;
use crate::event::fact::MigrationFact;
use crate::identity::TaskArn;
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::scrub::to_one_line_indented;
use crate::text::Text;

/// Lines that are shown: a verbose tool must not fill the job's log.
const MAX_LINES: u64 = 500;
/// The longest line that is shown.
const MAX_LINE: usize = 1000;
/// Pages that are read at once; the rest comes with the next look.
const MAX_PAGES: u32 = 5;
/// So many looks in a row without a line mean that the log of a stopped task is complete.
const QUIET_LOOKS: u32 = 3;
/// What is said where reading is denied.
const LIMITED: &str = "the log of the migration is not shown";

/// The log of one container of one task.
pub struct FollowedLog<'r> {
    run: &'r Run,
    /// Group and stream; none where the log cannot be read, or no more.
    place: Option<(String, String)>,
    token: Option<String>,
    count: u64,
}

/// Whether a look has shown anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Lines,
    Nothing,
}

impl<'r> FollowedLog<'r> {
    /// Follows the log of a container, where it goes to CloudWatch Logs; else that is said.
    pub fn new(run: &'r Run, definition: &Value, container: &str, task: &TaskArn) -> Self {
        let place = TaskDefinition(definition)
            .container(container)
            .and_then(|container| container.aws_logs())
            .and_then(|logs| {
                let stream = format!("{}/{container}/{}", logs.stream_prefix?, short_name(task));
                Some((logs.group.to_owned(), stream))
            });
        if place.is_some() {
            warn_of_lost_lines(run, definition, container);
        } else {
            run.emit(MigrationFact::LogNotShown {
                container: container.to_owned(),
            });
        }
        Self {
            run,
            place,
            token: None,
            count: 0,
        }
    }

    /// Shows what is new.
    pub async fn show_new_lines(&mut self) {
        self.look().await;
    }

    /// Shows the rest, once the task has stopped: lines may arrive some seconds later, so it looks
    /// until nothing has come for a while.
    pub async fn finish(mut self, poll_interval: &mut PollInterval) {
        let mut quiet = 0;
        loop {
            quiet = match self.look().await {
                Look::Lines => 0,
                Look::Nothing => quiet + 1,
            };
            if quiet >= QUIET_LOOKS || self.place.is_none() {
                break;
            }
            poll_interval.wait().await;
        }
        let omitted = self.count.saturating_sub(MAX_LINES);
        if omitted > 0 {
            self.run
                .emit(MigrationFact::LinesOmitted { count: omitted });
        }
    }

    async fn look(&mut self) -> Look {
        let mut seen = Look::Nothing;
        for _ in 0..MAX_PAGES {
            let Some((group, stream)) = &self.place else {
                break;
            };
            let read = self
                .run
                .aws
                .read_new_lines(group, stream, self.token.as_deref())
                .await;
            let page = match read {
                Ok(page) => page,
                Err(error) if error.kind == AwsErrorKind::Denied => {
                    self.run.limit_check(LIMITED, &error);
                    self.place = None;
                    break;
                }
                // The stream is made with its first line; anything else may be better next time.
                Err(_) => break,
            };
            let is_end = page.lines.is_empty();
            page.lines.iter().for_each(|line| self.show(line));
            self.token = page.next.or_else(|| self.token.take());
            if is_end {
                break;
            }
            seen = Look::Lines;
        }
        seen
    }

    fn show(&mut self, line: &str) {
        self.count += 1;
        if self.count <= MAX_LINES {
            // Colour codes go first: one in the middle of a secret would hide it.
            let line = Text::from_outside(&strip_colors(line));
            let line = to_one_line_indented(line.trim_end(), MAX_LINE).into();
            self.run.emit(Event::MigrationLine { line });
        }
    }
}

/// Says once that lines may be missing, where the driver drops them when it is behind.
fn warn_of_lost_lines(run: &Run, definition: &Value, container: &str) {
    let lossy = TaskDefinition(definition)
        .container(container)
        .and_then(|container| container.non_blocking_log());
    let Some((mode, buffer)) = lossy else {
        return;
    };
    run.emit_once(MigrationFact::LinesMayBeLost {
        container: container.to_owned(),
        buffer: buffer.map(str::to_owned),
        mode,
    });
}
