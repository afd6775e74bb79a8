//! The weighted proxy: what an Application Load Balancer is to the real thing. Real listeners, real
//! connections, real health checks.

mod balance;
mod forward;
mod health;
mod measurements;
mod table;
#[cfg(test)]
mod tests;
mod traffic;

pub use measurements::MeasurementPeriod;
pub(crate) use measurements::{PeriodCounts, RequestStats};
pub use table::Health;
pub use traffic::{Counts, Traffic};

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::HeaderName;
use tokio::runtime::Handle;

use super::http::{Client, Server, new_client};
use super::imaginary::Imaginary;
use forward::{RequestOrigin, forward};
use measurements::Measurements;
use table::Table;

/// What every request needs.
#[derive(Debug)]
struct Shared {
    client: Client,
    imaginary: Arc<Imaginary>,
    table: Mutex<Table>,
    traffic: Mutex<Traffic>,
    measurements: Mutex<Measurements>,
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measurements(&self) -> MutexGuard<'_, Measurements> {
        self.measurements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proxy; dropping it closes its listeners.
#[derive(Debug)]
pub(super) struct Proxy {
    shared: Arc<Shared>,
    listeners: Mutex<Vec<Server>>,
    /// Kept, so that targets can be set from outside the runtime's threads too.
    runtime: Handle,
    health_interval: Duration,
}

impl Proxy {
    pub(super) fn new(
        health_interval: Duration,
        period: MeasurementPeriod,
        imaginary: Arc<Imaginary>,
    ) -> Self {
        let measurements = Mutex::new(Measurements::new(period));
        let shared = Shared {
            client: new_client(),
            imaginary,
            table: Mutex::default(),
            traffic: Mutex::default(),
            measurements,
        };
        Self {
            shared: Arc::new(shared),
            listeners: Mutex::default(),
            runtime: Handle::current(),
            health_interval,
        }
    }

    pub(super) async fn listen(&self, name: &str, ip: IpAddr) -> std::io::Result<SocketAddr> {
        let (shared, listener) = (Arc::clone(&self.shared), Arc::<str>::from(name));
        let server = Server::start(ip, |address| {
            move |peer, request| {
                let via = RequestOrigin {
                    listener: Arc::clone(&listener),
                    port: address.port(),
                    peer,
                };
                forward(Arc::clone(&shared), via, request)
            }
        });
        let server = server.await?;
        let address = server.address();
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(server);
        Ok(address)
    }

    pub(super) fn set_weights(&self, listener: &str, weights: &[(String, u32)]) {
        self.shared.table().set_weights(listener, weights);
    }

    pub(super) fn set_header_route(&self, listener: &str, marked: Option<(HeaderName, String)>) {
        self.shared.table().set_header_route(listener, marked);
    }

    pub(super) fn set_targets(&self, group: &str, targets: &[SocketAddr]) {
        let check = |address| {
            let watched = health::run_checks(
                Arc::downgrade(&self.shared),
                group.to_owned(),
                address,
                self.health_interval,
            );
            self.runtime.spawn(watched).abort_handle()
        };
        self.shared.table().set_targets(group, targets, check);
    }

    pub(super) fn health(&self, group: &str) -> Vec<(SocketAddr, Health)> {
        self.shared.table().group_health(group)
    }

    pub(super) fn in_flight(&self, target: SocketAddr) -> usize {
        self.shared.table().in_flight(target)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.shared.traffic().clone()
    }

    pub(super) fn measurements(&self, group: &str, from_ms: i64, to_ms: i64) -> Vec<PeriodCounts> {
        self.shared.measurements().between(group, from_ms, to_ms)
    }

    /// Closes every listener and connection.
    pub(super) fn close(&self) {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
