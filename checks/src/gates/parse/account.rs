//! How `slo` and `backup` are written.

use crate::document::Node;
use crate::form::{FromNode, WrittenDuration};
use crate::reader::{Fields, Reader};
use crate::{document_form, document_schema, document_union};

use super::super::form::{Backup, BackupSource, ErrorBudget};
use super::{OneLineName, check_exactly_one};

document_union! {
    /// A service level objective: its name or ARN.
    #[schemars(rename = "Slo")]
    pub(super) enum BudgetForm {
        Detailed(BudgetDetails),
        Name(OneLineName),
    }
}

document_form! {
    #[schemars(rename = "SloDetails")]
    pub(super) struct BudgetDetails: "an item of `slo`" {
        /// Its name or ARN.
        #[required("Write `name:` with the objective's name or ARN")]
        name: OneLineName,
        /// How much of the error budget must be left, such as `20 %`.
        remaining: Option<BudgetShare>,
    }
}

impl From<BudgetForm> for ErrorBudget {
    fn from(form: BudgetForm) -> Self {
        let (name, remaining) = match form {
            BudgetForm::Name(name) => (name, None),
            BudgetForm::Detailed(details) => (details.name, details.remaining),
        };
        Self {
            objective: name.0,
            remaining_percent: remaining.map(|percent| percent.0),
        }
    }
}

/// A share: `20 %`.
#[derive(Debug, Clone, Copy)]
pub(super) struct BudgetShare(pub(super) f64);

impl FromNode for BudgetShare {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let number = text.trim().strip_suffix('%').map(str::trim);
        match number.and_then(|number| number.parse::<f64>().ok()) {
            Some(percent) if (0.0..=100.0).contains(&percent) => Some(Self(percent)),
            Some(_) | None => reader.refuse(
                node.place,
                format!("{what}: `{text}` is not a share between 0 % and 100 %"),
                "Write a number and `%`, such as `20 %`",
            ),
        }
    }
}

document_schema!(BudgetShare as String);

document_form! {
    /// A backup that must be there: of one of rds, aurora and resource.
    #[schemars(rename = "Backup", extend("oneOf" = [{ "required": ["rds"] }, { "required": ["aurora"] }, { "required": ["resource"] }]))]
    pub(super) struct BackupForm: "an item of `backup`", check check_one_backup {
        /// An instance of RDS: a snapshot of it.
        rds: Option<OneLineName>,
        /// A cluster of Aurora: a snapshot of it.
        aurora: Option<OneLineName>,
        /// The ARN of a resource: a recovery point of AWS Backup.
        resource: Option<ResourceArn>,
        #[required("Write `younger-than: 24h`, say")]
        younger_than: WrittenDuration,
    }
}

fn check_one_backup(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    let keys = ["rds", "aurora", "resource"].map(str::to_owned);
    check_exactly_one(reader, node, fields, (what, &keys));
}

/// An ARN.
#[derive(Debug, Clone)]
pub(super) struct ResourceArn(pub(super) String);

impl FromNode for ResourceArn {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let OneLineName(arn) = OneLineName::from_node(reader, node, what)?;
        if arn.starts_with("arn:") && arn.matches(':').count() >= 5 {
            return Some(Self(arn));
        }
        reader.refuse(
            node.place,
            format!("{what}: `{arn}` is no ARN"),
            "Write the ARN of the resource that AWS Backup protects",
        )
    }
}

document_schema!(ResourceArn as String);

impl BackupForm {
    pub(super) fn into_backup(self) -> Option<Backup> {
        let instance = self.rds.map(|name| BackupSource::Instance(name.0));
        let cluster = self.aurora.map(|name| BackupSource::Cluster(name.0));
        let resource = self.resource.map(|arn| BackupSource::Resource(arn.0));
        Some(Backup {
            source: instance.or(cluster).or(resource)?,
            younger_than: self.younger_than.0,
        })
    }
}
