//! botocore's service models validate every exchange of every story: what we send, and what the
//! stage answers.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Fields of the stories about what is newer than every model.
const INVENTED: &[&str] = &[
    "the unknown member quantumIsolation",
    "the unknown member warpFactor",
];

/// How often a validator that was started is looked for, and how many times: a minute.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 1200;

/// The Python that has botocore; on a person's machine it may be missing, in continuous integration
/// it may not.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    #[expect(clippy::disallowed_methods, reason = "a test asks its own environment")]
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        python.exists() || !is_ci,
        "{} is missing: make setup",
        python.display()
    );
    python.exists().then_some(python)
}

/// What is wrong with a recording, in the validator's words; nothing without a validator.
pub(crate) fn find_violations(recording: &Path) -> Option<String> {
    let python = python()?;
    // A validator that nobody has asked for a minute exits, maybe just now.
    let answer = ask(&python, recording)
        .or_else(|_| ask(&python, recording))
        .expect("the judge answers");
    let (code, words) = answer.split_once('\n').expect("an exit code and lines");
    let offends = |line: &&str| !INVENTED.iter().any(|field| line.ends_with(field));
    let offences: Vec<&str> = words
        .lines()
        .filter(|line| !line.contains(" kinds of offences"))
        .filter(offends)
        .collect();
    (code != "0" && !offences.is_empty()).then(|| offences.join("\n"))
}

/// One process validates for all tests, each of which is a process of its own: reading the models
/// costs more than judging by them.
fn ask(python: &Path, recording: &Path) -> io::Result<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sim/validate.py");
    let mut judge = DefaultHasher::new();
    (python, &script, std::fs::read(&script)?).hash(&mut judge);
    let socket =
        std::env::temp_dir().join(format!("ecs-bluegreen-judge-{:x}.socket", judge.finish()));
    let mut stream = connect(python, &script, &socket)?;
    writeln!(stream, "{}", recording.display())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.is_empty() {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(answer)
    }
}

/// A connection to the validator, which is started if there is none. Of tests that start it at the
/// same time one does.
fn connect(python: &Path, script: &Path, socket: &Path) -> io::Result<UnixStream> {
    if let Ok(stream) = UnixStream::connect(socket) {
        return Ok(stream);
    }
    let lock = File::create(socket.with_extension("lock"))?;
    lock.lock()?;
    let mut looks = 0;
    if let Ok(stream) = UnixStream::connect(socket) {
        return Ok(stream);
    }
    let _ = std::fs::remove_file(socket.with_extension("socket.new"));
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg("--serve")
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.process_group(0).spawn()?;
    loop {
        looks += 1;
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if looks > LOOKS => return Err(error),
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

pub(crate) fn is_available() -> bool {
    python().is_some()
}
