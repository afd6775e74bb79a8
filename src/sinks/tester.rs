//! Testers in the log and in the step summary: how each ended, the cases of its reports, the end of
//! its log.

use crate::checks::tester::{Case, CaseVerdict, TesterResult, TesterVerdict};
use crate::github::commands::harmless;
use crate::report::Report;
use crate::sinks::markdown::{block, code, html_text, text};
use crate::sinks::outputs::human;
use crate::sinks::summary::side;

/// Cases that failed and are named in the log; the summary has more.
const NAMED: usize = 10;
/// The last lines of a log of which not everything was told.
const LAST: usize = 20;

/// The lines of the log.
pub(super) fn lines(result: &TesterResult, on: &str) -> Vec<String> {
    let TesterResult { name, .. } = result;
    let head = format!(
        "{} {name} {on}: {}{} ({})",
        mark(result.verdict),
        result.ended(),
        counted(result),
        human(result.milliseconds)
    );
    let untold =
        (result.untold > 0).then(|| format!("  … {} more lines are not shown here", result.untold));
    let last = result
        .lines
        .iter()
        .rev()
        .take(LAST.min(result.untold))
        .rev()
        .map(|line| format!("  | {line}"));
    let failed = failed(result)
        .take(NAMED)
        .map(|case| format!("    ✗ {}{}", case_name(case), message(case)));
    let note = result.note.iter().map(|note| format!("    {note}"));
    untold
        .into_iter()
        .chain(last)
        .chain([head])
        .chain(failed)
        .chain(note)
        .map(|line| harmless(&line))
        .collect()
}

fn failed(result: &TesterResult) -> impl Iterator<Item = &Case> {
    result
        .cases
        .iter()
        .filter(|case| case.verdict == CaseVerdict::Failed)
}

fn mark(verdict: TesterVerdict) -> &'static str {
    match verdict {
        TesterVerdict::Passed => "✓",
        TesterVerdict::Failed | TesterVerdict::TimedOut => "✗",
    }
}

fn counted(result: &TesterResult) -> String {
    result
        .counted()
        .map(|counted| format!(", {counted}"))
        .unwrap_or_default()
}

fn case_name(case: &Case) -> String {
    if case.suite.is_empty() {
        case.name.clone().into()
    } else {
        format!("{} › {}", case.suite, case.name)
    }
}

fn message(case: &Case) -> String {
    case.message
        .as_ref()
        .map(|message| format!(": {message}"))
        .unwrap_or_default()
}

/// The section of the summary; empty without testers.
pub(super) fn section(report: &Report) -> String {
    let results = &report.testers;
    if results.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = results.iter().map(|result| row(report, result)).collect();
    let table = format!(
        "### Testers\n\n| | Tester | On | Where | Time | |\n|---|---|---|---|--:|---|\n{}",
        rows.join("\n")
    );
    let details = results
        .iter()
        .flat_map(|result| [cases(result), log(result)])
        .flatten();
    std::iter::once(table)
        .chain(details)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn row(report: &Report, result: &TesterResult) -> String {
    let note = result
        .note
        .as_ref()
        .map(|note| format!("<br>{}", text(note)))
        .unwrap_or_default();
    let (name, place) = (text(&result.name), code(&result.place));
    let ended = text(&format!("{}{}", result.ended(), counted(result)));
    format!(
        "| {} | {name} | {} | {place} | {} | {ended}{note} |",
        mark(result.verdict),
        side(report, result.moment),
        human(result.milliseconds)
    )
}

fn cases(result: &TesterResult) -> Option<String> {
    let counted = result.counted()?;
    let rows: Vec<String> = result.cases.iter().map(case).collect();
    let more = result.tally.count().saturating_sub(result.cases.len());
    let more = if more == 0 {
        String::new()
    } else {
        format!("\n\n… and {more} more.")
    };
    let head = format!("{}: {}", html_text(&result.name), html_text(&counted));
    let table = format!(
        "| | Case | Time | |\n|---|---|--:|---|\n{}",
        rows.join("\n")
    );
    Some(format!(
        "<details><summary>{head}</summary>\n\n{table}{more}\n\n</details>"
    ))
}

fn case(case: &Case) -> String {
    let mark = match case.verdict {
        CaseVerdict::Passed => "✓",
        CaseVerdict::Failed => "✗",
        CaseVerdict::Skipped => "–",
    };
    let time = case
        .milliseconds
        .map(|time| human(time).to_string())
        .unwrap_or_default();
    format!(
        "| {mark} | {} | {time} | {} |",
        text(&case_name(case)),
        case.message
            .as_ref()
            .map(|message| text(message))
            .unwrap_or_default()
    )
}

/// The end of the log of one that did not pass.
fn log(result: &TesterResult) -> Option<String> {
    let head = format!("The end of the log of {}", html_text(&result.name));
    (!result.lines.is_empty()).then(|| {
        format!(
            "<details><summary>{head}</summary>\n\n{}\n\n</details>",
            block(&result.lines)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::moment::Moment;
    use crate::checks::tester::CaseCounts;

    fn result() -> TesterResult {
        let case = |verdict, name: &str, message: Option<&str>| Case {
            suite: "login".into(),
            name: name.into(),
            verdict,
            milliseconds: Some(1_250),
            message: message.map(Into::into),
        };
        TesterResult {
            name: "e2e".into(),
            moment: Moment::Green,
            place: "pw:1 on the runner".into(),
            verdict: TesterVerdict::Failed,
            exit_code: Some(3),
            milliseconds: 2_000,
            tally: CaseCounts {
                passed: 1,
                failed: 1,
                skipped: 0,
            },
            cases: vec![
                case(CaseVerdict::Failed, "out", Some("no | <b>button</b>")),
                case(CaseVerdict::Passed, "in", None),
            ],
            lines: vec!["::error::x".into(), "##[add-mask]y".into()],
            untold: 2,
            note: None,
        }
    }

    #[test]
    fn the_log_names_what_failed_and_runs_nothing() {
        let expected = [
            "  … 2 more lines are not shown here",
            "  | ::error::x",
            "  | # #[add-mask]y",
            "✗ e2e on green: exit code 3, 2 cases: 1 passed, 1 failed (2 s)",
            "    ✗ login › out: no | <b>button</b>",
        ];
        assert_eq!(lines(&result(), "on green"), expected);
    }

    #[test]
    fn the_summary_has_a_row_for_every_case_and_no_structure_of_a_stranger() {
        let of = |testers: Vec<TesterResult>| {
            super::section(&Report {
                testers,
                ..Report::default()
            })
        };
        let section = of(vec![result()]);
        assert!(
            section.contains("| ✗ | login › out | 1.3 s | no &#124; &lt;b&gt;button&lt;/b&gt; |"),
            "{section}"
        );
        assert!(
            section.contains("<pre>::error::x\n##[add-mask]y</pre>")
                || section.contains("<pre>::error::x\n##&#91;add-mask]y</pre>"),
            "{section}"
        );
        assert_eq!(of(Vec::new()), "");
    }
}
