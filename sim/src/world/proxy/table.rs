//! What the proxy knows: listeners with weights, target groups with targets. Decides where the next
//! request goes; does no I/O.
//!
//! As an Application Load Balancer does, it never falls back from one target group to another: a
//! weighted group without a usable target is a 503 for its share of the requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::{HeaderMap, HeaderName};
use serde::Serialize;
use tokio::task::AbortHandle;

use super::balance::Rotation;

/// What a target's last health checks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// No check has ended yet.
    Initial,
    /// It answers its health check with a 2xx.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// One target of a group. Dropping it ends its health checks.
#[derive(Debug)]
struct Target {
    address: SocketAddr,
    health: Health,
    checks: AbortHandle,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.checks.abort();
    }
}

#[derive(Debug, Default)]
struct Group {
    targets: Vec<Target>,
    next_index: usize,
}

impl Group {
    /// Round-robin over the healthy targets; over the unhealthy ones when there are no others (an
    /// ALB "fails open"); never to one that has not been checked yet.
    fn next(&mut self) -> Option<SocketAddr> {
        let with_health = |health| {
            self.targets
                .iter()
                .filter(move |target| target.health == health)
                .map(|target| target.address)
        };
        let mut usable: Vec<_> = with_health(Health::Healthy).collect();
        if usable.is_empty() {
            usable = with_health(Health::Unhealthy).collect();
        }
        self.next_index = self.next_index.wrapping_add(1);
        usable
            .get(self.next_index.checked_rem(usable.len())?)
            .copied()
    }
}

/// Where a request goes. While it lives, the request counts as in flight.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) group: String,
    pub(super) target: Option<SocketAddr>,
    in_flight: Option<Arc<AtomicUsize>>,
}

