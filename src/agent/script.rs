//! The scripts inside a bundle: what the installed system would run, and with what.
//!
//! Not for what they do: their text is not read past its first line.

use std::io::{self, Read};

use serde::{Serialize, Serializer};

use crate::facts::Collection;

/// The most scripts that are listed; a real agent has a few dozen.
const MAX_SCRIPTS: usize = 500;

/// Bytes read of each file: as many as Linux reads (`BINPRM_BUF_SIZE`).
const START_BYTES: u64 = 256;

/// A file that begins with `#!`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentScript {
    /// Its path in the archive.
    pub path: String,
    /// Its permission bits.
    #[serde(serialize_with = "octal")]
    pub mode: u32,
    /// Its bytes.
    pub size: u64,
    /// What runs it, with arguments: `/bin/bash -e`.
    pub interpreter: String,
}

/// Writes permission bits as people do: `755`.
pub(super) fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:o}"))
}

/// The first bytes of a member.
pub(super) fn read_start(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    entry.take(START_BYTES).read_to_end(&mut start)?;
    Ok(start)
}

/// Adds a file to the scripts, in the archive's order, when its first bytes are those of one.
pub(super) fn push_script(
    scripts: &mut Vec<AgentScript>,
    path: &str,
    mode: u32,
    size: u64,
    start: &[u8],
) {
    let Some(line) = start.strip_prefix(b"#!") else { return };
    // One more than are listed shows that the list is not complete.
    if scripts.len() > MAX_SCRIPTS {
        return;
    }
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let interpreter = String::from_utf8_lossy(line).trim().to_owned();
    scripts.push(AgentScript { path: path.to_owned(), mode, size, interpreter });
}

/// The list of scripts, cut to [`MAX_SCRIPTS`].
pub(super) fn into_collection(mut scripts: Vec<AgentScript>) -> Collection<AgentScript> {
    let complete = scripts.len() <= MAX_SCRIPTS;
    scripts.truncate(MAX_SCRIPTS);
    Collection { items: scripts, complete }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_begins_with_what_runs_it() {
        let cases: [(&[u8], Option<&str>); 8] = [
            (b"#!/bin/bash\necho\n", Some("/bin/bash")),
            (b"#! /bin/sh -e \nset", Some("/bin/sh -e")),
            (b"#!/usr/bin/env python\r\n", Some("/usr/bin/env python")),
            (b"#!", Some("")),
            (b"#", None),
            (b"", None),
            (b"\x7fELF\x02", None),
            (b"echo #!/bin/sh\n", None),
        ];
        for (start, interpreter) in cases {
            let mut scripts = Vec::new();
            push_script(&mut scripts, "install", 0o755, 20, start);
            let found = scripts.first().map(|script| script.interpreter.as_str());
            assert_eq!(found, interpreter, "{start:?}");
        }
    }

    #[test]
    fn the_list_ends_and_says_so() {
        for (count, len, complete) in
            [(MAX_SCRIPTS, MAX_SCRIPTS, true), (MAX_SCRIPTS + 9, MAX_SCRIPTS, false)]
        {
            let mut scripts = Vec::new();
            (0..count).for_each(|_| push_script(&mut scripts, "x", 0o755, 9, b"#!/bin/sh"));
            let told = into_collection(scripts);
            assert_eq!((told.items.len(), told.complete), (len, complete));
        }
    }
}
