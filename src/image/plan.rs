//! A request with every input opened, inspected and pinned.
//!
//! Not for the recipe's own consistency (`system`), nor for the bytes of the image (`compose`).

mod error;
mod inputs;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::manifest::{
    self, AgentRecord, BaseRecord, Manifest, PoolRecord, RecipeRecord, RegistrationRecord,
    SelfCheckBinaryRecord, SelfCheckRecord, SignatureRecord, ToolRecord,
};
use super::recipe::{AgentSource, Recipe, SelfCheckBinaryChoice};
use super::resolve::resolve;
use crate::atomic_file::{AtomicFileError, InputFile};
use crate::digest::Sha256;
use crate::installer::disc_layout;
use crate::installer::kickstart::{Carrier, RootAccess};
use crate::installer::profile::Installer;
use crate::installer::system::System;
use crate::iso::Timestamp;
use crate::packages::deb::{self, DebFile, DebTrust, SigningKey};
use crate::packages::repository::{self, Keyring, RpmPackage, SignatureStatus};

pub use error::PlanError;
pub use inputs::{
    AgentContent, AgentInput, BaseMedium, SelfCheckBinary, open_input, open_keys, open_medium,
};

use inputs::{open_agent, open_base, open_self_check_binary, open_signing_key};

/// The date of added files unless SOURCE_DATE_EPOCH says otherwise: 2017-03-27, the day of S001.
/// The clock's would make every build another one.
const DEFAULT_EPOCH: u64 = 1_490_572_800;

/// Returns the date of every added file: SOURCE_DATE_EPOCH when it is set.
///
/// # Errors
///
/// Refuses a time that a disc cannot hold.
pub fn epoch(seconds: Option<u64>) -> Result<Timestamp, PlanError> {
    Ok(Timestamp::new(seconds.unwrap_or(DEFAULT_EPOCH))?)
}

/// A request for an image.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The recipe, settings applied.
    pub recipe: Recipe,
    /// Its name, digest and overridden keys.
    pub record: RecipeRecord,
    /// The profile the recipe names.
    pub profile: crate::installer::profile::Profile,
    /// The vendor's medium; overrides the recipe's.
    pub base: Option<PathBuf>,
    /// The agent's archive; overrides the recipe's.
    pub agent: Option<PathBuf>,
    /// The directory of add-on RPMs; overrides the recipe's.
    pub rpms: Option<PathBuf>,
    /// Files of keys that add-on RPMs are signed with, in addition to the recipe's.
    pub rpm_keys: Vec<PathBuf>,
    /// The directory of Debian packages that go with the medium; overrides the recipe's.
    pub debs: Option<PathBuf>,
    /// Files of keys that the lists beside them are signed with, in addition to the recipe's.
    pub deb_keys: Vec<PathBuf>,
    /// The file of the private key that the pool of those packages is signed with.
    pub signing_key: Option<PathBuf>,
    /// The program that evaluates captures on the installed system; overrides the recipe's.
    pub self_check_binary: Option<SelfCheckBinaryChoice>,
    /// Whether an agent is accepted without a digest in the recipe.
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
    /// The program that evaluates the self-check's captures on the installed system; absent when
    /// there is no self-check.
    pub self_check_binary: Option<SelfCheckBinary>,
    /// Add-on RPMs, sorted by name.
    pub packages: Vec<RpmPackage>,
    /// Debian packages that go with the medium, sorted by name.
    pub debs: Vec<DebFile>,
    /// The private key that the pool of them is signed with.
    pub signing_key: Option<SigningKey>,
    /// The keys that packages or lists of them may be signed with; empty when no key was given.
    pub keyring: Keyring,
    /// The files they were read from.
    pub key_files: Vec<InputFile>,
    /// Why the packages may not install, when the image is built all the same.
    pub incomplete: Vec<String>,
}

