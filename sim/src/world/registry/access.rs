//! Who may use the registry: whoever shows the password, a token that was given for it, or
//! everybody.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap};

use super::error::RegistryError;
use super::rules::SignIn;

/// The user name that ECR's authorization tokens carry.
pub(crate) const USER: &str = "AWS";

/// The header's value for a password.
pub(crate) fn basic_authorization(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{password}")))
}

/// What is asked for, as far as permissions go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permission<'a> {
    pub(super) repository: &'a str,
    action: &'static str,
}

impl<'a> Permission<'a> {
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
pub(super) struct RegistryCredentials {
    sign_in: SignIn,
    max_uses: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    password: Option<String>,
    expired: Vec<String>,
    /// How often the password was used.
    password_uses: u64,
    /// Each token's scopes, and how often it was used.
    tokens: BTreeMap<String, (Vec<String>, u64)>,
    issued: u64,
}

impl RegistryCredentials {
    pub(super) fn new(password: Option<String>, sign_in: SignIn, max_uses: Option<u64>) -> Self {
        Self {
            sign_in,
            max_uses,
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
        state.password_uses = 0;
    }

    /// Whether a request may pass.
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        permission: Permission<'_>,
    ) -> Result<(), RegistryError> {
        let authorization = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match self.sign_in {
            SignIn::Basic => self.state().check_password(authorization, self.max_uses),
            SignIn::Bearer => self
                .state()
                .check_token(authorization, permission, self.max_uses),
        }
    }

    /// Whether the request that was let pass may do this, too.
    pub(super) fn covers(&self, headers: &HeaderMap, permission: Permission<'_>) -> bool {
        let authorization = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        self.sign_in == SignIn::Basic
            || self
                .state()
                .token_scopes(authorization)
                .is_some_and(|(scopes, _)| scopes_allow(scopes, permission))
    }

    /// A token for these scopes, in exchange for the password.
    pub(super) fn issue_token(
        &self,
        headers: &HeaderMap,
        scopes: Vec<String>,
    ) -> Result<String, RegistryError> {
        let authorization = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut state = self.state();
        state.check_password(authorization, None)?;
        state.issued += 1;
        let token = format!("token-{}", state.issued);
        state.tokens.insert(token.clone(), (scopes, 0));
        Ok(token)
    }
}

impl State {
    fn check_password(
        &mut self,
        authorization: &str,
        max_uses: Option<u64>,
    ) -> Result<(), RegistryError> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        if self
            .expired
            .iter()
            .any(|old| authorization == basic_authorization(old))
        {
            return Err(RegistryError::Expired);
        }
        if authorization != basic_authorization(password) {
            return Err(RegistryError::Unauthorized);
        }
        self.password_uses += 1;
        if max_uses.is_some_and(|last| self.password_uses > last) {
            Err(RegistryError::Expired)
        } else {
            Ok(())
        }
    }

    fn token_scopes(&mut self, authorization: &str) -> Option<&mut (Vec<String>, u64)> {
        self.tokens.get_mut(authorization.strip_prefix("Bearer ")?)
    }

    fn check_token(
        &mut self,
        authorization: &str,
        permission: Permission<'_>,
        max_uses: Option<u64>,
    ) -> Result<(), RegistryError> {
        let (scopes, used) = self
            .token_scopes(authorization)
            .ok_or(RegistryError::Unauthorized)?;
        *used += 1;
        let valid = max_uses.is_none_or(|last| *used <= last) && scopes_allow(scopes, permission);
        if valid {
            Ok(())
        } else {
            Err(RegistryError::Unauthorized)
        }
    }
}

/// A scope is `repository:NAME:pull,push`.
fn scopes_allow(scopes: &[String], permission: Permission<'_>) -> bool {
    let covers = |scope: &String| {
        let actions = scope
            .strip_prefix("repository:")
            .and_then(|rest| rest.rsplit_once(':'))
            .filter(|(name, _)| *name == permission.repository);
        actions.is_some_and(|(_, actions)| {
            actions.split(',').any(|action| action == permission.action)
        })
    };
    permission.repository.is_empty() || scopes.iter().any(covers)
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
            RegistryCredentials::new(Some("secret".into()), SignIn::Basic, None),
            Permission::pull("a"),
        );
        assert_eq!(keys.check(&headers("Basic QVdTOnNlY3JldA=="), wish), Ok(()));
        assert_eq!(
            keys.check(&headers(&basic_authorization("other")), wish),
            Err(RegistryError::Unauthorized)
        );
        assert_eq!(
            keys.check(&HeaderMap::new(), wish),
            Err(RegistryError::Unauthorized)
        );
        assert_eq!(
            RegistryCredentials::new(None, SignIn::Basic, None).check(&HeaderMap::new(), wish),
            Ok(())
        );
    }

    #[test]
    fn a_password_that_was_used_up_is_expired_until_there_is_another() {
        let (keys, wish) = (
            RegistryCredentials::new(Some("old".into()), SignIn::Basic, Some(1)),
            Permission::pull("a"),
        );
        assert_eq!(
            (
                keys.check(&headers(&basic_authorization("old")), wish),
                keys.check(&headers(&basic_authorization("old")), wish)
            ),
            (Ok(()), Err(RegistryError::Expired))
        );
        keys.set_password("new");
        assert_eq!(
            (
                keys.check(&headers(&basic_authorization("old")), wish),
                keys.check(&headers(&basic_authorization("new")), wish)
            ),
            (Err(RegistryError::Expired), Ok(()))
        );
    }

    #[test]
    fn a_token_opens_what_its_scopes_name() {
        let keys = RegistryCredentials::new(Some("secret".into()), SignIn::Bearer, None);
        assert_eq!(
            keys.issue_token(&HeaderMap::new(), Vec::new()),
            Err(RegistryError::Unauthorized)
        );
        let token = keys
            .issue_token(
                &headers(&basic_authorization("secret")),
                vec!["repository:a/b:pull".into()],
            )
            .expect("a token");
        let shown = headers(&format!("Bearer {token}"));
        assert_eq!(
            keys.check(&shown, Permission::new("a/b", &Method::GET)),
            Ok(())
        );
        assert_eq!(
            keys.check(&shown, Permission::new("a/b", &Method::PUT)),
            Err(RegistryError::Unauthorized)
        );
        assert_eq!(
            keys.check(&shown, Permission::new("a", &Method::GET)),
            Err(RegistryError::Unauthorized)
        );
        assert_eq!(
            keys.check(
                &headers(&basic_authorization("secret")),
                Permission::pull("a/b")
            ),
            Err(RegistryError::Unauthorized)
        );
    }
}
