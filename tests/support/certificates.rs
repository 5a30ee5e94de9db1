//! Certificate authorities that no system trusts, and the certificates that they sign.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

/// A certificate authority, with the directory of its files.
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

    /// Returns the path of the authority's own certificate.
    pub fn file(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    /// Returns the path of a file with this name in the directory of the authority.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns a root store that trusts only this authority.
    pub fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        Arc::new(roots)
    }

    /// Signs a certificate for this host.
    pub fn sign(&self, host: &str) -> Pair {
        self.sign_as(host, |_| ())
    }

    /// Signs a certificate for this host, whose parameters `change` has changed.
    pub fn sign_as(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([host.to_owned()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.write_pair(&certificate.pem(), &key)
    }

    /// Creates a self-signed certificate, which the authority has not signed.
    pub fn self_signed_as(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([host.to_owned()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        self.write_pair(&params.self_signed(&key).expect("a certificate").pem(), &key)
    }

    fn write_pair(&self, certificate: &str, key: &KeyPair) -> Pair {
        // Dropping the directory of the authority removes these files too.
        let directory = tempfile::tempdir_in(self.directory.path()).expect("a directory").keep();
        let pair = Pair { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
        std::fs::write(&pair.cert, certificate).expect("written");
        std::fs::write(&pair.key, key.serialize_pem()).expect("written");
        pair
    }
}

impl Pair {
    /// Returns the options of otactl that present this certificate to a server.
    pub fn options(&self) -> [String; 4] {
        let text = |path: &PathBuf| path.display().to_string();
        ["--cert-file".into(), text(&self.cert), "--key-file".into(), text(&self.key)]
    }
}
