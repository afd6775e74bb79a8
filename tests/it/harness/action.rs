//! One use of the action: `with:`, `env:`, the files of the job, and what happens meanwhile.

use std::collections::BTreeMap;

use super::deeds::{Deed, When};

/// The smoke tests of the stories: what each faulty version of the sample application gets wrong is asked here.
pub(crate) const SMOKE: &str = r#"
defaults: { timeout: 2s, retry: { for: 2s, every: 100ms } }
tests:
  - name: health
    get: /health
    expect: { status: 200, json: { $.status: ok, $.version: "${version}", $.time: { type: timestamp } } }
  - name: google login
    get: /auth/google/login
    follow: false
    expect: { status: 302, redirect: { to: "https://accounts.google.com/", query: { redirect_uri: "https://app.example.com/auth/google/callback" } } }
  - name: session
    post: /auth/session
    json: { token: "${env.SMOKE_TOKEN}" }
    expect: { status: 204, cookies: { session: { http-only: true, secure: true } } }
  - name: me
    get: /auth/me
    headers: { Authorization: "Bearer ${env.SMOKE_TOKEN}" }
    on: [green, production]
    expect: { status: 200, headers: { content-type: { contains: json } } }
"#;

/// A step of a workflow.
pub(crate) struct Action {
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) files: Vec<(String, String)>,
    pub(super) deeds: Vec<(When, Deed)>,
    pub(super) versions: Vec<String>,
}

impl Action {
    /// Only what makes a story short.
    pub(crate) fn bare() -> Self {
        let inputs = [("poll-interval".to_owned(), "50ms".to_owned())].into();
        Self { inputs, environment: BTreeMap::new(), files: Vec::new(), deeds: Vec::new(), versions: Vec::new() }
    }

    /// To the service of the story.
    pub(crate) fn service() -> Self {
        Self::bare().with("cluster", "prod").with("service", "api")
    }

    /// A version of the sample application, from an OCI layout in the workspace.
    pub(crate) fn deploy(version: &str) -> Self {
        let mut action = Self::service();
        action.versions.push(version.to_owned());
        action.with("image", &format!("oci:images/{version}")).with("repository", "app").with("tags", version)
    }

    /// The same with smoke tests on green and on production.
    pub(crate) fn tested(version: &str) -> Self {
        Self::deploy(version).with("smoke-tests", SMOKE).with("test-url", "$TEST").with("production-url", "$PRODUCTION")
    }

    /// An input. `$TEST`, `$PRODUCTION`, `$PORT` (production's) and `$REGISTRY` are filled in, here and in files.
    pub(crate) fn with(mut self, input: &str, value: &str) -> Self {
        self.inputs.insert(input.to_owned(), value.to_owned());
        self
    }

    /// No such input.
    pub(crate) fn without(mut self, input: &str) -> Self {
        self.inputs.remove(input);
        self
    }

    /// A variable of the step's environment; an empty one is left out.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A file in the workspace.
    pub(crate) fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Something that happens at a moment of the run. Deeds happen one after the other.
    pub(crate) fn at(mut self, when: When, deed: Deed) -> Self {
        self.deeds.push((when, deed));
        self
    }
}
