//! Amazon ECR's image scans: each image's goes by the script of its repository, look by look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::ecr_repositories::exists;
use super::{Answer, Asked, Refusal};
use crate::account::{Place, seconds};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::{ScanFinding, ScanKind, ScanLook, ScanOptions};
use crate::switches::Toggle;

/// As many findings as a page has unless the request says otherwise.
const PAGE: u64 = 100;

/// How far the images' scans are.
#[derive(Debug, Default)]
pub(crate) struct Scans(Mutex<BTreeMap<(String, String), Progress>>);

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    begun: bool,
    looks: usize,
    first_ms: i64,
}

impl Scans {
    fn of<T>(&self, repository: &str, digest: &str, change: impl FnOnce(&mut Progress) -> T) -> T {
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
    place: &Place,
    operation: &str,
    asked: Asked<'_>,
) -> Option<Answer> {
    Some(match operation {
        "DescribeImageScanFindings" => describe(cloud, place, asked).await,
        "StartImageScan" => start(cloud, place, asked).await,
        _ => return None,
    })
}

/// An image that is asked about.
struct Asking<'a> {
    repository: &'a str,
    digest: String,
    is_index: bool,
    script: ScanOptions,
}

impl Asking<'_> {
    fn named(&self) -> String {
        format!("{{imageDigest:'{}'}}", self.digest)
    }

    fn answer(&self, cloud: &Cloud, status: &Value) -> Value {
        json!({
            "registryId": cloud.options.account, "repositoryName": self.repository, "imageId": { "imageDigest": self.digest },
            "imageScanStatus": status,
        })
    }

    fn not_found(&self, cloud: &Cloud) -> Refusal {
        let (image, repository, account) = (self.named(), self.repository, &cloud.options.account);
        let message = format!(
            "Image scan does not exist for the image with '{image}' in the repository with name '{repository}' in the registry with id '{account}'"
        );
        Refusal::new("ScanNotFoundException", message)
    }
}

async fn asking<'a>(cloud: &Cloud, place: &Place, asked: Asked<'a>) -> Result<Asking<'a>, Refusal> {
    let repository = asked.text("repositoryName").unwrap_or_default();
    exists(cloud, place, repository)?;
    let id = Asked(asked.get("imageId").unwrap_or(&Value::Null));
    let reference = id.text("imageDigest").or_else(|| id.text("imageTag"));
    let reference = reference.ok_or_else(|| {
        Refusal::parameter("Invalid parameter at 'imageId' failed to satisfy constraint")
    })?;
    let manifest = cloud.world.manifest(repository, reference).await.map_err(|_| {
        let message = format!("The image with imageId {{{reference}}} does not exist within the repository with name '{repository}'");
        Refusal::new("ImageNotFoundException", message)
    })?;
    let is_index =
        manifest.media_type.contains("index") || manifest.media_type.contains("manifest.list");
    let script = cloud
        .options
        .scans
        .get(repository)
        .cloned()
        .unwrap_or_default();
    Ok(Asking {
        repository,
        digest: manifest.digest,
        is_index,
        script,
    })
}

async fn describe(cloud: &Cloud, place: &Place, asked: Asked<'_>) -> Answer {
    let asking = asking(cloud, place, asked).await?;
    let token: Option<usize> = asked.text("nextToken").and_then(|token| token.parse().ok());
    let seen = cloud
        .scans
        .of(asking.repository, &asking.digest, |progress| {
            look(&asking, progress, token)
        });
    let (look, first_ms) = seen
        .filter(|(look, _)| look.status != "NOT_FOUND")
        .ok_or_else(|| asking.not_found(cloud))?;
    let mut status = json!({ "status": look.status });
    if let Some(description) = &look.description {
        status["description"] = json!(description);
    }
    let page = usize::try_from(asked.number("maxResults").unwrap_or(PAGE))
        .unwrap_or(usize::MAX)
        .min(asking.script.page.max(1));
    let from = token.unwrap_or(0).min(look.findings.len());
    let to = from.saturating_add(page).min(look.findings.len());
    let mut answer = asking.answer(cloud, &status);
    answer["imageScanFindings"] = findings(cloud, &asking, &look, (from, to), first_ms);
    if to < look.findings.len() {
        answer["nextToken"] = json!(to.to_string());
    }
    Ok(answer)
}

