//! Where a test may end: on the origin that it asked, or on those that it names. Judged before
//! anything is read of the answer.

use url::{Origin, Url};

use crate::scrub::masked;
use crate::smoke::form::Expect;
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};

/// Why an answer of `url` is not this test's, when `asked` was asked first.
pub(in crate::smoke) fn judge(
    expect: &Expect,
    asked: &Origin,
    url: &Url,
    values: &Values,
) -> Option<Mismatch> {
    let found = url.origin();
    if expect.origins.is_empty() {
        let words = || {
            format!(
                "an answer of {}, or `expect: {{ origin: … }}` with another one",
                asked.ascii_serialization()
            )
        };
        return (found != *asked)
            .then(|| Mismatch::new("origin", words(), masked(&found.ascii_serialization())));
    }
    let is_it = |origin: &Template| {
        Url::parse(&origin.render(values)).is_ok_and(|url| url.origin() == found)
    };
    let words = || {
        expect
            .origins
            .iter()
            .map(|origin| origin.masked(values))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    (!expect.origins.iter().any(is_it))
        .then(|| Mismatch::new("origin", words(), masked(&found.ascii_serialization())))
}
