//! A task: one container of an image, really running.

mod docker;
mod guard;
mod launcher;
mod logs;
mod ports;
mod process;

pub(super) use launcher::Launcher;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::watch;

use super::imaginary::Imaginary;
use docker::Docker;
use logs::Logs;
use process::Process;

/// What a task runs.
#[derive(Debug, Clone)]
pub struct TaskSpec {
    /// A name that is unique in the world, for logs and for the engine.
    pub id: String,
    /// The revision it belongs to, which an imaginary task answers with.
    pub revision: String,
    /// The image as the task definition has it: `HOST/repository@sha256:…` or
    /// `HOST/repository:tag`.
    pub image: String,
    /// The container's environment; wins over the image's.
    pub environment: Vec<(String, String)>,
    /// Replaces the image's `Cmd`.
    pub command: Option<Vec<String>>,
    /// The container's port; 0 for a task that serves nothing. A process task is given another,
    /// free one as `PORT`.
    pub port: u16,
}

#[derive(Debug)]
enum TaskBackend {
    Process(Process),
    Container {
        docker: Docker,
        name: String,
    },
    Imagined {
        among: Arc<Imaginary>,
        exit: watch::Sender<Option<i32>>,
    },
}

#[derive(Debug)]
struct Task {
    backend: TaskBackend,
    address: Option<SocketAddr>,
    logs: Logs,
    exit: watch::Receiver<Option<i32>>,
    stop_timeout: Duration,
}

/// A started task. Cheap to clone; dropping it does not stop the task, dropping the world does.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    task: Arc<Task>,
}

impl TaskHandle {
    /// Where the task's port is reached; none for a task without a port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.task.address
    }

    /// The exit code, once it has ended; 128 + signal when a signal ended it, −1 when the engine
    /// lost it.
    #[expect(
        clippy::unused_async,
        reason = "agreed with the callers, who may not rely on it being immediate"
    )]
    pub async fn exit_code(&self) -> Option<i32> {
        *self.task.exit.borrow()
    }

    /// SIGTERM, and SIGKILL when that does not help in time. Returns when the task has ended.
    pub async fn stop(&self) {
        if self.exit_code().await.is_none() {
            self.request_stop().await;
        }
        if let TaskBackend::Container { docker, name } = &self.task.backend {
            docker.remove(name).await;
        }
    }

    async fn request_stop(&self) {
        match &self.task.backend {
            TaskBackend::Process(process) => {
                // One that hangs would not notice it.
                process.signal(Signal::TERM);
                process.signal(Signal::CONT);
                if tokio::time::timeout(self.task.stop_timeout, self.wait_until_exited())
                    .await
                    .is_err()
                {
                    process.signal(Signal::KILL);
                }
            }
            TaskBackend::Container { docker, name } => {
                docker.stop(name, self.task.stop_timeout).await;
            }
            TaskBackend::Imagined { among, exit } => {
                self.task
                    .address
                    .into_iter()
                    .for_each(|address| among.remove_task(address));
                exit.send_replace(Some(0));
            }
        }
        self.wait_until_exited().await;
    }

    /// Waits until it has ended; an engine that is gone counts.
    async fn wait_until_exited(&self) {
        let _ = self.task.exit.clone().wait_for(Option::is_some).await;
    }

    /// It ends at once, as a process does that is killed.
    pub(crate) fn crash(&self) {
        if self.task.exit.borrow().is_some() {
            return;
        }
        match &self.task.backend {
            TaskBackend::Process(process) => process.signal(Signal::KILL),
            TaskBackend::Container { docker, name } => {
                let (docker, name) = (docker.clone(), name.clone());
                tokio::spawn(async move { docker.stop(&name, Duration::ZERO).await });
            }
            TaskBackend::Imagined { among, exit } => {
                self.task
                    .address
                    .into_iter()
                    .for_each(|address| among.remove_task(address));
                exit.send_replace(Some(128 + 9));
            }
        }
    }

    /// It keeps running but does nothing any more.
    pub(crate) fn hang(&self) {
        if let (TaskBackend::Process(process), None) =
            (&self.task.backend, *self.task.exit.borrow())
        {
            process.signal(Signal::STOP);
        }
    }

    /// At once and without waiting, for the end of the world.
    fn kill(&self) {
        if let (TaskBackend::Process(process), None) =
            (&self.task.backend, *self.task.exit.borrow())
        {
            process.signal(Signal::KILL);
        }
    }

    /// The last lines of stdout and stderr, oldest first, with the time of each in milliseconds
    /// since the epoch.
    pub fn logs(&self, last: usize) -> Vec<(i64, String)> {
        self.task.logs.last_lines(last)
    }
}
