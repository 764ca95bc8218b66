//! The server's TLS: a certificate for `localhost` and 127.0.0.1 by an authority that is for tests only and that no
//! system trusts. Its keys lie in the repository, so they keep nothing secret.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

const CERTIFICATE: &[u8] = include_bytes!("../data/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../data/tls/leaf.key");

/// The file with the authority's certificate, for who is to trust the server.
#[must_use]
pub fn authority() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls/ca.pem"))
}

/// The server's side of TLS.
pub(crate) fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("it is a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("it is a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key is the certificate's");
    TlsAcceptor::from(Arc::new(config))
}
