//! The plan as a comment on the pull request, which every run writes anew. The whole text is in the
//! step summary; what does not fit into a comment is left to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::event::Stamped;
use crate::github::client::GithubError;
use crate::github::comments::{IssueComments, Marker};
use crate::github::pull_request::PullRequestRun;
use crate::inputs;
use crate::outcome::Mode;
use crate::registry::Digest;
use crate::report::Report;
use crate::secret::Secret;
use crate::sinks::markdown::{code_span, escape_html_text};
use crate::sinks::sink::{RemoteSink, SinkError};
use crate::sinks::{plan, summary};

/// GitHub takes 65,536 characters; bytes are counted here, which are never fewer.
const MAX_BYTES: usize = 65_000;
/// How much of a comment its own words take: the marker, and what is around the parts.
const RESERVED_BYTES: usize = 1_000;
/// An event's file is some tens of kilobytes; a pull request's description has at most 64.
const MAX_EVENT_BYTES: u64 = 8 * 1024 * 1024;
/// How long all requests may take together, a little less than the sink has.
const TIMEOUT: Duration = Duration::from_secs(9);
/// Digits of the hash that tells subjects apart.
const SUBJECT_DIGITS: usize = 16;

/// Where the comment goes, and what the inputs say of it.
#[derive(Debug)]
pub struct CommentTarget {
    run: PullRequestRun,
    token: Secret,
    environment: Option<String>,
}

impl CommentTarget {
    /// From the runner's variables, with those of the inputs; none where no comment is written:
    /// without a pull request or a token, in another mode, and with `comment: never`.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Option<Self> {
        let (inputs, _) = inputs::read_all(variables);
        let is_plan = Mode::from_input(inputs.mode.as_deref()) == Some(Mode::Plan);
        let is_wanted = inputs
            .comment
            .as_deref()
            .is_none_or(|word| !word.eq_ignore_ascii_case("never"));
        if !is_plan || !is_wanted {
            return None;
        }
        Some(Self {
            run: PullRequestRun::from_variables(variables)?,
            token: Secret::new(inputs.github_token?),
            environment: inputs.environment,
        })
    }
}

/// Writes the comment at the end of the run.
pub struct PlanComment {
    target: CommentTarget,
    report: Report,
}

impl PlanComment {
    /// Writes to this place.
    pub fn new(target: CommentTarget) -> Self {
        Self {
            target,
            report: Report::empty(),
        }
    }

    async fn write(&self) -> Result<(), SinkError> {
        let event = read_event(&self.target.run).await;
        let Some(number) = self.target.run.number(event.as_ref()) else {
            return Err(SinkError::new(
                "the event does not say which pull request the run is for",
            ));
        };
        let (run, token) = (&self.target.run, &self.target.token);
        let marker = marker(&self.target, &self.report);
        let body = render(&self.target, &self.report, &marker);
        let written = async {
            let comments = IssueComments::connect(run, number, token)?;
            comments.write(&marker, &body).await
        };
        match tokio::time::timeout(TIMEOUT, written).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => Err(explain(&GithubError::TimedOut(TIMEOUT))),
        }
    }
}

impl RemoteSink for PlanComment {
    const NAME: &'static str = "the comment on the pull request";
    const DEADLINE: Duration = Duration::from_secs(10);

    async fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        self.report.add(stamped);
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), SinkError> {
        // A run that was cut short has nothing to say of a plan; one that did not begin knows no
        // service whose comment it could write.
        if self.report.outcome.is_none() || self.report.run.is_empty() {
            return Ok(());
        }
        self.write().await
    }
}

/// The file with what the workflow runs for; none where it cannot be read.
async fn read_event(run: &PullRequestRun) -> Option<Value> {
    let path = run.event_file.as_ref()?;
    if !tokio::fs::metadata(path).await.ok()?.is_file() {
        return None; // reading a pipe might never end
    }
    let mut text = Vec::new();
    let file = tokio::fs::File::open(path).await.ok()?;
    file.take(MAX_EVENT_BYTES)
        .read_to_end(&mut text)
        .await
        .ok()?;
    serde_json::from_slice(&text).ok()
}

fn explain(error: &GithubError) -> SinkError {
    let what_to_do = if error.is_denied() {
        "; give the job `permissions: { pull-requests: write }`, or set comment: never (the token of a pull request from a fork only reads: its plan is in the summary)"
    } else {
        "; the plan is in the summary"
    };
    SinkError::new(&format!("{}{what_to_do}", describe_chain(error)))
}

fn describe_chain(error: &GithubError) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}

/// One comment for each service in each environment.
fn marker(target: &CommentTarget, report: &Report) -> Marker {
    let service = report.service.as_ref().map_or("", |name| name.as_str());
    let environment = target.environment.as_deref().unwrap_or_default();
    let parts = [
        report.region.as_str(),
        report.cluster.as_str(),
        service,
        environment,
    ];
    let hash = Digest::compute(parts.join("\n").as_bytes());
    Marker {
        subject: hash.hex()[..SUBJECT_DIGITS].to_owned(),
        run: target.run.run,
    }
}

