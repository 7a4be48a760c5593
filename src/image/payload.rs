//! What is put on a disc: every file with its path, its bytes and their digest.
//!
//! Not for where on the disc it lands (`compose`), nor for the manifest about it (`manifest`).

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disc_path::{BadDiscPath, DiscPath};
use super::firstboot::{self, FirstBoot, FirstBootError};
use super::iso::Source;
use super::kickstart::model::{AGENT, AGENT_DIRECTORY};
use super::kickstart::render::KickstartError;
use super::kickstart::{self, Kickstart, Placement};
use super::manifest::FileRecord;
use super::on_disc;
use super::plan::{AgentContent, Plan};
use super::profile::Init;
use super::recipe::Retention;
use super::repository::{self, RepositoryError};
use super::sbom;
use super::system::Interface;
use super::system::{AgentKind, System};
use super::value::PayloadName;
use crate::assets::Assets;
use crate::digest::Sha256;

/// One file to be put on a disc.
#[derive(Clone, Debug)]
pub struct PayloadFile {
    /// Its path on the disc.
    pub path: DiscPath,
    /// Where its bytes are.
    pub source: Source,
    /// Their digest, taken when the file was inspected.
    pub sha256: Sha256,
}

/// Why a payload cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// A name that a disc cannot hold.
    #[error(transparent)]
    Path(#[from] BadDiscPath),
    /// The first-boot files cannot be rendered.
    #[error(transparent)]
    FirstBoot(#[from] FirstBootError),
    /// The kickstart cannot be rendered, or is not what was meant.
    #[error(transparent)]
    Kickstart(#[from] KickstartError),
    /// The repository's metadata cannot be made.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A file cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl PayloadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::FirstBoot(error) => error.hint(),
            Self::Repository(error) => error.hint(),
            Self::Path(_) | Self::Kickstart(_) | Self::Open { .. } => None,
        }
    }
}

impl PayloadFile {
    /// A file made in memory.
    ///
    /// # Errors
    ///
    /// Refuses a path that is none on a disc.
    pub fn of_bytes(path: &str, bytes: impl Into<Arc<[u8]>>) -> Result<Self, BadDiscPath> {
        let bytes = bytes.into();
        let sha256 = Sha256::of(&bytes);
        Ok(Self { path: DiscPath::new(path)?, source: Source::Bytes(bytes), sha256 })
    }

    /// A file of the machine that builds, already digested.
    ///
    /// # Errors
    ///
    /// Refuses a path that is none on a disc.
    pub fn of_file(
        path: &str,
        file: Arc<File>,
        len: u64,
        sha256: Sha256,
    ) -> Result<Self, BadDiscPath> {
        Ok(Self { path: DiscPath::new(path)?, source: Source::File { file, len }, sha256 })
    }

    /// What the manifest says of it.
    pub fn record(&self) -> FileRecord {
        FileRecord {
            path: self.path.as_str().to_owned(),
            size: self.source.len(),
            sha256: self.sha256,
        }
    }
}

/// Every file that a plan puts on a disc, but for the manifest.
///
/// # Errors
///
/// Fails when a template does not render, or the rendered kickstart is not the one that was
/// meant.
pub fn of(assets: &Assets, plan: &Plan) -> Result<Vec<PayloadFile>, PayloadError> {
    let mut files = Vec::new();
    for (name, text) in first_boot(assets, &plan.system)? {
        files.push(PayloadFile::of_bytes(
            &format!("{}/{name}", on_disc::PAYLOAD),
            text.into_bytes(),
        )?);
    }
    if let Some(agent) = &plan.agent {
        let path = on_disc::AGENT;
        files.push(match &agent.content {
            AgentContent::File { file, .. } => {
                PayloadFile::of_file(path, Arc::clone(file), agent.bundle.len, agent.bundle.sha256)?
            }
            AgentContent::Made(bytes) => PayloadFile::of_bytes(path, Arc::clone(bytes))?,
        });
    }
    if !plan.packages.is_empty() {
        files.extend(add_ons(plan)?);
    }
    let placement = Placement {
        carrier: plan.carrier(),
        have_repo: !plan.packages.is_empty(),
        payload: names(&files),
    };
    let text = kickstart(assets, &plan.system, &placement, &plan.root)?;
    files.push(PayloadFile::of_bytes(on_disc::KICKSTART, text.into_bytes())?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.push(PayloadFile::of_bytes(on_disc::SBOM, sbom::of(plan, &files).into_bytes())?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The kickstart's text, read back and held against what it must say.
///
/// # Errors
///
/// Fails when a template does not render or the text says something else.
pub fn kickstart(
    assets: &Assets,
    system: &System,
    placement: &Placement,
    root: &kickstart::RootAccess,
) -> Result<String, KickstartError> {
    kickstart::render(assets, &Kickstart::new(assets, system, placement, root)?)
}

/// The names that a kickstart finds in the payload, when nothing but a recipe is known.
///
/// # Errors
///
/// Fails when the first-boot templates do not render.
pub fn expected_names(
    assets: &Assets,
    system: &System,
) -> Result<std::collections::BTreeSet<PayloadName>, PayloadError> {
    let mut names: Vec<String> =
        first_boot(assets, system)?.into_iter().map(|(name, _)| name).collect();
    if system.agent != AgentKind::None {
        names.push(AGENT.to_owned());
    }
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Names and texts of the first-boot service's files; none without an agent, for there is
/// nothing to apply then.
fn first_boot(assets: &Assets, system: &System) -> Result<Vec<(String, String)>, FirstBootError> {
    let profile = &system.profile;
    let model = FirstBoot {
        init: match profile.init {
            Init::Sysv => firstboot::Init::SysV,
            Init::Systemd => firstboot::Init::Systemd,
        },
        scsi_id: profile.scsi_id.to_string(),
        release_pattern: profile.release.clone(),
        packages: profile.packages.names.iter().map(ToString::to_string).collect(),
        agent_directory: AGENT_DIRECTORY.to_owned(),
        standin: system.agent == AgentKind::StandIn,
        fill_hosts: matches!(system.network, Interface::Dhcp { .. }),
        retention: match &system.retention {
            Retention::FirstBoot { multipath, mount, .. } => Some(firstboot::DeferredRetention {
                multipath_name: multipath.to_string(),
                mount: mount.to_string(),
            }),
            _ => None,
        },
    };
    if system.agent == AgentKind::None {
        return Ok(Vec::new());
    }
    let files = firstboot::render(&model, assets)?;
    Ok(files.into_iter().map(|file| (file.name.to_owned(), file.text)).collect())
}

fn add_ons(plan: &Plan) -> Result<Vec<PayloadFile>, PayloadError> {
    let mut files = Vec::new();
    for (path, bytes) in repository::repodata(&plan.packages, plan.epoch.seconds())? {
        files.push(PayloadFile::of_bytes(&format!("{}/{path}", on_disc::REPOSITORY), bytes)?);
    }
    for package in &plan.packages {
        let file = File::open(&package.path)
            .map_err(|source| PayloadError::Open { path: package.path.clone(), source })?;
        let path = format!("{}/{}", on_disc::REPOSITORY, package.location);
        files.push(PayloadFile::of_file(&path, Arc::new(file), package.len, package.sha256)?);
    }
    Ok(files)
}

fn names(files: &[PayloadFile]) -> std::collections::BTreeSet<PayloadName> {
    let prefix = format!("{}/", on_disc::PAYLOAD);
    files.iter().filter_map(|file| file.path.as_str().strip_prefix(&prefix)?.parse().ok()).collect()
}
