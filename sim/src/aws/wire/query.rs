//! AWS's query protocol: numbered form fields in, XML out.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::aws::{Api, ServiceError};

/// A form as nested JSON: `Names.member.1=a` becomes `{"Names": ["a"]}`.
pub(super) fn decode(raw: &[u8]) -> Value {
    let mut root = Value::Object(Map::new());
    for (key, value) in form_urlencoded::parse(raw) {
        let path: Vec<&str> = key.split('.').collect();
        insert(&mut root, &path, value.into_owned());
    }
    convert_lists(root)
}

fn insert(node: &mut Value, path: &[&str], value: String) {
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    let (Some((first, rest)), Some(members)) = (path.split_first(), node.as_object_mut()) else {
        return;
    };
    if rest.is_empty() {
        members.insert((*first).to_owned(), Value::String(value));
    } else {
        insert(
            members.entry((*first).to_owned()).or_insert(Value::Null),
            rest,
            value,
        );
    }
}

/// `{"member": {"1": a, "2": b}}` becomes `[a, b]`.
fn convert_lists(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return value;
    };
    if let (1, Some(Value::Object(_))) = (members.len(), members.get("member")) {
        let Some(Value::Object(numbered)) = members.remove("member") else {
            return Value::Null;
        };
        let mut entries: Vec<(u32, Value)> = numbered
            .into_iter()
            .map(|(key, value)| (key.parse().unwrap_or(0), convert_lists(value)))
            .collect();
        entries.sort_by_key(|(number, _)| *number);
        return Value::Array(entries.into_iter().map(|(_, value)| value).collect());
    }
    Value::Object(
        members
            .into_iter()
            .map(|(key, value)| (key, convert_lists(value)))
            .collect(),
    )
}

/// `<XResponse><XResult>…`.
pub(super) fn encode(api: Api, operation: &str, answer: &Value, request_id: &str) -> String {
    let mut body = String::new();
    write_element(&mut body, api, &format!("{operation}Result"), answer);
    let metadata =
        format!("<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>");
    format!(
        "<{operation}Response xmlns=\"{}\">{body}{metadata}</{operation}Response>",
        xml_namespace(api)
    )
}

/// `<ErrorResponse><Error>…`.
pub(super) fn encode_error(api: Api, refusal: &ServiceError, request_id: &str) -> String {
    let kind = if refusal.status >= 500 {
        "Receiver"
    } else {
        "Sender"
    };
    let (code, message) = (escape(&refusal.code), escape(&refusal.message));
    let error = format!(
        "<Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    format!(
        "<ErrorResponse xmlns=\"{}\">{error}<RequestId>{request_id}</RequestId></ErrorResponse>",
        xml_namespace(api)
    )
}

const fn xml_namespace(api: Api) -> &'static str {
    match api {
        Api::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        Api::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        Api::Rds => "http://rds.amazonaws.com/doc/2014-10-31/",
        Api::Elb
        | Api::Ssm
        | Api::S3
        | Api::Quotas
        | Api::Ecs
        | Api::CodeDeploy
        | Api::Ecr
        | Api::Logs
        | Api::CloudWatch
        | Api::Scaling
        | Api::Secrets
        | Api::Signals
        | Api::Backup
        | Api::Events
        | Api::Scheduler => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    }
}

/// RDS names the entries of its lists: they have the name of the list itself here.
fn write_element(out: &mut String, api: Api, name: &str, value: &Value) {
    if let (Api::Rds, Value::Array(entries)) = (api, value) {
        return entries
            .iter()
            .for_each(|entry| write_element(out, api, name, entry));
    }
    let _ = write!(out, "<{name}>");
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&escape(text)),
        Value::Array(entries) => entries
            .iter()
            .for_each(|entry| write_element(out, api, "member", entry)),
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| write_element(out, api, name, value)),
    }
    let _ = write!(out, "</{name}>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbered_fields_become_lists() {
        let form = decode(b"Action=X&ListenerArns.member.2=b&ListenerArns.member.1=a&PageSize=5");
        assert_eq!(
            form,
            json!({ "Action": "X", "ListenerArns": ["a", "b"], "PageSize": "5" })
        );
    }

    #[test]
    fn lists_become_members_and_text_is_escaped() {
        let xml = encode(
            Api::Elb,
            "X",
            &json!({ "Names": ["a<b"], "Flag": true }),
            "id",
        );
        assert!(
            xml.contains(
                "<XResult><Names><member>a&lt;b</member></Names><Flag>true</Flag></XResult>"
            ),
            "{xml}"
        );
    }
}
