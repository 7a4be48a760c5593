//! Threads for what no time limit reaches, used again from host to host.
//!
//! A thread for each host costs more than its start: the memory its predecessor had was given back,
//! is asked for again bit by bit, and touched anew. Whoever waits for a result does not wait for
//! the thread: one that hangs is left alone and never used again.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard};
use std::thread;

/// Does the work, and gives what tells of it.
type Job = Box<dyn FnOnce() -> Box<dyn FnOnce()> + Send>;

/// The ways to those threads that have nothing to do.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

/// Does some work in another thread. The receiver is told of the end of a thread that panics by
/// the end of its sender.
///
/// # Errors
///
/// Fails when there is no thread to be had.
pub(super) fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Receiver<T>> {
    let (send, receive) = channel();
    let mut job: Job = Box::new(move || {
        let result = work();
        Box::new(move || {
            // Nobody waits any more for what came too late.
            send.send(result).ok();
        })
    });
    loop {
        let Some(worker) = idle().pop() else { break };
        match worker.send(job) {
            Ok(()) => return Ok(receive),
            Err(refused) => job = refused.0,
        }
    }
    thread::Builder::new().name("ssh".to_owned()).spawn(move || serve(job))?;
    Ok(receive)
}

/// Does one job after the other. A thread is idle before it tells of its result, so that whoever
/// hears of it finds it so.
fn serve(first: Job) {
    let (send, receive) = channel();
    let mut job = first;
    loop {
        let tell = job();
        idle().push(send.clone());
        tell();
        match receive.recv() {
            Ok(next) => job = next,
            Err(_) => return,
        }
    }
}

fn idle() -> MutexGuard<'static, Vec<Sender<Job>>> {
    IDLE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_is_done_and_a_panic_is_told_by_silence() {
        for round in 0..20 {
            assert_eq!(run(move || round).unwrap().recv(), Ok(round));
        }
        assert!(run(|| -> u8 { panic!("as it was told to") }).unwrap().recv().is_err());
        assert_eq!(run(|| 1).unwrap().recv(), Ok(1));
    }

    #[test]
    fn a_thread_that_hangs_keeps_nobody_waiting() {
        let (hold, held) = channel::<()>();
        let hung = run(move || held.recv().is_err()).unwrap();
        let others: Vec<_> = (0..10).map(|number| run(move || number).unwrap()).collect();
        for (number, other) in others.into_iter().enumerate() {
            assert_eq!(other.recv_timeout(Duration::from_secs(30)), Ok(number));
        }
        assert!(hung.try_recv().is_err());
        drop(hold);
        assert_eq!(hung.recv(), Ok(true));
    }
}
