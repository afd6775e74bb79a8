//! The progress that users see of a rollout: CodeDeploy's target and deployment in one form, and
//! what is worth a line.

use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployTarget, DeploymentTaskSet};
use crate::event::{Progress, Tasks, Traffic};

/// The stage, the weights and green's tasks, as far as they are known.
pub(super) fn from_codedeploy(
    deployment: &CodeDeployDeployment,
    target: Option<&CodeDeployTarget>,
) -> Progress {
    let event = target
        .and_then(CodeDeployTarget::current_event)
        .map(|event| event.name.as_str());
    let stage = match event {
        Some(event) if deployment.raw_status == "InProgress" => event.to_owned(),
        _ => deployment.raw_status.clone(),
    };
    Progress {
        stage: stage.into(),
        traffic: target.and_then(to_traffic),
        tasks: target
            .and_then(|target| target.sets.iter().find(|set| set.is_green))
            .map(to_tasks),
    }
}

/// Whether it shows something new: another stage or other weights, more running tasks while none
/// has failed, the first failed task, or twice as many as were shown. Tasks that start and fail
/// repeatedly get no line each.
pub(super) fn is_news(shown: &Progress, now: &Progress) -> bool {
    if shown.stage != now.stage || shown.traffic != now.traffic {
        return true;
    }
    match (&shown.tasks, &now.tasks) {
        (Some(shown), Some(now)) => {
            let has_more_running = now.failed == 0 && now.running > shown.running;
            let has_more_failed = now.failed > shown.failed && now.failed >= 2 * shown.failed;
            has_more_running || has_more_failed || now.desired != shown.desired
        }
        (shown, now) => shown.is_none() && now.is_some(),
    }
}

fn to_traffic(target: &CodeDeployTarget) -> Option<Traffic> {
    // From 0, because the sum of nothing is -0.
    let on = |green: bool| {
        target
            .sets
            .iter()
            .filter(|set| set.is_green == green)
            .fold(0.0, |sum, set| sum + set.weight)
    };
    (!target.sets.is_empty()).then(|| Traffic {
        blue: on(false),
        green: on(true),
    })
}

fn to_tasks(set: &DeploymentTaskSet) -> Tasks {
    Tasks {
        running: set.running,
        desired: set.desired,
        failed: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress_with(running: i64, failed: i64) -> Progress {
        Progress {
            stage: "IN_PROGRESS".into(),
            traffic: None,
            tasks: Some(Tasks {
                running,
                desired: 2,
                failed,
            }),
        }
    }

    #[test]
    fn tasks_that_fail_one_after_the_other_get_a_line_each_time_their_number_doubles() {
        let (mut shown, mut lines) = (progress_with(0, 0), 0);
        for failed in 0..238 {
            for now in [progress_with(1, failed), progress_with(0, failed + 1)] {
                if is_news(&shown, &now) {
                    (shown, lines) = (now, lines + 1);
                }
            }
        }
        assert!(lines <= 9, "{lines} lines");
    }

    #[test]
    fn a_stage_weights_and_tasks_that_are_new_are_news() {
        let shown = progress_with(1, 0);
        assert!(!is_news(&shown, &shown) && !is_news(&shown, &progress_with(0, 0)));
        assert!(is_news(&shown, &progress_with(2, 0)) && is_news(&shown, &progress_with(1, 1)));
        assert!(is_news(
            &shown,
            &Progress {
                stage: "COMPLETED".into(),
                ..shown.clone()
            }
        ));
        assert!(is_news(
            &shown,
            &Progress {
                traffic: Some(Traffic {
                    blue: 90.0,
                    green: 10.0
                }),
                ..shown.clone()
            }
        ));
        assert!(
            is_news(
                &Progress {
                    tasks: None,
                    ..shown.clone()
                },
                &shown
            ) && !is_news(
                &shown,
                &Progress {
                    tasks: None,
                    ..shown.clone()
                }
            )
        );
    }
}