/// The next line of the script; a further page is of the same one. None when no scan has begun.
fn look(
    asking: &Asking<'_>,
    progress: &mut Progress,
    token: Option<usize>,
) -> Option<(ScanLook, i64)> {
    if asking.is_index || (asking.script.on_push == Toggle::Off && !progress.begun) {
        return None;
    }
    if token.is_none() {
        progress.looks += 1;
    }
    if progress.first_ms == 0 {
        progress.first_ms = now_ms();
    }
    let last = asking.script.looks.len().checked_sub(1)?;
    asking
        .script
        .looks
        .get(progress.looks.saturating_sub(1).min(last))
        .map(|look| (look.clone(), progress.first_ms))
}

fn findings(
    cloud: &Cloud,
    asking: &Asking<'_>,
    look: &ScanLook,
    (from, to): (usize, usize),
    first_ms: i64,
) -> Value {
    let mut answer = json!({});
    if let Some(ago) = look.completed_seconds_ago {
        let completed = seconds(first_ms - i64::from(ago) * 1_000);
        answer["imageScanCompletedAt"] = completed.clone();
        answer["vulnerabilitySourceUpdatedAt"] = completed;
        answer["findingSeverityCounts"] = json!(
            look.counts
                .clone()
                .unwrap_or_else(|| counts(&look.findings))
        );
    }
    let listed = look.findings.get(from..to).unwrap_or_default();
    match asking.script.kind {
        // Before Inspector's findings arrive, its answer looks like a basic one (aws-sdk#289).
        ScanKind::Enhanced if look.completed_seconds_ago.is_some() || !look.findings.is_empty() => {
            answer["enhancedFindings"] = listed
                .iter()
                .map(|finding| enhanced(cloud, finding))
                .collect();
        }
        ScanKind::Basic | ScanKind::Enhanced => {
            answer["findings"] = listed.iter().map(basic).collect();
        }
    }
    answer
}

/// ECR's enumeration of severities lacks Inspector's `UNTRIAGED`.
fn counts(findings: &[ScanFinding]) -> BTreeMap<String, u64> {
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

fn basic(finding: &ScanFinding) -> Value {
    json!({
        "name": finding.name, "severity": finding.severity, "description": format!("A weakness of {}.", finding.package),
        "uri": format!("https://nvd.nist.gov/vuln/detail/{}", finding.name),
        "attributes": [{ "key": "package_name", "value": finding.package }, { "key": "package_version", "value": finding.version }],
    })
}

fn enhanced(cloud: &Cloud, finding: &ScanFinding) -> Value {
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

async fn start(cloud: &Cloud, place: &Place, asked: Asked<'_>) -> Answer {
    let asking = asking(cloud, place, asked).await?;
    if asking.script.kind == ScanKind::Enhanced {
        return Err(Refusal::new(
            "ValidationException",
            "This feature is disabled",
        ));
    }
    if asking.is_index {
        let message = format!(
            "The image with '{}' has a type that is not supported for scanning",
            asking.named()
        );
        return Err(Refusal::new("UnsupportedImageTypeException", message));
    }
    let was_scanned = cloud
        .scans
        .of(asking.repository, &asking.digest, |progress| {
            std::mem::replace(&mut progress.begun, true)
        });
    if was_scanned || asking.script.on_push == Toggle::On {
        return Err(Refusal::new(
            "LimitExceededException",
            "The scan quota per image has been exceeded. Wait and try again.",
        ));
    }
    Ok(asking.answer(cloud, &json!({ "status": "IN_PROGRESS" })))
}
