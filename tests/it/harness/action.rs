//! One use of the action: `with:`, `env:`, the files of the job, and what happens meanwhile.

use std::collections::BTreeMap;

use super::incidents::{Incident, When};

/// The smoke tests of the stories: what each faulty version of the sample application gets wrong is
/// asked here.
const TESTS: &[(&str, &str)] = &[
    (
        "health",
        r#"{ get: /health, expect: { status: 200, json: { $.status: ok, $.version: "${version}", $.time: { type: timestamp } } } }"#,
    ),
    (
        "google login",
        r#"{ get: /auth/google/login, follow: false, expect: { status: 302, redirect: { to: "https://accounts.google.com/", query: { redirect_uri: "https://app.example.com/auth/google/callback" } } } }"#,
    ),
    (
        "session",
        r#"{ post: /auth/session, json: { token: "${env.SMOKE_TOKEN}" }, expect: { status: 204, cookies: { session: { http-only: true, secure: true } } } }"#,
    ),
    (
        "me",
        r#"{ get: /auth/me, headers: { Authorization: "Bearer ${env.SMOKE_TOKEN}" }, expect: { status: 200, headers: { content-type: { contains: json } } } }"#,
    ),
    (
        "ready",
        "{ get: /ready, retry: { for: 20s }, expect: { status: 200 } }",
    ),
];

/// Some of them, as a document.
pub(crate) fn smoke_tests(names: &[&str]) -> String {
    let chosen = TESTS.iter().filter(|(name, _)| names.contains(name));
    let tests: Vec<String> = chosen
        .map(|(name, test)| test.replacen('{', &format!("  - {{ name: {name},"), 1))
        .collect();
    format!(
        "defaults: {{ timeout: 2s, retry: {{ for: 1s, every: 100ms }} }}\ntests:\n{}\n",
        tests.join("\n")
    )
}

/// A step of a workflow.
pub(crate) struct Action {
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) files: Vec<(String, String)>,
    pub(super) links: Vec<(String, String)>,
    pub(super) pipes: Vec<String>,
    pub(super) incidents: Vec<(When, Incident)>,
    pub(super) options: Vec<String>,
    pub(super) versions: Vec<String>,
}

impl Action {
    /// Only what makes a story short.
    pub(crate) fn minimal() -> Self {
        let inputs = [("poll-interval".to_owned(), "50ms".to_owned())].into();
        let (files, links, pipes) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            inputs,
            environment: BTreeMap::new(),
            files,
            links,
            pipes,
            incidents: Vec::new(),
            options: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// To the service of the story.
    pub(crate) fn to_service() -> Self {
        Self::minimal()
            .with("cluster", "prod")
            .with("service", "api")
    }

    /// A version of the sample application, from an OCI layout in the workspace.
    pub(crate) fn deploy(version: &str) -> Self {
        let mut action = Self::to_service();
        action.versions.push(version.to_owned());
        action
            .with("image", &format!("oci:images/{version}"))
            .with("repository", "app")
            .with("tags", version)
    }

    /// The same with smoke tests on green and on production.
    pub(crate) fn deploy_tested(version: &str) -> Self {
        Self::deploy_tested_by(version, &["health", "google login", "session", "me"])
    }

    /// The same with some tests only.
    pub(crate) fn deploy_tested_by(version: &str, tests: &[&str]) -> Self {
        Self::deploy(version)
            .with("smoke-tests", &smoke_tests(tests))
            .with("test-url", "$TEST")
            .with("production-url", "$PRODUCTION")
    }

    /// Tests on green that take their time: green says that it is not ready for two seconds and a
    /// half.
    pub(crate) fn deploy_tested_slowly(version: &str) -> Self {
        Self::deploy_tested_by(version, &["ready"])
            .with("environment-variables", "APP_WARM_UP_MS=2500")
    }

    /// An input. `$TEST`, `$PRODUCTION`, `$PORT` (production's), `$METRICS` and `$REGISTRY` are
    /// filled in, here and in files.
    pub(crate) fn with(mut self, input: &str, value: &str) -> Self {
        self.inputs.insert(input.to_owned(), value.to_owned());
        self
    }

    /// No such input.
    pub(crate) fn without(mut self, input: &str) -> Self {
        self.inputs.remove(input);
        self
    }

    /// By hand, without GitHub: inputs are options of the command line.
    pub(crate) fn by_hand(options: &[&str]) -> Self {
        let mut action = Self::minimal();
        action.inputs.clear();
        action.options = options.iter().map(|option| (*option).to_owned()).collect();
        action
    }

    /// A variable of the step's environment; an empty one is left out.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Of a job with `permissions: id-token: write` that has no other credentials.
    pub(crate) fn with_id_token(self) -> Self {
        self.env("AWS_ACCESS_KEY_ID", "")
            .env("AWS_SECRET_ACCESS_KEY", "")
            .env("AWS_SESSION_TOKEN", "")
            .with_id_token_too()
    }

    /// Of a job with `permissions: id-token: write`.
    pub(crate) fn with_id_token_too(self) -> Self {
        let url = "$GITHUB/id-token?api-version=2.0";
        self.env("ACTIONS_ID_TOKEN_REQUEST_URL", url)
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-id-token-request")
    }

    /// A file in the workspace.
    pub(crate) fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// A symbolic link in the workspace.
    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.links.push((path.to_owned(), target.to_owned()));
        self
    }

    /// A named pipe in the workspace, into which nobody writes.
    pub(crate) fn pipe(mut self, path: &str) -> Self {
        self.pipes.push(path.to_owned());
        self
    }

    /// Something that happens at a point of the run. Incidents happen one after the other.
    pub(crate) fn on_incident(mut self, when: When, incident: Incident) -> Self {
        self.incidents.push((when, incident));
        self
    }
}
