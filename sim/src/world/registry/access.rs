//! Who may use the registry: whoever shows the password, a token that was given for it, or
//! everybody.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap};

use super::problem::Problem;
use super::rules::SignIn;

/// The user name that ECR's authorization tokens carry.
pub(crate) const USER: &str = "AWS";

/// The header's value for a password.
pub(crate) fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{password}")))
}

/// What is asked for, as far as permissions go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) repository: &'a str,
    action: &'static str,
}

impl<'a> Wish<'a> {
    pub(super) fn new(repository: &'a str, method: &Method) -> Self {
        Self {
            repository,
            action: if matches!(*method, Method::GET | Method::HEAD) {
                "pull"
            } else {
                "push"
            },
        }
    }

    pub(super) const fn pull(repository: &'a str) -> Self {
        Self {
            repository,
            action: "pull",
        }
    }
}

/// The password, and the tokens that were given for it.
#[derive(Debug)]
pub(super) struct Keys {
    sign_in: SignIn,
    last: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    password: Option<String>,
    expired: Vec<String>,
    /// How often the password was used.
    used: u64,
    /// Each token's scopes, and how often it was used.
    tokens: BTreeMap<String, (Vec<String>, u64)>,
    given: u64,
}

impl Keys {
    pub(super) fn new(password: Option<String>, sign_in: SignIn, last: Option<u64>) -> Self {
        Self {
            sign_in,
            last,
            state: Mutex::new(State {
                password,
                ..State::default()
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The password from now on.
    pub(super) fn set_password(&self, password: &str) {
        let mut state = self.state();
        let old = state.password.replace(password.to_owned());
        state.expired.extend(old.filter(|old| old != password));
        state.expired.retain(|old| old != password);
        state.used = 0;
    }

    /// Whether a request may pass.
    pub(super) fn check(&self, headers: &HeaderMap, wish: Wish<'_>) -> Result<(), Problem> {
        let shown = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match self.sign_in {
            SignIn::Basic => self.state().check_password(shown, self.last),
            SignIn::Bearer => self.state().check_token(shown, wish, self.last),
        }
    }

    /// Whether the request that was let pass may do this, too.
    pub(super) fn covers(&self, headers: &HeaderMap, wish: Wish<'_>) -> bool {
        let shown = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        self.sign_in == SignIn::Basic
            || self
                .state()
                .scopes_of(shown)
                .is_some_and(|(scopes, _)| allow(scopes, wish))
    }

    /// A token for these scopes, in exchange for the password.
    pub(super) fn give_token(
        &self,
        headers: &HeaderMap,
        scopes: Vec<String>,
    ) -> Result<String, Problem> {
        let shown = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut state = self.state();
        state.check_password(shown, None)?;
        state.given += 1;
        let token = format!("token-{}", state.given);
        state.tokens.insert(token.clone(), (scopes, 0));
        Ok(token)
    }
}

impl State {
    fn check_password(&mut self, shown: &str, last: Option<u64>) -> Result<(), Problem> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        if self.expired.iter().any(|old| shown == basic(old)) {
            return Err(Problem::Expired);
        }
        if shown != basic(password) {
            return Err(Problem::Unauthorized);
        }
        self.used += 1;
        if last.is_some_and(|last| self.used > last) {
            Err(Problem::Expired)
        } else {
            Ok(())
        }
    }

    fn scopes_of(&mut self, shown: &str) -> Option<&mut (Vec<String>, u64)> {
        self.tokens.get_mut(shown.strip_prefix("Bearer ")?)
    }

    fn check_token(
        &mut self,
        shown: &str,
        wish: Wish<'_>,
        last: Option<u64>,
    ) -> Result<(), Problem> {
        let (scopes, used) = self.scopes_of(shown).ok_or(Problem::Unauthorized)?;
        *used += 1;
        let valid = last.is_none_or(|last| *used <= last) && allow(scopes, wish);
        if valid {
            Ok(())
        } else {
            Err(Problem::Unauthorized)
        }
    }
}

/// A scope is `repository:NAME:pull,push`.
fn allow(scopes: &[String], wish: Wish<'_>) -> bool {
    let covers = |scope: &String| {
        let actions = scope
            .strip_prefix("repository:")
            .and_then(|rest| rest.rsplit_once(':'))
            .filter(|(name, _)| *name == wish.repository);
        actions.is_some_and(|(_, actions)| actions.split(',').any(|action| action == wish.action))
    };
    wish.repository.is_empty() || scopes.iter().any(covers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            AUTHORIZATION,
            HeaderValue::from_str(value).expect("a header"),
        )])
    }

    #[test]
    fn the_password_opens_and_nothing_else_does() {
        let (keys, wish) = (
            Keys::new(Some("secret".into()), SignIn::Basic, None),
            Wish::pull("a"),
        );
        assert_eq!(keys.check(&headers("Basic QVdTOnNlY3JldA=="), wish), Ok(()));
        assert_eq!(
            keys.check(&headers(&basic("other")), wish),
            Err(Problem::Unauthorized)
        );
        assert_eq!(
            keys.check(&HeaderMap::new(), wish),
            Err(Problem::Unauthorized)
        );
        assert_eq!(
            Keys::new(None, SignIn::Basic, None).check(&HeaderMap::new(), wish),
            Ok(())
        );
    }

    #[test]
    fn a_password_that_was_used_up_is_expired_until_there_is_another() {
        let (keys, wish) = (
            Keys::new(Some("old".into()), SignIn::Basic, Some(1)),
            Wish::pull("a"),
        );
        assert_eq!(
            (
                keys.check(&headers(&basic("old")), wish),
                keys.check(&headers(&basic("old")), wish)
            ),
            (Ok(()), Err(Problem::Expired))
        );
        keys.set_password("new");
        assert_eq!(
            (
                keys.check(&headers(&basic("old")), wish),
                keys.check(&headers(&basic("new")), wish)
            ),
            (Err(Problem::Expired), Ok(()))
        );
    }

    #[test]
    fn a_token_opens_what_its_scopes_name() {
        let keys = Keys::new(Some("secret".into()), SignIn::Bearer, None);
        assert_eq!(
            keys.give_token(&HeaderMap::new(), Vec::new()),
            Err(Problem::Unauthorized)
        );
        let token = keys
            .give_token(
                &headers(&basic("secret")),
                vec!["repository:a/b:pull".into()],
            )
            .expect("a token");
        let shown = headers(&format!("Bearer {token}"));
        assert_eq!(keys.check(&shown, Wish::new("a/b", &Method::GET)), Ok(()));
        assert_eq!(
            keys.check(&shown, Wish::new("a/b", &Method::PUT)),
            Err(Problem::Unauthorized)
        );
        assert_eq!(
            keys.check(&shown, Wish::new("a", &Method::GET)),
            Err(Problem::Unauthorized)
        );
        assert_eq!(
            keys.check(&headers(&basic("secret")), Wish::pull("a/b")),
            Err(Problem::Unauthorized)
        );
    }
}
