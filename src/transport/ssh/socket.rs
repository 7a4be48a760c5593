//! The byte stream an SSH connection runs over: TCP, or one end of a pair whose other end is
//! pumped through a jump host.
//!
//! Not for opening a TCP connection: that is `connect`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_tcp_quickack;

/// A byte stream to a server.
#[derive(Debug)]
pub(super) enum Socket {
    /// A TCP connection.
    Tcp(TcpStream),
    /// One end of a pair.
    Pair(UnixStream),
}

impl Socket {
    /// Shuts both directions down, which wakes up whoever waits for the socket.
    pub(super) fn shutdown(&self) {
        // It may be shut down already.
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both).ok(),
            Self::Pair(stream) => stream.shutdown(Shutdown::Both).ok(),
        };
    }

    /// Waits until the socket is readable or, if `write`, writable; false when the time ended first.
    ///
    /// Delayed acknowledgements of the kernel would cost 40 ms at the server's first answer, so they
    /// are turned off again before each wait.
    pub(super) fn wait(&self, write: bool, limit: Option<Duration>) -> bool {
        let Some(limit) = limit else { return false };
        if let Self::Tcp(stream) = self {
            set_tcp_quickack(stream, true).ok();
        }
        let flags = if write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut waiting = [PollFd::new(self, flags)];
        let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        match poll(&mut waiting, Some(&limit)) {
            Ok(ready) => ready > 0,
            // A signal is no reason to give up: the caller looks at the clock again.
            Err(_) => true,
        }
    }

    /// Sets the time limit of a blocking read.
    pub(super) fn limit_reads(&self, limit: Duration) {
        // Where it cannot be set, the host's deadline still ends the read.
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(limit)).ok(),
            Self::Pair(stream) => stream.set_read_timeout(Some(limit)).ok(),
        };
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&mut &*stream).read(buffer),
            Socket::Pair(stream) => (&mut &*stream).read(buffer),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&mut &*stream).write(bytes),
            Socket::Pair(stream) => (&mut &*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Pair(stream) => stream.as_fd(),
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
