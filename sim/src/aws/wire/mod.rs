//! The wire protocols: which one a request speaks, its decoded input, and an answer or a
//! refusal in the same protocol.

mod query;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::error::ErrorSource;
use super::{Answer, Api, ServiceError};
use crate::account::uuid_from;
use crate::clock::now_ms;
use crate::faults::GARBAGE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// awsJson 1.0 or 1.1, as the service's model says: `X-Amz-Target`.
    Json,
    /// A form with `Action`, answered in XML.
    Query,
    /// A `HEAD` of S3, whose answer is a status.
    Head,
    /// restJson1: method and path say what is asked.
    Rest,
}

impl Protocol {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Query => "query",
            Self::Head => "head",
            Self::Rest => "rest",
        }
    }
}

/// A recognised request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) api: Api,
    pub(crate) protocol: Protocol,
    pub(crate) operation: String,
    pub(crate) input: Value,
    /// The access key in the signature's scope; none when it is not signed.
    pub(crate) access_key: Option<String>,
    /// The region in the signature's scope.
    pub(crate) region: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl Call {
    /// The call that a request makes, if it is one to AWS.
    pub(crate) fn parse(parts: &Parts, raw: &Bytes) -> Option<Self> {
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let (api, protocol, operation, input) =
            parse_json(header("x-amz-target"), header("content-type"), raw)
                .or_else(|| parse_head(parts))
                .or_else(|| parse_rest(parts, raw))
                .or_else(|| parse_query(raw))?;
        let user_agent = header("user-agent").map(ToOwned::to_owned);
        let authorization = header("authorization");
        let region = authorization.and_then(signed_region).map(ToOwned::to_owned);
        let access_key = authorization.map(|header| signed_key(header).to_owned());
        Some(Self {
            api,
            protocol,
            operation,
            input,
            access_key,
            region,
            user_agent,
        })
    }

    /// What makes two reads the same.
    pub(crate) fn read_key(&self) -> String {
        format!("{}:{} {}", self.api.name(), self.operation, self.input)
    }

    /// The answer as it goes out, and its bytes.
    pub(crate) fn respond(&self, answer: &Answer) -> (Option<Response<Full<Bytes>>>, Vec<u8>) {
        let request_id = uuid_from(&format!("{}{}", self.operation, now_ms()));
        let status = answer
            .as_ref()
            .map_or_else(|refusal| refusal.status, |_| 200);
        let body = self.encode(answer, &request_id);
        let mut response = Response::builder()
            .status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .header("content-type", self.content_type())
            .header("x-amzn-requestid", request_id);
        if let (Protocol::Rest, Err(refusal)) = (self.protocol, answer) {
            response = response.header(
                "x-amzn-errortype",
                format!("{}:http://internal.amazon.com/", refusal.code),
            );
        }
        if let (Api::CloudWatch, Err(refusal)) = (self.api, answer) {
            response = response.header("x-amzn-query-error", format!("{};Sender", refusal.code));
        }
        (
            response.body(Full::new(Bytes::from(body.clone()))).ok(),
            body,
        )
    }

    const fn content_type(&self) -> &'static str {
        match self.protocol {
            Protocol::Json => self.api.json_type(),
            Protocol::Query => "text/xml",
            Protocol::Head => "binary/octet-stream",
            Protocol::Rest => "application/json",
        }
    }

    fn encode(&self, answer: &Answer, request_id: &str) -> Vec<u8> {
        match (self.protocol, answer) {
            (Protocol::Json | Protocol::Rest, Ok(answer)) => answer.to_string().into_bytes(),
            (Protocol::Rest, Err(refusal)) => json!({ "message": refusal.message })
                .to_string()
                .into_bytes(),
            (Protocol::Json, Err(refusal)) => json_error(refusal).to_string().into_bytes(),
            (Protocol::Head, _) => Vec::new(),
            (Protocol::Query, Ok(answer)) => {
                query::encode(self.api, &self.operation, answer, request_id).into_bytes()
            }
            (Protocol::Query, Err(refusal)) => {
                query::encode_error(self.api, refusal, request_id).into_bytes()
            }
        }
    }
}

