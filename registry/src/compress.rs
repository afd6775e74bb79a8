//! Compressing layers: gzip, on all cores, and byte for byte the same on every machine, so that a
//! layer has one digest wherever it is compressed.
//!
//! A layer is cut into chunks of one size, and each becomes a gzip member of its own; a file of
//! several members is a gzip file (RFC 1952, 2.2), and seekable layers have long been made so
//! (eStargz). How many cores there are decides only who compresses a chunk, never what comes out.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use libdeflater::{CompressionLvl, Compressor, crc32};

use crate::digest::{Digest, DigestWriter};

/// A member costs some 20 bytes and the matches that would reach back into the one before it: 0.2 %
/// more than with chunks of 1 MiB, for half the memory.
const CHUNK_BYTES: usize = 512 * 1024;
/// Measured over 150 MiB of a Linux system in chunks of this size, MiB a second on one core and
/// what is left: level 1 162 to 202 and 40.5 %, 2 116 to 136 and 39.2 %, 4 115 to 118 and 38.6 %, 6
/// 64 to 106 and 37.5 %. Two cores at level 4 keep up with the network of most runners; every
/// machine that pulls the image profits from what is saved.
const LEVEL: i32 = 4;
/// Each worker needs memory for a chunk and its compressed form.
const MAX_WORKERS: usize = 8;
/// The bytes of a chunk that are compressed to see whether it pays.
const SAMPLE_BYTES: usize = 16 * 1024;
/// A sample that shrinks by less than a thirtieth is of something compressed or encrypted.
const MAX_SAMPLE_RESULT: usize = SAMPLE_BYTES / 30 * 29;
/// The longest stored block of deflate.
const MAX_STORED_BLOCK: usize = 65_535;

/// Which side of a copy failed: the image that is read, or the disk that should take it.
#[derive(Debug)]
pub(crate) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// A chunk and its compressed form. Chunks are used again after they were written, so memory does
/// not grow with the layer.
#[derive(Default)]
struct Chunk {
    plain: Vec<u8>,
    packed: Vec<u8>,
}

/// A chunk for a worker, and where the worker sends it when it is compressed.
struct Job {
    chunk: Chunk,
    done: SyncSender<Chunk>,
}

/// Compresses everything that `from` gives. Returns the digest and the length of the uncompressed
/// bytes.
pub(crate) fn compress_gzip(
    from: &mut dyn Read,
    to: &mut (dyn Write + Send),
) -> Result<(Digest, u64), CopyError> {
    let workers = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_WORKERS);
    let (jobs, waiting) = sync_channel(workers);
    // One is being filled and one is being written while each worker compresses one.
    let chunks = workers + 2;
    let (order, ordered) = sync_channel(chunks);
    let (empty, free_chunks) = channel();
    (0..chunks).for_each(|_| drop(empty.send(Chunk::default())));
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        (0..workers).for_each(|_| drop(scope.spawn(|| run_worker(&waiting))));
        let writing = scope.spawn(move || write_in_order(&ordered, &empty, to));
        let fed_result = feed_chunks(from, &free_chunks, &jobs, &order);
        drop((jobs, order));
        let write_result = writing
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("compressing ended early")));
        // When writing failed, feeding ended because of that.
        write_result
            .map_err(CopyError::Write)
            .and(fed_result.map_err(CopyError::Read))
    })
}

/// Cuts the input into chunks. It ends early, without an error, if they are not taken: then writing
/// failed, and that is reported.
fn feed_chunks(
    from: &mut dyn Read,
    free_chunks: &Receiver<Chunk>,
    jobs: &SyncSender<Job>,
    order: &SyncSender<Receiver<Chunk>>,
) -> io::Result<(Digest, u64)> {
    let mut tally = DigestWriter::new(io::sink());
    let mut first = true;
    while let Ok(mut chunk) = free_chunks.recv() {
        chunk.plain.clear();
        from.take(CHUNK_BYTES as u64)
            .read_to_end(&mut chunk.plain)?;
        // An empty input becomes one empty member.
        if chunk.plain.is_empty() && !first {
            break;
        }
        first = false;
        tally.write_all(&chunk.plain)?;
        let (done, ready) = sync_channel(1);
        if order.send(ready).is_err() || jobs.send(Job { chunk, done }).is_err() {
            break;
        }
    }
    Ok(tally.finish())
}

fn run_worker(jobs: &Mutex<Receiver<Job>>) {
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default());
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { mut chunk, done }) = job else {
            return;
        };
        compress_member(&mut compressor, &chunk.plain, &mut chunk.packed);
        // If the writer has failed, the chunk is not waited for.
        drop(done.send(chunk));
    }
}

fn write_in_order(
    ordered: &Receiver<Receiver<Chunk>>,
    empty: &Sender<Chunk>,
    to: &mut (dyn Write + Send),
) -> io::Result<()> {
    for ready in ordered {
        let chunk = ready
            .recv()
            .map_err(|_| io::Error::other("compressing ended early"))?;
        to.write_all(&chunk.packed)?;
        // If the input has ended, no further chunk is needed.
        drop(empty.send(chunk));
    }
    Ok(())
}

/// Compresses a chunk into one gzip member, or stores it where compressing does not pay.
fn compress_member(compressor: &mut Compressor, plain: &[u8], packed: &mut Vec<u8>) {
    packed.resize(compressor.gzip_compress_bound(CHUNK_BYTES), 0);
    let done = if is_worth_compressing(compressor, plain, packed) {
        compressor.gzip_compress(plain, packed).ok()
    } else {
        None
    };
    match done {
        Some(length) => packed.truncate(length),
        None => store_member(plain, packed),
    }
}

