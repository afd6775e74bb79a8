//! The sample application's versions as OCI layouts, written once for all stories: compressing them
//! takes a second each.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ecs_bluegreen_sim::world::oci::{ImageFile, SAMPLE_VERSIONS, SampleImage, write_layout_with};

use super::database;

/// Every test has a process of its own under nextest, so the layouts are kept on disk, by the
/// binary they were made of.
fn folder(binary: &Path) -> PathBuf {
    let about =
        std::fs::metadata(binary).expect("the sample application: cargo build --workspace --bins");
    let changed = about
        .modified()
        .expect("a time")
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "images-{}-{}",
        about.len(),
        changed.as_millis()
    ))
}

fn binary() -> PathBuf {
    let product = PathBuf::from(env!("CARGO_BIN_EXE_ecs-bluegreen"));
    product.with_file_name("sample-app")
}

/// What is in the files, for the name of the layout.
fn describe_files(files: &[ImageFile]) -> String {
    let mut hasher = DefaultHasher::new();
    for file in files {
        (&file.path, &file.content).hash(&mut hasher);
    }
    match files {
        [] => String::new(),
        _ => format!("-{:x}", hasher.finish()),
    }
}

/// What follows a version in the name of its image with the migrations.
pub(crate) const WITH_MIGRATIONS: &str = "-migrations";

/// The folder of a version's layout.
pub(crate) fn layout(version: &str) -> PathBuf {
    let (sample, files) = match version.strip_suffix(WITH_MIGRATIONS) {
        Some(sample) => (sample, database::migration_files()),
        None => (version, Vec::new()),
    };
    let (_, fault) = SAMPLE_VERSIONS
        .into_iter()
        .find(|(known, _)| *known == sample)
        .expect("a version of the sample application");
    let layouts = folder(&binary());
    let layout = layouts.join(format!("{version}{}", describe_files(&files)));
    if !layout.exists() {
        std::fs::create_dir_all(&layouts).expect("a folder");
        let partial = tempfile::tempdir_in(&layouts).expect("a folder");
        write_layout_with(
            &SampleImage {
                binary: binary(),
                version: version.to_owned(),
                fault,
            },
            &files,
            partial.path(),
        )
        .expect("a layout");
        if std::fs::rename(partial.path(), &layout).is_ok() {
            let _ = partial.keep(); // under its new name
        }
    }
    layout
}

/// A folder inside the workspace, as the build before this step leaves it; contents are shared
/// where the disk allows it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let copy = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            self::copy(&path, &copy);
        } else if std::fs::hard_link(&path, &copy).is_err() {
            std::fs::copy(&path, &copy).expect("a copy");
        }
    }
}
