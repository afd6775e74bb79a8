//! Test traffic goes to green at once, production traffic in steps; and both sides bake.

use hyper::header::HeaderName;

use super::cycle::Cycle;
use super::{Interruption, hooks};
use crate::account::{Account, LifecycleStage, ServiceDeployment, TrafficStep};
use crate::cloud::Cloud;
use crate::options::{Exposure, Kind};
use crate::switches::LaterPause;

/// A Network Load Balancer's listeners need so long to follow.
const NETWORK_MINUTES: f64 = 10.0;

/// What a Service Connect request to green says, unless the service names another.
pub(crate) const TEST_HEADER: &str = "x-amzn-ecs-blue-green-test";

/// Which traffic is pointed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cycles) enum Lane {
    Test,
    Production,
}

/// The test listener goes to green.
pub(super) async fn shift_test(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.stage(LifecycleStage::TestTrafficShift).await?;
    shift(cycle, Lane::Test, 100.0)?;
    settle(cycle).await
}

/// Production goes to green, step by step. The pair of stages comes again for each.
pub(super) async fn shift_production(cycle: &Cycle) -> Result<(), Interruption> {
    let steps = cycle
        .read(|deployment| deployment.configuration.steps())
        .unwrap_or_default();
    let late = cycle.cloud().switches().later_pause == LaterPause::BeforeBake;
    let mut owed = 0;
    for TrafficStep { percent, minutes } in steps {
        cycle
            .stage(LifecycleStage::PreProductionTrafficShift)
            .await?;
        wait(cycle, std::mem::take(&mut owed)).await?;
        cycle.enter(LifecycleStage::ProductionTrafficShift)?;
        hooks::run(cycle, LifecycleStage::ProductionTrafficShift).await?;
        shift(cycle, Lane::Production, percent)?;
        settle(cycle).await?;
        if late {
            owed = minutes;
        } else {
            wait(cycle, minutes).await?;
        }
    }
    Ok(())
}

/// Both sides run, and green serves everybody.
pub(super) async fn bake(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.enter(LifecycleStage::BakeTime)?;
    let minutes = cycle
        .read(|deployment| deployment.configuration.bake_minutes())
        .unwrap_or(0);
    cycle.dwell(cycle.clock().seconds(2.0)).await?;
    wait(cycle, minutes).await
}

/// Minutes that pass, or are seen to.
async fn wait(cycle: &Cycle, minutes: u32) -> Result<(), Interruption> {
    if minutes == 0 {
        return Ok(());
    }
    cycle.change(|_| ());
    cycle.dwell(cycle.clock().minutes(f64::from(minutes))).await
}

/// The load balancer follows.
async fn settle(cycle: &Cycle) -> Result<(), Interruption> {
    let network = cycle.cloud().look(|account| kind(account, cycle.arn())) == Some(Kind::Nlb);
    let dwell = if network {
        cycle.clock().minutes(NETWORK_MINUTES)
    } else {
        cycle.clock().seconds(5.0)
    };
    cycle.dwell(dwell).await
}

fn kind(account: &Account, arn: &str) -> Option<Kind> {
    Some(
        account
            .service(&account.service_deployment(arn)?.service)?
            .kind,
    )
}

/// Gives green its share, unless the deployment was stopped in the meantime: a weight must not move
/// after that.
fn shift(cycle: &Cycle, lane: Lane, percent: f64) -> Result<(), Interruption> {
    cycle.go(|account| point(cycle.cloud(), account, cycle.arn(), lane, percent))
}

/// Gives green its share of a lane and blue the rest. The unused group stays on the listener with
/// weight 0.
pub(in crate::cycles) fn point(
    cloud: &Cloud,
    account: &mut Account,
    arn: &str,
    lane: Lane,
    percent: f64,
) {
    mark(cloud, account, arn, (lane, percent));
    if let Some((listener, weights)) = account
        .service_deployment(arn)
        .and_then(|deployment| route(account, deployment, lane, percent))
    {
        cloud.point(account, arn, &listener, &weights);
    }
    if let Some(deployment) = account.service_deployment_mut(arn) {
        match lane {
            Lane::Test => deployment.share(Some(percent), None),
            Lane::Production => deployment.share(None, Some(percent)),
        }
    }
}

/// Service Connect sends requests with its header to green while green has the test traffic.
fn mark(cloud: &Cloud, account: &Account, arn: &str, (lane, percent): (Lane, f64)) {
    let deployment = account.service_deployment(arn);
    let service = deployment
        .and_then(|deployment| account.service(&deployment.service))
        .filter(|service| service.kind == Kind::ServiceConnect);
    let (Some(deployment), Some(exposure), Lane::Test) = (
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
    cloud.world.set_marked(
        &exposure.production,
        green.map(|green| (HeaderName::from_static(TEST_HEADER), green)),
    );
    cloud.ledger.mark(arn, format!("{TEST_HEADER} {percent}"));
}

fn route(
    account: &Account,
    deployment: &ServiceDeployment,
    lane: Lane,
    percent: f64,
) -> Option<(String, Vec<(String, u32)>)> {
    let exposure = account.service(&deployment.service)?.exposure.as_ref()?;
    let (blue, green) = (
        deployment.blue()?.target_group.clone()?,
        deployment.target.target_group.clone()?,
    );
    let [rest, share] = weights(percent);
    Some((
        listener(exposure, lane)?.to_owned(),
        vec![(blue, rest), (green, share)],
    ))
}

fn listener(exposure: &Exposure, lane: Lane) -> Option<&str> {
    match lane {
        Lane::Test => exposure.test.as_deref(),
        Lane::Production => Some(&exposure.production),
    }
}

/// Blue's and green's weights: of 100, or of 1000 where the share has a fraction.
fn weights(percent: f64) -> [u32; 2] {
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
        assert_eq!(weights(0.0), [100, 0]);
        assert_eq!(weights(25.0), [75, 25]);
        assert_eq!(weights(0.1), [999, 1]);
        assert_eq!(weights(100.0), [0, 100]);
    }
}
