//! A name that is asked for and verified, but reached at the host of the side's URL: green does not have production's name in DNS.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Looks one name up as if it were another; all others as they are.
pub(super) struct Detour {
    name: String,
    host: String,
}

impl Detour {
    pub(super) fn new(name: &str, base: &Url) -> Self {
        let host = match base.host() {
            Some(Host::Domain(domain)) => domain.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        };
        Self { name: name.to_owned(), host }
    }
}

impl Resolve for Detour {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = if name.as_str().eq_ignore_ascii_case(&self.name) { self.host.clone() } else { name.as_str().to_owned() };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((asked.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
