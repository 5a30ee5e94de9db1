//! Certificates and keys of kinds that the Rust libraries of the tests do not create, and a TLS server that presents
//! them.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

use super::certificates::Pair;
use super::server::ServerTasks;

/// The kind of a certificate and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RSA of 2048 bits, X.509 version 1.
    Version1,
    /// RSA of 1024 bits.
    Rsa1024,
    P521,
    Secp256k1,
    /// P-256, with explicit curve parameters instead of the name of the curve.
    Explicit,
    /// RSA of 2048 bits, signed with SHA-1.
    Sha1,
    /// P-256, which otactl supports.
    P256,
}

/// Creates a self-signed certificate of this kind for 127.0.0.1.
pub fn certificate(directory: &TempDir, kind: Kind) -> Pair {
    let path = |name: &str| directory.path().join(format!("{kind:?}.{name}"));
    let pair = Pair { cert: path("pem"), key: path("key") };
    let key = pair.key.display().to_string();
    match kind {
        Kind::Version1 | Kind::Sha1 => openssl(&["genrsa", "-out", &key, "2048"]),
        Kind::Rsa1024 => openssl(&["genrsa", "-out", &key, "1024"]),
        Kind::P521 => openssl(&["ecparam", "-name", "secp521r1", "-genkey", "-noout", "-out", &key]),
        Kind::Secp256k1 => openssl(&["ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", &key]),
        Kind::P256 => openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]),
        Kind::Explicit => {
            let explicit = ["-name", "prime256v1", "-param_enc", "explicit"];
            openssl(&[&["ecparam"], &explicit[..], &["-genkey", "-noout", "-out", &key]].concat());
        }
    }
    let cert = pair.cert.display().to_string();
    let subject = ["-key", &key, "-subj", "/CN=127.0.0.1"];
    if kind == Kind::Version1 {
        let request = path("csr").display().to_string();
        openssl(&[&["req", "-new", "-out", &request], &subject[..]].concat());
        openssl(&["x509", "-req", "-in", &request, "-signkey", &key, "-days", "2", "-out", &cert]);
    } else {
        let digest = if kind == Kind::Sha1 { "-sha1" } else { "-sha256" };
        let extensions =
            ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-days", "2"];
        openssl(&[&["req", "-x509", digest, "-out", &cert], &subject[..], &extensions].concat());
    }
    pair
}

/// Writes the certificate in the format `TRUSTED CERTIFICATE` of OpenSSL, trusted for servers.
pub fn write_trusted(cert: &Path, to: &Path) {
    let (cert, to) = (cert.display().to_string(), to.display().to_string());
    openssl(&["x509", "-in", &cert, "-trustout", "-addtrust", "serverAuth", "-out", &to]);
}

fn openssl(args: &[&str]) {
    let output = Command::new("openssl").args(args).output().expect("openssl is installed by tests/run.sh");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A TLS server that answers one ping over HTTP. Ends when it is dropped.
pub struct TlsServer {
    pub port: u16,
    _process: Child,
    _tasks: ServerTasks,
}

impl TlsServer {
    /// Starts a server with this certificate. `version` is `-tls1_2` or `-tls1_3`.
    pub async fn start(pair: &Pair, version: &str) -> Self {
        let mut process = tokio::process::Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", version, "-cipher", "ALL:@SECLEVEL=0"])
            .arg("-cert")
            .arg(&pair.cert)
            .arg("-key")
            .arg(&pair.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("openssl is installed by tests/run.sh");
        let (mut stdin, mut stdout) = (process.stdin.take().expect("a pipe"), process.stdout.take().expect("a pipe"));
        let mut output = String::new();
        let port = loop {
            read(&mut stdout, &mut output).await.expect("it accepts connections");
            let line = output.lines().find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:"));
            if let Some(port) = line.and_then(|port| port.parse().ok()).filter(|_| output.ends_with('\n')) {
                break port;
            }
        };
        // OpenSSL reports a failed handshake only after the client may have ended, so its use is not recorded.
        let mut tasks = ServerTasks::new().may_stay_unused();
        tasks.spawn(async move {
            // `openssl s_server` prints what it receives, and sends what it reads from stdin.
            while !output.contains("RPC.Ping") {
                if read(&mut stdout, &mut output).await.is_none() {
                    return;
                }
            }
            let id = output.split_once(r#"{"id":"#).and_then(|(_, rest)| rest.split(',').next()).expect("an id");
            let body = format!(r#"{{"id":{id},"src":"dev","result":{{"channel_info":"tls"}}}}"#);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stdin.write_all(format!("{head}{body}").as_bytes()).await.expect("it reads");
            while read(&mut stdout, &mut output).await.is_some() {}
        });
        Self { port, _process: process, _tasks: tasks }
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

async fn read(stdout: &mut tokio::process::ChildStdout, output: &mut String) -> Option<()> {
    let mut bytes = [0; 4096];
    let read = stdout.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
    output.push_str(&String::from_utf8_lossy(&bytes[..read]));
    Some(())
}
