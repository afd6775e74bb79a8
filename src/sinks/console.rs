//! The log as the runner shows it: a group for each step, one line for each change, the outcome
//! last and outside.
//!
//! Every line is made harmless: whatever AWS, a file or an answer says, the runner takes none of it
//! for a command.

use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::error::Failure;
use crate::event::{
    DeferredTag, Event, Fact, FactLevel, RunEnd, Stamped, StartedRollout, StartedTester, Step,
    StepEnd, TestUrl, on,
};
use crate::github::commands::{END_GROUP, Level, annotation, group, harmless};
use crate::outcome::Outcome;
use crate::sinks::outputs::human;
use crate::sinks::recorder::print;
use crate::sinks::sink::{Sink, SinkError};
use crate::text::Text;

pub(super) mod image;
mod rollout;
mod run;
mod smoke;

/// GitHub shows ten annotations of a level in a step; the outcome's is one of them.
const WARNINGS: usize = 8;

/// What a refused run says where nothing else is wrong.
pub(super) const NO_CREDENTIALS: &str = "there are no usable AWS credentials";
/// What is said instead of "nothing was touched" where that is not so.
pub(super) const AFTER_CHANGES: &str =
    "before that was found, this run had already changed something in AWS, which the log names";

/// What answered was green, as it turned out.
const NEW_VERSION: &str = "test-url answers with the new version, and answered with another one before the rollout: it leads to green";

const SIGNALLED: &str = "The runner asks us to stop: undoing what is in progress";
const NO_WAY_BACK: &str =
    "Blue is gone: from here the way back is a new rollout of the old revision";

/// Renders events to lines; knows which group is open.
#[derive(Debug, Default)]
pub struct Console {
    open: Option<(Step, u64)>,
    warnings: usize,
    failed: Option<Failure>,
    stuck: Vec<(Text, Failure)>,
    watch_at: Option<String>,
    tags_not_set: Vec<DeferredTag>,
    test_url: Option<TestUrl>,
}

impl Console {
    /// The lines of an event.
    pub fn lines(&mut self, stamped: &Stamped) -> Vec<String> {
        let at = stamped.at_ms;
        match &stamped.event {
            Event::Started(start) => vec![run::started(start)],
            Event::Refused(refused) => self.after_close(at, run::refused(refused)),
            Event::StepStarted { step } => self.opened(*step, at),
            Event::StepEnded { step, end, result } => self.closed(*step, *end, result, at),
            Event::Failed { failure } => self.run_failed(failure, at),
            Event::Signalled => self.after_close(at, vec![SIGNALLED.into()]),
            Event::Ended(end) => self.ended(end, at),
            Event::PostEnded { result } => self.post_ended(result),
            Event::SinkFailed { sink, why } => sink_failed(sink, why),

            Event::Surveyed(service) => rollout::surveyed(service),
            Event::Planned(planned) => self.after_close(at, super::plan::lines(planned)),
            Event::Narrowed { check, allow, why } => {
                self.warning("a check is limited", &narrowed(check, allow, why))
            }
            Event::Fact(fact) => self.fact(fact),
            Event::Warned { sentence } => self.warning("note", sentence),
            Event::Noted { sentence } => vec![quiet(sentence)],

            Event::RepositoryCreated { repository, with } => {
                vec![quiet(&image::created(repository, with))]
            }
            Event::ImagePinned(pinned) => vec![image::pinned(pinned)],
            Event::TagsDeferred { tags } => self.tags_deferred(tags),
            Event::TagSet { tag } => self.tag_set(tag),
            Event::ScanAnswered { result } => super::scan::lines(result),
            Event::Revision(revision) => each(&revision.changes, |change| format!("  {change}")),
            Event::TaskStarted { arns } => each(arns, |arn| task_started(arn)),
            Event::TaskFound { arns } => each(arns, |arn| task_found(arn)),
            Event::TaskDone { containers } => vec![quiet(&containers.join(", "))],

            Event::RolloutStarted(rollout) => self.rollout_started(rollout),
            Event::RolloutSeen { progress } => vec![quiet(&rollout::progress_line(progress))],
            Event::GreenFound { place, health } => vec![quiet(&green_found(place, health))],
            Event::GateOpened { gate, seen } => vec![rollout::gate_opened(*gate, *seen)],
            Event::PointOfNoReturn => vec![NO_WAY_BACK.into()],
            Event::TrafficObserved(traffic) => vec![rollout::traffic(traffic)],

            Event::TestUrlSeen { seen } => self.test_url_seen(seen),
            Event::SmokeTested { result } => smoke::lines(result, &self.on(result.moment)),
            Event::Checked { measurement } => super::measurements::lines(measurement),
            Event::WarmedUp { result } => vec![quiet(&format!("warm-up of {result}"))],
            Event::Loaded { result } => super::load::lines(result, &self.on(result.moment)),
            Event::TesterStarted(tester) => vec![quiet(&self.tester_started(tester))],
            Event::TesterLine { line, .. } => vec![quiet(&format!("  | {line}"))],
            Event::Tested { result } => super::tester::lines(result, &self.on(result.moment)),

            Event::Undone { what } => vec![quiet(&format!("undone: {what}"))],
            Event::UndoFailed { what, failure } => self.undo_failed(what, failure),

            // Measured is for the report; the end of a one-off task is told by TaskDone, or by
            // what failed or stopped it.
            Event::Measured { .. } | Event::TaskRan { .. } => Vec::new(),
        }
    }

