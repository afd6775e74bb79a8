//! The configuration of a tester's container. Pure.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use url::{Host, Url};

use super::mounts::WORKSPACE_MOUNT;

/// Chromium keeps its pages in shared memory and crashes in Docker's 64 MiB; what is not used costs
/// nothing.
const SHARED_MEMORY: u64 = 1 << 30;
/// `max-size` of the container's log, so that it cannot fill the runner's disk.
const MAX_LOG_SIZE: &str = "256m";

/// The configuration of a container.
#[derive(Debug, Clone)]
pub struct ContainerConfig<'a> {
    /// The image.
    pub image: &'a str,
    /// The command; empty for the image's.
    pub command: &'a [String],
    /// The environment, with its secrets.
    pub environment: &'a [(String, String)],
    /// The workspace's path on the engine's machine.
    pub workspace: &'a Path,
    /// Folders of the workspace that it may write to, and where the engine's machine has them;
    /// none: it may write to all of it.
    pub writable: Option<&'a [(String, PathBuf)]>,
    /// Bytes of memory, and processes, that it may have.
    pub limits: (u64, u32),
    /// The folder of the workspace in which it runs.
    pub working_directory: Option<&'a str>,
    /// The network; the engine's default when absent.
    pub network: Option<&'a str>,
    /// The run's id, by which people find containers that were left behind.
    pub run: &'a str,
}

impl ContainerConfig<'_> {
    /// The body of the create request. The container gets no rights that a plain `docker run` would
    /// not have, and may not gain any.
    pub(super) fn to_json(&self) -> Value {
        let environment: Vec<String> = self
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let working_directory = self.working_directory.map_or_else(
            || WORKSPACE_MOUNT.to_owned(),
            |folder| format!("{WORKSPACE_MOUNT}/{folder}"),
        );
        let (memory, processes) = self.limits;
        let mut body = json!({
            "Image": self.image,
            "Env": environment,
            "WorkingDir": working_directory,
            "Labels": { "ecs-bluegreen.run": self.run },
            "HostConfig": {
                // As a mount and not as a bind: a folder that the engine's machine does not have is
                // refused, not made.
                "Mounts": self.build_mounts(),
                "Memory": memory,
                // No swap besides.
                "MemorySwap": memory,
                "PidsLimit": processes,
                "SecurityOpt": ["no-new-privileges"],
                "ShmSize": SHARED_MEMORY,
                // Exit code and log are read after its end.
                "AutoRemove": false,
                // The machine's own driver might be one that cannot be read back.
                "LogConfig": { "Type": "json-file", "Config": { "max-size": MAX_LOG_SIZE, "max-file": "1" } },
            },
        });
        if !self.command.is_empty() {
            body["Cmd"] = json!(self.command);
        }
        if let Some(network) = self.network {
            body["HostConfig"]["NetworkMode"] = json!(network);
        }
        body
    }

    /// The workspace, which is for reading, and over it the folders that are for writing, too.
    fn build_mounts(&self) -> Vec<Value> {
        let folders = self.writable.unwrap_or_default();
        let folders =
            folders.iter().map(|(folder, source)| json!({ "Type": "bind", "Source": source, "Target": format!("{WORKSPACE_MOUNT}/{folder}") }));
        let workspace = json!({ "Type": "bind", "Source": self.workspace, "Target": WORKSPACE_MOUNT, "ReadOnly": self.writable.is_some() });
        std::iter::once(workspace).chain(folders).collect()
    }
}

/// The network of the container: the given one, or `host` if the URL is of localhost.
pub fn choose_network<'a>(given: Option<&'a str>, base: &Url) -> Option<&'a str> {
    let is_local = match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    given.or(is_local.then_some("host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_the_workspace_and_no_rights_of_its_own() {
        let (command, environment) = (
            ["--test".to_owned()],
            [("BASE_URL".to_owned(), "https://a".to_owned())],
        );
        let config = ContainerConfig {
            image: "hurl:1",
            command: &command,
            environment: &environment,
            workspace: Path::new("/home/runner/work/a/a"),
            writable: Some(&[("reports".to_owned(), "/home/runner/work/a/a/reports".into())]),
            limits: (1 << 30, 100),
            working_directory: Some("e2e"),
            network: None,
            run: "1-1",
        };
        let body = config.to_json();
        assert_eq!(body["WorkingDir"], "/github/workspace/e2e");
        assert_eq!(
            body["HostConfig"]["Mounts"][0]["Source"],
            "/home/runner/work/a/a"
        );
        assert_eq!(body["HostConfig"]["Mounts"][0]["ReadOnly"], true);
        let reports = &body["HostConfig"]["Mounts"][1];
        assert_eq!(
            (&reports["Target"], reports.get("ReadOnly")),
            (&json!("/github/workspace/reports"), None)
        );
        assert_eq!(
            (
                &body["HostConfig"]["Memory"],
                &body["HostConfig"]["PidsLimit"]
            ),
            (&json!(1 << 30), &json!(100))
        );
        assert!(
            body["HostConfig"].get("Privileged").is_none()
                && body["HostConfig"].get("NetworkMode").is_none()
        );
        let plain = ContainerConfig {
            command: &[],
            network: Some("host"),
            writable: None,
            ..config
        }
        .to_json();
        assert_eq!(plain["HostConfig"]["Mounts"][0]["ReadOnly"], false);
        assert!(plain.get("Cmd").is_none() && plain["HostConfig"]["NetworkMode"] == "host");
    }

    #[test]
    fn only_a_url_of_the_machine_itself_needs_its_network() {
        let table = [
            ("https://api.example.com:8443", None, None),
            ("http://127.0.0.1:8080", None, Some("host")),
            ("http://[::1]:8080", None, Some("host")),
            ("http://localhost", None, Some("host")),
            ("http://localhost", Some("own"), Some("own")),
            ("http://10.0.0.7", None, None),
        ];
        for (url, given, expected) in table {
            assert_eq!(
                choose_network(given, &Url::parse(url).unwrap()),
                expected,
                "{url}"
            );
        }
    }
}
