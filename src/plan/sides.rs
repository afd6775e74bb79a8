//! PURE: how the sources of an analysis tell blue from green, and which checks are impossible
//! because of that.

use std::time::Duration;

use super::{RolloutKind, RolloutPlan};
use crate::aws::arn::short_name;
use crate::checks::analysis::question::CloudWatchQuery;
use crate::checks::analysis::{
    Analysis, LoadBalancerKind, SideFacts, Sides, Traffic, TrafficSchedule,
};
use crate::choices::Follow;
use crate::documents::deployment_configuration::{PRODUCTION, STEP};
use crate::identity::{RevisionArn, TargetGroupArn};
use crate::problem::Problem;
use crate::rollout_kind::KeepBlueAdvice;
use crate::settings::Settings;
use crate::survey::Snapshot;

/// The questions for the requests and the errors of blue; none where no check of the analysis
/// depends on their number.
pub fn traffic_queries(settings: &Settings, snapshot: &Snapshot) -> Option<[CloudWatchQuery; 2]> {
    let analysis = settings
        .checks
        .analysis
        .as_ref()
        .filter(|_| settings.mode.plans_deployment())?;
    let rollout = super::plan_attached(settings, snapshot)
        .ok()
        .flatten()
        .filter(|rollout| rollout.kind.has_blue())?;
    let sides = rollout.sides(&rollout.blue.target_groups, &RevisionArn::default());
    // If a check is unsupported, the run is refused anyway.
    let is_possible = analysis.unsupported_checks(&sides).is_empty();
    analysis.traffic_queries(&sides).filter(|_| is_possible)
}

impl RolloutPlan {
    /// Both sides, with what is known of green.
    pub fn sides(&self, green: &[TargetGroupArn], revision: &RevisionArn) -> Sides {
        let blue = self
            .blue
            .target_groups
            .first()
            .map(TargetGroupArn::to_string);
        Sides {
            cluster: self.cluster.to_string(),
            service: self.service.to_string(),
            load_balancer_kind: self.load_balancer_kind(),
            load_balancer: self
                .blue
                .listeners
                .first()
                .and_then(|listener| load_balancer_name(listener)),
            green: SideFacts {
                target_group: green.first().map(TargetGroupArn::to_string),
                revision: short_name(revision).to_owned(),
            },
            blue: self.kind.has_blue().then(|| SideFacts {
                target_group: blue,
                revision: short_name(&self.blue.revision).to_owned(),
            }),
        }
    }

    fn load_balancer_kind(&self) -> LoadBalancerKind {
        let load_balancer = self
            .blue
            .listeners
            .first()
            .and_then(|listener| load_balancer_name(listener));
        match load_balancer.as_deref() {
            Some(name) if name.starts_with("app/") => LoadBalancerKind::ApplicationLoadBalancer,
            Some(name) if name.starts_with("net/") => LoadBalancerKind::NetworkLoadBalancer,
            _ => self.kind.load_balancer_kind(),
        }
    }

    /// Whether it waits for us once green serves all of production.
    pub fn waits_after_shift(&self) -> bool {
        self.kind.pauses_at(PRODUCTION)
    }
}

/// `…:listener/app/name/id/…` and `…:listener-rule/app/name/id/…` → `app/name/id`, as CloudWatch
/// names the load balancer.
fn load_balancer_name(listener: &str) -> Option<String> {
    let resource = listener.rsplit(':').next()?;
    let parts: Vec<&str> = resource.split('/').skip(1).take(3).collect();
    (parts.len() == 3).then(|| parts.join("/"))
}

/// The time that is left for a rollback before blue goes.
pub const ROLLBACK_RESERVE: Duration = Duration::from_secs(30);

/// How traffic shifts to green, and how long blue stays available then; none where the sides cannot
/// be told apart.
pub(super) fn traffic_schedule(kind: &RolloutKind) -> Option<TrafficSchedule> {
    Some(TrafficSchedule {
        steps: kind.traffic_steps()?,
        bake: kind.blue_kept_for()?.saturating_sub(ROLLBACK_RESERVE),
        is_gated: kind.pauses_at(STEP),
    })
}

/// Checks that are impossible, or could only ever be inconclusive.
pub(super) fn find_problems(
    settings: &Settings,
    snapshot: &Snapshot,
    rollout: Option<&RolloutPlan>,
) -> Vec<Problem> {
    let (Some(analysis), Some(rollout)) = (&settings.checks.analysis, rollout) else {
        return Vec::new();
    };
    // Green's target group is only known once green is up; if blue has one, green will have one.
    let mut problems = analysis
        .unsupported_checks(&rollout.sides(&rollout.blue.target_groups, &RevisionArn::default()));
    if problems.is_empty() && settings.mode.plans_deployment() && rollout.kind.is_all_at_once() {
        problems.extend(comparison_problems(analysis));
    }
    // A rollback is not refused because a verdict on it would come late.
    let schedule = rollout.traffic_schedule.as_ref().filter(|_| {
        problems.is_empty()
            && settings.mode.plans_deployment()
            && settings.rollout.follow != Follow::LeaveToAws
    });
    // A rollout that an earlier attempt of this run started must not be refused half-way.
    let is_under_way = snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours);
    if let Some(course) = schedule.filter(|_| !is_under_way) {
        problems.extend(blue_kept_too_short(settings, rollout, analysis, course));
        if problems.is_empty() {
            problems.extend(
                snapshot
                    .traffic
                    .iter()
                    .flat_map(|traffic| quiet_check_problems(analysis, course, *traffic)),
            );
        }
    }
    problems
}

