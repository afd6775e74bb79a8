//! `auth`: a bearer token, a user with a password, or a key in a header.

use crate::document::Node;
use crate::reader::Reader;
use crate::smoke::form::Credential;
use crate::smoke::parse::keys::{API_KEY_KEYS, AUTH_KEYS, BASIC_KEYS};
use crate::template::Values;

use super::named_header;

const REMEDY: &str =
    "Write one of `bearer: token`, `basic: { user, password }` and `api-key: { header, value }`";

pub(super) fn credential(reader: &mut Reader<'_>, node: &Node) -> Option<Credential> {
    let fields = reader.fields(node, "`auth`", AUTH_KEYS)?;
    let entries = fields.among(AUTH_KEYS);
    let [entry] = entries.as_slice() else {
        let message = if entries.is_empty() {
            "`auth` says nothing"
        } else {
            "`auth` has two credentials"
        };
        reader.report(node.place, message, REMEDY);
        return None;
    };
    match entry.key.as_str() {
        "basic" => basic(reader, &entry.value),
        "api-key" => api_key(reader, &entry.value),
        _ => reader
            .template(&entry.value, "`bearer`")
            .map(Credential::Bearer),
    }
}

fn basic(reader: &mut Reader<'_>, node: &Node) -> Option<Credential> {
    let [user, password] = both(reader, node, "`basic`", [BASIC_KEYS[0], BASIC_KEYS[1]])?;
    let (user_place, user, password) = (
        user.place,
        reader.template(user, "`user`"),
        reader.template(password, "`password`"),
    );
    if user
        .as_ref()
        .is_some_and(|user| user.render(&Values::default()).contains(':'))
    {
        reader.report(
            user_place,
            "`user` has a `:`",
            "The password begins behind the first `:`, so no user can have one",
        );
    }
    Some(Credential::Basic {
        user: user?,
        password: password?,
    })
}

fn api_key(reader: &mut Reader<'_>, node: &Node) -> Option<Credential> {
    let [header, value] = both(
        reader,
        node,
        "`api-key`",
        [API_KEY_KEYS[0], API_KEY_KEYS[1]],
    )?;
    let name = reader
        .text(header, "`header`")
        .and_then(|name| named_header(reader, header.place, &name));
    let value = reader.template(value, "`value`");
    Some(Credential::ApiKey {
        header: name?,
        value: value?,
    })
}

/// The two values of a mapping that needs both.
fn both<'n>(
    reader: &mut Reader<'_>,
    node: &'n Node,
    what: &str,
    keys: [&str; 2],
) -> Option<[&'n Node; 2]> {
    let fields = reader.fields(node, what, &keys)?;
    let found = keys.map(|key| fields.get(key));
    for (key, _) in keys.iter().zip(found).filter(|(_, node)| node.is_none()) {
        reader.report(node.place, format!("{what} has no `{key}`"), REMEDY);
    }
    let [first, second] = found;
    Some([first?, second?])
}
