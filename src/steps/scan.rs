//! The gate on scan findings: the registry's scan of the image is waited for and judged, before
//! anything is registered.
//!
//! Nothing is armed: a scan that is started changes nothing that anyone runs. A scan ends the run
//! early only by its answer.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::aws::ecr_scan::{ScannedRepository, Started};
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::{Explain, Failure};
use crate::event::Event;
use crate::outcome::Reason;
use crate::plan::ScanPlan;
use crate::registry::{Digest, Platform};
use crate::run::Run;
use crate::scan::{
    self, Policy, ScanAnswer, ScanObservation, ScanRefusal, ScanResult, ScanVerdict, Scanned,
    Start, Time,
};

use super::image::{Pinned, short_digest};

/// The first pause between looks, which grows while nothing changes, and the longest: basic scans
/// take seconds, Inspector's minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What the last look may take beyond the time there is.
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

/// Judges the image that will run: of an index the one for the task's platform. What it came to, in
/// a line.
///
/// # Errors
/// The image may not be deployed, or nobody can tell.
pub async fn scan(
    run: &Run,
    plan: &ScanPlan,
    definition: &Value,
    image: &Pinned,
) -> Result<String, Failure> {
    let repository = ScannedRepository::of(&image.image);
    let (Some(digest), Some(repository)) = (&image.digest, repository) else {
        return Err(ScanRefusal::NotInRegistry.into());
    };
    let until = Instant::now() + time_for(run, plan);
    let mut results = Vec::new();
    let children: Vec<(Platform, Digest)> = image
        .images
        .iter()
        .filter_map(|child| Some((child.platform.clone(), child.digest.clone()?)))
        .collect();
    for scanned in scan::scanned(digest, &children, definition) {
        let watch = ScanPoller::new(run, plan, &repository, &scanned, until);
        results.push(watch.end().await?);
    }
    Ok(results.join("; "))
}

/// What the user allows for the whole run bounds the wait as well.
fn time_for(run: &Run, plan: &ScanPlan) -> Duration {
    let left = plan
        .deadline
        .map(|deadline| deadline.saturating_sub(run.elapsed()));
    left.map_or(plan.policy.wait, |left| left.min(plan.policy.wait))
}

/// One image's scan, looked at until it has a verdict.
struct ScanPoller<'a> {
    run: &'a Run,
    policy: &'a Policy,
    repository: &'a ScannedRepository,
    scanned: &'a Scanned,
    fixed: Option<Duration>,
    began: Instant,
    until: Instant,
    start: Start,
    /// The latest answer, and since when it is the same.
    latest: (ScanAnswer, Instant),
    said: Option<String>,
    pause: Duration,
}

impl<'a> ScanPoller<'a> {
    fn new(
        run: &'a Run,
        plan: &'a ScanPlan,
        repository: &'a ScannedRepository,
        scanned: &'a Scanned,
        until: Instant,
    ) -> Self {
        let now = Instant::now();
        let (start, latest) = (Start::NotAsked, (ScanAnswer::Absent, now));
        Self {
            run,
            policy: &plan.policy,
            repository,
            scanned,
            fixed: plan.fixed_interval,
            began: now,
            until,
            start,
            latest,
            said: None,
            pause: FIRST_PAUSE,
        }
    }

    /// The answer that ends it, in a line.
    async fn end(mut self) -> Result<String, Failure> {
        loop {
            let time = if Instant::now() >= self.until {
                Time::Up
            } else {
                Time::Left
            };
            let verdict = match self.verdict(time).await? {
                ScanVerdict::Start => self.begin().await?,
                other => other,
            };
            match verdict {
                ScanVerdict::Pass => return Ok(self.passed()),
                ScanVerdict::Refuse(refusal) => return Err(self.refused(refusal)),
                ScanVerdict::Wait | ScanVerdict::Start => self.rest().await,
            }
        }
    }

    async fn verdict(&mut self, time: Time) -> Result<ScanVerdict, Failure> {
        match self.look().await {
            Ok(answer) => {
                self.take(answer);
                Ok(self.judge(time))
            }
            Err(error) if time == Time::Left && is_passing(&error) => {
                self.say(format!("{error}; looking again"));
                Ok(ScanVerdict::Wait)
            }
            Err(error) => Err(ScanError(error).into()),
        }
    }

