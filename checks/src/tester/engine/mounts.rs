//! Where the workspace is on the engine's machine.
//!
//! The action's own process runs in a container in which the workspace is mounted; the engine needs
//! the host path of that mount. We get it by inspecting our own container. Outside of a container
//! the path is used as it is.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Engine, EngineError};

/// Where actions, and testers, find the workspace.
pub const WORKSPACE_MOUNT: &str = "/github/workspace";
/// The digits of a container's whole id, and of its short one, which is its host name unless it was
/// given another.
const LONG_ID_DIGITS: usize = 64;
const SHORT_ID_DIGITS: usize = 12;

/// What is known of the container that this process runs in, if it does.
#[derive(Debug, Clone, Default)]
pub struct OwnContainer {
    /// Ids that may be its own, the likeliest first.
    candidates: Vec<String>,
}

impl OwnContainer {
    /// Looks at what the kernel tells a process about itself.
    pub fn detect() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self::from_proc(
            &read("/proc/sys/kernel/hostname"),
            &read("/proc/self/mountinfo"),
            &read("/proc/self/cgroup"),
        )
    }

    /// With the first version of cgroups our path ends with the id; with the second one the files
    /// that the engine mounts (`/etc/hostname`) come from a folder of that name.
    fn from_proc(hostname: &str, mounts: &str, groups: &str) -> Self {
        let hostname = Some(hostname.trim())
            .filter(|name| is_id(name, SHORT_ID_DIGITS))
            .map(str::to_owned);
        let mut candidates: Vec<String> = find_ids(groups)
            .chain(find_ids(&own_mount_lines(mounts)))
            .chain(hostname)
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        candidates.retain(|id| seen.insert(id.clone()));
        Self { candidates }
    }
}

/// The lines of mounts that the engine makes for every container. Other mounts may name other
/// containers.
fn own_mount_lines(mounts: &str) -> String {
    let own = |line: &&str| {
        [" /etc/hostname ", " /etc/hosts ", " /etc/resolv.conf "]
            .iter()
            .any(|file| line.contains(file))
    };
    mounts.lines().filter(own).collect::<Vec<_>>().join("\n")
}

fn find_ids(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| is_id(word, LONG_ID_DIGITS))
        .map(str::to_owned)
}

fn is_id(word: &str, digits: usize) -> bool {
    word.len() == digits
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Engine {
    /// The path of `folder` on the engine's machine.
    pub async fn host_path(
        &self,
        folder: &Path,
        own: &OwnContainer,
    ) -> Result<PathBuf, EngineError> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        for id in &own.candidates {
            let described = self
                .inspect(
                    "describe this action's container",
                    &format!("containers/{id}/json"),
                )
                .await?;
            if let Some(host_path) =
                described.and_then(|container| find_mount_source(&container, &folder))
            {
                return Ok(host_path);
            }
        }
        Ok(folder)
    }
}

/// What is behind a folder of a container: of several mounts the one nearest to it counts.
fn find_mount_source(container: &Value, folder: &Path) -> Option<PathBuf> {
    let mounts = container["Mounts"].as_array()?.iter();
    let pairs = mounts
        .filter_map(|mount| Some((mount["Source"].as_str()?, mount["Destination"].as_str()?)));
    let enclosing = pairs
        .filter_map(|(source, target)| Some((source, target, folder.strip_prefix(target).ok()?)));
    let (source, _, rest) = enclosing.max_by_key(|(_, target, _)| target.len())?;
    // `join` with nothing would end the path with a slash.
    Some(if rest.as_os_str().is_empty() {
        source.into()
    } else {
        Path::new(source).join(rest)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "3f4e5d6c7b8a90123f4e5d6c7b8a90123f4e5d6c7b8a90123f4e5d6c7b8a9012";

    #[test]
    fn our_own_container_is_detected_from_the_files_in_proc() {
        let first = format!("12:memory:/docker/{ID}\n0::/\n");
        let nested = format!("1:name=systemd:/kubepods.slice/docker-{ID}.scope\n");
        let mounts = format!(
            "711 700 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n"
        );
        let other = format!(
            "9 1 0:1 /var/lib/docker/containers/{}/mounts/shm /mnt/x rw - tmpfs shm rw\n",
            ID.replace('3', "4")
        );
        let short = &ID[..12];
        let table = [
            (short, "", "0::/\n", vec![short]),
            ("my-host\n", mounts.as_str(), "0::/\n", vec![ID]),
            (short, &mounts, &first, vec![ID, short]),
            ("vm", "", &nested, vec![ID]),
            ("vm", &other, "0::/user.slice\n", vec![]),
            ("deadbeefcafe0", "", "", vec![]),
        ];
        for (hostname, mounts, groups, expected) in table {
            assert_eq!(
                OwnContainer::from_proc(hostname, mounts, groups).candidates,
                expected,
                "{hostname} {mounts} {groups}"
            );
        }
    }

    #[test]
    fn the_path_behind_the_nearest_mount_is_the_workspace_s() {
        let container = json!({ "Mounts": [
            { "Type": "bind", "Source": "/home/runner/work/_temp/_github_home", "Destination": "/github/home" },
            { "Type": "bind", "Source": "/home/runner/work/api/api", "Destination": "/github/workspace" },
            { "Type": "volume", "Source": "/var/lib/docker/volumes/x/_data", "Destination": "/github" },
        ] });
        let table = [
            ("/github/workspace", Some("/home/runner/work/api/api")),
            (
                "/github/workspace/services/a",
                Some("/home/runner/work/api/api/services/a"),
            ),
            (
                "/github/other",
                Some("/var/lib/docker/volumes/x/_data/other"),
            ),
            ("/somewhere", None),
        ];
        for (folder, expected) in table {
            assert_eq!(
                find_mount_source(&container, Path::new(folder)),
                expected.map(PathBuf::from),
                "{folder}"
            );
        }
        assert_eq!(find_mount_source(&json!({}), Path::new("/a")), None);
    }
}
