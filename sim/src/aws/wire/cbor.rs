//! rpc-v2-cbor: the same values as JSON, with times tagged.

use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

/// The tag of a time: seconds since the epoch.
const EPOCH_TAG: u64 = 1;

/// The members of the simulated operations' answers that are times.
const TIME_MEMBERS: [&str; 10] = [
    "createTime",
    "startTime",
    "completeTime",
    "endTime",
    "lastUpdatedAt",
    "AlarmConfigurationUpdatedTimestamp",
    "StateUpdatedTimestamp",
    "StateTransitionedTimestamp",
    "firstUsedTime",
    "registerTime",
];

/// A request's body as JSON; an empty one has no members.
pub(super) fn decode(raw: &[u8]) -> Value {
    if raw.is_empty() {
        return Value::Object(Map::new());
    }
    ciborium::from_reader::<Cbor, _>(raw).map_or(Value::Null, from_cbor)
}

fn from_cbor(value: Cbor) -> Value {
    match value {
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Integer(number) => i64::try_from(number).map_or(Value::Null, Value::from),
        Cbor::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Array(entries) => Value::Array(entries.into_iter().map(from_cbor).collect()),
        Cbor::Map(members) => {
            Value::Object(members.into_iter().filter_map(member_from_cbor).collect())
        }
        Cbor::Tag(_, inner) => from_cbor(*inner),
        _ => Value::Null,
    }
}

fn member_from_cbor((key, value): (Cbor, Cbor)) -> Option<(String, Value)> {
    Some((key.into_text().ok()?, from_cbor(value)))
}

/// An answer's body.
pub(super) fn encode(answer: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    // Writing to memory cannot fail; an empty body would be noticed by every reader.
    let _ = ciborium::into_writer(&to_cbor(answer), &mut body);
    body
}

fn to_cbor(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| Cbor::Float(number.as_f64().unwrap_or(0.0)), Cbor::from),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(entries) => Cbor::Array(entries.iter().map(to_cbor).collect()),
        Value::Object(members) => Cbor::Map(
            members
                .iter()
                .map(|(name, value)| (Cbor::Text(name.clone()), tag_times(name, value)))
                .collect(),
        ),
    }
}

fn tag_times(name: &str, value: &Value) -> Cbor {
    if let ("Timestamps", Value::Array(moments)) = (name, value) {
        return Cbor::Array(
            moments
                .iter()
                .map(|moment| tag_times("createTime", moment))
                .collect(),
        );
    }
    match value.as_f64() {
        Some(seconds) if TIME_MEMBERS.contains(&name) => {
            Cbor::Tag(EPOCH_TAG, Box::new(Cbor::Float(seconds)))
        }
        Some(_) | None => to_cbor(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_comes_back_as_it_went() {
        let value =
            json!({ "Names": ["a"], "Count": 3, "Share": 0.5, "StateUpdatedTimestamp": 1.5 });
        assert_eq!(decode(&encode(&value)), value);
    }

    #[test]
    fn moments_are_tagged() {
        let value = to_cbor(&json!({ "StateUpdatedTimestamp": 2.0 }));
        let members = value.into_map().unwrap();
        assert_eq!(members[0].1, Cbor::Tag(1, Box::new(Cbor::Float(2.0))));
    }
}