    /// An endpoint that answers slowly does not hold the run longer than the user allows.
    async fn look(&self) -> Result<ScanAnswer, AwsError> {
        let left = self.until.saturating_duration_since(Instant::now());
        let look = self.run.aws.scan(self.repository, &self.scanned.digest);
        tokio::time::timeout(left + LAST_LOOK, look)
            .await
            .unwrap_or_else(|_| Err(AwsError::late("ecr:DescribeImageScanFindings")))
    }

    fn take(&mut self, answer: ScanAnswer) {
        match &answer {
            ScanAnswer::GoingOn(word) => self.say(format!(
                "the scan of {} is {word}",
                short_digest(&self.scanned.digest)
            )),
            ScanAnswer::Absent if self.start == Start::NotAsked => {
                self.say(format!(
                    "there is no scan of {} yet",
                    short_digest(&self.scanned.digest)
                ));
            }
            ScanAnswer::Absent | ScanAnswer::Found(_) | ScanAnswer::Without(..) => {}
        }
        if answer != self.latest.0 {
            self.latest = (answer, Instant::now());
            self.pause = FIRST_PAUSE;
        }
    }

    fn judge(&self, time: Time) -> ScanVerdict {
        let (answer, since) = &self.latest;
        let age = completed(answer).map(crate::clock::since);
        let (unchanged, waited) = (since.elapsed(), self.began.elapsed());
        scan::judge(
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

    /// Has a scan started, where AWS lets us; where it does not, one may come all the same.
    async fn begin(&mut self) -> Result<ScanVerdict, Failure> {
        match self
            .run
            .aws
            .start_scan(self.repository, &self.scanned.digest)
            .await
        {
            Ok(Started::Begun) => {
                self.start = Start::Started;
                self.say("none has come by itself: a scan is started".to_owned());
            }
            Ok(Started::Never(why, words)) => {
                self.latest = (ScanAnswer::Without(why, Some(words)), Instant::now());
                return Ok(self.judge(Time::Up));
            }
            Ok(Started::NotNow(error)) => {
                self.say(format!(
                    "no scan was started: {error}; waiting for one all the same"
                ));
                self.start = Start::Refused {
                    why: error.to_string(),
                    hint: error.hint(),
                };
            }
            Err(error) if is_passing(&error) => {
                self.say(format!("no scan was started: {error}; trying again"));
            }
            Err(error) => return Err(ScanError(error).into()),
        }
        Ok(ScanVerdict::Wait)
    }

    /// Says something once.
    fn say(&mut self, sentence: String) {
        if self.said.as_ref() != Some(&sentence) {
            self.run.tell(Event::Noted {
                sentence: sentence.as_str().into(),
            });
            self.said = Some(sentence);
        }
    }

    /// Until the next look, or until the time for the last one.
    async fn rest(&mut self) {
        let pause = self.fixed.unwrap_or(self.pause);
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        tokio::time::sleep_until(self.until.max(Instant::now()).min(Instant::now() + pause)).await;
    }

    fn passed(&self) -> String {
        let result = self.tell(None);
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
        format!("{of}{}{none}", result.in_words())
    }

    fn refused(&self, refusal: ScanRefusal) -> Failure {
        self.tell(Some(&refusal));
        let cause = if let ScanRefusal::NoScan {
            start: Start::Refused { why, .. },
            ..
        } = &refusal
        {
            Some(why.clone())
        } else {
            None
        };
        let failure = Failure::from(refusal);
        match cause {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    }

    fn tell(&self, refusal: Option<&ScanRefusal>) -> ScanResult {
        let answer = &self.latest.0;
        let completed = completed(answer)
            .map(crate::clock::at)
            .filter(|moment| !moment.is_empty());
        let result = ScanResult::of(self.scanned, self.policy, answer, refusal, completed);
        self.run.tell(Event::ScanAnswered {
            result: Box::new(result.clone()),
        });
        result
    }
}

fn completed(answer: &ScanAnswer) -> Option<f64> {
    match answer {
        ScanAnswer::Found(findings) => findings.completed,
        ScanAnswer::Absent | ScanAnswer::GoingOn(_) | ScanAnswer::Without(..) => None,
    }
}

/// Whether looking again may help.
fn is_passing(error: &AwsError) -> bool {
    match error.kind {
        AwsErrorKind::Throttled | AwsErrorKind::Failed | AwsErrorKind::Unanswered => true,
        AwsErrorKind::Denied | AwsErrorKind::Credentials | AwsErrorKind::Refused => false,
    }
}
