//! The sample application's images: as OCI layouts, or built by the Docker engine as a user's
//! workflow would.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::mode::RehearsalMode;
use crate::world::oci::{SAMPLE_VERSIONS, SampleFault, SampleImage, write_layout};

/// What a user's repository would hold.
const DOCKERFILE: &str = include_str!("../../../examples/app/Dockerfile");

/// Makes images in a folder.
#[derive(Debug)]
pub struct Images {
    binary: PathBuf,
    folder: PathBuf,
}

impl Images {
    /// Images of this binary; what is made stays in the folder.
    pub fn new(binary: &Path, folder: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// An OCI layout of a version, in a folder of that name.
    ///
    /// # Errors
    /// The binary cannot be read, or the layout not be written.
    pub fn build_layout(&self, version: &str) -> io::Result<PathBuf> {
        let layout = self.folder.join(version);
        self.write(version, &layout)?;
        Ok(layout)
    }

    fn write(&self, version: &str, layout: &Path) -> io::Result<()> {
        fs::create_dir_all(layout)?;
        let image = SampleImage {
            binary: self.binary.clone(),
            version: version.to_owned(),
            fault: version_fault(version),
        };
        write_layout(&image, layout).map(drop)
    }

    /// `docker build`, without pulling anything: the image has nothing but the binary.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn build(&self, version: &str, name: &str) -> io::Result<()> {
        let context = self.folder.join("context");
        fs::create_dir_all(&context)?;
        fs::copy(&self.binary, context.join("sample-app"))?;
        fs::write(context.join("Dockerfile"), DOCKERFILE)?;
        let (version, fault) = (
            format!("VERSION={version}"),
            format!("FAULT={}", version_fault(version).as_str()),
        );
        run_docker(&[
            "build",
            "--quiet",
            "--build-arg",
            &version,
            "--build-arg",
            &fault,
            "--tag",
            name,
            &context.to_string_lossy(),
        ])
        .await
    }

    /// The input `image` of a version, which is made for it as a workflow's build step would: in
    /// the engine, or in the workspace.
    ///
    /// # Errors
    /// The image cannot be made.
    pub async fn build_input(
        &self,
        mode: RehearsalMode,
        version: &str,
        workspace: &Path,
    ) -> io::Result<String> {
        match mode {
            RehearsalMode::Process => {
                self.write(version, &workspace.join("build/image"))?;
                Ok("oci:build/image".to_owned())
            }
            RehearsalMode::Docker => {
                let name = format!("sample-app:{version}");
                self.build(version, &name).await?;
                Ok(name)
            }
        }
    }
}

/// Removes images from the Docker engine; those that are not there are none to remove.
pub async fn remove_images(names: &[String]) {
    for name in names {
        let _ = run_docker(&["rmi", name]).await;
    }
}

fn version_fault(version: &str) -> SampleFault {
    SAMPLE_VERSIONS
        .iter()
        .find(|(known, _)| *known == version)
        .map_or(SampleFault::None, |(_, fault)| *fault)
}

async fn run_docker(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}
