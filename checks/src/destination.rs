//! Addresses to which no request of a document may go, whether the document or a redirect points
//! there: link-local addresses and cloud metadata services.
//!
//! A document chooses paths, and the tested service chooses redirects. Neither may reach addresses
//! that only the runner itself should use.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::scrub::mask;

/// Metadata services outside of link-local addresses: Alibaba Cloud, Oracle Cloud, and Azure's
/// host, on which GitHub's runners run.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
/// The first two groups of AWS's own addresses on an instance (`fd00:ec2::254` and others).
const AWS_V6: [u16; 2] = [0xfd00, 0x0ec2];
/// Google Cloud's metadata service.
const GOOGLE_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForbiddenHost {
    host: String,
    address: IpAddr,
}

impl fmt::Display for ForbiddenHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host != self.address.to_string() {
            write!(out, "{}, which is ", mask(&self.host))?;
        }
        write!(
            out,
            "{}: a link-local or cloud metadata address, to which no document may send requests",
            self.address
        )
    }
}

impl Error for ForbiddenHost {}

/// The reason to refuse a URL whose host is an IP address; names are not looked up here. Every
/// spelling of an address is the same address to the `url` crate.
pub(crate) fn find_forbidden(url: &Url) -> Option<ForbiddenHost> {
    let address: IpAddr = match url.host()? {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(_) => return None,
    };
    is_forbidden(address).then(|| ForbiddenHost {
        host: address.to_string(),
        address,
    })
}

/// The same, with names looked up. Needed in addition to [`GuardedResolver`], because a proxy
/// resolves names by itself.
pub(crate) async fn resolve_forbidden(url: &Url) -> Option<ForbiddenHost> {
    let Some(Host::Domain(name)) = url.host() else {
        return find_forbidden(url);
    };
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await.ok()?.collect();
    check_addresses(name, found).err()
}

/// The reason why an input's URL is forbidden for documents; `None` if it is allowed.
pub fn describe_forbidden(url: &Url) -> Option<String> {
    find_forbidden(url).map(|forbidden| forbidden.to_string())
}

/// Refuses a name if any of its addresses is forbidden: a name with both kinds is an attack (DNS
/// rebinding).
fn check_addresses(name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ForbiddenHost> {
    match found
        .iter()
        .map(SocketAddr::ip)
        .find(|address| is_forbidden(*address))
    {
        Some(address) => Err(ForbiddenHost {
            host: name.to_owned(),
            address,
        }),
        None => Ok(found),
    }
}

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || METADATA_V4.contains(&address),
        IpAddr::V6(address) => {
            let own = address.is_unicast_link_local()
                || address.segments()[..2] == AWS_V6
                || address == GOOGLE_V6;
            own || embedded_ipv4(address).is_some_and(|inside| is_forbidden(inside.into()))
        }
    }
}

/// The IPv4 address that an IPv6 address embeds: mapped, translated (RFC 6052, RFC 2765), 6to4, or
/// the old compatible form.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second, third, fourth, fifth, sixth, high, low] = address.segments();
    let (high, low) = match (first, [second, third, fourth, fifth], sixth) {
        (0, [0, 0, 0, 0], 0 | 0xffff)
        | (0, [0, 0, 0, 0xffff], 0)
        | (0x64, [0xff9b, 0, 0, 0], 0) => (high, low),
        (0x2002, ..) => (second, third),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

/// A DNS resolver that refuses forbidden addresses, and can resolve one name as if it were another
/// host.
#[derive(Clone, Default)]
pub(crate) struct GuardedResolver {
    /// A name, and the host that is looked up in its place.
    host_override: Option<Arc<(String, String)>>,
}

impl GuardedResolver {
    /// A resolver that looks `name` up as if it were `host`.
    pub(crate) fn with_host_override(name: &str, host: String) -> Self {
        Self {
            host_override: Some(Arc::new((name.to_owned(), host))),
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host_override = self
            .host_override
            .as_deref()
            .filter(|(from, _)| name.as_str().eq_ignore_ascii_case(from));
        let lookup_name =
            host_override.map_or_else(|| name.as_str().to_owned(), |(_, host)| host.clone());
        Box::pin(async move {
            let found = tokio::net::lookup_host((lookup_name.as_str(), 0))
                .await?
                .collect();
            Ok(Box::new(check_addresses(&lookup_name, found)?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_metadata_address_is_the_address() {
        let hosts = [
            "169.254.169.254",
            "169.254.170.2",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[::ffff:0:169.254.169.254]",
            "[64:ff9b::169.254.169.254]",
            "[2002:a9fe:a9fe::1]",
            "[fe80::1]",
            "[febf::1]",
            "[fd00:ec2::254]",
            "[fd00:0ec2:0::23]",
            "[fd20:ce::254]",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ];
        for host in hosts {
            let url = Url::parse(&format!("http://{host}/latest/meta-data/")).unwrap();
            assert!(find_forbidden(&url).is_some(), "{host}");
        }
        for host in [
            "127.0.0.1",
            "10.0.0.1",
            "169.253.0.1",
            "[::1]",
            "[fd00::1]",
            "[2001:db8::1]",
            "api.example.com",
            "[::ffff:10.0.0.1]",
        ] {
            assert_eq!(
                find_forbidden(&Url::parse(&format!("http://{host}/")).unwrap()),
                None,
                "{host}"
            );
        }
    }

    #[test]
    fn a_name_that_leads_to_a_metadata_address_is_refused_also_when_it_leads_elsewhere_too() {
        let addresses = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| SocketAddr::new(text.parse().unwrap(), 0))
                .collect::<Vec<_>>()
        };
        let both = check_addresses(
            "rebind.example",
            addresses(&["203.0.113.9", "169.254.169.254"]),
        )
        .unwrap_err();
        assert!(
            both.to_string().starts_with(
                "rebind.example, which is 169.254.169.254: a link-local or cloud metadata address"
            ),
            "{both}"
        );
        assert_eq!(
            check_addresses("good.example", addresses(&["203.0.113.9"])),
            Ok(addresses(&["203.0.113.9"]))
        );
    }
}
