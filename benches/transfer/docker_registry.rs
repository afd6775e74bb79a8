//! Debian's docker-registry with a log of its requests, on a free port and an empty folder.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Result;

/// Room that the images and what the registries keep of them take.
const REQUIRED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Memory, where there is enough of it: a disk would be measured instead of the programs.
pub(super) fn fast_folder(otherwise: &Path) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |room| room.f_bavail * room.f_frsize);
    if free > REQUIRED_BYTES {
        memory.to_owned()
    } else {
        otherwise.to_owned()
    }
}

/// A registry; dropping it ends it and removes what it keeps.
pub(super) struct Registry {
    process: Child,
    folder: tempfile::TempDir,
    pub(super) port: u16,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = serde_json::json!({
            "version": "0.1", "log": {"level": "error"}, "http": {"addr": format!("127.0.0.1:{port}")},
            "storage": {"filesystem": {"rootdirectory": folder.path().join("storage")}},
        });
        let path = folder.path().join("config.yml");
        fs::write(&path, config.to_string())?;
        let mut serve = Command::new("docker-registry");
        serve
            .arg("serve")
            .arg(&path)
            .stdout(File::create(folder.path().join("requests"))?)
            .stderr(Stdio::null());
        let registry = Self {
            process: serve.spawn()?,
            folder,
            port,
        };
        registry.wait()?;
        Ok(registry)
    }

    fn wait(&self) -> io::Result<()> {
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::other("docker-registry does not listen"))
    }

    /// How many requests it has answered; its log has a line for each.
    pub(super) fn requests(&self) -> io::Result<usize> {
        Ok(fs::read_to_string(self.folder.path().join("requests"))?
            .lines()
            .count())
    }

    /// A reference to an image of it.
    pub(super) fn image(&self, name: &str) -> String {
        format!("docker://127.0.0.1:{}/{name}", self.port)
    }
}
