//! Whether two single values mean the same, in whatever way they are written.

use serde_json::Value;

use super::defaults::Context;

/// Whether the values under a key mean the same.
pub(super) fn is_same_value(key: &str, left: &Value, right: &Value, context: Context) -> bool {
    if is_nothing(left) && is_nothing(right) || to_text(left) == to_text(right) {
        return true;
    }
    match key {
        "cpu" => are_equal(cpu_units(left), cpu_units(right)),
        "memory" => are_equal(mebibytes(left), mebibytes(right)),
        "taskRoleArn" | "executionRoleArn" => is_same_role(&to_text(left), &to_text(right)),
        "hostPort" => {
            context == Context::SamePorts && (to_text(left) == "0" || to_text(right) == "0")
        }
        _ => false,
    }
}

/// A value as a text, so that 256 equals "256", and 1 equals 1.0.
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn are_equal(left: Option<f64>, right: Option<f64>) -> bool {
    matches!((left, right), (Some(left), Some(right)) if (left - right).abs() < 0.5)
}

/// ECS takes `256`, `.25 vCPU` and `1 vcpu`, and answers in units of 1/1024.
fn cpu_units(value: &Value) -> Option<f64> {
    parse_size(value, "vcpu")
}

/// ECS takes `512`, `0.5GB` and `1 GB`, and answers in MiB.
fn mebibytes(value: &Value) -> Option<f64> {
    parse_size(value, "gb")
}

/// A number that is written in units of 1/1024, or in whole ones with this suffix.
fn parse_size(value: &Value, suffix: &str) -> Option<f64> {
    let text = to_text(value).to_lowercase();
    let parse = |number: &str| number.trim().parse::<f64>().ok();
    match text.strip_suffix(suffix) {
        Some(number) => parse(number).map(|number| number * 1024.0),
        None => parse(&text),
    }
}

/// A role may be sent by name; the answer has the name that was sent, or the ARN.
fn is_same_role(left: &str, right: &str) -> bool {
    let names = |arn: &str, name: &str| {
        !name.starts_with("arn:")
            && arn
                .split_once(":role/")
                .is_some_and(|(_, path)| is_role(path, name))
    };
    names(left, right) || names(right, left)
}

fn is_role(path: &str, name: &str) -> bool {
    !name.is_empty()
        && (path == name
            || path
                .strip_suffix(name)
                .is_some_and(|before| before.ends_with('/')))
}
