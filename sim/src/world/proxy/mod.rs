//! The weighted proxy: what an Application Load Balancer is to the real thing. Real listeners, real connections, real health checks.

mod balance;
mod forward;
mod health;
mod table;
#[cfg(test)]
mod tests;
mod traffic;

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
use table::Table;

/// What every request needs.
#[derive(Debug)]
struct Shared {
    client: Client,
    imaginary: Arc<Imaginary>,
    table: Mutex<Table>,
    traffic: Mutex<Traffic>,
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(super) fn new(health_interval: Duration, imaginary: Arc<Imaginary>) -> Self {
        let shared = Shared { client: client(), imaginary, table: Mutex::default(), traffic: Mutex::default() };
        Self { shared: Arc::new(shared), listeners: Mutex::default(), runtime: Handle::current(), health_interval }
    }

    pub(super) async fn listen(&self, name: &str, ip: IpAddr) -> std::io::Result<SocketAddr> {
        let (shared, listener) = (Arc::clone(&self.shared), Arc::<str>::from(name));
        let server = Server::start(ip, |address| {
            move |peer, request| {
                let via = Via { listener: Arc::clone(&listener), port: address.port(), peer };
                forward(Arc::clone(&shared), via, request)
            }
        });
        let server = server.await?;
        let address = server.address();
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(server);
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
            let watched = health::watch(Arc::downgrade(&self.shared), group.to_owned(), address, self.health_interval);
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

    /// Closes every listener and connection.
    pub(super) fn close(&self) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
