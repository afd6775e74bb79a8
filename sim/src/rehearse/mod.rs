//! A rehearsal: the real action deploys the sample application on a stage, while users are served.
//!
//! [`play`] plays the scenarios of [`scenario`] with the service of a [`strategy`], and [`verdict`]
//! checks the results. [`job`] starts the action as the GitHub runner does, [`viewer`] shows its
//! log as GitHub does, [`screen`], [`terminal`], [`table`] and [`page`] show what came of it.
//! [`sample`], [`images`] and [`job`] serve the measurements in `benches/` too.

pub mod images;
pub mod job;
pub mod mode;
pub mod page;
pub mod play;
pub mod sample;
pub mod scenario;
pub mod screen;
pub mod strategy;
pub mod table;
pub mod terminal;
pub mod verdict;
pub mod viewer;

use std::io;
use std::path::PathBuf;

/// The programs that were built beside this one, and where their results belong.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Path of the action's binary.
    pub action: PathBuf,
    /// Path of the sample application's binary.
    pub sample: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Programs {
    /// Looks beside the program that runs.
    ///
    /// # Errors
    /// They are not there: this program was started alone, without the workspace's other binaries.
    pub fn locate() -> io::Result<Self> {
        let this = std::env::current_exe()?;
        let parent =
            |path: &std::path::Path| path.parent().map(ToOwned::to_owned).unwrap_or_default();
        let (profile, target) = (parent(&this), parent(&parent(&parent(&this))));
        let programs = Self {
            action: profile.join("ecs-bluegreen"),
            sample: profile.join("sample-app"),
            target,
        };
        let missing = [&programs.action, &programs.sample]
            .into_iter()
            .find(|program| !program.is_file())
            .cloned();
        match missing {
            None => Ok(programs),
            Some(missing) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is not built: run `make rehearse`", missing.display()),
            )),
        }
    }
}
