//! One server with everything that asking it takes, so that a thread of its own can do it.
//!
//! Not for what is asked: that is `survey`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::address::Address;
use super::client::Callee;
use super::enable_uuid::Machine;
use super::session::Credentials;
use super::stream::Route;
use super::survey::{Asked, record};
use super::tls::Trust;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::question::Question;

/// A server that is going to be asked.
pub struct Inquiry {
    /// The way to it.
    pub route: Box<dyn Route + Send + Sync>,
    /// The server.
    pub to: Address,
    /// How it is identified.
    pub trust: Trust,
    /// Who logs in.
    pub credentials: Credentials,
    /// What is asked.
    pub question: Question,
    /// How long it may take altogether.
    pub timeout: Duration,
}

impl Inquiry {
    /// What transcripts say they were asked by.
    pub const BY: &'static str = "vsphere";

    /// A machine of the server, of which one setting may be changed.
    pub fn machine<'a>(&'a self, name: &'a str, stop: &'a AtomicBool) -> Machine<'a> {
        let (callee, credentials) = (self.callee(stop), &self.credentials);
        Machine { callee, credentials, name, timeout: self.timeout }
    }

    fn callee<'a>(&'a self, stop: &'a AtomicBool) -> Callee<'a> {
        Callee { route: self.route.as_ref(), to: &self.to, trust: &self.trust, stop }
    }

    /// Asks the server, and notes whatever comes of it. When `stop` becomes true nothing more is
    /// asked, and the session is closed.
    pub fn record(&self, name: &str, kind: &str, stop: &AtomicBool) -> Transcript {
        record(&Asked {
            name,
            kind,
            callee: self.callee(stop),
            credentials: &self.credentials,
            question: &self.question,
            timeout: self.timeout,
        })
    }
}
