//! What is drawn for one schedule: the service, the points where AWS is unsure, what goes wrong,
//! and what others do meanwhile.

use ecs_bluegreen_sim::{
    AlarmWindow, Breaker, BreakerRollback, ConcurrentUpdate, Controller, Exposure, Fault,
    FaultKind, GroupOptions, HookDetails, HookScope, LateStop, LaterPause, NativeOptions,
    OrphanGreen, PreProduction, ReadyExpiry, RemovedHooks, RollbackEnding, RollingOptions,
    ShownDeployment, StaleHook, StopAnswer, Strategy, Switches, Toggle, UpdateAnswer,
};
use serde_json::{Value, json};

use super::dice::Dice;

/// A run of about this many events has been through everything.
const EVENTS: u64 = 45;

/// One schedule.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) controller: Controller,
    pub(super) exposure: Exposure,
    pub(super) switches: Switches,
    /// How long a minute of a gate lasts.
    pub(super) minute_ms: u64,
    pub(super) green: Test,
    pub(super) production: Test,
    /// `wait-until`, `approval`, …
    pub(super) inputs: Vec<(&'static str, &'static str)>,
    pub(super) faults: Vec<Fault>,
    /// What is wrong with green's tasks.
    pub(super) trouble: Option<Trouble>,
    /// Whether a one-off task comes first.
    pub(super) one_off: Option<OneOff>,
    /// Another run of ours that deploys the same service, once the first one has told so many
    /// events.
    pub(super) second: Option<Second>,
    /// What happens after so many events of the run.
    pub(super) deeds: Vec<(u64, Deed)>,
}

/// What is wrong with green's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Their health checks fail.
    Sick,
    /// They end as soon as they run.
    Crashes,
}

/// A one-off task, and how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OneOff {
    Passes,
    Fails,
}

/// Another run of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Second {
    pub(super) after: u64,
    /// `if-running`.
    pub(super) policy: &'static str,
}

/// The smoke test of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Absent,
    Passes,
    Fails,
}

/// What happens meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// The workflow is cancelled.
    Cancel,
    /// The machine dies.
    Kill,
    /// The alarm rings.
    Alarm,
    /// Somebody else opens a gate.
    Continue,
    /// Somebody else answers a gate with a rollback.
    Reject,
    /// Somebody else stops the rollout.
    Stop,
    /// Somebody else deploys another revision.
    Update,
    /// Somebody else gives both sides half of production's traffic.
    Weights,
}

impl Schedule {
    /// The same for the same dice.
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let controller = controller(dice);
        let is_weighted = !matches!(controller, Controller::Rolling(_));
        let has_gate = match &controller {
            Controller::CodeDeploy(group) => group.ready_wait_minutes.is_some(),
            Controller::Native(_) => true,
            Controller::Rolling(_) | Controller::External => false,
        };
        let exposure = Exposure::new("app", 8080);
        let mut drawn = Self {
            exposure: if is_weighted {
                exposure
            } else {
                Exposure {
                    test: None,
                    ..exposure
                }
            },
            switches: switches(dice),
            minute_ms: dice.of_all(&[60, 200]),
            green: if has_gate { test(dice) } else { Test::Absent },
            production: test(dice),
            inputs: inputs(dice, matches!(controller, Controller::Native(_))),
            faults: faults(dice, &controller),
            trouble: if dice.once_in(8) {
                Some(dice.of_all(&[Trouble::Sick, Trouble::Sick, Trouble::Crashes]))
            } else {
                None
            },
            one_off: if dice.once_in(5) {
                Some(dice.of_all(&[OneOff::Passes, OneOff::Passes, OneOff::Fails]))
            } else {
                None
            },
            second: dice.once_in(6).then(|| second(dice)),
            deeds: deeds(dice),
            controller,
        };
        drawn.switches.update_answer = dice.of_all(&[
            UpdateAnswer::After,
            UpdateAnswer::After,
            UpdateAnswer::Before,
        ]);
        drawn
    }
}

/// In the same instant as the first one, now and then.
fn second(dice: &mut Dice) -> Second {
    let after = if dice.once_in(3) {
        1
    } else {
        1 + dice.below(EVENTS)
    };
    Second {
        after,
        policy: dice.of_all(&["fail", "wait", "wait", "supersede"]),
    }
}

fn test(dice: &mut Dice) -> Test {
    dice.of_all(&[
        Test::Absent,
        Test::Passes,
        Test::Passes,
        Test::Passes,
        Test::Fails,
    ])
}

