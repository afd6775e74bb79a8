//! A JUnit report → its cases. Pure.
//!
//! The form is what JUnit's Ant task wrote and every tool writes since: `testcase` with `name`,
//! `classname` and `time` in seconds, and in it `failure`, `error` or `skipped`. The report is
//! untrusted: it is parsed as a stream, custom entities are refused (a few lines could expand to
//! gigabytes), and memory use depends on neither depth nor length.
//!
//! One file, because it is one parser with its tests.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::result::{Case, CaseCounts, CaseVerdict};
use crate::scrub::Scrubber;
use crate::smoke::scrub_line;

/// The most cases that the summary lists.
const MAX_CASES: usize = 200;
/// What is read of a message; less of it is shown.
const MAX_MESSAGE: usize = 4096;

/// The cases of all reports of a tester.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cases {
    /// All of them, counted.
    pub tally: CaseCounts,
    /// Those that failed first, then those that were skipped; limited to what a summary can show.
    pub rows: Vec<Case>,
}

/// Why a report cannot be read. Its content is not repeated.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    #[error("it is not well-formed XML")]
    Malformed(#[source] quick_xml::Error),
    #[error("it uses entities of its own")]
    Entity,
    #[error("it ends in the middle of an element")]
    Truncated,
    #[error("it has no testcase and no testsuite")]
    NotJunit,
}

impl From<quick_xml::Error> for ReportError {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Escape(quick_xml::escape::EscapeError::UnrecognizedEntity(..)) => {
                Self::Entity
            }
            other => Self::Malformed(other),
        }
    }
}

impl Cases {
    /// Adds the cases of a report.
    pub(super) fn read(&mut self, report: &str, scrubber: &Scrubber) -> Result<(), ReportError> {
        let mut report_reader = ReportReader {
            cases: self,
            scrubber,
            suites: Vec::new(),
            case: None,
            message: None,
            is_junit: false,
            depth: 0,
        };
        report_reader.read_report(report)?;
        let is_junit = report_reader.is_junit;
        self.rows.sort_by_key(|case| case.verdict);
        self.rows.truncate(MAX_CASES);
        if is_junit {
            Ok(())
        } else {
            Err(ReportError::NotJunit)
        }
    }

    /// Of a long report the passed cases are only counted.
    fn add(&mut self, case: Case) {
        self.tally.add(case.verdict);
        if self.rows.len() < MAX_CASES
            || case.verdict == CaseVerdict::Failed && self.tally.failed <= MAX_CASES
        {
            self.rows.push(case);
        }
    }
}

/// The state of reading a report.
struct ReportReader<'a> {
    cases: &'a mut Cases,
    scrubber: &'a Scrubber,
    suites: Vec<String>,
    case: Option<Case>,
    /// The text of the element that says why, while the reader is inside it.
    message: Option<String>,
    is_junit: bool,
    depth: usize,
}

