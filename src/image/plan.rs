//! What a person asked for, with every input opened, inspected and pinned.
//!
//! Not for the recipe's own consistency (`system`), nor for the bytes of the image (`compose`).

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use serde::Serialize;

use super::manifest::{
    self, AgentRecord, BaseRecord, Manifest, RecipeRecord, RegistrationRecord,
    SelfCheckBinaryRecord, SelfCheckRecord, SignatureRecord, ToolRecord,
};
use super::recipe::{AgentSource, PinnedFile, Recipe, SelfCheckBinaryChoice};
use super::resolve::{ResolveError, resolve};
use super::static_program::{self, StaticProgram, StaticProgramError};
use crate::agent::{self, AgentBundle, AgentError};
use crate::atomic_file::{Input, ReplacementError};
use crate::digest::Sha256;
use crate::installer::disc_layout;
use crate::installer::kickstart::{Carrier, RootAccess};
use crate::installer::system::System;
use crate::iso::timestamp::TimestampTooLate;
use crate::iso::{IsoError, Medium, Timestamp};
use crate::packages::repository::{
    self, KeyError, Keyring, MOST_KEY_BYTES, RepositoryError, RpmPackage, SignatureStatus,
};

/// The date of added files unless SOURCE_DATE_EPOCH says otherwise: 2017-03-27, the day of S001.
/// The clock's would make every build another one.
const DEFAULT_EPOCH: u64 = 1_490_572_800;

/// What a person asked for.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The recipe, settings applied.
    pub recipe: Recipe,
    /// Its name, digest and overridden keys.
    pub record: RecipeRecord,
    /// The profile the recipe names.
    pub profile: crate::installer::profile::Profile,
    /// The vendor's medium, before that of the recipe.
    pub base: Option<PathBuf>,
    /// The agent's archive, before that of the recipe.
    pub agent: Option<PathBuf>,
    /// Add-on RPMs, before those of the recipe.
    pub rpms: Option<PathBuf>,
    /// Files of keys that add-on RPMs are signed with, beside those of the recipe.
    pub rpm_keys: Vec<PathBuf>,
    /// The program that judges on the installed system, before that of the recipe.
    pub self_check_binary: Option<SelfCheckBinaryChoice>,
    /// Whether an agent is taken whose digest the recipe does not name.
    pub allow_unpinned: bool,
    /// The root password, hashed.
    pub root: RootAccess,
    /// SOURCE_DATE_EPOCH, when it is set.
    pub epoch: Option<u64>,
}

/// A request whose inputs have been opened and inspected.
#[derive(Debug)]
pub struct Plan {
    /// The master target.
    pub system: System,
    /// The root password, hashed.
    pub root: RootAccess,
    /// The date of every added file.
    pub epoch: Timestamp,
    /// The recipe.
    pub recipe: RecipeRecord,
    /// The vendor's medium; without it a kickstart disc is made.
    pub base: Option<BaseMedium>,
    /// The agent, or its stand-in.
    pub agent: Option<AgentInput>,
    /// The program that judges the self-check's captures on the installed system; absent when
    /// there is no self-check.
    pub self_check_binary: Option<SelfCheckBinary>,
    /// Add-on RPMs, sorted by name.
    pub packages: Vec<RpmPackage>,
    /// The keys they may be signed with; none when nobody named any.
    pub keyring: Keyring,
    /// The files they were read from.
    pub key_files: Vec<Input>,
    /// Why the packages may not install, when somebody wants the image all the same.
    pub incomplete: Vec<String>,
}

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

