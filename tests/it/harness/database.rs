//! A PostgreSQL server of a story's own, as an ordinary user, and images of the sample application
//! with the migrations of its items in them.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use ecs_bluegreen_sim::world::oci::ImageFile;

/// What nobody may see.
pub(crate) const PASSWORD: &str = "canary-database-9f86d081";
/// How often a server that starts is asked, and the pause between.
const LOOKS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);
/// Ends the server when the story ends, however that happens: standard input is closed then.
const SERVE: &str = r#"
"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off >"$2/log" 2>&1 </dev/null &
server=$!
while kill -0 $server 2>/dev/null && read -r _; do :; done
kill -QUIT $server 2>/dev/null
wait
"#;

/// The server. Dropping it ends it.
pub(crate) struct Database {
    // It ends before its folder goes.
    server: Server,
    _folder: tempfile::TempDir,
    programs: PathBuf,
}

struct Server {
    guard: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Where Debian has the programs, or PATH.
fn find_programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders: Vec<PathBuf> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("postgres").is_file())
        .expect("PostgreSQL: make setup installs it")
}

/// PostgreSQL does not run as root: its package has a user for that.
fn find_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let id = |what: &str| {
        let output = Command::new("id").args([what, "postgres"]).output();
        let text = String::from_utf8(output.expect("id").stdout).expect("a number");
        text.trim().parse().expect("the user postgres")
    };
    Some((id("-u"), id("-g")))
}

impl Database {
    /// A server with the items of the version before.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("ecs-bluegreen-postgres-")
            .tempdir_in("/tmp")
            .expect("a folder");
        let (programs, user) = (find_programs(), find_user());
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("permissions");
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("its owner");
        }
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let mut init = Command::new(programs.join("initdb"));
        init.arg("--pgdata")
            .arg(folder.path().join("data"))
            .args([
                "--username=app",
                "--auth=scram-sha-256",
                "--no-sync",
                "--no-locale",
                "--encoding=UTF8",
            ])
            .arg(format!("--pwfile={}", password.display()));
        as_user(&mut init, user, folder.path());
        let made = init.output().expect("initdb");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        for _ in 0..5 {
            let port = free_port();
            let guard = serve(&programs, folder.path(), port, user);
            let mut server = Server { guard, port };
            if server.answers(&programs) {
                let database = Self {
                    server,
                    _folder: folder,
                    programs,
                };
                database.alembic(&["upgrade", "0001"]);
                return database;
            }
            // Somebody else has taken the port meanwhile.
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start: {log}");
    }

    /// The address, with the password in it.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgresql://app:{PASSWORD}@127.0.0.1:{}/postgres",
            self.server.port
        )
    }

    /// Runs Alembic as a person would.
    pub(crate) fn alembic(&self, arguments: &[&str]) {
        let ran = Command::new(tools().join("alembic"))
            .args(arguments)
            .current_dir(sample())
            .env("DATABASE_URL", self.url())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("Alembic: make setup installs it");
        assert!(ran.status.success(), "{ran:?}");
    }

    /// The rows that a query gives, a line each, fields separated by bars.
    pub(crate) fn query(&self, query: &str) -> Vec<String> {
        let answer = psql(&self.programs, self.server.port, query);
        assert!(answer.status.success(), "{answer:?}");
        let text = String::from_utf8(answer.stdout).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    /// The version that Alembic has noted, and the columns that the items really have.
    pub(crate) fn schema(&self) -> String {
        let version = self.query("SELECT version_num FROM alembic_version");
        let columns = self.query(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'items' ORDER BY ordinal_position",
        );
        format!("{}: {}", version.join(" "), columns.join(", "))
    }
}

impl Server {
    fn answers(&mut self, programs: &Path) -> bool {
        for _ in 0..LOOKS {
            if psql(programs, self.port, "SELECT 1").status.success() {
                return true;
            }
            if !self.guard.try_wait().is_ok_and(|end| end.is_none()) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }
}

fn psql(programs: &Path, port: u16, query: &str) -> Output {
    Command::new(programs.join("psql"))
        .args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--host=127.0.0.1",
        ])
        .args(["--username=app", "--dbname=postgres", "--command", query])
        .arg(format!("--port={port}"))
        .env("PGPASSWORD", PASSWORD)
        .output()
        .expect("psql")
}

fn serve(programs: &Path, folder: &Path, port: u16, user: Option<(u32, u32)>) -> Child {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", SERVE, "ecs-bluegreen-postgres"])
        .arg(programs)
        .arg(folder)
        .arg(port.to_string())
        .stdin(Stdio::piped());
    as_user(&mut shell, user, folder);
    shell.spawn().expect("a shell")
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>, folder: &Path) {
    command.current_dir(folder);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// Where `make setup` installs Python's tools.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin")
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/app")
}

/// What an image needs to migrate: the migrations of the sample application, and Alembic of this
/// machine.
pub(super) fn migration_files() -> Vec<ImageFile> {
    let python = tools().join("python");
    let alembic = format!(
        "#!{}\nimport sys\nfrom alembic.config import main\nsys.exit(main())\n",
        python.display()
    );
    let file = |path: &str, mode: u32, content: Vec<u8>| ImageFile {
        path: path.to_owned(),
        mode,
        content,
    };
    let mut files = vec![file("usr/local/bin/alembic", 0o755, alembic.into_bytes())];
    for path in [
        "alembic.ini",
        "migrations/env.py",
        "migrations/versions/0001_items.py",
        "migrations/versions/0002_notes.py",
    ] {
        let content = std::fs::read(sample().join(path)).expect("a migration");
        files.push(file(&format!("srv/{path}"), 0o644, content));
    }
    files
}
