//! What is drawn for one schedule: the service, the points where AWS is unsure, what goes wrong,
//! and what others do meanwhile.

use ecs_bluegreen_sim::{
    AlarmWindow, Breaker, BreakerRollback, ConcurrentUpdate, Controller, EcsStrategyOptions,
    Exposure, Fault, FaultKind, GroupOptions, HookDetails, HookScope, LateStop, LaterPause,
    OrphanGreen, PreProduction, ReadyExpiry, RemovedHooks, RollbackEnding, RollingOptions,
    ShownDeployment, StaleHook, StopAnswer, Strategy, Switches, Toggle, UpdateAnswer,
};
use serde_json::{Value, json};

use super::random::Random;

/// A run of about this many events has been through everything.
const EVENTS: u64 = 45;

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
    /// Another run of ours that deploys the same service, once the first one has emitted so many
    /// events.
    pub(super) second: Option<Second>,
    /// What happens after so many events of the run.
    pub(super) interventions: Vec<(u64, Intervention)>,
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
pub(super) enum Intervention {
    /// The workflow is cancelled.
    Cancel,
    /// The machine dies.
    Kill,
    /// The alarm goes to ALARM.
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
    /// The same for the same random choices.
    pub(super) fn draw(random: &mut Random) -> Self {
        let controller = controller(random);
        let is_weighted = !matches!(controller, Controller::Rolling(_));
        let has_gate = match &controller {
            Controller::CodeDeploy(group) => group.ready_wait_minutes.is_some(),
            Controller::Ecs(_) => true,
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
            switches: switches(random),
            minute_ms: random.of_all(&[60, 200]),
            green: if has_gate { test(random) } else { Test::Absent },
            production: test(random),
            inputs: inputs(random, matches!(controller, Controller::Ecs(_))),
            faults: faults(random, &controller),
            trouble: if random.once_in(8) {
                Some(random.of_all(&[Trouble::Sick, Trouble::Sick, Trouble::Crashes]))
            } else {
                None
            },
            one_off: if random.once_in(5) {
                Some(random.of_all(&[OneOff::Passes, OneOff::Passes, OneOff::Fails]))
            } else {
                None
            },
            second: random.once_in(6).then(|| second(random)),
            interventions: interventions(random),
            controller,
        };
        drawn.switches.update_answer = random.of_all(&[
            UpdateAnswer::After,
            UpdateAnswer::After,
            UpdateAnswer::Before,
        ]);
        drawn
    }
}

/// In the same instant as the first one, now and then.
fn second(random: &mut Random) -> Second {
    let after = if random.once_in(3) {
        1
    } else {
        1 + random.below(EVENTS)
    };
    Second {
        after,
        policy: random.of_all(&["fail", "wait", "wait", "supersede"]),
    }
}

fn test(random: &mut Random) -> Test {
    random.of_all(&[
        Test::Absent,
        Test::Passes,
        Test::Passes,
        Test::Passes,
        Test::Fails,
    ])
}

fn inputs(random: &mut Random, is_ecs: bool) -> Vec<(&'static str, &'static str)> {
    let mut inputs = vec![(
        "wait-until",
        random.of_all(&["completed", "completed", "shifted"]),
    )];
    if is_ecs && random.once_in(10) {
        inputs.push(("approval", "before-traffic"));
    }
    if random.once_in(8) {
        inputs.push(("on-cancel", "leave"));
    }
    if is_ecs && random.once_in(10) {
        inputs.push((
            "strategy",
            random.of_all(&["blue-green", "canary", "linear"]),
        ));
    }
    inputs
}

fn controller(random: &mut Random) -> Controller {
    let alarms = vec!["errors".to_owned()];
    match random.below(5) {
        0 => {
            let config = random.of_all(&[
                "AllAtOnce",
                "Canary10Percent5Minutes",
                "Linear10PercentEvery1Minutes",
            ]);
            Controller::CodeDeploy(GroupOptions {
                config: format!("CodeDeployDefault.ECS{config}"),
                ready_wait_minutes: random.of_all(&[Some(20), Some(20), Some(20), None]),
                alarms: random.of_all(&[alarms, Vec::new()]),
                auto_rollback: random.of_all(&[Vec::new(), vec!["DEPLOYMENT_FAILURE".to_owned()]]),
                ..GroupOptions::default()
            })
        }
        1 => Controller::Rolling(RollingOptions {
            breaker: random.of_all(&[Breaker::Off, Breaker::Fail, Breaker::Rollback]),
            alarms: random.of_all(&[alarms, Vec::new()]),
            ..RollingOptions::default()
        }),
        way => Controller::Ecs(EcsStrategyOptions {
            strategy: match way {
                2 => Strategy::BlueGreen,
                3 => Strategy::Canary {
                    percent: 10.0,
                    bake_minutes: 5,
                },
                _ => Strategy::Linear {
                    percent: random.of_all(&[20.0, 50.0]),
                    bake_minutes: 1,
                },
            },
            hooks: hooks(random),
            alarms: random.of_all(&[alarms, Vec::new()]),
            ..EcsStrategyOptions::default()
        }),
    }
}

