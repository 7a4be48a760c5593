//! What is put on a disc: every file with its path, its bytes and their digest.
//!
//! Not for where on the disc it lands (`compose`), nor for the manifest about it (`manifest`).

use std::sync::Arc;

use super::manifest::ToolRecord;
use super::payload_file::PayloadFile;
use super::plan::{AgentContent, Plan, SelfCheckBinary};
use crate::assets::Assets;
use crate::disc_path::DiscPathError;
use crate::hint::hinted;
use crate::installer::answers;
use crate::installer::answers_error::AnswersError;
use crate::installer::first_boot::{self, FirstBoot};
use crate::installer::kickstart::{self, Placement};
use crate::installer::preseed::pool::PlacedPool;
use crate::installer::retention::Retention;
use crate::installer::self_check::{self, SelfCheck};
use crate::installer::service::{InitSystem, ServiceError, ServiceFile};
use crate::installer::system::{AgentKind, Interface, System};
use crate::installer::target_scripts::{AGENT, AGENT_DIRECTORY};
use crate::installer::value::PayloadName;
use crate::installer::{disc_layout, registration};
use crate::packages::deb::{SigningError, pool};
use crate::packages::repository::{self, RepositoryError};
use crate::packages::sbom::{self, Application, SbomFile, SbomRequest};

