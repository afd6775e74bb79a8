//! Servers that mean no good: one byte at a time, bodies without end, bodies that are a gigabyte
//! when unpacked, silence.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use url::Url;

use super::{Workspace, format_failures, run_one};

/// Serves each connection by this, after its request has arrived.
async fn serve<F>(behave: fn(TcpStream) -> F) -> Url
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await?);
                }
                behave(stream).await
            });
        }
    });
    url
}

async fn drip(mut stream: TcpStream) -> std::io::Result<()> {
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
        .iter()
        .chain(&[b'x'; 100])
    {
        stream.write_all(&[*byte]).await?;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn stay_silent(_stream: TcpStream) -> std::io::Result<()> {
    sleep(Duration::from_mins(1)).await;
    Ok(())
}

/// More than any machine holds, as fast as it goes.
async fn flood(mut stream: TcpStream) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n")
        .await?;
    let block = vec![b'x'; 1024 * 1024];
    loop {
        stream.write_all(&block).await?;
    }
}

/// Header after header.
async fn send_endless_headers(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
    loop {
        stream
            .write_all(b"x-more: and more and more and more and more\r\n")
            .await?;
    }
}

/// Claims to be compressed, although that was not asked for.
async fn send_gzip_bomb(mut stream: TcpStream) -> std::io::Result<()> {
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x4a, 6, 0];
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 15\r\n\r\n")
        .await?;
    stream.write_all(&packed).await
}

fn empty_workspace() -> Workspace {
    Workspace(Vec::new())
}

#[tokio::test]
async fn one_byte_at_a_time_and_silence_are_ended_by_the_timeout() {
    for base in [serve(drip).await, serve(stay_silent).await] {
        let began = Instant::now();
        let result = run_one(&base, "get: /, timeout: 500ms", &empty_workspace()).await;
        assert_eq!(
            format_failures(&result),
            "time: a whole answer within 500 ms, not finished"
        );
        assert!(
            (500..5000).contains(&began.elapsed().as_millis()),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn a_flood_is_read_up_to_a_limit_and_evaluated() {
    let before = resident_kib();
    let base = serve(flood).await;
    let result = run_one(
        &base,
        "get: /, expect: { body: { contains: xxx } }",
        &empty_workspace(),
    )
    .await;
    assert_eq!(format_failures(&result), "");
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more than before");
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let result = run_one(
        &serve(send_endless_headers).await,
        "get: /",
        &empty_workspace(),
    )
    .await;
    assert!(
        format_failures(&result).starts_with("connection: an answer, "),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_packed_body_is_evaluated_as_it_came() {
    let result = run_one(
        &serve(send_gzip_bomb).await,
        "get: /, expect: { json: { $.a: 1 } }",
        &empty_workspace(),
    )
    .await;
    assert!(
        format_failures(&result).starts_with("body: JSON, something else"),
        "{result:?}"
    );
}

#[tokio::test]
async fn connecting_has_a_limit_of_its_own_and_a_handshake_belongs_to_it() {
    let mut base = serve(stay_silent).await;
    base.set_scheme("https").unwrap();
    let result = run_one(
        &base,
        "get: /, connect-timeout: 100ms, timeout: 5s",
        &empty_workspace(),
    )
    .await;
    assert_eq!(
        format_failures(&result),
        "connection: established within 100 ms, not established"
    );
    assert!(result.last_milliseconds < 4000, "{result:?}");
}

/// The memory of this process that is in use, in KiB.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
