//! What people use today, as programs, measured from outside in milliseconds.

use std::process::{Command, Stdio};

use tokio::time::Instant;

use super::Result;
use super::docker_registry::Registry;
use super::engine::Engine;
use super::images::Images;

/// A copy by skopeo.
pub(super) fn skopeo(from: &str, to: &str) -> Result<f64> {
    run_timed(Command::new("skopeo").args([
        "copy",
        "--quiet",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        from,
        to,
    ]))
}

/// A copy by skopeo out of this engine.
pub(super) fn skopeo_of_engine(engine: &Engine, from: &str, to: &str) -> Result<f64> {
    let socket = format!("unix://{}", engine.socket().display());
    run_timed(Command::new("skopeo").args([
        "copy",
        "--quiet",
        "--src-daemon-host",
        &socket,
        "--dest-tls-verify=false",
        from,
        to,
    ]))
}

/// A push by the engine, which remembers no earlier one.
pub(super) fn docker_push(engine: &Engine, image: &str, registry: &Registry) -> Result<f64> {
    engine.forget_pushes()?;
    let name = format!("127.0.0.1:{}/team/api:v1", registry.port);
    run_timed(
        engine
            .docker()
            .args(["tag", image.trim_start_matches("docker-daemon:"), &name]),
    )?;
    run_timed(engine.docker().args(["push", "--quiet", &name]))
}

/// The limit of the registry itself: every layer in one PUT, four at a time, with nothing asked or
/// checked.
pub(super) fn four_streams(registry: &Registry, images: &Images) -> Result<f64> {
    let began = Instant::now();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--parallel", "--parallel-max", "4"]);
    for layer in images.layers()? {
        let digest = layer
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        curl.arg("--upload-file")
            .arg(&layer)
            .arg(format!(
                "{}&digest=sha256:{digest}",
                begin_upload(registry)?
            ))
            .args(["--header", "content-type: application/octet-stream"]);
    }
    run_timed(&mut curl)?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

/// Begins an upload and answers its address.
fn begin_upload(registry: &Registry) -> Result<String> {
    let address = format!(
        "http://127.0.0.1:{}/v2/team/api/blobs/uploads/",
        registry.port
    );
    let answer = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--request",
            "POST",
            "--output",
            "/dev/null",
            "--write-out",
            "%header{location}",
        ])
        .arg(address)
        .output()?;
    Ok(String::from_utf8(answer.stdout)?)
}

fn run_timed(command: &mut Command) -> Result<f64> {
    let began = Instant::now();
    let done = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    let took = began.elapsed().as_secs_f64() * 1000.0;
    if done.status.success() {
        Ok(took)
    } else {
        Err(String::from_utf8_lossy(&done.stderr)
            .trim()
            .to_owned()
            .into())
    }
}
