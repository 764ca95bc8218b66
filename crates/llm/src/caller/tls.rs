//! The TLS of a lane: rustls over ring, with the roots the system trusts. Where nothing but http is spoken the system
//! is not asked for them.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::{Endpoint, LaneError};

/// What a client of this endpoint trusts.
pub(super) fn config(lane: &str, url: &Endpoint) -> Result<ClientConfig, LaneError> {
    let roots = if url.is_encrypted() {
        system_roots(lane)?
    } else {
        RootCertStore::empty()
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn system_roots(lane: &str) -> Result<RootCertStore, LaneError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(LaneError::Unusable {
            lane: lane.to_owned(),
            why: "this system has no certificates to trust; install its ca-certificates".to_owned(),
        });
    }
    Ok(roots)
}
