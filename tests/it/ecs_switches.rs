//! Every unsure point of ECS's own deployments, in both positions, with a good version and with one
//! that fails.

use ecs_bluegreen_sim::{
    AlarmWindow, ConcurrentUpdate, HookDetails, HookScope, LateStop, LaterPause, PreProduction,
    RemovedHooks, RollbackEnding, ShownDeployment, StaleHook, StopAbort, Switches, Toggle,
};

use crate::harness::ecs::{assert_finished, assert_no_hook_of_ours};
use crate::harness::{Action, ActionRun, Incident, Story, When};

/// What a version that passes its gate and fails on production is deployed with.
fn failing() -> Action {
    Action::deploy_tested("1.3.0").with("environment-variables", "APP_PRODUCTION_PORT=$PORT")
}

async fn run_to(story: Story, action: Action, serves: &str, outcome: &str) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert_eq!(run.output("outcome"), outcome, "{}", run.log.join("\n"));
    assert_finished(&play, serves).await;
    play.end().await;
    run
}

/// A good version is deployed and one that fails at green's gate, or on production, is rolled back,
/// whichever way AWS does it.
async fn deploys_and_rolls_back(story: fn() -> Story, set: impl Fn(&mut Switches) + Copy) {
    let good = run_to(
        story().switches(set),
        Action::deploy_tested("1.1.0"),
        "api-2",
        "deployed",
    )
    .await;
    assert_eq!(good.code, Some(0));
    run_to(
        story().switches(set),
        Action::deploy_tested_by("1.2.0", &["health"]),
        "api-1",
        "rolled-back",
    )
    .await;
    run_to(story().switches(set), failing(), "api-1", "rolled-back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_before_production_may_be_shown_or_not() {
    deploys_and_rolls_back(Story::canary, |switches| {
        switches.pre_production = PreProduction::Shown;
    })
    .await;
    deploys_and_rolls_back(Story::canary, |switches| {
        switches.pre_production = PreProduction::FormerStage;
    })
    .await;
    deploys_and_rolls_back(Story::linear, |switches| {
        switches.pre_production = PreProduction::Absent;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_before_a_later_step_may_come_before_or_after_the_bake() {
    deploys_and_rolls_back(Story::linear, |switches| {
        switches.later_pause = LaterPause::AfterBake;
    })
    .await;
    deploys_and_rolls_back(Story::linear, |switches| {
        switches.later_pause = LaterPause::BeforeBake;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_marks_of_hooks_may_be_dropped_or_refused() {
    for hook_details in [HookDetails::Dropped, HookDetails::Refused] {
        deploys_and_rolls_back(Story::canary, move |switches| {
            switches.hook_details = hook_details;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ecs_may_look_at_production_s_rule_before_it_begins() {
    deploys_and_rolls_back(Story::blue_green, |switches| {
        switches.preflight = Toggle::On;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_may_only_govern_the_next_deployment() {
    // Whatever is deployed then, nobody reaches it: it would not be tested.
    let next = |switches: &mut Switches| switches.hook_scope = HookScope::NextDeployment;
    for action in [Action::deploy_tested("1.1.0"), failing()] {
        let run = run_to(
            Story::canary().switches(next),
            action,
            "api-1",
            "rolled-back",
        )
        .await;
        assert_eq!(run.output("reason"), "hooks-missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_only_govern_the_next_deployment_do_no_harm_where_none_are_added() {
    let next = |switches: &mut Switches| switches.hook_scope = HookScope::NextDeployment;
    run_to(
        Story::blue_green().switches(next),
        Action::deploy("1.1.0"),
        "api-2",
        "deployed",
    )
    .await;
    run_to(
        Story::blue_green().switches(next),
        Action::deploy("1.4.0"),
        "api-1",
        "rolled-back",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_a_running_deployment_may_replace_it_queue_or_be_refused() {
    for concurrent_update in [
        ConcurrentUpdate::Supersedes,
        ConcurrentUpdate::Queues,
        ConcurrentUpdate::Refused,
    ] {
        deploys_and_rolls_back(Story::blue_green, move |switches| {
            switches.concurrent_update = concurrent_update;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_queues_behind_ours_lets_ours_end_and_is_named_when_ours_fails() {
    let update =
        serde_json::json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true });
    let queued = |action: Action| {
        action.on_incident(
            When::Line("Smoke tests on green"),
            Incident::Call("ecs.UpdateService", update.clone()),
        )
    };
    let story = || {
        Story::blue_green()
            .switches(|switches| switches.concurrent_update = ConcurrentUpdate::Queues)
    };
    let good = story()
        .run(queued(Action::deploy_tested_slowly("1.1.0")))
        .await;
    assert_eq!(
        good.output("outcome"),
        "deployed",
        "{}",
        good.log.join("\n")
    );
    let failing = story()
        .run(queued(Action::deploy_tested_by("1.2.0", &["health"])))
        .await;
    assert_eq!(
        (failing.output("outcome"), failing.output("reason")),
        ("still-running", "smoke-failed"),
        "{}",
        failing.log.join("\n")
    );
    assert!(
        failing.log.iter().any(|line| line.contains("took over")),
        "{}",
        failing.log.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_may_succeed_or_fail_and_a_good_version_does_not_care() {
    deploys_and_rolls_back(Story::blue_green, |switches| {
        switches.rollback_ending = RollbackEnding::Succeeds;
    })
    .await;
    let fails = |switches: &mut Switches| switches.rollback_ending = RollbackEnding::Fails;
    run_to(
        Story::canary().switches(fails),
        Action::deploy_tested("1.1.0"),
        "api-2",
        "deployed",
    )
    .await;
    let run = run_to(
        Story::canary().switches(fails),
        Action::deploy_tested_by("1.2.0", &["health"]),
        "api-1",
        "stuck",
    )
    .await;
    assert!(
        run.log
            .iter()
            .any(|line| line.starts_with("Blue serves 100 % of production")),
        "{}",
        run.log.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_may_be_watched_from_the_shift_on_or_while_baking_only_and_in_a_pause_or_not() {
    for (alarm_window, alarm_in_pause) in [
        (AlarmWindow::ShiftAndBake, Toggle::On),
        (AlarmWindow::ShiftAndBake, Toggle::Off),
        (AlarmWindow::BakeOnly, Toggle::On),
    ] {
        let set = move |switches: &mut Switches| {
            (switches.alarm_window, switches.alarm_in_pause) = (alarm_window, alarm_in_pause);
        };
        run_to(
            Story::canary().switches(set),
            Action::deploy_tested("1.1.0"),
            "api-2",
            "deployed",
        )
        .await;
        let action = Action::deploy_tested("1.1.0")
            .on_incident(When::State("prod forwards to api-1=90"), Incident::Alarm);
        let run = run_to(
            Story::canary().switches(set),
            action,
            "api-1",
            "rolled-back",
        )
        .await;
        assert_eq!(
            run.output("reason"),
            "alarm",
            "ECS may be blind to it; the check before the next step is not"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_hook_may_be_refused_in_either_way() {
    for stale_hook in [StaleHook::InvalidParameter, StaleHook::Client] {
        let set = move |switches: &mut Switches| switches.stale_hook = stale_hook;
        let body = serde_json::json!({ "serviceDeploymentArn": "$ARN", "hookId": "$HOOK", "action": "CONTINUE" });
        let open = || Incident::Call("ecs.ContinueServiceDeployment", body.clone());
        let opened = Action::deploy_tested_slowly("1.1.0")
            .on_incident(When::Line("Smoke tests on green"), open());
        run_to(
            Story::blue_green().switches(set),
            opened,
            "api-2",
            "deployed",
        )
        .await;
        run_to(
            Story::blue_green().switches(set),
            failing(),
            "api-1",
            "rolled-back",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_update_s_answer_may_name_the_deployment_or_not() {
    deploys_and_rolls_back(Story::blue_green, |switches| {
        switches.current_deployment = ShownDeployment::Present;
    })
    .await;
    deploys_and_rolls_back(Story::blue_green, |switches| {
        switches.current_deployment = ShownDeployment::Absent;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_are_taken_away_early_may_stay_in_the_deployment_or_go() {
    for removed_hooks in [RemovedHooks::SnapshotKeeps, RemovedHooks::Dropped] {
        deploys_and_rolls_back(Story::canary, move |switches| {
            switches.removed_hooks = removed_hooks;
        })
        .await;
        let set = move |switches: &mut Switches| switches.removed_hooks = removed_hooks;
        let mut play = Story::blue_green().switches(set).begin().await;
        let run = play
            .act(Action::deploy_tested("1.1.0").with("wait-until", "shifted"))
            .await;
        assert_no_hook_of_ours(&play).await;
        assert_eq!(run.output("outcome"), "deployed");
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_may_be_refused_or_work_and_is_not_what_we_ask_for() {
    deploys_and_rolls_back(Story::blue_green, |switches| {
        switches.stop_abort = StopAbort::Refused;
    })
    .await;
    deploys_and_rolls_back(Story::blue_green, |switches| {
        switches.stop_abort = StopAbort::Works;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_former_stages_may_be_shown_or_not() {
    deploys_and_rolls_back(Story::canary, |switches| switches.former_hooks = Toggle::On).await;
    deploys_and_rolls_back(Story::canary, |switches| {
        switches.former_hooks = Toggle::Off;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_and_lists_may_lag() {
    deploys_and_rolls_back(Story::canary, |switches| switches.weight_lag_ms = 700).await;
    deploys_and_rolls_back(Story::blue_green, |switches| switches.list_lag_ms = 900).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_stop_may_be_refused_or_ignored_or_announce_a_rollback_that_does_not_come() {
    for late_stop in [LateStop::Refused, LateStop::Ignored, LateStop::TooLate] {
        let set = move |switches: &mut Switches| switches.late_stop = late_stop;
        run_to(
            Story::blue_green().switches(set),
            failing(),
            "api-1",
            "rolled-back",
        )
        .await;
        let late = Action::deploy_tested("1.1.0")
            .on_incident(When::State("CLEAN_UP"), Incident::Interrupt);
        run_to(
            Story::blue_green().in_real_time().switches(set),
            late,
            "api-2",
            "deployed",
        )
        .await;
    }
}
