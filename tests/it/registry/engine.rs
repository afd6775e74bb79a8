//! Images of the local Docker engine, pulled back and compared.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use ecs_bluegreen::registry::{Progress, SourceError, find};

use super::bench::{Bench, output, pushed};

/// Whether an engine answers. Where tests must be whole (CI), one has to.
fn engine() -> bool {
    let there = UnixStream::connect("/var/run/docker.sock").is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "CI needs a Docker engine");
    there
}

/// Builds an image from nothing: a config with a label, a layer, and twice the same layer.
fn build(bench: &Bench, name: &str) -> String {
    let context = bench.path("context");
    fs::create_dir_all(&context).unwrap();
    fs::write(context.join("large"), vec![9; 2_000_000]).unwrap();
    fs::write(context.join("small"), "same").unwrap();
    fs::write(context.join("Dockerfile"), "FROM scratch\nLABEL who=us\nCOPY large /large\nCOPY small /a\nCOPY small /a\n").unwrap();
    output(Command::new("docker").env("DOCKER_BUILDKIT", "0").args(["build", "--quiet", "--tag", name]).arg(&context));
    id(name)
}

fn id(name: &str) -> String {
    let id = output(Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", name]));
    String::from_utf8(id).unwrap().trim().to_owned()
}

fn remove(names: &[&str]) {
    output(Command::new("docker").args(["image", "rm", "--force"]).args(names));
}

#[tokio::test]
async fn an_image_of_the_engine_arrives_as_the_engine_has_it() {
    if !engine() {
        return;
    }
    let bench = Bench::new();
    let name = format!("registry-test:{}", bench.port);
    let id_before = build(&bench, &name);
    let source = bench.find(&format!("docker-daemon:{name}")).await.unwrap();
    assert_eq!(source.facts(&|_| {}).await.unwrap().images[0].platform.os, "linux");

    let (result, told) = pushed(&source, &bench.target(), &["v1", "latest"]).await;
    let result = result.unwrap();
    assert_eq!((result.uploaded, result.existing), (3, 0), "a config and two layers, one of them used twice");
    assert!(told.iter().any(|progress| matches!(progress, Progress::Reading { .. })));
    assert_eq!(bench.digest_at("team/api:latest"), result.digest.to_string());

    remove(&[&name]);
    let there = format!("127.0.0.1:{}/team/api:v1", bench.port);
    output(Command::new("docker").args(["pull", "--quiet", &there]));
    assert_eq!(id(&there), id_before);

    let by_id = bench.find(&format!("docker-daemon:{id_before}")).await.unwrap();
    let (again, _) = pushed(&by_id, &bench.target(), &["v1", "latest"]).await;
    let again = again.unwrap();
    assert_eq!((again.digest, again.uploaded, again.bytes_moved), (result.digest, 0, 0), "compressed to the same bytes");
    remove(&[&there]);
    assert!(fs::read_dir(bench.dir.path()).unwrap().count() <= 3, "nothing is left in the temporary directory");
}

#[tokio::test]
async fn what_the_engine_does_not_have_is_said() {
    if !engine() {
        return;
    }
    let error = Bench::new().find("no-such-image:v0").await.unwrap_err();
    assert!(matches!(error, SourceError::NotInEngine { .. }));
    assert_eq!(error.to_string(), "the Docker engine has no image `no-such-image:v0`");
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_said() {
    let bench = Bench::new();
    let error = find(&"api:1".parse().unwrap(), &bench.sources(Path::new("/nowhere/docker.sock")), &|_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "the Docker engine does not answer at /nowhere/docker.sock");
    assert!(error.hint().is_some());
}
