//! One SSH connection: a libssh2 session and its socket.
//!
//! The session does not block: every operation is repeated until it is done, and waits end with the
//! host's time. Not for what the operations are.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh2::{BlockDirections, Session};

use super::deadline::HostDeadline;
use super::failure::SshError;
use super::socket::Socket;

/// libssh2's code for "not yet" (LIBSSH2_ERROR_EAGAIN).
pub(super) const EAGAIN: i32 = -37;

/// One SSH connection.
pub(super) struct SshConnection {
    pub session: Session,
    pub socket: Arc<Socket>,
    pub deadline: Arc<HostDeadline>,
}

impl SshConnection {
    /// Creates a session over a socket; nothing is sent yet.
    pub(super) fn new(socket: Socket, deadline: &Arc<HostDeadline>) -> Result<Self, SshError> {
        let socket = Arc::new(socket);
        deadline.watch(&socket);
        let mut session = Session::new()?;
        session.set_tcp_stream(Arc::clone(&socket));
        session.set_blocking(false);
        Ok(Self { session, socket, deadline: Arc::clone(deadline) })
    }

    /// Repeats an operation until it is done.
    pub(super) fn wait_for<T>(
        &self,
        operation: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<T, SshError> {
        // Longer than the time of any host.
        self.wait_for_within(Duration::MAX, operation)?.ok_or(SshError::TimedOut)
    }

    /// Repeats an operation until it is done; none after this limit, when the host has time left.
    pub(super) fn wait_for_within<T>(
        &self,
        limit: Duration,
        mut operation: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<Option<T>, SshError> {
        let began = Instant::now();
        loop {
            match operation(&self.session).map_err(SshError::from) {
                Ok(done) => return Ok(Some(done)),
                Err(SshError::Libssh2(EAGAIN, _)) => {
                    let left = limit.saturating_sub(began.elapsed());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    self.ready_within(left)?;
                }
                Err(stop) if self.deadline.left().is_some() => return Err(stop),
                Err(_) => return Err(SshError::TimedOut),
            }
        }
    }

    /// Waits until the socket is ready for what the session wants of it.
    pub(super) fn wait_ready(&self) -> Result<(), SshError> {
        if self.ready_within(Duration::MAX)? { Ok(()) } else { Err(SshError::TimedOut) }
    }

    /// Whether the socket became ready within a limit; the end of the host's time is an error.
    fn ready_within(&self, limit: Duration) -> Result<bool, SshError> {
        let direction = self.session.block_directions();
        let write = matches!(direction, BlockDirections::Outbound | BlockDirections::Both);
        let left = self.deadline.left().ok_or(SshError::TimedOut)?;
        let ready = self.socket.wait(write, Some(left.min(limit)));
        if ready || limit < left { Ok(ready) } else { Err(SshError::TimedOut) }
    }
}

/// Turns a pending read or write into none.
pub(super) fn none_if_pending(result: io::Result<usize>) -> Result<Option<usize>, SshError> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        // The number is lost on its way through `io::Error`; its text is not. -43 is "receive".
        Err(error) => Err(SshError::Libssh2(-43, error.to_string())),
    }
}

impl Drop for SshConnection {
    /// Says goodbye if that takes no time, and frees the session.
    fn drop(&mut self) {
        self.session.disconnect(None, "done", None).ok();
        self.socket.shutdown();
        // A session that does not block is not freed while a channel of it could be closed
        // properly; one that blocks is, at once, for the socket is shut.
        self.session.set_blocking(true);
        self.session.set_timeout(Duration::from_millis(100).as_millis() as u32);
    }
}
