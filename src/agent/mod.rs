//! The replication agent's bundle: recognised by its name, inspected as a stream, or made as a
//! stand-in that says so.
//!
//! Not for installing it: the bundle is put on the disc as it came and unpacked by the installed
//! system. Nothing here writes a member of an archive to a file system.

mod archive;
mod error;
mod gzip;
mod name;
mod numbers;
mod script;
mod standin;
mod tree;

use std::io::Read;

pub use archive::LIMITS;
pub use error::{AgentError, ArchiveLimit, EntryFault};
pub use name::{AgentName, NameForm, Ring};
pub use script::AgentScript;
pub use standin::{STANDIN_FILE_NAME, STANDIN_MARKER, standin_bundle};
pub use tree::{CUSTOM_CHANGES, INSTALLER};

use serde::Serialize;

use crate::digest::Sha256;
use crate::facts::Collection;

/// What an agent bundle is, from its name and from every byte of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentBundle {
    /// The name it was given under, without directories.
    pub file_name: String,
    /// What form the name has.
    pub form: NameForm,
    /// Version, distribution and date, from the name or else from a member of the same naming.
    pub identity: Option<AgentName>,
    /// The digest of the file as it lies on disk.
    pub sha256: Sha256,
    /// Bytes of the file as it lies on disk.
    pub len: u64,
    /// Members of the archive.
    pub entries: u64,
    /// Bytes of all members together.
    pub unpacked_bytes: u64,
    /// The permission bits of `install`.
    #[serde(serialize_with = "script::octal")]
    pub installer_mode: u32,
    /// The permission bits of `ApplyCustomChanges.sh`.
    #[serde(serialize_with = "script::octal")]
    pub custom_changes_mode: u32,
    /// Whether the archive says that it is a stand-in.
    pub standin: bool,
    /// The scripts inside.
    pub scripts: Collection<AgentScript>,
}

impl AgentBundle {
    /// Whether the name has the form of a Unified Agent, of whatever distribution.
    pub fn name_recognised(&self) -> bool {
        self.form == NameForm::UnifiedAgent
    }
}

/// Reads a whole bundle once: digest, length and every member's header, in bounded memory.
///
/// # Errors
///
/// Refuses what is not a gzip-compressed tar archive, an archive past the [`LIMITS`], a member
/// that could write outside the directory it is unpacked in or that tar programs read in
/// different ways, and an archive without [`INSTALLER`] or [`CUSTOM_CHANGES`] at its top.
///
/// ```
/// use preflight::agent::{STANDIN_FILE_NAME, inspect, standin_bundle};
///
/// let bundle = inspect(&standin_bundle(0)[..], STANDIN_FILE_NAME).unwrap();
/// assert!(bundle.standin && !bundle.name_recognised());
/// ```
pub fn inspect(reader: impl Read, file_name: &str) -> Result<AgentBundle, AgentError> {
    let (form, named) = name::parse_bundle_name(file_name);
    let seen = archive::read(reader)?;
    let (installer, custom_changes) = seen.tree.required_modes()?;
    Ok(AgentBundle {
        file_name: file_name.to_owned(),
        form,
        identity: named.or(seen.inner_name),
        sha256: seen.sha256,
        len: seen.len,
        entries: seen.entries,
        unpacked_bytes: seen.unpacked_bytes,
        installer_mode: installer,
        custom_changes_mode: custom_changes,
        standin: seen.tree.has_file(STANDIN_MARKER),
        scripts: script::into_collection(seen.scripts),
    })
}
