//! The machine the program runs on, asked through its own shell.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{MAX_OUTPUT, Output, Transport};
use crate::facts::script::Nonce;
use crate::facts::transcript::Failure;

/// This machine.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// How long the script may take.
    pub timeout: Duration,
}

impl Transport for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn run(&self, script: &str, _: &Nonce) -> Result<Output, Failure> {
        let failed = |error: std::io::Error| Failure {
            kind: "shell".to_owned(),
            reason: format!("cannot run sh: {error}"),
            hint: None,
        };
        let mut shell = Command::new("sh")
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut stdin = shell.stdin.take().expect("standard input is piped");
        let stdout = shell.stdout.take().expect("standard output is piped");
        let script = script.to_owned();
        // A shell that exits early closes the pipe; what it printed tells.
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
            Ok(Ok(stdout)) => Ok(Output { stdout, cut: None, ssh: None }),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Ok(Output {
                cut: Some(Failure {
                    kind: "timeout".to_owned(),
                    reason: format!("no answer within {} s", self.timeout.as_secs()),
                    hint: Some("raise --timeout".to_owned()),
                }),
                ..Output::default()
            }),
        }
    }
}
