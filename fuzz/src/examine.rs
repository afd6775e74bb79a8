//! Finds and reads an image as a transfer would, and checks that the result is complete and its
//! digests are right.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::digest::Digest;
use crate::reference::ImageReference;
use crate::source::{Sources, find};

/// In bytes. No seed comes near it; readers must hold far less in memory at once.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Created once for all inputs.
struct Bench {
    runtime: Runtime,
    /// In memory (`/dev/shm`), if the system has that.
    dir: TempDir,
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

/// Calls `write` with an empty folder, then reads what `reference` names below it.
pub fn examine(reference: &str, write: impl FnOnce(&Path)) {
    BENCH.with_borrow_mut(|bench| {
        let bench = bench.get_or_insert_with(Bench::new);
        let place = bench.dir.path().join("input");
        // What the last input left; there is nothing at first.
        drop(fs::remove_dir_all(&place));
        fs::create_dir(&place).expect("a folder");
        write(&place);
        bench.runtime.block_on(read(reference, &place));
    });
}

impl Bench {
    fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let dir = if memory.is_dir() {
            TempDir::new_in(memory)
        } else {
            TempDir::new()
        };
        Self {
            runtime: Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
            dir: dir.expect("a folder"),
        }
    }
}

async fn read(reference: &str, place: &Path) {
    let reference: ImageReference = reference.parse().expect("a reference");
    let (workspace, temporary) = (place.to_owned(), place.to_owned());
    let sources = Sources {
        engine_socket: place.join("no.sock"),
        workspace,
        temporary,
        registry: None,
    };
    let Ok(source) = find(&reference, &sources, &|_| {}).await else {
        return;
    };
    // The facts of a local image need nothing else.
    source.facts(&|_| {}).await.expect("facts");
    let (blob_sender, mut blobs) = mpsc::channel(4);
    let known = Default::default();
    let whole = async move {
        let mut whole = Vec::new();
        while let Some(blob) = blobs.recv().await {
            whole.push(blob);
        }
        whole
    };
    let (image, handed) = tokio::join!(source.open(&known, blob_sender, &|_| {}), whole);
    let Ok(image) = image else { return };
    for manifest in &image.manifests {
        assert_eq!(
            manifest.digest,
            Digest::compute(&manifest.bytes),
            "a manifest is called what it is"
        );
    }
    assert!(
        source.digest().is_none_or(|digest| image
            .manifests
            .last()
            .is_some_and(|root| root.digest == *digest)),
        "it is what was found"
    );
    for blob in &handed {
        // A damaged layer is only found when it is read.
        if let Ok(bytes) = blob.read_all(LARGEST) {
            assert_eq!(
                blob.digest,
                Digest::compute(&bytes),
                "a blob is called what it is"
            );
        }
    }
}
