//! Which texts of an event are sentences, in which text from outside may stand. The others are
//! names and words of ours.
//!
//! Every field is named here, so that a new one has to be put on one side or the other.

use super::{
    DeployedRevision, Event, OneOffTask, Progress, RefusedInputs, ReportedProblem, RunEnd,
    SurveyedService, TestUrl,
};
use crate::checks::load::{ErrorCount, LoadResult, WarmedUp};
use crate::checks::measurement::Measurement;
use crate::checks::smoke::{Mismatch, TestResult};
use crate::checks::tester::{Case, TesterResult};
use crate::error::{Failure, StoppedContainer};

impl Event {
    /// Its sentences, to be changed in place.
    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    pub fn sentences(&mut self) -> Vec<&mut String> {
        match self {
            Self::Refused(RefusedInputs {
                problems,
                after_changes: _,
                reason: _,
            }) => problems.iter_mut().flat_map(refusal).collect(),
            Self::Surveyed(SurveyedService {
                plan,
                controller: _,
                blue: _,
                tasks: _,
            }) => plan.iter_mut().collect(),
            Self::Narrowed {
                check,
                why,
                allow: _,
            } => vec![check, why],
            Self::StepEnded {
                result: sentence,
                step: _,
                end: _,
            }
            | Self::Warned { sentence }
            | Self::Noted { sentence }
            | Self::Ended(RunEnd {
                sentence,
                outcome: _,
                reason: _,
            })
            | Self::TesterLine {
                line: sentence,
                name: _,
            }
            | Self::TestUrlSeen {
                seen: TestUrl::Unproven { why: sentence },
            }
            | Self::GreenFound {
                health: sentence,
                place: _,
            }
            | Self::Undone { what: sentence }
            | Self::PostEnded { result: sentence }
            | Self::RolloutSeen {
                progress:
                    Progress {
                        stage: sentence,
                        traffic: _,
                        tasks: _,
                    },
            } => vec![sentence],
            Self::RepositoryCreated {
                with: lines,
                repository: _,
            }
            | Self::Revision(DeployedRevision {
                changes: lines,
                arn: _,
                registered: _,
                previous: _,
            })
            | Self::TaskDone { containers: lines } => lines.iter_mut().collect(),
            Self::TaskRan {
                task:
                    OneOffTask {
                        command,
                        task: _,
                        container: _,
                        end: _,
                    },
            } => command.iter_mut().collect(),
            Self::UndoFailed { what, failure } => {
                std::iter::once(what).chain(failed(failure)).collect()
            }
            Self::Failed { failure } => failed(failure),
            Self::SmokeTested { .. }
            | Self::Checked { .. }
            | Self::WarmedUp { .. }
            | Self::Loaded { .. }
            | Self::Tested { .. } => self.results(),
            Self::Started(_)
            | Self::TestUrlSeen {
                seen: TestUrl::LeadsToGreen | TestUrl::TellsNewVersion,
            }
            | Self::StepStarted { step: _ }
            | Self::ImagePinned(_)
            | Self::TagsDeferred { tags: _ }
            | Self::TagSet { tag: _ }
            | Self::ScanAnswered { result: _ }
            | Self::TaskStarted { arns: _ }
            | Self::TaskFound { arns: _ }
            | Self::RolloutStarted(_)
            | Self::GateOpened { gate: _, seen: _ }
            | Self::TesterStarted(_)
            | Self::PointOfNoReturn
            | Self::TrafficObserved(_)
            | Self::Signalled
            | Self::SinkFailed { sink: _, why: _ }
            | Self::Measured { reads: _ } => Vec::new(),
        }
    }

    /// Those of what checks came to.
    fn results(&mut self) -> Vec<&mut String> {
        match self {
            Self::SmokeTested { result } => tested(result),
            Self::Checked { measurement } => measured(measurement),
            Self::WarmedUp { result } => warmed_up(result),
            Self::Loaded { result } => loaded(result),
            Self::Tested { result } => tester(result),
            _ => Vec::new(),
        }
    }
}

