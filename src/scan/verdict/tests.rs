use std::collections::BTreeMap;

use super::*;
use crate::scan::{FailOn, Finding, Package, Severity, Suppression};

const AGO: Duration = Duration::from_mins(5);
const NOW: Duration = Duration::ZERO;

fn policy() -> Policy {
    let ignore = vec!["CVE-2024-9999".to_owned()];
    Policy {
        fail_on: FailOn::AtLeast(Severity::High),
        wait: Duration::from_mins(5),
        ignore,
        unsupported: Unsupported::Refuse,
    }
}

fn finding(severity: Severity, name: &str) -> Finding {
    let package = Package {
        name: "openssl".into(),
        version: Some("3.0.11".into()),
        fixed_in: None,
    };
    Finding {
        name: name.into(),
        severity,
        packages: vec![package],
        hidden: Suppression::No,
    }
}

/// A whole list of a completed scan.
fn findings(kind: ScannerKind, listed: Vec<Finding>) -> Findings {
    let mut counted = BTreeMap::new();
    for finding in &listed {
        *counted.entry(finding.severity).or_insert(0) += 1;
    }
    Findings {
        kind,
        completed: Some(1.7e9),
        listed,
        counted,
    }
}

fn low_findings() -> Findings {
    findings(
        ScannerKind::Basic,
        vec![finding(Severity::Low, "CVE-2024-1")],
    )
}

fn verdict_word<'a>(
    policy: &Policy,
    answer: &'a ScanAnswer,
    change: impl FnOnce(ScanObservation<'a>) -> ScanObservation<'a>,
) -> &'static str {
    static NOT_ASKED: ScanStart = ScanStart::NotRequested;
    let look = ScanObservation {
        repository: "app",
        answer,
        unchanged: NOW,
        age: None,
        waited: NOW,
        time: TimeLimit::NotReached,
        start: &NOT_ASKED,
    };
    match evaluate(policy, &change(look)) {
        ScanVerdict::Wait => "wait",
        ScanVerdict::Start => "start",
        ScanVerdict::Pass => "pass",
        ScanVerdict::Refuse(refusal) => refusal.word(),
    }
}