/// Blue goes before green was evaluated with all of the traffic.
fn blue_kept_too_short(
    settings: &Settings,
    rollout: &RolloutPlan,
    analysis: &Analysis,
    schedule: &TrafficSchedule,
) -> Option<Problem> {
    let short = analysis.find_time_shortage(schedule)?;
    let minutes = whole_minutes(short.needed_bake);
    let kept = rollout
        .kind
        .blue_kept_for()
        .map_or(0, |stays| stays.as_secs() / 60);
    let KeepBlueAdvice { by, remedy } = rollout.kind.keep_blue_advice(settings, minutes);
    let message = format!(
        "{by} keeps blue for {kept} min after the shift, and `{}` needs {minutes} min to judge green with all of production's traffic",
        short.check
    );
    Some(Problem::new("analysis", message, remedy).at_position(short.at.clone()))
}

/// The whole minutes for which blue must be kept, so that a rollback is still possible.
fn whole_minutes(needed: Duration) -> u64 {
    (needed + ROLLBACK_RESERVE).as_secs().div_ceil(60)
}

/// Green gets too few requests: even one that is as good as blue would end without a verdict.
fn quiet_check_problems(
    analysis: &Analysis,
    schedule: &TrafficSchedule,
    traffic: Traffic,
) -> Vec<Problem> {
    let percent = schedule
        .steps
        .first()
        .map_or(100.0, |(percent, _)| *percent);
    let on_green = |requests: f64| format_thousands((requests * percent / 100.0).ceil());
    let seen = if traffic.requests > 0.0 {
        format!(
            "blue had about {} requests a minute in the last hour",
            format_thousands(traffic.requests.round())
        )
    } else {
        "blue had no requests in the last hour".to_owned()
    };
    let quiet = analysis.find_traffic_shortages(schedule, traffic).into_iter().map(|quiet| {
        let gets = format!("green gets about {} of them at {percent} %", on_green(traffic.requests));
        let needs = quiet.needed_requests.map_or_else(
            || "no number of them is enough".to_owned(),
            |needed| format!("about {} are needed ({} on green)", format_thousands(needed.ceil()), on_green(needed)),
        );
        let message = format!("`{}` could not tell good from bad: {seen}, {gets}, and {needs}", quiet.check);
        let time = quiet.needed_bake.map(|kept| format!("keep blue for {} min after the shift, ", whole_minutes(kept))).unwrap_or_default();
        let remedy = format!(
            "give green a larger share, {time}use thresholds with min-request-volume and a longer window (docs/analysis.md#a-quiet-service), or say with on-inconclusive what follows"
        );
        Problem::new("analysis", message, remedy).at_position(quiet.at.clone())
    });
    quiet.collect()
}

/// `1,200`
fn format_thousands(count: f64) -> String {
    let digits = format!("{count:.0}");
    let lead = digits.len() % 3;
    let groups = digits.as_bytes()[lead..]
        .chunks(3)
        .map(|group| String::from_utf8_lossy(group).into_owned());
    (lead > 0)
        .then(|| digits[..lead].to_owned())
        .into_iter()
        .chain(groups)
        .collect::<Vec<_>>()
        .join(",")
}

/// When all traffic goes over at once, there is no time in which both sides serve.
fn comparison_problems(analysis: &Analysis) -> Vec<Problem> {
    let compared = analysis.checks_needing_blue().into_iter().map(|(name, _)| {
        let message = format!("`{name}` compares green with blue, but all traffic shifts at once: there is no blue traffic to compare with");
        let remedy =
            "shift by a canary or in linear steps (strategy, or codedeploy-deployment-config), or compare the metric with a threshold";
        Problem::new("analysis", message, remedy)
    });
    compared.collect()
}

/// What the user should know before it starts.
pub(super) fn gate_warning(settings: &Settings, rollout: Option<&RolloutPlan>) -> Option<String> {
    let analysis = settings
        .checks
        .analysis
        .as_ref()
        .filter(|analysis| analysis.needs_gate())?;
    let has_gate = rollout?.waits_after_shift();
    let names = analysis.names().join(", ");
    let sentence =
        "the rollout has no gate once traffic moves, so an inconclusive check rolls it back there";
    (!has_gate).then(|| format!("on-inconclusive: pause ({names}): {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_balancer_is_read_out_of_listeners_and_rules() {
        let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012";
        let table = [
            (
                format!("{arn}:listener/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2"),
                Some("app/front/50dc6c495c0c9188"),
            ),
            (
                format!("{arn}:listener-rule/net/front/50dc/f2f7/9683"),
                Some("net/front/50dc"),
            ),
            ("front".to_owned(), None),
        ];
        for (listener, expected) in table {
            assert_eq!(load_balancer_name(&listener).as_deref(), expected);
        }
    }
}
