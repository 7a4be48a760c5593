//! Connections to a server through an SSH host, for operators whose own machine does not reach it.
//!
//! The SSH connection carries nothing else, and TLS runs end to end, so that the host on the way
//! learns no password. Not for opening the channel: that is `ssh`.

use super::error::ConnectError;
use super::stream::{Connector, Deadline, DeadlineStream, Stream};
use crate::transport::ssh::{SshHost, TunnelError};
use crate::uri::authority::Authority;

/// Opens streams through an SSH host.
#[derive(Clone, Debug)]
pub struct SshTunnelConnector {
    /// The host, and how to log in to it.
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
                TunnelError::Host(failure) => ConnectError::JumpHost(via(), failure),
                TunnelError::Server(failure) => ConnectError::BehindJumpHost(failure),
            })?;
        deadline.restart(tunnel.left);
        Ok(Box::new(DeadlineStream { socket: tunnel.stream, deadline: *deadline }))
    }

    fn jump_host(&self) -> Option<String> {
        Some(self.host.label())
    }
}