impl ReportReader<'_> {
    fn read_report(&mut self, report: &str) -> Result<(), ReportError> {
        let mut reader = Reader::from_str(report);
        loop {
            match reader.read_event()? {
                Event::Start(element) => {
                    self.depth += 1;
                    self.begin_element(&element)?;
                }
                Event::Empty(element) => {
                    self.begin_element(&element)?;
                    self.end_element(element.local_name().as_ref());
                }
                Event::End(element) => {
                    self.depth -= 1;
                    self.end_element(element.local_name().as_ref());
                }
                Event::Text(text) => self.push_text(&text),
                Event::CData(text) => self.push_text(&text),
                Event::GeneralRef(reference) => self.push_reference(&reference)?,
                Event::Eof if self.depth > 0 => return Err(ReportError::Truncated),
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }

    fn begin_element(&mut self, element: &BytesStart<'_>) -> Result<(), ReportError> {
        match element.local_name().as_ref() {
            "testsuites" => self.is_junit = true,
            "testsuite" => {
                self.is_junit = true;
                self.suites
                    .push(read_attribute(element, "name")?.unwrap_or_default());
            }
            "testcase" => {
                self.is_junit = true;
                self.case = Some(self.read_case(element)?);
            }
            "failure" | "error" => self.begin_reason(element, CaseVerdict::Failed)?,
            "skipped" => self.begin_reason(element, CaseVerdict::Skipped)?,
            _ => {}
        }
        Ok(())
    }

    fn read_case(&self, element: &BytesStart<'_>) -> Result<Case, ReportError> {
        let to_text = |text: Option<String>| {
            text.map(|text| scrub_line(&text, self.scrubber))
                .unwrap_or_default()
        };
        let suite = read_attribute(element, "classname")?.or_else(|| self.suites.last().cloned());
        Ok(Case {
            suite: to_text(suite).into(),
            name: to_text(read_attribute(element, "name")?).into(),
            verdict: CaseVerdict::Passed,
            milliseconds: read_attribute(element, "time")?
                .and_then(|time| parse_milliseconds(&time)),
            message: None,
        })
    }

    /// Why a case failed or was skipped. A failure in a case that says both counts.
    fn begin_reason(
        &mut self,
        element: &BytesStart<'_>,
        verdict: CaseVerdict,
    ) -> Result<(), ReportError> {
        let message =
            read_attribute(element, "message")?.filter(|message| !message.trim().is_empty());
        let Some(case) = &mut self.case else {
            return Ok(());
        };
        case.verdict = case.verdict.min(verdict);
        if case.message.is_none() {
            case.message = message.map(|message| scrub_line(&message, self.scrubber).into());
            self.message = Some(String::new());
        }
        Ok(())
    }

    fn end_element(&mut self, name: &str) {
        match name {
            "testsuite" => drop(self.suites.pop()),
            "testcase" => self
                .case
                .take()
                .into_iter()
                .for_each(|case| self.cases.add(case)),
            "failure" | "error" | "skipped" => self.end_reason(),
            _ => {}
        }
    }

    /// The text inside is the message of an element that has none as an attribute.
    fn end_reason(&mut self) {
        let text = self.message.take().filter(|text| !text.trim().is_empty());
        if let (Some(case), Some(text)) = (&mut self.case, text) {
            case.message
                .get_or_insert_with(|| scrub_line(text.trim(), self.scrubber).into());
        }
    }

    fn push_text(&mut self, text: &str) {
        if let Some(message) = &mut self.message {
            let room = MAX_MESSAGE.saturating_sub(message.len());
            message.extend(text.chars().take(room));
        }
    }

    fn push_reference(
        &mut self,
        reference: &quick_xml::events::BytesRef<'_>,
    ) -> Result<(), ReportError> {
        match reference.resolve_char_ref()? {
            Some(character) => self.push_text(character.encode_utf8(&mut [0; 4])),
            None => {
                self.push_text(resolve_predefined_entity(reference).ok_or(ReportError::Entity)?);
            }
        }
        Ok(())
    }
}

fn read_attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReportError> {
    let attribute = element
        .try_get_attribute(name)
        .map_err(quick_xml::Error::from)?;
    let value = attribute
        .map(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0))
        .transpose()?;
    Ok(value.map(std::borrow::Cow::into_owned))
}

