//! How long the certificate of the answer is still valid. That it is trusted is already known:
//! otherwise there is no answer.

use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::document_form;
use crate::smoke::answer::{SmokeResponse, format_utc};
use crate::smoke::result::Mismatch;

use super::bounds::{self, Comparison, Quantity, WholeNumber};

document_form! {
    /// The certificate that the answer came with; it is trusted in any case.
    #[schemars(rename = "Certificate")]
    pub(in crate::smoke) struct CertificateExpectation {
        /// Whole days until it expires; a plain number is the least.
        #[required("Write `certificate: { days-left: { ge: 14 } }`")]
        days_left: Quantity,
    }
}

const DAY: i64 = 24 * 60 * 60;

pub(super) fn evaluate(
    expected: &CertificateExpectation,
    answer: &SmokeResponse,
) -> Option<Mismatch> {
    let limits = expected.days_left.limits(&[Comparison::AtLeast]);
    let wanted = format!("days left {}", bounds::format_counts(&limits));
    let unmet = |found: String| Some(Mismatch::new("certificate", wanted, found));
    let Some(der) = &answer.certificate else {
        return unmet("none: the answer came without TLS".to_owned());
    };
    let Some(end) = parse_not_after(der) else {
        return unmet("one whose end cannot be read".to_owned());
    };
    let left = (end - answer.at.unix_timestamp()).div_euclid(DAY);
    if bounds::are_met_by(&limits, &WholeNumber(left)) {
        None
    } else {
        unmet(format!("{left}: it is valid until {}", format_utc(end)))
    }
}

/// The last second at which it is valid, since 1970.
fn parse_not_after(der: &[u8]) -> Option<i64> {
    let certificate = Certificate::from_der(der).ok()?;
    i64::try_from(
        certificate
            .tbs_certificate()
            .validity()
            .not_after
            .to_unix_duration()
            .as_secs(),
    )
    .ok()
}
