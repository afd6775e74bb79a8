//! How a test's connection is made. Tests that want the same share a client, and with it its
//! connections.
//!
//! There is no way to switch the verification of certificates off: a test that does not know which
//! server answered proves nothing.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

/// The settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Transport {
    pub(in crate::smoke) http: HttpVersion,
    pub(in crate::smoke) tls: Tls,
    /// The longest that name lookup, TCP and TLS may take together; bounded by the test's timeout
    /// anyway.
    pub(in crate::smoke) connect_timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum HttpVersion {
    /// HTTP/2 where the server offers it by ALPN, else HTTP/1.1.
    #[default]
    Negotiated,
    One,
    /// Nothing else is offered; without TLS by prior knowledge.
    Two,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tls {
    /// The name that is asked for and verified, while the connection goes to the host of the side's
    /// URL.
    pub(in crate::smoke) server_name: Option<String>,
    /// Trusted besides the public authorities.
    pub(in crate::smoke) authorities: Vec<CertificateDer<'static>>,
}
