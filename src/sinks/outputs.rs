//! The outputs: names and values, never a path inside the container.

use std::collections::BTreeMap;

use crate::duration::Human;
use crate::report::Report;

/// An output has at most 1 MiB; the report is far below that, unless a body of a thousand tests is in it.
const LONGEST: usize = 500_000;

/// Every output of a report, in the order of the documentation. Absent ones are not written.
pub fn of(report: &Report) -> Vec<(&'static str, String)> {
    let codedeploy = report.deployment.clone().filter(|_| report.is_codedeploy);
    let tasks = (!report.tasks.is_empty()).then(|| serde_json::to_string(&report.tasks).unwrap_or_default());
    let optional = [
        ("outcome", report.outcome.map(|outcome| outcome.word().to_owned())),
        ("reason", report.reason.map(|reason| reason.word().to_owned())),
        ("task-definition-arn", report.revision.clone()),
        ("codedeploy-deployment-id", codedeploy),
        ("run-task-arn", tasks),
        ("image", report.image.clone()),
        ("image-digest", report.image_digest.clone()),
        ("registry", report.registry.clone()),
        ("scan-findings", scan_findings(report)),
        ("deployment-id", report.deployment.clone()),
        ("service-deployment-arn", report.service_deployment.clone()),
        ("previous-task-definition-arn", report.previous_revision.clone().or_else(|| report.blue.clone())),
        ("rolled-back", Some(report.is_rolled_back().to_string())),
        ("duration-seconds", Some((report.milliseconds / 1000).to_string())),
        ("console-url", report.console.clone()),
        ("report", serde_json::to_string(report).ok().filter(|text| text.len() <= LONGEST)),
    ];
    optional.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Of all platforms together; none where no scan had findings or a list of none.
fn scan_findings(report: &Report) -> Option<String> {
    let listed: Vec<_> = report.scans.iter().filter(|scan| scan.kind.is_some()).collect();
    let mut counts = BTreeMap::new();
    for (severity, count) in listed.iter().flat_map(|scan| &scan.counts) {
        *counts.entry(severity.word()).or_insert(0) += count;
    }
    (!listed.is_empty()).then(|| serde_json::to_string(&counts).unwrap_or_default())
}

/// Milliseconds as people read them.
pub fn human(milliseconds: u64) -> Human {
    Human(std::time::Duration::from_millis(milliseconds))
}
