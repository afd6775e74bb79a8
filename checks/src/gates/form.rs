//! The start gates as they were read.
//!
//! They hold no secrets: only the names of the environment variables that are sent.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::document_words;
use crate::problem::Position;
use crate::smoke::JsonExpectation;
use crate::template::Template;

use super::windows::Windows;

/// Start gates that were read without a problem.
#[derive(Debug, Clone)]
pub struct StartGates {
    /// How long a run waits for closed gates.
    pub wait: Duration,
    /// Why closed gates are passed all the same.
    pub override_reason: Option<String>,
    /// The gates that count as open when they cannot be read.
    pub open_if_unreadable: Vec<GateKind>,
    /// When deployments are allowed.
    pub windows: Option<Windows>,
    /// Calendars of AWS Systems Manager, by name or ARN.
    pub calendars: Vec<String>,
    /// Where incidents are looked for.
    pub incidents: Vec<IncidentSource>,
    /// Error budgets.
    pub budgets: Vec<ErrorBudget>,
    /// Backups.
    pub backups: Vec<Backup>,
    /// The commit's checks.
    pub checks: Option<CommitChecks>,
    /// Where the image must have been deployed before.
    pub deployed_in: Vec<TestedDeployment>,
    /// Alarms, by name.
    pub alarms: Vec<String>,
    /// Whether production's smoke tests must pass on blue.
    pub blue_healthy: bool,
    pub(super) environment: BTreeSet<String>,
}

impl StartGates {
    /// The environment variables that the document uses.
    pub fn required_env(&self) -> impl Iterator<Item = &str> {
        self.environment.iter().map(String::as_str)
    }
}

/// What a gate is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateKind {
    /// Hours and freezes.
    Windows,
    /// A calendar of AWS Systems Manager.
    Calendar,
    /// Incidents elsewhere.
    Incidents,
    /// An error budget.
    Slo,
    /// A backup.
    Backup,
    /// The commit's checks.
    Checks,
    /// Another environment.
    DeployedIn,
    /// Alarms.
    AlarmsOk,
    /// Blue's smoke tests.
    BlueHealthy,
}

impl GateKind {
    /// The gates that can be unreadable, by their keys.
    pub(super) const READ: &[(&'static str, Self)] = &[
        ("calendar", Self::Calendar),
        ("incidents", Self::Incidents),
        ("slo", Self::Slo),
        ("backup", Self::Backup),
        ("checks", Self::Checks),
        ("deployed-in", Self::DeployedIn),
        ("alarms-ok", Self::AlarmsOk),
        ("blue-healthy", Self::BlueHealthy),
    ];
}

document_words!(GateKind: GateKind::READ);

impl fmt::Display for GateKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::READ.iter().find(|(_, kind)| kind == self);
        out.write_str(named.map_or("windows", |(key, _)| key))
    }
}

/// Where incidents are looked for.
#[derive(Debug, Clone)]
pub struct IncidentSource(pub(super) IncidentQuery);

/// What is asked about incidents.
#[derive(Debug, Clone)]
pub(super) enum IncidentQuery {
    /// PagerDuty's open incidents.
    PagerDuty(PagerDutyQuery),
    /// A page of Atlassian Statuspage.
    Statuspage {
        /// The page's URL.
        url: String,
        /// The worst indicator that leaves the gate open.
        at_most: Indicator,
    },
    /// Any answer in JSON.
    Http {
        /// How people call it.
        name: String,
        /// Its URL.
        url: Template,
        /// Headers that are sent.
        headers: Vec<(String, Template)>,
        /// What the answer must be.
        open_when: OpenConditions,
    },
}

/// Which incidents PagerDuty is asked for.
#[derive(Debug, Clone)]
pub(super) struct PagerDutyQuery {
    /// The API's base URL.
    pub(super) url: String,
    /// The API token.
    pub(super) token: Template,
    /// Ids of services; of all services when empty.
    pub(super) services: Vec<String>,
    /// Which urgency; any when none.
    pub(super) urgency: Option<&'static str>,
}

/// What an answer in JSON must be for its gate to be open.
#[derive(Debug, Clone)]
pub(super) struct OpenConditions(pub(super) Vec<JsonExpectation>);

/// How bad Statuspage says that things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Indicator {
    /// All systems work.
    None,
    /// A minor incident.
    Minor,
    /// A major outage.
    Major,
    /// A critical outage.
    Critical,
}

impl Indicator {
    /// The indicators by Statuspage's words.
    pub(super) const WORDS: &[(&'static str, Self)] = &[
        ("none", Self::None),
        ("minor", Self::Minor),
        ("major", Self::Major),
        ("critical", Self::Critical),
    ];
}

document_words!(Indicator: Indicator::WORDS);

impl IncidentSource {
    /// How people call it.
    pub fn name(&self) -> &str {
        match &self.0 {
            IncidentQuery::PagerDuty(_) => "PagerDuty",
            IncidentQuery::Statuspage { url, .. } => url.split("://").last().unwrap_or(url),
            IncidentQuery::Http { name, .. } => name,
        }
    }
}

/// An error budget of Application Signals.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorBudget {
    /// The objective's name or ARN.
    pub objective: String,
    /// How much of the budget must be left, in percent; none: it must not be used up.
    pub remaining_percent: Option<f64>,
}

/// A backup that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What is backed up.
    pub source: BackupSource,
    /// How old the newest one may be.
    pub younger_than: Duration,
}

/// What is backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupSource {
    /// An instance of RDS: snapshots.
    Instance(String),
    /// A cluster of Aurora, or a Multi-AZ cluster of RDS: snapshots.
    Cluster(String),
    /// A resource by its ARN: recovery points of AWS Backup.
    Resource(String),
}

impl fmt::Display for BackupSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => write!(out, "rds {name}"),
            Self::Cluster(name) => write!(out, "aurora {name}"),
            Self::Resource(arn) => out.write_str(arn),
        }
    }
}

/// Which checks of the commit count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitChecks {
    /// Those that must be there and be green; all that are there when empty.
    pub required: Vec<String>,
    /// Those that do not count.
    pub ignored: Vec<String>,
}

/// A service in which the image must run already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestedDeployment {
    /// The environment of the input `config`, and how people call it.
    pub environment: Option<String>,
    /// The cluster, where the gate names it.
    pub cluster: Option<String>,
    /// The service, where the gate names it.
    pub service: Option<String>,
    /// For how long at least.
    pub stayed_for: Duration,
    /// Where the gate is in its document.
    pub at: Position,
}
