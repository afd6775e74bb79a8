//! Free ports for tasks.
//!
//! Below the range from which the kernel takes ports for outgoing connections (32768 and up):
//! between our choice and the task's bind, the proxy under load would otherwise sometimes be given
//! the same one. The same port is not given twice until all were given.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT_NUMBER: AtomicU16 = AtomicU16::new(0);

/// A port that nothing on this machine listens on now.
pub(super) fn find_free() -> std::io::Result<u16> {
    let mut last = std::io::ErrorKind::AddrInUse.into();
    for _ in 0..COUNT {
        let port = candidate_port(
            std::process::id(),
            NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
        );
        match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Several stages on one machine begin at different places.
fn candidate_port(process: u32, number: u16) -> u16 {
    let offset = (u64::from(process) * 61 + u64::from(number)) % u64::from(COUNT);
    FIRST + u16::try_from(offset).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_in_range_and_not_given_twice_in_a_row() {
        let ports: Vec<_> = (0..100).map(|_| find_free().expect("a port")).collect();
        let mut unique = ports.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ports.len());
        assert!(
            ports
                .iter()
                .all(|port| (FIRST..FIRST + COUNT).contains(port))
        );
    }
}