/// What judges a master target's captures on it.
#[derive(Clone, Debug)]
pub enum SelfCheckBinary {
    /// A program that rides along.
    Included {
        /// Where it was found.
        path: PathBuf,
        /// The open file.
        file: Arc<File>,
        /// What it is.
        program: StaticProgram,
    },
    /// Nothing, and why.
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

/// Why a request cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The recipe's parts do not fit together.
    #[error("recipe {recipe}")]
    System {
        /// The recipe's name.
        recipe: String,
        /// What does not fit.
        #[source]
        source: ResolveError,
    },
    /// An input cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The input.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An input is not a regular file.
    #[error("{0} is not a regular file")]
    NotAFile(PathBuf),
    /// The vendor's medium is none.
    #[error("{path}")]
    Base {
        /// The medium.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: IsoError,
    },
    /// The agent's archive is none, or dangerous.
    #[error("{path}")]
    AgentSource {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: AgentError,
    },
    /// The vendor's medium is another one than the recipe demands.
    #[error("{path} has sha256 {found}, the recipe demands {demanded}")]
    BaseMismatch {
        /// The medium.
        path: PathBuf,
        /// Its digest.
        found: Sha256,
        /// The recipe's.
        demanded: Sha256,
    },
    /// No digest is demanded of the agent.
    #[error("the recipe names no sha256 for the agent {path}")]
    UnpinnedAgent {
        /// The archive.
        path: PathBuf,
        /// Its digest.
        sha256: Sha256,
    },
    /// The agent is another one than the recipe demands.
    #[error("{path} has sha256 {found}, the recipe demands {demanded}")]
    AgentMismatch {
        /// The archive.
        path: PathBuf,
        /// Its digest.
        found: Sha256,
        /// The recipe's.
        demanded: Sha256,
    },
    /// A file of keys is none.
    #[error("keys {path}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The program that is to judge on the installed system cannot.
    #[error("{path} cannot ride along: {source}")]
    SelfCheckBinary {
        /// The program.
        path: PathBuf,
        /// Why.
        source: StaticProgramError,
    },
    /// The RPMs cannot be used.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// SOURCE_DATE_EPOCH is past what the medium's dates can say.
    #[error("SOURCE_DATE_EPOCH: {0}")]
    Epoch(#[from] TimestampTooLate),
}

impl PlanError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::System { source, .. } => source.hint(),
            Self::Base { source, .. } => source.hint(),
            Self::AgentSource { source, .. } => source.hint(),
            Self::Repository(error) => error.hint(),
            Self::Keys { source, .. } => source.hint(),
            Self::SelfCheckBinary { source, .. } => source.hint(),
            Self::UnpinnedAgent { sha256, .. } => Some(format!(
                "compare its sha256 with its source, then write agent: {{sha256: {sha256}}} into \
                 the recipe; or add --allow-unpinned, which the manifest will tell"
            )),
            Self::AgentMismatch { .. } => {
                Some("get the archive again, or mend the recipe".to_owned())
            }
            Self::BaseMismatch { .. } => {
                Some("get the medium again, or mend the recipe".to_owned())
            }
            Self::Open { .. } | Self::NotAFile(_) | Self::Epoch(_) => None,
        }
    }
}

impl Plan {
    /// Opens and inspects every input. Nothing is written.
    ///
    /// # Errors
    ///
    /// Refuses inputs that cannot be used, and an agent whose digest nobody vouches for.
    pub fn resolve(request: PlanRequest) -> Result<Self, PlanError> {
        let mut recipe = request.recipe;
        if let Some(path) = request.agent {
            let agent = recipe.agent.get_or_insert_default();
            *agent = AgentSource { file: Some(path), standin: false, sha256: agent.sha256 };
        }
        if let Some(path) = request.base {
            recipe.base.get_or_insert_default().file = Some(path);
        }
        if let Some(path) = request.rpms {
            recipe.rpms = Some(path);
        }
        let generation = request.profile.generation;
        let system = resolve(&recipe, request.profile)
            .map_err(|source| PlanError::System { recipe: request.record.name.clone(), source })?;
        let base = recipe.base.as_ref().map_or(Ok(None), open_base)?;
        let epoch = Timestamp::new(request.epoch.unwrap_or(DEFAULT_EPOCH))?;
        let agent = match &recipe.agent {
            Some(agent) => open_agent(agent, request.allow_unpinned, epoch)?,
            None => None,
        };
        recipe.rpm_keys.extend(request.rpm_keys);
        let keyring = open_keys(&recipe.rpm_keys)?;
        let self_check_binary = match (
            system.self_check,
            request.self_check_binary.unwrap_or(recipe.self_check.binary),
        ) {
            (Some(_), choice) => Some(open_self_check_binary(&choice)?),
            (None, _) => None,
        };
        let packages = match &recipe.rpms {
            Some(directory) => repository::read_packages(directory, generation, &keyring)?,
            None => Vec::new(),
        };
        if let Some(base) = &base {
            let (volume, bytes) = (base.medium.volume_id(), base.medium.file_len());
            tracing::info!(base = %base.path.display(), volume, bytes, "read the base");
        }
        if let Some(agent) = &agent {
            let (name, sha256) = (&agent.bundle.file_name, agent.bundle.sha256);
            tracing::info!(%name, %sha256, pinned = agent.pinned, "inspected the agent");
        }
        for package in &packages {
            tracing::debug!(package = %package.nevra(), signed = %package.signature_status, "add-on");
        }
        Ok(Self {
            system,
            root: request.root,
            epoch,
            recipe: request.record,
            base,
            agent,
            self_check_binary,
            packages,
            keyring,
            key_files: recipe.rpm_keys.iter().filter_map(|path| Input::named(path)).collect(),
            incomplete: Vec::new(),
        })
    }

