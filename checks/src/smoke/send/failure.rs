//! Why there was no answer, for people: which certificate was refused and why, or which protocol
//! could not be negotiated.

use std::error::Error;
use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use url::Url;

use crate::cause::describe_chain;
use crate::destination::ForbiddenHost;
use crate::duration::HumanDuration;
use crate::smoke::answer::format_utc;
use crate::smoke::form::Transport;
use crate::smoke::result::Mismatch;

/// The mismatch of a missing or incomplete answer; `expected` says which.
pub(in crate::smoke) fn no_answer_mismatch(
    error: reqwest::Error,
    expected: &str,
    requested: &Url,
    transport: &Transport,
) -> Mismatch {
    let error = error.without_url();
    if let Some(refusal) =
        find_cause::<TlsError>(&error).and_then(|cause| tls_mismatch(cause, requested))
    {
        return refusal;
    }
    if let Some(forbidden) = find_cause::<ForbiddenHost>(&error) {
        return Mismatch::new(
            "request",
            "a host that a document may ask",
            forbidden.to_string(),
        );
    }
    match transport.connect_timeout {
        Some(longest) if error.is_connect() && error.is_timeout() => Mismatch::new(
            "connection",
            format!("established within {}", HumanDuration(longest)),
            "not established",
        ),
        // The outermost error says only that a request failed.
        _ => Mismatch::new(
            "connection",
            expected,
            error
                .source()
                .map_or_else(|| describe_chain(&error), describe_chain),
        ),
    }
}

/// An error of this type, anywhere in the chain of causes.
fn find_cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    // An I/O error gives the cause of what it wraps, but not what it wraps.
    let wrapped = || {
        error
            .downcast_ref::<io::Error>()?
            .get_ref()
            .and_then(|wrapped| find_cause(wrapped))
    };
    error
        .downcast_ref()
        .or_else(wrapped)
        .or_else(|| error.source().and_then(find_cause))
}

fn tls_mismatch(error: &TlsError, requested: &Url) -> Option<Mismatch> {
    let host = requested.host_str().unwrap_or_default();
    match error {
        TlsError::InvalidCertificate(reason) => Some(Mismatch::new(
            "certificate",
            format!("one that is trusted for {host}"),
            describe_certificate_error(reason),
        )),
        TlsError::AlertReceived(AlertDescription::NoApplicationProtocol)
        | TlsError::NoApplicationProtocol => Some(Mismatch::new(
            "HTTP version",
            "what `http` says",
            "the server does not speak it",
        )),
        _ => None,
    }
}

fn describe_certificate_error(reason: &CertificateError) -> String {
    match reason {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("one that expired on {}", format_time(*not_after))
        }
        CertificateError::Expired => "one that has expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("one that is not valid before {}", format_time(*not_before))
        }
        CertificateError::NotValidYet => "one that is not valid yet".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "one without any name".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("one for {}", format_names(presented))
        }
        CertificateError::NotValidForName => "one for another name".to_owned(),
        CertificateError::UnknownIssuer => {
            "an untrusted one: no known authority signed it (add yours with `tls: { ca: … }`)"
                .to_owned()
        }
        CertificateError::Revoked => "one that was revoked".to_owned(),
        CertificateError::BadSignature => {
            "an untrusted one: its signature is not of the authority that it names".to_owned()
        }
        other => format!("an untrusted one ({other})"),
    }
}

/// As webpki spells them: `DnsName("api.example.com")`.
fn format_names(presented: &[String]) -> String {
    let plain = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    presented.iter().map(plain).collect::<Vec<_>>().join(", ")
}

fn format_time(time: UnixTime) -> String {
    format_utc(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
