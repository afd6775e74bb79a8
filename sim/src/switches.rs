//! The points where AWS's behaviour is unsure or varies, each a switch, and the stage's own timings
//! in real milliseconds.

mod ecs;

pub use ecs::{
    AlarmWindow, BareHook, ConcurrentUpdate, HookDetails, HookScope, LaterPause, PreProduction,
    RemovedHooks, ShownDeployment, StaleHook, StopAbort,
};

use serde::{Deserialize, Serialize};

/// Where AWS's documentation leaves a choice, the stage takes this one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Fields of a task definition that the ECS model does not know come back in answers. AWS
    /// itself drops them.
    pub keep_unknown_fields: bool,
    /// What becomes of the members that a `SuspendedState` leaves out.
    pub suspension: SuspensionUpdate,
    /// `Baking` shows as the status during the termination wait, where `InProgress` is known to.
    pub baking: Toggle,
    /// Which auto-rollback event an expired ready wait counts as.
    pub ready_expiry: ReadyExpiry,
    /// What happens to a green task set that a failed deployment left.
    pub orphan_green: OrphanGreen,
    /// What `StopDeployment` answers first.
    pub stop_answer: StopAnswer,
    /// What `StopDeployment` does while blue is being terminated.
    pub late_stop: LateStop,
    /// Whether a stop before anything was made gets a rollback deployment.
    pub rollback_of_nothing: Toggle,
    /// How a rollback deployment ends.
    pub rollback_ending: RollbackEnding,
    /// The identity of the deployment that an ECS circuit breaker goes back to.
    pub breaker_rollback: BreakerRollback,
    /// Whether `lifecycleStage` ever says `PRE_PRODUCTION_TRAFFIC_SHIFT`.
    pub pre_production: PreProduction,
    /// Which deployment the hooks of an `UpdateService` govern.
    pub hook_scope: HookScope,
    /// What becomes of `hookDetails` on a PAUSE hook.
    pub hook_details: HookDetails,
    /// What becomes of a hook that names neither a target type nor a target.
    pub bare_hook: BareHook,
    /// Whether ECS refuses a deployment while not exactly one target group serves.
    pub preflight: Toggle,
    /// What an `UpdateService` does to a deployment that shifts traffic or is paused.
    pub concurrent_update: ConcurrentUpdate,
    /// When ECS watches the alarms of a deployment that shifts traffic.
    pub alarm_window: AlarmWindow,
    /// Whether an alarm acts while the deployment is paused.
    pub alarm_in_pause: Toggle,
    /// How `ContinueServiceDeployment` refuses a hook that no longer waits.
    pub stale_hook: StaleHook,
    /// Whether the pause before a later step comes before or after the former step's bake.
    pub later_pause: LaterPause,
    /// Whether `UpdateService` answers with `currentServiceDeployment`.
    pub current_deployment: ShownDeployment,
    /// What becomes of hooks that are removed from the service during a rollout.
    pub removed_hooks: RemovedHooks,
    /// Which state of the service `UpdateService` answers with.
    pub update_answer: UpdateAnswer,
    /// Whose health checks find a task unhealthy.
    pub health_checks: HealthChecks,
    /// What `StopServiceDeployment` does when asked to `ABORT`.
    pub stop_abort: StopAbort,
    /// Whether the hooks of former stages stay in `lifecycleHookDetails`.
    pub former_hooks: Toggle,
    /// Whether `FilterLogEvents` begins with a page without events and a token, as AWS does when it
    /// has not searched everything yet.
    pub empty_log_page: Toggle,
    /// How long after a line was written GetLogEvents shows it.
    pub log_lag_ms: u64,
    /// How long `requestedTestTrafficWeight` and `requestedProductionTrafficWeight` lag behind.
    pub weight_lag_ms: u64,
    /// How long until a new deployment appears in `ListServiceDeployments`.
    pub list_lag_ms: u64,
    /// How long until a task that `RunTask` started appears in `ListTasks`.
    pub task_list_lag_ms: u64,
    /// How long such a task is `PROVISIONING` before its containers are started.
    pub run_task_start_ms: u64,
    /// How long a deployment that a newer one has stopped still shows the status it had.
    pub supersede_lag_ms: u64,
    /// A minute of a hook's time-out; the clock's `ready_minute_ms` when absent, and of no effect
    /// under a scaled clock.
    pub hook_minute_ms: Option<u64>,
    /// How long until a stopped deployment's `rollbackInfo` and its rollback deployment appear.
    pub rollback_info_ms: u64,
    /// How long green's tasks may take to be healthy; AWS's hour by the clock when absent (8 s when
    /// observed).
    pub install_timeout_ms: Option<u64>,
    /// How long a task may fail its health checks before the service replaces it.
    pub unhealthy_after_ms: u64,
    /// The pause before a failed task is replaced.
    pub restart_delay_ms: u64,
    /// The time between leaving the target group and SIGTERM.
    pub deregistration_ms: u64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            keep_unknown_fields: true,
            suspension: SuspensionUpdate::Replaced,
            baking: Toggle::Off,
            ready_expiry: ReadyExpiry::NoRollback,
            orphan_green: OrphanGreen::Replaced,
            stop_answer: StopAnswer::Pending,
            late_stop: LateStop::Refused,
            rollback_of_nothing: Toggle::Off,
            rollback_ending: RollbackEnding::Succeeds,
            breaker_rollback: BreakerRollback::FormerId,
            pre_production: PreProduction::Shown,
            hook_scope: HookScope::ThisDeployment,
            hook_details: HookDetails::Stored,
            bare_hook: BareHook::Refused,
            preflight: Toggle::Off,
            concurrent_update: ConcurrentUpdate::Supersedes,
            alarm_window: AlarmWindow::ShiftAndBake,
            alarm_in_pause: Toggle::On,
            stale_hook: StaleHook::InvalidParameter,
            later_pause: LaterPause::AfterBake,
            current_deployment: ShownDeployment::Present,
            removed_hooks: RemovedHooks::SnapshotKeeps,
            update_answer: UpdateAnswer::After,
            health_checks: HealthChecks::LoadBalancer,
            stop_abort: StopAbort::Refused,
            former_hooks: Toggle::On,
            empty_log_page: Toggle::Off,
            log_lag_ms: 0,
            weight_lag_ms: 0,
            list_lag_ms: 0,
            task_list_lag_ms: 0,
            run_task_start_ms: 0,
            supersede_lag_ms: 0,
            hook_minute_ms: None,
            rollback_info_ms: 150,
            install_timeout_ms: None,
            unhealthy_after_ms: 1500,
            restart_delay_ms: 200,
            deregistration_ms: 300,
        }
    }
}

