//! How values of a task definition are shown, of those that may be; what looks like a secret among
//! them is masked all the same.

use serde_json::Value;

use super::path::{FieldPath, PathSegment};

/// If a name contains one of these, its value counts as a secret. Masking too much is a nuisance,
/// too little is a leak.
const SECRET_WORDS: [&str; 8] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "KEY",
    "CREDENTIAL",
    "PRIVATE",
];

/// Shown instead of a secret.
const MASK: &str = "***";

/// A value as it is shown: texts bare, the rest as JSON, secrets as `***`.
pub(super) fn format_value(path: &FieldPath, value: &Value) -> String {
    if name_of_value(path).is_some_and(looks_secret) {
        return MASK.to_owned();
    }
    match value {
        Value::String(text) => mask_text(text),
        other => mask_value(other).to_string(),
    }
}

/// The name by which a value is known: the variable for `environment[NAME].value`, otherwise the
/// key.
fn name_of_value(path: &FieldPath) -> Option<&str> {
    match path.segments() {
        [.., PathSegment::Name(name), PathSegment::Key(key)] if key == "value" => Some(name),
        [.., PathSegment::Key(key)] => Some(key),
        _ => None,
    }
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// The same value with everything masked that looks like a secret.
fn mask_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(mask_text(text)),
        Value::Array(items) => items.iter().map(mask_value).collect(),
        Value::Object(entries) => {
            let variable = entries
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(looks_secret);
            let hidden = |key: &str, value: &Value| {
                (variable && key == "value") || (value.is_string() && looks_secret(key))
            };
            let mask = |(key, value): (&String, &Value)| {
                (
                    key.clone(),
                    if hidden(key, value) {
                        Value::from(MASK)
                    } else {
                        mask_value(value)
                    },
                )
            };
            Value::Object(entries.iter().map(mask).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Masks the value of `--token=…` and the user part of `scheme://user:password@host`.
fn mask_text(text: &str) -> String {
    if let Some((name, _)) = text
        .split_once('=')
        .filter(|(name, _)| looks_secret(name) && !name.contains("://"))
    {
        return format!("{name}={MASK}");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.rfind('@') {
        Some(end) => format!("{scheme}://{MASK}{}", &rest[end..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_with_a_secret_name_and_passwords_in_urls_are_not_shown() {
        let variable = |name: &str| {
            FieldPath::default()
                .with_key("environment")
                .with_name(name)
                .with_key("value")
        };
        let table = [
            (variable("API_TOKEN"), json!("x"), "***"),
            (variable("db_password"), json!("x"), "***"),
            (variable("LOG_LEVEL"), json!("info"), "info"),
            (
                variable("DATABASE_URL"),
                json!("postgres://u:p@host/db"),
                "postgres://***@host/db",
            ),
            (
                variable("HOME_URL"),
                json!("https://example.com/@me"),
                "https://example.com/@me",
            ),
            (
                FieldPath::default()
                    .with_key("options")
                    .with_key("splunk-token"),
                json!("x"),
                "***",
            ),
            (
                FieldPath::default().with_key("command"),
                json!(["run", "--token=abc", "a=b"]),
                r#"["run","--token=***","a=b"]"#,
            ),
            (
                FieldPath::default().with_key("newThings"),
                json!([{"name": "MY_KEY", "value": "x"}]),
                r#"[{"name":"MY_KEY","value":"***"}]"#,
            ),
        ];
        for (path, value, expected) in table {
            assert_eq!(format_value(&path, &value), expected);
        }
    }
}
