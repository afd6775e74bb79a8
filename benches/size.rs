//! The image's compressed size: of the image `ecs-bluegreen-action` when the engine has it, else of
//! what goes into it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::mode::RehearsalMode;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Measurements;
use crate::benchmark::Benchmark;

const IMAGE: &str = "ecs-bluegreen-action";
const CA_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
/// As registries and `docker push` compress.
const LEVEL: u32 = 6;

#[expect(clippy::cast_precision_loss, reason = "some mebibytes")]
pub(crate) async fn measure(programs: &Programs, way: RehearsalMode) -> Measurements {
    let action = programs.action.clone();
    let measured = tokio::task::spawn_blocking(move || match way {
        RehearsalMode::Docker if has_image() => {
            measure_saved_image().map(|size| (size, "the image in the Docker engine"))
        }
        RehearsalMode::Docker | RehearsalMode::Process => measure_parts(&action)
            .map(|size| (size, "binary and CA roots; `make image` makes the image")),
    });
    let (size, what) = measured.await??;
    Ok(vec![Benchmark::at_most(
        "image, compressed",
        size as f64 / 1_048_576.0,
        8.0,
        "MiB",
        what,
    )])
}

fn has_image() -> bool {
    let inspected = Command::new("docker")
        .args(["image", "inspect", IMAGE])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    inspected.is_ok_and(|status| status.success())
}

fn measure_saved_image() -> io::Result<u64> {
    let mut docker = Command::new("docker")
        .args(["save", IMAGE])
        .stdout(Stdio::piped())
        .spawn()?;
    let size = docker.stdout.take().map_or(Ok(0), compressed_size)?;
    docker.wait()?;
    Ok(size)
}

fn measure_parts(action: &Path) -> io::Result<u64> {
    // A machine without the bundle has its roots elsewhere; they are a twentieth of the image.
    let roots = File::open(CA_ROOTS).map_or(Ok(0), compressed_size)?;
    Ok(compressed_size(File::open(action)?)? + roots)
}

fn compressed_size(mut content: impl Read) -> io::Result<u64> {
    let mut gzip = GzEncoder::new(ByteCounter(0), Compression::new(LEVEL));
    io::copy(&mut content, &mut gzip)?;
    Ok(gzip.finish()?.0)
}

struct ByteCounter(u64);

impl Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
