//! How `checks` and `deployed-in` are written: what has happened to this version before.

use crate::document::Node;
use crate::form::{Lenient, OneOrMore, WrittenDuration};
use crate::problem::Position;
use crate::reader::{Fields, Reader};
use crate::{document_form, document_union};

use super::super::form::{CommitChecks, TestedDeployment};
use super::{OneLineName, names};

document_union! {
    /// Whether the commit's checks count, or which of them.
    #[schemars(rename = "Checks")]
    pub(super) enum ChecksForm {
        All(bool),
        Some(ChecksDetails),
    }
}

document_form! {
    #[schemars(rename = "ChecksDetails")]
    pub(super) struct ChecksDetails: "`checks`" {
        /// Those that must be there and be green; all that are there when absent.
        required: Option<OneOrMore<OneLineName>>,
        /// Those that do not count.
        ignore: Option<OneOrMore<OneLineName>>,
    }
}

impl ChecksForm {
    pub(super) fn into_checks(self) -> Option<CommitChecks> {
        match self {
            Self::All(count) => count.then(CommitChecks::default),
            Self::Some(details) => Some(CommitChecks {
                required: names(Lenient(details.required)),
                ignored: names(Lenient(details.ignore)),
            }),
        }
    }
}

document_form! {
    /// Where this very image must run already.
    #[schemars(rename = "DeployedIn")]
    pub(super) struct DeployedInForm: "an item of `deployed-in`", check check_place_named {
        /// The environment of the input `config` that has cluster and service; and its name in the
        /// log.
        environment: Option<OneLineName>,
        /// The cluster; the environment's when absent.
        cluster: Option<OneLineName>,
        /// The service; the environment's when absent.
        service: Option<OneLineName>,
        /// For how long at least.
        r#for: Option<WrittenDuration>,
    }
}

fn check_place_named(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    if fields.get("environment").is_none() && fields.get("service").is_none() {
        reader.report(
            node.place,
            format!("{what} names neither an environment nor a service"),
            "Write `environment:` with one of the input config, or `cluster:` and `service:`",
        );
    }
}

impl DeployedInForm {
    pub(super) fn into_deployment(self, at: Position) -> TestedDeployment {
        TestedDeployment {
            environment: self.environment.map(|name| name.0),
            cluster: self.cluster.map(|name| name.0),
            service: self.service.map(|name| name.0),
            stayed_for: self.r#for.map(|least| least.0).unwrap_or_default(),
            at,
        }
    }
}