/// What becomes of the members that a `SuspendedState` leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionUpdate {
    /// They are false, their default.
    Replaced,
    /// They stay as they were.
    Merged,
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Toggle {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// Which state of the service `UpdateService` answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateAnswer {
    /// The one that it leads to.
    After,
    /// The one before: the new deployment is only shown by later reads.
    Before,
}

/// Whose health checks find a task unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthChecks {
    /// The load balancer's.
    LoadBalancer,
    /// The task definition's own.
    Containers,
}

/// Which auto-rollback event an expired ready wait counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyExpiry {
    /// None: green stays.
    NoRollback,
    /// `DEPLOYMENT_STOP_ON_REQUEST`.
    AsStop,
    /// `DEPLOYMENT_FAILURE`.
    AsFailure,
}

/// What happens to a green task set that an ended deployment left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrphanGreen {
    /// The next deployment replaces it.
    Replaced,
    /// It makes the next deployment fail.
    Blocks,
}

/// What `StopDeployment` answers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopAnswer {
    /// `Pending`.
    Pending,
    /// `Succeeded`.
    Succeeded,
}

/// What `StopDeployment` does while blue is being terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateStop {
    /// `DeploymentAlreadyCompletedException`.
    Refused,
    /// It answers `Pending`, and the deployment succeeds all the same.
    Ignored,
    /// The same, and until then ECS shows `ROLLBACK_REQUESTED`.
    TooLate,
}

/// How a rollback deployment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackEnding {
    /// Production is back on blue.
    Succeeds,
    /// It fails before it has moved anything.
    Fails,
}

/// The identity of the deployment that an ECS circuit breaker goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerRollback {
    /// The last completed deployment becomes PRIMARY again.
    FormerId,
    /// A new deployment of its revision starts.
    NewId,
}
