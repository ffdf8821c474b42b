//! TLS on loopback, by a certificate that is made at each start and signed by itself: so that
//! what TLS costs is in what is measured.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The certificate's file in the data folder, PEM.
pub const CERTIFICATE: &str = "certificate.pem";

/// A connection, with TLS or without.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// What it runs on.
    fn tcp(&self) -> &TcpStream;
}

impl Line for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Line for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Makes a certificate for 127.0.0.1 and localhost, and writes it into the folder; its key
/// stays in this process.
pub(super) fn acceptor(data: &Path) -> Result<TlsAcceptor, String> {
    let path = data.join(CERTIFICATE);
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let key = KeyPair::generate().map_err(|error| told(&error))?;
    let mut params =
        CertificateParams::new(["localhost".to_owned()]).map_err(|error| told(&error))?;
    let loopback = SanType::IpAddress(Ipv4Addr::LOCALHOST.into());
    params.subject_alt_names.push(loopback);
    let certificate = params.self_signed(&key).map_err(|error| told(&error))?;
    fs::write(&path, certificate.pem()).map_err(|error| told(&error))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(|error| told(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
