//! Somebody between the client and the real registry, who answers some requests in its place, or
//! cuts the connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to a request.
pub(super) enum Fate {
    /// The registry answers.
    Pass,
    /// The registry answers what would have been asked at this path.
    PassAs(String),
    /// This answer: status line and headers, and a body.
    Answer(String, String),
    /// The registry answers, and this header is put into its answer.
    PassWith(String),
    /// The connection ends after so many bytes of the request's body.
    Cut(usize),
}

/// Decides by the request's head and by how many requests like it (method and path) came before.
pub(super) type Rule = Box<dyn Fn(&Head, usize) -> Fate + Send + Sync>;

/// The head of a request.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<String>,
}

impl Head {
    pub(super) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.contains(path)
    }

    /// The path without the name of an upload, which is new each time.
    fn place(&self) -> &str {
        self.path
            .split_inclusive("/uploads/")
            .next()
            .unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let fits = |line: &&String| {
            line.split(':')
                .next()
                .is_some_and(|there| there.eq_ignore_ascii_case(name))
        };
        self.headers
            .iter()
            .find(fits)
            .and_then(|line| line.split_once(": "))
            .map(|(_, value)| value)
    }
}

/// The listening side; it lives as long as the test's process.
pub(super) struct Between {
    pub(super) port: u16,
    seen: Arc<Mutex<Vec<Head>>>,
}

impl Between {
    pub(super) fn new(registry: u16, rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, rule) = (Arc::clone(&seen), Arc::new(rule));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (log, rule) = (Arc::clone(&log), Arc::clone(&rule));
                thread::spawn(move || drop(serve(&client.unwrap(), registry, &log, &rule)));
            }
        });
        Self { port, seen }
    }

    /// Everything that was asked so far.
    pub(super) fn seen(&self) -> Vec<Head> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self, method: &str, path: &str) -> usize {
        self.seen()
            .iter()
            .filter(|head| head.is(method, path))
            .count()
    }
}

/// One request a connection, so that nothing has to be understood of bodies.
fn serve(client: &TcpStream, registry: u16, log: &Mutex<Vec<Head>>, rule: &Rule) -> io::Result<()> {
    let mut from = BufReader::new(client);
    let head = read_head(&mut from)?;
    let before = {
        let mut log = log.lock().unwrap();
        let before = log
            .iter()
            .filter(|other| other.method == head.method && other.place() == head.place())
            .count();
        log.push(head.clone());
        before
    };
    match rule(&head, before) {
        Fate::Pass => pass(&mut from, client, registry, &head, None),
        Fate::PassAs(path) => pass(&mut from, client, registry, &Head { path, ..head }, None),
        Fate::PassWith(header) => pass(&mut from, client, registry, &head, Some(&header)),
        Fate::Answer(top, body) => answer(&mut from, client, &head, &top, &body),
        Fate::Cut(bytes) => {
            io::copy(&mut from.take(bytes as u64), &mut io::sink())?;
            client.shutdown(Shutdown::Both)
        }
    }
}

fn read_head(from: &mut impl BufRead) -> io::Result<Head> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let first = lines.remove(0);
    let mut words = first.split(' ').map(str::to_owned);
    Ok(Head {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers: lines,
    })
}

fn body_length(head: &Head) -> u64 {
    head.header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0)
}

fn answer(
    from: &mut impl Read,
    mut client: &TcpStream,
    head: &Head,
    top: &str,
    body: &str,
) -> io::Result<()> {
    io::copy(&mut from.take(body_length(head)), &mut io::sink())?;
    write!(
        client,
        "HTTP/1.1 {top}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )?;
    if head.method == "HEAD" {
        Ok(())
    } else {
        client.write_all(body.as_bytes())
    }
}

fn pass(
    from: &mut impl Read,
    mut client: &TcpStream,
    registry: u16,
    head: &Head,
    extra: Option<&str>,
) -> io::Result<()> {
    let upstream = TcpStream::connect(("127.0.0.1", registry))?;
    write!(
        &upstream,
        "{} {} HTTP/1.1\r\nconnection: close\r\n",
        head.method, head.path
    )?;
    for line in head
        .headers
        .iter()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
    {
        write!(&upstream, "{line}\r\n")?;
    }
    write!(&upstream, "\r\n")?;
    io::copy(&mut from.take(body_length(head)), &mut &upstream)?;
    let mut back = BufReader::new(&upstream);
    let mut first = String::new();
    back.read_line(&mut first)?;
    write!(
        client,
        "{first}{}",
        extra.map_or(String::new(), |header| format!("{header}\r\n"))
    )?;
    let mut line = String::new();
    while back.read_line(&mut line)? > 2 {
        let replaced = extra
            .and_then(|header| header.split(':').next())
            .is_some_and(|name| line.to_ascii_lowercase().starts_with(name));
        if !replaced {
            client.write_all(line.as_bytes())?;
        }
        line.clear();
    }
    client.write_all(b"\r\n")?;
    io::copy(&mut back, &mut client)?;
    client.shutdown(Shutdown::Both)
}
