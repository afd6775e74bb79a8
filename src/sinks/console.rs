//! The log as the runner shows it: a group for each step, one line for each change, the outcome
//! last and outside.
//!
//! Every line is sanitized: nothing that AWS, a file or an HTTP answer says can be taken for a
//! workflow command.
//!
//! One file, because it is one match over all events.

use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::error::Failure;
use crate::event::{
    DeferredTag, Event, Fact, FactLevel, RunEnd, Stamped, StartGatesSeen, StartedRollout,
    StartedTester, Step, StepEnd, TestUrl, describe_target,
};
use crate::github::commands::{END_GROUP, Level, LogStyle, annotation, sanitize, start_group};
use crate::identity::TaskArn;
use crate::outcome::Outcome;
use crate::sinks::outputs::human_duration;
use crate::sinks::recorder::print;
use crate::sinks::sink::{Sink, SinkError};
use crate::text::Text;

pub(super) mod image;
mod rollout;
mod run;
mod smoke;

/// GitHub shows ten annotations of a level in a step; the outcome's is one of them.
const MAX_WARNINGS: usize = 8;

/// The reason of a refused run when only the credentials are missing.
pub(super) const NO_CREDENTIALS: &str = "there are no usable AWS credentials";
/// Replaces "nothing was touched" when the run had already changed something in AWS.
pub(super) const AFTER_CHANGES: &str =
    "this run had already changed something in AWS before this was found; see the log";

/// Shown when the version at test-url changed, which proves that it leads to green.
const NEW_VERSION: &str = "test-url answers with the new version, and answered with another one before the rollout: it leads to green";

const SIGNALLED: &str = "The runner asks us to stop: undoing what is in progress";
const NO_WAY_BACK: &str =
    "Blue is gone: to go back from here, the old revision has to be rolled out again";

/// Renders events to lines; knows which group is open.
#[derive(Debug, Default)]
pub struct Console {
    style: LogStyle,
    open_step: Option<(Step, u64)>,
    warning_count: usize,
    failure: Option<Failure>,
    failed_undos: Vec<(Text, Failure)>,
    watch_at: Option<String>,
    tags_not_set: Vec<DeferredTag>,
    test_url: Option<TestUrl>,
}

impl Console {
    /// Writes in this style.
    pub fn new(style: LogStyle) -> Self {
        Self {
            style,
            ..Self::default()
        }
    }

    /// The lines of an event.
    pub fn lines(&mut self, stamped: &Stamped) -> Vec<String> {
        let at = stamped.at_ms;
        match &stamped.event {
            Event::Started(start) => vec![run::format_start(start)],
            Event::Refused(refused) => self.close_and_append(at, run::refusal_lines(refused)),
            Event::StepStarted { step } => self.on_step_started(*step, at),
            Event::StepEnded { step, end, result } => self.on_step_ended(*step, *end, result, at),
            Event::Failed { failure } => self.on_failed(failure, at),
            Event::Signalled => self.close_and_append(at, vec![SIGNALLED.into()]),
            Event::Ended(end) => self.on_ended(end, at),
            Event::PostEnded { result } => self.on_post_ended(result),
            Event::SinkFailed { sink, why } => sink_failure_lines(sink, why),

            Event::CallerNamed(caller) => vec![sanitize_line(&caller.sentence())],
            Event::Surveyed(service) => rollout::survey_lines(service),
            Event::StartGatesSeen(seen) => self.on_start_gates(seen),
            Event::Verified { items } => {
                self.close_and_append(at, super::verification::lines(items))
            }
            Event::Drift(found) => self.close_and_append(at, super::drift::lines(found)),
            Event::CleanupDecided(table) => self.close_and_append(at, super::cleanup::lines(table)),
            Event::Planned(planned) => self.close_and_append(at, super::plan::lines(planned)),
            Event::Narrowed { check, allow, why } => self.warn(
                "a check is limited",
                &format_limited_check(check, allow, why),
            ),
            Event::Fact(fact) => self.on_fact(fact),
            Event::Warned { sentence } => self.warn("note", sentence),
            Event::Noted { sentence } => vec![sanitize_line(sentence)],

            Event::RepositoryCreated { repository, with } => {
                vec![sanitize_line(&image::format_created_repository(
                    repository, with,
                ))]
            }
            Event::ImagePinned(pinned) => vec![image::format_pinned(pinned)],
            Event::TagsDeferred { tags } => self.on_tags_deferred(tags),
            Event::TagSet { tag } => self.on_tag_set(tag),
            Event::ScanAnswered { result } => super::scan::lines(result),
            Event::Revision(revision) => {
                format_each(&revision.changes, |change| format!("  {change}"))
            }
            Event::TaskStarted { arns } => format_each(arns, format_task_started),
            Event::TaskFound { arns } => format_each(arns, format_task_found),
            Event::TaskDone { containers } => vec![sanitize_line(&containers.join(", "))],

            Event::RolloutStarted(rollout) => self.on_rollout_started(rollout),
            Event::RolloutSeen { progress } => {
                vec![sanitize_line(&rollout::progress_line(progress))]
            }
            Event::GreenFound { place, health } => {
                vec![sanitize_line(&format_green_found(place, health))]
            }
            Event::GateOpened { gate, seen } => vec![rollout::format_gate_opened(*gate, *seen)],
            Event::PointOfNoReturn => vec![NO_WAY_BACK.into()],
            Event::TrafficObserved(traffic) => vec![rollout::format_traffic(traffic)],

            Event::TestUrlSeen { seen } => self.on_test_url_seen(seen),
            Event::SmokeTested { result } => {
                smoke::lines(result, &self.describe_target(result.moment))
            }
            Event::Checked { measurement } => super::measurements::lines(measurement),
            Event::WarmedUp { result } => vec![sanitize_line(&format!("warm-up of {result}"))],
            Event::Loaded { result } => {
                super::load::lines(result, &self.describe_target(result.moment))
            }
            Event::TesterStarted(tester) => vec![sanitize_line(&self.format_tester_start(tester))],
            Event::TesterLine { line, .. } | Event::MigrationLine { line } => {
                vec![sanitize_line(&format!("  | {line}"))]
            }
            Event::Tested { result } => {
                super::tester::lines(result, &self.describe_target(result.moment))
            }

            Event::Undone { what } => vec![sanitize_line(&format!("undone: {what}"))],
            Event::UndoFailed { what, failure } => self.on_undo_failed(what, failure),

            // Measured is only for the report. The end of a one-off task, and of a migration, is
            // shown by TaskDone, by a fact, or by the failure that stopped it.
            Event::Measured { .. } | Event::TaskRan { .. } | Event::Migrated { .. } => Vec::new(),
        }
    }

