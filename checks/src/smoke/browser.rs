//! PURE: cookies that every browser rejects.
//!
//! RFC 6265bis, section 5.7, and the partitioned cookies of CHIPS. That a `Secure` cookie came over
//! http is another matter: green's test listener often has no TLS.

/// What decides whether browsers keep a cookie.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfferedCookie<'a> {
    pub(super) name: &'a str,
    pub(super) path: Option<&'a str>,
    pub(super) domain: Option<&'a str>,
    pub(super) same_site: Option<&'a str>,
    pub(super) flags: CookieFlags,
}

/// The attributes without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CookieFlags {
    pub(super) secure: bool,
    pub(super) partitioned: bool,
}

impl OfferedCookie<'_> {
    /// Why browsers reject it.
    pub(super) fn rejection_reason(&self) -> Option<&'static str> {
        let has_prefix = |prefix: &str| {
            self.name
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let has_domain = self.domain.is_some_and(|domain| !domain.is_empty());
        if has_prefix("__Host-") && (!self.flags.secure || has_domain || self.path != Some("/")) {
            return Some(
                "one that browsers reject: `__Host-` requires Secure, Path=/ and no Domain",
            );
        }
        if self.flags.secure {
            return None;
        }
        if has_prefix("__Secure-") {
            return Some("one that browsers reject: `__Secure-` requires Secure");
        }
        if self
            .same_site
            .is_some_and(|word| word.eq_ignore_ascii_case("none"))
        {
            return Some("one that browsers reject: SameSite=None requires Secure");
        }
        self.flags
            .partitioned
            .then_some("one that browsers reject: Partitioned requires Secure")
    }
}
