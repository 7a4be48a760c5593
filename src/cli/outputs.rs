//! Compares the files that a command will write with each other and with all that it reads, before
//! anything is collected or written.
//!
//! The files on the command line are checked here, for all verbs alike. A verb checks the files
//! that it determines itself (the image's default name, the captures of a site). Not for writing
//! files (`atomic_file`).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{ArgMatches, Command};

use crate::atomic_file::{InputFile, check_target, parent_directory};
use crate::site::Site;

/// The most files that are compared below a directory that a command reads.
const MOST_FILES: usize = 20_000;
/// The extensions of files that are read from a directory, except from one of captures.
const READ_FROM_DIRECTORIES: [&str; 4] = ["rpm", "yaml", "yml", "hbs"];

/// The files on the command line.
pub struct CommandLineFiles {
    /// Every input file.
    pub inputs: Vec<InputFile>,
    /// Every output file with its option.
    outputs: Vec<(String, PathBuf)>,
}

impl CommandLineFiles {
    /// Collects the values of all arguments: outputs by their options, and as inputs every other
    /// value that is the name of a file or a directory.
    pub fn from_matches(mut command: &Command, mut matches: &ArgMatches) -> Self {
        let mut named = Self { inputs: home_inputs(), outputs: Vec::new() };
        let mut verb = Vec::new();
        loop {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let Ok(Some(values)) = matches.try_get_raw(id) else { continue };
                for value in values {
                    named.take(&verb, id, value);
                }
            }
            let Some((name, below)) = matches.subcommand() else { return named };
            let Some(found) = command.find_subcommand(name) else { return named };
            (command, matches) = (found, below);
            verb.push(name.to_owned());
        }
    }

    fn take(&mut self, verb: &[String], id: &str, value: &OsStr) {
        let verb: Vec<&str> = verb.iter().map(String::as_str).collect();
        match (id, &verb[..]) {
            // The verbs derive names from these and check them.
            ("out", ["build", "vm"] | ["collect", "site"]) => {}
            ("captures", _) => {}
            // Read and written.
            ("map", ["mask"]) => self.outputs.push(("--map".to_owned(), value.into())),
            ("out", ["build", "image"]) if is_standard_output(Path::new(value)) => {}
            ("out" | "manifest" | "fix_script", _) => {
                self.outputs.push((format!("--{}", id.replace('_', "-")), value.into()));
            }
            ("files", _) => {
                if let Some(path) = text_after(value, b"=") {
                    self.outputs.push(("--output".to_owned(), path.into()));
                }
            }
            _ => self.inputs.extend(named_inputs(value)),
        }
    }

    /// Checks the outputs, see [`check_outputs`].
    pub fn check(&self) -> anyhow::Result<()> {
        let outputs: Vec<(&str, &Path)> =
            self.outputs.iter().map(|(option, path)| (option.as_str(), path.as_path())).collect();
        check_outputs(&outputs, &self.inputs)
    }
}

/// Whether the value of -o means standard output.
pub fn is_standard_output(out: &Path) -> bool {
    out == Path::new("-")
}

/// Refuses an output that is also an input, under any name, and two outputs that are the same file.
pub fn check_outputs(outputs: &[(&str, &Path)], inputs: &[InputFile]) -> anyhow::Result<()> {
    for (place, (option, path)) in outputs.iter().enumerate() {
        check_target(path, true, inputs).with_context(|| (*option).to_owned())?;
        if let Some((_, other)) =
            outputs[..place].iter().find(|(_, earlier)| same_file(path, earlier))
        {
            let (path, other) = (path.display(), other.display());
            anyhow::bail!("{option}: {path} and {other} are the same file");
        }
    }
    Ok(())
}

/// Whether two paths name the same file, which need not exist.
fn same_file(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        let directory = parent_directory(path).canonicalize().ok()?;
        Some(directory.join(path.file_name()?))
    };
    let there = |path: &Path| InputFile::from_path(path);
    a == b
        || place(a).is_some_and(|a| Some(a) == place(b))
        || there(a).is_some_and(|a| there(b).is_some_and(|b| a.is_same_file(&b)))
}

/// Returns the files in a value of the command line: a path, `capture:PATH`, `KEY=PATH`.
fn named_inputs(value: &OsStr) -> Vec<InputFile> {
    let second = text_after(value, b"=");
    let words = [Some(value.to_owned()), second];
    let mut found = Vec::new();
    for word in words.into_iter().flatten() {
        let scheme: &[u8] =
            if word.as_bytes().starts_with(b"sos:") { b"sos:" } else { b"capture:" };
        match text_after(&word, scheme).filter(|_| word.as_bytes().starts_with(scheme)) {
            Some(path) => found.extend(files_at(Path::new(&path), |_| true)),
            None => found.extend(files_read_from(Path::new(&word))),
        }
    }
    found
}

/// Returns the text after the first occurrence of `mark`.
fn text_after(value: &OsStr, mark: &[u8]) -> Option<OsString> {
    let bytes = value.as_bytes();
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some(OsString::from_vec(bytes[at + mark.len()..].to_vec()))
}

/// Returns a file, or the packages, definitions and templates below a directory.
pub fn files_read_from(path: &Path) -> Vec<InputFile> {
    files_at(path, |path| {
        let extension = path.extension().and_then(OsStr::to_str);
        extension.is_some_and(|name| READ_FROM_DIRECTORIES.contains(&name))
    })
}

/// Returns a file, or the files below a directory that `read` selects.
pub fn files_at(path: &Path, read: impl Fn(&Path) -> bool) -> Vec<InputFile> {
    if !path.is_dir() {
        return InputFile::from_path(path).into_iter().collect();
    }
    let walk = walkdir::WalkDir::new(path).follow_links(true).max_depth(8).into_iter();
    // Errors are reported when the files are read.
    let files = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let files = files.take(MOST_FILES).filter(|entry| read(entry.path()));
    files.filter_map(|entry| InputFile::from_path(entry.path())).collect()
}

/// Returns the files that a site names: keys, passwords, captures.
pub fn site_inputs(site: &Site) -> Vec<InputFile> {
    site.files().iter().flat_map(|path| files_at(path, |_| true)).collect()
}

/// Returns the files of the user that SSH and TLS read: keys, known hosts, thumbprints.
fn home_inputs() -> Vec<InputFile> {
    let Some(home) = std::env::home_dir() else { return Vec::new() };
    let entries = std::fs::read_dir(home.join(".ssh")).into_iter().flatten();
    let files = entries.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path()));
    let kept = crate::cli::trusted::default_file();
    files.chain(kept).filter_map(|path| InputFile::from_path(&path)).collect()
}