impl Plan {
    /// Opens and inspects every input. Nothing is written.
    ///
    /// # Errors
    ///
    /// Refuses inputs that cannot be used, and an agent without a digest in the recipe.
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
        if let Some(path) = request.debs {
            recipe.debs = Some(path);
        }
        recipe.rpm_keys.extend(request.rpm_keys);
        recipe.deb_keys.extend(request.deb_keys);
        let system = resolve(&recipe, request.profile)
            .map_err(|source| PlanError::System(request.record.name.clone(), source))?;
        let base = recipe.base.as_ref().map_or(Ok(None), open_base)?;
        let epoch = epoch(request.epoch)?;
        let agent = match &recipe.agent {
            Some(agent) => open_agent(agent, request.allow_unpinned, epoch)?,
            None => None,
        };
        // A recipe has keys of one kind: which, its installer says.
        let keys = [&recipe.rpm_keys[..], &recipe.deb_keys].concat();
        let keyring = open_keys(&keys)?;
        let self_check_binary = match (
            system.self_check,
            request.self_check_binary.unwrap_or(recipe.self_check.binary),
        ) {
            (Some(_), choice) => Some(open_self_check_binary(&choice)?),
            (None, _) => None,
        };
        let packages = match (&recipe.rpms, system.profile.anaconda()) {
            (Some(directory), Some(anaconda)) => {
                repository::read_packages(directory, anaconda.generation, &keyring)?
            }
            _ => Vec::new(),
        };
        let debs = match (&recipe.debs, &system.profile.installer) {
            (Some(directory), Installer::DebianInstaller(installer)) => {
                deb::read_packages(directory, installer.dpkg_features(), &keyring)?
            }
            _ => Vec::new(),
        };
        let signing_key = request.signing_key.as_deref().map(open_signing_key).transpose()?;
        if let (Some(path), true) = (&request.signing_key, debs.is_empty()) {
            return Err(PlanError::NothingToSign(path.clone()));
        }
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
        for file in &debs {
            tracing::debug!(package = %file.location, signed = %file.trust, "add-on");
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
            debs,
            signing_key,
            keyring,
            key_files: keys
                .iter()
                .chain(&request.signing_key)
                .filter_map(|path| InputFile::from_path(path))
                .collect(),
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
            #[serde(skip_serializing_if = "Vec::is_empty")]
            debs: Vec<Sha256>,
            #[serde(skip_serializing_if = "Option::is_none")]
            signed_by: Option<&'a str>,
            keys: Vec<&'a str>,
        }
        let root = match &self.root {
            RootAccess::Locked => "",
            RootAccess::Hash(hash) => hash.as_str(),
        };
        let pinned = Pinned {
            system: &self.system,
            root: Sha256::hash(root),
            epoch: self.epoch.seconds(),
            base: self.base.as_ref().map(|b| (b.medium.volume_id(), b.medium.file_len())),
            agent: self.agent.as_ref().map(|agent| agent.bundle.sha256),
            self_check_binary: self.self_check_binary.as_ref().and_then(SelfCheckBinary::sha256),
            packages: self.packages.iter().map(|package| package.sha256).collect(),
            signed_by: self.signing_key.as_ref().map(|key| key.name().fingerprint.as_str()),
            debs: self.debs.iter().map(|file| file.sha256).collect(),
            keys: self.keyring.names().iter().map(|key| key.fingerprint.as_str()).collect(),
        };
        Sha256::hash(serde_json::to_vec(&pinned).expect("a plan serialises"))
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
            generation: profile.major_release,
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
            pool: (!self.debs.is_empty()).then(|| PoolRecord {
                packages: self.debs.len(),
                signed_by: self
                    .signing_key
                    .as_ref()
                    .map(|key| format!("{} {}", key.name().fingerprint, key.name().owner)),
            }),
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
        let rpms = self
            .packages
            .iter()
            .filter(|package| matches!(package.signature_status, SignatureStatus::VerifiedBy(_)));
        let debs =
            self.debs.iter().filter(|file| matches!(file.trust, DebTrust::VerifiedBy { .. }));
        let (verified, all) = (rpms.count() + debs.count(), self.packages.len() + self.debs.len());
        let keys = self.keyring.names();
        (all > 0).then(|| SignatureRecord {
            verified,
            unverified: all - verified,
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
    pub fn inputs(&self) -> Result<Vec<InputFile>, AtomicFileError> {
        let base = self.base.iter().map(|base| (base.path.as_path(), &*base.file));
        let agent = self.agent.iter().filter_map(|agent| match &agent.content {
            AgentContent::File { path, file } => Some((path.as_path(), &**file)),
            AgentContent::StandIn(_) => None,
        });
        let self_check_binary = self.self_check_binary.iter().filter_map(|binary| match binary {
            SelfCheckBinary::Included { path, file, .. } => Some((path.as_path(), &**file)),
            SelfCheckBinary::Absent(_) => None,
        });
        let packages = self
            .packages
            .iter()
            .filter_map(|package| Some((package.path.as_path(), package.file.as_deref()?)));
        let debs =
            self.debs.iter().filter_map(|deb| Some((deb.path.as_path(), deb.file.as_deref()?)));
        let opened = base.chain(agent).chain(self_check_binary).chain(packages).chain(debs);
        let opened = opened.map(|(path, file)| InputFile::from_file(path, file));
        opened.chain(self.key_files.iter().cloned().map(Ok)).collect()
    }
}