impl Drop for Route {
    fn drop(&mut self) {
        if let Some(count) = &self.in_flight {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// The whole routing table.
#[derive(Debug, Default)]
pub(super) struct Table {
    listeners: BTreeMap<String, Rotation>,
    /// Requests with a header of this name go to this group, whatever the weights.
    header_routes: BTreeMap<String, (HeaderName, String)>,
    groups: BTreeMap<String, Group>,
    in_flight: BTreeMap<SocketAddr, Arc<AtomicUsize>>,
}

impl Table {
    pub(super) fn set_weights(&mut self, listener: &str, weights: &[(String, u32)]) {
        self.listeners
            .insert(listener.to_owned(), Rotation::new(weights));
    }

    /// Routes a listener's requests with a header to a target group; `None` removes the route.
    pub(super) fn set_header_route(
        &mut self,
        listener: &str,
        marked: Option<(HeaderName, String)>,
    ) {
        match marked {
            Some(marked) => self.header_routes.insert(listener.to_owned(), marked),
            None => self.header_routes.remove(listener),
        };
    }

    /// Keeps the health of targets that stay; `check` starts the health checks of a new one.
    pub(super) fn set_targets(
        &mut self,
        name: &str,
        addresses: &[SocketAddr],
        check: impl Fn(SocketAddr) -> AbortHandle,
    ) {
        let group = self.groups.entry(name.to_owned()).or_default();
        let mut before = std::mem::take(&mut group.targets);
        for &address in addresses {
            let kept = before
                .iter()
                .position(|target| target.address == address)
                .map(|index| before.swap_remove(index));
            group.targets.push(kept.unwrap_or_else(|| Target {
                address,
                health: Health::Initial,
                checks: check(address),
            }));
        }
    }

    pub(super) fn set_health(&mut self, name: &str, address: SocketAddr, health: Health) {
        let targets = self
            .groups
            .get_mut(name)
            .into_iter()
            .flat_map(|group| &mut group.targets);
        targets
            .filter(|target| target.address == address)
            .for_each(|target| target.health = health);
    }

    pub(super) fn group_health(&self, name: &str) -> Vec<(SocketAddr, Health)> {
        let targets = self
            .groups
            .get(name)
            .map(|group| group.targets.as_slice())
            .unwrap_or_default();
        targets
            .iter()
            .map(|target| (target.address, target.health))
            .collect()
    }

    /// Where the next request of a listener goes; none when the listener forwards nowhere.
    pub(super) fn route(&mut self, listener: &str, headers: &HeaderMap) -> Option<Route> {
        let marked = self
            .header_routes
            .get(listener)
            .filter(|(name, _)| headers.contains_key(name))
            .map(|(_, group)| group.clone());
        let group = match marked {
            Some(group) => group,
            None => self.listeners.get_mut(listener)?.next()?.to_owned(),
        };
        let target = self.groups.get_mut(&group).and_then(Group::next);
        let in_flight =
            target.map(|address| Arc::clone(self.in_flight.entry(address).or_default()));
        if let Some(count) = &in_flight {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Some(Route {
            group,
            target,
            in_flight,
        })
    }

    pub(super) fn in_flight(&self, address: SocketAddr) -> usize {
        self.in_flight
            .get(&address)
            .map_or(0, |count| count.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn table(targets: &[(u16, Health)]) -> Table {
        let mut table = Table::default();
        table.set_weights("production", &[("blue".to_owned(), 1)]);
        let addresses: Vec<_> = targets.iter().map(|(port, _)| address(*port)).collect();
        table.set_targets("blue", &addresses, |_| {
            tokio::spawn(std::future::pending::<()>()).abort_handle()
        });
        for (port, health) in targets {
            table.set_health("blue", address(*port), *health);
        }
        table
    }

    fn ports(table: &mut Table, requests: usize) -> Vec<u16> {
        let mut ports: Vec<u16> = (0..requests)
            .filter_map(|_| Some(table.route("production", &HeaderMap::new())?.target?.port()))
            .collect();
        ports.sort_unstable();
        ports
    }

    #[tokio::test]
    async fn healthy_targets_take_turns() {
        let mut table = table(&[
            (1, Health::Healthy),
            (2, Health::Unhealthy),
            (3, Health::Healthy),
            (4, Health::Initial),
        ]);
        assert_eq!(ports(&mut table, 4), [1, 1, 3, 3]);
    }

    #[tokio::test]
    async fn a_group_of_unhealthy_targets_fails_open() {
        assert_eq!(
            ports(
                &mut table(&[(1, Health::Unhealthy), (2, Health::Initial)]),
                2
            ),
            [1, 1]
        );
    }

    #[tokio::test]
    async fn a_request_with_the_header_goes_where_the_header_says() {
        let mut table = table(&[(1, Health::Healthy)]);
        let name = HeaderName::from_static("x-test");
        table.set_header_route("production", Some((name.clone(), "green".to_owned())));
        let group = |table: &mut Table, headers: &HeaderMap| {
            table
                .route("production", headers)
                .map(|route| route.group.clone())
        };
        let marked = [(name, hyper::header::HeaderValue::from_static("1"))]
            .into_iter()
            .collect();
        assert_eq!(group(&mut table, &marked).as_deref(), Some("green"));
        assert_eq!(
            group(&mut table, &HeaderMap::new()).as_deref(),
            Some("blue")
        );
        table.set_header_route("production", None);
        assert_eq!(group(&mut table, &marked).as_deref(), Some("blue"));
    }

    #[tokio::test]
    async fn an_unchecked_target_gets_nothing() {
        assert_eq!(
            ports(&mut table(&[(1, Health::Initial)]), 2),
            Vec::<u16>::new()
        );
    }

    #[tokio::test]
    async fn a_target_that_stays_keeps_its_health() {
        let mut table = table(&[(1, Health::Healthy)]);
        table.set_targets("blue", &[address(2), address(1)], |_| {
            tokio::spawn(std::future::pending::<()>()).abort_handle()
        });
        assert_eq!(
            table.group_health("blue"),
            [(address(2), Health::Initial), (address(1), Health::Healthy)]
        );
    }

    #[tokio::test]
    async fn a_route_counts_as_in_flight_until_it_is_dropped() {
        let mut table = table(&[(1, Health::Healthy)]);
        let route = table.route("production", &HeaderMap::new());
        assert_eq!(table.in_flight(address(1)), 1);
        table.set_targets("blue", &[], |_| {
            tokio::spawn(std::future::pending::<()>()).abort_handle()
        });
        assert_eq!(table.in_flight(address(1)), 1);
        drop(route);
        assert_eq!(table.in_flight(address(1)), 0);
    }
}
