//! The log as the runner shows it: a group for each step, one line for each change, the outcome
//! last and outside.
//!
//! Every line is made harmless: whatever AWS, a file or an answer says, the runner takes none of it
//! for a command.

use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::checks::smoke::{TestResult, TestVerdict};
use crate::error::{Failure, StoppedContainer};
use crate::event::{
    DeferredTag, Event, Gate, Parts, Progress, ReportedProblem, Stamped, Step, StepEnd, StepSeen,
    Tasks, TestUrl, Transfer, on,
};
use crate::github::commands::{END_GROUP, Level, annotation, annotation_of, fits, group, harmless};
use crate::outcome::{Mode, Outcome, Reason};
use crate::sinks::outputs::human;
use crate::steps::image::short_digest;

/// GitHub shows ten annotations of a level in a step; the outcome's is one of them.
const WARNINGS: usize = 8;

/// What a refused run says where nothing else is wrong.
pub(super) const NO_CREDENTIALS: &str = "there are no usable AWS credentials";
/// What is said instead of "nothing was touched" where that is not so.
pub(super) const AFTER_CHANGES: &str =
    "before that was found, this run had already changed something in AWS, which the log names";

/// What answered was green, as it turned out.
const NEW_VERSION: &str = "test-url answers with the new version, and answered with another one before the rollout: it leads to green";

/// Renders events to lines; knows which group is open.
#[derive(Debug, Default)]
pub struct Console {
    open: Option<(Step, u64)>,
    warnings: usize,
    failed: Option<Failure>,
    stuck: Vec<(String, Failure)>,
    watch_at: Option<String>,
    tags_not_set: Vec<DeferredTag>,
    test_url: Option<TestUrl>,
}

