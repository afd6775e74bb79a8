//! ECR's scan findings: basic ones and Inspector's in one shape. ECR's statuses and severities are
//! compared here.
//!
//! One file, because the conversion of the findings is only used by the two calls above it.

use std::collections::BTreeMap;

use aws_config::Region;
use aws_config::retry::RetryConfig;
use aws_sdk_ecr::config::Builder;
use aws_sdk_ecr::operation::describe_image_scan_findings::DescribeImageScanFindingsOutput as Page;
use aws_sdk_ecr::types::{
    EnhancedImageScanFinding, FindingSeverity, ImageIdentifier, ImageScanFinding,
    ImageScanFindings, PackageVulnerabilityDetails, VulnerablePackage,
};

use super::error::from_sdk;
use super::{Aws, AwsError, AwsErrorKind};
use crate::registry::Digest;
use crate::scan::{
    Finding, Findings, NoFindingsReason, Package, ScanAnswer, ScannerKind, Severity, Suppression,
};

const DESCRIBE: &str = "ecr:DescribeImageScanFindings";
const START: &str = "ecr:StartImageScan";
/// The largest page ECR returns, so that an image with many findings needs few requests.
const PAGE_SIZE: i32 = 1_000;
/// What separates account and region in an image's host name:
/// `123456789012.dkr.ecr.eu-central-1.amazonaws.com`.
const REGISTRY: &[&str] = &[".dkr.ecr.", ".dkr-ecr."];

/// An ECR repository, as an image's name gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedRepository {
    /// The account, if the name contains it.
    pub account: Option<String>,
    /// The region, if the name contains it.
    pub region: Option<String>,
    /// `team/api`.
    pub name: String,
}

impl ScannedRepository {
    /// The repository of `123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/api@sha256:…`.
    pub fn from_image(image: &str) -> Option<Self> {
        let (host, path) = image.split_once('/')?;
        let name = path.split(['@', ':']).next().unwrap_or_default().to_owned();
        let parts = REGISTRY.iter().find_map(|infix| host.split_once(infix));
        let (account, rest) = parts.map_or((None, ""), |(account, rest)| {
            (Some(account.to_owned()), rest)
        });
        let region = rest
            .split('.')
            .next()
            .filter(|region| !region.is_empty())
            .map(str::to_owned);
        Some(Self {
            account,
            region,
            name,
        })
    }
}

/// The result of starting a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartScanResult {
    /// The scan was started.
    Started,
    /// This image will not be scanned, with the reason and AWS's message.
    Impossible(NoFindingsReason, String),
    /// AWS does not start one now: the image was scanned within the last 24 hours, or Inspector
    /// does the scanning.
    NotNow(AwsError),
}

impl Aws {
    /// Reads the registry's answer about an image's scan, with the findings of all pages.
    pub async fn describe_scan(
        &self,
        repository: &ScannedRepository,
        digest: &Digest,
    ) -> Result<ScanAnswer, AwsError> {
        let mut pages = Vec::new();
        let mut token = None;
        loop {
            let call = self
                .ecr_at(repository.account.as_deref(), None)
                .describe_image_scan_findings()
                .repository_name(&repository.name)
                .image_id(image_identifier(digest));
            let call = call
                .set_registry_id(repository.account.clone())
                .max_results(PAGE_SIZE)
                .set_next_token(token);
            let page = match from_sdk(
                DESCRIBE,
                call.customize()
                    .config_override(region_override(repository))
                    .send()
                    .await,
            ) {
                Err(error) if error.has_code("ScanNotFoundException") => {
                    return Ok(ScanAnswer::Absent);
                }
                answered => answered?,
            };
            token = page.next_token.clone().filter(|token| !token.is_empty());
            pages.push(page);
            if token.is_none() {
                return Ok(scan_answer(&pages));
            }
        }
    }

    /// Starts a basic scan. It is sent once: ECR refuses a second one within 24 hours.
    pub async fn start_scan(
        &self,
        repository: &ScannedRepository,
        digest: &Digest,
    ) -> Result<StartScanResult, AwsError> {
        let call = self
            .ecr_at(repository.account.as_deref(), None)
            .start_image_scan()
            .repository_name(&repository.name)
            .image_id(image_identifier(digest));
        let call = call.set_registry_id(repository.account.clone());
        let once = region_override(repository).retry_config(RetryConfig::disabled());
        match from_sdk(START, call.customize().config_override(once).send().await) {
            Ok(_) => Ok(StartScanResult::Started),
            Err(error) if error.has_code("UnsupportedImageTypeException") => Ok(
                StartScanResult::Impossible(NoFindingsReason::Unsupported, error.message),
            ),
            Err(error) if error.has_code("ImageArchivedException") => Ok(
                StartScanResult::Impossible(NoFindingsReason::Archived, error.message),
            ),
            Err(error) if is_not_startable_now(&error) => Ok(StartScanResult::NotNow(error)),
            Err(error) => Err(error),
        }
    }
}

