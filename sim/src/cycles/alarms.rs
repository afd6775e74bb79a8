//! Applies the events at which alarms go to ALARM.

use crate::clock::now_ms;
use crate::cloud::Cloud;

pub(super) fn advance(cloud: &Cloud) {
    let history = cloud.traffic_history();
    let changed = cloud.change(|account| account.alarms.advance(&history, now_ms()));
    for (name, state) in changed {
        cloud.ledger.mark(&name, format!("{state:?}"));
    }
}
