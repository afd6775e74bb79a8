//! Signs requests that do not go through the SDK, with the run's own credentials: Amazon Managed
//! Service for Prometheus.

use std::time::SystemTime;

use aws_sdk_ecs::config::{Credentials, ProvideCredentials as _};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::box_error::BoxError;
use reqwest::Request;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

use super::{Aws, AwsError, AwsErrorKind};

/// The service's name in signatures:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedserviceforprometheus.html>.
const PROMETHEUS: &str = "aps";
/// The domains of AWS's partitions, and of endpoints for IPv6.
const DOMAINS: [&str; 4] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
];
/// The IAM action of a query.
pub const QUERY_METRICS: &str = "aps:QueryMetrics";

/// Signs for one region, with credentials that are valid now.
pub struct Signer {
    credentials: Credentials,
    region: String,
    /// The host that the workflow sets as AWS's endpoint.
    stand_in: Option<String>,
}

impl Aws {
    /// A signer for Amazon Managed Service for Prometheus; `endpoint` is the endpoint that the
    /// workflow sets instead of AWS's.
    ///
    /// # Errors
    ///
    /// There are no credentials.
    pub async fn prometheus_signer(
        &self,
        region: &str,
        endpoint: Option<&str>,
    ) -> Result<Signer, AwsError> {
        let missing = |message: String| AwsError {
            action: QUERY_METRICS,
            kind: AwsErrorKind::Credentials,
            code: String::new(),
            message,
        };
        let provider = self
            .reads
            .credentials_provider()
            .ok_or_else(|| missing("the environment has none".into()))?;
        let credentials = provider
            .provide_credentials()
            .await
            .map_err(|error| missing(error.to_string()))?;
        let stand_in = endpoint
            .and_then(|endpoint| Url::parse(endpoint).ok())
            .and_then(|url| url.host_str().map(str::to_owned));
        Ok(Signer {
            credentials,
            region: region.to_owned(),
            stand_in,
        })
    }
}

impl Signer {
    /// Adds the signature to an otherwise complete request.
    ///
    /// # Errors
    ///
    /// In words without secrets: the request cannot be signed, or does not go to AWS.
    pub fn sign(&self, request: &mut Request) -> Result<(), String> {
        if !self.is_for(request.url()) {
            return Err(format!(
                "`sigv4` signs for https://aps-workspaces.{}.amazonaws.com and its VPC endpoints only",
                self.region
            ));
        }
        self.sign_at(request, crate::clock::system_time())
    }

    /// Whether the URL is the service's own in the region. Nothing else may receive a signature or
    /// the session's token.
    fn is_for(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        if self.stand_in.as_deref() == Some(host) {
            return true;
        }
        let services = ["aps-workspaces", "aps-workspaces-fips"]
            .map(|service| format!("{service}.{}", self.region));
        let in_region = DOMAINS
            .iter()
            .find_map(|domain| host.strip_suffix(domain))
            .is_some_and(|rest| {
                let rest = rest.strip_suffix(".vpce").map_or(rest, |endpoint| {
                    endpoint.split_once('.').map_or(endpoint, |(_, rest)| rest)
                });
                services.iter().any(|service| rest == service)
            });
        url.scheme() == "https" && in_region
    }

    fn sign_at(&self, request: &mut Request, time: SystemTime) -> Result<(), String> {
        for (name, value) in self
            .signature(request, time)
            .map_err(|error| format!("the request cannot be signed: {error}"))?
        {
            let mut value = HeaderValue::try_from(value)
                .map_err(|_| "the signature cannot be sent".to_owned())?;
            value.set_sensitive(true);
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        Ok(())
    }

    fn signature(
        &self,
        request: &Request,
        time: SystemTime,
    ) -> Result<Vec<(&'static str, String)>, BoxError> {
        let identity = self.credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(PROMETHEUS)
            .time(time);
        let params = params.settings(SigningSettings::default()).build()?.into();
        // Only headers that describe the body are signed; others may be changed by proxies.
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str() == "content-type");
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .unwrap_or_default();
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.url().as_str(),
            headers,
            SignableBody::Bytes(body),
        )?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        Ok(instructions
            .into_parts()
            .0
            .into_iter()
            .map(|header| (header.name(), header.value().to_owned()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_the_service_itself_over_https_gets_a_signature() {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI",
            Some("token".to_owned()),
            None,
            "test",
        );
        let signer = Signer {
            credentials,
            region: "eu-central-1".to_owned(),
            stand_in: Some("127.0.0.1".to_owned()),
        };
        let table = [
            (
                "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/query",
                true,
            ),
            (
                "https://vpce-0a1b-c2d3.aps-workspaces.eu-central-1.vpce.amazonaws.com/x",
                true,
            ),
            ("https://aps-workspaces-fips.eu-central-1.api.aws/x", true),
            ("http://127.0.0.1:4566/workspaces/ws-1", true),
            ("http://aps-workspaces.eu-central-1.amazonaws.com/x", false),
            ("https://aps-workspaces.us-east-1.amazonaws.com/x", false),
            (
                "https://aps-workspaces.eu-central-1.amazonaws.com.evil.example/x",
                false,
            ),
            ("https://evil.elb.amazonaws.com/x", false),
            (
                "https://aps-workspaces.eu-central-1.elb.amazonaws.com/x",
                false,
            ),
            ("https://prometheus.example/x", false),
        ];
        for (url, signed) in table {
            let mut request = Request::new(reqwest::Method::GET, url.parse().unwrap());
            assert_eq!(signer.sign(&mut request).is_ok(), signed, "{url}");
            assert_eq!(
                request.headers().contains_key("x-amz-security-token"),
                signed,
                "{url}"
            );
        }
    }

    #[test]
    fn a_query_is_signed_for_the_service_its_region_and_its_body() {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI",
            Some("token".to_owned()),
            None,
            "test",
        );
        let signer = Signer {
            credentials,
            region: "eu-central-1".to_owned(),
            stand_in: None,
        };
        let url = "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/query";
        let signed = |body: &'static str| {
            let mut request = Request::new(reqwest::Method::POST, url.parse().unwrap());
            *request.body_mut() = Some(body.into());
            signer
                .sign_at(
                    &mut request,
                    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
                )
                .unwrap();
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(
                (header("x-amz-date"), header("x-amz-security-token")),
                ("20231114T221320Z".to_owned(), "token".to_owned())
            );
            assert!(!format!("{:?}", request.headers()).contains("AKIDEXAMPLE"));
            header("authorization")
        };
        let authorization = signed("query=up");
        assert!(
            authorization
                .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-central-1/aps/aws4_request, SignedHeaders=host;")
        );
        assert_ne!(authorization, signed("query=down"));
    }
}
