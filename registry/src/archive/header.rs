//! One header of a tar archive, and the extension headers that replace parts of the next one. Pure.
//!
//! POSIX.1-2017 "pax Interchange Format"; GNU tar manual, "Basic Tar Format".
//!
//! One file, because a header and its extensions are interpreted together; a quarter of it is
//! tests.

use super::error::ArchiveError;
use super::names::{self, MAX_NAME_BYTES};

/// The size of a header; contents are padded to a multiple of it.
pub(super) const BLOCK: usize = 512;
/// The longest extension header, in bytes. Those of image archives have a few hundred.
pub(super) const MAX_EXTENSION_BYTES: u64 = 64 * 1024;

/// A header, as its 512 bytes.
pub(super) struct Header<'a> {
    block: &'a [u8; BLOCK],
    at: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A file with content.
    File,
    Directory,
    /// A link of either kind, to a name in the archive.
    Link(String),
}

pub(super) enum ParsedHeader {
    Entry {
        name: String,
        kind: EntryKind,
        size: u64,
    },
    /// The next `bytes` bytes replace parts of the next header.
    Extension { flag: u8, bytes: u64 },
}

/// The extension headers that apply to the next header.
#[derive(Debug, Default)]
pub(super) struct HeaderExtensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl<'a> Header<'a> {
    /// Checks the checksum: the sum of all bytes, with the eight of the checksum counted as spaces.
    pub(super) fn parse(block: &'a [u8; BLOCK], at: u64) -> Result<Self, ArchiveError> {
        let header = Self { block, at };
        let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
        let sum =
            block.iter().map(|byte| u64::from(*byte)).sum::<u64>() - own + 8 * u64::from(b' ');
        if parse_number(&block[148..156]) == Some(sum) {
            Ok(header)
        } else {
            Err(ArchiveError::Header { at })
        }
    }

    /// Interprets the header, with the extension headers that preceded it.
    pub(super) fn interpret(
        &self,
        extensions: &HeaderExtensions,
    ) -> Result<ParsedHeader, ArchiveError> {
        let flag = self.block[156];
        let size = parse_number(&self.block[124..136]).filter(|size| i64::try_from(*size).is_ok());
        let size = size.ok_or(ArchiveError::Number { at: self.at })?;
        if matches!(flag, b'x' | b'g' | b'L' | b'K') {
            if size > MAX_EXTENSION_BYTES {
                return Err(ArchiveError::Extension {
                    bytes: size,
                    limit: MAX_EXTENSION_BYTES,
                });
            }
            return Ok(ParsedHeader::Extension { flag, bytes: size });
        }
        let raw = extensions.name.clone().unwrap_or_else(|| self.name());
        let name = names::normalize(&raw)?;
        let size = extensions.size.unwrap_or(size);
        let kind = self.entry_kind(flag, &name, &raw, extensions)?;
        match kind {
            EntryKind::File if name.is_empty() => Err(ArchiveError::Name {
                limit: MAX_NAME_BYTES,
            }),
            EntryKind::Directory | EntryKind::Link(_) if size > 0 => Err(ArchiveError::Content {
                name: name.escape_debug().to_string(),
                size,
            }),
            EntryKind::File | EntryKind::Directory | EntryKind::Link(_) => {
                Ok(ParsedHeader::Entry { name, kind, size })
            }
        }
    }

    fn entry_kind(
        &self,
        flag: u8,
        name: &str,
        raw_name: &[u8],
        extensions: &HeaderExtensions,
    ) -> Result<EntryKind, ArchiveError> {
        let refused = |what| {
            Err(ArchiveError::UnsupportedKind {
                name: name.escape_debug().to_string(),
                what,
            })
        };
        let link = || {
            extensions
                .link
                .clone()
                .unwrap_or_else(|| trim_at_nul(&self.block[157..257]).to_vec())
        };
        match flag {
            _ if extensions.sparse => refused("a sparse file"),
            // Before POSIX a directory was a file whose name ends with a slash.
            b'0' | 0 if raw_name.ends_with(b"/") => Ok(EntryKind::Directory),
            b'0' | 0 | b'7' => Ok(EntryKind::File),
            b'1' => Ok(EntryKind::Link(names::resolve_hard_link(name, &link())?)),
            b'2' => Ok(EntryKind::Link(names::resolve_symlink(name, &link())?)),
            b'5' => Ok(EntryKind::Directory),
            b'3' | b'4' => refused("a device"),
            b'6' => refused("a pipe"),
            b'S' => refused("a sparse file"),
            _ => refused("something unknown"),
        }
    }

