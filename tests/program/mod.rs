//! The real program, run under limits that the kernel keeps, and what it did.
//!
//! Not for what it should have done: each test judges that.

#![allow(dead_code, reason = "each test program uses a part of this")]
#![allow(clippy::print_stdout, reason = "a skip must be told")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Seconds of processor time, of all threads together; more is SIGXCPU. Not of the clock, which
    /// tells more about the machine's other work than about the program.
    pub cpu_s: u32,
    /// MiB of private writable memory, touched or not: RLIMIT_DATA, which since Linux 4.7 counts
    /// every private writable mapping. More is a failed allocation, and that is an abort.
    pub memory_mib: u32,
    /// KiB that a file may have; more is SIGXFSZ.
    pub file_kib: Option<u64>,
    /// After this time of the clock it is killed and counts as hung.
    pub patience: Duration,
}

/// The bar for one hostile file. The whole process may have 128 MiB; 96 of them private, for the
/// rest is the program's own text, which is mapped from its file.
pub const ONE_FILE: Limits =
    Limits { cpu_s: 1, memory_mib: 96, file_kib: None, patience: Duration::from_secs(10) };

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit status; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Time of the clock.
    pub took: Duration,
    /// The largest resident set seen (VmHWM, sampled until the end), in KiB.
    pub peak_kib: u64,
    /// Whether patience ended first.
    pub hung: bool,
}

impl Ran {
    /// Both streams as text, for messages.
    pub fn text(&self) -> String {
        format!(
            "{}{}",
            String::from_utf8_lossy(&self.stdout),
            String::from_utf8_lossy(&self.stderr)
        )
    }

    /// Standard error as text.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// What no run may do, whatever it was given; empty when it did none of it.
    pub fn misdeeds(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.hung {
            found.push(format!("hung: killed after {:?}", self.took));
        } else if let Some(signal) = self.signal {
            found.push(format!("ended by signal {signal}: {}", self.complaint()));
        }
        if self.code == Some(101) {
            found.push(format!("panicked: {}", self.complaint()));
        }
        if self.peak_kib > 128 * 1024 {
            found.push(format!("{} KiB resident", self.peak_kib));
        }
        for (stream, bytes) in [("output", &self.stdout), ("error", &self.stderr)] {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    if let Some(bad) = text.chars().find(|c| !is_printable(*c)) {
                        found.push(format!("standard {stream} has {bad:?}"));
                    }
                }
                Err(_) => found.push(format!("standard {stream} is not UTF-8")),
            }
        }
        found
    }
}

/// Whether a character only shows: no control but the line's end, nothing that turns the writing
/// direction or that cannot be seen.
fn is_printable(c: char) -> bool {
    let unseen = matches!(
        c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    );
    c == '\n' || !(c.is_control() || unseen)
}

/// The program under test.
pub fn binary() -> PathBuf {
    assert_cmd::cargo::cargo_bin("preflight")
}

/// A command that runs `program` under limits; its process id is the program's own.
pub fn limited(program: &OsStr, limits: &Limits) -> Command {
    let mut script = format!("ulimit -c 0 && ulimit -t {}", limits.cpu_s);
    script.push_str(&format!(" && ulimit -d {}", u64::from(limits.memory_mib) * 1024));
    if let Some(kib) = limits.file_kib {
        // POSIX counts this one in blocks of 512 bytes; dash does, and bash in its POSIX mode.
        script.push_str(&format!(" && ulimit -f {}", kib * 2));
    }
    script.push_str(" && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(program);
    command
}

/// Runs the program in a directory.
///
/// Escapes in its output are kept as they are: the library it prints with takes them out of what is
/// not read by a terminal, which would hide them from a test.
pub fn run<I, A>(directory: &Path, limits: &Limits, args: I) -> Ran
where
    I: IntoIterator<Item = A>,
    A: Into<OsString>,
{
    let mut command = limited(binary().as_os_str(), limits);
    command.args(args.into_iter().map(Into::into));
    finish(&mut command, directory, limits.patience)
}

/// Runs a prepared command to its end.
pub fn finish(command: &mut Command, directory: &Path, patience: Duration) -> Ran {
    let mut out = tempfile::tempfile().expect("a temporary file");
    let mut err = tempfile::tempfile().expect("a temporary file");
    let began = Instant::now();
    let mut child = command
        .current_dir(directory)
        .env_remove("SOURCE_DATE_EPOCH")
        .env("NO_COLOR", "1")
        .env("CLICOLOR_FORCE", "1")
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a second handle"))
        .stderr(err.try_clone().expect("a second handle"))
        .spawn()
        .expect("the program starts");
    let mut peak_kib = 0;
    let mut hung = false;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        peak_kib = peak_kib.max(resident_peak_kib(child.id()));
        if began.elapsed() > patience && !hung {
            hung = true;
            child.kill().expect("a child can be killed");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = began.elapsed();
    let mut streams = [Vec::new(), Vec::new()];
    for (file, bytes) in [&mut out, &mut err].into_iter().zip(&mut streams) {
        file.rewind().expect("a file rewinds");
        file.read_to_end(bytes).expect("a file can be read");
    }
    let [stdout, stderr] = streams;
    let (code, signal) = (status.code(), status.signal());
    Ran { code, signal, stdout, stderr, took, peak_kib, hung }
}

/// The largest resident set a living process has had; 0 when it is gone.
pub fn resident_peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

/// The names in a directory, sorted.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Whether these programs are installed; says so when not, and fails when CI must not skip.
pub fn installed(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| !std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
        .collect();
    missing.is_empty() || skipped(&format!("{missing:?} not installed"))
}

/// Says what is skipped and why; fails when CI must not skip.
pub fn skipped(why: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "{why}, and with CI set nothing may be skipped");
    println!("SKIPPED: {why}");
    false
}
