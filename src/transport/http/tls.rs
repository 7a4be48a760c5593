//! TLS to a server whose certificate is verified before anything is sent to it.
//!
//! TLS 1.2 at least, unless old versions are allowed. A certificate is trusted when an authority of
//! this system vouches for it and for the host's name, or when its thumbprint is pinned or stored.
//! Not for reaching the server: that is `stream`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ssl::{
    HandshakeError, Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode,
    SslVersion,
};
use openssl::x509::{X509, X509NameRef, X509VerifyResult};
use serde::{Deserialize, Serialize};

use super::error::ConnectError;
use super::stream::{Connector, Deadline, Stream};
use super::thumbprint::Thumbprint;
use crate::uri::authority::Authority;

/// Where systems keep the authorities they trust. The program may carry an OpenSSL of its own,
/// which knows none of them.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// An encrypted stream.
pub type TlsStream = SslStream<Box<dyn Stream>>;

/// Which certificates are trusted.
#[derive(Clone, Debug, Default)]
pub struct TlsTrust {
    /// The pinned thumbprint of this server; then nothing else counts.
    pub pin: Option<Thumbprint>,
    /// The thumbprints stored for this server, trusted beside the system's authorities.
    pub stored: Vec<Thumbprint>,
    /// A file of authorities to trust beside the system's.
    pub authorities: Option<PathBuf>,
    /// Whether TLS 1.0 and 1.1 and their algorithms are allowed.
    pub legacy: bool,
}

/// The negotiated TLS session, and how the server was identified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSession {
    /// The version, such as `TLSv1.2`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The certificate's subject.
    pub subject: String,
    /// The certificate's issuer.
    pub issuer: String,
    /// When it expires.
    pub not_after: String,
    /// Its SHA-256 thumbprint.
    pub sha256: String,
    /// Its SHA-1 thumbprint.
    pub sha1: String,
    /// Why it is trusted: `authority`, `thumbprint` or `stored-thumbprint`.
    pub trusted_by: String,
    /// The digest of the thumbprint it is trusted by; empty with an authority.
    pub pin: String,
    /// Whether old versions were allowed.
    pub legacy: bool,
}

/// Starts TLS on a stream, and verifies the server.
///
/// # Errors
///
/// Fails when there is no handshake, or when the certificate is not trusted; then nothing but the
/// handshake was sent.
pub fn start_tls(
    stream: Box<dyn Stream>,
    address: &Authority,
    trust: &TlsTrust,
    deadline: Deadline,
) -> Result<(TlsStream, TlsSession), ConnectError> {
    let context = context(trust.legacy, trust.authorities.as_deref()).map_err(setup)?;
    let secured = handshake(&context, stream, address, deadline)?;
    let session = verify_identity(&secured, trust)?;
    Ok((secured, session))
}

/// Returns the newest version of TLS that a server has when old ones are allowed; none when there
/// is no handshake then, either. Nothing but the handshake is sent.
pub fn newest_version(
    connector: &dyn Connector,
    address: &Authority,
    mut deadline: Deadline,
) -> Option<String> {
    let stream = connector.open(address, &mut deadline).ok()?;
    let secured = handshake(&context(true, None).ok()?, stream, address, deadline).ok()?;
    Some(secured.ssl().version_str().to_owned())
}

/// Fetches the certificate of a server without trusting it. Nothing but the handshake is sent.
///
/// # Errors
///
/// Fails when there is no handshake.
pub fn fetch_certificate(
    connector: &dyn Connector,
    address: &Authority,
    legacy: bool,
    mut deadline: Deadline,
) -> Result<TlsSession, ConnectError> {
    let context = context(legacy, None).map_err(setup)?;
    let stream = connector.open(address, &mut deadline)?;
    let secured = handshake(&context, stream, address, deadline)?;
    let certificate = peer_certificate(&secured)?;
    describe_session(&secured, &certificate, "nothing", "")
}

fn setup(error: ErrorStack) -> ConnectError {
    ConnectError::Handshake(error.to_string())
}

fn context(legacy: bool, authorities: Option<&Path>) -> Result<SslContext, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
    // `verify_identity` decides, for it knows thumbprints as well. OpenSSL verifies the certificate
    // all the same and keeps its result.
    context.set_verify(SslVerifyMode::NONE);
    if legacy {
        context.set_cipher_list("DEFAULT:@SECLEVEL=0")?;
        context.set_security_level(0);
        context.set_min_proto_version(Some(SslVersion::TLS1))?;
    } else {
        context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    }
    context.set_default_verify_paths()?;
    let system = AUTHORITIES.iter().map(Path::new).find(|path| path.is_file());
    for file in system.into_iter().chain(authorities) {
        context.load_verify_locations(Some(file), None)?;
    }
    Ok(context.build())
}

