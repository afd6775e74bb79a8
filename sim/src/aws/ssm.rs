//! AWS Systems Manager: the parameters behind the `valueFrom` of containers' secrets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Input};
use crate::account::epoch_seconds;
use crate::cloud::Cloud;

/// When parameters were written that the stage's options say nothing of.
const WRITTEN_MS: i64 = 1_700_000_000_000;

/// Answers an operation of Systems Manager.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetParameters" => Ok(get_parameters(cloud, input)),
        _ => return None,
    })
}

fn get_parameters(cloud: &Cloud, input: Input<'_>) -> Value {
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for asked in input.text_list("Names") {
        let known = cloud
            .options
            .secrets
            .keys()
            .find(|known| parameter_name(known) == Some(bare_name(asked)));
        match known {
            Some(known) => found.push(view(cloud, known, bare_name(asked))),
            None => invalid.push(asked),
        }
    }
    json!({ "Parameters": found, "InvalidParameters": invalid })
}

/// Encrypted, as whoever does not decrypt gets it.
fn view(cloud: &Cloud, known: &str, name: &str) -> Value {
    let changed = cloud.options.account_contents.changed_secrets.get(known);
    let changed_ms = changed.map_or(WRITTEN_MS, |seconds| i64::from(*seconds) * 1000);
    let location = cloud.read(|account| account.location.clone());
    let arn = format!(
        "arn:aws:ssm:{}:{}:parameter/{}",
        location.region,
        location.account,
        name.trim_start_matches('/')
    );
    json!({
        "Name": name, "Type": "SecureString", "Value": "AQICAHh0ZXh0IHRoYXQgbm9ib2R5IGRlY3J5cHRz", "Version": 1,
        "LastModifiedDate": epoch_seconds(changed_ms), "ARN": arn, "DataType": "text",
    })
}

/// `arn:aws:ssm:…:parameter/NAME` and `NAME` are the same; names that are paths begin with a slash.
fn bare_name(asked: &str) -> &str {
    match asked.split_once(":parameter/") {
        Some((_, name)) if name.contains('/') => asked
            .split_once(":parameter")
            .map_or(name, |(_, path)| path),
        Some((_, name)) => name,
        None => asked,
    }
}

/// The name of a parameter among the values behind secrets; none for those of other services.
fn parameter_name(known: &str) -> Option<&str> {
    (!known.starts_with("arn:") || known.contains(":ssm:")).then(|| bare_name(known))
}
