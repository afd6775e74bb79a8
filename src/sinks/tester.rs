//! Testers in the log and in the step summary: how each ended, the test cases of its reports, the
//! end of its log.

use crate::checks::tester::{Case, CaseVerdict, TesterResult, TesterVerdict};
use crate::github::commands::sanitize;
use crate::report::Report;
use crate::sinks::markdown::{code_block, code_span, escape_html_text, escape_text};
use crate::sinks::outputs::human_duration;
use crate::sinks::summary::describe_side;

/// How many failed test cases are named in the log; the summary has more.
const MAX_NAMED_CASES: usize = 10;
/// How many last lines are shown of a log that is not shown completely.
const MAX_LAST_LINES: usize = 20;

/// The lines of the log.
pub(super) fn lines(result: &TesterResult, target: &str) -> Vec<String> {
    let TesterResult { name, .. } = result;
    let head = format!(
        "{} {name} {target}: {}{} ({})",
        verdict_symbol(result.verdict),
        result.describe_exit(),
        format_counts(result),
        human_duration(result.milliseconds)
    );
    let untold =
        (result.untold > 0).then(|| format!("  … {} more lines are not shown here", result.untold));
    let last = result
        .lines
        .iter()
        .rev()
        .take(MAX_LAST_LINES.min(result.untold))
        .rev()
        .map(|line| format!("  | {line}"));
    let failed = failed_cases(result)
        .take(MAX_NAMED_CASES)
        .map(|case| format!("    ✗ {}{}", case_name(case), format_message(case)));
    let note = result.note.iter().map(|note| format!("    {note}"));
    untold
        .into_iter()
        .chain(last)
        .chain([head])
        .chain(failed)
        .chain(note)
        .map(|line| sanitize(&line))
        .collect()
}

fn failed_cases(result: &TesterResult) -> impl Iterator<Item = &Case> {
    result
        .cases
        .iter()
        .filter(|case| case.verdict == CaseVerdict::Failed)
}

fn verdict_symbol(verdict: TesterVerdict) -> &'static str {
    match verdict {
        TesterVerdict::Passed => "✓",
        TesterVerdict::Failed | TesterVerdict::TimedOut => "✗",
    }
}

fn format_counts(result: &TesterResult) -> String {
    result
        .describe_cases()
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

fn format_message(case: &Case) -> String {
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
    let rows: Vec<String> = results
        .iter()
        .map(|result| tester_row(report, result))
        .collect();
    let table = format!(
        "### Testers\n\n| | Tester | On | Where | Time | |\n|---|---|---|---|--:|---|\n{}",
        rows.join("\n")
    );
    let details = results
        .iter()
        .flat_map(|result| [cases_table(result), log_details(result)])
        .flatten();
    std::iter::once(table)
        .chain(details)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn tester_row(report: &Report, result: &TesterResult) -> String {
    let note = result
        .note
        .as_ref()
        .map(|note| format!("<br>{}", escape_text(note)))
        .unwrap_or_default();
    let (name, place) = (escape_text(&result.name), code_span(&result.place));
    let ended = escape_text(&format!(
        "{}{}",
        result.describe_exit(),
        format_counts(result)
    ));
    format!(
        "| {} | {name} | {} | {place} | {} | {ended}{note} |",
        verdict_symbol(result.verdict),
        describe_side(report, result.moment),
        human_duration(result.milliseconds)
    )
}

fn cases_table(result: &TesterResult) -> Option<String> {
    let counted = result.describe_cases()?;
    let rows: Vec<String> = result.cases.iter().map(case_row).collect();
    let more = result.tally.total().saturating_sub(result.cases.len());
    let more = if more == 0 {
        String::new()
    } else {
        format!("\n\n… and {more} more.")
    };
    let head = format!(
        "{}: {}",
        escape_html_text(&result.name),
        escape_html_text(&counted)
    );
    let table = format!(
        "| | Case | Time | |\n|---|---|--:|---|\n{}",
        rows.join("\n")
    );
    Some(format!(
        "<details><summary>{head}</summary>\n\n{table}{more}\n\n</details>"
    ))
}

fn case_row(case: &Case) -> String {
    let mark = match case.verdict {
        CaseVerdict::Passed => "✓",
        CaseVerdict::Failed => "✗",
        CaseVerdict::Skipped => "–",
    };
    let time = case
        .milliseconds
        .map(|time| human_duration(time).to_string())
        .unwrap_or_default();
    format!(
        "| {mark} | {} | {time} | {} |",
        escape_text(&case_name(case)),
        case.message
            .as_ref()
            .map(|message| escape_text(message))
            .unwrap_or_default()
    )
}

/// The end of the log of a tester that did not pass.
fn log_details(result: &TesterResult) -> Option<String> {
    let head = format!("The end of the log of {}", escape_html_text(&result.name));
    (!result.lines.is_empty()).then(|| {
        format!(
            "<details><summary>{head}</summary>\n\n{}\n\n</details>",
            code_block(&result.lines)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::moment::Moment;
    use crate::checks::tester::CaseCounts;

    fn failed_result() -> TesterResult {
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
        assert_eq!(lines(&failed_result(), "on green"), expected);
    }

    #[test]
    fn the_summary_has_a_row_for_every_case_and_no_structure_of_a_stranger() {
        let of = |testers: Vec<TesterResult>| {
            super::section(&Report {
                testers,
                ..Report::default()
            })
        };
        let section = of(vec![failed_result()]);
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