    /// If a group was cut short, it is closed before these lines.
    fn close_and_append(&mut self, at: u64, lines: Vec<String>) -> Vec<String> {
        self.close_open_step(at).into_iter().chain(lines).collect()
    }

    fn on_failed(&mut self, failure: &Failure, at: u64) -> Vec<String> {
        self.failure = Some(failure.clone());
        self.close_and_append(
            at,
            vec![sanitize_line(&format!(
                "{}.",
                capitalize(failure.sentence())
            ))],
        )
    }

    /// What a person has overridden is a warning.
    fn on_start_gates(&mut self, seen: &StartGatesSeen) -> Vec<String> {
        let mut lines = super::start_gates::lines(seen);
        if let Some(sentence) = super::start_gates::override_sentence(seen) {
            lines.extend(self.warn("gates overridden", &sentence));
        }
        lines
    }

    fn on_rollout_started(&mut self, rollout: &StartedRollout) -> Vec<String> {
        self.watch_at = Some(rollout.console.clone());
        vec![rollout::format_start(rollout)]
    }

    fn on_test_url_seen(&mut self, seen: &TestUrl) -> Vec<String> {
        self.test_url = Some(seen.clone());
        match seen {
            TestUrl::TellsNewVersion => vec![NEW_VERSION.into()],
            TestUrl::LeadsToGreen | TestUrl::Unproven { .. } => Vec::new(),
        }
    }

    fn format_tester_start(&self, tester: &StartedTester) -> String {
        format!(
            "{} {}: {}",
            tester.name,
            self.describe_target(tester.moment),
            tester.place
        )
    }

    fn on_undo_failed(&mut self, what: &Text, failure: &Failure) -> Vec<String> {
        self.failed_undos.push((what.clone(), failure.clone()));
        vec![sanitize_line(&format!(
            "not undone: {what}: {}",
            failure.sentence()
        ))]
    }

    fn on_step_started(&mut self, step: Step, at: u64) -> Vec<String> {
        let mut lines = self.close_open_step(at);
        self.open_step = Some((step, at));
        lines.push(start_group(step_title(step, self.test_url.as_ref())));
        lines
    }

    fn on_step_ended(&mut self, step: Step, end: StepEnd, result: &str, at: u64) -> Vec<String> {
        let began = self.open_step.take().map_or(at, |(_, began)| began);
        let took = human_duration(at.saturating_sub(began));
        let mark = match end {
            StepEnd::Done => "✓",
            StepEnd::Failed => "✗",
        };
        let result = if result.is_empty() {
            String::new()
        } else {
            format!(": {result}")
        };
        vec![
            END_GROUP.into(),
            sanitize_line(&format!(
                "{mark} {}{result} ({took})",
                step_title(step, self.test_url.as_ref())
            )),
        ]
    }

    fn describe_target(&self, moment: Moment) -> String {
        describe_target(moment, self.test_url.as_ref())
    }

    /// Closes a group that was cut short, so that what follows is visible.
    fn close_open_step(&mut self, at: u64) -> Vec<String> {
        match self.open_step.take() {
            Some((step, began)) => vec![
                END_GROUP.into(),
                format!(
                    "✗ {}: cut short ({})",
                    step_title(step, self.test_url.as_ref()),
                    human_duration(at.saturating_sub(began))
                ),
            ],
            None => Vec::new(),
        }
    }