fn handshake(
    context: &SslContext,
    stream: Box<dyn Stream>,
    address: &Authority,
    deadline: Deadline,
) -> Result<TlsStream, ConnectError> {
    let mut ssl = Ssl::new(context).map_err(setup)?;
    match address.host.parse::<IpAddr>() {
        Ok(ip) => ssl.param_mut().set_ip(ip).map_err(setup)?,
        Err(_) => {
            ssl.param_mut().set_host(&address.host).map_err(setup)?;
            ssl.set_hostname(&address.host).map_err(setup)?;
        }
    }
    ssl.connect(stream).map_err(|error| match error {
        HandshakeError::SetupFailure(error) => setup(error),
        HandshakeError::Failure(mid) | HandshakeError::WouldBlock(mid) => {
            handshake_error(mid.error(), address, deadline)
        }
    })
}

/// Returns the error of a failed handshake.
fn handshake_error(
    error: &openssl::ssl::Error,
    address: &Authority,
    deadline: Deadline,
) -> ConnectError {
    if let Some(io) = error.io_error() {
        return match io.kind() {
            std::io::ErrorKind::TimedOut => deadline.to_error("shaking hands"),
            _ => ConnectError::Handshake(io.to_string()),
        };
    }
    let reasons: Vec<&str> = error
        .ssl_error()
        .map(|stack| stack.errors().iter().filter_map(|error| error.reason()).collect())
        .unwrap_or_default();
    let says = |words: &[&str]| reasons.iter().any(|reason| words.contains(reason));
    if says(&["unsupported protocol", "tlsv1 alert protocol version", "no protocols available"]) {
        return ConnectError::TlsVersion("an older version of TLS".to_owned());
    }
    if says(&["wrong version number", "packet length too long", "http request"]) {
        return ConnectError::NotTls(address.to_string());
    }
    let reason = match reasons.first() {
        Some(reason) => (*reason).to_owned(),
        None => "the server closed the connection".to_owned(),
    };
    ConnectError::Handshake(reason)
}

fn peer_certificate(secured: &TlsStream) -> Result<X509, ConnectError> {
    let none = || ConnectError::Handshake("the server shows no certificate".to_owned());
    secured.ssl().peer_certificate().ok_or_else(none)
}

fn thumbprints(certificate: &X509) -> Result<(Thumbprint, Thumbprint), ConnectError> {
    let sha256 = certificate.digest(MessageDigest::sha256()).map_err(setup)?;
    let sha1 = certificate.digest(MessageDigest::sha1()).map_err(setup)?;
    match ((*sha256).try_into(), (*sha1).try_into()) {
        (Ok(sha256), Ok(sha1)) => Ok((Thumbprint::Sha256(sha256), Thumbprint::Sha1(sha1))),
        _ => Err(ConnectError::Handshake("a digest of the wrong length".to_owned())),
    }
}

/// Verifies that the certificate is a trusted one.
fn verify_identity(secured: &TlsStream, trust: &TlsTrust) -> Result<TlsSession, ConnectError> {
    let certificate = peer_certificate(secured)?;
    let (sha256, sha1) = thumbprints(&certificate)?;
    let refused = |why: String| ConnectError::Certificate { why, sha256: sha256.to_string() };
    let matches = |wanted: &Thumbprint| *wanted == sha256 || *wanted == sha1;
    if let Some(pin) = &trust.pin {
        if !matches(pin) {
            let own = if matches!(pin, Thumbprint::Sha1(_)) { &sha1 } else { &sha256 };
            return Err(refused(format!("its thumbprint should be {pin} and is {own}")));
        }
        return describe_session(secured, &certificate, "thumbprint", pin.kind());
    }
    let verdict = secured.ssl().verify_result();
    if verdict == X509VerifyResult::OK {
        return describe_session(secured, &certificate, "authority", "");
    }
    if let Some(stored) = trust.stored.iter().find(|stored| matches(stored)) {
        return describe_session(secured, &certificate, "kept-thumbprint", stored.kind());
    }
    Err(refused(match trust.stored.first() {
        Some(stored) => format!("it has changed: the thumbprint that is kept for it is {stored}"),
        None => verdict.error_string().to_owned(),
    }))
}

fn describe_session(
    secured: &TlsStream,
    certificate: &X509,
    trusted_by: &str,
    pin: &str,
) -> Result<TlsSession, ConnectError> {
    let (sha256, sha1) = thumbprints(certificate)?;
    let ssl = secured.ssl();
    Ok(TlsSession {
        version: ssl.version_str().to_owned(),
        cipher: ssl.current_cipher().map_or("none", |cipher| cipher.name()).to_owned(),
        subject: format_name(certificate.subject_name()),
        issuer: format_name(certificate.issuer_name()),
        not_after: certificate.not_after().to_string(),
        sha256: sha256.to_string(),
        sha1: sha1.to_string(),
        trusted_by: trusted_by.to_owned(),
        pin: pin.to_owned(),
        legacy: ssl
            .version2()
            .is_some_and(|version| version != SslVersion::TLS1_2 && version != SslVersion::TLS1_3),
    })
}

/// Formats a distinguished name in one line of at most 200 characters.
fn format_name(name: &X509NameRef) -> String {
    let part = |entry: &openssl::x509::X509NameEntryRef| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().unwrap_or_default();
        format!("{key}={value}")
    };
    let parts: Vec<String> = name.entries().map(part).collect();
    parts.join(", ").chars().take(200).collect()
}
