//! Prompts on the terminal: one at a time, visible beside progress bars, and with a time limit.
//! Input typed before a prompt is discarded.
//!
//! Not for what is prompted for.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Signal, getpgrp, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::{flag, low_level};

use crate::cli::interrupt;
use crate::cli::terminal::{progress, screen};
use crate::secret::Secret;
use crate::transport::ssh::PromptError;

/// The most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 4096;

/// How often an interruption is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The terminal and its modes before echo was switched off; none while echo is on.
static SAVED_MODES: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Whether a prompt timed out: then no other one is shown.
static UNATTENDED: AtomicBool = AtomicBool::new(false);

/// Prompts for a text that is not shown while it is typed; none when there is no terminal.
pub fn read_secret(question: &str, limit: Duration) -> Result<Option<Secret>, PromptError> {
    prompt(question, limit, |terminal, until| terminal.read_hidden(question, until))
}

/// Prompts for a line; none when there is no terminal.
pub fn read_line(question: &str, limit: Duration) -> Result<Option<String>, PromptError> {
    prompt(question, limit, |terminal, until| terminal.read_visible(question, until))
}

/// Prompts for a line, and waits for it no longer than `wait`: none when the time is over, which is no failure. None
/// around it when there is no terminal.
pub fn wait_for_line(
    question: &str,
    wait: Duration,
) -> Result<Option<Option<String>>, PromptError> {
    prompt(question, wait, |terminal, until| match terminal.read_visible(question, until) {
        Ok(line) => Ok(Some(line)),
        Err(PromptError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Prompts for a confirmation: no unless the answer is yes. None when there is no terminal.
pub fn confirm(question: &str, limit: Duration) -> Result<Option<bool>, PromptError> {
    let answer = read_line(question, limit)?;
    Ok(answer.map(|answer| matches!(answer.trim(), "y" | "Y" | "yes")))
}

/// Prompts whether a fingerprint is right: yes, no or the fingerprint itself. None when there is no
/// terminal.
pub fn confirm_fingerprint(
    question: &str,
    fingerprint: &str,
    limit: Duration,
) -> Result<Option<bool>, PromptError> {
    let until = Instant::now() + limit;
    let mut question = question;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let Some(answer) = read_line(question, left)? else { return Ok(None) };
        match answer.trim() {
            "yes" => return Ok(Some(true)),
            "no" => return Ok(Some(false)),
            answer if answer == fingerprint => return Ok(Some(true)),
            answer if answer.starts_with("SHA256:") => return Ok(Some(false)),
            _ => question = "Please type yes, no or the fingerprint: ",
        }
    }
}

/// Restores the terminal's modes when a prompt was left open.
pub fn restore() {
    if let Some((terminal, before)) = lock(&SAVED_MODES).take() {
        // A partly typed answer is not left for the shell.
        tcsetattr(&terminal, OptionalActions::Flush, &before).ok();
        (&terminal).write_all(b"\n").ok();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn prompt<T>(
    question: &str,
    limit: Duration,
    read: impl FnOnce(&Terminal, Instant) -> Result<T, PromptError>,
) -> Result<Option<T>, PromptError> {
    /// Allows one prompt at a time.
    static TURN: Mutex<()> = Mutex::new(());
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let _turn = lock(&TURN);
    let Some(terminal) = Terminal::open().map_err(|error| unreadable(&error))? else {
        return Ok(None);
    };
    if UNATTENDED.load(Ordering::Relaxed) {
        return Err(PromptError::TimedOut(limit));
    }
    tracing::debug!("asking: {question}");
    progress::suspended(|| {
        let answer = read(&terminal, Instant::now() + limit);
        match answer {
            Err(PromptError::TimedOut(_)) => {
                UNATTENDED.store(true, Ordering::Relaxed);
                Err(PromptError::TimedOut(limit))
            }
            answer => answer.map(Some),
        }
    })
}

fn unreadable(error: &io::Error) -> PromptError {
    PromptError::Unreadable(format!("the terminal cannot be asked: {error}"))
}

/// The terminal that this process belongs to.
struct Terminal(File);

impl Terminal {
    /// Opens the terminal. None when this process is in the background, where prompting would stop
    /// it.
    fn open() -> io::Result<Option<Self>> {
        // Non-blocking, because a terminal stopped with Ctrl-S would block for ever.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC).bits().cast_signed();
        let file = File::options().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let behind = tcgetpgrp(&file).is_ok_and(|group| group != getpgrp());
        Ok((!behind).then_some(Self(file)))
    }

    /// Reads a line with the terminal's own echo and editing.
    fn read_visible(&self, question: &str, until: Instant) -> Result<String, PromptError> {
        tcflush(&self.0, QueueSelector::IFlush).map_err(|error| unreadable(&error.into()))?;
        let answer = self.write_question(question, until).and_then(|()| self.read_typed(until));
        if answer.is_err() {
            // A partly typed answer is not left for the shell.
            tcflush(&self.0, QueueSelector::IFlush).ok();
            (&self.0).write_all(b"\n").ok();
        }
        answer
    }

    fn read_typed(&self, until: Instant) -> Result<String, PromptError> {
        let mut typed = Vec::new();
        loop {
            for byte in self.read_some(until)? {
                if byte == b'\n' {
                    return utf8(typed);
                }
                typed.push(byte);
            }
            if typed.len() > MAX_ANSWER_BYTES {
                return Err(PromptError::Unreadable("the answer is too long".to_owned()));
            }
        }
    }

    /// Reads a line without echo. Keys are read one by one, so that echo is restored however the
    /// prompt ends, by Ctrl-C too.
    fn read_hidden(&self, question: &str, until: Instant) -> Result<Secret, PromptError> {
        let _hidden = EchoOff::begin(&self.0).map_err(|error| unreadable(&error))?;
        self.write_question(question, until)?;
        let mut typed = HiddenLine::default();
        loop {
            for byte in self.read_some(until)? {
                match typed.press(byte) {
                    KeyEffect::More => {}
                    KeyEffect::Done => return utf8(std::mem::take(&mut typed.0)).map(Secret::new),
                    KeyEffect::Stop => {
                        restore();
                        // Sent to this process alone, not to its process group.
                        kill_process(getpid(), Signal::INT).ok();
                        return Err(PromptError::Interrupted);
                    }
                }
            }
        }
    }

    fn write_question(&self, text: &str, until: Instant) -> Result<(), PromptError> {
        let text = screen::printable(text);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            self.wait_until(PollFlags::OUT, until)?;
            match (&self.0).write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if is_nothing_yet(&error) => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Ok(())
    }

    /// Reads what was typed, at least one byte.
    fn read_some(&self, until: Instant) -> Result<Vec<u8>, PromptError> {
        let mut bytes = vec![0; 512];
        loop {
            self.wait_until(PollFlags::IN, until)?;
            match (&self.0).read(&mut bytes) {
                // Ctrl-D on an empty line is an empty answer.
                Ok(0) => return Ok(b"\n".to_vec()),
                Ok(count) => {
                    bytes.truncate(count);
                    return Ok(bytes);
                }
                Err(error) if is_nothing_yet(&error) => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }

    /// Waits until the terminal is ready; fails when the time is over or the run is interrupted.
    fn wait_until(&self, what: PollFlags, until: Instant) -> Result<(), PromptError> {
        loop {
            if interrupt::is_requested() || DeferredSignals::is_pending() {
                return Err(PromptError::Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(PromptError::TimedOut(Duration::ZERO));
            }
            let wait = Timespec::try_from(left.min(POLL_INTERVAL)).expect("it is short");
            match poll(&mut [PollFd::new(&self.0, what)], Some(&wait)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(unreadable(&error.into())),
            }
        }
    }
}

fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn utf8(bytes: Vec<u8>) -> Result<String, PromptError> {
    String::from_utf8(bytes)
        .map_err(|_| PromptError::Unreadable("what was typed is not UTF-8".to_owned()))
}

/// The partly typed answer of a hidden prompt.
#[derive(Default)]
struct HiddenLine(Vec<u8>);

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
enum KeyEffect {
    More,
    Done,
    Stop,
}

impl HiddenLine {
    /// Applies a key; Backspace, Ctrl-U, Ctrl-D, Ctrl-C and Ctrl-\ have their usual meaning.
    fn press(&mut self, byte: u8) -> KeyEffect {
        match byte {
            b'\n' | b'\r' | 0x04 => return KeyEffect::Done,
            0x03 | 0x1c => return KeyEffect::Stop,
            0x08 | 0x7f => {
                // A character of several bytes is removed whole.
                while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            0x15 => self.0.clear(),
            byte if self.0.len() < MAX_ANSWER_BYTES => self.0.push(byte),
            _ => {}
        }
        KeyEffect::More
    }
}

/// Switches the terminal's echo off until it is dropped.
struct EchoOff;

impl EchoOff {
    fn begin(terminal: &File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(
            LocalModes::ECHO
                | LocalModes::ECHONL
                | LocalModes::ICANON
                | LocalModes::ISIG
                | LocalModes::IEXTEN,
        );
        let terminal = terminal.try_clone()?;
        DeferredSignals::defer();
        let mut place = lock(&SAVED_MODES);
        // Flushing discards what was typed before the prompt.
        tcsetattr(&terminal, OptionalActions::Flush, &unseen)?;
        *place = Some((terminal, before));
        Ok(Self)
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        restore();
        DeferredSignals::release();
    }
}

/// Defers signals that end the program while echo is off.
struct DeferredSignals {
    /// For each signal, whether it arrived while deferred.
    pending: Vec<(i32, Arc<AtomicBool>)>,
    /// Whether signals act at once.
    at_once: Arc<AtomicBool>,
}

impl DeferredSignals {
    fn shared() -> Option<&'static Self> {
        static KNOWN: OnceLock<Option<DeferredSignals>> = OnceLock::new();
        let listen = || -> io::Result<DeferredSignals> {
            let at_once = Arc::new(AtomicBool::new(true));
            let mut pending = Vec::new();
            for signal in [SIGTERM, SIGHUP] {
                let seen = Arc::new(AtomicBool::new(false));
                flag::register_conditional_default(signal, Arc::clone(&at_once))?;
                flag::register(signal, Arc::clone(&seen))?;
                pending.push((signal, seen));
            }
            Ok(DeferredSignals { pending, at_once })
        };
        // When they cannot be handled, they end the program as usual.
        KNOWN.get_or_init(|| listen().ok()).as_ref()
    }

    fn defer() {
        if let Some(ended) = Self::shared() {
            ended.at_once.store(false, Ordering::SeqCst);
        }
    }

    fn is_pending() -> bool {
        Self::shared()
            .is_some_and(|ended| ended.pending.iter().any(|(_, seen)| seen.load(Ordering::SeqCst)))
    }

    fn release() {
        let Some(ended) = Self::shared() else { return };
        ended.at_once.store(true, Ordering::SeqCst);
        for (signal, seen) in &ended.pending {
            if seen.load(Ordering::SeqCst) {
                low_level::emulate_default_handler(*signal).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_usual_meaning() {
        for (keys, expected, last) in [
            (&b"secret\n"[..], &b"secret"[..], KeyEffect::Done),
            (b"secrex\x7ft\r", b"secret", KeyEffect::Done),
            (b"wrong\x15right\n", b"right", KeyEffect::Done),
            ("a\u{e4}\u{8}b\n".as_bytes(), b"ab", KeyEffect::Done),
            (b"\x7f\x7f\n", b"", KeyEffect::Done),
            (b"\x04", b"", KeyEffect::Done),
            (b"abc\x03", b"abc", KeyEffect::Stop),
        ] {
            let mut typed = HiddenLine::default();
            let ended = keys.iter().map(|byte| typed.press(*byte)).last();
            assert_eq!((typed.0.as_slice(), ended), (expected, Some(last)), "{keys:?}");
        }
    }
}
