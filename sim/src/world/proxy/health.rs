//! Health checks of one target: real requests, for as long as it is registered.

use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;

use hyper::{Request, Uri};

use super::Shared;
use super::table::Health;
use crate::world::http::{Client, full_body};

/// Longer than any sane health answer of a process on this machine.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// One failed check may be an accident; an ALB does not believe it either (its minimum threshold is
/// 2).
const FAILURES_TO_UNHEALTHY: u32 = 2;

/// Checks a target until the task is aborted or the proxy is dropped. The health of an imaginary
/// target is set once.
pub(super) async fn run_checks(
    shared: Weak<Shared>,
    group: String,
    address: SocketAddr,
    every: Duration,
) {
    if let Some(shared) = shared
        .upgrade()
        .filter(|shared| shared.imaginary.contains(address))
    {
        let health = if shared.imaginary.is_failing(address) {
            Health::Unhealthy
        } else {
            Health::Healthy
        };
        return shared.table().set_health(&group, address, health);
    }
    let mut failures = 0;
    loop {
        let Some(client) = shared.upgrade().map(|shared| shared.client.clone()) else {
            return;
        };
        failures = if is_healthy(&client, address).await {
            0
        } else {
            failures + 1
        };
        let Some(shared) = shared.upgrade() else {
            return;
        };
        match failures {
            0 => shared.table().set_health(&group, address, Health::Healthy),
            FAILURES_TO_UNHEALTHY.. => {
                shared
                    .table()
                    .set_health(&group, address, Health::Unhealthy);
            }
            _ => {}
        }
        drop(shared);
        tokio::time::sleep(every).await;
    }
}

async fn is_healthy(client: &Client, address: SocketAddr) -> bool {
    let Ok(uri) = Uri::builder()
        .scheme("http")
        .authority(address.to_string())
        .path_and_query("/health")
        .build()
    else {
        return false;
    };
    let Ok(request) = Request::get(uri)
        .header("user-agent", "ELB-HealthChecker/2.0")
        .body(full_body(""))
    else {
        return false;
    };
    match tokio::time::timeout(CHECK_TIMEOUT, client.request(request)).await {
        Ok(Ok(response)) => response.status().is_success(),
        Ok(Err(_)) | Err(_) => false,
    }
}