    fn on_fact(&mut self, fact: &Fact) -> Vec<String> {
        let sentence = fact.sentence();
        match fact.level() {
            FactLevel::Warning => self.warn("note", &sentence),
            FactLevel::Note => vec![sanitize_line(&sentence)],
        }
    }

    fn on_tags_deferred(&mut self, tags: &[DeferredTag]) -> Vec<String> {
        self.tags_not_set = tags.to_vec();
        format_each(tags, image::format_deferred_tag)
    }

    fn on_tag_set(&mut self, tag: &str) -> Vec<String> {
        self.tags_not_set.retain(|waiting| waiting.tag != tag);
        vec![sanitize_line(&format!("tag {tag} names the new image"))]
    }

    fn warn(&mut self, title: &str, sentence: &str) -> Vec<String> {
        self.warning_count += 1;
        if self.warning_count > MAX_WARNINGS {
            vec![sanitize_line(&format!("warning: {sentence}"))]
        } else {
            vec![annotation(Level::Warning, title, &sanitize_line(sentence))]
        }
    }

    fn on_post_ended(&mut self, result: &str) -> Vec<String> {
        std::iter::once(format!("Post: {}", sanitize_line(result)))
            .chain(self.take_failed_undos())
            .collect()
    }

    /// What could not be undone and what to do about it; printed last, where people look first.
    fn take_failed_undos(&mut self) -> Vec<String> {
        std::mem::take(&mut self.failed_undos)
            .iter()
            .flat_map(|(what, failure)| run::undo_failure_lines(what, failure))
            .collect()
    }

    /// What serves traffic now, what failed, why, and what to do.
    fn on_ended(&mut self, end: &RunEnd, at: u64) -> Vec<String> {
        let (outcome, reason) = (end.outcome, end.reason.word());
        let sentence = capitalize(&end.sentence);
        let mut lines = self.close_open_step(at);
        lines.push(String::new());
        lines.push(sanitize_line(&format!(
            "{}.",
            sentence.trim_end_matches('.')
        )));
        lines.extend(self.unset_tag_lines(outcome));
        let failure = self.failure.take();
        if let Some(failure) = failure.as_ref().filter(|_| !outcome.is_success()) {
            let title = format!("{outcome} ({reason})");
            lines.extend(run::failure_lines(&title, failure.sentence(), failure));
        }
        lines.extend(self.take_failed_undos());
        if let Some(url) = self.watch_at.as_ref().filter(|_| !outcome.is_success()) {
            lines.push(sanitize_line(&format!("  see: {url}")));
        }
        let reason = if outcome.is_success() {
            String::new()
        } else {
            format!(" ({reason})")
        };
        lines.push(format!(
            "Outcome: {outcome}{reason}, exit code {}, after {}",
            outcome.exit_code(),
            human_duration(at)
        ));
        lines
    }

    fn unset_tag_lines(&self, outcome: Outcome) -> Vec<String> {
        let later = if outcome == Outcome::Waiting {
            ", and mode: continue will not set it either (docs/images.md)"
        } else {
            ""
        };
        format_each(&self.tags_not_set, |tag| {
            format!("Tag {}{later}", image::format_unset_tag(tag))
        })
    }
}

impl Sink for Console {
    fn name(&self) -> &'static str {
        "the log"
    }

    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        let lines = self.lines(stamped);
        print(&self.style.render(lines));
        Ok(())
    }
}

fn format_each<T>(things: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    things
        .iter()
        .map(|thing| sanitize_line(&line(thing)))
        .collect()
}

/// Does not count as a warning of the run, because it says nothing about the deployment.
fn sink_failure_lines(sink: &str, why: &str) -> Vec<String> {
    let sentence = format!("{sink} is incomplete: {why}");
    vec![annotation(
        Level::Warning,
        "runner",
        &sanitize_line(&sentence),
    )]
}

fn format_task_started(arn: &TaskArn) -> String {
    format!("task {} started", short_name(arn))
}

fn format_task_found(arn: &TaskArn) -> String {
    format!(
        "task {} of an earlier attempt of this run is used: it is not run again",
        short_name(arn)
    )
}

fn format_green_found(place: &str, health: &str) -> String {
    format!("green is registered in target group {place}, {health}")
}

fn format_limited_check(check: &str, allow: &str, why: &str) -> String {
    let allow = if allow.is_empty() {
        String::new()
    } else {
        format!(" Allow {allow} to have it.")
    };
    format!("{}.{allow} ({why})", capitalize(check))
}

/// The heading of a step. It says "green" only when test-url is known to lead to green.
pub(super) fn step_title(step: Step, test_url: Option<&TestUrl>) -> &'static str {
    match (step, test_url) {
        (Step::Gate, Some(TestUrl::Unproven { .. })) => "Smoke tests at test-url",
        (step, _) => step.title(),
    }
}

/// Capitalizes the first letter, unless the text begins with an identifier (`ecs:UpdateService`,
/// `api:2`).
pub(super) fn capitalize(words: &str) -> String {
    if words
        .split(' ')
        .next()
        .is_some_and(|name| name.trim_end_matches(':').contains(':'))
    {
        return words.to_owned();
    }
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn sanitize_line(line: &str) -> String {
    sanitize(line)
}
