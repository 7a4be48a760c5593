//! The way to a server through a host that is logged in to over SSH: an operator's own machine has
//! often none of its own.
//!
//! The SSH connection is one of its own and carries nothing else, and the server is identified from
//! here, end to end, so that the host on the way learns no password. Not for how a channel of it
//! comes about: that is `ssh`'s.

use super::authority::Authority;
use super::error::ConnectError;
use super::stream::{Connector, Deadline, DeadlineStream, Stream};
use crate::transport::ssh::{SshHost, TunnelError};

/// A way through a host.
#[derive(Clone, Debug)]
pub struct SshTunnelConnector {
    /// The host, and how it is logged in to.
    pub host: SshHost,
}

impl Connector for SshTunnelConnector {
    fn open(
        &self,
        address: &Authority,
        deadline: &mut Deadline,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let limit = deadline.left().ok_or_else(|| deadline.to_error("connecting"))?;
        let via = || self.host.label();
        let tunnel =
            self.host.tunnel(&address.host, address.port, limit).map_err(|error| match error {
                TunnelError::Host(failure) => ConnectError::JumpHost { via: via(), failure },
                TunnelError::Server(failure) => ConnectError::BehindJumpHost { failure },
            })?;
        deadline.restart(tunnel.left);
        Ok(Box::new(DeadlineStream { socket: tunnel.stream, deadline: *deadline }))
    }

    fn jump_host(&self) -> Option<String> {
        Some(self.host.label())
    }
}
