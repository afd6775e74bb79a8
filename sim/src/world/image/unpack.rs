//! Unpacks an image's layers into a folder, and nowhere else: nothing is written or removed
//! outside, whatever a layer says.
//!
//! Devices and pipes are left out, owners and set-uid bits are not kept: the files are for a
//! process, not for a container.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Applies one layer, a tar that may be gzipped.
pub(crate) fn apply_layer(blob: &Path, root: &Path) -> io::Result<()> {
    let mut magic = [0_u8; 4];
    let length = File::open(blob)?.read(&mut magic)?;
    let file = BufReader::new(File::open(blob)?);
    match magic.get(..length).unwrap_or_default() {
        [0x1f, 0x8b, ..] => unpack_archive(MultiGzDecoder::new(file), root),
        [0x28, 0xb5, 0x2f, 0xfd] => Err(invalid_data(
            "zstd layers are not supported by process tasks",
        )),
        _ => unpack_archive(file, root),
    }
}

fn unpack_archive(tar: impl Read, root: &Path) -> io::Result<()> {
    let mut archive = Archive::new(tar);
    archive.set_preserve_mtime(false);
    for entry in archive.entries()? {
        unpack_entry(&mut entry?, root)?;
    }
    Ok(())
}

fn unpack_entry(entry: &mut Entry<'_, impl Read>, root: &Path) -> io::Result<()> {
    let Some(path) = relative_path(&entry.path()?)? else {
        return Ok(());
    };
    let target = root.join(&path);
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if let Some(hidden) = name.strip_prefix(WHITEOUT) {
        let Some(folder) = resolve_parent(&target, root)? else {
            return Ok(());
        };
        return if name == OPAQUE {
            remove_contents(&folder)
        } else {
            remove(&folder.join(check_name(hidden)?))
        };
    }
    match entry.header().entry_type() {
        EntryType::Directory => {}
        EntryType::Regular
        | EntryType::Continuous
        | EntryType::GNUSparse
        | EntryType::Symlink
        | EntryType::Link => {
            if let Some(folder) = resolve_parent(&target, root)? {
                remove(&folder.join(name))?;
            }
        }
        _ => return Ok(()),
    }
    // `unpack_in` refuses to follow links out of the root, for the entry itself and for what a hard
    // link points at.
    if entry.unpack_in(root)? {
        Ok(())
    } else {
        Err(invalid_data(&format!(
            "{} leaves the image",
            path.display()
        )))
    }
}

/// The entry's path relative to the root; none for the root itself. A path that climbs is refused
/// rather than mended.
fn relative_path(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(invalid_data(&format!(
                    "{} leaves the image",
                    path.display()
                )));
            }
        }
    }
    Ok((!clean.as_os_str().is_empty()).then_some(clean))
}

/// The folder of a path, with links followed; none when it does not exist, an error when it is not
/// in the root.
fn resolve_parent(target: &Path, root: &Path) -> io::Result<Option<PathBuf>> {
    let Some(Ok(folder)) = target.parent().map(fs::canonicalize) else {
        return Ok(None);
    };
    if folder.starts_with(fs::canonicalize(root)?) {
        Ok(Some(folder))
    } else {
        Err(invalid_data(&format!(
            "{} leaves the image",
            target.display()
        )))
    }
}

fn check_name(name: &str) -> io::Result<&str> {
    if matches!(name, "" | "." | "..") {
        Err(invalid_data("a whiteout without a name"))
    } else {
        Ok(name)
    }
}

fn remove_contents(folder: &Path) -> io::Result<()> {
    fs::read_dir(folder)?.try_for_each(|entry| remove(&entry?.path()))
}

