//! Test traffic goes to green at once, production traffic in steps; and both sides bake.

use hyper::header::HeaderName;

use super::cycle::Cycle;
use super::{Interruption, hooks};
use crate::account::{Account, LifecycleStage, ServiceDeployment, TrafficStep};
use crate::cloud::Cloud;
use crate::options::{Exposure, LoadBalancerKind};
use crate::switches::LaterPause;

/// A Network Load Balancer's listeners need so long to follow.
const NETWORK_MINUTES: f64 = 10.0;

/// What a Service Connect request to green says, unless the service names another.
pub(crate) const TEST_HEADER: &str = "x-amzn-ecs-blue-green-test";

/// Which traffic is pointed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cycles) enum TrafficKind {
    Test,
    Production,
}

/// The test listener goes to green.
pub(super) async fn shift_test(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.run_stage(LifecycleStage::TestTrafficShift).await?;
    shift(cycle, TrafficKind::Test, 100.0)?;
    wait_for_load_balancer(cycle).await
}

/// Production goes to green, step by step. The pair of stages comes again for each.
pub(super) async fn shift_production(cycle: &Cycle) -> Result<(), Interruption> {
    let steps = cycle
        .read(|deployment| deployment.configuration.steps())
        .unwrap_or_default();
    let waits_later = cycle.cloud().switches().later_pause == LaterPause::BeforeBake;
    let mut pending_minutes = 0;
    for TrafficStep { percent, minutes } in steps {
        cycle
            .run_stage(LifecycleStage::PreProductionTrafficShift)
            .await?;
        wait_minutes(cycle, std::mem::take(&mut pending_minutes)).await?;
        cycle.enter_stage(LifecycleStage::ProductionTrafficShift)?;
        hooks::run(cycle, LifecycleStage::ProductionTrafficShift).await?;
        shift(cycle, TrafficKind::Production, percent)?;
        wait_for_load_balancer(cycle).await?;
        if waits_later {
            pending_minutes = minutes;
        } else {
            wait_minutes(cycle, minutes).await?;
        }
    }
    Ok(())
}

/// Both sides run, and green serves everybody.
pub(super) async fn bake(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.enter_stage(LifecycleStage::BakeTime)?;
    let minutes = cycle
        .read(|deployment| deployment.configuration.bake_minutes())
        .unwrap_or(0);
    cycle.dwell(cycle.clock().seconds(2.0)).await?;
    wait_minutes(cycle, minutes).await
}

/// Waits for minutes of the clock; under the observed clock, until the state was read.
async fn wait_minutes(cycle: &Cycle, minutes: u32) -> Result<(), Interruption> {
    if minutes == 0 {
        return Ok(());
    }
    cycle.change(|_| ());
    cycle.dwell(cycle.clock().minutes(f64::from(minutes))).await
}

/// Waits for the load balancer to apply new weights; a Network Load Balancer needs minutes.
async fn wait_for_load_balancer(cycle: &Cycle) -> Result<(), Interruption> {
    let network = cycle
        .cloud()
        .read(|account| service_kind(account, cycle.arn()))
        == Some(LoadBalancerKind::Nlb);
    let dwell = if network {
        cycle.clock().minutes(NETWORK_MINUTES)
    } else {
        cycle.clock().seconds(5.0)
    };
    cycle.dwell(dwell).await
}

fn service_kind(account: &Account, arn: &str) -> Option<LoadBalancerKind> {
    Some(
        account
            .service(&account.service_deployment(arn)?.service)?
            .kind,
    )
}

/// Gives green its share, unless the deployment was stopped in the meantime: a weight must not move
/// after that.
fn shift(cycle: &Cycle, lane: TrafficKind, percent: f64) -> Result<(), Interruption> {
    cycle.advance(|account| set_green_share(cycle.cloud(), account, cycle.arn(), lane, percent))
}

/// Gives green its share of a lane and blue the rest. The unused group stays on the listener with
/// weight 0.
pub(in crate::cycles) fn set_green_share(
    cloud: &Cloud,
    account: &mut Account,
    arn: &str,
    lane: TrafficKind,
    percent: f64,
) {
    set_test_header(cloud, account, arn, (lane, percent));
    if let Some((listener, weights)) = account
        .service_deployment(arn)
        .and_then(|deployment| listener_weights(account, deployment, lane, percent))
    {
        cloud.apply_listener_weights(account, arn, &listener, &weights);
    }
    if let Some(deployment) = account.service_deployment_mut(arn) {
        match lane {
            TrafficKind::Test => deployment.record_shares(Some(percent), None),
            TrafficKind::Production => deployment.record_shares(None, Some(percent)),
        }
    }
}

/// Service Connect sends requests with its header to green while green has the test traffic.
fn set_test_header(
    cloud: &Cloud,
    account: &Account,
    arn: &str,
    (lane, percent): (TrafficKind, f64),
) {
    let deployment = account.service_deployment(arn);
    let service = deployment
        .and_then(|deployment| account.service(&deployment.service))
        .filter(|service| service.kind == LoadBalancerKind::ServiceConnect);
    let (Some(deployment), Some(exposure), TrafficKind::Test) = (
        deployment,
        service.and_then(|service| service.exposure.as_ref()),
        lane,
    ) else {
        return;
    };
    let green = deployment
        .target
        .target_group
        .clone()
        .filter(|_| percent > 0.0);
    cloud.world.set_header_route(
        &exposure.production,
        green.map(|green| (HeaderName::from_static(TEST_HEADER), green)),
    );
    cloud.ledger.mark(arn, format!("{TEST_HEADER} {percent}"));
}

fn listener_weights(
    account: &Account,
    deployment: &ServiceDeployment,
    lane: TrafficKind,
    percent: f64,
) -> Option<(String, Vec<(String, u32)>)> {
    let exposure = account.service(&deployment.service)?.exposure.as_ref()?;
    let (blue, green) = (
        deployment.blue()?.target_group.clone()?,
        deployment.target.target_group.clone()?,
    );
    let [rest, share] = split_weights(percent);
    Some((
        find_listener(exposure, lane)?.to_owned(),
        vec![(blue, rest), (green, share)],
    ))
}

fn find_listener(exposure: &Exposure, lane: TrafficKind) -> Option<&str> {
    match lane {
        TrafficKind::Test => exposure.test.as_deref(),
        TrafficKind::Production => Some(&exposure.production),
    }
}

/// Blue's and green's weights: of 100, or of 1000 where the share has a fraction.
fn split_weights(percent: f64) -> [u32; 2] {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 100"
    )]
    let tenths = (percent.clamp(0.0, 100.0) * 10.0).round() as u32;
    if tenths.is_multiple_of(10) {
        [100 - tenths / 10, tenths / 10]
    } else {
        [1000 - tenths, tenths]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_with_a_fraction_is_kept_exactly() {
        assert_eq!(split_weights(0.0), [100, 0]);
        assert_eq!(split_weights(25.0), [75, 25]);
        assert_eq!(split_weights(0.1), [999, 1]);
        assert_eq!(split_weights(100.0), [0, 100]);
    }
}
