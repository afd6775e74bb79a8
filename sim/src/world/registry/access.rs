//! Who may use the registry: HTTP Basic with ECR's user name, or everybody.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

/// The user name that ECR's authorization tokens carry.
pub(crate) const USER: &str = "AWS";

/// The header's value for a password.
pub(crate) fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{password}")))
}

/// Whether a request may pass.
pub(super) fn is_allowed(headers: &HeaderMap, password: Option<&str>) -> bool {
    password.is_none_or(|password| headers.get(AUTHORIZATION).is_some_and(|given| given.as_bytes() == basic(password).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn the_password_opens_and_nothing_else_does() {
        let mut headers = HeaderMap::new();
        assert!(is_allowed(&headers, None));
        assert!(!is_allowed(&headers, Some("secret")));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic QVdTOnNlY3JldA=="));
        assert!(is_allowed(&headers, Some("secret")));
        assert!(!is_allowed(&headers, Some("other")));
    }
}
