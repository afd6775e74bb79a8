//! The weighted proxy: what an Application Load Balancer is to the real thing. Real listeners, real
//! connections, real health checks.

mod balance;
mod forward;
mod grains;
mod health;
mod table;
#[cfg(test)]
mod tests;
mod traffic;

pub use grains::Grain;
pub(crate) use grains::{Counted, Measured};
pub use table::Health;
pub use traffic::{Counts, Traffic};

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::HeaderName;
use tokio::runtime::Handle;

use super::http::{Client, Server, client};
use super::imaginary::Imaginary;
use forward::{Via, forward};
use grains::Grains;
use table::Table;

/// What every request needs.
#[derive(Debug)]
struct Shared {
    client: Client,
    imaginary: Arc<Imaginary>,
    table: Mutex<Table>,
    traffic: Mutex<Traffic>,
    grains: Mutex<Grains>,
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grains(&self) -> MutexGuard<'_, Grains> {
        self.grains.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(super) fn new(health_interval: Duration, grain: Grain, imaginary: Arc<Imaginary>) -> Self {
        let grains = Mutex::new(Grains::new(grain));
        let shared = Shared {
            client: client(),
            imaginary,
            table: Mutex::default(),
            traffic: Mutex::default(),
            grains,
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
                let via = Via {
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

    pub(super) fn set_marked(&self, listener: &str, marked: Option<(HeaderName, String)>) {
        self.shared.table().set_marked(listener, marked);
    }

    pub(super) fn set_targets(&self, group: &str, targets: &[SocketAddr]) {
        let check = |address| {
            let watched = health::watch(
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
        self.shared.table().health(group)
    }

    pub(super) fn in_flight(&self, target: SocketAddr) -> usize {
        self.shared.table().in_flight(target)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.shared.traffic().clone()
    }

    pub(super) fn grains(&self, group: &str, from_ms: i64, to_ms: i64) -> Vec<Counted> {
        self.shared.grains().of(group, from_ms, to_ms)
    }

    /// Closes every listener and connection.
    pub(super) fn close(&self) {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