/// Seconds with a fraction; some tools separate thousands by commas.
fn parse_milliseconds(time: &str) -> Option<u64> {
    let seconds = time.replace(',', "").trim().parse::<f64>().ok()?;
    std::time::Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|time| u64::try_from(time.as_millis()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn read(report: &str) -> Result<Cases, ReportError> {
        let mut cases = Cases::default();
        cases
            .read(report, &Scrubber::new([&Secret::new("hunter22")]))
            .map(|()| cases)
    }

    fn rows(report: &str) -> Vec<String> {
        let show = |case: Case| {
            let time = case
                .milliseconds
                .map_or_else(String::new, |time| format!(" {time} ms"));
            format!(
                "{:?} {} › {}{time}: {}",
                case.verdict,
                case.suite,
                case.name,
                case.message.unwrap_or_default()
            )
        };
        read(report).unwrap().rows.into_iter().map(show).collect()
    }

    #[test]
    fn the_reports_of_the_tools_become_rows() {
        let playwright = r#"<testsuites id="" name="" tests="3" failures="1" skipped="1" errors="0" time="2.1">
            <testsuite name="login.spec.ts" timestamp="2026-11-21T10:00:00Z" hostname="chromium" tests="3" time="2.0">
            <testcase name="login › works" classname="login.spec.ts" time="1.25"></testcase>
            <testcase name="logout" classname="login.spec.ts" time="0.75"><failure message="logout.spec.ts:3 logout" type="FAILURE">
            <![CDATA[  expect(received).toBe(expected)  ]]></failure><system-out><![CDATA[<failure/>]]></system-out></testcase>
            <testcase name="later" classname="login.spec.ts" time="0"><skipped></skipped></testcase></testsuite></testsuites>"#;
        let expected = [
            "Failed login.spec.ts › logout 750 ms: logout.spec.ts:3 logout",
            "Skipped login.spec.ts › later 0 ms: ",
            "Passed login.spec.ts › login › works 1250 ms: ",
        ];
        assert_eq!(rows(playwright), expected);
        let pytest = "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuite name=\"pytest\"><testcase classname=\"test_api\" name=\"test_me\" \
                      time=\"1,200.5\"><failure>assert 401 == 200 &amp;&#10;&lt;Response&gt; hunter22</failure></testcase></testsuite>";
        assert_eq!(
            rows(pytest),
            ["Failed test_api › test_me 1200500 ms: assert 401 == 200 & <Response> ***"]
        );
        let hurl = "<testsuites><testsuite name=\"a\"><testcase id=\"x.hurl\" name=\"x.hurl\" time=\"oops\"><error>e</error></testcase>\
                    </testsuite></testsuites>";
        assert_eq!(rows(hurl), ["Failed a › x.hurl: e"]);
        assert_eq!(rows("<testsuites/>"), Vec::<String>::new());
    }

    #[test]
    fn a_long_report_is_counted_and_its_failures_come_first() {
        let passed = "<testcase name='p'/>".repeat(5_000);
        let failed = "<testcase name='f'><failure message='m'/></testcase>".repeat(250);
        let cases = read(&format!("<testsuite name='s'>{passed}{failed}</testsuite>")).unwrap();
        assert_eq!(
            cases.tally,
            CaseCounts {
                passed: 5_000,
                failed: 250,
                skipped: 0
            }
        );
        assert_eq!(cases.rows.len(), MAX_CASES);
        assert!(
            cases
                .rows
                .iter()
                .all(|case| case.verdict == CaseVerdict::Failed)
        );
    }

    #[test]
    fn a_hostile_report_is_refused_and_costs_nothing() {
        let laughs = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
            <testsuite><testcase name="a"><failure>&lol1;</failure></testcase></testsuite>"#;
        let file = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>"#;
        let deep = format!("<testsuite>{}", "<a>".repeat(300_000));
        let long = format!(
            "<testsuite><testcase name='{}'><failure>{}</failure></testcase></testsuite>",
            "n".repeat(500_000),
            "m".repeat(500_000)
        );
        assert!(matches!(read(laughs), Err(ReportError::Entity)));
        assert!(matches!(read(file), Err(ReportError::Entity)));
        assert!(matches!(read(&deep), Err(ReportError::Truncated)));
        let row = read(&long).unwrap().rows.remove(0);
        assert!(
            row.name.chars().count() <= 300
                && row
                    .message
                    .is_some_and(|message| message.chars().count() <= 300)
        );
    }

    #[test]
    fn what_is_no_report_is_named_as_such() {
        let table = [
            ("", "it has no testcase and no testsuite"),
            (
                "<html><body/></html>",
                "it has no testcase and no testsuite",
            ),
            (
                "<testsuite><testcase name='a'>",
                "it ends in the middle of an element",
            ),
            ("<testsuite></testcase>", "it is not well-formed XML"),
            (
                "<testsuite name=\"a></testsuite>",
                "it is not well-formed XML",
            ),
        ];
        for (report, expected) in table {
            assert_eq!(read(report).unwrap_err().to_string(), expected, "{report}");
        }
    }
}
