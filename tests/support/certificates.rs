//! Authorities that nobody knows, and what they sign.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

/// An authority, and the directory of its certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    directory: TempDir,
}

/// The files of a certificate and its key.
#[derive(Clone)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), certificate: certificate.der().clone(), directory }
    }

    /// Its own certificate.
    pub fn file(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    /// Where a file of this name would lie.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What trusts it, and nobody else.
    pub fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        Arc::new(roots)
    }

    /// A certificate for this host.
    pub fn sign(&self, host: &str) -> Pair {
        self.sign_as(host, |_| ())
    }

    /// The same with something about it changed.
    pub fn sign_as(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([host.to_owned()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.keep(&certificate.pem(), &key)
    }

    /// A certificate that it has not signed, but that has signed itself.
    pub fn unsigned(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([host.to_owned()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        self.keep(&params.self_signed(&key).expect("a certificate").pem(), &key)
    }

    fn keep(&self, certificate: &str, key: &KeyPair) -> Pair {
        // Goes with the directory that it lies in.
        let directory = tempfile::tempdir_in(self.directory.path()).expect("a directory").keep();
        let pair = Pair { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
        std::fs::write(&pair.cert, certificate).expect("written");
        std::fs::write(&pair.key, key.serialize_pem()).expect("written");
        pair
    }
}

impl Pair {
    /// The options with which it is shown to a server.
    pub fn options(&self) -> [String; 4] {
        let text = |path: &PathBuf| path.display().to_string();
        ["--cert-file".into(), text(&self.cert), "--key-file".into(), text(&self.key)]
    }
}
