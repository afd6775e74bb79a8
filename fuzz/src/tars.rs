//! Tar archives from the fuzzer's input.
//!
//! The first byte decides: `t` is text (`files.rs`) that becomes an archive, `r` is a raw archive
//! whose header checksums are corrected, because a fuzzer would not guess them; `T` and `R` are the
//! same, compressed. Anything else is used as it is.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::{File, Kind, read};

const BLOCK: usize = 512;

/// The archive for this input.
pub fn archive(data: &[u8]) -> Vec<u8> {
    match data.split_first() {
        Some((b't', text)) => made(&read(text)),
        Some((b'r', raw)) => mended(raw.to_vec()),
        Some((b'T', text)) => compressed(&made(&read(text))),
        Some((b'R', raw)) => compressed(&mended(raw.to_vec())),
        Some((_, whole)) => whole.to_vec(),
        None => Vec::new(),
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

fn made(files: &[File]) -> Vec<u8> {
    let mut whole = Vec::new();
    for file in files {
        let (kind, target, size) = match &file.kind {
            Kind::Regular(by) => (
                b'0',
                &[][..],
                (file.content.len() as u64).saturating_add_signed(*by),
            ),
            Kind::Symbolic(target) => (b'2', target.as_slice(), 0),
            Kind::Hard(target) => (b'1', target.as_slice(), 0),
            Kind::Directory => (b'5', &[][..], 0),
        };
        whole.extend_from_slice(&header(&file.name, kind, target, size));
        if matches!(file.kind, Kind::Regular(_)) {
            whole.extend_from_slice(&file.content);
            whole.resize(whole.len().next_multiple_of(BLOCK), 0);
        }
    }
    whole.extend_from_slice(&[0; 2 * BLOCK]);
    whole
}

fn header(name: &[u8], kind: u8, target: &[u8], size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, most: usize, bytes: &[u8]| {
        let length = bytes.len().min(most);
        block[at..at + length].copy_from_slice(&bytes[..length]);
    };
    put(0, 100, name);
    put(100, 8, b"0000644\0");
    put(
        124,
        12,
        format!("{:011o}\0", size & 0o77_777_777_777).as_bytes(),
    );
    put(136, 12, b"00000000000\0");
    put(156, 1, &[kind]);
    put(157, 100, target);
    put(257, 8, b"ustar\x0000");
    sealed(block)
}

fn sealed(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Corrects the checksums of all blocks that a reader would take for headers.
fn mended(mut raw: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(block) = raw
        .get(at..at + BLOCK)
        .and_then(|block| <[u8; BLOCK]>::try_from(block).ok())
    {
        if block.iter().all(|byte| *byte == 0) {
            at += BLOCK;
            continue;
        }
        raw[at..at + BLOCK].copy_from_slice(&sealed(block));
        let octal = |digits: &[u8]| {
            digits
                .iter()
                .filter(|digit| (b'0'..b'8').contains(digit))
                .fold(0_usize, |size, digit| {
                    size.wrapping_mul(8).wrapping_add(usize::from(digit - b'0'))
                })
        };
        at = at.saturating_add(BLOCK).saturating_add(
            octal(&block[124..136])
                .min(raw.len())
                .next_multiple_of(BLOCK),
        );
    }
    raw
}
