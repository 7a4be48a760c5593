//! The time limit of one host, in wall-clock time: when it is over, the sockets are shut down.
//!
//! A limit per read would not do: a server that sends one byte a second never exceeds it. The time
//! that a person takes to type a password does not count, but a prompt ends with the time that was
//! left.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::socket::Socket;

/// How long a worker has to notice that its sockets were shut down.
const GRACE: Duration = Duration::from_millis(500);

/// The end of one host's time, and the sockets that are shut down then.
#[derive(Debug)]
pub(super) struct HostDeadline {
    /// The whole time limit, for messages.
    pub limit: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ends: Instant,
    /// The time since which a prompt is open.
    paused_since: Option<Instant>,
    sockets: Vec<Arc<Socket>>,
    expired: bool,
}

impl HostDeadline {
    pub(super) fn after(limit: Duration) -> Self {
        let ends = Instant::now() + limit;
        let state = State { ends, paused_since: None, sockets: Vec::new(), expired: false };
        Self { limit, state: Mutex::new(state) }
    }

    /// Returns the time that is left; none when it is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let state = self.state();
        let now = state.paused_since.unwrap_or_else(Instant::now);
        let left = state.ends.saturating_duration_since(now);
        (!state.expired && !left.is_zero()).then_some(left)
    }

    /// Adds a socket to those that are shut down when the time is over.
    pub(super) fn watch(&self, socket: &Arc<Socket>) {
        let mut state = self.state();
        if state.expired {
            socket.shutdown();
        }
        state.sockets.push(Arc::clone(socket));
    }

    /// Runs a prompt, which is given the time that is left as its limit. The clock stands still until
    /// it returns.
    pub(super) fn pause_while<T>(&self, ask: impl FnOnce(Duration) -> T) -> T {
        let left = self.left().unwrap_or_default();
        self.state().paused_since = Some(Instant::now());
        let answer = ask(left);
        let mut state = self.state();
        if let Some(since) = state.paused_since.take() {
            state.ends += since.elapsed();
        }
        answer
    }

    /// Waits for a worker's result, and shuts its connections down when the time is over. None when
    /// there is no result even then.
    pub(super) fn enforce<T>(&self, worker: &Receiver<T>) -> Option<T> {
        while let Some(left) = self.left() {
            match worker.recv_timeout(left) {
                Ok(result) => return Some(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        self.shut_all();
        worker.recv_timeout(GRACE).ok()
    }

    fn shut_all(&self) {
        let mut state = self.state();
        state.expired = true;
        state.sockets.iter().for_each(|socket| socket.shutdown());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_worker_that_never_answers_is_not_waited_for() {
        let deadline = HostDeadline::after(Duration::from_millis(50));
        let (_sender, receiver) = channel::<()>();
        let began = Instant::now();
        assert_eq!(deadline.enforce(&receiver), None);
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(deadline.left(), None);
    }

    #[test]
    fn the_clock_stands_still_while_a_person_is_asked() {
        let deadline = HostDeadline::after(Duration::from_millis(200));
        let limit = deadline.pause_while(|limit| {
            std::thread::sleep(Duration::from_millis(300));
            limit
        });
        assert!(limit <= Duration::from_millis(200) && !limit.is_zero());
        assert!(deadline.left().is_some());
    }
}