    /// The name. POSIX, unlike GNU, has a second field for its beginning.
    fn name(&self) -> Vec<u8> {
        let (prefix, name) = (
            trim_at_nul(&self.block[345..500]),
            trim_at_nul(&self.block[..100]),
        );
        if &self.block[257..263] == b"ustar\0" && !prefix.is_empty() {
            [prefix, b"/", name].concat()
        } else {
            name.to_vec()
        }
    }
}

impl HeaderExtensions {
    /// Applies the content of an extension header.
    pub(super) fn apply_extension(&mut self, flag: u8, content: &[u8]) -> Result<(), ArchiveError> {
        match flag {
            b'L' => {
                self.name = self
                    .name
                    .take()
                    .or_else(|| Some(trim_at_nul(content).to_vec()));
            }
            b'K' => {
                self.link = self
                    .link
                    .take()
                    .or_else(|| Some(trim_at_nul(content).to_vec()));
            }
            b'g' => return for_each_record(content, &mut |key, _| check_global(key)),
            _ => return for_each_record(content, &mut |key, value| self.apply_local(key, value)),
        }
        Ok(())
    }

    /// Whether an extension header applies to a header that has not come yet.
    pub(super) fn is_pending(&self) -> bool {
        self.name.is_some() || self.link.is_some() || self.size.is_some() || self.sparse
    }

    fn apply_local(&mut self, key: &[u8], value: &[u8]) -> Result<(), ArchiveError> {
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => {
                self.size = Some(
                    parse_decimal(value).ok_or(ArchiveError::Pax("its size is out of range"))?,
                );
            }
            _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
            _ => {}
        }
        Ok(())
    }
}

/// Global headers apply to all entries. A comment is fine (`git archive` writes one); a name or a
/// size makes no sense.
fn check_global(key: &[u8]) -> Result<(), ArchiveError> {
    match key {
        b"path" | b"linkpath" | b"size" => Err(ArchiveError::Pax(
            "a name or a size in it would count for all entries",
        )),
        _ if key.starts_with(b"GNU.sparse.") => {
            Err(ArchiveError::Pax("it makes all entries sparse"))
        }
        _ => Ok(()),
    }
}

/// Is called with the key and the value of each record.
type RecordHandler<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), ArchiveError>;

/// Parses records, `LENGTH KEY=VALUE\n`; the length is that of the whole record.
fn for_each_record(mut rest: &[u8], handle_record: RecordHandler<'_>) -> Result<(), ArchiveError> {
    while !rest.is_empty() {
        let (record, after) =
            split_record(rest).ok_or(ArchiveError::Pax("a record's length is wrong"))?;
        let equals = record
            .iter()
            .position(|byte| *byte == b'=')
            .ok_or(ArchiveError::Pax("a record has no `=`"))?;
        handle_record(&record[..equals], &record[equals + 1..])?;
        rest = after;
    }
    Ok(())
}

fn split_record(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = rest.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(parse_decimal(&rest[..space])?).ok()?;
    let whole = rest.get(..length)?;
    Some((
        whole.get(space + 1..)?.strip_suffix(b"\n")?,
        &rest[length..],
    ))
}

fn parse_decimal(digits: &[u8]) -> Option<u64> {
    let fits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number: u64 = std::str::from_utf8(digits)
        .ok()
        .filter(|_| fits)?
        .parse()
        .ok()?;
    i64::try_from(number).is_ok().then_some(number)
}

