//! Settings that a test, a flow and the defaults share: timeouts, retries, the connection; and the
//! header that leads to green.

use reqwest::header::HeaderName;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, DnsName};
use std::time::Duration;

use crate::document::{Content, Node};
use crate::form::{FromNode, WrittenDuration};
use crate::reader::Reader;
use crate::smoke::form::{HttpVersion, Retry, Tls, Transport};
use crate::template::Template;
use crate::{document_form, document_schema, document_union};

use super::Defaults;
use super::request::{SentHeaderName, read_header_value};

const VERSIONS: &[(&str, HttpVersion)] = &[("1.1", HttpVersion::One), ("2", HttpVersion::Two)];

/// Repeating faster than this is a load test.
const MIN_PAUSE: Duration = Duration::from_millis(10);

/// The header by which ECS Service Connect leads to green, unless the service's rules set another
/// (Amazon ECS developer guide, "Service Connect resources for ECS blue/green deployments").
const TEST_HEADER: HeaderName = HeaderName::from_static("x-amzn-ecs-blue-green-test");
const TEST_VALUE: &str = "1";

document_form! {
    #[derive(Default)]
    pub(super) struct Overrides {
        /// The longest a single request may take; 5s unless the defaults say otherwise.
        timeout: Option<Timeout>,
        /// The longest that connecting may take, TLS included.
        connect_timeout: Option<Timeout>,
        /// How long a failing test is repeated.
        retry: Option<RetryForm>,
        /// HTTP's version; what the server offers when absent.
        http: Option<HttpVersion>,
        /// The TLS settings of connections.
        tls: Option<TlsForm>,
    }
}

document_form! {
    #[schemars(rename = "Retry")]
    pub(super) struct RetryForm {
        /// A failing test is repeated until this is over; 60s when absent, 0s for a single attempt.
        r#for: Option<WrittenDuration>,
        /// The pause between the starts of two attempts; 1s when absent.
        every: Option<Pause>,
    }
}

document_form! {
    /// The TLS settings of the connection; certificates are always verified.
    #[schemars(rename = "Tls")]
    pub(super) struct TlsForm {
        /// The name that is asked for and verified, while the connection goes to the host of the
        /// side's URL.
        server_name: Option<ServerName>,
        /// The certificate of an authority that is trusted besides the public ones: PEM, or the
        /// path of a file with it.
        ca: Option<Authorities>,
    }
}

impl Overrides {
    /// These settings, with those of `inherited` where they are absent.
    pub(super) fn merge_with(&self, inherited: &Defaults) -> Defaults {
        let Defaults {
            timeout,
            retry,
            transport,
            test_header,
        } = inherited;
        let own = self.retry.as_ref();
        let retry = Retry {
            budget: own
                .and_then(|own| own.r#for)
                .map_or(retry.budget, |own| own.0),
            every: own
                .and_then(|own| own.every)
                .map_or(retry.every, |own| own.0),
        };
        let (server_name, authorities) = match self.tls.clone() {
            Some(TlsForm { server_name, ca }) => {
                (server_name.map(|name| name.0), ca.map(|ca| ca.0))
            }
            None => (None, None),
        };
        let tls = Tls {
            server_name: server_name.or_else(|| transport.tls.server_name.clone()),
            authorities: authorities.unwrap_or_else(|| transport.tls.authorities.clone()),
        };
        let connect_timeout = self.connect_timeout.map(|timeout| timeout.0);
        Defaults {
            timeout: self.timeout.map_or(*timeout, |own| own.0),
            retry,
            transport: Transport {
                http: self.http.unwrap_or(transport.http),
                tls,
                connect_timeout: connect_timeout.or(transport.connect_timeout),
            },
            test_header: test_header.clone(),
        }
    }
}

/// The longest that something may take: not zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeout(pub(super) Duration);

impl FromNode for Timeout {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let timeout = reader.duration(node, what)?;
        if timeout.is_zero() {
            return reader.refuse(
                node.place,
                format!("{what} is zero: no request could be answered"),
                "Write a time such as `5s`",
            );
        }
        Some(Self(timeout))
    }
}