fn completed_long_ago(look: ScanObservation<'_>) -> ScanObservation<'_> {
    ScanObservation {
        age: Some(AGO),
        ..look
    }
}

fn time_is_up(look: ScanObservation<'_>) -> ScanObservation<'_> {
    ScanObservation {
        time: TimeLimit::Reached,
        ..look
    }
}

fn found_answer(findings: Findings) -> ScanAnswer {
    ScanAnswer::Found(findings)
}

#[test]
fn findings_fail_from_the_asked_severity_on_unless_they_are_ignored() {
    let table = [
        (vec![], "pass"),
        (vec![(Severity::Medium, "CVE-2024-1")], "pass"),
        (vec![(Severity::Unrated, "CVE-2024-1")], "pass"),
        (vec![(Severity::High, "CVE-2024-1")], "findings"),
        (vec![(Severity::Critical, "CVE-2024-1")], "findings"),
        (vec![(Severity::Unknown, "CVE-2024-1")], "findings"),
        (vec![(Severity::Critical, "cve-2024-9999")], "pass"),
        (vec![(Severity::Critical, "CVE-2024-99990")], "findings"),
        (
            vec![
                (Severity::Critical, "CVE-2024-9999"),
                (Severity::High, "CVE-2024-1"),
            ],
            "findings",
        ),
    ];
    for (listed, expected) in table {
        let answer = found_answer(findings(
            ScannerKind::Basic,
            listed
                .iter()
                .map(|(severity, name)| finding(*severity, name))
                .collect(),
        ));
        assert_eq!(
            verdict_word(&policy(), &answer, completed_long_ago),
            expected,
            "{listed:?}"
        );
        assert_eq!(
            verdict_word(&policy(), &answer, |look| time_is_up(completed_long_ago(
                look
            ))),
            expected,
            "{listed:?}, at the end"
        );
    }
}

#[test]
fn what_inspector_suppresses_does_not_fail() {
    let hidden = Finding {
        hidden: Suppression::Suppressed,
        ..finding(Severity::Critical, "CVE-2024-1")
    };
    assert_eq!(
        verdict_word(
            &policy(),
            &found_answer(findings(ScannerKind::Enhanced, vec![hidden])),
            completed_long_ago
        ),
        "pass"
    );
}

#[test]
fn a_fresh_list_is_believed_only_when_it_has_stayed_the_same() {
    let fresh = |kind, severity, unchanged| {
        let answer = found_answer(findings(kind, vec![finding(severity, "CVE-2024-1")]));
        verdict_word(&policy(), &answer, |look| ScanObservation {
            unchanged: Duration::from_secs(unchanged),
            age: Some(NOW),
            ..look
        })
    };
    assert_eq!(fresh(ScannerKind::Basic, Severity::Low, 0), "wait");
    assert_eq!(fresh(ScannerKind::Basic, Severity::Low, 2), "pass");
    assert_eq!(fresh(ScannerKind::Enhanced, Severity::Low, 2), "wait");
    assert_eq!(fresh(ScannerKind::Enhanced, Severity::Low, 15), "pass");
    assert_eq!(fresh(ScannerKind::Enhanced, Severity::High, 1), "wait");
    assert_eq!(fresh(ScannerKind::Enhanced, Severity::High, 2), "findings");
}

#[test]
fn a_list_that_is_not_known_to_be_whole_never_passes() {
    let early = Findings {
        completed: None,
        ..findings(ScannerKind::Basic, Vec::new())
    };
    let unlisted = Findings {
        counted: [(Severity::Critical, 2)].into(),
        ..low_findings()
    };
    let table = [
        (early, "incomplete"),
        (unlisted, "incomplete"),
        (low_findings(), "incomplete"),
    ];
    for (list, expected) in table {
        let answer = found_answer(list);
        assert_eq!(
            verdict_word(&policy(), &answer, |look| look),
            "wait",
            "{answer:?}"
        );
        assert_eq!(
            verdict_word(&policy(), &answer, time_is_up),
            expected,
            "{answer:?}"
        );
    }
}

#[test]
fn counted_findings_that_would_not_fail_need_not_be_listed() {
    let unlisted = Findings {
        counted: [(Severity::Low, 40), (Severity::Unrated, 1)].into(),
        ..low_findings()
    };
    assert_eq!(
        verdict_word(&policy(), &found_answer(unlisted), completed_long_ago),
        "pass"
    );
}

#[test]
fn what_was_found_is_told_at_the_end_even_when_more_is_counted() {
    let listed = findings(
        ScannerKind::Basic,
        vec![finding(Severity::High, "CVE-2024-1")],
    );
    let more = found_answer(Findings {
        counted: [(Severity::High, 3)].into(),
        ..listed
    });
    assert_eq!(verdict_word(&policy(), &more, completed_long_ago), "wait");
    assert_eq!(verdict_word(&policy(), &more, time_is_up), "findings");
}

#[test]
fn a_missing_scan_is_waited_for_then_started_once_then_refused() {
    let refused = ScanStart::Refused {
        why: "denied".into(),
        hint: None,
    };
    let table = [
        (0, ScanStart::NotRequested, TimeLimit::NotReached, "wait"),
        (10, ScanStart::NotRequested, TimeLimit::NotReached, "start"),
        (10, ScanStart::Started, TimeLimit::NotReached, "wait"),
        (10, refused.clone(), TimeLimit::NotReached, "wait"),
        (10, ScanStart::NotRequested, TimeLimit::Reached, "no-scan"),
        (300, ScanStart::Started, TimeLimit::Reached, "no-scan"),
        (300, refused, TimeLimit::Reached, "no-scan"),
    ];
    for (seconds, start, time, expected) in table {
        let change = |look| ScanObservation {
            unchanged: Duration::from_secs(seconds),
            start: &start,
            time,
            ..look
        };
        assert_eq!(
            verdict_word(&policy(), &ScanAnswer::Absent, change),
            expected,
            "{seconds} {start:?} {time:?}"
        );
    }
}

#[test]
fn a_scan_that_goes_on_or_says_something_new_only_waits() {
    for status in ["PENDING", "IN_PROGRESS", "QUARANTINED"] {
        let answer = ScanAnswer::InProgress(status.into());
        assert_eq!(
            verdict_word(&policy(), &answer, |look| look),
            "wait",
            "{status}"
        );
        assert_eq!(
            verdict_word(&policy(), &answer, time_is_up),
            "not-done",
            "{status}"
        );
    }
}

#[test]
fn an_end_without_findings_is_refused_and_only_an_unsupported_image_can_be_allowed() {
    let lenient = Policy {
        unsupported: Unsupported::Allow,
        ..policy()
    };
    let table = [
        (NoFindingsReason::Failed, "failed", "failed"),
        (NoFindingsReason::Unsupported, "unsupported", "pass"),
        (NoFindingsReason::Expired, "expired", "expired"),
        (NoFindingsReason::Unavailable, "unavailable", "unavailable"),
        (NoFindingsReason::Limit, "limit", "limit"),
        (NoFindingsReason::Archived, "archived", "archived"),
        (NoFindingsReason::TooLarge, "too-large", "too-large"),
    ];
    for (why, strict, allowed) in table {
        let answer = ScanAnswer::NoFindings(why, None);
        assert_eq!(
            verdict_word(&policy(), &answer, |look| look),
            strict,
            "{why:?}"
        );
        assert_eq!(
            verdict_word(&lenient, &answer, |look| look),
            allowed,
            "{why:?}"
        );
    }
}
