//! Sessions of assumed roles, by their access keys.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::account::name_from_arn;
use crate::clock::now_ms;

/// A session of a role.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The role's ARN.
    pub(crate) role: String,
    /// `RoleSessionName`.
    pub(crate) name: String,
    ends_ms: i64,
}

impl Session {
    /// The role's account.
    pub(crate) fn account(&self) -> &str {
        self.role.split(':').nth(4).unwrap_or_default()
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub(crate) fn caller_arn(&self) -> String {
        let (account, role) = (self.account(), name_from_arn(&self.role));
        format!("arn:aws:sts::{account}:assumed-role/{role}/{}", self.name)
    }
}

/// What is handed out for a session.
#[derive(Debug)]
pub(crate) struct SessionKeys {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// All sessions there were.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, Session>>);

impl Sessions {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session of a role.
    pub(crate) fn begin(&self, role: &str, name: &str, ends_ms: i64) -> SessionKeys {
        let mut all = self.all();
        let nth = all.len() + 1;
        let access_key = format!("ASIASTAGEROLE{nth:07}");
        let session = Session {
            role: role.to_owned(),
            name: name.to_owned(),
            ends_ms,
        };
        all.insert(access_key.clone(), session);
        SessionKeys {
            access_key,
            secret: format!("canary-role-secret/+{nth:020}"),
            token: format!("canary-role-session//{nth:020}+=="),
        }
    }

    /// The session of an access key; none for credentials from elsewhere.
    pub(crate) fn find(&self, access_key: Option<&str>) -> Option<Session> {
        self.all().get(access_key?).cloned()
    }

    /// Whether an access key is of a session that is over.
    pub(crate) fn has_ended(&self, access_key: Option<&str>) -> bool {
        self.find(access_key)
            .is_some_and(|session| session.ends_ms <= now_ms())
    }
}
