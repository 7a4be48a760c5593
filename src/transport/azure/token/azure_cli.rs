//! A token from the Azure CLI, the one program that is ever run, and only as the chosen source of a token.
//!
//! It runs in the root directory with standard input closed and a time limit. Nothing that it prints stands in any
//! message. Not for the other sources.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::error::TokenError;
use super::request::{Token, TokenRequest};
use crate::secret::{Secret, command_without_secrets};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The most bytes that are read of each of its outputs.
const MAX_OUTPUT: u64 = 64 * 1024;

/// The variable with a token itself. No other program knows it.
pub const TOKEN_VARIABLE: &str = "AZURE_ACCESS_TOKEN";

/// How often it is looked at whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Returns `az` in the absolute directories of a `PATH`; none when it is in none.
pub fn find(path: Option<&str>) -> Option<PathBuf> {
    let directories = std::env::split_paths(path?).filter(|directory| directory.is_absolute());
    directories.map(|directory| directory.join("az")).find(|program| program.is_file())
}

/// Gets a token.
///
/// # Errors
///
/// Fails when nobody is logged in, when it takes too long, and when what it prints holds no token.
pub fn fetch(program: &Path, request: &TokenRequest<'_>) -> Result<Token, TokenError> {
    let mut command = command_without_secrets(program);
    command
        .args(["account", "get-access-token", "--output", "json"])
        .args(["--resource", &request.cloud.audience])
        .args(["--subscription", request.subscription])
        .env("AZURE_CORE_NO_COLOR", "true")
        .env_remove(TOKEN_VARIABLE)
        .env_remove("AZURE_CLIENT_SECRET")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn();
    let mut child =
        child.map_err(|error| TokenError::AzureCli(format!("does not start: {error}")))?;
    let outputs =
        [read_in_background(child.stdout.take()), read_in_background(child.stderr.take())];
    let until = Instant::now() + request.deadline.left().unwrap_or_default().min(LIMIT);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(POLL_INTERVAL),
            _ => {
                end(&mut child);
                let limit = LIMIT.as_secs();
                return Err(TokenError::AzureCli(format!("gave no token within {limit} s")));
            }
        }
    };
    let [stdout, stderr] = outputs.map(|output| {
        let left = until.saturating_duration_since(Instant::now()).max(POLL_INTERVAL);
        output.recv_timeout(left).unwrap_or_else(|_| Secret::new(String::new()))
    });
    if !status.success() {
        let says = |words: &str| stderr.expose().contains(words);
        if says("az login") || says("az account set") {
            return Err(TokenError::AzureCliLogin);
        }
        return Err(TokenError::AzureCli(format!("ended with {status}")));
    }
    parse(stdout.expose())
}

/// Reads an output to its end or its limit, in a thread of its own: a process that it left behind may hold it open.
fn read_in_background(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Secret> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::with_capacity(MAX_OUTPUT as usize);
        if let Some(output) = output {
            output.take(MAX_OUTPUT).read_to_end(&mut bytes).ok();
        }
        send.send(Secret::new(String::from_utf8_lossy(&bytes).into_owned())).ok();
    });
    receive
}

/// Ends it with all that it started.
fn end(child: &mut Child) {
    kill_process_group(Pid::from_child(child), Signal::KILL).ok();
    child.wait().ok();
}

/// Reads what it prints: JSON, perhaps below warnings. Its `expiresOn` is a local time without a zone, so the end is
/// taken from `expires_on`, which newer versions have, or from the token.
fn parse(stdout: &str) -> Result<Token, TokenError> {
    let no_token = || TokenError::AzureCli("printed no token".to_owned());
    let json = &stdout[stdout.find('{').ok_or_else(no_token)?..];
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let answer = values.next().and_then(Result::ok).ok_or_else(no_token)?;
    let text = answer["accessToken"].as_str().ok_or_else(no_token)?;
    let left = answer["expires_on"].as_i64().map(|end| {
        let left = end.saturating_sub(jiff::Timestamp::now().as_second());
        Duration::from_secs(u64::try_from(left).unwrap_or(0))
    });
    Token::new(text, left, "what az prints")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn what_az_prints_is_read_below_warnings_and_in_both_versions() {
        let new = r#"{"accessToken":"abc","expiresOn":"2026-11-20 09:00:00.000000","expires_on":4102444800}"#;
        let token = parse(&format!("WARNING: there is a new release\n{new}\n")).unwrap();
        assert_eq!(token.authorization.expose(), "Bearer abc");
        assert!(token.renew_at.is_some());
        let old = r#"{"accessToken":"abc","expiresOn":"2026-11-20 09:00:00.000000"}"#;
        assert!(parse(old).unwrap().renew_at.is_none());
        for text in ["", "{}", "{\"accessToken\":", "{\"accessToken\":\"a b\"}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_absolute_directories_are_searched() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("az"), "").unwrap();
        let path = format!(".:{}", directory.path().display());
        assert_eq!(find(Some(&path)), Some(directory.path().join("az")));
        assert_eq!(find(Some("src:.")), None);
        assert_eq!(find(None), None);
    }
}
