//! PURE: which variables of the environment a document may use, and which of their values are
//! secrets.
//!
//! A document is less trusted than the workflow: anyone who can push may have written it, and it
//! decides where values are sent. It never gets variables of the platform or the job's credentials;
//! the workflow can restrict it further, but not allow more.

use std::collections::{BTreeMap, BTreeSet};

use crate::template::Secrecy;

/// What GitHub's runner, AWS's clients and Docker's find in a job's environment: credentials,
/// tokens, and what names them.
const RESERVED: [&str; 7] = [
    "AWS_", "ACTIONS_", "GITHUB_", "RUNNER_", "INPUT_", "STATE_", "DOCKER_",
];

/// The environment, as far as the workflow gives it to documents.
#[derive(Debug, Clone, Copy)]
pub struct Environment<'a> {
    /// All variables of the process.
    pub variables: &'a BTreeMap<String, String>,
    /// The names that documents may use; none: all that are not reserved.
    pub exposed: Option<&'a BTreeSet<String>>,
    /// The names whose values are no secrets.
    pub plain: &'a BTreeSet<String>,
}

impl Environment<'static> {
    /// For documents that may use no variables.
    pub const EMPTY: Self = Self {
        variables: &BTreeMap::new(),
        exposed: None,
        plain: &BTreeSet::new(),
    };
}

/// A variable that a document may not use or that is not set: the message and the remedy.
#[derive(Debug, PartialEq, Eq)]
pub struct WithheldVariable {
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub remedy: String,
}

/// Whether a name belongs to the platform or to a credential of the job.
pub fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    RESERVED.iter().any(|prefix| name.starts_with(prefix))
}

impl Environment<'_> {
    /// Whether the value of `${env.NAME}` is a secret.
    ///
    /// # Errors
    /// Documents may not use it, or it is not set.
    pub(crate) fn secrecy(&self, name: &str) -> Result<Secrecy, WithheldVariable> {
        if is_reserved(name) {
            let message = format!(
                "`${{env.{name}}}` is never given to a document: names with AWS_, ACTIONS_, GITHUB_, RUNNER_, INPUT_, STATE_ and DOCKER_ belong to the platform and to credentials"
            );
            let remedy = format!(
                "set a variable of another name under `env:` of the step (`SMOKE_{name}`, say), if a document may have the value"
            );
            return Err(WithheldVariable { message, remedy });
        }
        if self.exposed.is_some_and(|exposed| !exposed.contains(name)) {
            let message =
                format!("`${{env.{name}}}` is used, but the input `expose-env` does not list it");
            return Err(WithheldVariable {
                message,
                remedy: format!("add {name} to `expose-env`, if the document may have its value"),
            });
        }
        if !self.variables.contains_key(name) {
            let message = format!("`${{env.{name}}}` is used, but the environment has no {name}");
            return Err(WithheldVariable {
                message,
                remedy: format!("set {name} under `env:` of the step"),
            });
        }
        Ok(if self.plain.contains(name) {
            Secrecy::Open
        } else {
            Secrecy::Secret
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use super::*;

    const SET: [&str; 13] = [
        "SMOKE_TOKEN",
        "TOKEN",
        "T",
        "NAME",
        "OTHER",
        "A",
        "STAGE",
        "DD_API_KEY",
        "DD_APP_KEY",
        "PROM_TOKEN",
        "STATUS_TOKEN",
        "GITHUB_TOKEN",
        "INCIDENTS_TOKEN",
    ];

    /// One in which the names that the tests use are set, `STAGE` being no secret.
    pub(crate) fn test_environment() -> Environment<'static> {
        static VARIABLES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
            SET.iter()
                .map(|name| ((*name).to_owned(), format!("value of {name}")))
                .collect()
        });
        static PLAIN: LazyLock<BTreeSet<String>> = LazyLock::new(|| ["STAGE".to_owned()].into());
        Environment {
            variables: &VARIABLES,
            exposed: None,
            plain: &PLAIN,
        }
    }

    #[test]
    fn names_of_the_platform_and_of_credentials_are_withheld_whatever_the_workflow_lists() {
        let names = [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_REGION",
            "aws_session_token",
            "ACTIONS_RUNTIME_TOKEN",
            "GITHUB_TOKEN",
            "RUNNER_TEMP",
            "INPUT_SERVICE",
            "STATE_undos",
            "DOCKER_CONFIG",
        ];
        let all: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let variables = all
            .iter()
            .map(|name| (name.clone(), "x".to_owned()))
            .collect();
        let generous = Environment {
            variables: &variables,
            exposed: Some(&all),
            plain: &all,
        };
        for name in names {
            let withheld = generous.secrecy(name).unwrap_err();
            assert!(
                withheld
                    .message
                    .starts_with(&format!("`${{env.{name}}}` is never given to a document")),
                "{withheld:?}"
            );
        }
        assert!(!is_reserved("SMOKE_TOKEN") && !is_reserved("AWARE") && !is_reserved("MY_AWS_KEY"));
    }

    #[test]
    fn the_workflow_limits_what_documents_use_and_says_what_is_no_secret() {
        let exposed: BTreeSet<String> =
            ["TOKEN".to_owned(), "STAGE".to_owned(), "UNSET".to_owned()].into();
        let limited = Environment {
            exposed: Some(&exposed),
            ..test_environment()
        };
        assert_eq!(
            (limited.secrecy("TOKEN"), limited.secrecy("STAGE")),
            (Ok(Secrecy::Secret), Ok(Secrecy::Open))
        );
        let why = |name: &str| limited.secrecy(name).unwrap_err().message;
        assert_eq!(
            why("OTHER"),
            "`${env.OTHER}` is used, but the input `expose-env` does not list it"
        );
        assert_eq!(
            why("UNSET"),
            "`${env.UNSET}` is used, but the environment has no UNSET"
        );
    }
}
