//! The files an image is made from, each opened once and inspected.
//!
//! Not for which of them a recipe asks for.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use super::PlanError;
use crate::agent::{self, AgentBundle};
use crate::digest::Sha256;
use crate::image::recipe::{AgentSource, PinnedFile, SelfCheckBinaryChoice};
use crate::image::static_program::{self, StaticProgram};
use crate::iso::{Medium, Timestamp};
use crate::packages::deb::{MOST_SIGNING_KEY_BYTES, SigningKey};
use crate::packages::repository::{Keyring, MOST_KEY_BYTES};

/// The vendor's medium.
#[derive(Debug)]
pub struct BaseMedium {
    /// Where it was found.
    pub path: PathBuf,
    /// The open file.
    pub file: Arc<File>,
    /// Its structure.
    pub medium: Medium,
    /// The digest that the recipe demands.
    pub demanded: Option<Sha256>,
}

/// The agent's archive.
#[derive(Clone, Debug)]
pub struct AgentInput {
    /// What is in it.
    pub bundle: AgentBundle,
    /// Its bytes.
    pub content: AgentContent,
    /// Whether the recipe demanded its digest.
    pub pinned: bool,
}

/// The program that evaluates a master target's captures on it.
#[derive(Clone, Debug)]
pub enum SelfCheckBinary {
    /// A program that is included in the image.
    Included {
        /// Where it was found.
        path: PathBuf,
        /// The open file.
        file: Arc<File>,
        /// What it is.
        program: StaticProgram,
    },
    /// None, with the reason.
    Absent(String),
}

/// Where the bytes of an agent's archive are.
#[derive(Clone, Debug)]
pub enum AgentContent {
    /// A file of the machine that builds.
    File {
        /// Where it was found.
        path: PathBuf,
        /// The open file.
        file: Arc<File>,
    },
    /// A stand-in, made here.
    StandIn(Arc<[u8]>),
}

/// Opens an input, which must be a regular file.
///
/// # Errors
///
/// [`PlanError::Open`] and [`PlanError::NotAFile`].
pub fn open_input(path: &Path) -> Result<Arc<File>, PlanError> {
    let failed = |source| PlanError::Open(path.to_owned(), source);
    // Without O_NONBLOCK, opening a named pipe waits for a writer before anybody can see what it is.
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(PlanError::NotAFile(path.to_owned()));
    }
    Ok(Arc::new(file))
}

/// Reads files of keys.
///
/// # Errors
///
/// As [`open_input`]'s, and [`PlanError::Keys`].
pub fn open_keys(paths: &[PathBuf]) -> Result<Keyring, PlanError> {
    let mut keyring = Keyring::default();
    for path in paths {
        let mut bytes = Vec::new();
        let file = open_input(path)?;
        (&*file)
            .take(MOST_KEY_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| PlanError::Open(path.clone(), source))?;
        keyring.add(&bytes).map_err(|source| PlanError::Keys(path.clone(), source))?;
    }
    Ok(keyring)
}

/// Reads a private key from a file that only its owner may read.
pub(super) fn open_signing_key(path: &Path) -> Result<SigningKey, PlanError> {
    let failed = |source| PlanError::Open(path.to_owned(), source);
    let file = open_input(path)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PlanError::KeyReadable(path.to_owned(), mode));
    }
    let mut bytes = Vec::new();
    (&*file).take(MOST_SIGNING_KEY_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    SigningKey::read(&bytes).map_err(|source| PlanError::SigningKey(path.to_owned(), source))
}

pub(super) fn open_base(base: &PinnedFile) -> Result<Option<BaseMedium>, PlanError> {
    let Some(path) = &base.file else { return Ok(None) };
    let (file, medium) = open_medium(path)?;
    Ok(Some(BaseMedium { path: path.clone(), file, medium, demanded: base.sha256 }))
}

/// Opens a vendor's medium.
///
/// # Errors
///
/// As [`open_input`]'s, and [`PlanError::Base`].
pub fn open_medium(path: &Path) -> Result<(Arc<File>, Medium), PlanError> {
    let file = open_input(path)?;
    let medium = Medium::open(Arc::clone(&file))
        .map_err(|source| PlanError::Base(path.to_owned(), source))?;
    Ok((file, medium))
}

pub(super) fn open_agent(
    agent: &AgentSource,
    allow_unpinned: bool,
    epoch: Timestamp,
) -> Result<Option<AgentInput>, PlanError> {
    let Some(path) = &agent.file else {
        return Ok(agent.standin.then(|| standin(epoch)));
    };
    let file = open_input(path)?;
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let bundle = agent::inspect(&*file, &name)
        .map_err(|source| PlanError::AgentSource(path.clone(), source))?;
    match agent.sha256 {
        Some(demanded) if demanded != bundle.sha256 => {
            return Err(PlanError::AgentMismatch {
                path: path.clone(),
                found: bundle.sha256,
                demanded,
            });
        }
        None if !allow_unpinned => {
            return Err(PlanError::UnpinnedAgent(path.clone(), bundle.sha256));
        }
        _ => {}
    }
    let content = AgentContent::File { path: path.clone(), file };
    Ok(Some(AgentInput { bundle, content, pinned: agent.sha256.is_some() }))
}

impl SelfCheckBinary {
    pub(super) fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Included { program, .. } => Some(program.sha256),
            Self::Absent(_) => None,
        }
    }
}

/// Opens the chosen program. The running program is included when it can be, and left out with
/// the reason when it cannot.
pub(super) fn open_self_check_binary(
    choice: &SelfCheckBinaryChoice,
) -> Result<SelfCheckBinary, PlanError> {
    let carried = |path: PathBuf| -> Result<SelfCheckBinary, PlanError> {
        let file = open_input(&path)?;
        match static_program::inspect(&file) {
            Ok(program) => Ok(SelfCheckBinary::Included { path, file, program }),
            Err(source) => Err(PlanError::SelfCheckBinary(path, source)),
        }
    };
    match choice {
        SelfCheckBinaryChoice::None => Ok(SelfCheckBinary::Absent("none was wanted".to_owned())),
        SelfCheckBinaryChoice::File(path) => carried(path.clone()),
        SelfCheckBinaryChoice::Auto => Ok(match std::env::current_exe() {
            Ok(path) => carried(path).unwrap_or_else(|error| {
                let why = match &error {
                    PlanError::SelfCheckBinary(_, source) => source.to_string(),
                    other => other.to_string(),
                };
                SelfCheckBinary::Absent(format!("the program that built this: {why}"))
            }),
            Err(error) => SelfCheckBinary::Absent(format!("the program that built this: {error}")),
        }),
    }
}

fn standin(epoch: Timestamp) -> AgentInput {
    let bytes = agent::standin_bundle(epoch.seconds());
    let bundle = agent::inspect(&bytes[..], agent::STANDIN_FILE_NAME)
        .expect("the stand-in is an agent bundle");
    AgentInput { bundle, content: AgentContent::StandIn(Arc::from(bytes)), pinned: true }
}