fn inputs(dice: &mut Dice, is_native: bool) -> Vec<(&'static str, &'static str)> {
    let mut inputs = vec![(
        "wait-until",
        dice.of_all(&["completed", "completed", "shifted"]),
    )];
    if is_native && dice.once_in(10) {
        inputs.push(("approval", "before-traffic"));
    }
    if dice.once_in(8) {
        inputs.push(("on-cancel", "leave"));
    }
    if is_native && dice.once_in(10) {
        inputs.push(("strategy", dice.of_all(&["blue-green", "canary", "linear"])));
    }
    inputs
}

fn controller(dice: &mut Dice) -> Controller {
    let alarms = vec!["errors".to_owned()];
    match dice.below(5) {
        0 => {
            let config = dice.of_all(&[
                "AllAtOnce",
                "Canary10Percent5Minutes",
                "Linear10PercentEvery1Minutes",
            ]);
            Controller::CodeDeploy(GroupOptions {
                config: format!("CodeDeployDefault.ECS{config}"),
                ready_wait_minutes: dice.of_all(&[Some(20), Some(20), Some(20), None]),
                alarms: dice.of_all(&[alarms, Vec::new()]),
                auto_rollback: dice.of_all(&[Vec::new(), vec!["DEPLOYMENT_FAILURE".to_owned()]]),
                ..GroupOptions::default()
            })
        }
        1 => Controller::Rolling(RollingOptions {
            breaker: dice.of_all(&[Breaker::Off, Breaker::Fail, Breaker::Rollback]),
            alarms: dice.of_all(&[alarms, Vec::new()]),
            ..RollingOptions::default()
        }),
        way => Controller::Native(NativeOptions {
            strategy: match way {
                2 => Strategy::BlueGreen,
                3 => Strategy::Canary {
                    percent: 10.0,
                    bake_minutes: 5,
                },
                _ => Strategy::Linear {
                    percent: dice.of_all(&[20.0, 50.0]),
                    bake_minutes: 1,
                },
            },
            hooks: hooks(dice),
            alarms: dice.of_all(&[alarms, Vec::new()]),
            ..NativeOptions::default()
        }),
    }
}

