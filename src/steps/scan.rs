//! The gate on scan findings: waits for the registry's scan of the image and evaluates it, before
//! anything is registered.
//!
//! Nothing is armed: starting a scan changes nothing that runs.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::aws::ecr_scan::{ScannedRepository, StartScanResult};
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::{Explain, Failure};
use crate::event::Event;
use crate::outcome::Reason;
use crate::plan::ScanPlan;
use crate::registry::{Digest, Platform};
use crate::run::Run;
use crate::scan::{
    self, Policy, ScanAnswer, ScanObservation, ScanRefusal, ScanResult, ScanStart, ScanVerdict,
    ScannedManifest, TimeLimit,
};

use super::image::{ResolvedImage, short_digest};
use crate::text::Text;

/// The first pause between looks, which grows while nothing changes, and the longest: basic scans
/// take seconds, Inspector's minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the last read may take beyond the limit.
const LAST_LOOK: Duration = Duration::from_secs(20);

/// The scan could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the scan of the image could not be read")]
pub struct ScanError(#[from] AwsError);

impl Explain for ScanError {
    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

/// Evaluates the image that will run, of an index the one for the task's platform; returns the
/// result in a line.
///
/// # Errors
/// The image may not be deployed, or the scan cannot be read.
pub async fn check_image(
    run: &Run,
    plan: &ScanPlan,
    definition: &Value,
    image: &ResolvedImage,
) -> Result<String, Failure> {
    let repository = ScannedRepository::from_image(&image.image);
    let (Some(digest), Some(repository)) = (&image.digest, repository) else {
        return Err(ScanRefusal::NotInRegistry.into());
    };
    let deadline = Instant::now() + wait_budget(run, plan);
    let mut results = Vec::new();
    for scanned in scan::select_manifests(digest, &children_of(image), definition) {
        let watch = ScanPoller::new(run, plan, &repository, &scanned, deadline);
        results.push(watch.wait_for_verdict().await?);
    }
    Ok(results.join("; "))
}

/// What is known of an image that is in its registry already, in a line for each of its platforms.
/// Nothing is waited for or started; what cannot be read is said.
pub async fn describe_known(run: &Run, definition: &Value, image: &ResolvedImage) -> Vec<Text> {
    let repository = ScannedRepository::from_image(&image.image);
    let (Some(digest), Some(repository)) = (&image.digest, repository) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for scanned in scan::select_manifests(digest, &children_of(image), definition) {
        let found = match run.aws.describe_scan(&repository, &scanned.digest).await {
            Ok(answer) => answer.describe(),
            // Another registry's, or an image whose parts are there and which is not.
            Err(error) if is_missing(&error) => continue,
            Err(error) => format!("not known: {error}"),
        };
        let of = scanned
            .platform
            .map(|platform| format!("{platform}: "))
            .unwrap_or_default();
        lines.push(format!("{of}{found}").into());
    }
    lines
}

fn is_missing(error: &AwsError) -> bool {
    error.has_code("RepositoryNotFoundException") || error.has_code("ImageNotFoundException")
}

/// The images of an index, by platform.
fn children_of(image: &ResolvedImage) -> Vec<(Platform, Digest)> {
    image
        .images
        .iter()
        .filter_map(|child| Some((child.platform.clone(), child.digest.clone()?)))
        .collect()
}

/// What the user allows for the whole run bounds the wait as well.
fn wait_budget(run: &Run, plan: &ScanPlan) -> Duration {
    let remaining = plan
        .deadline
        .map(|deadline| deadline.saturating_sub(run.elapsed()));
    remaining.map_or(plan.policy.wait, |left| left.min(plan.policy.wait))
}

/// One image's scan, read until it has a verdict.
struct ScanPoller<'a> {
    run: &'a Run,
    policy: &'a Policy,
    repository: &'a ScannedRepository,
    scanned: &'a ScannedManifest,
    fixed: Option<Duration>,
    began: Instant,
    deadline: Instant,
    start: ScanStart,
    /// The latest answer, and since when it is the same.
    latest: (ScanAnswer, Instant),
    last_note: Option<String>,
    pause: Duration,
}

impl<'a> ScanPoller<'a> {
    fn new(
        run: &'a Run,
        plan: &'a ScanPlan,
        repository: &'a ScannedRepository,
        scanned: &'a ScannedManifest,
        deadline: Instant,
    ) -> Self {
        let now = Instant::now();
        let (start, latest) = (ScanStart::NotRequested, (ScanAnswer::Absent, now));
        Self {
            run,
            policy: &plan.policy,
            repository,
            scanned,
            fixed: plan.fixed_interval,
            began: now,
            deadline,
            start,
            latest,
            last_note: None,
            pause: FIRST_PAUSE,
        }
    }

    /// The result of the scan, in a line.
    async fn wait_for_verdict(mut self) -> Result<String, Failure> {
        loop {
            let time = if Instant::now() >= self.deadline {
                TimeLimit::Reached
            } else {
                TimeLimit::NotReached
            };
            let verdict = match self.poll_verdict(time).await? {
                ScanVerdict::Start => self.start_scan().await?,
                other => other,
            };
            match verdict {
                ScanVerdict::Pass => return Ok(self.report_pass()),
                ScanVerdict::Refuse(refusal) => return Err(self.report_refusal(refusal)),
                ScanVerdict::Wait | ScanVerdict::Start => self.wait().await,
            }
        }
    }

    async fn poll_verdict(&mut self, time: TimeLimit) -> Result<ScanVerdict, Failure> {
        match self.look().await {
            Ok(answer) => {
                self.record_answer(answer);
                Ok(self.evaluate(time))
            }
            Err(error) if time == TimeLimit::NotReached && is_temporary(&error) => {
                self.note_once(format!("{error}; looking again"));
                Ok(ScanVerdict::Wait)
            }
            Err(error) => Err(ScanError(error).into()),
        }
    }

    /// Reads the scan once; a slow endpoint does not hold the run longer than the user allows.
    async fn look(&self) -> Result<ScanAnswer, AwsError> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        let look = self
            .run
            .aws
            .describe_scan(self.repository, &self.scanned.digest);
        tokio::time::timeout(remaining + LAST_LOOK, look)
            .await
            .unwrap_or_else(|_| Err(AwsError::timed_out("ecr:DescribeImageScanFindings")))
    }

    fn record_answer(&mut self, answer: ScanAnswer) {
        match &answer {
            ScanAnswer::InProgress(word) => self.note_once(format!(
                "the scan of {} is {word}",
                short_digest(self.scanned.digest.as_str())
            )),
            ScanAnswer::Absent if self.start == ScanStart::NotRequested => {
                self.note_once(format!(
                    "there is no scan of {} yet",
                    short_digest(self.scanned.digest.as_str())
                ));
            }
            ScanAnswer::Absent | ScanAnswer::Found(_) | ScanAnswer::NoFindings(..) => {}
        }
        if answer != self.latest.0 {
            self.latest = (answer, Instant::now());
            self.pause = FIRST_PAUSE;
        }
    }

    fn evaluate(&self, time: TimeLimit) -> ScanVerdict {
        let (answer, since) = &self.latest;
        let age = completion_time(answer).map(crate::clock::elapsed_since);
        let (unchanged, waited) = (since.elapsed(), self.began.elapsed());
        scan::evaluate(
            self.policy,
            &ScanObservation {
                repository: &self.repository.name,
                answer,
                unchanged,
                age,
                waited,
                time,
                start: &self.start,
            },
        )
    }

    /// Starts a scan, where AWS allows it; where it does not, the repository may still scan by
    /// itself.
    async fn start_scan(&mut self) -> Result<ScanVerdict, Failure> {
        match self
            .run
            .aws
            .start_scan(self.repository, &self.scanned.digest)
            .await
        {
            Ok(StartScanResult::Started) => {
                self.start = ScanStart::Started;
                self.note_once("none has come by itself: a scan is started".to_owned());
            }
            Ok(StartScanResult::Impossible(why, words)) => {
                self.latest = (ScanAnswer::NoFindings(why, Some(words)), Instant::now());
                return Ok(self.evaluate(TimeLimit::Reached));
            }
            Ok(StartScanResult::NotNow(error)) => {
                self.note_once(format!(
                    "no scan was started: {error}; waiting for one all the same"
                ));
                self.start = ScanStart::Refused {
                    why: error.to_string(),
                    hint: error.hint(),
                };
            }
            Err(error) if is_temporary(&error) => {
                self.note_once(format!("no scan was started: {error}; trying again"));
            }
            Err(error) => return Err(ScanError(error).into()),
        }
        Ok(ScanVerdict::Wait)
    }

    fn note_once(&mut self, sentence: String) {
        if self.last_note.as_ref() != Some(&sentence) {
            self.run.emit(Event::Noted {
                sentence: sentence.as_str().into(),
            });
            self.last_note = Some(sentence);
        }
    }

    /// Waits until the next read is due, or until the last one is.
    async fn wait(&mut self) {
        let pause = self.fixed.unwrap_or(self.pause);
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        tokio::time::sleep_until(
            self.deadline
                .max(Instant::now())
                .min(Instant::now() + pause),
        )
        .await;
    }

    fn report_pass(&self) -> String {
        let result = self.report_result(None);
        let of = self
            .scanned
            .platform
            .as_ref()
            .map(|platform| format!("{platform}: "))
            .unwrap_or_default();
        let none = if result.counts.is_empty() {
            ""
        } else {
            ", none fails"
        };
        format!("{of}{}{none}", result.describe())
    }

    fn report_refusal(&self, refusal: ScanRefusal) -> Failure {
        self.report_result(Some(&refusal));
        let cause = if let ScanRefusal::NoScan {
            start: ScanStart::Refused { why, .. },
            ..
        } = &refusal
        {
            Some(why.clone())
        } else {
            None
        };
        let failure = Failure::from(refusal);
        match cause {
            Some(cause) => failure.with_cause(cause),
            None => failure,
        }
    }

    fn report_result(&self, refusal: Option<&ScanRefusal>) -> ScanResult {
        let answer = &self.latest.0;
        let completed = completion_time(answer)
            .map(crate::clock::format_rfc3339)
            .filter(|moment| !moment.is_empty());
        let result = ScanResult::from_answer(self.scanned, self.policy, answer, refusal, completed);
        self.run.emit(Event::ScanAnswered {
            result: Box::new(result.clone()),
        });
        result
    }
}

fn completion_time(answer: &ScanAnswer) -> Option<f64> {
    match answer {
        ScanAnswer::Found(findings) => findings.completed,
        ScanAnswer::Absent | ScanAnswer::InProgress(_) | ScanAnswer::NoFindings(..) => None,
    }
}

fn is_temporary(error: &AwsError) -> bool {
    match error.kind {
        AwsErrorKind::Throttled | AwsErrorKind::Failed | AwsErrorKind::Unanswered => true,
        AwsErrorKind::Denied | AwsErrorKind::Credentials | AwsErrorKind::Refused => false,
    }
}
