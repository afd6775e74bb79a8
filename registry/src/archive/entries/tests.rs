use super::*;
use tar::{EntryType, Header as Made};

impl ArchiveInput for &[u8] {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let length = usize::try_from(bytes).unwrap_or(usize::MAX);
        *self = self.get(length..).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}

/// An archive of files.
pub(crate) fn build_archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Made::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// One entry, as wrong as wanted, and the mark that ends an archive.
fn build_entry(kind: EntryType, name: &str, link: &str, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Made::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    let padding = content.len().next_multiple_of(BLOCK) - content.len();
    [
        header.as_bytes().as_slice(),
        content,
        &vec![0; padding],
        &[0; BLOCK * 2],
    ]
    .concat()
}

/// Archives one after the other, as one.
fn concat_archives(entries: &[Vec<u8>]) -> Vec<u8> {
    let without_mark = |entry: &Vec<u8>| entry[..entry.len() - BLOCK * 2].to_vec();
    [
        entries.iter().flat_map(without_mark).collect(),
        vec![0; BLOCK * 2],
    ]
    .concat()
}

fn read_all_entries(archive: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, ArchiveError> {
    let (mut entries, mut found) = (Entries::new(archive), Vec::new());
    while let Some(entry) = entries.next_entry()? {
        let mut content = Vec::new();
        entries
            .read_to_end(&mut content)
            .map_err(ArchiveError::from_io_error)?;
        assert_eq!(content.len() as u64, entry.size);
        assert_eq!(
            archive[usize::try_from(entry.offset).unwrap()..][..content.len()],
            content
        );
        found.push((entry, content));
    }
    Ok(found)
}

/// The sentence with which an archive is refused, whether its contents are read or passed over.
fn refusal_message(archive: &[u8]) -> String {
    let mut entries = Entries::new(archive);
    let passed = loop {
        match entries.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was taken"),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(passed, read_all_entries(archive).unwrap_err().to_string());
    passed
}

#[test]
fn files_come_with_their_content_and_links_with_their_target() {
    let long = format!("{}/{}", "a".repeat(90), "b".repeat(90));
    let archive = concat_archives(&[
        build_archive(&[("./one", b"1"), (&long, &[2; 1000])]),
        build_entry(EntryType::Symlink, "c/link", "../one", 0, b""),
        build_entry(EntryType::Directory, "c/", "", 0, b""),
        build_entry(EntryType::Directory, "c/", "", 0, b""),
    ]);
    let found = read_all_entries(&archive).unwrap();
    let names: Vec<&str> = found.iter().map(|(entry, _)| entry.name.as_str()).collect();
    assert_eq!(names, ["one", &long, "c/link", "c", "c"]);
    assert_eq!(
        (found[0].1.as_slice(), found[1].1.len()),
        (b"1".as_slice(), 1000)
    );
    assert_eq!(found[2].0.kind, EntryKind::Link("one".into()));
}

#[test]
fn a_size_in_a_pax_header_counts_and_not_the_one_in_the_header() {
    let pax = build_entry(EntryType::XHeader, "pax", "", 12, b"12 size=600\n");
    let found = read_all_entries(&concat_archives(&[
        pax,
        build_entry(EntryType::Regular, "large", "", 0, &[5; 600]),
        build_archive(&[("next", b"n")]),
    ]))
    .unwrap();
    assert_eq!((found[0].1.len(), found[1].0.name.as_str()), (600, "next"));
}

#[test]
fn what_no_image_needs_is_refused_each_with_its_sentence() {
    let file = |name: &str| build_entry(EntryType::Regular, name, "", 0, b"");
    let table = [
        (file("../evil"), "`../evil` leads out of it"),
        (file("a/../../evil"), "`a/../../evil` leads out of it"),
        (file("/etc/passwd"), "`/etc/passwd` is an absolute name"),
        (
            build_entry(EntryType::Symlink, "l", "../../x", 0, b""),
            "the link `l` leads out of it, to `../../x`",
        ),
        (
            build_entry(EntryType::Symlink, "l", "/x", 0, b""),
            "the link `l` leads out of it, to `/x`",
        ),
        (
            build_entry(EntryType::Link, "l", "../x", 0, b""),
            "the link `l` leads out of it, to `../x`",
        ),
        (
            build_entry(EntryType::Char, "c", "", 0, b""),
            "`c` is a device, which no image archive needs",
        ),
        (
            build_entry(EntryType::Block, "b", "", 0, b""),
            "`b` is a device, which no image archive needs",
        ),
        (
            build_entry(EntryType::Fifo, "f", "", 0, b""),
            "`f` is a pipe, which no image archive needs",
        ),
        (
            build_entry(EntryType::GNUSparse, "s", "", 0, b""),
            "`s` is a sparse file, which no image archive needs",
        ),
        (
            build_entry(EntryType::new(b'Q'), "q", "", 0, b""),
            "`q` is something unknown, which no image archive needs",
        ),
        (
            concat_archives(&[file("a"), file("./a")]),
            "it holds `a` twice",
        ),
        (
            build_entry(EntryType::Regular, "a", "", 5000, &[1; 600]),
            "it breaks off: its end is missing",
        ),
        (
            file("a")[..BLOCK].to_vec(),
            "it breaks off: its end is missing",
        ),
        (
            build_entry(EntryType::Symlink, "l", "x", 600, &[1; 600]),
            "`l` is no file and announces 600 bytes of content",
        ),
        (
            build_entry(EntryType::Directory, "d", "", 9, b"123456789"),
            "`d` is no file and announces 9 bytes of content",
        ),
        (
            build_entry(EntryType::XHeader, "p", "", 1 << 30, b""),
            "a header of 1073741824 bytes is longer than the 65536 that are read",
        ),
        (
            build_entry(EntryType::GNULongName, "p", "", 1 << 33, b""),
            "a header of 8589934592 bytes is longer than the 65536 that are read",
        ),
        (
            build_entry(EntryType::Regular, "a", "", u64::MAX, b""),
            "the header at byte 0 has a number that is out of range",
        ),
        (
            build_entry(EntryType::Regular, "a", "", i64::MAX as u64, b""),
            "it breaks off: its end is missing",
        ),
        (
            build_entry(EntryType::XHeader, "p", "", 12, b"19 path=a\n\n\n"),
            "a PAX header cannot be read: a record's length is wrong",
        ),
        (
            file(""),
            "a name in it is empty, longer than 1024 bytes, or no text",
        ),
    ];
    for (archive, sentence) in table {
        assert_eq!(refusal_message(&archive), sentence);
    }
}

#[test]
fn a_pax_header_with_a_sparse_map_or_without_a_file_is_refused() {
    let sparse = build_entry(EntryType::XHeader, "p", "", 22, b"22 GNU.sparse.major=1\n");
    assert!(
        refusal_message(&concat_archives(&[sparse, build_archive(&[("a", b"")])]))
            .contains("sparse")
    );
    assert_eq!(
        refusal_message(&build_entry(
            EntryType::XHeader,
            "p",
            "",
            10,
            b"10 path=a\n"
        )),
        "it breaks off: its end is missing"
    );
}

#[test]
fn a_damaged_header_and_no_archive_at_all_are_refused() {
    let mut damaged = build_archive(&[("a", b"x")]);
    damaged[3] = b'z';
    assert_eq!(refusal_message(&damaged), "the header at byte 0 is damaged");
    assert_eq!(
        refusal_message(&[7; 2048]),
        "the header at byte 0 is damaged"
    );
    assert_eq!(refusal_message(b""), "it breaks off: its end is missing");
}

#[test]
fn there_is_an_end_to_headers() {
    let one = build_entry(EntryType::GNULongName, "p", "", 2, b"a\0");
    let block = &one[..one.len() - BLOCK * 2];
    assert!(refusal_message(&block.repeat(MAX_ENTRIES + 1)).contains("more than 20000 entries"));
}

#[test]
fn old_directories_and_split_names_are_understood() {
    let old = build_entry(EntryType::Regular, "old/", "", 0, b"");
    let mut split = Made::new_ustar();
    split
        .set_path(format!("{}/{}", "a".repeat(90), "b".repeat(90)))
        .unwrap();
    split.set_size(0);
    split.set_cksum();
    let split = [split.as_bytes().as_slice(), &[0; BLOCK * 2]].concat();
    let found = read_all_entries(&concat_archives(&[old, split])).unwrap();
    assert_eq!(found[0].0.kind, EntryKind::Directory);
    assert_eq!(
        found[1].0.name,
        format!("{}/{}", "a".repeat(90), "b".repeat(90))
    );
    assert_eq!(
        refusal_message(&build_entry(EntryType::Regular, ".", "", 0, b"")),
        "a name in it is empty, longer than 1024 bytes, or no text"
    );
}

#[test]
fn the_longest_extension_and_the_most_headers_are_read() {
    let mut name = b"n".to_vec();
    name.resize(65_536, 0);
    let longest = build_entry(EntryType::GNULongName, "p", "", 65_536, &name);
    let found =
        read_all_entries(&concat_archives(&[longest, build_archive(&[("a", b"")])])).unwrap();
    assert_eq!(found[0].0.name, "n");
    let one = build_entry(EntryType::Directory, "d", "", 0, b"");
    let mut many = one[..BLOCK].repeat(MAX_ENTRIES);
    many.extend([0; BLOCK * 2]);
    assert_eq!(read_all_entries(&many).unwrap().len(), MAX_ENTRIES);
}
