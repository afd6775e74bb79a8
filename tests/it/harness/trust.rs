//! Whom the processes and clients of the tests trust: nobody. A debug build reads the machine's 150
//! authorities in 40 ms, once for every client that is made, and the stage speaks plain HTTP.

/// For a process: an authority that never signed anything, and whose key was never kept.
pub(crate) const AUTHORITY: (&str, &str) = (
    "SSL_CERT_FILE",
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/harness/authority.pem"
    ),
);

/// A client for the stage.
pub(crate) fn client() -> reqwest::Client {
    // A second installation by another test of the same process is no failure.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}
