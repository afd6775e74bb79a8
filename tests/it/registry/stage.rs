//! The stage's registry instead of a real one: it departs from the specification and fails as it is
//! asked to, and counts.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecs_bluegreen::registry::{
    Digest, Progress, PushError, PushOptions, Pushed, Source, SourceError, Sources, Target, find,
    push,
};
use ecs_bluegreen_sim::world::registry::{
    RegistryFault, RegistryFaultKind, RegistryHost, RegistryOptions, RegistryRequest,
    RegistryRules, RegistryServer,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::bench::{Layout, OCI_INDEX, tags, target};

pub(super) use ecs_bluegreen_sim::world::registry::RegistryFaultKind as Kind;

/// The repository that all tests push to.
pub(super) const REPOSITORY: &str = "team/api";
/// A layer that takes some writes and some reads.
pub(super) const LARGE: usize = 2 * 1024 * 1024;

/// A registry, a place for layouts, and the progress of every push.
pub(super) struct Stage {
    pub(super) registry: RegistryServer,
    pub(super) dir: TempDir,
    progress: Arc<Mutex<Vec<Progress>>>,
}

impl Stage {
    /// A registry with these ways, whose repository is there.
    pub(super) async fn new(rules: RegistryRules) -> Self {
        let stage = Self::empty(rules).await;
        stage.registry.set_repository(REPOSITORY, None);
        stage
    }

    /// A registry with ECR's ways.
    pub(super) async fn ecr() -> Self {
        Self::new(RegistryRules::ecr()).await
    }

    /// A registry without repositories.
    pub(super) async fn empty(rules: RegistryRules) -> Self {
        // A second installation by another test is no failure.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = RegistryOptions {
            password: Some("canary".to_owned()),
            rules,
            ..RegistryOptions::default()
        };
        Self {
            registry: RegistryServer::start(options).await.unwrap(),
            dir: tempfile::tempdir().unwrap(),
            progress: Arc::default(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn target(&self) -> Target {
        target(self.registry.address().port())
    }

    /// Another repository of the same registry.
    pub(super) fn beside(&self) -> Target {
        self.registry.set_repository("prod/api", None);
        Target {
            repository: "prod/api".to_owned(),
            ..self.target()
        }
    }

    /// Makes something go wrong.
    pub(super) fn fault(&self, method: &str, path: &str, kind: RegistryFaultKind) {
        self.registry
            .inject(RegistryFault::on_first_request(method, path, kind));
    }

    /// Makes it go wrong each time.
    pub(super) fn always(&self, method: &str, path: &str, kind: RegistryFaultKind) {
        self.registry
            .inject(RegistryFault::on_every_request(method, path, kind));
    }

    fn sources(&self, target: Option<Target>) -> Sources {
        let dir = self.dir.path().to_owned();
        Sources {
            engine_socket: Path::new("/nowhere").to_owned(),
            workspace: dir.clone(),
            temporary: dir,
            registry: target,
        }
    }

    /// An image of these layers, in a layout.
    pub(super) async fn image(&self, layers: &[&[u8]]) -> Source {
        let layout = Layout::new(self.path("out"));
        layout.index(&[("v1", layout.image("amd64", layers))]);
        self.found("oci:out:v1").await.unwrap()
    }

    /// An index of two platforms and an attestation, in a layout.
    pub(super) async fn index(&self) -> Source {
        let layout = Layout::new(self.path("out"));
        let mut attestation = layout.image("unknown", &[b"in-toto"]);
        attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        let children: [Value; 3] = [
            layout.image("amd64", &[b"shared", &vec![1; LARGE]]),
            layout.image("arm64", &[b"shared", b"two"]),
            attestation,
        ];
        let index = json!({"schemaVersion": 2, "x-new": true, "manifests": children});
        layout.index(&[(
            "v1",
            layout.put(OCI_INDEX, format!("{index:#}\n").as_bytes()),
        )]);
        self.found("oci:out:v1").await.unwrap()
    }

    pub(super) async fn found(&self, reference: &str) -> Result<Source, SourceError> {
        let report = self.report();
        find(&reference.parse().unwrap(), &self.sources(None), &report).await
    }

    /// The image that a reference of this registry's repository names, with or without a tag.
    pub(super) async fn remote(&self, name: &str) -> Result<Source, SourceError> {
        let (reference, report) = (
            format!("docker://127.0.0.1/{REPOSITORY}{name}"),
            self.report(),
        );
        find(
            &reference.parse().unwrap(),
            &self.sources(Some(self.target())),
            &report,
        )
        .await
    }

    pub(super) async fn push(&self, source: &Source, names: &[&str]) -> Result<Pushed, PushError> {
        self.push_to(&self.target(), source, names).await
    }

    pub(super) async fn push_to(
        &self,
        to: &Target,
        source: &Source,
        names: &[&str],
    ) -> Result<Pushed, PushError> {
        let (names, report) = (tags(names), self.report());
        push(
            source,
            to,
            PushOptions {
                tags: &names,
                ..PushOptions::default()
            },
            &report,
        )
        .await
    }

    /// Listens, and lets pauses pass at once: the clock is put forward by as much as is waited for.
    pub(super) fn report(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let seen = Arc::clone(&self.progress);
        move |progress| {
            if let Progress::Waiting { pause, .. } = &progress {
                drop(tokio::spawn(pass(*pause)));
            }
            seen.lock().unwrap().push(progress);
        }
    }

    pub(super) fn progress(&self) -> Vec<Progress> {
        self.progress.lock().unwrap().clone()
    }

    /// Why it was waited.
    pub(super) fn waited(&self) -> Vec<String> {
        self.progress()
            .into_iter()
            .filter_map(|progress| match progress {
                Progress::Waiting { reason, .. } => Some(reason),
                _ => None,
            })
            .collect()
    }

    /// What a tag of the repository names.
    pub(super) fn tagged(&self, tag: &str) -> Option<String> {
        self.registry.tag_digest(REPOSITORY, tag)
    }

    pub(super) fn count(&self, method: &str, path: &str) -> usize {
        self.registry.count_requests(method, path)
    }

    /// The requests to the host of the downloads.
    pub(super) fn downloads(&self) -> Vec<RegistryRequest> {
        self.registry
            .requests()
            .into_iter()
            .filter(|request| request.host == RegistryHost::Storage)
            .collect()
    }
}

thread_local! {
    /// Whether somebody is putting the clock of this test forward; its runtime has this thread
    /// only.
    static PASSING: Cell<bool> = const { Cell::new(false) };
}

/// Puts the clock of this runtime forward. Connections continue in real time: they are never what
/// is waited for here.
pub(super) async fn pass(time: Duration) {
    // The one who waits has to begin to do so.
    tokio::task::yield_now().await;
    while PASSING.replace(true) {
        tokio::task::yield_now().await;
    }
    let _paused = Paused::begin();
    tokio::time::advance(time + Duration::from_millis(2)).await;
}

/// A clock that is paused until this is dropped, also by a `select!` in the middle of it: else it
/// would for ever, and the next test that puts it forward would wait as long.
struct Paused;

impl Paused {
    fn begin() -> Self {
        tokio::time::pause();
        Self
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        tokio::time::resume();
        PASSING.set(false);
    }
}

/// The chain of an error, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

pub(super) fn digest_of(bytes: &[u8]) -> String {
    Digest::compute(bytes).to_string()
}
