//! The machine the program runs on: the script runs in its own shell; memory, processors and disks
//! are also read without one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use sysinfo::{Disks, MemoryRefreshKind, RefreshKind, System};

use super::{MAX_OUTPUT, ScriptOutput, Transport};
use crate::facts::failure_kind::FailureKind;
use crate::facts::script::Nonce;
use crate::facts::transcript::{CollectedBy, Failure, ProbeAnswer};
use crate::secret;

/// This machine.
#[derive(Clone, Copy, Debug)]
pub struct LocalHost {
    /// How long the script may take.
    pub timeout: Duration,
}

impl Transport for LocalHost {
    fn by(&self) -> CollectedBy {
        CollectedBy::Local
    }

    fn run(&self, script: &str, _: &Nonce) -> Result<ScriptOutput, Failure> {
        let failed = |error: std::io::Error| Failure {
            kind: FailureKind::Shell,
            reason: format!("cannot run sh: {error}"),
            hint: None,
        };
        let mut shell = secret::command_without_secrets("sh")
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut stdin = shell.stdin.take().expect("standard input is piped");
        let stdout = shell.stdout.take().expect("standard output is piped");
        let script = script.to_owned();
        // A shell that exits early closes the pipe; its output tells why.
        std::thread::spawn(move || stdin.write_all(script.as_bytes()));
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(MAX_OUTPUT as u64).read_to_end(&mut bytes);
            send.send(read.map(|_| bytes)).ok();
        });
        let output = receive.recv_timeout(self.timeout);
        shell.kill().ok();
        shell.wait().map_err(failed)?;
        match output {
            Ok(Ok(stdout)) => Ok(ScriptOutput { stdout, failure: None, ssh: None }),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Ok(ScriptOutput {
                failure: Some(Failure {
                    kind: FailureKind::Timeout,
                    reason: format!("no answer within {} s", self.timeout.as_secs()),
                    hint: Some("raise --timeout".to_owned()),
                }),
                ..ScriptOutput::default()
            }),
        }
    }

    fn extra_answers(&self) -> BTreeMap<String, ProbeAnswer> {
        system_answers()
    }
}

/// Returns memory as `/proc/meminfo` has it, the number of processors, and a line for each file
/// system: device, mount point, type and bytes, separated by tabs. The first two have the format of
/// the probes `memory` and `processors`, and replace these where the shell cannot read /proc.
fn system_answers() -> BTreeMap<String, ProbeAnswer> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let memory = System::new_with_specifics(memory).map_or(0, |system| system.total_memory());
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let disks = Disks::new_with_refreshed_list();
    let mut disks: Vec<String> = disks
        .iter()
        .flat_map(|disks| disks.iter())
        .map(|disk| {
            let place = disk.mount_point().to_string_lossy();
            let (name, kind) =
                (disk.name().to_string_lossy(), disk.file_system().to_string_lossy());
            format!("{name}\t{place}\t{kind}\t{}\n", disk.total_space())
        })
        .collect();
    disks.sort();
    let mut answers = BTreeMap::new();
    let mut say = |name: &str, text: String| {
        answers.insert(name.to_owned(), ProbeAnswer { status: 0, text });
    };
    // What could not be read is left out: an empty answer is none.
    if memory > 0 {
        let text = format!("MemTotal: {} kB\n", memory / 1024);
        say("sysinfo-memory", text.clone());
        say("memory", text);
    }
    if processors > 0 {
        say("sysinfo-processors", format!("{processors}\n"));
        say("processors", format!("0-{}\n", processors - 1));
    }
    if !disks.is_empty() {
        say("sysinfo-disks", disks.concat());
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::probe::Probe;
    use crate::facts::probe::ProbeName;
    use crate::facts::target_kind::TargetKind;
    use crate::transport::collect;

    #[test]
    fn this_machine_says_what_it_knows_without_a_shell() {
        let local = LocalHost { timeout: Duration::from_secs(60) };
        let probes = [
            Probe::new(ProbeName::new("memory"), "echo from the shell"),
            Probe::new(ProbeName::new("processors"), "exit 1"),
        ];
        let transcript =
            collect("local:", TargetKind::LinuxMt, &local, &probes, &Default::default());
        let text = |probe: &str| transcript.text(ProbeName::new(probe)).unwrap();
        assert_eq!(text("memory"), "from the shell\n");
        assert!(text("processors").starts_with("0-"), "{}", text("processors"));
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
        if let Some(line) = meminfo.lines().find(|line| line.starts_with("MemTotal:")) {
            assert_eq!(kib(text("sysinfo-memory")), kib(line));
        }
        assert!(text("sysinfo-processors").trim().parse::<usize>().unwrap() > 0);
    }
}
