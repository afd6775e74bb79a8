//! PURE: the cookies that no browser keeps, whatever else is right with them.
//!
//! RFC 6265bis, section 5.7, and the partitioned cookies of CHIPS. That a `Secure` cookie came over
//! http is another matter: green's test listener often has no TLS.

/// What decides whether browsers keep a cookie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered<'a> {
    pub(super) name: &'a str,
    pub(super) path: Option<&'a str>,
    pub(super) domain: Option<&'a str>,
    pub(super) same_site: Option<&'a str>,
    pub(super) marks: Marks,
}

/// The attributes without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    pub(super) secure: bool,
    pub(super) partitioned: bool,
}

impl Offered<'_> {
    /// Why no browser keeps it.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        let begins = |prefix: &str| {
            self.name
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let has_domain = self.domain.is_some_and(|domain| !domain.is_empty());
        if begins("__Host-") && (!self.marks.secure || has_domain || self.path != Some("/")) {
            return Some("one that no browser keeps: `__Host-` wants Secure, Path=/ and no Domain");
        }
        if self.marks.secure {
            return None;
        }
        if begins("__Secure-") {
            return Some("one that no browser keeps: `__Secure-` wants Secure");
        }
        if self
            .same_site
            .is_some_and(|word| word.eq_ignore_ascii_case("none"))
        {
            return Some("one that no browser keeps: SameSite=None wants Secure");
        }
        self.marks
            .partitioned
            .then_some("one that no browser keeps: Partitioned wants Secure")
    }
}
