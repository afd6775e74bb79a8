//! Whether http leads to the same place over https. The port is ignored: behind a load balancer,
//! the redirecting service often knows only production's port.

use reqwest::Method;
use url::Url;

use crate::document::{Node, Place};
use crate::form::FromNode;
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::form::{HttpVersion, RedirectPolicy, Request, RequestDestination, SmokeTest};
use crate::smoke::result::Mismatch;
use crate::template::Template;
use crate::{document_form, document_union};

use super::SmokePreset;

/// Where http is spoken unless the test says otherwise.
const HTTP_PORT: u16 = 80;

document_union! {
    /// `true`: http at port 80 must lead to the same path over https.
    #[schemars(rename = "HttpsRedirect")]
    pub(in crate::smoke) enum HttpsRedirectForm {
        Enabled(bool),
        Port(HttpsRedirectFrom),
    }
}

document_form! {
    pub(in crate::smoke) struct HttpsRedirectFrom {
        /// The port at which http is spoken.
        port: Option<Port>,
    }
}

#[derive(Debug, Clone, Copy)]
pub(in crate::smoke) struct Port(u16);

impl FromNode for Port {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        match text.parse() {
            Ok(port) if port > 0 => Some(Self(port)),
            Ok(_) | Err(_) => reader.refuse(
                node.place,
                format!("`{text}` is not a port"),
                "Write a number from 1 to 65535",
            ),
        }
    }
}

impl HttpsRedirectForm {
    /// `false` is the same as an absent key.
    pub(in crate::smoke) fn is_enabled(&self) -> bool {
        !matches!(self, Self::Enabled(false))
    }

    /// The test with its request sent over http.
    pub(in crate::smoke) fn apply(
        &self,
        reader: &mut Reader<'_>,
        key: Place,
        mut test: SmokeTest,
    ) -> SmokeTest {
        let port = match self {
            Self::Enabled(false) => return test,
            Self::Enabled(true) => HTTP_PORT,
            Self::Port(from) => from.port.map_or(HTTP_PORT, |port| port.0),
        };
        if !matches!(test.request.method, Method::GET | Method::HEAD) {
            reader.report(
                key,
                "`https-redirect` is for `get` and `head`",
                "Write `get: /path`: browsers come with GET",
            );
        }
        if holds_secret(&test.request) {
            let remedy = "Leave out `auth` and every `${env.NAME}` and `${secret.NAME}`: whoever redirects does not need them";
            reader.report(
                key,
                "`https-redirect` would send a secret unencrypted",
                remedy,
            );
        }
        test.request.destination = RequestDestination::PlainHttp(port);
        // Browsers never speak HTTP/2 without TLS, and load balancers seldom do.
        test.transport.http = HttpVersion::One;
        test.preset = Some(SmokePreset::HttpsRedirect);
        test.redirects = RedirectPolicy::Evaluate;
        test
    }
}

fn holds_secret(request: &Request) -> bool {
    let headers = request.headers.iter().map(|(_, value)| value);
    let query = request.query.iter().map(|(_, value)| value);
    let test_header = request.test_header.iter().map(|(_, value)| value);
    request.credential.is_some()
        || request.path.holds_secret()
        || request.body.holds_secret()
        || headers
            .chain(query)
            .chain(test_header)
            .any(Template::holds_secret)
}

pub(super) fn evaluate(answer: &SmokeResponse) -> Option<Mismatch> {
    let location = answer.location();
    let met = location
        .as_ref()
        .is_some_and(|location| is_same_over_https(&answer.url, location));
    let found = location.map_or_else(
        || "no readable Location header".to_owned(),
        |location| format_without_query(&location),
    );
    (!met).then(|| Mismatch::new("redirect", describe_expected(&answer.url), found))
}

fn is_same_over_https(requested: &Url, location: &Url) -> bool {
    location.scheme() == "https"
        && location.host() == requested.host()
        && location.path() == requested.path()
        && location.query() == requested.query()
        && location.username().is_empty()
}

fn describe_expected(requested: &Url) -> String {
    let query = if requested.query().is_some() {
        " with its query"
    } else {
        ""
    };
    format!(
        "https://{}{}{query}",
        requested.host_str().unwrap_or_default(),
        requested.path()
    )
}

/// The query may contain secrets.
fn format_without_query(location: &Url) -> String {
    let query_hidden = if location.query().is_some() {
        "?…"
    } else {
        ""
    };
    let port = location
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    mask(&format!(
        "{}://{}{port}{}{query_hidden}",
        location.scheme(),
        location.host_str().unwrap_or_default(),
        location.path()
    ))
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct PortNumber(#[schemars(range(min = 1))] u16);

    crate::document_schema!(super::Port as PortNumber);
}