/// Enhanced scanning answers with a `ValidationException`.
fn is_not_startable_now(error: &AwsError) -> bool {
    error.kind == AwsErrorKind::Denied
        || error.has_code("LimitExceededException")
        || error.has_code("ValidationException")
}

fn image_identifier(digest: &Digest) -> ImageIdentifier {
    ImageIdentifier::builder()
        .image_digest(digest.as_str())
        .build()
}

/// The image may be in another region than the service.
fn region_override(repository: &ScannedRepository) -> Builder {
    let builder = Builder::new();
    match &repository.region {
        Some(region) => builder.region(Region::new(region.clone())),
        None => builder,
    }
}

/// Pages with different statuses are not one complete list: the scan made progress between the
/// requests.
fn scan_answer(pages: &[Page]) -> ScanAnswer {
    let (status, words) = page_status(pages.last());
    if pages
        .iter()
        .any(|page| self::page_status(Some(page)).0 != status)
    {
        return ScanAnswer::InProgress(status);
    }
    let without = |why| ScanAnswer::NoFindings(why, words.clone());
    match status.as_str() {
        "COMPLETE" | "ACTIVE" => ScanAnswer::Found(collect_findings(&page_findings(pages))),
        // Basic scanning reports this status in its description only.
        "FAILED"
            if words
                .as_ref()
                .is_some_and(|words| words.contains("UnsupportedImageError")) =>
        {
            without(NoFindingsReason::Unsupported)
        }
        "FAILED" => without(NoFindingsReason::Failed),
        "UNSUPPORTED_IMAGE" => without(NoFindingsReason::Unsupported),
        "SCAN_ELIGIBILITY_EXPIRED" => without(NoFindingsReason::Expired),
        "FINDINGS_UNAVAILABLE" => without(NoFindingsReason::Unavailable),
        "LIMIT_EXCEEDED" => without(NoFindingsReason::Limit),
        "IMAGE_ARCHIVED" => without(NoFindingsReason::Archived),
        "IMAGE_SIZE_EXCEEDED" => without(NoFindingsReason::TooLarge),
        _ => ScanAnswer::InProgress(status),
    }
}

fn page_findings(pages: &[Page]) -> Vec<&ImageScanFindings> {
    pages
        .iter()
        .filter_map(|page| page.image_scan_findings.as_ref())
        .collect()
}

fn page_status(page: Option<&Page>) -> (String, Option<String>) {
    let status = page.and_then(|page| page.image_scan_status.as_ref());
    let word = status
        .and_then(|status| status.status.as_ref())
        .map_or("no status", |status| status.as_str());
    (
        word.to_owned(),
        status
            .and_then(|status| status.description.clone())
            .filter(|words| !words.trim().is_empty()),
    )
}

fn collect_findings(pages: &[&ImageScanFindings]) -> Findings {
    let enhanced = pages
        .iter()
        .flat_map(|page| page.enhanced_findings())
        .map(from_enhanced_finding);
    let mut listed: Vec<Finding> = pages
        .iter()
        .flat_map(|page| page.findings())
        .map(from_basic_finding)
        .chain(enhanced)
        .collect();
    // ECR guarantees no order, and two reads are compared.
    listed.sort_by(|one, other| (one.severity, &one.name).cmp(&(other.severity, &other.name)));
    // Which field is present tells the scanner, even when its list is empty.
    let is_enhanced = pages
        .iter()
        .any(|page| page.enhanced_findings.is_some() && page.findings().is_empty());
    let kind = if is_enhanced {
        ScannerKind::Enhanced
    } else {
        ScannerKind::Basic
    };
    let completed = pages
        .iter()
        .find_map(|page| page.image_scan_completed_at())
        .map(aws_smithy_types::DateTime::as_secs_f64);
    let counts = pages
        .first()
        .and_then(|page| page.finding_severity_counts());
    Findings {
        kind,
        completed,
        listed,
        counted: count_by_severity(counts.into_iter().flatten()),
    }
}

fn count_by_severity<'c>(
    counts: impl Iterator<Item = (&'c FindingSeverity, &'c i32)>,
) -> BTreeMap<Severity, u64> {
    let mut counted = BTreeMap::new();
    for (word, count) in counts {
        *counted
            .entry(parse_severity(Some(word.as_str())))
            .or_default() += u64::try_from(*count).unwrap_or(0);
    }
    counted
}

fn parse_severity(word: Option<&str>) -> Severity {
    match word {
        Some("CRITICAL") => Severity::Critical,
        Some("HIGH") => Severity::High,
        Some("MEDIUM") => Severity::Medium,
        Some("LOW") => Severity::Low,
        Some("INFORMATIONAL") => Severity::Informational,
        Some("UNDEFINED" | "UNTRIAGED") => Severity::Unrated,
        Some(_) | None => Severity::Unknown,
    }
}

