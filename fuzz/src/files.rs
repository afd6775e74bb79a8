//! Files as text, so that people can read and write seeds, and a fuzzer can change them without
//! breaking their digests.
//!
//! A line `--- NAME` begins each file, and all up to the next such line is its content. In names
//! and contents `@3` is replaced by the digest (`sha256:…`) of the content of file 3, `#3` by its
//! hexadecimal digits, `$3` by its length; files are counted from 0, and only later ones can be
//! named. `NAME -> TARGET` is a symbolic link, `NAME => TARGET` a hard link, `NAME +5` and
//! `NAME -5` a file that announces a wrong size, `NAME/` a directory.

use crate::digest::Digest;

/// Later files are not read: no image needs them.
const MOST: usize = 10;

const MARK: &[u8] = b"--- ";

/// One entry of the text.
#[derive(Debug)]
pub struct File {
    /// Its path, as bytes.
    pub name: Vec<u8>,
    /// File, link or directory.
    pub kind: Kind,
    /// Its bytes, with placeholders replaced.
    pub content: Vec<u8>,
}

/// The kind of an entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file that announces this many bytes more than it has.
    Regular(i64),
    /// A symbolic link to this.
    Symbolic(Vec<u8>),
    /// A hard link to this.
    Hard(Vec<u8>),
    /// A directory.
    Directory,
}

/// Parses the text.
pub fn read(text: &[u8]) -> Vec<File> {
    let mut raw: Vec<(Vec<u8>, Vec<u8>)> = split(text).into_iter().take(MOST).collect();
    for at in (0..raw.len()).rev() {
        let (before, after) = raw.split_at_mut(at + 1);
        if let Some((_, content)) = before.last_mut() {
            *content = filled(content, at + 1, after);
        }
    }
    let names: Vec<Vec<u8>> = raw.iter().map(|(line, _)| filled(line, 0, &raw)).collect();
    names
        .into_iter()
        .zip(raw)
        .map(|(line, (_, content))| file(&line, content))
        .collect()
}

fn split(text: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut files: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        match (line.strip_prefix(MARK), files.last_mut()) {
            (Some(name), _) => files.push((name.to_vec(), Vec::new())),
            (None, Some((_, content))) => {
                if !content.is_empty() {
                    content.push(b'\n');
                }
                content.extend_from_slice(line);
            }
            (None, None) => {}
        }
    }
    files
}

/// The text with its placeholders replaced; `files` are those from number `first` on.
fn filled(text: &[u8], first: usize, files: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let (mut whole, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        let number = text
            .get(at + 1)
            .filter(|next| next.is_ascii_digit())
            .map(|next| usize::from(next - b'0'));
        let content = number
            .and_then(|number| number.checked_sub(first))
            .and_then(|at| files.get(at))
            .map(|(_, content)| content);
        match (byte, content) {
            (b'@', Some(content)) => {
                whole.extend_from_slice(Digest::compute(content).as_str().as_bytes())
            }
            (b'#', Some(content)) => {
                whole.extend_from_slice(Digest::compute(content).hex().as_bytes())
            }
            (b'$', Some(content)) => whole.extend_from_slice(content.len().to_string().as_bytes()),
            (other, _) => {
                whole.push(other);
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    whole
}

fn file(line: &[u8], content: Vec<u8>) -> File {
    let text = |bytes: &[u8]| bytes.to_vec();
    if let Some((name, target)) = cut(line, b" -> ") {
        return File {
            name: text(name),
            kind: Kind::Symbolic(text(target)),
            content,
        };
    }
    if let Some((name, target)) = cut(line, b" => ") {
        return File {
            name: text(name),
            kind: Kind::Hard(text(target)),
            content,
        };
    }
    if line.ends_with(b"/") {
        return File {
            name: text(line),
            kind: Kind::Directory,
            content,
        };
    }
    let lie = cut(line, b" ")
        .and_then(|(name, by)| Some((name, std::str::from_utf8(by).ok()?.parse().ok()?)));
    let (name, by) = lie.unwrap_or((line, 0));
    File {
        name: text(name),
        kind: Kind::Regular(by),
        content,
    }
}

fn cut<'a>(line: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let position = line.windows(at.len()).position(|window| window == at)?;
    Some((&line[..position], &line[position + at.len()..]))
}
