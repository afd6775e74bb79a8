//! AWS Backup: recovery points of a resource.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const BACKUP: SignedService = SignedService {
    signing_name: "backup",
    host: "backup",
    id: "Backup",
    protocol: SignedProtocol::Rest("GET"),
};
const ACTION: &str = "backup:ListRecoveryPointsByResource";
const MAX_PAGES: usize = 20;
/// States of a recovery point that can be restored.
const COMPLETE: [&str; 2] = ["COMPLETED", "AVAILABLE"];
/// Characters that need no escaping in a part of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Aws {
    /// When the newest recovery point of a resource that can be restored was made, in seconds since
    /// 1970; none where there is none.
    ///
    /// # Errors
    ///
    /// They could not be read, or AWS Backup does not know the resource.
    pub async fn newest_recovery_point(&self, resource: &str) -> Result<Option<f64>, AwsError> {
        let encode = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
        let path = format!("/resources/{}/recovery-points/", encode(resource));
        let (mut newest, mut token) = (None::<f64>, None::<String>);
        for _ in 0..MAX_PAGES {
            let query = token
                .take()
                .map(|token| format!("?nextToken={}", encode(&token)))
                .unwrap_or_default();
            let call = SignedCall {
                path: &format!("{path}{query}"),
                ..SignedCall::new(BACKUP, ACTION, self.partition.region())
            };
            let answer = self.read_signed(call, &Value::Null).await?;
            let points = answer["RecoveryPoints"].as_array().into_iter().flatten();
            let times = points.filter_map(restorable_since);
            newest = times.chain(newest).reduce(f64::max);
            match answer["NextToken"].as_str() {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(newest)
    }
}

fn restorable_since(point: &Value) -> Option<f64> {
    let status = point["Status"].as_str()?;
    point["CreationDate"]
        .as_f64()
        .filter(|_| COMPLETE.contains(&status))
}