/// `… Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`
fn signed_region(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split(',').next()?.split('/').nth(2)
}

fn signed_key(authorization: &str) -> &str {
    let scope = authorization
        .split_once("Credential=")
        .map_or("", |(_, scope)| scope);
    scope.split(['/', ',']).next().unwrap_or_default()
}

fn json_error(error: &ServiceError) -> Value {
    match error.source {
        ErrorSource::Service => json!({ "__type": error.code, "message": error.message }),
        ErrorSource::Gateway => json!({ "__type": error.code, "Message": error.message }),
    }
}

type ParsedCall = (Api, Protocol, String, Value);

/// A service takes only the version of JSON that its model has.
fn parse_json(target: Option<&str>, kind: Option<&str>, raw: &Bytes) -> Option<ParsedCall> {
    let (target, operation) = target?.rsplit_once('.')?;
    let api = Api::from_target(target)?;
    if kind.is_some_and(|kind| kind != api.json_type()) {
        return None;
    }
    let input = if raw.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(raw).unwrap_or(Value::Null)
    };
    Some((api, Protocol::Json, operation.to_owned(), input))
}

/// An object by the path of its URL.
fn parse_head(parts: &Parts) -> Option<ParsedCall> {
    if parts.method != hyper::Method::HEAD {
        return None;
    }
    let (bucket, key) = parts.uri.path().strip_prefix('/')?.split_once('/')?;
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let input = json!({ "Bucket": bucket, "Key": key });
    Some((Api::S3, Protocol::Head, "HeadObject".to_owned(), input))
}

/// Application Signals, AWS Backup and EventBridge Scheduler have paths of their own.
fn parse_rest(parts: &Parts, raw: &Bytes) -> Option<ParsedCall> {
    let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
    match (parts.method.as_str(), path.as_slice()) {
        ("POST", ["budget-report"]) => Some((
            Api::Signals,
            Protocol::Rest,
            "BatchGetServiceLevelObjectiveBudgetReport".to_owned(),
            serde_json::from_slice(raw).unwrap_or(Value::Null),
        )),
        ("GET", ["resources", resource, "recovery-points"]) => {
            let decoded = format!("resource={resource}");
            let (_, resource) = form_urlencoded::parse(decoded.as_bytes()).next()?;
            let mut input = json!({ "ResourceArn": resource });
            let query = parts.uri.query().unwrap_or_default();
            for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                if name == "nextToken" {
                    input["NextToken"] = json!(value);
                }
            }
            let operation = "ListRecoveryPointsByResource".to_owned();
            Some((Api::Backup, Protocol::Rest, operation, input))
        }
        ("GET", ["schedules", ..]) => {
            let query = parts.uri.query().unwrap_or_default();
            let (operation, input) = super::scheduler::parse_path(parts.uri.path(), query)?;
            Some((Api::Scheduler, Protocol::Rest, operation, input))
        }
        _ => None,
    }
}

/// ELB, STS, IAM and RDS are distinguished by their API versions.
fn parse_query(raw: &Bytes) -> Option<ParsedCall> {
    let mut form = query::decode(raw);
    let members = form.as_object_mut()?;
    let operation = members.shift_remove("Action")?.as_str()?.to_owned();
    let api = match members.shift_remove("Version")?.as_str()? {
        "2015-12-01" => Api::Elb,
        "2011-06-15" => Api::Sts,
        "2010-05-08" => Api::Iam,
        "2014-10-31" => Api::Rds,
        _ => return None,
    };
    Some((api, Protocol::Query, operation, form))
}

/// An answer that no AWS service gives.
pub(crate) fn garbage() -> Option<Response<Full<Bytes>>> {
    Response::builder()
        .header("content-type", "text/html")
        .body(Full::new(Bytes::from_static(GARBAGE.as_bytes())))
        .ok()
}

/// The answer to a request that no AWS service would get.
pub(crate) fn unknown_request() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(
        b"This is a stage: it speaks the protocols of AWS, and /_stage/\n",
    )));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