/// Parses octal digits, or a binary number if the first bit is set. A number whose second bit is
/// set is negative and refused.
fn parse_number(field: &[u8]) -> Option<u64> {
    let binary = |byte: &u8| (*byte & 0x80) != 0;
    if field.first().is_some_and(binary) {
        let first = field.first().filter(|byte| **byte == 0x80)?;
        return field[1..]
            .iter()
            .try_fold(u64::from(first & 0x7f), |sum, byte| {
                Some(sum.checked_mul(256)? + u64::from(*byte))
            });
    }
    let digits = trim_at_nul(field).trim_ascii();
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn trim_at_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary_and_never_negative_or_too_large() {
        assert_eq!(parse_number(b"0000644\0"), Some(0o644));
        assert_eq!(parse_number(b"  644 \0 "), Some(0o644));
        assert_eq!(parse_number(b"\0\0\0\0"), Some(0));
        assert_eq!(parse_number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(1 << 33));
        for wrong in [
            b"\xff\xff\xff\xff".as_slice(),
            b"\x81\0\0\0",
            b"9",
            b"0x12",
            b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"-1",
        ] {
            assert_eq!(parse_number(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn pax_records_replace_what_the_header_says() {
        let mut extensions = HeaderExtensions::default();
        extensions.apply_extension(b'L', b"gnu\0").unwrap();
        extensions
            .apply_extension(b'x', b"12 path=pax\n20 size=99999999999\n11 other=x\n")
            .unwrap();
        assert_eq!(
            (extensions.name.as_deref(), extensions.size),
            (Some(b"pax".as_slice()), Some(99_999_999_999))
        );
        assert!(extensions.is_pending());
    }

    #[test]
    fn wrong_pax_records_are_refused() {
        let wrong = [
            b"99 path=x\n".as_slice(),
            b"path=x\n",
            b"3 x\n",
            b"11 path=abcd",
            b"0 a=b\n",
            b"18446744073709551616 a=b\n",
            b"11 size=-1\n\n",
            b"28 size=9999999999999999999\n",
        ];
        for content in wrong {
            assert!(
                matches!(
                    HeaderExtensions::default().apply_extension(b'x', content),
                    Err(ArchiveError::Pax(_))
                ),
                "{content:?}"
            );
        }
        for content in [
            b"10 path=a\n".as_slice(),
            b"10 size=1\n",
            b"22 GNU.sparse.major=1\n",
        ] {
            assert!(
                matches!(
                    HeaderExtensions::default().apply_extension(b'g', content),
                    Err(ArchiveError::Pax(_))
                ),
                "{content:?}"
            );
        }
        HeaderExtensions::default()
            .apply_extension(b'g', b"16 comment=abcd\n")
            .unwrap();
    }

    #[test]
    fn each_extension_alone_is_pending_and_replaces_its_part() {
        let table: [(u8, &[u8]); 5] = [
            (b'K', b"target\0"),
            (b'x', b"19 linkpath=target\n"),
            (b'L', b"name\0"),
            (b'x', b"10 size=1\n"),
            (b'x', b"22 GNU.sparse.major=1\n"),
        ];
        for (at, (flag, content)) in table.into_iter().enumerate() {
            let mut extensions = HeaderExtensions::default();
            assert!(!extensions.is_pending());
            extensions.apply_extension(flag, content).unwrap();
            assert!(extensions.is_pending(), "{at}");
            let link = (at < 2).then_some(b"target".as_slice());
            assert_eq!(extensions.link.as_deref(), link, "{at}");
            assert_eq!(extensions.name.is_some(), at == 2, "{at}");
            assert_eq!(extensions.sparse, at == 4, "{at}");
        }
        let mut other = HeaderExtensions::default();
        other.apply_extension(b'x', b"11 other=x\n").unwrap();
        assert!(!other.is_pending(), "what is not known is passed over");
    }

    #[test]
    fn decimals_are_digits_and_nothing_else() {
        let found = ["7", "", "+7", "-7", " 7"].map(|digits| parse_decimal(digits.as_bytes()));
        assert_eq!(found, [Some(7), None, None, None, None]);
    }
}
