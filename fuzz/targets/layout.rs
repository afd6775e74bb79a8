//! OCI layouts, with the manifests, indexes and configs in them.

#![no_main]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use ecs_bluegreen_fuzz::examine::examine;
use ecs_bluegreen_fuzz::files::{File, Kind, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let files = read(data);
    examine("oci:.", |place| {
        files.iter().for_each(|file| write(place, file))
    });
});

/// Writes a file below the folder; names that the system refuses are left out.
fn write(place: &Path, file: &File) {
    let name = Path::new(std::ffi::OsStr::from_bytes(&file.name));
    if name
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return;
    }
    let path = place.join(name);
    if let Some(parent) = path.parent() {
        drop(fs::create_dir_all(parent));
    }
    match &file.kind {
        Kind::Regular(_) => drop(fs::write(path, &file.content)),
        Kind::Symbolic(target) | Kind::Hard(target) => drop(std::os::unix::fs::symlink(
            std::ffi::OsStr::from_bytes(target),
            path,
        )),
        Kind::Directory => drop(fs::create_dir_all(path)),
    }
}
