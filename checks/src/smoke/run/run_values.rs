//! What every run of a suite adds to the values: `${base}`, `${run}`, `${now}` and the document's
//! own variables.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::smoke::form::Suite;
use crate::template::Values;

/// The values of one run, the same for all its tests, so that a test can refer to what another one
/// created.
pub(crate) fn bind_run_values(suite: &Suite, base: &Url, values: &Values) -> Values {
    let mut values = values.clone();
    values.bindings.bind("base", format_base(base).into());
    values.bindings.bind("run", random_id().into());
    values.bindings.bind("now", format_now().into());
    for (name, template) in &suite.own_variables {
        let text = template.render(&values);
        values.bindings.bind(name, text.into());
    }
    values
}

/// So that `${base}/path` is a URL.
fn format_base(base: &Url) -> String {
    let mut base = base.clone();
    base.set_query(None);
    base.set_fragment(None);
    base.as_str().trim_end_matches('/').to_owned()
}

/// Sixteen hexadecimal digits. They need to be different from run to run, not to be unpredictable:
/// the keys of the standard library's hasher come from the operating system.
fn random_id() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// RFC 3339 in UTC, in whole seconds: what every service can read.
fn format_now() -> String {
    OffsetDateTime::now_utc()
        .replace_nanosecond(0)
        .ok()
        .and_then(|now| now.format(&Rfc3339).ok())
        .unwrap_or_default()
}
