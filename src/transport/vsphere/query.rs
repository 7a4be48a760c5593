//! A server with everything that collecting from it takes, to be handed to a thread.
//!
//! Not for which calls are made: that is `collect`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::client::Endpoint;
use super::collect::{CollectRequest, collect};
use super::enable_uuid::EnableUuidRequest;
use super::session::Credentials;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::transport::http::stream::Connector;
use crate::transport::http::tls::TlsTrust;
use crate::uri::vsphere::VsphereAddress;

/// A query of one server.
pub struct VsphereQuery {
    /// Opens connections to the server.
    pub connector: Box<dyn Connector + Send + Sync>,
    /// The server's address.
    pub address: VsphereAddress,
    /// Which certificates are trusted.
    pub trust: TlsTrust,
    /// The account that logs in.
    pub credentials: Credentials,
    /// The scope of the query.
    pub question: QueryScope,
    /// The time limit of all of it.
    pub timeout: Duration,
}

impl VsphereQuery {
    /// Returns the request to change `disk.EnableUUID` of a machine of the server.
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

    /// Collects the answers of the server. When `stop` becomes true, no further call is made and the
    /// session is closed.
    pub fn collect(&self, name: &str, kind: TargetKind, stop: &AtomicBool) -> Transcript {
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
