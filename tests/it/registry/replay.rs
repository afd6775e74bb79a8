//! Engines that cannot be installed here: a socket that answers with what they are known to answer.
//!
//! Forms: moby `image/tarexport/save.go` (own store, from 25 on), containerd
//! `core/images/archive/exporter.go` (containerd store: entries sorted by name, blobs as they are
//! kept).

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ecs_bluegreen::registry::{Digest, Source, SourceError, find};
use serde_json::json;

use super::bench::Bench;

/// An archive of files.
pub(super) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An engine with one image, `api:1`, until the process ends.
pub(super) struct Replay {
    socket: PathBuf,
    state: Arc<State>,
}

struct State {
    version: Mutex<String>,
    inspected: String,
    export: Vec<u8>,
    asked: Mutex<Vec<String>>,
}

impl Replay {
    pub(super) fn new(bench: &Bench, id: &Digest, layers: &[&[u8]], export: Vec<u8>) -> Self {
        let socket = bench.path(&format!(
            "{}-{}.sock",
            &id.hex()[..8],
            fs::read_dir(bench.dir.path()).unwrap().count()
        ));
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::compute(layer)).collect();
        let inspected = json!({"Id": id, "Size": export.len(), "Os": "linux", "Architecture": "amd64", "RootFS": {"Type": "layers", "Layers": diff_ids}});
        let version = Mutex::new("1.51".to_owned());
        let state = Arc::new(State {
            version,
            inspected: inspected.to_string(),
            export,
            asked: Mutex::default(),
        });
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(&state, stream.unwrap()));
            }
        });
        Self { socket, state }
    }

    /// An engine of another age: it refuses to be asked in a newer version.
    pub(super) fn speaking(self, version: &str) -> Self {
        version.clone_into(&mut self.state.version.lock().unwrap());
        self
    }

    pub(super) async fn find(&self, bench: &Bench) -> Result<Source, SourceError> {
        find(
            &"docker-daemon:api:1".parse().unwrap(),
            &bench.sources(&self.socket),
            &|_| {},
        )
        .await
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }

    /// A directory as containerd archives it.
    pub(super) fn archived(dir: &Path) -> Vec<u8> {
        let mut files = Vec::new();
        collect(dir, "", &mut files);
        files.sort();
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect();
        packed(&files)
    }
}

fn collect(dir: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let (entry, name) = entry
            .map(|entry| (entry.path(), entry.file_name()))
            .unwrap();
        let name = format!("{prefix}{}", name.to_str().unwrap());
        if entry.is_dir() {
            collect(&entry, &format!("{name}/"), files);
        } else {
            files.push((name, fs::read(&entry).unwrap()));
        }
    }
}

fn serve(state: &State, mut stream: UnixStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(request)) = lines.next() {
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let request = request.trim_end_matches(" HTTP/1.1").to_owned();
        let version = state.version.lock().unwrap().clone();
        let asked = request
            .trim_start_matches("GET /v1.")
            .split('/')
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap();
        let (status, body) = match &request {
            _ if asked > version.trim_start_matches("1.").parse().unwrap() => {
                ("400 Bad Request", br#"{"message":"too new"}"#.as_slice())
            }
            request if request.ends_with("/json") => ("200 OK", state.inspected.as_bytes()),
            _ => ("200 OK", state.export.as_slice()),
        };
        state.asked.lock().unwrap().push(request);
        let head = format!(
            "HTTP/1.1 {status}\r\nApi-Version: {version}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body))
            .is_err()
        {
            return;
        }
    }
}