fn render(target: &CommentTarget, report: &Report, marker: &Marker) -> String {
    let environment = target.environment.as_ref();
    let environment = environment.map(|name| format!("Environment: {}.", code_span(name)));
    let mut budget = Budget::default();
    let head = budget.fit([
        summary::heading(report),
        environment.unwrap_or_default(),
        summary::problems_table(report),
        summary::failure_section(report),
    ]);
    let folded = budget.fit(plan::parts(report));
    let mut parts = vec![marker.to_line(), head];
    if !folded.is_empty() {
        let title = escape_html_text("What a deployment would do");
        parts.push(format!(
            "<details><summary>{title}</summary>\n\n{folded}\n\n</details>"
        ));
    }
    if budget.left_out > 0 {
        let left_out =
            "Something is too long for a comment: all of it is in the summary of the run.";
        parts.push(left_out.to_owned());
    }
    let ((id, attempt), page) = (target.run.run, &target.run.page);
    parts.push(format!(
        "<sub>[Run {id}]({page}), attempt {attempt}; written anew by every run.</sub>\n"
    ));
    parts.join("\n\n")
}

/// How much of a comment is taken. What does not fit is left out as a whole, so that no block is
/// left open.
#[derive(Default)]
struct Budget {
    taken: usize,
    left_out: usize,
}

impl Budget {
    /// Those of the parts that fit, as one text.
    fn fit(&mut self, parts: impl IntoIterator<Item = String>) -> String {
        let mut fitting = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let with_part = self.taken + part.len() + 2;
            if with_part > MAX_BYTES - RESERVED_BYTES {
                self.left_out += 1;
            } else {
                self.taken = with_part;
                fitting.push(part);
            }
        }
        fitting.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PlannedDeployment, PlannedRevision};
    use crate::outcome::Outcome;

    fn target() -> CommentTarget {
        let pairs = [
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_REPOSITORY", "octo/shop"),
            ("GITHUB_REF", "refs/pull/7/merge"),
            ("GITHUB_RUN_ID", "4711"),
            ("INPUT_MODE", "plan"),
            ("INPUT_GITHUB-TOKEN", "t0ken"),
            ("INPUT_ENVIRONMENT", "--><script>@team"),
        ];
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        CommentTarget::from_variables(&variables.into()).unwrap()
    }

    fn report(changes: usize) -> Report {
        let task_definition = PlannedRevision {
            family: "api".to_owned(),
            registered: None,
            previous: None,
            changes: (0..changes)
                .map(|at| {
                    format!(
                        "containerDefinitions[app].environment[NAME_{at}].value (new) </pre> @team"
                    )
                    .into()
                })
                .collect(),
        };
        Report {
            service: Some("api".into()),
            cluster: "prod".into(),
            outcome: Some(Outcome::Planned),
            sentence: "api:1 serves production @team <b>".into(),
            plan: Some(PlannedDeployment {
                version: 1,
                digest: "p1".to_owned(),
                changes: true,
                controller: None,
                serves: None,
                image: None,
                task_definition,
                service_changes: Vec::new(),
                before: Vec::new(),
                steps: Vec::new(),
                if_left_alone: None,
                drift: None,
            }),
            ..Report::empty()
        }
    }

    #[test]
    fn a_comment_mentions_nobody_and_ends_no_block_early() {
        let (target, report) = (target(), report(3));
        let text = render(&target, &report, &marker(&target, &report));
        assert!(
            !text.contains("@team") && !text.contains("<script>"),
            "{text}"
        );
        assert_eq!(text.matches("</pre>").count(), 1, "{text}");
        assert_eq!(text.matches("-->\n").count(), 1, "{text}");
        assert!(
            text.contains("<details>") && text.ends_with("</sub>\n"),
            "{text}"
        );
    }

    #[test]
    fn a_plan_of_any_length_fits_into_a_comment() {
        let target = target();
        for changes in [0, 100, 400, 10_000] {
            let report = report(changes);
            let text = render(&target, &report, &marker(&target, &report));
            assert!(text.chars().count() <= 65_536, "{changes}");
            let is_whole = text.matches(".value (new)").count() == changes;
            assert_eq!(
                is_whole,
                !text.contains("too long for a comment"),
                "{changes}"
            );
        }
    }

    #[test]
    fn every_service_and_environment_has_a_comment_of_its_own() {
        let (one, two) = (target(), target());
        let other = Report {
            service: Some("web".into()),
            ..report(0)
        };
        assert_eq!(marker(&one, &report(0)), marker(&two, &report(1)));
        assert_ne!(
            marker(&one, &report(0)).subject,
            marker(&one, &other).subject
        );
    }
}