/// The pauses of the service's own definition; sometimes with somebody else's pause among them.
fn hooks(random: &mut Random) -> Vec<Value> {
    let own = [
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ];
    let stages: Vec<&str> = match random.below(6) {
        0 => own.to_vec(),
        1 => own.into_iter().filter(|_| random.once_in(2)).collect(),
        2 if random.once_in(3) => vec!["POST_SCALE_UP"],
        _ => Vec::new(),
    };
    let pause = json!({ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": { "timeoutInMinutes": 20, "action": "ROLLBACK" } });
    if stages.is_empty() {
        Vec::new()
    } else {
        vec![pause]
    }
}

fn switches(random: &mut Random) -> Switches {
    let toggle = |random: &mut Random| random.of_all(&[Toggle::On, Toggle::Off]);
    Switches {
        baking: toggle(random),
        ready_expiry: random.of_all(&[
            ReadyExpiry::NoRollback,
            ReadyExpiry::AsStop,
            ReadyExpiry::AsFailure,
        ]),
        orphan_green: random.of_all(&[OrphanGreen::Replaced, OrphanGreen::Blocks]),
        stop_answer: random.of_all(&[StopAnswer::Pending, StopAnswer::Succeeded]),
        late_stop: random.of_all(&[LateStop::Refused, LateStop::Ignored, LateStop::TooLate]),
        rollback_of_nothing: toggle(random),
        rollback_ending: if random.once_in(15) {
            RollbackEnding::Fails
        } else {
            RollbackEnding::Succeeds
        },
        breaker_rollback: random.of_all(&[BreakerRollback::FormerId, BreakerRollback::NewId]),
        pre_production: random.of_all(&[
            PreProduction::Shown,
            PreProduction::FormerStage,
            PreProduction::Absent,
        ]),
        hook_scope: if random.once_in(8) {
            HookScope::NextDeployment
        } else {
            HookScope::ThisDeployment
        },
        hook_details: random.of_all(&[
            HookDetails::Stored,
            HookDetails::Dropped,
            HookDetails::Refused,
        ]),
        concurrent_update: random.of_all(&[
            ConcurrentUpdate::Supersedes,
            ConcurrentUpdate::Queues,
            ConcurrentUpdate::Refused,
        ]),
        alarm_window: random.of_all(&[AlarmWindow::ShiftAndBake, AlarmWindow::BakeOnly]),
        alarm_in_pause: toggle(random),
        stale_hook: random.of_all(&[StaleHook::InvalidParameter, StaleHook::Client]),
        later_pause: random.of_all(&[LaterPause::AfterBake, LaterPause::BeforeBake]),
        current_deployment: random.of_all(&[ShownDeployment::Present, ShownDeployment::Absent]),
        removed_hooks: random.of_all(&[RemovedHooks::SnapshotKeeps, RemovedHooks::Dropped]),
        former_hooks: toggle(random),
        weight_lag_ms: random.of_all(&[0, 0, 60]),
        list_lag_ms: random.of_all(&[0, 0, 80]),
        supersede_lag_ms: random.of_all(&[0, 0, 80]),
        task_list_lag_ms: random.of_all(&[0, 0, 40]),
        run_task_start_ms: random.of_all(&[0, 100, 300]),
        unhealthy_after_ms: 60,
        restart_delay_ms: 20,
        rollback_info_ms: random.of_all(&[20, 150]),
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
        Controller::Ecs(_) => (
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

fn faults(random: &mut Random, controller: &Controller) -> Vec<Fault> {
    let (reads, writes) = operations(controller);
    let count = random.of_all(&[0, 1, 1, 2, 3]);
    (0..count)
        .map(|_| {
            if random.once_in(2) {
                read(random, &reads)
            } else {
                write(random, &writes)
            }
        })
        .collect()
}

fn read(random: &mut Random, reads: &[&str]) -> Fault {
    let kind = match random.below(7) {
        0 => FaultKind::Throttled,
        1 => FaultKind::InternalError,
        2 => FaultKind::Drops,
        3 => FaultKind::Slow(200),
        4 => FaultKind::Denied,
        _ => FaultKind::StaleRead,
    };
    // Stale reads end soon: no promise is made against reads that stay old.
    let times = random.of_all(if kind == FaultKind::StaleRead {
        &[1, 2]
    } else {
        &[1, 1, 2, 4]
    });
    Fault {
        operation: random.of_all(reads).to_owned(),
        nth: 1 + random.below(8),
        times,
        kind,
    }
}

fn write(random: &mut Random, writes: &[&str]) -> Fault {
    let kind = match random.below(6) {
        0 => FaultKind::Throttled,
        1 => FaultKind::InternalError,
        2 => FaultKind::Drops,
        3 => FaultKind::Slow(200),
        _ => FaultKind::LandsThenDrops,
    };
    Fault {
        operation: random.of_all(writes).to_owned(),
        nth: 1 + random.below(3),
        times: random.of_all(&[1, 1, 2]),
        kind,
    }
}

fn interventions(random: &mut Random) -> Vec<(u64, Intervention)> {
    let mut interventions = Vec::new();
    if random.once_in(3) {
        interventions.push(random.of_all(&[
            Intervention::Cancel,
            Intervention::Cancel,
            Intervention::Kill,
        ]));
    }
    if random.once_in(5) {
        interventions.push(Intervention::Alarm);
    }
    if random.once_in(3) {
        interventions.push(random.of_all(&[
            Intervention::Continue,
            Intervention::Reject,
            Intervention::Stop,
            Intervention::Update,
        ]));
    }
    if random.once_in(8) {
        interventions.push(Intervention::Weights);
    }
    let mut interventions: Vec<(u64, Intervention)> = interventions
        .into_iter()
        .map(|intervention| (1 + random.below(EVENTS), intervention))
        .collect();
    interventions.sort_by_key(|(after, _)| *after);
    interventions
}
