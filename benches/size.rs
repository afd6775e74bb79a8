//! The image's compressed size: of the image `ecs-bluegreen-action` when the engine has it, else of
//! what goes into it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::way::Way;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Measured;
use crate::bar::Bar;

const IMAGE: &str = "ecs-bluegreen-action";
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
/// As registries and `docker push` compress.
const LEVEL: u32 = 6;

/// The bar.
#[expect(clippy::cast_precision_loss, reason = "some mebibytes")]
pub(crate) async fn bars(programs: &Programs, way: Way) -> Measured {
    let action = programs.action.clone();
    let measured = tokio::task::spawn_blocking(move || match way {
        Way::Docker if has_image() => saved().map(|size| (size, "the image in the Docker engine")),
        Way::Docker | Way::Process => {
            parts(&action).map(|size| (size, "binary and CA roots; `make image` makes the image"))
        }
    });
    let (size, what) = measured.await??;
    Ok(vec![Bar::at_most(
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

fn saved() -> io::Result<u64> {
    let mut docker = Command::new("docker")
        .args(["save", IMAGE])
        .stdout(Stdio::piped())
        .spawn()?;
    let size = docker.stdout.take().map_or(Ok(0), compressed)?;
    docker.wait()?;
    Ok(size)
}

fn parts(action: &Path) -> io::Result<u64> {
    // A machine without the bundle has its roots elsewhere; they are a twentieth of the image.
    let roots = File::open(ROOTS).map_or(Ok(0), compressed)?;
    Ok(compressed(File::open(action)?)? + roots)
}

fn compressed(mut content: impl Read) -> io::Result<u64> {
    let mut gzip = GzEncoder::new(Count(0), Compression::new(LEVEL));
    io::copy(&mut content, &mut gzip)?;
    Ok(gzip.finish()?.0)
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
