//! Lets the events come at which alarms ring.

use crate::clock::now_ms;
use crate::cloud::Cloud;

/// One round.
pub(super) fn advance(cloud: &Cloud) {
    let shifts = cloud.shifts();
    let turned = cloud.change(|account| account.alarms.advance(&shifts, now_ms()));
    for (name, state) in turned {
        cloud.ledger.mark(&name, format!("{state:?}"));
    }
}
