//! Amazon ECR's image scans: each image's goes by the script of its repository, look by look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::ecr_repositories::check_exists;
use super::{Answer, Input, ServiceError};
use crate::account::{Location, epoch_seconds};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::{ScanFinding, ScanKind, ScanOptions, ScanReading};
use crate::switches::Toggle;

/// As many findings as a page has unless the request says otherwise.
const DEFAULT_PAGE: u64 = 100;

/// How far the images' scans are.
#[derive(Debug, Default)]
pub(crate) struct Scans(Mutex<BTreeMap<(String, String), Progress>>);

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    is_started: bool,
    reads: usize,
    first_read_ms: i64,
}

impl Scans {
    fn update<T>(
        &self,
        repository: &str,
        digest: &str,
        change: impl FnOnce(&mut Progress) -> T,
    ) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(
            all.entry((repository.to_owned(), digest.to_owned()))
                .or_default(),
        )
    }
}

/// Answers an operation of ECR that is about scans.
pub(super) async fn answer(
    cloud: &Arc<Cloud>,
    location: &Location,
    operation: &str,
    input: Input<'_>,
) -> Option<Answer> {
    Some(match operation {
        "DescribeImageScanFindings" => describe(cloud, location, input).await,
        "StartImageScan" => start(cloud, location, input).await,
        _ => return None,
    })
}

/// An image that is asked about.
struct ScannedImage<'a> {
    repository: &'a str,
    digest: String,
    is_index: bool,
    script: ScanOptions,
}

impl ScannedImage<'_> {
    fn image_id(&self) -> String {
        format!("{{imageDigest:'{}'}}", self.digest)
    }

    fn answer(&self, cloud: &Cloud, status: &Value) -> Value {
        json!({
            "registryId": cloud.options.account, "repositoryName": self.repository, "imageId": { "imageDigest": self.digest },
            "imageScanStatus": status,
        })
    }

    fn not_found(&self, cloud: &Cloud) -> ServiceError {
        let (image, repository, account) =
            (self.image_id(), self.repository, &cloud.options.account);
        let message = format!(
            "Image scan does not exist for the image with '{image}' in the repository with name '{repository}' in the registry with id '{account}'"
        );
        ServiceError::new("ScanNotFoundException", message)
    }
}

async fn find_image<'a>(
    cloud: &Cloud,
    location: &Location,
    input: Input<'a>,
) -> Result<ScannedImage<'a>, ServiceError> {
    let repository = input.text("repositoryName").unwrap_or_default();
    check_exists(cloud, location, repository)?;
    let id = Input(input.get("imageId").unwrap_or(&Value::Null));
    let reference = id.text("imageDigest").or_else(|| id.text("imageTag"));
    let reference = reference.ok_or_else(|| {
        ServiceError::invalid_parameter(
            "Invalid parameter at 'imageId' failed to satisfy constraint",
        )
    })?;
    let manifest = cloud.world.fetch_manifest(repository, reference).await.map_err(|_| {
        let message = format!("The image with imageId {{{reference}}} does not exist within the repository with name '{repository}'");
        ServiceError::new("ImageNotFoundException", message)
    })?;
    let is_index =
        manifest.media_type.contains("index") || manifest.media_type.contains("manifest.list");
    let script = cloud
        .options
        .scans
        .get(repository)
        .cloned()
        .unwrap_or_default();
    Ok(ScannedImage {
        repository,
        digest: manifest.digest,
        is_index,
        script,
    })
}

async fn describe(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let image = find_image(cloud, location, input).await?;
    let token: Option<usize> = input.text("nextToken").and_then(|token| token.parse().ok());
    let reading = cloud
        .scans
        .update(image.repository, &image.digest, |progress| {
            next_reading(&image, progress, token)
        });
    let (reading, first_ms) = reading
        .filter(|(look, _)| look.status != "NOT_FOUND")
        .ok_or_else(|| image.not_found(cloud))?;
    let mut status = json!({ "status": reading.status });
    if let Some(description) = &reading.description {
        status["description"] = json!(description);
    }
    let page = usize::try_from(input.number("maxResults").unwrap_or(DEFAULT_PAGE))
        .unwrap_or(usize::MAX)
        .min(image.script.page.max(1));
    let from = token.unwrap_or(0).min(reading.findings.len());
    let to = from.saturating_add(page).min(reading.findings.len());
    let mut answer = image.answer(cloud, &status);
    answer["imageScanFindings"] = findings_view(cloud, &image, &reading, (from, to), first_ms);
    if to < reading.findings.len() {
        answer["nextToken"] = json!(to.to_string());
    }
    Ok(answer)
}

