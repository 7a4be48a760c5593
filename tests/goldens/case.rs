//! One case: files, commands that are run among them, and what came of it as one text.
//!
//! Not for which cases there are (`cases`), nor for what is masked in them (`mask`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::inputs::Inputs;
use super::mask::Mask;

/// When it is, in every run: minutes after the captures were taken.
pub const NOW: &str = "2026-11-30T06:30:00Z";

/// The time stamp of everything that is built: the release day of CentOS 6.6.
const EPOCH: &str = "1414159991";

/// A case of its golden file's name.
pub struct Case {
    pub name: String,
    files: Vec<(String, Vec<u8>)>,
    linked: Vec<&'static str>,
    steps: Vec<Step>,
}

struct Step {
    args: Vec<String>,
    input: Vec<u8>,
    /// Variables beside those that every run has.
    variables: Vec<(&'static str, &'static str)>,
}

/// A case, yet without anything to run.
pub fn case(name: impl Into<String>) -> Case {
    Case { name: name.into(), files: Vec::new(), linked: Vec::new(), steps: Vec::new() }
}

impl Case {
    /// With inputs by their names (`Inputs::path`), which stand in its directory.
    pub fn with(mut self, inputs: &[&'static str]) -> Self {
        self.linked.extend(inputs);
        self
    }

    /// With a file of this text.
    pub fn file(mut self, name: &str, text: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), text.into()));
        self
    }

    /// Runs the program with these arguments: words, of which 'some' are quoted. NOW stands for
    /// `--now` and the time.
    pub fn run(mut self, line: &str) -> Self {
        let line = line.replace(" NOW", &format!(" --now {NOW}"));
        self.steps.push(Step { args: words(&line), input: Vec::new(), variables: Vec::new() });
        self
    }

    /// What the last command reads on standard input.
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.steps.last_mut().expect("a command").input = text.into();
        self
    }

    /// A variable of the last command's environment.
    pub fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.steps.last_mut().expect("a command").variables.push((name, value));
        self
    }

    /// Runs its commands in a directory and returns the last one's status and words.
    pub fn run_in(&self, directory: &Path) -> (Option<i32>, String) {
        let mut outputs: Vec<Output> = self.steps.iter().map(|it| it.output(directory)).collect();
        let last = outputs.pop().expect("a command");
        let said = [last.stdout, last.stderr].concat();
        (last.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs it in a directory of its own and returns what came of it.
    pub fn transcript(&self, inputs: &Inputs) -> String {
        let directory = tempfile::Builder::new().prefix("preflight-golden").tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        for name in &self.linked {
            inputs.put(name, &directory);
        }
        for (name, bytes) in &self.files {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            // As a file with a password must be; of the others nobody asks.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let before = content(&directory);
        let mask = Mask::new(&directory, inputs);
        let mut text = String::new();
        for step in &self.steps {
            write!(text, "$ {}preflight", step.shown()).unwrap();
            for arg in &step.args {
                write!(text, " {}", quoted(arg)).unwrap();
            }
            let output = step.output(&directory);
            writeln!(text, "\nexit {}", output.status.code().map_or(-1, i64::from)).unwrap();
            for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                write_block(&mut text, stream, bytes, &mask);
            }
        }
        let after = content(&directory);
        for (name, bytes) in &after {
            if before.get(name) != Some(bytes) {
                write_block(&mut text, &format!("file {name}"), bytes, &mask.with_images(&after));
            }
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            writeln!(text, "--- file {name} is gone").unwrap();
        }
        mask.with_images(&after).applied(&text)
    }
}

impl Step {
    fn output(&self, directory: &Path) -> Output {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("preflight"))
            .args(&self.args)
            .current_dir(directory)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", directory.join("no-home"))
            .env("TMPDIR", directory.parent().unwrap())
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "80")
            .env("SOURCE_DATE_EPOCH", EPOCH)
            .envs(self.variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that reads nothing has ended before it could be given anything.
        child.stdin.take().unwrap().write_all(&self.input).ok();
        child.wait_with_output().unwrap()
    }

    fn shown(&self) -> String {
        self.variables.iter().map(|(name, value)| format!("{name}={} ", quoted(value))).collect()
    }
}

/// The words of a line; '...' is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// Every file below a directory.
pub fn content(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = walkdir::WalkDir::new(directory).into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(directory).unwrap().display().to_string();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// A stream or a file under its heading: its text, or the digest of what is none. One that is
/// empty is left out.
fn write_block(text: &mut String, heading: &str, bytes: &[u8], mask: &Mask) {
    if bytes.is_empty() {
        return;
    }
    match std::str::from_utf8(bytes) {
        Ok(said) if !said.contains('\0') => {
            writeln!(text, "--- {heading}").unwrap();
            text.push_str(said);
            if !said.ends_with('\n') {
                text.push_str("\n(no line's end)\n");
            }
        }
        _ => writeln!(text, "--- {heading}: {}", mask.binary(bytes)).unwrap(),
    }
}
