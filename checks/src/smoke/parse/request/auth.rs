//! `auth`: a bearer token, a user with a password, or a key in a header.

use crate::document::Node;
use crate::document_form;
use crate::reader::{Fields, Reader};
use crate::smoke::form::Credential;
use crate::template::{Template, Values};

use super::SentHeaderName;

const REMEDY: &str =
    "Write one of `bearer: token`, `basic: { user, password }` and `api-key: { header, value }`";

document_form! {
    /// The credential for the tested service; never sent to another origin.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    pub(in crate::smoke::parse) struct Auth, check check_one_credential {
        /// The token of `Authorization: Bearer`.
        bearer: Option<Template>,
        /// User and password of `Authorization: Basic`.
        basic: Option<Basic>,
        /// A key in a header.
        api_key: Option<ApiKey>,
    }
}

document_form! {
    pub(in crate::smoke::parse) struct Basic, check check_user {
        #[required("Write both: `basic: { user: …, password: … }`")]
        user: Template,
        #[required("Write both: `basic: { user: …, password: … }`")]
        password: Template,
    }
}

document_form! {
    pub(in crate::smoke::parse) struct ApiKey {
        #[required("Write both: `api-key: { header: …, value: … }`")]
        header: SentHeaderName,
        #[required("Write both: `api-key: { header: …, value: … }`")]
        value: Template,
    }
}

fn check_one_credential(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    match fields.entries_with(&["bearer", "basic", "api-key"]).len() {
        1 => {}
        0 => reader.report(node.place, format!("{what} says nothing"), REMEDY),
        _ => reader.report(node.place, format!("{what} has two credentials"), REMEDY),
    }
}

fn check_user(reader: &mut Reader<'_>, _: &Node, fields: &Fields<'_>, _: &str) {
    let Some(user) = fields.get("user") else {
        return;
    };
    let written = match &user.content {
        crate::document::Content::Text(text) => Template::parse(text).ok(),
        _ => None,
    };
    if written.is_some_and(|user| user.render(&Values::default()).contains(':')) {
        reader.report(
            user.place,
            "`user` has a `:`",
            "The password begins behind the first `:`, so no user can have one",
        );
    }
}

impl Auth {
    pub(in crate::smoke::parse) fn to_credential(&self) -> Option<Credential> {
        let basic = || {
            let Basic { user, password } = self.basic.clone()?;
            Some(Credential::Basic { user, password })
        };
        let api_key = || {
            let ApiKey { header, value } = self.api_key.clone()?;
            Some(Credential::ApiKey {
                header: header.0,
                value,
            })
        };
        let bearer = self.bearer.clone().map(Credential::Bearer);
        bearer.or_else(basic).or_else(api_key)
    }
}