    /// Which disc carries the kickstart.
    pub fn carrier(&self) -> Carrier {
        if self.base.is_some() { Carrier::InstallerDisc } else { Carrier::KickstartDisc }
    }

    /// The digest of every value and every input but the base, whose own digest stands beside it
    /// in the manifest.
    ///
    /// # Panics
    ///
    /// Never: the plan serialises.
    pub fn digest(&self) -> Sha256 {
        #[derive(Serialize)]
        struct Pinned<'a> {
            system: &'a System,
            root: Sha256,
            epoch: u64,
            base: Option<(String, u64)>,
            agent: Option<Sha256>,
            #[serde(rename = "judge")]
            self_check_binary: Option<Sha256>,
            packages: Vec<Sha256>,
            keys: Vec<&'a str>,
        }
        let root = match &self.root {
            RootAccess::Locked => "",
            RootAccess::Hash(hash) => hash.as_str(),
        };
        let pinned = Pinned {
            system: &self.system,
            root: Sha256::of(root),
            epoch: self.epoch.seconds(),
            base: self.base.as_ref().map(|b| (b.medium.volume_id(), b.medium.file_len())),
            agent: self.agent.as_ref().map(|agent| agent.bundle.sha256),
            self_check_binary: self.self_check_binary.as_ref().and_then(SelfCheckBinary::sha256),
            packages: self.packages.iter().map(|package| package.sha256).collect(),
            keys: self.keyring.names().iter().map(|key| key.fingerprint.as_str()).collect(),
        };
        Sha256::of(serde_json::to_vec(&pinned).expect("a plan serialises"))
    }

    /// The manifest without its files.
    pub fn manifest(&self) -> Manifest {
        let profile = &self.system.profile;
        let name = |path: &Path| {
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        };
        Manifest {
            schema: manifest::SCHEMA.to_owned(),
            tool: ToolRecord::current(),
            kind: match self.carrier() {
                Carrier::InstallerDisc => "installer".to_owned(),
                Carrier::KickstartDisc => "kickstart-disc".to_owned(),
            },
            recipe: self.recipe.clone(),
            plan_sha256: self.digest(),
            profile: self.system.profile_name.to_string(),
            generation: profile.generation.into(),
            firmware: self.system.firmware.as_str().to_owned(),
            source_date_epoch: i64::try_from(self.epoch.seconds()).unwrap_or(i64::MAX),
            base: self.base.as_ref().map(|base| BaseRecord {
                name: name(&base.path),
                volume_id: base.medium.volume_id(),
                size: base.medium.file_len(),
                sha256: manifest::SHA256_PLACEHOLDER.to_owned(),
            }),
            agent: self.agent.as_ref().map(|agent| AgentRecord {
                name: agent.bundle.file_name.clone(),
                path: disc_layout::AGENT.to_owned(),
                sha256: agent.bundle.sha256,
                size: agent.bundle.len,
                pinned: agent.pinned,
                standin: agent.bundle.standin,
                wanted_distribution: profile.agent_distribution.to_string(),
            }),
            signatures: self.signatures(),
            self_check: self.system.self_check.map(|keep| SelfCheckRecord {
                keep,
                binary: match &self.self_check_binary {
                    Some(SelfCheckBinary::Included { program, .. }) => {
                        Some(SelfCheckBinaryRecord {
                            path: disc_layout::SELF_CHECK_BINARY.to_owned(),
                            sha256: program.sha256,
                            size: program.len,
                        })
                    }
                    _ => None,
                },
                no_binary: match &self.self_check_binary {
                    Some(SelfCheckBinary::Absent(why)) => Some(why.clone()),
                    _ => None,
                },
            }),
            registration: self.system.registration_server().map(|server| RegistrationRecord {
                address: server.address.to_string(),
                port: server.port,
            }),
            incomplete: self.incomplete.clone(),
            boot: None,
            files: Vec::new(),
        }
    }

    /// Who signed the add-on packages; nothing when there are none.
    pub fn signatures(&self) -> Option<SignatureRecord> {
        let verified = self
            .packages
            .iter()
            .filter(|it| matches!(it.signature_status, SignatureStatus::VerifiedBy(_)))
            .count();
        let keys = self.keyring.names();
        (!self.packages.is_empty()).then(|| SignatureRecord {
            verified,
            unverified: self.packages.len() - verified,
            keys: keys.iter().map(|key| format!("{} {}", key.fingerprint, key.owner)).collect(),
        })
    }

    /// Refuses the vendor's medium when the recipe demands another; its digest is known late, for
    /// it is taken while the medium is read.
    ///
    /// # Errors
    ///
    /// [`PlanError::BaseMismatch`].
    pub fn check_base_digest(&self, digest: Option<Sha256>) -> Result<(), PlanError> {
        if let Some(base) = &self.base
            && let (Some(demanded), Some(found)) = (base.demanded, digest)
            && demanded != found
        {
            return Err(PlanError::BaseMismatch { path: base.path.clone(), found, demanded });
        }
        Ok(())
    }

    /// Whether the image will hold what not everyone may read: a password's hash can be guessed at.
    pub fn holds_secret(&self) -> bool {
        matches!(self.root, RootAccess::Hash(_))
    }

    /// Every file that was read, so that none of them is written over.
    ///
    /// # Errors
    ///
    /// Fails when the system does not say which file an open one is.
    pub fn inputs(&self) -> Result<Vec<Input>, ReplacementError> {
        let base = self.base.iter().map(|base| (base.path.as_path(), &*base.file));
        let agent = self.agent.iter().filter_map(|agent| match &agent.content {
            AgentContent::File { path, file } => Some((path.as_path(), &**file)),
            AgentContent::StandIn(_) => None,
        });
        let self_check_binary = self.self_check_binary.iter().filter_map(|binary| match binary {
            SelfCheckBinary::Included { path, file, .. } => Some((path.as_path(), &**file)),
            SelfCheckBinary::Absent(_) => None,
        });
        let packages =
            self.packages.iter().filter_map(|it| Some((it.path.as_path(), it.file.as_deref()?)));
        let opened = base.chain(agent).chain(self_check_binary).chain(packages);
        let opened = opened.map(|(path, file)| Input::opened(path, file));
        opened.chain(self.key_files.iter().cloned().map(Ok)).collect()
    }
}