/// Why a payload cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// A name that a disc cannot hold.
    #[error(transparent)]
    Path(#[from] DiscPathError),
    /// The first-boot files cannot be rendered.
    #[error(transparent)]
    FirstBoot(#[from] ServiceError),
    /// The kickstart or preseed cannot be rendered, or is not what was meant.
    #[error(transparent)]
    Answers(#[from] AnswersError),
    /// The pool cannot be signed.
    #[error("the signing key: {0}")]
    Signing(#[from] SigningError),
    /// The repository's metadata cannot be made.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl PayloadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::FirstBoot(error) => error.hint(),
            Self::Repository(error) => error.hint(),
            Self::Signing(error) => error.hint(),
            Self::Path(_) | Self::Answers(_) => None,
        }
    }
}

hinted!(PayloadError);

/// Every file that a plan puts on a disc, but for the manifest.
///
/// # Errors
///
/// Fails when a template does not render, or the rendered kickstart is not the one that was
/// meant.
pub fn assemble(assets: &Assets, plan: &Plan) -> Result<Vec<PayloadFile>, PayloadError> {
    let mut files = Vec::new();
    for (name, text) in render_services(assets, &plan.system)? {
        files.push(PayloadFile::from_bytes(
            &format!("{}/{name}", disc_layout::PAYLOAD),
            text.into_bytes(),
        )?);
    }
    if let Some(agent) = &plan.agent {
        let path = disc_layout::AGENT;
        files.push(match &agent.content {
            AgentContent::File { file, .. } => PayloadFile::from_file(
                path,
                Arc::clone(file),
                agent.bundle.len,
                agent.bundle.sha256,
            )?,
            AgentContent::StandIn(bytes) => PayloadFile::from_bytes(path, Arc::clone(bytes))?,
        });
    }
    if let Some(SelfCheckBinary::Included { file, program, .. }) = &plan.self_check_binary {
        let file = Arc::clone(file);
        files.push(PayloadFile::from_file(
            disc_layout::SELF_CHECK_BINARY,
            file,
            program.len,
            program.sha256,
        )?);
    }
    if !plan.packages.is_empty() {
        files.extend(assemble_add_ons(plan)?);
    }
    let pool = assemble_pool(plan)?;
    let placed = |name: &str| {
        let path = format!("{}/{name}", disc_layout::REPOSITORY);
        pool.iter().find(|file| file.path.as_str() == path).map(|file| file.sha256.to_string())
    };
    let placed = placed(pool::PACKAGES)
        .map(|packages_sha256| PlacedPool { packages_sha256, key_sha256: placed(pool::KEY) });
    files.extend(pool);
    let placement = Placement {
        carrier: plan.carrier(),
        have_repo: !plan.packages.is_empty(),
        pool: placed,
        payload: payload_names(&files),
    };
    let answers = answers::render(assets, &plan.system, &placement, &plan.root)?;
    files.push(PayloadFile::from_bytes(answers.path, answers.to_bytes(plan.epoch.seconds()))?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.push(PayloadFile::from_bytes(disc_layout::SBOM, render_sbom(plan, &files).into_bytes())?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The kickstart's or preseed's text, read back and held against what it must say.
///
/// # Errors
///
/// Fails when a template does not render or the text says something else.
pub fn render_answers(
    assets: &Assets,
    system: &System,
    placement: &Placement,
    root: &kickstart::RootAccess,
) -> Result<String, AnswersError> {
    answers::render(assets, system, placement, root).map(|answers| answers.text)
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
        render_services(assets, system)?.into_iter().map(|(name, _)| name).collect();
    if system.agent != AgentKind::None {
        names.push(AGENT.to_owned());
    }
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Names and texts of the files of every service that the installed system gets.
fn render_services(
    assets: &Assets,
    system: &System,
) -> Result<Vec<(String, String)>, ServiceError> {
    let init = system.profile.init;
    let mut files = render_first_boot(assets, system, init)?;
    if let Some(keep) = system.self_check {
        let check = SelfCheck {
            init,
            keep,
            server: system.configuration_server.as_ref().map(|server| server.address.to_string()),
            retention: system.retention_mount(),
            scsi_id: system.profile.scsi_id.to_string(),
        };
        files.extend(self_check::render(&check, assets)?);
    }
    if let Some(server) = system.registration_server() {
        files.extend(registration::render(server, init, AGENT_DIRECTORY, assets)?);
    }
    Ok(files.into_iter().map(|file| (file.name, file.text)).collect())
}

/// The first-boot service's files; none without an agent, for there is nothing to apply then.
fn render_first_boot(
    assets: &Assets,
    system: &System,
    init: InitSystem,
) -> Result<Vec<ServiceFile>, ServiceError> {
    let profile = &system.profile;
    let model = FirstBoot {
        init,
        scsi_id: profile.scsi_id.to_string(),
        release_file: profile.release_file.to_string(),
        release_pattern: profile.release.clone(),
        package_format: profile.package_format(),
        packages: profile.packages.names.iter().map(ToString::to_string).collect(),
        agent_directory: AGENT_DIRECTORY.to_owned(),
        standin: system.agent == AgentKind::StandIn,
        fill_hosts: matches!(system.network, Interface::Dhcp { .. }),
        retention: match &system.retention {
            Retention::FirstBoot { multipath, mount, .. } => Some(first_boot::DeferredRetention {
                multipath_name: multipath.to_string(),
                mount: mount.to_string(),
            }),
            _ => None,
        },
        self_check: system.self_check.is_some(),
    };
    if system.agent == AgentKind::None {
        return Ok(Vec::new());
    }
    first_boot::render(&model, assets)
}

fn assemble_add_ons(plan: &Plan) -> Result<Vec<PayloadFile>, PayloadError> {
    let mut files = Vec::new();
    for (path, bytes) in repository::repodata(&plan.packages, plan.epoch.seconds())? {
        files.push(PayloadFile::from_bytes(&format!("{}/{path}", disc_layout::REPOSITORY), bytes)?);
    }
    for package in &plan.packages {
        let file = package.file.clone().expect("a plan keeps its packages open");
        let path = format!("{}/{}", disc_layout::REPOSITORY, package.location);
        files.push(PayloadFile::from_file(&path, file, package.len, package.sha256)?);
    }
    Ok(files)
}

/// The pool of Debian packages; nothing when there are none.
fn assemble_pool(plan: &Plan) -> Result<Vec<PayloadFile>, PayloadError> {
    if plan.debs.is_empty() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    let place = |name: &str| format!("{}/{name}", disc_layout::REPOSITORY);
    for (name, bytes) in
        pool::metadata(&plan.debs, plan.epoch.seconds(), plan.signing_key.as_ref())?
    {
        files.push(PayloadFile::from_bytes(&place(name), bytes)?);
    }
    for deb in &plan.debs {
        let file = deb.file.clone().expect("a plan keeps its packages open");
        files.push(PayloadFile::from_file(&place(&deb.location), file, deb.len, deb.sha256)?);
    }
    Ok(files)
}

fn payload_names(files: &[PayloadFile]) -> std::collections::BTreeSet<PayloadName> {
    let prefix = format!("{}/", disc_layout::PAYLOAD);
    files.iter().filter_map(|file| file.path.as_str().strip_prefix(&prefix)?.parse().ok()).collect()
}

/// Renders the bill of materials: the add-on packages, the agent, and the files made for the image.
fn render_sbom(plan: &Plan, files: &[PayloadFile]) -> String {
    let tool = ToolRecord::current();
    let agent = plan.agent.as_ref().map(|agent| Application {
        name: &agent.bundle.file_name,
        version: agent.bundle.identity.as_ref().map_or("", |identity| &identity.version),
        description: if agent.bundle.standin {
            "a STAND-IN for the replication agent, which replicates nothing"
        } else {
            "the replication agent (Unified Agent)"
        },
    });
    let is_package = |path: &str| {
        path.starts_with(disc_layout::REPOSITORY)
            && (path.ends_with(".rpm") || path.ends_with(".deb"))
    };
    let files = files.iter().filter(|file| !is_package(file.path.as_str())).map(|file| {
        let path = file.path.as_str();
        let application = agent.clone().filter(|_| path == disc_layout::AGENT);
        SbomFile { path, sha256: file.sha256, application }
    });
    sbom::render(&SbomRequest {
        tool: [&tool.name, &tool.version],
        name: &plan.recipe.name,
        description: "an unattended installer of a Site Recovery master target",
        plan_sha256: plan.digest(),
        profile: plan.system.profile_name.as_str(),
        base_volume_id: plan.base.as_ref().map(|base| base.medium.volume_id()),
        epoch: plan.epoch.seconds(),
        packages: &plan.packages,
        debs: &plan.debs,
        package_directory: disc_layout::REPOSITORY,
        files: files.collect(),
    })
}
