//! AWS Systems Manager: the parameters behind the `valueFrom` of containers' secrets, and the states
//! of Change Calendars.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Answer, Input, ServiceError};
use crate::account::epoch_seconds;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::CalendarState;

/// When parameters were written that the stage's options say nothing of.
const WRITTEN_MS: i64 = 1_700_000_000_000;

/// Answers an operation of Systems Manager.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetCalendarState" => get_calendar_state(cloud, input),
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

/// Of several calendars AWS says that all of them together are closed when one is.
fn get_calendar_state(cloud: &Cloud, input: Input<'_>) -> Answer {
    let mut readings = Vec::new();
    for given in input.text_list("CalendarNames") {
        let name = given
            .rsplit_once("document/")
            .map_or(given, |(_, name)| name);
        let Some(reading) = cloud.next_calendar_reading(name) else {
            let message = format!("Document with name {name} does not exist.");
            return Err(ServiceError::new("InvalidDocument", message));
        };
        readings.push(reading);
    }
    let is_closed = readings
        .iter()
        .any(|reading| reading.state == CalendarState::Closed);
    let next = readings
        .iter()
        .filter_map(|reading| reading.changes_in_seconds)
        .min();
    let state = if is_closed { "CLOSED" } else { "OPEN" };
    let mut answer = json!({ "State": state, "AtTime": iso_time(0) });
    if let Some(seconds) = next {
        answer["NextTransitionTime"] = json!(iso_time(seconds));
    }
    Ok(answer)
}

/// So many seconds from now, to the second.
fn iso_time(in_seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(now_ms() / 1_000 + in_seconds)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}
