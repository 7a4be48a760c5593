//! Collecting from many hosts at once, by a bounded number of threads and one connection per host.
//!
//! Not for one host: that is [`collect`].

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::vsphere::VsphereQuery;
use super::{Transport, collect};
use crate::facts::failure_kind::FailureKind;
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Failure, Transcript};

/// How often the stop flag is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long an interrupted run waits for open vSphere sessions to be closed.
const LOGOUT_GRACE: Duration = Duration::from_secs(2);

/// Whether a transcript is incomplete because somebody stopped the run.
pub fn was_interrupted(transcript: &Transcript) -> bool {
    transcript.connection.failure.as_ref().is_some_and(|why| why.kind == FailureKind::Interrupted)
}

/// One system to collect from.
pub struct Job {
    /// The name in reports.
    pub target: String,
    /// The kind of target.
    pub kind: TargetKind,
    /// How answers are collected.
    pub collector: Collector,
}

/// How answers are collected.
pub enum Collector {
    /// By a script that the host's shell runs.
    Shell {
        /// The way to the host.
        transport: Box<dyn Transport>,
        /// The probes of the script.
        probes: Vec<Probe>,
        /// The values that probes need.
        env: ProbeEnv,
    },
    /// Over the vSphere API.
    Vsphere(Box<VsphereQuery>),
}

impl Collector {
    fn by(&self) -> CollectedBy {
        match self {
            Self::Shell { transport, .. } => transport.by(),
            Self::Vsphere(_) => CollectedBy::Vsphere,
        }
    }
}

/// Progress of the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEvent<'e> {
    /// The job of this target has started.
    Started(&'e str),
    /// A job has ended.
    Finished {
        /// The target.
        target: &'e str,
        /// Whether the target answered.
        answered: bool,
    },
}

/// Returns how many jobs run at once by default: with more than four per processor their encryption
/// only waits, and more than 32 gained nothing when measured.
pub fn default_parallelism(hosts: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    hosts.min(4 * cores).clamp(1, 32)
}

enum Message {
    Started(usize),
    Finished(usize, Box<Transcript>),
}

