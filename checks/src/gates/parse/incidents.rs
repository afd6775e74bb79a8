//! How `incidents` is written.

use crate::document::{Content, Node};
use crate::form::{Form as _, FromNode, Lenient, Named, OneOrMore};
use crate::reader::{Fields, Reader};
use crate::smoke::JsonExpectation;
use crate::template::Template;
use crate::web_address::{Texts, WebAddress};
use crate::{document_form, document_schema, document_union, document_words};

use super::super::form::{IncidentQuery, Indicator, OpenConditions, PagerDutyQuery};
use super::{OneLineName, check_exactly_one, names};

/// PagerDuty's API, outside of its service region EU.
const PAGERDUTY: &str = "https://api.pagerduty.com";

document_form! {
    /// Where no incident may be open: one of pagerduty, statuspage and http.
    #[schemars(rename = "Incidents", extend("minProperties" = 1, "maxProperties" = 1))]
    pub(super) struct IncidentForm: "an item of `incidents`", check check_one_source {
        pagerduty: Option<PagerDutyForm>,
        statuspage: Option<StatuspageForm>,
        http: Option<HttpForm>,
    }
}

fn check_one_source(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    check_exactly_one(reader, node, fields, (what, &IncidentForm::keys()));
}

document_form! {
    /// Open incidents of PagerDuty.
    #[schemars(rename = "PagerDuty")]
    pub(super) struct PagerDutyForm {
        /// A token of its REST API; a read-only one is enough.
        #[required("Write `token: \"${env.PAGERDUTY_TOKEN}\"`, and set the variable from a secret")]
        token: Template,
        /// Ids of the services that count; all of them when absent.
        services: Option<OneOrMore<OneLineName>>,
        /// Whether only incidents of high urgency count; all of them when absent.
        urgency: Option<Urgency>,
        /// The API, where it is not the one of the United States.
        url: Option<FixedAddress>,
    }
}

/// Which incidents count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    High,
    Any,
}

document_words!(Urgency: URGENCIES);

const URGENCIES: &[(&str, Urgency)] = &[("high", Urgency::High), ("any", Urgency::Any)];

document_union! {
    /// A page of Atlassian Statuspage: its URL.
    #[schemars(rename = "Statuspage")]
    pub(super) enum StatuspageForm {
        Detailed(StatuspageDetails),
        Url(FixedAddress),
    }
}

document_form! {
    #[schemars(rename = "StatuspageDetails")]
    pub(super) struct StatuspageDetails: "`statuspage`" {
        /// The page, such as `https://status.example.com`.
        #[required("Write `url:` with the page's address")]
        url: FixedAddress,
        /// The worst indicator that leaves the gate open; none when absent.
        at_most: Option<Indicator>,
    }
}

document_form! {
    /// Any answer in JSON.
    #[schemars(rename = "JsonSource")]
    pub(super) struct HttpForm: "`http`" {
        /// How the gate is called in the log; the host when absent.
        name: Option<OneLineName>,
        #[required("Write `url:` with the address that answers in JSON")]
        url: WebAddress,
        /// Headers that are sent.
        headers: Option<Texts>,
        /// What the answer must be, as the expectation `json` of smoke tests has it.
        #[required("Write `open-when: { $.incidents: { length: 0 } }`, say")]
        open_when: IncidentConditions,
    }
}

/// IncidentConditions on an answer, one at least.
#[derive(Debug, Clone)]
pub(super) struct IncidentConditions(pub(super) Vec<JsonExpectation>);

impl FromNode for IncidentConditions {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if matches!(&node.content, Content::Mapping(entries) if entries.is_empty()) {
            return reader.refuse(
                node.place,
                format!("{what} has no condition"),
                "Write at least one, such as `$.open: 0`",
            );
        }
        Named::from_node(reader, node, what).map(|named| Self(named.0))
    }
}

document_schema!(IncidentConditions as Named<JsonExpectation>);

/// An http or https URL without variables.
#[derive(Debug, Clone)]
pub(super) struct FixedAddress(pub(super) String);

impl FromNode for FixedAddress {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let written = reader.text(node, what)?;
        if written.contains("${") {
            return reader.refuse(
                node.place,
                format!("{what} is an address without variables"),
                "Write it whole",
            );
        }
        WebAddress::from_node(reader, node, what)?;
        Some(Self(written.trim_end_matches('/').to_owned()))
    }
}

document_schema!(FixedAddress as String);

impl IncidentForm {
    pub(super) fn into_source(self) -> Option<IncidentQuery> {
        if let Some(form) = self.pagerduty {
            return Some(IncidentQuery::PagerDuty(PagerDutyQuery {
                url: form.url.map_or(PAGERDUTY.to_owned(), |url| url.0),
                token: form.token,
                services: names(Lenient(form.services)),
                urgency: (form.urgency == Some(Urgency::High)).then_some("high"),
            }));
        }
        if let Some(form) = self.statuspage {
            let (url, at_most) = match form {
                StatuspageForm::Url(url) => (url, None),
                StatuspageForm::Detailed(details) => (details.url, details.at_most),
            };
            return Some(IncidentQuery::Statuspage {
                url: url.0,
                at_most: at_most.unwrap_or(Indicator::None),
            });
        }
        let form = self.http?;
        Some(IncidentQuery::Http {
            name: form.name.map_or_else(|| form.url.host(), |name| name.0),
            url: form.url.url,
            headers: form.headers.map(|headers| headers.0).unwrap_or_default(),
            open_when: OpenConditions(form.open_when.0),
        })
    }
}
