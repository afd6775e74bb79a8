//! A test's request with its variables filled in, ready to be sent and, after a redirect, sent
//! again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use url::{Url, form_urlencoded};

use crate::moment::Moment;
use crate::smoke::form::{
    Credential, Request as Wanted, RequestBody, RequestDestination, Transport,
};
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};

/// Characters of a variable's value that are percent-encoded in a path: everything but unreserved
/// ones and `:` (for digests), so that a value cannot leave its path segment.
const PATH_ENCODE_SET: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// The tested side, and the moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TestedSide<'a> {
    pub(crate) base: &'a Url,
    pub(crate) moment: Moment,
}

/// Content for which a body may go only to the tested origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyContent {
    Secret,
    /// A file of the workspace, which may contain anything.
    File,
    Nothing,
}

impl BodyContent {
    /// Why the body is for the tested origin only, if it is.
    pub(super) fn private_reason(self) -> Option<&'static str> {
        match self {
            Self::Secret => Some("holds a secret"),
            Self::File => Some("is a file"),
            Self::Nothing => None,
        }
    }
}

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct OutgoingRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// The headers that are for this origin only: credentials, secrets, and what leads to green.
    pub(crate) secret_headers: Vec<HeaderName>,
    pub(crate) body: Option<(Vec<u8>, BodyContent)>,
}

impl OutgoingRequest {
    pub(crate) fn new(
        request: &Wanted,
        transport: &Transport,
        side: TestedSide<'_>,
        values: &Values,
    ) -> Result<Self, Mismatch> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            headers.append(name, render_header(name, value, values)?);
        }
        if let Some(kind) = request.body.content_type() {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(kind));
        }
        let url = build_url(request, transport, side.base, values)?;
        let secret_headers = request
            .headers
            .iter()
            .filter(|(_, value)| value.holds_secret())
            .map(|(name, _)| name.clone())
            .collect();
        let mut outgoing = Self {
            method: request.method.clone(),
            url,
            headers,
            secret_headers,
            body: request.body.render(values),
        };
        outgoing.add_private(request, side.moment, values)?;
        Ok(outgoing)
    }

    /// Adds the headers that are for this origin only.
    fn add_private(
        &mut self,
        request: &Wanted,
        moment: Moment,
        values: &Values,
    ) -> Result<(), Mismatch> {
        let test_header = request
            .test_header
            .as_ref()
            .filter(|_| moment == Moment::Green);
        let test_header = test_header
            .map(|(name, value)| Ok((name.clone(), render_header(name, value, values)?)));
        let credential = request
            .credential
            .as_ref()
            .map(|credential| credential.render_header(values));
        for private in [credential, test_header].into_iter().flatten() {
            let (name, value) = private?;
            self.secret_headers.push(name.clone());
            self.headers.insert(name, value);
        }
        Ok(())
    }

    pub(crate) fn to_request(&self) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        *request.body_mut() = self.body.as_ref().map(|(bytes, _)| bytes.clone().into());
        request
    }
}

fn render_header(
    name: &HeaderName,
    value: &Template,
    values: &Values,
) -> Result<HeaderValue, Mismatch> {
    let mut sent =
        HeaderValue::from_str(&value.render(values)).map_err(|_| unsendable_header(name))?;
    sent.set_sensitive(value.holds_secret());
    Ok(sent)
}

impl Credential {
    fn render_header(&self, values: &Values) -> Result<(HeaderName, HeaderValue), Mismatch> {
        let text = match self {
            Self::Bearer(token) => format!("Bearer {}", token.render(values)),
            Self::Basic { user, password } => {
                let pair = format!("{}:{}", user.render(values), password.render(values));
                format!("Basic {}", STANDARD.encode(pair))
            }
            Self::ApiKey { value, .. } => value.render(values),
        };
        let name = self.header_name();
        let mut sent = HeaderValue::from_str(&text).map_err(|_| unsendable_header(&name))?;
        sent.set_sensitive(true);
        Ok((name, sent))
    }
}

