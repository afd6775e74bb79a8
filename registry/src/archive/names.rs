//! Names in an archive: plain ones only, so that two ways to write one name cannot hide one file
//! behind another. Pure.

use std::collections::HashMap;

use super::error::ArchiveError;

/// Names in image archives have some 80 letters.
pub(super) const LONGEST_NAME: usize = 1024;
/// Docker links a layer that occurs twice to its first occurrence: one step.
const MOST_STEPS: usize = 8;

/// The name without `.`; empty for the root itself. Nothing leads up, not even to come back.
pub(crate) fn plain(raw: &[u8]) -> Result<String, ArchiveError> {
    let name = text(raw)?;
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

/// Where a symbolic link leads; it counts from the directory that the link lies in.
pub(super) fn symlink(name: &str, raw: &[u8]) -> Result<String, ArchiveError> {
    let to = text(raw)?;
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

/// Where a hard link leads; it counts from the root.
pub(super) fn hard_link(name: &str, raw: &[u8]) -> Result<String, ArchiveError> {
    let outside = |to: String| ArchiveError::LinkOutside {
        name: name.escape_debug().to_string(),
        to,
    };
    plain(raw).map_err(|error| match error {
        ArchiveError::Absolute { name: to } | ArchiveError::Traversal { name: to } => outside(to),
        other => other,
    })
}

/// The member of that name, or the one that the link of that name leads to.
pub(crate) fn follow<'a, T>(
    name: &str,
    members: &'a HashMap<String, T>,
    links: &'a HashMap<String, String>,
) -> Result<Option<&'a T>, ArchiveError> {
    let mut at = name;
    for _ in 0..=MOST_STEPS {
        match (members.get(at), links.get(at)) {
            (Some(member), _) => return Ok(Some(member)),
            (None, Some(to)) => at = to,
            (None, None) => return Ok(None),
        }
    }
    Err(ArchiveError::LinkCircle {
        name: name.escape_debug().to_string(),
        most: MOST_STEPS,
    })
}

fn text(raw: &[u8]) -> Result<&str, ArchiveError> {
    let wrong = ArchiveError::Name {
        limit: LONGEST_NAME,
    };
    match std::str::from_utf8(raw) {
        Ok(text) if !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains('\0') => {
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
            assert_eq!(plain(raw.as_bytes()).unwrap(), name);
        }
        assert!(matches!(
            plain(b"/etc/passwd"),
            Err(ArchiveError::Absolute { .. })
        ));
        for raw in ["..", "../a", "a/../b", "a/.."] {
            assert!(
                matches!(plain(raw.as_bytes()), Err(ArchiveError::Traversal { .. })),
                "{raw}"
            );
        }
        for raw in [b"".as_slice(), b"a\0b", b"\xff", &[b'a'; LONGEST_NAME + 1]] {
            assert!(matches!(plain(raw), Err(ArchiveError::Name { .. })));
        }
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(
            symlink("b/layer.tar", b"../a/layer.tar").unwrap(),
            "a/layer.tar"
        );
        assert_eq!(symlink("b", b"./c").unwrap(), "c");
        assert_eq!(
            hard_link("b/layer.tar", b"a/layer.tar").unwrap(),
            "a/layer.tar"
        );
        for to in ["/etc/passwd", "../../etc/passwd"] {
            assert!(
                matches!(
                    symlink("b/layer.tar", to.as_bytes()),
                    Err(ArchiveError::LinkOutside { .. })
                ),
                "{to}"
            );
            assert!(
                matches!(
                    hard_link("b/layer.tar", to.as_bytes()),
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
        assert_eq!(follow("good", &members, &links).unwrap(), Some(&7));
        assert_eq!(follow("lost", &members, &links).unwrap(), None);
        for name in ["a", "self", "chain0"] {
            assert!(
                matches!(
                    follow(name, &members, &links),
                    Err(ArchiveError::LinkCircle { .. })
                ),
                "{name}"
            );
        }
    }
}
