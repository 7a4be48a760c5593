//! The way to a server through a host that is logged in to over SSH: an operator's own machine has
//! often none of its own.
//!
//! The SSH connection is one of its own and carries nothing else, and the server is identified from
//! here, end to end, so that the host on the way learns no password. Not for how a channel of it
//! comes about: that is `ssh`'s.

use super::address::Address;
use super::failure::VsphereError;
use super::stream::{Deadline, Route, Stream, Timed};
use crate::transport::ssh::{SshHost, TunnelError};

/// A way through a host.
#[derive(Clone, Debug)]
pub struct ThroughSsh {
    /// The host, and how it is logged in to.
    pub host: SshHost,
}

impl Route for ThroughSsh {
    fn open(&self, to: &Address, deadline: &mut Deadline) -> Result<Box<dyn Stream>, VsphereError> {
        let limit = deadline.left().ok_or_else(|| deadline.failure("connecting"))?;
        let via = || self.host.label();
        let tunnel = self.host.tunnel(&to.host, to.port, limit).map_err(|error| match error {
            TunnelError::Host(failure) => VsphereError::Via { via: via(), failure },
            TunnelError::Server(failure) => VsphereError::Beyond { failure },
        })?;
        deadline.restart(tunnel.left);
        Ok(Box::new(Timed { socket: tunnel.stream, deadline: *deadline }))
    }

    fn through(&self) -> Option<String> {
        Some(self.host.label())
    }
}