    /// A group that was cut short is closed before these lines.
    fn after_close(&mut self, at: u64, lines: Vec<String>) -> Vec<String> {
        self.close(at).into_iter().chain(lines).collect()
    }

    fn run_failed(&mut self, failure: &Failure, at: u64) -> Vec<String> {
        self.failed = Some(failure.clone());
        self.after_close(
            at,
            vec![quiet(&format!("{}.", capital(failure.sentence())))],
        )
    }

    fn rollout_started(&mut self, rollout: &StartedRollout) -> Vec<String> {
        self.watch_at = Some(rollout.console.clone());
        vec![rollout::started(rollout)]
    }

    fn test_url_seen(&mut self, seen: &TestUrl) -> Vec<String> {
        self.test_url = Some(seen.clone());
        match seen {
            TestUrl::TellsNewVersion => vec![NEW_VERSION.into()],
            TestUrl::LeadsToGreen | TestUrl::Unproven { .. } => Vec::new(),
        }
    }

    fn tester_started(&self, tester: &StartedTester) -> String {
        format!(
            "{} {}: {}",
            tester.name,
            self.on(tester.moment),
            tester.place
        )
    }

    fn undo_failed(&mut self, what: &Text, failure: &Failure) -> Vec<String> {
        self.stuck.push((what.clone(), failure.clone()));
        vec![quiet(&format!(
            "not undone: {what}: {}",
            failure.sentence()
        ))]
    }

    fn opened(&mut self, step: Step, at: u64) -> Vec<String> {
        let mut lines = self.close(at);
        self.open = Some((step, at));
        lines.push(group(title(step, self.test_url.as_ref())));
        lines
    }