/// Whether compressing a chunk is worth the time: decided by the sample in its middle, so that
/// every machine decides the same.
fn is_worth_compressing(compressor: &mut Compressor, plain: &[u8], scratch: &mut [u8]) -> bool {
    let middle = plain.len() / 2;
    let Some(sample) = plain.get(middle..middle + SAMPLE_BYTES) else {
        return true;
    };
    compressor
        .deflate_compress(sample, scratch)
        .is_ok_and(|length| length < MAX_SAMPLE_RESULT)
}

/// Makes a member of stored blocks (RFC 1951, 3.2.4).
fn store_member(plain: &[u8], packed: &mut Vec<u8>) {
    packed.clear();
    // No name, no time, an unknown system, as libdeflate writes it.
    packed.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut rest = plain;
    loop {
        let (block, after) = rest.split_at(rest.len().min(MAX_STORED_BLOCK));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        packed.push(u8::from(after.is_empty()));
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(block);
        if after.is_empty() {
            break;
        }
        rest = after;
    }
    packed.extend_from_slice(&crc32(plain).to_le_bytes());
    // The length modulo 2^32, by definition.
    packed.extend_from_slice(&u32::try_from(plain.len()).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;

    /// Bytes that do not compress, the same in every run.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    fn text(length: usize) -> Vec<u8> {
        b"a line that is like the next one, but not quite: "
            .iter()
            .zip(0_u8..)
            .cycle()
            .map(|(byte, n)| byte ^ (n & 1))
            .take(length)
            .collect()
    }

    fn compress_bytes(plain: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let (digest, bytes) = compress_gzip(&mut &*plain, &mut packed).unwrap();
        assert_eq!(
            (digest, bytes),
            (Digest::compute(plain), plain.len() as u64)
        );
        packed
    }

    fn decompress_bytes(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        MultiGzDecoder::new(packed).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn whatever_goes_in_comes_out_again() {
        for length in [
            0,
            1,
            SAMPLE_BYTES,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            5 * CHUNK_BYTES + 7,
        ] {
            for plain in [noise(length), text(length), vec![0; length]] {
                assert!(
                    decompress_bytes(&compress_bytes(&plain)) == plain,
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn what_does_not_shrink_is_stored_and_what_does_is_compressed() {
        let (random, words) = (
            compress_bytes(&noise(4 * CHUNK_BYTES)),
            compress_bytes(&text(4 * CHUNK_BYTES)),
        );
        assert!(
            random.len() < 4 * CHUNK_BYTES + 4 * CHUNK_BYTES / 5000,
            "{}",
            random.len()
        );
        assert!(words.len() < CHUNK_BYTES / 10, "{}", words.len());
    }

    /// A chunk of zeros, but for the noise in this part of its sample.
    fn chunk_with_noise(noise_at: std::ops::Range<usize>) -> Vec<u8> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let sample = CHUNK_BYTES / 2;
        chunk[sample + noise_at.start..sample + noise_at.end]
            .copy_from_slice(&noise(noise_at.len()));
        chunk
    }

    #[test]
    fn the_sample_in_the_middle_decides_whether_a_chunk_is_compressed() {
        let mut noise_around = noise(CHUNK_BYTES);
        noise_around[CHUNK_BYTES / 2..CHUNK_BYTES / 2 + SAMPLE_BYTES].fill(0);
        let table = [
            (chunk_with_noise(0..0), true),
            (chunk_with_noise(0..SAMPLE_BYTES), false),
            (chunk_with_noise(0..SAMPLE_BYTES - 256), false),
            (chunk_with_noise(0..SAMPLE_BYTES - 1024), true),
            (chunk_with_noise(1040..SAMPLE_BYTES), true),
            (chunk_with_noise(512..SAMPLE_BYTES), false),
            (noise_around, true),
            (noise(SAMPLE_BYTES - 1), true),
        ];
        let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).unwrap());
        let mut scratch = vec![0; 2 * CHUNK_BYTES];
        for (at, (chunk, worth)) in table.iter().enumerate() {
            assert_eq!(
                is_worth_compressing(&mut compressor, chunk, &mut scratch),
                *worth,
                "{at}"
            );
        }
    }

    #[test]
    fn the_bytes_are_those_of_every_machine_and_every_run() {
        let plain = [noise(CHUNK_BYTES + 99), text(2 * CHUNK_BYTES)].concat();
        let first = compress_bytes(&plain);
        assert!((0..5).all(|_| compress_bytes(&plain) == first));
        // From another machine; a new version of libdeflate may change it, which costs every image
        // one upload.
        assert_eq!(
            Digest::compute(&first).as_str(),
            "sha256:9c72e8e91966471e9786f71296b51a86c18034f77839c59c427567d4df2f144f"
        );
    }

    #[test]
    fn the_side_that_failed_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        assert!(
            matches!(compress_gzip(&mut io::repeat(1), &mut Full), Err(CopyError::Write(error)) if error.kind() == io::ErrorKind::StorageFull)
        );
        assert!(
            matches!(compress_gzip(&mut Broken, &mut Vec::new()), Err(CopyError::Read(error)) if error.kind() == io::ErrorKind::ConnectionReset)
        );
    }
}
