//! The input `gates` → [`StartGates`], or every problem it has at once, each with its place and its
//! remedy.

use std::time::Duration;

use crate::document::{Node, read_document};
use crate::environment::Environment;
use crate::form::{FromNode, Lenient, OneOrMore, Spanned};
use crate::problem::Problem;
use crate::reader::{DocumentResources, Fields, Reader};
use crate::template::Variable;
use crate::{document_form, document_schema};

use super::form::{ErrorBudget, GateKind, IncidentSource, StartGates};
use super::windows::Windows;

mod account;
mod history;
mod incidents;
mod times;

use account::{BackupForm, BudgetForm};
use history::{ChecksForm, DeployedInForm};
use incidents::IncidentForm;
use times::WindowsForm;

/// The input that the document belongs to.
const INPUT: &str = "gates";
/// GitHub's limit for a job.
const MAX_WAIT: Duration = Duration::from_hours(6);
/// The keys that are gates; the others say what is done with them.
const GATES: [&str; 9] = [
    "windows",
    "calendar",
    "incidents",
    "slo",
    "backup",
    "checks",
    "deployed-in",
    "alarms-ok",
    "blue-healthy",
];

/// Reads start gates; `origin` is the file as the user wrote it, or `inline`.
pub fn parse(
    text: &str,
    origin: &str,
    environment: Environment<'_>,
) -> Result<StartGates, Vec<Problem>> {
    let resources = DocumentResources {
        environment,
        ..DocumentResources::NONE
    };
    let mut reader = Reader::new(INPUT, origin, resources);
    let root = read_document(text, INPUT, origin)?;
    let form = GatesForm::from_node(&mut reader, &root, "the gates");
    let gates = form.map(|form| form.into_gates(&reader));
    let (mut problems, variables) = reader.finish_with_variables();
    let unknown = [Variable::Digest, Variable::Revision];
    for name in unknown.iter().filter(|unknown| variables.contains(unknown)) {
        let name = name.name().unwrap_or_default();
        problems.push(Problem::new(
            INPUT,
            format!("the gates use `${{{name}}}`, which is not known before the start"),
            "compare with something else",
        ));
    }
    let environment = variables.iter().filter_map(Variable::environment);
    let environment = environment.map(str::to_owned).collect();
    gates
        .filter(|_| problems.is_empty())
        .map(|gates| StartGates {
            environment,
            ..gates
        })
        .ok_or(problems)
}

document_form! {
    /// What must hold before a deployment writes anything.
    #[schemars(rename = "Gates")]
    struct GatesForm: "the gates", check check_any_gate {
        /// How long the run waits for closed gates; it does not wait when absent.
        wait: Lenient<Wait>,
        /// Why closed gates are passed all the same: who did it and why is kept. An empty text
        /// passes none.
        r#override: Lenient<String>,
        /// Gates that count as open when they cannot be read; closed when absent.
        open_if_unreadable: Lenient<OneOrMore<GateKind>>,
        /// When deployments are allowed.
        windows: Lenient<WindowsForm>,
        /// Calendars of AWS Systems Manager Change Calendar, by name or ARN, which must be open.
        calendar: Lenient<OneOrMore<OneLineName>>,
        /// Where no incident may be open.
        incidents: Lenient<OneOrMore<IncidentForm>>,
        /// Error budgets of CloudWatch Application Signals that must not be used up.
        slo: Lenient<OneOrMore<BudgetForm>>,
        /// Backups that must be there and young.
        backup: Lenient<OneOrMore<BackupForm>>,
        /// Whether the commit's checks on GitHub must be green, or which.
        checks: Lenient<ChecksForm>,
        /// Where this very image must run already.
        deployed_in: Lenient<OneOrMore<Spanned<DeployedInForm>>>,
        /// CloudWatch alarms that must be OK.
        alarms_ok: Lenient<OneOrMore<OneLineName>>,
        /// Whether production's smoke tests must pass on what serves now.
        blue_healthy: Lenient<bool>,
    }
}

fn check_any_gate(reader: &mut Reader<'_>, root: &Node, fields: &Fields<'_>, _: &str) {
    if GATES.iter().all(|key| fields.get(key).is_none()) {
        reader.report(
            root.place,
            format!("There is no gate: none of {}", GATES.join(", ")),
            "Write at least one, or leave the input empty",
        );
    }
}

impl GatesForm {
    fn into_gates(self, reader: &Reader<'_>) -> StartGates {
        let reason = self.r#override.0.unwrap_or_default();
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let deployed_in = list(self.deployed_in).into_iter();
        StartGates {
            wait: self.wait.0.map(|wait| wait.0).unwrap_or_default(),
            override_reason: Some(reason).filter(|reason| !reason.is_empty()),
            open_if_unreadable: list(self.open_if_unreadable),
            windows: self.windows.0.map(Windows::from),
            calendars: names(self.calendar),
            incidents: list(self.incidents)
                .into_iter()
                .filter_map(IncidentForm::into_source)
                .map(IncidentSource)
                .collect(),
            budgets: list(self.slo).into_iter().map(ErrorBudget::from).collect(),
            backups: list(self.backup)
                .into_iter()
                .filter_map(BackupForm::into_backup)
                .collect(),
            checks: self.checks.0.and_then(ChecksForm::into_checks),
            deployed_in: deployed_in
                .map(|form| form.value.into_deployment(reader.position(form.place)))
                .collect(),
            alarms: names(self.alarms_ok),
            blue_healthy: self.blue_healthy.0.unwrap_or_default(),
            environment: std::collections::BTreeSet::new(),
        }
    }
}

fn list<T>(field: Lenient<OneOrMore<T>>) -> Vec<T> {
    field.0.map(|items| items.0).unwrap_or_default()
}

fn names(field: Lenient<OneOrMore<OneLineName>>) -> Vec<String> {
    list(field).into_iter().map(|name| name.0).collect()
}

/// A time to wait that a job lasts.
#[derive(Debug, Clone, Copy)]
struct Wait(Duration);

impl FromNode for Wait {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let wait = reader.duration(node, what)?;
        if wait > MAX_WAIT {
            return reader.refuse(
                node.place,
                format!("{what} is longer than 6h, and so than a job lasts"),
                "Write a time such as `15m`",
            );
        }
        Some(Self(wait))
    }
}

document_schema!(Wait as crate::form::WrittenDuration);

/// A name of one line that is not empty.
#[derive(Debug, Clone)]
pub(super) struct OneLineName(pub(super) String);

impl FromNode for OneLineName {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let name = reader.non_empty_text(node, what)?;
        if name.contains(char::is_control) {
            return reader.refuse(
                node.place,
                format!("{what} is no name: it has more than one line"),
                "Write one name for each item of a list",
            );
        }
        Some(Self(name.trim().to_owned()))
    }
}

document_schema!(OneLineName as String);

/// Reports a form that has not exactly one of these keys.
fn check_exactly_one(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    (what, keys): (&str, &[String]),
) {
    if fields.entries_with(keys).len() != 1 {
        reader.report(
            node.place,
            format!("{what} is exactly one of {}", keys.join(", ")),
            "Write an item of the list for each",
        );
    }
}

/// The JSON Schema of the document.
#[cfg(test)]
pub fn schema() -> serde_json::Value {
    crate::form::schema_of::<GatesForm>()
}

#[cfg(test)]
mod tests;