/// The next line of the script; a further page is of the same one. None when no scan has begun.
fn next_reading(
    image: &ScannedImage<'_>,
    progress: &mut Progress,
    token: Option<usize>,
) -> Option<(ScanReading, i64)> {
    if image.is_index || (image.script.on_push == Toggle::Off && !progress.is_started) {
        return None;
    }
    if token.is_none() {
        progress.reads += 1;
    }
    if progress.first_read_ms == 0 {
        progress.first_read_ms = now_ms();
    }
    let last = image.script.looks.len().checked_sub(1)?;
    image
        .script
        .looks
        .get(progress.reads.saturating_sub(1).min(last))
        .map(|look| (look.clone(), progress.first_read_ms))
}

fn findings_view(
    cloud: &Cloud,
    image: &ScannedImage<'_>,
    reading: &ScanReading,
    (from, to): (usize, usize),
    first_ms: i64,
) -> Value {
    let mut answer = json!({});
    if let Some(ago) = reading.completed_seconds_ago {
        let completed = epoch_seconds(first_ms - i64::from(ago) * 1_000);
        answer["imageScanCompletedAt"] = completed.clone();
        answer["vulnerabilitySourceUpdatedAt"] = completed;
        answer["findingSeverityCounts"] = json!(
            reading
                .counts
                .clone()
                .unwrap_or_else(|| severity_counts(&reading.findings))
        );
    }
    let listed = reading.findings.get(from..to).unwrap_or_default();
    match image.script.kind {
        // Before Inspector's findings arrive, its answer looks like a basic one (aws-sdk#289).
        ScanKind::Enhanced
            if reading.completed_seconds_ago.is_some() || !reading.findings.is_empty() =>
        {
            answer["enhancedFindings"] = listed
                .iter()
                .map(|finding| enhanced_finding(cloud, finding))
                .collect();
        }
        ScanKind::Basic | ScanKind::Enhanced => {
            answer["findings"] = listed.iter().map(basic_finding).collect();
        }
    }
    answer
}

/// ECR's enumeration of severities lacks Inspector's `UNTRIAGED`.
fn severity_counts(findings: &[ScanFinding]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        let severity = if finding.severity == "UNTRIAGED" {
            "UNDEFINED"
        } else {
            &finding.severity
        };
        *counts.entry(severity.to_owned()).or_default() += 1;
    }
    counts
}

fn basic_finding(finding: &ScanFinding) -> Value {
    json!({
        "name": finding.name, "severity": finding.severity, "description": format!("A weakness of {}.", finding.package),
        "uri": format!("https://nvd.nist.gov/vuln/detail/{}", finding.name),
        "attributes": [{ "key": "package_name", "value": finding.package }, { "key": "package_version", "value": finding.version }],
    })
}

fn enhanced_finding(cloud: &Cloud, finding: &ScanFinding) -> Value {
    let fixed = finding.fixed_in.as_deref().unwrap_or("NotAvailable");
    let (version, release) = finding
        .version
        .split_once('-')
        .map_or((finding.version.as_str(), None), |(one, two)| {
            (one, Some(two))
        });
    let mut package = json!({ "name": finding.package, "version": version, "fixedInVersion": fixed, "arch": "AMD64", "epoch": 0, "packageManager": "OS" });
    if let Some(release) = release {
        package["release"] = json!(release);
    }
    let (region, account) = (&cloud.options.region, &cloud.options.account);
    json!({
        "awsAccountId": account, "findingArn": format!("arn:aws:inspector2:{region}:{account}:finding/{}", finding.name),
        "title": format!("{} - {}", finding.name, finding.package), "description": format!("A weakness of {}.", finding.package),
        "severity": finding.severity, "status": finding.status, "type": "PACKAGE_VULNERABILITY", "score": 7.5,
        "fixAvailable": if finding.fixed_in.is_some() { "YES" } else { "NO" },
        "packageVulnerabilityDetails": { "vulnerabilityId": finding.name, "source": "NVD", "vulnerablePackages": [package] },
    })
}

async fn start(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let image = find_image(cloud, location, input).await?;
    if image.script.kind == ScanKind::Enhanced {
        return Err(ServiceError::new(
            "ValidationException",
            "This feature is disabled",
        ));
    }
    if image.is_index {
        let message = format!(
            "The image with '{}' has a type that is not supported for scanning",
            image.image_id()
        );
        return Err(ServiceError::new("UnsupportedImageTypeException", message));
    }
    let was_scanned = cloud
        .scans
        .update(image.repository, &image.digest, |progress| {
            std::mem::replace(&mut progress.is_started, true)
        });
    if was_scanned || image.script.on_push == Toggle::On {
        return Err(ServiceError::new(
            "LimitExceededException",
            "The scan quota per image has been exceeded. Wait and try again.",
        ));
    }
    Ok(image.answer(cloud, &json!({ "status": "IN_PROGRESS" })))
}
