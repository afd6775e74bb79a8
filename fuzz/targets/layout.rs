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

/// Writes a file below the folder; names that the system refuses are left out. Links are made, and
/// never followed: they may lead to files of the machine.
fn write(place: &Path, file: &File) {
    let name = Path::new(std::ffi::OsStr::from_bytes(&file.name));
    if name
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return;
    }
    let path = place.join(name);
    if !make_parents(place, name) {
        return;
    }
    if fs::symlink_metadata(&path).is_ok_and(|there| there.is_symlink()) {
        drop(fs::remove_file(&path));
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

/// Makes the folders above a name; false where one of them is something else, such as a link.
fn make_parents(place: &Path, name: &Path) -> bool {
    let mut folder = place.to_owned();
    for part in name.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        drop(fs::create_dir(&folder));
        if !fs::symlink_metadata(&folder).is_ok_and(|there| there.is_dir()) {
            return false;
        }
    }
    true
}