impl Console {
    /// The lines of an event.
    pub fn lines(&mut self, stamped: &Stamped) -> Vec<String> {
        let at = stamped.at_ms;
        match &stamped.event {
            Event::Started {
                run,
                region,
                cluster,
                service,
                version,
                mode,
                ..
            } => {
                vec![quiet(&format!(
                    "{} {region} (run {run})",
                    begun(*mode, cluster, service.as_deref(), version.as_deref())
                ))]
            }
            Event::Refused {
                problems,
                after_changes,
                reason,
            } => self
                .close(at)
                .into_iter()
                .chain(refused(problems, *after_changes, *reason))
                .collect(),
            Event::StepStarted { step } => self.opened(*step, at),
            Event::StepEnded { step, end, result } => self.closed(*step, *end, result, at),
            Event::Failed { failure } => {
                self.failed = Some(failure.clone());
                let lines = self.close(at);
                lines
                    .into_iter()
                    .chain([quiet(&format!("{}.", capital(failure.sentence())))])
                    .collect()
            }
            Event::Signalled => {
                let mut lines = self.close(at);
                lines.push("The runner asks us to stop: undoing what is in progress".into());
                lines
            }
            Event::Ended {
                outcome,
                reason,
                sentence,
            } => self.ended(*outcome, reason.word(), sentence, at),
            other => self.inside(other),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    fn inside(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Surveyed {
                controller,
                blue,
                tasks,
                plan,
            } => surveyed(controller, blue, *tasks, plan),
            Event::Narrowed { check, allow, why } => {
                self.warning("a check is limited", &narrowed(check, allow, why))
            }
            Event::Warned { sentence } => self.warning("note", sentence),
            Event::Noted { sentence } => vec![quiet(sentence)],
            Event::RepositoryCreated { repository, with } => {
                vec![quiet(&created(repository, with))]
            }
            Event::ImagePinned {
                image,
                tags,
                moved,
                transfer: None,
                ..
            } => {
                vec![quiet(&format!(
                    "{image}{}, {} moved",
                    tagged(tags),
                    bytes(*moved)
                ))]
            }
            Event::ImagePinned {
                image,
                tags,
                transfer: Some(transfer),
                ..
            } => {
                vec![quiet(&format!(
                    "{image}{}: {}",
                    tagged(tags),
                    transferred(transfer)
                ))]
            }
            Event::TagsDeferred { tags } => self.tags_deferred(tags),
            Event::TagSet { tag } => self.tag_set(tag),
            Event::ScanAnswered { result } => super::scan::lines(result),
            Event::Revision { changes, .. } => changes
                .iter()
                .map(|change| quiet(&format!("  {change}")))
                .collect(),
            Event::TaskStarted { arns } => arns
                .iter()
                .map(|arn| quiet(&format!("task {} started", short_name(arn))))
                .collect(),
            Event::TaskFound { arns } => arns.iter().map(|arn| task_found(arn)).collect(),
            Event::TaskDone { containers } => vec![quiet(&containers.join(", "))],
            Event::RolloutStarted {
                deployment,
                console,
                found,
                ..
            } => {
                self.watch_at = Some(console.clone());
                let what = if *found {
                    "Deployment followed"
                } else {
                    "Deployment started"
                };
                vec![quiet(&format!(
                    "{what}: {deployment}. Watch it in the AWS console: {console}"
                ))]
            }
            Event::RolloutSeen { progress } => vec![quiet(&progress_line(progress))],
            Event::GateOpened {
                gate: Gate::Green, ..
            } => vec!["The gate is open: traffic may shift".into()],
            Event::GateOpened {
                gate: Gate::Step,
                seen,
            } => vec![format!(
                "{}the next step of traffic may follow",
                step_seen(*seen)
            )],
            Event::GateOpened {
                gate: Gate::Production,
                ..
            } => vec!["The gate after the shift is open: the rollout may end".into()],
            Event::TestUrlSeen { seen } => {
                self.test_url = Some(seen.clone());
                if *seen == TestUrl::TellsNewVersion {
                    vec![NEW_VERSION.into()]
                } else {
                    Vec::new()
                }
            }
            Event::SmokeTested { result } => test_lines(result, &self.on(result.moment)),
            Event::Checked { measurement } => super::measurements::lines(measurement),
            Event::WarmedUp { result } => vec![quiet(&format!("warm-up of {result}"))],
            Event::Loaded { result } => super::load::lines(result, &self.on(result.moment)),
            Event::TesterStarted {
                name,
                moment,
                place,
            } => vec![quiet(&format!("{name} {}: {place}", self.on(*moment)))],
            Event::TesterLine { line, .. } => vec![quiet(&format!("  | {line}"))],
            Event::Tested { result } => super::tester::lines(result, &self.on(result.moment)),
            Event::GreenFound { place, health } => vec![quiet(&format!(
                "green is behind target group {place}, {health}"
            ))],
            Event::PointOfNoReturn => vec![
                "Blue is gone: from here the way back is a new rollout of the old revision".into(),
            ],
            Event::TrafficObserved {
                revision,
                side,
                witness,
            } => {
                vec![quiet(
                    &format!(
                        "production: 100 % on {side:?} ({}), {}",
                        short_name(revision),
                        witness.words()
                    )
                    .to_lowercase(),
                )]
            }
            Event::Undone { what } => vec![quiet(&format!("undone: {what}"))],
            Event::UndoFailed { what, failure } => {
                self.stuck.push((what.clone(), failure.clone()));
                vec![quiet(&format!(
                    "not undone: {what}: {}",
                    failure.sentence()
                ))]
            }
            // Measured is for the report, the end of a one-off task is told by TaskDone or by what
            // failed or stopped it; the others have lines of their own in `lines`.
            Event::Measured { .. }
            | Event::TaskRan { .. }
            | Event::Started { .. }
            | Event::Refused { .. }
            | Event::StepStarted { .. }
            | Event::StepEnded { .. }
            | Event::Failed { .. }
            | Event::Signalled
            | Event::Ended { .. } => Vec::new(),
        }
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

    fn tags_deferred(&mut self, tags: &[DeferredTag]) -> Vec<String> {
        self.tags_not_set = tags.to_vec();
        tags.iter().map(|tag| quiet(&deferred(tag))).collect()
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

    /// What could not be undone and what to do about it; told last, where people look first.
    pub fn stuck(&mut self) -> Vec<String> {
        std::mem::take(&mut self.stuck)
            .iter()
            .flat_map(|(what, failure)| undo_failed(what, failure))
            .collect()
    }

    /// What serves traffic now; what failed; why; what to do.
    fn ended(&mut self, outcome: Outcome, reason: &str, sentence: &str, at: u64) -> Vec<String> {
        let mut lines = self.close(at);
        lines.push(String::new());
        lines.push(quiet(&format!(
            "{}.",
            capital(sentence).trim_end_matches('.')
        )));
        let later = if outcome == Outcome::Waiting {
            "; mode: continue does not set it (docs/images.md)"
        } else {
            ""
        };
        lines.extend(
            self.tags_not_set
                .iter()
                .map(|tag| quiet(&format!("Tag {}{later}", not_set(tag)))),
        );
        let failure = self.failed.take();
        if let Some(failure) = failure.as_ref().filter(|_| !outcome.is_success()) {
            lines.extend(failed(
                &format!("{outcome} ({reason})"),
                failure.sentence(),
                failure,
            ));
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
}

fn refused(
    problems: &[ReportedProblem],
    after_changes: bool,
    reason: Reason,
) -> impl Iterator<Item = String> {
    let problem = if problems.len() == 1 {
        "a problem".into()
    } else {
        format!("{} problems", problems.len())
    };
    let why = if reason == Reason::Credentials {
        NO_CREDENTIALS.to_owned()
    } else {
        format!("the inputs have {problem}")
    };
    let head = if after_changes {
        format!("{}; {AFTER_CHANGES}", capital(&why))
    } else {
        format!("Nothing was touched: {why}")
    };
    let each = problems.iter().map(|problem| {
        let lines = [
            problem.problem.clone(),
            format!("  hint: {}", problem.remedy),
        ];
        annotation_of(Level::Error, "input refused", problem.at.as_ref(), &lines)
    });
    std::iter::once(head).chain(each)
}

fn begun(mode: Mode, cluster: &str, service: Option<&str>, version: Option<&str>) -> String {
    let version = version
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    match (mode, service) {
        (_, None) => format!("Registering{version} in"),
        (Mode::Deploy, Some(service)) => format!("Deploying{version} to {service} on {cluster},"),
        (Mode::Rollback, Some(service)) => format!("Rolling {service} on {cluster} back,"),
        (Mode::Continue, Some(service)) => format!("Opening the gate of {service} on {cluster},"),
        (Mode::Abort, Some(service)) => {
            format!("Rolling back the rollout of {service} on {cluster},")
        }
        (Mode::Status, Some(service)) => format!("Looking at {service} on {cluster},"),
    }
}

fn task_found(arn: &str) -> String {
    quiet(&format!(
        "task {} of an earlier attempt of this run is used: it is not run again",
        short_name(arn)
    ))
}

fn surveyed(controller: &str, blue: &str, tasks: Tasks, plan: &[String]) -> Vec<String> {
    let head = format!(
        "controller {controller}; {} of {} tasks run {}",
        tasks.running,
        tasks.desired,
        short_name(blue)
    );
    std::iter::once(quiet(&head))
        .chain(plan.iter().map(|line| quiet(&format!("  {line}"))))
        .collect()
}

fn narrowed(check: &str, allow: &str, why: &str) -> String {
    let allow = if allow.is_empty() {
        String::new()
    } else {
        format!(" Allow {allow} to have it.")
    };
    format!("{}.{allow} ({why})", capital(check))
}

fn progress_line(progress: &Progress) -> String {
    let traffic = progress.traffic.map(|traffic| {
        format!(
            ", production blue {} % green {} %",
            traffic.blue.round(),
            traffic.green.round()
        )
    });
    let tasks = progress.tasks.map(|tasks| {
        let failed = if tasks.failed > 0 {
            format!(", {} failed", tasks.failed)
        } else {
            String::new()
        };
        format!(
            ", green {} of {} tasks running{failed}",
            tasks.running, tasks.desired
        )
    });
    format!(
        "{}{}{}",
        progress.stage,
        traffic.unwrap_or_default(),
        tasks.unwrap_or_default()
    )
}

/// Only what was looked at is said.
fn step_seen(seen: StepSeen) -> &'static str {
    match (seen.healthy, seen.quiet) {
        (true, true) => "green is healthy and no alarm has begun to ring: ",
        (true, false) => "green is healthy: ",
        (false, true) => "no alarm has begun to ring: ",
        (false, false) => "",
    }
}

/// A heading: only what is known to be green is called so.
pub(super) fn title(step: Step, test_url: Option<&TestUrl>) -> &'static str {
    match (step, test_url) {
        (Step::Gate, Some(TestUrl::Unproven { .. })) => "Smoke tests at test-url",
        (step, _) => step.title(),
    }
}

fn test_lines(result: &TestResult, on: &str) -> Vec<String> {
    let (name, request) = (&result.name, &result.request);
    let took = human(result.last_milliseconds);
    let attempts = if result.attempts > 1 {
        format!(", attempt {}", result.attempts)
    } else {
        String::new()
    };
    match result.verdict {
        TestVerdict::Passed => vec![quiet(&format!(
            "✓ {name} {on}: {request} ({took}{attempts})"
        ))],
        TestVerdict::Skipped => mismatches(
            format!("– {name} {on}: {request}, called off: another test failed first"),
            result,
        ),
        TestVerdict::Unfinished => {
            let tries = if result.attempts == 1 {
                "1 attempt".to_owned()
            } else {
                format!("{} attempts", result.attempts)
            };
            mismatches(
                format!(
                    "– {name} {on}: {request}, had not passed after {tries} when the run ended"
                ),
                result,
            )
        }
        TestVerdict::Failed => mismatches(
            format!("✗ {name} {on}: {request} ({took}{attempts})"),
            result,
        ),
    }
}

fn mismatches(head: String, result: &TestResult) -> Vec<String> {
    let failures = result.failures.iter().map(|failure| {
        format!(
            "    {}: expected {}, found {}",
            failure.what, failure.expected, failure.found
        )
    });
    std::iter::once(head)
        .chain(failures)
        .map(|line| quiet(&line))
        .collect()
}

fn undo_failed(what: &str, failure: &Failure) -> Vec<String> {
    failed(
        "stuck",
        &format!("not undone: {what}: {}", failure.sentence()),
        failure,
    )
}

/// What failed, why, and what to do, in one annotation: GitHub shows annotations without the log
/// around them. The last words of containers are in it where they fit.
fn failed(title: &str, sentence: &str, failure: &Failure) -> Vec<String> {
    let causes: Vec<String> = failure
        .chain
        .iter()
        .skip(1)
        .map(|cause| format!("  Caused by: {cause}"))
        .collect();
    let hints: Vec<String> = failure
        .hints
        .iter()
        .map(|hint| format!("  hint: {hint}"))
        .collect();
    let stopped: Vec<String> = failure.stopped.iter().flat_map(last_words).collect();
    let whole = [
        vec![sentence.to_owned()],
        causes.clone(),
        stopped.clone(),
        hints.clone(),
    ]
    .concat();
    if fits(&whole) {
        return vec![annotation_of(Level::Error, title, None, &whole)];
    }
    let short = [vec![sentence.to_owned()], causes, hints].concat();
    std::iter::once(annotation_of(Level::Error, title, None, &short))
        .chain(stopped.iter().map(|line| quiet(line)))
        .collect()
}

fn last_words(stopped: &StoppedContainer) -> Vec<String> {
    let head = format!(
        "  container {} of task {}: {}; {}",
        stopped.container,
        stopped.task,
        stopped.exit(),
        stopped.why
    );
    std::iter::once(head)
        .chain(stopped.log.iter().map(|line| format!("    | {line}")))
        .collect()
}

fn tagged(tags: &[String]) -> String {
    if tags.is_empty() {
        String::new()
    } else {
        format!(" as {}", tags.join(", "))
    }
}

/// At the push: what becomes of the tag.
fn deferred(tag: &DeferredTag) -> String {
    match &tag.names {
        Some(digest) => format!(
            "tag {} names {} now; it moves last, when everything else has succeeded",
            tag.tag,
            short_digest(digest)
        ),
        None => format!(
            "tag {} is set last, when everything else has succeeded",
            tag.tag
        ),
    }
}

/// In the end: what did not become of it.
pub(super) fn not_set(tag: &DeferredTag) -> String {
    match &tag.names {
        Some(digest) => format!(
            "{} was not moved to this image; it named {}",
            tag.tag,
            short_digest(digest)
        ),
        None => format!("{} was not set on this image", tag.tag),
    }
}

fn created(repository: &str, with: &[String]) -> String {
    let with = if with.is_empty() {
        "as ECR makes them".to_owned()
    } else {
        with.join(", ")
    };
    format!("repository {repository} made: {with}; it stays, whatever becomes of the deployment")
}

/// What became of an image's parts.
pub(super) fn transferred(transfer: &Transfer) -> String {
    if transfer.is_nothing() {
        return "already in the registry, 0 bytes moved".to_owned();
    }
    let part =
        |parts: Parts, what: &str| format!("{} {what} ({})", parts.count, bytes(parts.bytes));
    let others = [
        (transfer.mounted, "mounted"),
        (transfer.skipped, "there already"),
    ];
    let others = others
        .into_iter()
        .filter(|(parts, _)| parts.count > 0)
        .map(|(parts, what)| part(parts, what));
    std::iter::once(part(transfer.sent, "layers and configs sent"))
        .chain(others)
        .collect::<Vec<_>>()
        .join(", ")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a tenth of a mebibyte is precise enough for people"
)]
fn bytes(moved: u64) -> String {
    if moved < 10_240 {
        format!("{moved} bytes")
    } else {
        format!("{:.1} MiB", moved as f64 / 1_048_576.0)
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
