//! CodeDeploy's groups and deployments, as far as decisions need them.

use crate::identity::{
    ApplicationName, ClusterName, DeploymentGroupName, DeploymentId, ServiceName,
};

/// A deployment group as far as a deployment needs it.
#[derive(Debug, Clone, Default)]
pub struct DeploymentGroup {
    /// `cluster/service` pairs it deploys to.
    pub services: Vec<(ClusterName, ServiceName)>,
    /// Whether it waits at `Ready`, and for how many minutes before it stops.
    pub ready_wait: ReadyWait,
    /// Minutes blue is kept after the shift.
    pub termination_minutes: i32,
    /// Names of the two target groups.
    pub target_groups: Vec<String>,
    /// ARNs of the production listeners.
    pub production_listeners: Vec<String>,
    /// ARNs of the test listeners.
    pub test_listeners: Vec<String>,
    /// The name of the deployment configuration that applies unless a deployment names another.
    pub config: Option<String>,
    /// Alarms that stop a deployment.
    pub alarms: Vec<String>,
    /// Events that the group itself rolls back on.
    pub rollback_events: Vec<String>,
    /// The role by which CodeDeploy acts.
    pub service_role: Option<String>,
}

/// A deployment configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeDeployConfig {
    /// How it shifts traffic to green.
    pub routing: Routing,
    /// The compute platform in AWS's spelling: `ECS`, `Lambda`, `Server`.
    pub platform: String,
}

impl CodeDeployConfig {
    /// Whether it is for deployments of ECS.
    pub fn is_for_ecs(&self) -> bool {
        self.platform == "ECS"
    }
}

/// What the group does when green is ready.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadyWait {
    /// It shifts traffic at once.
    #[default]
    Continue,
    /// It waits for ContinueDeployment this long, then stops.
    Minutes(i32),
}

/// How a deployment configuration shifts traffic to green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// All traffic at once.
    AllAtOnce,
    /// One share first, and the rest after so many minutes.
    Canary {
        /// The first share, in percent.
        percent: u32,
        /// The time before the rest, in minutes.
        minutes: u32,
    },
    /// Equal shares, so many minutes apart.
    Linear {
        /// One share, in percent.
        percent: u32,
        /// The time between two shares, in minutes.
        minutes: u32,
    },
}

impl Routing {
    /// Minutes that the shift takes; 0 when all traffic shifts at once.
    pub fn shift_minutes(self) -> i64 {
        match self {
            Self::AllAtOnce => 0,
            Self::Canary { minutes, .. } => i64::from(minutes),
            Self::Linear { percent, minutes } => {
                i64::from(100 / percent.max(1)) * i64::from(minutes)
            }
        }
    }

    /// Green's shares before it has everything, in percent, each with its minutes.
    pub fn traffic_steps(self) -> Vec<(u32, u32)> {
        match self {
            Self::AllAtOnce => Vec::new(),
            Self::Canary { percent, minutes } => vec![(percent, minutes)],
            Self::Linear { percent, minutes } => (1..100)
                .map(|step| step * percent.max(1))
                .take_while(|share| *share < 100)
                .map(|share| (share, minutes))
                .collect(),
        }
    }
}

/// The status of a deployment, reduced to what decisions need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeDeployStatus {
    /// Created, Queued, InProgress, Baking, or a status that is newer than this action.
    InProgress,
    /// Green is installed; CodeDeploy waits.
    Ready,
    /// It ended with success.
    Succeeded,
    /// It ended with a failure.
    Failed,
    /// Stopped, by a person, an alarm or a timeout.
    Stopped,
}

/// A deployment as GetDeployment shows it.
#[derive(Debug, Clone)]
pub struct CodeDeployDeployment {
    /// The status as decisions need it.
    pub status: CodeDeployStatus,
    /// The status in AWS's spelling.
    pub raw_status: String,
    /// The description it was created with; a deployment of ours carries the run id in it.
    pub description: String,
    /// The application's name.
    pub application: ApplicationName,
    /// The deployment group's name.
    pub group: DeploymentGroupName,
    /// Whether traffic has shifted and blue's remaining time has started.
    pub termination_wait_started: bool,
    /// AWS's code and message, when it failed.
    pub error: Option<(String, String)>,
    /// The deployment that rolls this one back.
    pub rollback_deployment: Option<DeploymentId>,
    /// What created it: `user`, `codeDeployRollback`, `autoscaling` and others.
    pub creator: String,
    /// When it was created, as a text.
    pub created: String,
    /// When it was created, in seconds since 1970.
    pub created_seconds: f64,
    /// The AppSpec it was created with.
    pub content: Option<String>,
    /// The deployment that this one rolls back, when it is a rollback.
    pub rolled_back_deployment: Option<DeploymentId>,
}

/// A deployment's target: the events so far and the task sets.
#[derive(Debug, Clone, Default)]
pub struct CodeDeployTarget {
    /// Lifecycle events with their status and diagnostics, in order.
    pub events: Vec<LifecycleEvent>,
    /// The task sets.
    pub sets: Vec<DeploymentTaskSet>,
}

/// A lifecycle event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleEvent {
    /// The event's name, such as `AllowTraffic`.
    pub name: String,
    /// Pending, InProgress, Succeeded, Failed, Skipped, Unknown.
    pub status: String,
    /// What went wrong in it, in AWS's words.
    pub diagnostics: Option<String>,
}

/// A task set in a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentTaskSet {
    /// Blue or green.
    pub is_green: bool,
    /// Percent of production traffic.
    pub weight: f64,
    /// The number of running tasks.
    pub running: i64,
    /// The number of tasks that it should have.
    pub desired: i64,
    /// PRIMARY, ACTIVE, DRAINING.
    pub status: String,
    /// The target group's name.
    pub target_group: Option<String>,
}

impl CodeDeployTarget {
    /// The status of a lifecycle event; none when it has not begun.
    pub fn event_status(&self, name: &str) -> Option<&str> {
        self.events
            .iter()
            .find(|event| event.name == name)
            .map(|event| event.status.as_str())
    }

    /// The event in progress, or the last one that ended.
    pub fn current_event(&self) -> Option<&LifecycleEvent> {
        let in_progress = self
            .events
            .iter()
            .find(|event| event.status == "InProgress");
        in_progress.or_else(|| {
            self.events
                .iter()
                .rev()
                .find(|event| !matches!(event.status.as_str(), "Pending" | "Unknown"))
        })
    }

    /// The event that failed.
    pub fn failed_event(&self) -> Option<&LifecycleEvent> {
        self.events.iter().find(|event| event.status == "Failed")
    }
}
