//! How a test's connection is made: `http`, `tls`, `connect-timeout`; and the header that leads to
//! green.

use reqwest::header::{HeaderName, HeaderValue};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, DnsName};

use crate::document::{Content, Node};
use crate::reader::{Fields, Reader};
use crate::smoke::form::{HttpVersion, Tls, Transport};
use crate::template::{Template, Values};

use super::keys::{TEST_HEADER_KEYS, TLS_KEYS};
use super::timeout;

const VERSIONS: &[(&str, HttpVersion)] = &[("1.1", HttpVersion::One), ("2", HttpVersion::Two)];

/// What ECS Service Connect leads to green by, unless the service's rules say otherwise (Amazon ECS
/// developer guide, "Service Connect resources for ECS blue/green deployments").
const TEST_HEADER: HeaderName = HeaderName::from_static("x-amzn-ecs-blue-green-test");
const TEST_VALUE: &str = "1";

/// What these fields say of a connection, and `inherited` where they are silent.
pub(super) fn transport(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    inherited: &Transport,
) -> Transport {
    let http = fields
        .get("http")
        .and_then(|node| reader.word(node, "`http`", VERSIONS))
        .unwrap_or(inherited.http);
    let tls = fields
        .get("tls")
        .and_then(|node| tls(reader, node, &inherited.tls))
        .unwrap_or_else(|| inherited.tls.clone());
    let connect_timeout = fields
        .get("connect-timeout")
        .and_then(|node| timeout(reader, node, "`connect-timeout`"));
    Transport {
        http,
        tls,
        connect_timeout: connect_timeout.or(inherited.connect_timeout),
    }
}

fn tls(reader: &mut Reader<'_>, node: &Node, inherited: &Tls) -> Option<Tls> {
    let fields = reader.fields(node, "`tls`", TLS_KEYS)?;
    let server_name = fields
        .get("server-name")
        .and_then(|node| server_name(reader, node))
        .or_else(|| inherited.server_name.clone());
    let authorities = fields
        .get("ca")
        .and_then(|node| authorities(reader, node))
        .unwrap_or_else(|| inherited.authorities.clone());
    Some(Tls {
        server_name,
        authorities,
    })
}

fn server_name(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let name = reader.text(node, "`server-name`")?;
    if DnsName::try_from(name.as_str()).is_err() {
        let remedy = "Write the name alone, such as `api.example.com`: without scheme, port, path and variables";
        reader.report(
            node.place,
            format!("`{name}` is not the name of a host"),
            remedy,
        );
        return None;
    }
    Some(name.to_ascii_lowercase())
}

/// Certificates in PEM: the text itself, or a file.
fn authorities(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<CertificateDer<'static>>> {
    let inline = matches!(&node.content, Content::Text(text) if text.contains("-----BEGIN"));
    let pem = if inline {
        reader.text(node, "`ca`")?.into_bytes()
    } else {
        reader.file(node, "`ca`")?
    };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let mut store = RootCertStore::empty();
    let authorities = read
        .map_err(|error| error.to_string())
        .and_then(|authorities| {
            authorities
                .iter()
                .try_for_each(|der| store.add(der.clone()))
                .map_err(|error| error.to_string())?;
            if authorities.is_empty() {
                Err("there is none in it".to_owned())
            } else {
                Ok(authorities)
            }
        });
    let remedy = "Write the certificate of your authority in PEM (`-----BEGIN CERTIFICATE-----`), or the path of a file with it";
    authorities
        .map_err(|why| {
            reader.report(
                node.place,
                format!("`ca` is not a certificate: {why}"),
                remedy,
            );
        })
        .ok()
}

/// `true` for Service Connect's own, or a name and a value.
pub(super) fn test_header(reader: &mut Reader<'_>, node: &Node) -> Option<(HeaderName, Template)> {
    let usual = || Template::parse(TEST_VALUE).ok();
    if let Content::Boolean(wanted) = node.content {
        return wanted.then(|| Some((TEST_HEADER, usual()?))).flatten();
    }
    let fields = reader.fields(node, "`test-header`", TEST_HEADER_KEYS)?;
    let name = fields.get("name").map_or(Some(TEST_HEADER), |node| {
        let name = reader.text(node, "`name`")?;
        super::request::named_header(reader, node.place, &name)
    });
    let value = fields
        .get("value")
        .map_or_else(usual, |node| value(reader, node));
    Some((name?, value?))
}

fn value(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let value = reader.template(node, "`value`")?;
    if HeaderValue::from_str(&value.render(&Values::default())).is_err() {
        reader.report(
            node.place,
            "`value` cannot be sent in a header",
            "Write one line without control characters",
        );
    }
    Some(value)
}