fn unsendable_header(name: &HeaderName) -> Mismatch {
    Mismatch::new(
        format!("request header {name}"),
        "one line without control characters",
        "a value with other characters",
    )
}

/// Where a test's request goes: the path and query at the side's URL, under the name that the test
/// asks for.
fn build_url(
    request: &Wanted,
    transport: &Transport,
    base: &Url,
    values: &Values,
) -> Result<Url, Mismatch> {
    let mut url = join_path(base, &request.path, values)?;
    if !request.query.is_empty() {
        let pairs = request
            .query
            .iter()
            .map(|(name, value)| (name, value.render(values)));
        url.query_pairs_mut().extend_pairs(pairs);
    }
    if let Some(name) = &transport.tls.server_name {
        url.set_host(Some(name)).map_err(|error| {
            Mismatch::new("server-name", "the name of a host", error.to_string())
        })?;
    }
    if let RequestDestination::PlainHttp(port) = request.destination {
        let changed = url
            .set_scheme("http")
            .and_then(|()| url.set_port(Some(port)));
        changed.map_err(|()| Mismatch::new("request", "a URL with a host", "none"))?;
    }
    Ok(url)
}

/// The path is put behind the side's own path: `https://host/app` and `/health` are
/// `https://host/app/health`.
fn join_path(base: &Url, path: &Template, values: &Values) -> Result<Url, Mismatch> {
    let path = path.render_with(values, |value| {
        utf8_percent_encode(value, PATH_ENCODE_SET).to_string()
    });
    let mut directory = base.clone();
    directory.set_query(None);
    directory.set_fragment(None);
    let joined = format!("{}{path}", directory.as_str().trim_end_matches('/'));
    Url::parse(&joined).map_err(|error| Mismatch::new("request", "a URL", error.to_string()))
}

impl RequestBody {
    fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::None | Self::Text(_) => None,
            Self::Json(_) => Some("application/json"),
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::File { content_type, .. } => Some(content_type),
        }
    }

    fn classify_content(&self) -> BodyContent {
        match self {
            Self::File { .. } => BodyContent::File,
            Self::Text(_) | Self::Json(_) | Self::Form(_) if self.holds_secret() => {
                BodyContent::Secret
            }
            Self::None | Self::Text(_) | Self::Json(_) | Self::Form(_) => BodyContent::Nothing,
        }
    }

    fn render(&self, values: &Values) -> Option<(Vec<u8>, BodyContent)> {
        let bytes = match self {
            Self::None => return None,
            Self::Text(text) => text.render(values).into_bytes(),
            Self::Json(json) => json.render(values).to_string().into_bytes(),
            Self::Form(pairs) => encode_form(pairs, values).into_bytes(),
            Self::File { bytes, .. } => bytes.to_vec(),
        };
        Some((bytes, self.classify_content()))
    }
}

fn encode_form(pairs: &[(String, Template)], values: &Values) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        encoded.append_pair(name, &value.render(values));
    }
    encoded.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_variables_cannot_leave_them() {
        let values = Values {
            version: "v1/../?x=#y @z".to_owned(),
            digest: "sha256:ab".to_owned(),
            ..Values::default()
        };
        let table = [
            (
                "https://host:8443",
                "/health?deep=1",
                "https://host:8443/health?deep=1",
            ),
            (
                "https://host/",
                "//evil.example/",
                "https://host//evil.example/",
            ),
            (
                "https://host/app/?a=b#c",
                "/health",
                "https://host/app/health",
            ),
            (
                "https://host",
                "/v/${version}",
                "https://host/v/v1%2F..%2F%3Fx%3D%23y%20%40z",
            ),
            ("https://host", "/${digest}", "https://host/sha256:ab"),
        ];
        for (base, path, expected) in table {
            let joined = join_path(
                &Url::parse(base).unwrap(),
                &Template::parse(path).unwrap(),
                &values,
            )
            .unwrap();
            assert_eq!(joined.as_str(), expected);
        }
    }
}
