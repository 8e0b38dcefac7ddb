//! TLS: rustls over ring, which needs a C compiler and nothing else, given by name, so that whatever other crates of a program
//! have chosen as its default does not matter here.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject as _};

use crate::{Error, Result};

/// Trusts what the system trusts, and `authorities`.
pub(super) fn config(authorities: &[Vec<u8>]) -> Result<ClientConfig> {
    let invalid = |reason: String| Error::InvalidCredentials { reason: reason.into() };
    let mut roots = RootCertStore::empty();
    // A certificate of the system that cannot be read is one that is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in authorities {
        let mut any = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|error| invalid(format!("an authority is not in PEM: {error}")))?;
            roots
                .add(certificate)
                .map_err(|error| invalid(format!("an authority has no certificate: {error}")))?;
            any = true;
        }
        if !any {
            return Err(invalid("what is given for an authority has no certificate in it".into()));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(format!("TLS cannot be spoken: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