    fn closed(&mut self, step: Step, end: StepEnd, result: &str, at: u64) -> Vec<String> {
        let began = self.open.take().map_or(at, |(_, began)| began);
        let took = human(at.saturating_sub(began));
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
            quiet(&format!(
                "{mark} {}{result} ({took})",
                title(step, self.test_url.as_ref())
            )),
        ]
    }

    /// Where a check of a moment was sent, in words.
    fn on(&self, moment: Moment) -> String {
        on(moment, self.test_url.as_ref())
    }

    /// A group that was cut short is closed, so that what follows is seen.
    fn close(&mut self, at: u64) -> Vec<String> {
        match self.open.take() {
            Some((step, began)) => vec![
                END_GROUP.into(),
                format!(
                    "✗ {}: cut short ({})",
                    title(step, self.test_url.as_ref()),
                    human(at.saturating_sub(began))
                ),
            ],
            None => Vec::new(),
        }
    }

    fn fact(&mut self, fact: &Fact) -> Vec<String> {
        let sentence = fact.sentence();
        match fact.level() {
            FactLevel::Warning => self.warning("note", &sentence),
            FactLevel::Note => vec![quiet(&sentence)],
        }
    }

    fn tags_deferred(&mut self, tags: &[DeferredTag]) -> Vec<String> {
        self.tags_not_set = tags.to_vec();
        each(tags, image::deferred)
    }

    fn tag_set(&mut self, tag: &str) -> Vec<String> {
        self.tags_not_set.retain(|waiting| waiting.tag != tag);
        vec![quiet(&format!("tag {tag} names the new image"))]
    }

    fn warning(&mut self, title: &str, sentence: &str) -> Vec<String> {
        self.warnings += 1;
        if self.warnings > WARNINGS {
            vec![quiet(&format!("warning: {sentence}"))]
        } else {
            vec![annotation(Level::Warning, title, &quiet(sentence))]
        }
    }

    fn post_ended(&mut self, result: &str) -> Vec<String> {
        std::iter::once(format!("Post: {}", quiet(result)))
            .chain(self.stuck())
            .collect()
    }

    /// What could not be undone and what to do about it; told last, where people look first.
    fn stuck(&mut self) -> Vec<String> {
        std::mem::take(&mut self.stuck)
            .iter()
            .flat_map(|(what, failure)| run::undo_failed(what, failure))
            .collect()
    }

    /// What serves traffic now; what failed; why; what to do.
    fn ended(&mut self, end: &RunEnd, at: u64) -> Vec<String> {
        let (outcome, reason) = (end.outcome, end.reason.word());
        let sentence = capital(&end.sentence);
        let mut lines = self.close(at);
        lines.push(String::new());
        lines.push(quiet(&format!("{}.", sentence.trim_end_matches('.'))));
        lines.extend(self.tags_left(outcome));
        let failure = self.failed.take();
        if let Some(failure) = failure.as_ref().filter(|_| !outcome.is_success()) {
            let title = format!("{outcome} ({reason})");
            lines.extend(run::failed(&title, failure.sentence(), failure));
        }
        lines.extend(self.stuck());
        if let Some(url) = self.watch_at.as_ref().filter(|_| !outcome.is_success()) {
            lines.push(quiet(&format!("  see: {url}")));
        }
        let reason = if outcome.is_success() {
            String::new()
        } else {
            format!(" ({reason})")
        };
        lines.push(format!(
            "Outcome: {outcome}{reason}, exit code {}, after {}",
            outcome.exit_code(),
            human(at)
        ));
        lines
    }

    fn tags_left(&self, outcome: Outcome) -> Vec<String> {
        let later = if outcome == Outcome::Waiting {
            "; mode: continue does not set it (docs/images.md)"
        } else {
            ""
        };
        each(&self.tags_not_set, |tag| {
            format!("Tag {}{later}", image::not_set(tag))
        })
    }
}

impl Sink for Console {
    fn name(&self) -> &'static str {
        "the log"
    }

    fn take(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        print(&self.lines(stamped));
        Ok(())
    }
}

/// A harmless line for each.
fn each<T>(things: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    things.iter().map(|thing| quiet(&line(thing))).collect()
}

/// Not among the warnings of the run: it says nothing about the deployment.
fn sink_failed(sink: &str, why: &str) -> Vec<String> {
    let sentence = format!("{sink} is incomplete: {why}");
    vec![annotation(Level::Warning, "runner", &quiet(&sentence))]
}

fn task_started(arn: &str) -> String {
    format!("task {} started", short_name(arn))
}

fn task_found(arn: &str) -> String {
    format!(
        "task {} of an earlier attempt of this run is used: it is not run again",
        short_name(arn)
    )
}

fn green_found(place: &str, health: &str) -> String {
    format!("green is behind target group {place}, {health}")
}

fn narrowed(check: &str, allow: &str, why: &str) -> String {
    let allow = if allow.is_empty() {
        String::new()
    } else {
        format!(" Allow {allow} to have it.")
    };
    format!("{}.{allow} ({why})", capital(check))
}

/// A heading: only what is known to be green is called so.
pub(super) fn title(step: Step, test_url: Option<&TestUrl>) -> &'static str {
    match (step, test_url) {
        (Step::Gate, Some(TestUrl::Unproven { .. })) => "Smoke tests at test-url",
        (step, _) => step.title(),
    }
}

/// With a capital at its begin, unless it begins with a name that has none (`ecs:UpdateService`,
/// `api:2`).
pub(super) fn capital(words: &str) -> String {
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

fn quiet(line: &str) -> String {
    harmless(line)
}
