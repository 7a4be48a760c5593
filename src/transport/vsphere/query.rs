//! One server with everything that asking it takes, so that a thread of its own can do it.
//!
//! Not for what is asked: that is `survey`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::address::VsphereAddress;
use super::client::Endpoint;
use super::collect::{CollectRequest, collect};
use super::enable_uuid::EnableUuidRequest;
use super::session::Credentials;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::question::Question;
use crate::transport::http::stream::Connector;
use crate::transport::http::tls::TlsTrust;

/// A server that is going to be asked.
pub struct VsphereQuery {
    /// The way to it.
    pub connector: Box<dyn Connector + Send + Sync>,
    /// The server.
    pub address: VsphereAddress,
    /// How it is identified.
    pub trust: TlsTrust,
    /// Who logs in.
    pub credentials: Credentials,
    /// What is asked.
    pub question: Question,
    /// How long it may take altogether.
    pub timeout: Duration,
}

impl VsphereQuery {
    /// What transcripts say they were asked by.
    pub const TRANSPORT: &'static str = "vsphere";

    /// A machine of the server, of which one setting may be changed.
    pub fn enable_uuid_request<'a>(
        &'a self,
        name: &'a str,
        stop: &'a AtomicBool,
    ) -> EnableUuidRequest<'a> {
        let (endpoint, credentials) = (self.endpoint(stop), &self.credentials);
        EnableUuidRequest { endpoint, credentials, name, timeout: self.timeout }
    }

    fn endpoint<'a>(&'a self, stop: &'a AtomicBool) -> Endpoint<'a> {
        Endpoint {
            connector: self.connector.as_ref(),
            address: &self.address,
            trust: &self.trust,
            stop,
        }
    }

    /// Asks the server, and notes whatever comes of it. When `stop` becomes true nothing more is
    /// asked, and the session is closed.
    pub fn collect(&self, name: &str, kind: &str, stop: &AtomicBool) -> Transcript {
        collect(&CollectRequest {
            name,
            kind,
            endpoint: self.endpoint(stop),
            credentials: &self.credentials,
            question: &self.question,
            timeout: self.timeout,
        })
    }
}
