//! A server that speaks TLS and answers HTTP with one status, for hosts that are asked which ports they reach.
//!
//! Not for vSphere's answers (`vsphere/simulator`).

#![allow(clippy::unwrap_used, reason = "all of this file is for tests")]

use std::io::{Read, Write};
use std::net::TcpListener;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::{X509, X509NameBuilder};

/// What takes connections over TLS with a certificate of its own that nobody signed.
pub fn acceptor() -> SslAcceptor {
    let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate.build()).unwrap();
    acceptor.build()
}

/// Answers every request at an address over TLS with one status, and returns the port.
pub fn serve(address: &str, status: u16) -> u16 {
    let acceptor = acceptor();
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(mut stream) = acceptor.accept(stream) else { continue };
            let mut request = [0; 512];
            if stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).ok();
                stream.shutdown().ok();
            }
        }
    });
    port
}