/// The pauses of the service's own definition; a foreign one among them now and then.
fn hooks(dice: &mut Dice) -> Vec<Value> {
    let own = [
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ];
    let stages: Vec<&str> = match dice.below(6) {
        0 => own.to_vec(),
        1 => own.into_iter().filter(|_| dice.once_in(2)).collect(),
        2 if dice.once_in(3) => vec!["POST_SCALE_UP"],
        _ => Vec::new(),
    };
    let pause = json!({ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": { "timeoutInMinutes": 20, "action": "ROLLBACK" } });
    if stages.is_empty() {
        Vec::new()
    } else {
        vec![pause]
    }
}

fn switches(dice: &mut Dice) -> Switches {
    let toggle = |dice: &mut Dice| dice.of_all(&[Toggle::On, Toggle::Off]);
    Switches {
        baking: toggle(dice),
        ready_expiry: dice.of_all(&[
            ReadyExpiry::NoRollback,
            ReadyExpiry::AsStop,
            ReadyExpiry::AsFailure,
        ]),
        orphan_green: dice.of_all(&[OrphanGreen::Replaced, OrphanGreen::Blocks]),
        stop_answer: dice.of_all(&[StopAnswer::Pending, StopAnswer::Succeeded]),
        late_stop: dice.of_all(&[LateStop::Refused, LateStop::Ignored, LateStop::TooLate]),
        rollback_of_nothing: toggle(dice),
        rollback_ending: if dice.once_in(15) {
            RollbackEnding::Fails
        } else {
            RollbackEnding::Succeeds
        },
        breaker_rollback: dice.of_all(&[BreakerRollback::FormerId, BreakerRollback::NewId]),
        pre_production: dice.of_all(&[
            PreProduction::Shown,
            PreProduction::FormerStage,
            PreProduction::Absent,
        ]),
        hook_scope: if dice.once_in(8) {
            HookScope::NextDeployment
        } else {
            HookScope::ThisDeployment
        },
        hook_details: dice.of_all(&[
            HookDetails::Stored,
            HookDetails::Dropped,
            HookDetails::Refused,
        ]),
        concurrent_update: dice.of_all(&[
            ConcurrentUpdate::Supersedes,
            ConcurrentUpdate::Queues,
            ConcurrentUpdate::Refused,
        ]),
        alarm_window: dice.of_all(&[AlarmWindow::ShiftAndBake, AlarmWindow::BakeOnly]),
        alarm_in_pause: toggle(dice),
        stale_hook: dice.of_all(&[StaleHook::InvalidParameter, StaleHook::Client]),
        later_pause: dice.of_all(&[LaterPause::AfterBake, LaterPause::BeforeBake]),
        current_deployment: dice.of_all(&[ShownDeployment::Present, ShownDeployment::Absent]),
        removed_hooks: dice.of_all(&[RemovedHooks::SnapshotKeeps, RemovedHooks::Dropped]),
        former_hooks: toggle(dice),
        weight_lag_ms: dice.of_all(&[0, 0, 60]),
        list_lag_ms: dice.of_all(&[0, 0, 80]),
        supersede_lag_ms: dice.of_all(&[0, 0, 80]),
        task_list_lag_ms: dice.of_all(&[0, 0, 40]),
        run_task_start_ms: dice.of_all(&[0, 100, 300]),
        unhealthy_after_ms: 60,
        restart_delay_ms: 20,
        rollback_info_ms: dice.of_all(&[20, 150]),
        deregistration_ms: 20,
        ..Switches::default()
    }
}

const READS: &[&str] = &[
    "ListTasks",
    "DescribeTasks",
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeRules",
    "DescribeListeners",
    "DescribeTargetHealth",
    "DescribeAlarms",
];

fn operations(controller: &Controller) -> (Vec<&'static str>, Vec<&'static str>) {
    let (reads, writes): (&[&str], &[&str]) = match controller {
        Controller::CodeDeploy(_) => (
            &[
                "GetDeployment",
                "GetDeploymentTarget",
                "ListDeployments",
                "BatchGetDeployments",
                "GetDeploymentGroup",
            ],
            &["CreateDeployment", "ContinueDeployment", "StopDeployment"],
        ),
        Controller::Native(_) => (
            &[
                "DescribeServiceDeployments",
                "ListServiceDeployments",
                "DescribeServiceRevisions",
            ],
            &[
                "UpdateService",
                "ContinueServiceDeployment",
                "StopServiceDeployment",
            ],
        ),
        Controller::Rolling(_) | Controller::External => {
            (&["DescribeServices"], &["UpdateService"])
        }
    };
    (
        READS.iter().chain(reads).copied().collect(),
        [
            "RunTask",
            "RegisterTaskDefinition",
            "DeregisterTaskDefinition",
        ]
        .iter()
        .chain(writes)
        .copied()
        .collect(),
    )
}

fn faults(dice: &mut Dice, controller: &Controller) -> Vec<Fault> {
    let (reads, writes) = operations(controller);
    let count = dice.of_all(&[0, 1, 1, 2, 3]);
    (0..count)
        .map(|_| {
            if dice.once_in(2) {
                read(dice, &reads)
            } else {
                write(dice, &writes)
            }
        })
        .collect()
}

fn read(dice: &mut Dice, reads: &[&str]) -> Fault {
    let kind = match dice.below(7) {
        0 => FaultKind::Throttled,
        1 => FaultKind::InternalError,
        2 => FaultKind::Drops,
        3 => FaultKind::Slow(200),
        4 => FaultKind::Denied,
        _ => FaultKind::StaleRead,
    };
    // What is stale is so for a moment: no promise is made against reads that stay old.
    let times = dice.of_all(if kind == FaultKind::StaleRead {
        &[1, 2]
    } else {
        &[1, 1, 2, 4]
    });
    Fault {
        operation: dice.of_all(reads).to_owned(),
        nth: 1 + dice.below(8),
        times,
        kind,
    }
}

fn write(dice: &mut Dice, writes: &[&str]) -> Fault {
    let kind = match dice.below(6) {
        0 => FaultKind::Throttled,
        1 => FaultKind::InternalError,
        2 => FaultKind::Drops,
        3 => FaultKind::Slow(200),
        _ => FaultKind::LandsThenDrops,
    };
    Fault {
        operation: dice.of_all(writes).to_owned(),
        nth: 1 + dice.below(3),
        times: dice.of_all(&[1, 1, 2]),
        kind,
    }
}

fn deeds(dice: &mut Dice) -> Vec<(u64, Deed)> {
    let mut deeds = Vec::new();
    if dice.once_in(3) {
        deeds.push(dice.of_all(&[Deed::Cancel, Deed::Cancel, Deed::Kill]));
    }
    if dice.once_in(5) {
        deeds.push(Deed::Alarm);
    }
    if dice.once_in(3) {
        deeds.push(dice.of_all(&[Deed::Continue, Deed::Reject, Deed::Stop, Deed::Update]));
    }
    if dice.once_in(8) {
        deeds.push(Deed::Weights);
    }
    let mut deeds: Vec<(u64, Deed)> = deeds
        .into_iter()
        .map(|deed| (1 + dice.below(EVENTS), deed))
        .collect();
    deeds.sort_by_key(|(after, _)| *after);
    deeds
}
