//! Starts tasks with the engine that was chosen, and remembers them until the end. Its errors read
//! as ECS's stopped reasons do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::watch;

use super::docker::{ContainerSpec, Docker};
use super::guard::Guard;
use super::logs::Logs;
use super::process::Process;
use super::{Task, TaskBackend, TaskHandle, TaskSpec, ports};
use crate::world::image::Images;
use crate::world::image::reference::ImageReference;
use crate::world::imaginary::{Imaginary, planned_exit_code};
use crate::world::options::{Engine, WorldOptions};
use crate::world::registry::access::USER;

/// Starts tasks. Dropping it kills them.
#[derive(Debug)]
pub(in crate::world) struct Launcher {
    engine: Engine,
    images: Images,
    docker: Docker,
    imaginary: Arc<Imaginary>,
    /// The registry's `127.0.0.1:PORT`.
    registry: String,
    stop_timeout: Duration,
    started: Mutex<Vec<TaskHandle>>,
    pulled: Mutex<Vec<String>>,
    _guard: Guard,
}

impl Launcher {
    /// `folder` is the world's own, and its name is the world's.
    pub(in crate::world) fn new(
        options: &WorldOptions,
        images: Images,
        imaginary: Arc<Imaginary>,
        registry: &str,
        folder: &Path,
    ) -> io::Result<Self> {
        let world = folder
            .file_name()
            .map(|name| name.to_string_lossy().trim_start_matches('.').to_owned())
            .unwrap_or_default();
        let config = folder.join("docker-config");
        std::fs::create_dir(&config)?;
        if let Some(password) = &options.registry_password {
            let access = STANDARD.encode(format!("{USER}:{password}"));
            std::fs::write(
                config.join("config.json"),
                json!({ "auths": { registry: { "auth": access } } }).to_string(),
            )?;
        }
        let docker = Docker::new(&world, &config);
        let guard = Guard::spawn(
            folder,
            (options.engine == Engine::Docker).then(|| docker.label()),
        )?;
        Ok(Self {
            engine: options.engine,
            images,
            docker,
            imaginary,
            registry: registry.to_owned(),
            stop_timeout: options.stop_timeout,
            started: Mutex::default(),
            pulled: Mutex::default(),
            _guard: guard,
        })
    }

    pub(in crate::world) async fn start(&self, spec: TaskSpec) -> Result<TaskHandle, String> {
        let handle = match self.engine {
            Engine::Process => self.start_process(&spec, &self.parse_image(&spec)?).await?,
            Engine::Docker => {
                self.start_container(&spec, &self.parse_image(&spec)?)
                    .await?
            }
            Engine::Imaginary(after) => self.start_imaginary(&spec, after).await,
        };
        self.started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(handle.clone());
        Ok(handle)
    }

    fn parse_image(&self, spec: &TaskSpec) -> Result<ImageReference, String> {
        let image = ImageReference::parse(&spec.image).ok_or_else(|| {
            format!(
                "CannotPullContainerError: invalid reference format: {}",
                spec.image
            )
        })?;
        if self.is_own_registry(&image.host) {
            Ok(image)
        } else {
            Err(format!(
                "CannotPullContainerError: {}: the stage has no route to {}",
                spec.image, image.host
            ))
        }
    }

    /// The world's registry, by whatever address its users reach it, or under the name that ECR
    /// would have.
    fn is_own_registry(&self, host: &str) -> bool {
        let port = self.registry.rsplit_once(':').map(|(_, port)| port);
        host.ends_with(".amazonaws.com")
            || host == self.registry
            || host.rsplit_once(':').map(|(_, port)| port) == port
    }