fn refusal(refusal: &mut ReportedProblem) -> [&mut String; 2] {
    let ReportedProblem {
        problem,
        remedy,
        at: _,
    } = refusal;
    [problem, remedy]
}

fn failed(failure: &mut Failure) -> Vec<&mut String> {
    let Failure {
        chain,
        hints,
        stopped,
        reason: _,
    } = failure;
    chain
        .iter_mut()
        .chain(hints)
        .chain(stopped.iter_mut().flat_map(container))
        .collect()
}

fn container(stopped: &mut StoppedContainer) -> impl Iterator<Item = &mut String> {
    let StoppedContainer {
        why,
        log,
        container: _,
        task: _,
        exit_code: _,
    } = stopped;
    std::iter::once(why).chain(log)
}

fn tested(result: &mut TestResult) -> Vec<&mut String> {
    let TestResult {
        request,
        failures,
        excerpt,
        name: _,
        moment: _,
        verdict: _,
        attempts: _,
        last_milliseconds: _,
        total_milliseconds: _,
    } = result;
    let failures = failures.iter_mut().flat_map(
        |Mismatch {
             what,
             expected,
             found,
         }| [what, expected, found],
    );
    std::iter::once(request)
        .chain(failures)
        .chain(excerpt)
        .collect()
}

fn measured(measurement: &mut Measurement) -> Vec<&mut String> {
    let Measurement {
        query,
        value,
        condition,
        note,
        check: _,
        kind: _,
        moment: _,
        phase: _,
        weight: _,
        time: _,
    } = measurement;
    [query, value, condition].into_iter().chain(note).collect()
}

fn warmed_up(result: &mut WarmedUp) -> Vec<&mut String> {
    let WarmedUp {
        path,
        obstacle,
        count: _,
        answered: _,
        succeeded: _,
        milliseconds: _,
        latencies: _,
    } = result;
    std::iter::once(path).chain(obstacle).collect()
}

fn loaded(result: &mut LoadResult) -> Vec<&mut String> {
    let LoadResult {
        query,
        condition,
        errors,
        note,
        name: _,
        moment: _,
        sent: _,
        answered: _,
        error_rate: _,
        milliseconds: _,
        rate: _,
        latencies: _,
        histogram: _,
        phase: _,
    } = result;
    let examples = errors.iter_mut().filter_map(
        |ErrorCount {
             example,
             kind: _,
             count: _,
         }| example.as_mut(),
    );
    [query, condition]
        .into_iter()
        .chain(examples)
        .chain(note)
        .collect()
}

fn tester(result: &mut TesterResult) -> Vec<&mut String> {
    let TesterResult {
        cases,
        lines,
        note,
        name: _,
        moment: _,
        place: _,
        verdict: _,
        exit_code: _,
        milliseconds: _,
        tally: _,
        untold: _,
    } = result;
    let cases = cases.iter_mut().flat_map(
        |Case {
             suite,
             name,
             message,
             verdict: _,
             milliseconds: _,
         }| [suite, name].into_iter().chain(message),
    );
    cases.chain(lines).chain(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, Reason};

    #[test]
    fn sentences_can_be_changed_and_names_cannot() {
        let stopped = StoppedContainer {
            container: "app".into(),
            task: "t".into(),
            exit_code: None,
            why: "w".into(),
            log: vec!["l".into()],
        };
        let failure = Failure::new(Reason::TaskFailed, "s")
            .caused_by("c")
            .hint("h")
            .with_stopped(vec![stopped]);
        let mut event = Event::UndoFailed {
            what: "u".into(),
            failure,
        };
        assert_eq!(event.sentences(), ["u", "s", "c", "h", "w", "l"]);
        let mut event = Event::Ended(RunEnd {
            outcome: Outcome::Deployed,
            reason: Reason::AsPlanned,
            sentence: "e".into(),
        });
        event
            .sentences()
            .into_iter()
            .for_each(|sentence| sentence.push('!'));
        assert_eq!(
            event,
            Event::Ended(RunEnd {
                outcome: Outcome::Deployed,
                reason: Reason::AsPlanned,
                sentence: "e!".into()
            })
        );
    }
}
