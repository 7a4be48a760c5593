//! The program, run against a stand-in with an environment of its own.
//!
//! Not for what it should say: each test does.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use preflight::facts::azure::answers::VaultAnswers;

use super::program::{self, Limits, Ran};
use super::standin::{StandIn, TOKEN};

/// The limits of one run.
pub const LIMITS: Limits =
    Limits { cpu_s: 60, memory_mib: 256, file_kib: None, patience: Duration::from_secs(60) };

/// A run against a stand-in.
pub struct Azure {
    options: Vec<String>,
    variables: Vec<(String, String)>,
    path: Option<PathBuf>,
}

impl Azure {
    /// With a token that is accepted.
    pub fn new(server: &StandIn) -> Self {
        Self::without_token(server).variable("AZURE_ACCESS_TOKEN", TOKEN)
    }

    /// Without any source of a token.
    pub fn without_token(server: &StandIn) -> Self {
        let ca = server.ca.display().to_string();
        let options =
            ["--azure-endpoint", &server.origin, "--azure-login", &server.origin, "--ca-file", &ca];
        Self { options: options.map(str::to_owned).to_vec(), variables: Vec::new(), path: None }
    }

    /// Without options and without a token: what a site file says has to do.
    pub fn plain() -> Self {
        Self { options: Vec::new(), variables: Vec::new(), path: None }
    }

    /// At another name of the stand-in.
    pub fn endpoint(mut self, url: &str) -> Self {
        self.options[1] = url.to_owned();
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn option(mut self, words: &[&str]) -> Self {
        self.options.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// With a directory before all others in which programs are looked for.
    pub fn programs(mut self, directory: &Path) -> Self {
        self.path = Some(directory.to_owned());
        self
    }

    /// The command, with nothing of this process's own logins.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program::limited(program::binary().as_os_str(), &LIMITS);
        command.args(args).args(&self.options).env_clear();
        let path = self.path.as_ref().map_or(String::new(), |path| format!("{}:", path.display()));
        // Without az, wherever the tests run.
        command.env("PATH", format!("{path}/usr/bin:/bin"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, args: &[&str], directory: &Path) -> Ran {
        program::finish(&mut self.command(args), directory, LIMITS.patience)
    }
}

/// Reads a capture.
pub fn capture(text: &str) -> VaultAnswers {
    serde_json::from_str(text).unwrap()
}
