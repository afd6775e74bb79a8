//! A real registry, a layout to push, and a second pair of eyes (skopeo).

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use ecs_bluegreen::registry::{
    Credentials, Digest, ImageReference, Progress, PushError, PushOptions, Pushed, Source,
    SourceError, Sources, Tag, Target, Transport, find, push,
};
use ecs_bluegreen::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Debian's docker-registry on a free port, gone when dropped.
pub(super) struct Bench {
    process: Child,
    pub(super) port: u16,
    pub(super) dir: TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        // A second installation by another test is no failure.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = json!({
            "version": "0.1", "log": {"level": "error"}, "http": {"addr": format!("127.0.0.1:{port}")},
            "storage": {"filesystem": {"rootdirectory": dir.path().join("registry")}},
        });
        fs::write(dir.path().join("config.yml"), config.to_string()).unwrap();
        let mut serve = Command::new("docker-registry");
        serve
            .arg("serve")
            .arg(dir.path().join("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = serve.spawn().expect("docker-registry is installed");
        let bench = Self { process, port, dir };
        bench.wait();
        bench
    }

    fn wait(&self) {
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("docker-registry does not listen");
    }

    pub(super) fn target(&self) -> Target {
        target(self.port)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) async fn find(&self, reference: &str) -> Result<Source, SourceError> {
        let reference: ImageReference = reference.parse().unwrap();
        find(
            &reference,
            &self.sources(Path::new("/var/run/docker.sock")),
            &|_| {},
        )
        .await
    }

    pub(super) fn sources(&self, engine_socket: &Path) -> Sources {
        Sources {
            engine_socket: engine_socket.to_owned(),
            workspace: self.dir.path().to_owned(),
            temporary: self.dir.path().to_owned(),
            registry: Some(self.target()),
        }
    }

    /// What skopeo reads from the registry.
    pub(super) fn skopeo(&self, arguments: &[&str], reference: &str) -> Vec<u8> {
        let image = format!("docker://127.0.0.1:{}/{reference}", self.port);
        output(
            Command::new("skopeo")
                .arg("inspect")
                .arg("--tls-verify=false")
                .args(arguments)
                .arg(image),
        )
    }

    pub(super) fn digest_at(&self, reference: &str) -> String {
        Digest::compute(&self.skopeo(&["--raw"], reference)).to_string()
    }

    /// Whether the registry has a manifest under this name.
    pub(super) fn has(&self, reference: &str) -> bool {
        let image = format!("docker://127.0.0.1:{}/{reference}", self.port);
        let mut command = Command::new("skopeo");
        command
            .args(["inspect", "--tls-verify=false", "--raw"])
            .arg(image)
            .output()
            .unwrap()
            .status
            .success()
    }
}

/// The repository that all tests push to, at a port of this machine.
pub(super) fn target(port: u16) -> Target {
    Target {
        endpoint: format!("http://127.0.0.1:{port}").parse().unwrap(),
        repository: "team/api".to_owned(),
        credentials: Some(Credentials {
            user: "AWS".to_owned(),
            password: Secret::new("canary"),
        }),
        renewal: None,
        transport: Transport::new().unwrap(),
    }
}

pub(super) fn tags(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Pushes, and gives what came of it with its progress.
pub(super) async fn pushed(
    source: &Source,
    target: &Target,
    names: &[&str],
) -> (Result<Pushed, PushError>, Vec<Progress>) {
    let seen = Mutex::new(Vec::new());
    let (names, report) = (tags(names), |progress| seen.lock().unwrap().push(progress));
    // A transfer may be given to another thread; this would not compile otherwise.
    let transfer: Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(push(
        source,
        target,
        PushOptions {
            tags: &names,
            ..PushOptions::default()
        },
        &report,
    ));
    let result = transfer.await;
    (result, seen.into_inner().unwrap())
}

pub(super) fn output(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    done.stdout
}

/// An OCI layout that is written by hand, so that tests know every byte of it.
pub(super) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(super) fn new(dir: PathBuf) -> Self {
        fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { dir }
    }

    pub(super) fn blob(&self, content: &[u8]) -> PathBuf {
        self.dir
            .join("blobs/sha256")
            .join(Digest::compute(content).hex())
    }

    pub(super) fn put(&self, media_type: &str, content: &[u8]) -> Value {
        fs::write(self.blob(content), content).unwrap();
        json!({"mediaType": media_type, "digest": Digest::compute(content), "size": content.len()})
    }

    pub(super) fn image(&self, architecture: &str, layers: &[&[u8]]) -> Value {
        self.image_of(architecture, &[], layers)
    }

    /// An image whose config names its layers by their uncompressed content.
    pub(super) fn image_of(&self, architecture: &str, plain: &[&[u8]], layers: &[&[u8]]) -> Value {
        let diff_ids: Vec<Digest> = plain.iter().map(|layer| Digest::compute(layer)).collect();
        let config = json!({"os": "linux", "architecture": architecture, "config": {"Labels": {"who": "us"}}, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = self.put(OCI_CONFIG, config.to_string().as_bytes());
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| self.put(OCI_LAYER, layer))
            .collect();
        // A field that nobody knows, and spaces: bytes must survive.
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "x-new": [1, 2], "config": config, "layers": layers});
        let mut image = self.put(OCI_MANIFEST, format!(" {manifest:#}\n").as_bytes());
        image["platform"] = json!({"os": "linux", "architecture": architecture});
        image
    }

    pub(super) fn index(&self, images: &[(&str, Value)]) {
        let named = |(name, image): &(&str, Value)| {
            let mut image = image.clone();
            image["annotations"] = json!({"org.opencontainers.image.ref.name": name});
            image
        };
        let manifests: Vec<Value> = images.iter().map(named).collect();
        fs::write(
            self.dir.join("index.json"),
            json!({"schemaVersion": 2, "manifests": manifests}).to_string(),
        )
        .unwrap();
    }
}