/// Removes what is at a path; a link itself, not its target.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn invalid_data(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    enum Item<'a> {
        File(&'a str, &'a str),
        Symlink(&'a str, &'a str),
        HardLink(&'a str, &'a str),
    }
    use Item::{File as Plain, HardLink, Symlink};

    /// A tar whose names are written raw: the builder itself would refuse the dangerous ones.
    fn tar_of(items: &[Item<'_>]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for item in items {
            let (kind, name, link, content) = match item {
                Plain(name, content) => (EntryType::Regular, name, "", *content),
                Symlink(name, link) => (EntryType::Symlink, name, *link, ""),
                HardLink(name, link) => (EntryType::Link, name, *link, ""),
            };
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(0o755);
            header.set_size(content.len() as u64);
            let raw = header.as_gnu_mut().expect("gnu");
            raw.name[..name.len()].copy_from_slice(name.as_bytes());
            raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_cksum();
            builder
                .append(&header, content.as_bytes())
                .expect("in memory");
        }
        builder.into_inner().expect("in memory")
    }

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join("root")).expect("a root");
            fs::create_dir(folder.path().join("outside")).expect("a neighbour");
            fs::write(folder.path().join("outside/kept"), "kept").expect("a file");
            Self { folder }
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("root")
        }

        fn apply(&self, items: &[Item<'_>]) -> io::Result<()> {
            unpack_archive(tar_of(items).as_slice(), &self.root())
        }

        fn outside_is_untouched(&self) -> bool {
            let names: Vec<_> = fs::read_dir(self.folder.path().join("outside"))
                .expect("there")
                .collect();
            names.len() == 1
                && fs::read_to_string(self.folder.path().join("outside/kept"))
                    .is_ok_and(|text| text == "kept")
        }
    }

    #[test]
    fn later_layers_replace_and_remove() {
        let location = Place::new();
        location
            .apply(&[
                Plain("etc/a", "1"),
                Plain("etc/b", "1"),
                Plain("opt/c", "1"),
                Plain("dir/x", "1"),
            ])
            .expect("a layer");
        location
            .apply(&[
                Plain("etc/a", "2"),
                Plain("etc/.wh.b", ""),
                Plain("opt/.wh..wh..opq", ""),
                Plain("dir", "a file now"),
            ])
            .expect("a layer");
        assert_eq!(
            fs::read_to_string(location.root().join("etc/a")).expect("replaced"),
            "2"
        );
        assert_eq!(
            fs::read_to_string(location.root().join("dir")).expect("replaced"),
            "a file now"
        );
        assert!(!location.root().join("etc/b").exists());
        assert!(!location.root().join("opt/c").exists());
    }

    #[test]
    fn paths_that_climb_are_refused() {
        for name in [
            "../outside/kept",
            "a/../../outside/kept",
            "../outside/.wh.kept",
            "../outside/.wh..wh..opq",
        ] {
            let location = Place::new();
            assert!(location.apply(&[Plain(name, "bad")]).is_err(), "{name}");
            assert!(location.outside_is_untouched(), "{name}");
        }
    }

    #[test]
    fn absolute_paths_land_in_the_root() {
        let location = Place::new();
        location.apply(&[Plain("/etc/a", "1")]).expect("a layer");
        assert!(location.root().join("etc/a").exists());
    }

    #[test]
    fn links_that_lead_out_are_not_followed() {
        for name in [
            "way/kept",
            "way/new",
            "way/.wh.kept",
            "way/.wh..wh..opq",
            "way/dir/x",
        ] {
            let location = Place::new();
            assert!(
                location
                    .apply(&[Symlink("way", "../outside"), Plain(name, "bad")])
                    .is_err(),
                "{name}"
            );
            assert!(location.outside_is_untouched(), "{name}");
        }
        let location = Place::new();
        assert!(
            location
                .apply(&[HardLink("stolen", "../outside/kept")])
                .is_err()
        );
        location
            .apply(&[Symlink("way", "../outside/kept"), Plain("way", "replaced")])
            .expect("the link is replaced, not followed");
        assert!(location.outside_is_untouched());
    }

    #[test]
    fn links_inside_work() {
        let location = Place::new();
        location
            .apply(&[
                Plain("usr/bin/app", "x"),
                Symlink("bin", "usr/bin"),
                HardLink("app", "usr/bin/app"),
            ])
            .expect("a layer");
        location.apply(&[Plain("bin/more", "y")]).expect("a layer");
        assert!(
            location.root().join("usr/bin/more").exists() && location.root().join("app").exists()
        );
    }

    #[test]
    fn gzip_is_recognised_and_zstd_refused() {
        let location = Place::new();
        let blob = location.folder.path().join("blob");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar_of(&[Plain("a", "1")]))
            .expect("in memory");
        fs::write(&blob, gzip.finish().expect("in memory")).expect("a blob");
        apply_layer(&blob, &location.root()).expect("a layer");
        assert!(location.root().join("a").exists());
        fs::write(&blob, [0x28, 0xb5, 0x2f, 0xfd, 0]).expect("a blob");
        assert!(apply_layer(&blob, &location.root()).is_err());
    }
}