/// Opens an input, which must be a regular file.
///
/// # Errors
///
/// [`PlanError::Open`] and [`PlanError::NotAFile`].
pub fn open_input(path: &Path) -> Result<Arc<File>, PlanError> {
    let failed = |source| PlanError::Open { path: path.to_owned(), source };
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
            .map_err(|source| PlanError::Open { path: path.clone(), source })?;
        keyring.add(&bytes).map_err(|source| PlanError::Keys { path: path.clone(), source })?;
    }
    Ok(keyring)
}

fn open_base(base: &PinnedFile) -> Result<Option<BaseMedium>, PlanError> {
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
        .map_err(|source| PlanError::Base { path: path.to_owned(), source })?;
    Ok((file, medium))
}

fn open_agent(
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
        .map_err(|source| PlanError::AgentSource { path: path.clone(), source })?;
    match agent.sha256 {
        Some(demanded) if demanded != bundle.sha256 => {
            return Err(PlanError::AgentMismatch {
                path: path.clone(),
                found: bundle.sha256,
                demanded,
            });
        }
        None if !allow_unpinned => {
            return Err(PlanError::UnpinnedAgent { path: path.clone(), sha256: bundle.sha256 });
        }
        _ => {}
    }
    let content = AgentContent::File { path: path.clone(), file };
    Ok(Some(AgentInput { bundle, content, pinned: agent.sha256.is_some() }))
}

impl SelfCheckBinary {
    fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Included { program, .. } => Some(program.sha256),
            Self::Absent(_) => None,
        }
    }
}

/// The program that is meant, looked at. The one that is running is taken when it can ride along,
/// and is no reason to refuse when it cannot.
fn open_self_check_binary(choice: &SelfCheckBinaryChoice) -> Result<SelfCheckBinary, PlanError> {
    let carried = |path: PathBuf| -> Result<SelfCheckBinary, PlanError> {
        let file = open_input(&path)?;
        match static_program::inspect(&file) {
            Ok(program) => Ok(SelfCheckBinary::Included { path, file, program }),
            Err(source) => Err(PlanError::SelfCheckBinary { path, source }),
        }
    };
    match choice {
        SelfCheckBinaryChoice::None => Ok(SelfCheckBinary::Absent("none was wanted".to_owned())),
        SelfCheckBinaryChoice::File(path) => carried(path.clone()),
        SelfCheckBinaryChoice::Auto => Ok(match std::env::current_exe() {
            Ok(path) => carried(path).unwrap_or_else(|error| {
                let why = match &error {
                    PlanError::SelfCheckBinary { source, .. } => source.to_string(),
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
