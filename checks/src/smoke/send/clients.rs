//! The clients of a run: one for each kind of connection that its tests want, built once, keeping
//! connections alive.
//!
//! None follows redirects, keeps cookies, or asks for compressed bodies. Certificates are verified
//! against the authorities of the machine and those that the test adds; nothing switches that off.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use url::{Host, Url};

use crate::smoke::form::{HttpVersion, Transport};
use crate::smoke::result::Mismatch;

use crate::cause::describe_chain;
use crate::destination::GuardedResolver;

/// How we name ourselves to the service.
const USER_AGENT: &str = "ecs-bluegreen-action";

/// Clients by their transport.
pub(crate) struct Clients(Vec<(Transport, Client)>);

impl Clients {
    /// Builds a client for each different transport; their connections go to the host of `base`.
    pub(crate) fn new<'a>(
        transports: impl IntoIterator<Item = &'a Transport>,
        base: &Url,
    ) -> Result<Self, Mismatch> {
        let mut clients: Vec<(Transport, Client)> = Vec::new();
        for transport in transports {
            if clients.iter().all(|(known, _)| known != transport) {
                clients.push((transport.clone(), build_client(transport, base)?));
            }
        }
        Ok(Self(clients))
    }

    /// The client of a transport that [`Clients::new`] was called with.
    pub(crate) fn get(&self, transport: &Transport) -> Result<&Client, Mismatch> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| known == transport)
            .map(|(_, client)| client);
        found.ok_or_else(|| {
            Mismatch::new(
                "HTTP client",
                "to be ready",
                "none for this kind of connection",
            )
        })
    }
}

/// A client for one kind of connection.
pub(crate) fn build_client(transport: &Transport, base: &Url) -> Result<Client, Mismatch> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Refused only when another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let failed =
        |error: reqwest::Error| Mismatch::new("HTTP client", "to be ready", describe_chain(&error));
    let authorities = transport
        .tls
        .authorities
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<Vec<_>, _>>();
    // Tests may also check the certificate of the answer.
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .tls_info(true);
    builder = with_http_version(
        builder.tls_certs_merge(authorities.map_err(failed)?),
        transport.http,
    );
    let mut guard = GuardedResolver::default();
    if let Some(longest) = transport.connect_timeout {
        builder = builder.connect_timeout(longest);
    }
    if let Some(name) = &transport.tls.server_name {
        // A proxy would look the name up by itself, and lead the test of green to production.
        builder = builder.no_proxy();
        guard = GuardedResolver::with_host_override(name, host_to_resolve(base));
    }
    builder.dns_resolver(guard).build().map_err(failed)
}

/// The host of a URL for name resolution.
fn host_to_resolve(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(domain)) => domain.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    }
}

fn with_http_version(builder: ClientBuilder, version: HttpVersion) -> ClientBuilder {
    match version {
        HttpVersion::Negotiated => builder,
        HttpVersion::One => builder.http1_only(),
        // With TLS this is the only protocol that is offered.
        HttpVersion::Two => builder.http2_prior_knowledge(),
    }
}