fn from_basic_finding(finding: &ImageScanFinding) -> Finding {
    let attribute = |key: &str| {
        let found = finding
            .attributes()
            .iter()
            .find(|attribute| attribute.key() == key);
        found
            .and_then(|attribute| attribute.value())
            .map(str::to_owned)
    };
    let package = attribute("package_name").map(|name| Package {
        name,
        version: attribute("package_version"),
        fixed_in: None,
    });
    Finding {
        name: finding.name().unwrap_or("unnamed").to_owned(),
        severity: parse_severity(finding.severity().map(FindingSeverity::as_str)),
        packages: package.into_iter().collect(),
        hidden: Suppression::No,
    }
}

fn from_enhanced_finding(finding: &EnhancedImageScanFinding) -> Finding {
    let details = finding.package_vulnerability_details();
    let name = details
        .and_then(|details| details.vulnerability_id())
        .or_else(|| finding.title());
    let packages = details
        .map(PackageVulnerabilityDetails::vulnerable_packages)
        .unwrap_or_default();
    Finding {
        name: name.unwrap_or("unnamed").to_owned(),
        severity: parse_severity(finding.severity()),
        packages: packages.iter().map(from_package).collect(),
        hidden: match finding.status() {
            Some("SUPPRESSED" | "CLOSED") => Suppression::Suppressed,
            _ => Suppression::No,
        },
    }
}

fn from_package(package: &VulnerablePackage) -> Package {
    let version = package.version().map(|version| match package.release() {
        Some(release) => format!("{version}-{release}"),
        None => version.to_owned(),
    });
    Package {
        name: package.name().unwrap_or("unnamed").to_owned(),
        version,
        fixed_in: package
            .fixed_in_version()
            .filter(|fixed| !fixed.is_empty() && *fixed != "NotAvailable")
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_read_from_the_image_s_name_with_account_and_region_where_it_has_them() {
        let of =
            |image| ScannedRepository::from_image(image).map(|of| (of.account, of.region, of.name));
        let here = (
            Some("123456789012".into()),
            Some("eu-west-1".into()),
            "team/api".to_owned(),
        );
        assert_eq!(
            of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/api@sha256:ab"),
            Some(here.clone())
        );
        assert_eq!(
            of("123456789012.dkr-ecr.eu-west-1.on.aws/team/api:1.0"),
            Some(here)
        );
        assert_eq!(
            of("127.0.0.1:5000/app@sha256:ab"),
            Some((None, None, "app".to_owned()))
        );
        assert_eq!(of("app"), None);
    }

    fn page(status: &str, description: &str) -> Page {
        let status = aws_sdk_ecr::types::ImageScanStatus::builder()
            .status(status.into())
            .description(description)
            .build();
        Page::builder().image_scan_status(status).build()
    }

    #[test]
    fn a_status_that_is_newer_than_this_action_is_no_end() {
        let table = [
            (
                "QUARANTINED",
                "",
                ScanAnswer::InProgress("QUARANTINED".into()),
            ),
            (
                "FAILED",
                "UnsupportedImageError: no system",
                ScanAnswer::NoFindings(
                    NoFindingsReason::Unsupported,
                    Some("UnsupportedImageError: no system".into()),
                ),
            ),
            (
                "FAILED",
                "",
                ScanAnswer::NoFindings(NoFindingsReason::Failed, None),
            ),
            (
                "IMAGE_SIZE_EXCEEDED",
                "",
                ScanAnswer::NoFindings(NoFindingsReason::TooLarge, None),
            ),
        ];
        for (status, description, expected) in table {
            assert_eq!(
                scan_answer(&[page(status, description)]),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn pages_of_two_scans_are_no_answer() {
        assert_eq!(
            scan_answer(&[page("COMPLETE", ""), page("IN_PROGRESS", "")]),
            ScanAnswer::InProgress("IN_PROGRESS".into())
        );
        assert_eq!(
            scan_answer(&[page("IN_PROGRESS", ""), page("COMPLETE", "")]),
            ScanAnswer::InProgress("COMPLETE".into())
        );
    }

    #[test]
    fn a_severity_that_is_missing_or_newer_than_this_action_is_not_an_unrated_one() {
        let words = [
            Some("CRITICAL"),
            Some("UNTRIAGED"),
            Some("UNDEFINED"),
            None,
            Some("CATASTROPHIC"),
        ];
        let read = words.map(parse_severity);
        assert_eq!(
            read,
            [
                Severity::Critical,
                Severity::Unrated,
                Severity::Unrated,
                Severity::Unknown,
                Severity::Unknown
            ]
        );
    }
}