    async fn start_process(
        &self,
        spec: &TaskSpec,
        image: &ImageReference,
    ) -> Result<TaskHandle, String> {
        let unpacked = self
            .images
            .unpack(image)
            .await
            .map_err(|error| cannot_pull(&spec.image, &error))?;
        let port = free_port(spec)?;
        let mut environment = spec.environment.clone();
        if let Some(port) = port {
            environment.retain(|(name, _)| name != "PORT");
            environment.push(("PORT".to_owned(), port.to_string()));
        }
        let (command_line, environment) = (
            unpacked.config.command_line(spec.command.as_deref()),
            unpacked.config.environment(&environment),
        );
        let (logs, (sender, exit)) = (Logs::default(), watch::channel(None));
        let process = Process::start(&unpacked, &command_line, &environment, &logs, sender)
            .map_err(|error| cannot_start(&error))?;
        Ok(self.new_handle(TaskBackend::Process(process), port, logs, exit))
    }

    async fn start_container(
        &self,
        spec: &TaskSpec,
        image: &ImageReference,
    ) -> Result<TaskHandle, String> {
        let local = image.with_host(&self.registry);
        self.docker
            .pull(&local)
            .await
            .map_err(|error| cannot_pull(&spec.image, &error))?;
        self.pulled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(local.clone());
        let port = free_port(spec)?;
        let run = ContainerSpec {
            name: spec
                .id
                .chars()
                .map(|letter| {
                    if letter.is_ascii_alphanumeric() {
                        letter
                    } else {
                        '-'
                    }
                })
                .collect(),
            image: &local,
            environment: &spec.environment,
            command: spec.command.as_deref().unwrap_or_default(),
            ports: port.map(|port| (port, spec.port)),
        };
        let (logs, (sender, exit)) = (Logs::default(), watch::channel(None));
        self.docker
            .run(&run, &logs, sender)
            .await
            .map_err(|error| cannot_start(&error))?;
        Ok(self.new_handle(
            TaskBackend::Container {
                docker: self.docker.clone(),
                name: run.name,
            },
            port,
            logs,
            exit,
        ))
    }

    async fn start_imaginary(&self, spec: &TaskSpec, after: Duration) -> TaskHandle {
        tokio::time::sleep(after).await;
        let (sender, exit) = watch::channel(None);
        let address = self.imaginary.add_task(spec);
        if let Some(code) = planned_exit_code(spec) {
            let sender = sender.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                // One that was stopped meanwhile has ended.
                sender.send_if_modified(|exit| exit.is_none() && exit.replace(code).is_none());
            });
        }
        let runs = TaskBackend::Imagined {
            among: Arc::clone(&self.imaginary),
            exit: sender,
        };
        TaskHandle {
            task: Arc::new(Task {
                backend: runs,
                address: Some(address),
                logs: Logs::default(),
                exit,
                stop_timeout: self.stop_timeout,
            }),
        }
    }

    fn new_handle(
        &self,
        runs: TaskBackend,
        port: Option<u16>,
        logs: Logs,
        exit: watch::Receiver<Option<i32>>,
    ) -> TaskHandle {
        let address = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        TaskHandle {
            task: Arc::new(Task {
                backend: runs,
                address,
                logs,
                exit,
                stop_timeout: self.stop_timeout,
            }),
        }
    }

    /// Stops every task, all at the same time.
    pub(in crate::world) async fn stop_all(&self) {
        let started =
            std::mem::take(&mut *self.started.lock().unwrap_or_else(PoisonError::into_inner));
        let mut stopping = tokio::task::JoinSet::new();
        for handle in started {
            stopping.spawn(async move { handle.stop().await });
        }
        while stopping.join_next().await.is_some() {}
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.started
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .for_each(TaskHandle::kill);
        if self.engine == Engine::Docker {
            self.docker.remove_all(
                self.pulled
                    .get_mut()
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }
}

/// The port on this machine, for a task that has one.
fn free_port(spec: &TaskSpec) -> Result<Option<u16>, String> {
    (spec.port != 0)
        .then(ports::find_free)
        .transpose()
        .map_err(|error| cannot_start(&error))
}

fn cannot_pull(image: &str, error: &io::Error) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {error}"
    )
}

fn cannot_start(error: &io::Error) -> String {
    format!("CannotStartContainerError: {error}")
}