document_schema!(Timeout as WrittenDuration);

/// From the beginning of one attempt to that of the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause(Duration);

impl FromNode for Pause {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let every = reader.duration(node, what)?;
        if every < MIN_PAUSE {
            return reader.refuse(
                node.place,
                format!("{what} is shorter than 10ms"),
                "Write at least `10ms`; `retry: { for: 0s }` switches repeating off",
            );
        }
        Some(Self(every))
    }
}

document_schema!(Pause as WrittenDuration);

impl FromNode for HttpVersion {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.word(node, what, VERSIONS)
    }
}

/// The name of a host.
#[derive(Debug, Clone)]
pub(super) struct ServerName(String);

impl FromNode for ServerName {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let name = reader.text(node, what)?;
        if DnsName::try_from(name.as_str()).is_err() {
            let remedy = "Write the name alone, such as `api.example.com`: without scheme, port, path and variables";
            return reader.refuse(
                node.place,
                format!("`{name}` is not the name of a host"),
                remedy,
            );
        }
        Some(Self(name.to_ascii_lowercase()))
    }
}

document_schema!(ServerName as String);

/// Certificates in PEM: the text itself, or a file.
#[derive(Debug, Clone)]
pub(super) struct Authorities(Vec<CertificateDer<'static>>);

impl FromNode for Authorities {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let inline = matches!(&node.content, Content::Text(text) if text.contains("-----BEGIN"));
        let pem = if inline {
            reader.text(node, what)?.into_bytes()
        } else {
            reader.file(node, what)?
        };
        match parse_certificates(&pem) {
            Ok(authorities) => Some(Self(authorities)),
            Err(why) => reader.refuse(
                node.place,
                format!("{what} is not a certificate: {why}"),
                "Write the certificate of your authority in PEM (`-----BEGIN CERTIFICATE-----`), or the path of a file with it",
            ),
        }
    }
}

document_schema!(Authorities as String);

fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let authorities = read.map_err(|error| error.to_string())?;
    let mut store = RootCertStore::empty();
    for authority in &authorities {
        store
            .add(authority.clone())
            .map_err(|error| error.to_string())?;
    }
    if authorities.is_empty() {
        return Err("there is none in it".to_owned());
    }
    Ok(authorities)
}

document_union! {
    /// The header that leads a request to green; `true` for that of Service Connect.
    pub(super) enum TestHeader {
        Enabled(bool),
        Custom(OwnTestHeader),
    }
}

document_form! {
    pub(super) struct OwnTestHeader {
        /// `x-amzn-ecs-blue-green-test` when absent.
        name: Option<SentHeaderName>,
        /// `1` when absent.
        value: Option<TestHeaderValue>,
    }
}

#[derive(Debug, Clone)]
pub(super) struct TestHeaderValue(Template);

impl FromNode for TestHeaderValue {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        read_header_value(
            reader,
            node,
            what,
            format!("{what} cannot be sent in a header"),
        )
        .map(Self)
    }
}

document_schema!(TestHeaderValue as Template);

impl TestHeader {
    /// The header that is sent, if any.
    pub(super) fn into_header(self) -> Option<(HeaderName, Template)> {
        let (name, value) = match self {
            Self::Enabled(false) => return None,
            Self::Enabled(true) => (None, None),
            Self::Custom(own) => (own.name, own.value),
        };
        let name = name.map_or(TEST_HEADER, |SentHeaderName(name)| name);
        let default_value = || Template::parse(TEST_VALUE).ok();
        Some((name, value.map(|value| value.0).or_else(default_value)?))
    }
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::HttpVersion;

    /// HTTP's version; by default what the server offers.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct Http(#[schemars(schema_with = "versions")] String);

    fn versions(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "enum": [1.1, 2, "1.1", "2"] })
    }

    crate::document_schema!(HttpVersion as Http);
}
