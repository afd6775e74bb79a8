//! Names and links in an archive. Each name has one form only, so that two spellings of one name
//! cannot hide one file behind another. Pure.

use std::collections::HashMap;

use super::error::ArchiveError;

/// The longest name, in bytes. Those in image archives have about 80.
pub(super) const MAX_NAME_BYTES: usize = 1024;
/// How many links in a row are followed. Docker links a layer that occurs twice to its first
/// occurrence, which is one.
const MAX_LINKS: usize = 8;

/// The name without `.` and empty parts; the root itself becomes an empty name.
///
/// # Errors
/// The name is absolute or has `..` in it, even where that stays inside.
pub(crate) fn normalize(raw: &[u8]) -> Result<String, ArchiveError> {
    let name = parse_name(raw)?;
    let shown = || name.escape_debug().to_string();
    if name.starts_with('/') {
        return Err(ArchiveError::Absolute { name: shown() });
    }
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        Err(ArchiveError::Traversal { name: shown() })
    } else {
        Ok(parts.join("/"))
    }
}

/// The target of a symbolic link. It is relative to the directory of the link.
pub(super) fn resolve_symlink(name: &str, raw: &[u8]) -> Result<String, ArchiveError> {
    let to = parse_name(raw)?;
    let outside = || ArchiveError::LinkOutside {
        name: name.escape_debug().to_string(),
        to: to.escape_debug().to_string(),
    };
    if to.starts_with('/') {
        return Err(outside());
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().ok_or_else(outside)?),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The target of a hard link. It is relative to the root.
pub(super) fn resolve_hard_link(name: &str, raw: &[u8]) -> Result<String, ArchiveError> {
    let outside = |to: String| ArchiveError::LinkOutside {
        name: name.escape_debug().to_string(),
        to,
    };
    normalize(raw).map_err(|error| match error {
        ArchiveError::Absolute { name: to } | ArchiveError::Traversal { name: to } => outside(to),
        other => other,
    })
}

/// The member of this name, or the one that the link of this name leads to.
pub(crate) fn follow_links<'a, T>(
    name: &str,
    members: &'a HashMap<String, T>,
    links: &'a HashMap<String, String>,
) -> Result<Option<&'a T>, ArchiveError> {
    let mut current = name;
    for _ in 0..=MAX_LINKS {
        match (members.get(current), links.get(current)) {
            (Some(member), _) => return Ok(Some(member)),
            (None, Some(to)) => current = to,
            (None, None) => return Ok(None),
        }
    }
    Err(ArchiveError::LinkCircle {
        name: name.escape_debug().to_string(),
        most: MAX_LINKS,
    })
}

fn parse_name(raw: &[u8]) -> Result<&str, ArchiveError> {
    let wrong = ArchiveError::Name {
        limit: MAX_NAME_BYTES,
    };
    match std::str::from_utf8(raw) {
        Ok(text) if !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains('\0') => {
            Ok(text)
        }
        Ok(_) | Err(_) => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_or_refused() {
        for (raw, name) in [("a/b", "a/b"), ("./a//b/", "a/b"), (".", ""), ("./", "")] {
            assert_eq!(normalize(raw.as_bytes()).unwrap(), name);
        }
        assert!(matches!(
            normalize(b"/etc/passwd"),
            Err(ArchiveError::Absolute { .. })
        ));
        for raw in ["..", "../a", "a/../b", "a/.."] {
            assert!(
                matches!(
                    normalize(raw.as_bytes()),
                    Err(ArchiveError::Traversal { .. })
                ),
                "{raw}"
            );
        }
        for raw in [
            b"".as_slice(),
            b"a\0b",
            b"\xff",
            &[b'a'; MAX_NAME_BYTES + 1],
        ] {
            assert!(matches!(normalize(raw), Err(ArchiveError::Name { .. })));
        }
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(
            resolve_symlink("b/layer.tar", b"../a/layer.tar").unwrap(),
            "a/layer.tar"
        );
        assert_eq!(resolve_symlink("b", b"./c").unwrap(), "c");
        assert_eq!(
            resolve_hard_link("b/layer.tar", b"a/layer.tar").unwrap(),
            "a/layer.tar"
        );
        for to in ["/etc/passwd", "../../etc/passwd"] {
            assert!(
                matches!(
                    resolve_symlink("b/layer.tar", to.as_bytes()),
                    Err(ArchiveError::LinkOutside { .. })
                ),
                "{to}"
            );
            assert!(
                matches!(
                    resolve_hard_link("b/layer.tar", to.as_bytes()),
                    Err(ArchiveError::LinkOutside { .. })
                ),
                "{to}"
            );
        }
    }

    #[test]
    fn circles_and_endless_chains_are_refused() {
        let members = HashMap::from([("file".to_owned(), 7)]);
        let link = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let mut links = HashMap::from([
            link("a", "b"),
            link("b", "a"),
            link("self", "self"),
            link("good", "file"),
            link("lost", "nowhere"),
        ]);
        links.extend((0..20).map(|step| (format!("chain{step}"), format!("chain{}", step + 1))));
        assert_eq!(follow_links("good", &members, &links).unwrap(), Some(&7));
        assert_eq!(follow_links("lost", &members, &links).unwrap(), None);
        for name in ["a", "self", "chain0"] {
            assert!(
                matches!(
                    follow_links(name, &members, &links),
                    Err(ArchiveError::LinkCircle { .. })
                ),
                "{name}"
            );
        }
    }
}
