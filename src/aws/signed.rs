//! Calls to services of which only a few operations are used: JSON in, JSON out, without a generated
//! crate. The SDK's runtime sends them, so that credentials, connections, timeouts, retries and
//! errors are those of all other calls.
//!
//! One file, because more than a third of it is imports and tests.

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{
    DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor,
};
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::http::connection_poisoning::ConnectionPoisoningInterceptor;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime::client::stalled_stream_protection::StalledStreamProtectionInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;

use super::endpoint::{EndpointVariant, service_url};
use super::error::from_sdk;
use super::{Aws, AwsError, xml};

/// A service that is called this way.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedService {
    /// Its name in signatures.
    pub(super) signing_name: &'static str,
    /// What comes before the region in its host.
    pub(super) host: &'static str,
    /// Its id in AWS's models, such as `Elastic Load Balancing v2`: the environment
    /// (`AWS_ENDPOINT_URL_…`) and profiles name its endpoint by it.
    pub(super) id: &'static str,
    /// How requests and answers are written.
    pub(super) protocol: SignedProtocol,
}

/// How requests and answers are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum SignedProtocol {
    /// JSON 1.0 of a service that spoke the query protocol before, and keeps its error codes, with
    /// this before the operation in `X-Amz-Target`.
    Json10(&'static str),
    /// JSON 1.1, with this before the operation in `X-Amz-Target`.
    Json(&'static str),
    /// A form, answered in XML, of this version.
    Query(&'static str),
    /// `HEAD` of S3: the object is in the path, and the status is the answer.
    Head,
    /// JSON, by this method; the path says what is asked.
    Rest(&'static str),
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedCall<'a> {
    pub(super) service: SignedService,
    /// The IAM action.
    pub(super) action: &'static str,
    /// The region that is called, and that the signature is for.
    pub(super) region: &'a str,
    /// The host, where it is not made of the region.
    pub(super) host: Option<&'a str>,
    /// What comes after the host.
    pub(super) path: &'a str,
    /// The operation's name.
    pub(super) operation: &'static str,
}

impl Aws {
    /// Sends a read as often as `max-retries` allows, and returns its answer as JSON.
    pub(super) async fn read_signed(
        &self,
        call: SignedCall<'_>,
        input: &Value,
    ) -> Result<Value, AwsError> {
        self.count_read();
        send(&self.reads, &self.signed, call, input).await
    }

    /// Sends a call once.
    pub(super) async fn send_signed(
        &self,
        call: SignedCall<'_>,
        input: &Value,
    ) -> Result<Value, AwsError> {
        send(&self.writes, &self.signed, call, input).await
    }
}

impl<'a> SignedCall<'a> {
    /// A call of the operation that the IAM action is named after.
    pub(super) fn new(service: SignedService, action: &'static str, region: &'a str) -> Self {
        Self {
            service,
            action,
            region,
            host: None,
            path: "/",
            operation: action.split_once(':').map_or(action, |(_, name)| name),
        }
    }
}

async fn send(
    shared: &SdkConfig,
    components: &RuntimeComponentsBuilder,
    call: SignedCall<'_>,
    input: &Value,
) -> Result<Value, AwsError> {
    let body = call.service.protocol.body(call.operation, input);
    let (protocol, operation, path) = (call.service.protocol, call.operation, call.path.to_owned());
    let retries = shared.retry_config().cloned();
    let timeouts = shared.timeout_config().cloned();
    let prepared = Operation::builder()
        .service_name(call.service.id)
        .operation_name(operation)
        .endpoint_url(&endpoint_of(shared, call))
        .timeout_config(timeouts.unwrap_or_else(TimeoutConfig::disabled))
        .standard_retry(&retries.unwrap_or_else(RetryConfig::disabled))
        .runtime_plugin(
            StaticRuntimePlugin::new()
                .with_config(settings(shared, call).freeze())
                .with_runtime_components(components.clone()),
        )
        .serializer(move |()| protocol.request(operation, &path, &body))
        .deserializer(move |answer| protocol.read_answer(operation, answer))
        .build();
    from_sdk(call.action, prepared.invoke(()).await)
}

/// The URL of the service: what the environment or the profile says, else AWS's own.
fn endpoint_of(shared: &SdkConfig, call: SignedCall<'_>) -> String {
    let key = ServiceConfigKey::builder()
        .service_id(call.service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key
        .ok()
        .and_then(|key| shared.service_config()?.load_config(key));
    let variant = EndpointVariant {
        is_fips: shared.use_fips().unwrap_or_default(),
        is_dual_stack: shared.use_dual_stack().unwrap_or_default(),
    };
    own.or_else(|| shared.endpoint_url().map(str::to_owned))
        .or_else(|| call.host.map(|host| format!("https://{host}")))
        .unwrap_or_else(|| service_url(call.service.host, call.region, variant))
}

/// What a generated crate would set for the service and the operation.
fn settings(shared: &SdkConfig, call: SignedCall<'_>) -> Layer {
    let mut layer = Layer::new("SignedCall");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(call.service.protocol.signing_config());
    layer.store_put(SigningName::from_static(call.service.signing_name));
    layer.store_put(SigningRegion::from(Region::new(call.region.to_owned())));
    layer.store_put(ApiMetadata::new(
        call.service.host,
        env!("CARGO_PKG_VERSION"),
    ));
    layer.store_or_unset(shared.app_name().cloned());
    layer.store_or_unset(
        shared
            .disable_clock_skew_correction()
            .map(DisableClockSkewCorrection::from),
    );
    if let Some(protection) = shared.stalled_stream_protection() {
        layer.store_put(protection);
    }
    // Answers may have secrets in them: the runtime does not log them.
    layer.store_put(SensitiveOutput);
    layer
}

/// What a generated crate would use, and the connections and credentials that are shared. What one
/// call learns of AWS's clock holds for the next one too.
pub(super) fn components(shared: &SdkConfig) -> RuntimeComponentsBuilder {
    let mut parts = RuntimeComponentsBuilder::new("SignedCall")
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_http_client(shared.http_client())
        .with_identity_cache(shared.identity_cache())
        .with_sleep_impl(shared.sleep_impl())
        .with_time_source(shared.time_source())
        .with_interceptor(ConnectionPoisoningInterceptor::new())
        .with_interceptor(ServiceClockSkewInterceptor::new())
        .with_interceptor(RequestInfoInterceptor::new())
        .with_interceptor(UserAgentInterceptor::new())
        .with_interceptor(InvocationIdInterceptor::new())
        .with_interceptor(RecursionDetectionInterceptor::new())
        .with_interceptor(StalledStreamProtectionInterceptor::default())
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new());
    let credentials: Option<SharedCredentialsProvider> = shared.credentials_provider();
    if let Some(credentials) = credentials {
        parts.set_identity_resolver(SCHEME_ID, credentials);
    }
    parts
}

impl SignedProtocol {
    fn body(self, operation: &str, input: &Value) -> String {
        match self {
            Self::Rest("GET") | Self::Head => String::new(),
            Self::Json10(_) | Self::Json(_) | Self::Rest(_) => input.to_string(),
            Self::Query(version) => form(operation, version, input),
        }
    }

    /// S3 wants the body's hash as a header, and paths as they are.
    fn signing_config(self) -> SigV4OperationSigningConfig {
        let mut config = SigV4OperationSigningConfig::default();
        if matches!(self, Self::Head) {
            config.signing_options.double_uri_encode = false;
            config.signing_options.content_sha256_header = true;
            config.signing_options.normalize_uri_path = false;
        }
        config
    }

    fn method(self) -> &'static str {
        match self {
            Self::Rest(method) => method,
            Self::Head => "HEAD",
            Self::Json10(_) | Self::Json(_) | Self::Query(_) => "POST",
        }
    }

    fn request(self, operation: &str, path: &str, body: &str) -> Result<HttpRequest, BoxError> {
        let (kind, target) = match self {
            Self::Json10(target) => ("application/x-amz-json-1.0", Some(target)),
            Self::Json(target) => ("application/x-amz-json-1.1", Some(target)),
            Self::Query(_) => ("application/x-www-form-urlencoded", None),
            Self::Rest(_) => ("application/json", None),
            Self::Head => {
                let mut request = HttpRequest::new(SdkBody::empty());
                request.set_method(self.method())?;
                request.set_uri(path)?;
                return Ok(request);
            }
        };
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(self.method())?;
        request.set_uri(path)?;
        let headers = request.headers_mut();
        headers.insert("content-type", kind);
        headers.insert("content-length", body.len().to_string());
        if let Some(target) = target {
            headers.insert("x-amz-target", format!("{target}.{operation}"));
        }
        if matches!(self, Self::Json10(_)) {
            headers.insert("x-amzn-query-mode", "true");
        }
        Ok(request)
    }

    fn read_answer(
        self,
        operation: &str,
        answer: &HttpResponse,
    ) -> Result<Value, OrchestratorError<ErrorMetadata>> {
        let body = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
        let read = match self {
            // What has nothing to say may be empty.
            Self::Json10(_) | Self::Json(_) | Self::Rest(_) if body.is_empty() => {
                Some(Value::default())
            }
            Self::Json10(_) | Self::Json(_) | Self::Rest(_) => serde_json::from_str(&body).ok(),
            Self::Query(_) => xml::parse(&body),
            Self::Head => Some(Value::Null),
        };
        if answer.status().is_success() {
            let mut read = read
                .ok_or_else(|| OrchestratorError::response("the answer cannot be read".into()))?;
            let result = read.get_mut(format!("{operation}Result"));
            return Ok(result.map(Value::take).unwrap_or(read));
        }
        if matches!(self, Self::Head) {
            return Err(OrchestratorError::operation(head_refusal(
                answer.status().as_u16(),
            )));
        }
        let refusal = self.read_refusal(answer.headers(), &read.unwrap_or_default());
        Err(OrchestratorError::operation(refusal))
    }

    /// AWS's code and message, as far as the answer has them.
    fn read_refusal(self, headers: &Headers, body: &Value) -> ErrorMetadata {
        let (code, message) = match self {
            Self::Json10(_) | Self::Json(_) | Self::Rest(_) => (
                code_in_headers(headers)
                    .or(text(&body["__type"]))
                    .or(text(&body["code"])),
                text(&body["message"]).or(text(&body["Message"])),
            ),
            Self::Query(_) => {
                let error = &body["Error"];
                (text(&error["Code"]), text(&error["Message"]))
            }
            Self::Head => (None, None),
        };
        let mut refusal = ErrorMetadata::builder();
        if let Some(code) = code {
            refusal = refusal.code(bare_code(code));
        }
        if let Some(message) = message {
            refusal = refusal.message(message);
        }
        refusal.build()
    }
}

/// A HEAD has no body that could say more than its status.
fn head_refusal(status: u16) -> ErrorMetadata {
    let code = match status {
        403 => "AccessDenied",
        404 => "NotFound",
        _ => return ErrorMetadata::builder().build(),
    };
    ErrorMetadata::builder().code(code).build()
}

/// The entries of a list; none where there is no list.
pub(super) fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// A member that is a text and not empty.
pub(super) fn text(member: &Value) -> Option<&str> {
    member.as_str().filter(|text| !text.is_empty())
}

/// The texts of a list.
pub(super) fn texts(list: &Value) -> Vec<String> {
    let texts = entries(list).iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// A number; JSON has no other way to write those that are none than a text such as `NaN`.
pub(super) fn number(member: &Value) -> Option<f64> {
    member.as_f64().or_else(|| member.as_str()?.parse().ok())
}

/// `CODE;Sender` from services that spoke the query protocol before, else `CODE:http://…`.
fn code_in_headers(headers: &Headers) -> Option<&str> {
    let query = headers.get("x-amzn-query-error");
    query
        .and_then(|both| both.split_once(';'))
        .map(|(code, _)| code)
        .or_else(|| headers.get("x-amzn-errortype"))
}

/// `namespace#CODE:http://…` → `CODE`.
fn bare_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default()
}

/// `Action=…&Version=…` and the members; lists are numbered.
fn form(operation: &str, version: &str, input: &Value) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("Action", operation);
    pairs.append_pair("Version", version);
    for (name, value) in input.as_object().into_iter().flatten() {
        append(&mut pairs, name, value);
    }
    pairs.finish()
}

fn append(pairs: &mut url::form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
    match value {
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                append(pairs, &format!("{name}.member.{}", index + 1), entry);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                append(pairs, &format!("{name}.{member}"), value);
            }
        }
        Value::String(text) => {
            pairs.append_pair(name, text);
        }
        other => {
            pairs.append_pair(name, &other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_types::service_config::LoadServiceConfig;
    use serde_json::json;

    use super::*;

    const JSON: SignedProtocol = SignedProtocol::Json("T");
    const QUERY: SignedProtocol = SignedProtocol::Query("2010-05-08");

    /// What is read of an answer: its JSON, or AWS's code and message.
    fn read(
        protocol: SignedProtocol,
        status: u16,
        header: Option<(&'static str, &'static str)>,
        body: &'static str,
    ) -> Result<Value, (String, String)> {
        let status = StatusCode::try_from(status).unwrap();
        let mut answer = HttpResponse::new(status, SdkBody::from(body));
        if let Some((name, value)) = header {
            answer.headers_mut().insert(name, value);
        }
        protocol.read_answer("Get", &answer).map_err(|error| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let refusal = error.as_operation_error();
            (
                text(refusal.and_then(ErrorMetadata::code)),
                text(refusal.and_then(ErrorMetadata::message)),
            )
        })
    }

    fn refusal(code: &str, message: &str) -> Result<Value, (String, String)> {
        Err((code.to_owned(), message.to_owned()))
    }

    /// An environment that names an endpoint for one service.
    #[derive(Debug)]
    struct OwnEndpoint;

    impl LoadServiceConfig for OwnEndpoint {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let is_named = (key.service_id(), key.env(), key.profile())
                == ("Elastic Thing v2", "AWS_ENDPOINT_URL", "endpoint_url");
            is_named.then(|| "http://own".to_owned())
        }
    }

    #[test]
    fn an_endpoint_is_the_service_s_own_before_the_general_one_before_aws_s() {
        let service = |id| SignedService {
            signing_name: "thing",
            host: "thing",
            id,
            protocol: JSON,
        };
        let endpoint = |shared: &SdkConfig, id, host| {
            let call = SignedCall::new(service(id), "thing:Get", "us-east-1");
            endpoint_of(shared, SignedCall { host, ..call })
        };
        let general = SdkConfig::builder()
            .service_config(OwnEndpoint)
            .endpoint_url("http://general")
            .build();
        assert_eq!(endpoint(&general, "Elastic Thing v2", None), "http://own");
        assert_eq!(endpoint(&general, "Other", Some("h")), "http://general");
        let fips = SdkConfig::builder().use_fips(true).build();
        assert_eq!(endpoint(&fips, "Other", Some("h")), "https://h");
        assert_eq!(
            endpoint(&fips, "Other", None),
            "https://thing-fips.us-east-1.amazonaws.com"
        );
    }

    #[test]
    fn a_form_has_numbered_lists_and_nested_members() {
        let input = json!({ "Names": ["a b", "c"], "Context": [{ "Key": "k" }], "Size": 3 });
        assert_eq!(
            form("Get", "2010-05-08", &input),
            "Action=Get&Version=2010-05-08&Names.member.1=a+b&Names.member.2=c&Context.member.1.Key=k&Size=3"
        );
    }

    #[test]
    fn the_headers_of_a_request_are_those_of_its_protocol() {
        let headers = |protocol: SignedProtocol| {
            let request = protocol.request("Get", "/", "{}").unwrap();
            let value = |name: &str| request.headers().get(name).unwrap_or("-").to_owned();
            ["content-type", "x-amz-target", "x-amzn-query-mode"].map(value)
        };
        let table = [
            (JSON, ["application/x-amz-json-1.1", "T.Get", "-"]),
            (
                SignedProtocol::Json10("T"),
                ["application/x-amz-json-1.0", "T.Get", "true"],
            ),
            (QUERY, ["application/x-www-form-urlencoded", "-", "-"]),
        ];
        for (protocol, expected) in table {
            assert_eq!(headers(protocol), expected);
        }
    }

    #[test]
    fn answers_of_every_protocol_are_read() {
        let xml = "<GetResponse><GetResult><Name>n</Name></GetResult></GetResponse>";
        assert_eq!(read(QUERY, 200, None, xml), Ok(json!({ "Name": "n" })));
        assert_eq!(read(JSON, 200, None, r#"{"a":1}"#), Ok(json!({ "a": 1 })));
        assert_eq!(read(JSON, 200, None, ""), Ok(Value::Null));
        for protocol in [JSON, QUERY] {
            assert_eq!(read(protocol, 200, None, "{no"), refusal("", ""));
        }
    }

    #[test]
    fn the_code_of_a_refusal_is_found_wherever_it_is() {
        let xml = "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no role</Message></Error></ErrorResponse>";
        assert_eq!(
            read(QUERY, 404, None, xml),
            refusal("NoSuchEntity", "no role")
        );
        let body = r#"{"__type":"com.amazon#AccessDeniedException","Message":"no"}"#;
        assert_eq!(
            read(JSON, 400, None, body),
            refusal("AccessDeniedException", "no")
        );
        let header = Some(("x-amzn-errortype", "Throttling:http://x/"));
        assert_eq!(
            read(JSON, 429, header, r#"{"message":"slow down"}"#),
            refusal("Throttling", "slow down")
        );
        let header = Some(("x-amzn-query-error", "ValidationError;Sender"));
        assert_eq!(
            read(
                JSON,
                400,
                header,
                r#"{"__type":"InvalidParameterValueException"}"#
            ),
            refusal("ValidationError", "")
        );
        for protocol in [JSON, QUERY] {
            assert_eq!(read(protocol, 502, None, "<html>"), refusal("", ""));
        }
    }
}
