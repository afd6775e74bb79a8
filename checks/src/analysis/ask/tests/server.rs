//! A server that answers every request alike and remembers the last one.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::test_server::read_request;

/// What it answers.
#[derive(Clone)]
pub(super) enum Reply {
    /// This, then the connection is closed.
    Once(String),
    /// This again and again, until the client goes away.
    Endless(String),
    /// Nothing at all.
    Silence,
}

pub(super) struct Server {
    pub(super) url: String,
    last: Arc<Mutex<String>>,
}

impl Server {
    /// One that is not there.
    pub(super) fn unreachable(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            last: Arc::default(),
        }
    }

    pub(super) fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The last request, whole.
    pub(super) fn last_request(&self) -> String {
        self.last.lock().unwrap().clone()
    }
}

/// An answer with a JSON body.
pub(super) fn json_reply(status: &str, body: &str) -> Reply {
    Reply::Once(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

pub(super) async fn serve(reply: Reply) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let last = Arc::new(Mutex::new(String::new()));
    let kept = last.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, reply.clone(), kept.clone()));
        }
    });
    Server { url, last }
}

async fn answer(
    mut stream: TcpStream,
    reply: Reply,
    last: Arc<Mutex<String>>,
) -> std::io::Result<()> {
    *last.lock().unwrap() = read_request(&mut stream).await?;
    match reply {
        Reply::Once(text) => stream.write_all(text.as_bytes()).await,
        Reply::Endless(text) => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
                .await?;
            loop {
                stream.write_all(text.as_bytes()).await?;
            }
        }
        Reply::Silence => std::future::pending().await,
    }
}