/// Asks every host, at most `at_once` of them at a time, and gives one transcript for each, in
/// the order of the questions.
///
/// When `stop` becomes true, no more jobs start, running ones are not waited for, and their
/// transcripts say so.
pub fn run_jobs(
    jobs: Vec<Job>,
    at_once: usize,
    stop: &AtomicBool,
    mut tell: impl FnMut(JobEvent<'_>),
) -> Vec<Transcript> {
    let jobs = Arc::new(jobs);
    let mut answered: Vec<Option<Transcript>> = jobs.iter().map(|_| None).collect();
    // A server allows only so many sessions, so those that are open when the run is stopped are
    // given a moment to be closed.
    let mut sessions: BTreeSet<usize> = BTreeSet::new();
    let stopping = Arc::new(AtomicBool::new(false));
    let (send, receive) = mpsc::channel();
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..at_once.clamp(1, jobs.len().max(1)) {
        // The threads are not joined: one that waits for a hung host must not keep an interrupted
        // run waiting.
        let (jobs, next, send) = (Arc::clone(&jobs), Arc::clone(&next), send.clone());
        let stop = Arc::clone(&stopping);
        thread::spawn(move || run_worker(&jobs, &next, &send, &stop));
    }
    drop(send);
    let mut patience: Option<Instant> = None;
    loop {
        if stop.load(Ordering::Relaxed) {
            next.store(jobs.len(), Ordering::Relaxed);
            stopping.store(true, Ordering::Relaxed);
            let until = *patience.get_or_insert_with(|| Instant::now() + LOGOUT_GRACE);
            if sessions.is_empty() || Instant::now() >= until {
                break;
            }
        }
        match receive.recv_timeout(POLL_INTERVAL) {
            Ok(Message::Started(index)) => {
                if matches!(jobs[index].collector, Collector::Vsphere(_)) {
                    sessions.insert(index);
                }
                tell(JobEvent::Started(&jobs[index].target));
            }
            Ok(Message::Finished(index, transcript)) => {
                sessions.remove(&index);
                let target = &jobs[index].target;
                tell(JobEvent::Finished {
                    target,
                    answered: transcript.connection.failure.is_none(),
                });
                answered[index] = Some(*transcript);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    next.store(jobs.len(), Ordering::Relaxed);
    stopping.store(true, Ordering::Relaxed);
    let stopped = stop.load(Ordering::Relaxed);
    let asked = answered.into_iter().zip(jobs.iter());
    asked
        .map(|(transcript, job)| transcript.unwrap_or_else(|| missing_transcript(job, stopped)))
        .collect()
}

/// Runs one job after the other, until none is left or the receiver is gone.
fn run_worker(jobs: &[Job], next: &AtomicUsize, send: &mpsc::Sender<Message>, stop: &AtomicBool) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = jobs.get(index) else { return };
        if send.send(Message::Started(index)).is_err() {
            return;
        }
        let Job { target, kind, collector } = job;
        // A panic over one host does not cost the others.
        let asked = catch_unwind(AssertUnwindSafe(|| match collector {
            Collector::Shell { transport, probes, env } => {
                collect(target, *kind, transport.as_ref(), probes, env)
            }
            Collector::Vsphere(query) => query.collect(target, *kind, stop),
        }));
        let Ok(transcript) = asked else { continue };
        if send.send(Message::Finished(index, Box::new(transcript))).is_err() {
            return;
        }
    }
}

/// Returns the transcript of a job without a result.
fn missing_transcript(job: &Job, stopped: bool) -> Transcript {
    let (kind, reason) = if stopped {
        (FailureKind::Interrupted, "interrupted before it had answered")
    } else {
        // The thread has panicked, which must not look like an answer.
        (FailureKind::Local, "asking it ended unexpectedly")
    };
    let failure = Failure { kind, reason: reason.to_owned(), hint: None };
    Transcript::from_failure(&job.target, job.kind, job.collector.by(), failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::script::Nonce;
    use crate::transport::ScriptOutput;

    /// A host that takes its time, and answers nothing or panics.
    struct Slow {
        takes: Duration,
        at_once: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        panics: bool,
    }

    impl Transport for Slow {
        fn by(&self) -> CollectedBy {
            CollectedBy::Local
        }

        fn run(&self, _: &str, _: &Nonce) -> Result<ScriptOutput, Failure> {
            assert!(!self.panics, "as it was told to");
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(self.takes);
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Err(Failure { kind: FailureKind::Timeout, reason: "slow".into(), hint: None })
        }
    }

    fn hosts(takes_ms: &[u64]) -> (Vec<Job>, Arc<AtomicUsize>) {
        let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let job = |(index, ms): (usize, &u64)| Job {
            target: format!("mt{index}"),
            kind: TargetKind::LinuxMt,
            collector: Collector::Shell {
                transport: Box::new(Slow {
                    takes: Duration::from_millis(*ms),
                    at_once: Arc::clone(&at_once),
                    most: Arc::clone(&most),
                    panics: *ms == u64::MAX,
                }),
                probes: Vec::new(),
                env: ProbeEnv::default(),
            },
        };
        (takes_ms.iter().enumerate().map(job).collect(), most)
    }

    fn reasons(transcripts: &[Transcript]) -> Vec<(&str, &str)> {
        let reason = |t: &Transcript| t.connection.failure.as_ref().unwrap().reason.clone();
        let words = |text: String| match text.as_str() {
            "slow" => "slow",
            "interrupted before it had answered" => "interrupted",
            _ => "ended",
        };
        transcripts.iter().map(|t| (t.target.as_str(), words(reason(t)))).collect()
    }

    #[test]
    fn answers_come_in_the_order_of_the_questions_and_never_more_at_once_than_allowed() {
        let (jobs, most) = hosts(&[60, 1, 30, 1, 10, 1, 1]);
        let mut events = 0;
        let transcripts = run_jobs(jobs, 3, &AtomicBool::new(false), |_| events += 1);
        let names: Vec<&str> = transcripts.iter().map(|t| t.target.as_str()).collect();
        assert_eq!(names, ["mt0", "mt1", "mt2", "mt3", "mt4", "mt5", "mt6"]);
        assert_eq!(events, 14);
        assert!(most.load(Ordering::SeqCst) <= 3);
    }

    #[test]
    fn an_interruption_waits_for_nobody_and_keeps_what_was_answered() {
        let (jobs, _) = hosts(&[1, 60_000, 1]);
        let stop = AtomicBool::new(false);
        let began = std::time::Instant::now();
        let transcripts = run_jobs(jobs, 1, &stop, |event| {
            if event == JobEvent::Started("mt1") {
                stop.store(true, Ordering::Relaxed);
            }
        });
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!(
            reasons(&transcripts),
            [("mt0", "slow"), ("mt1", "interrupted"), ("mt2", "interrupted")]
        );
    }

    #[test]
    fn a_defect_in_one_host_costs_that_host_alone() {
        let (jobs, _) = hosts(&[1, u64::MAX, 1]);
        let transcripts = run_jobs(jobs, 2, &AtomicBool::new(false), |_| {});
        assert_eq!(reasons(&transcripts), [("mt0", "slow"), ("mt1", "ended"), ("mt2", "slow")]);
    }

    #[test]
    fn no_hosts_are_asked_in_no_time() {
        assert!(run_jobs(Vec::new(), 8, &AtomicBool::new(false), |_| {}).is_empty());
        assert_eq!(default_parallelism(0), 1);
        assert!(default_parallelism(1000) <= 32);
    }
}
