//! A vendor's medium with a kickstart, files and kernel arguments of somebody's own: nothing of a
//! master target is on it.
//!
//! Not for recipes (`plan`), nor for writing the image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compose::{Additions, ComposeError, Composition, extend_medium};
use super::manifest::{self, BaseRecord, CUSTOM_MEDIUM, Manifest, RecipeRecord, ToolRecord};
use super::menus::{self, MenuError};
use super::payload_file::PayloadFile;
use super::plan::{BaseMedium, PlanError, epoch, open_input, open_medium};
use super::treeinfo::TreeInfo;
use crate::atomic_file::{AtomicFileError, InputFile};
use crate::boot::ArgumentChange;
use crate::digest::Sha256;
use crate::disc_path::{DiscPath, DiscPathError};
use crate::hint::hinted;
use crate::installer::anaconda::{InstallerRelease, kickstart_argument};
use crate::installer::disc_layout;
use crate::installer::kickstart::lint::{LintFinding, LintSeverity, LintStyle, lint};
use crate::installer::kickstart::parse;
use crate::iso::FileContent;
use crate::packages::generation::Generation;

/// The largest kickstart that is taken.
const MAX_KICKSTART_BYTES: u64 = 1024 * 1024;

/// The most files that are added.
const MAX_FILES: usize = 100_000;

/// What to make of a vendor's medium.
#[derive(Clone, Debug, Default)]
pub struct CustomRequest {
    /// The vendor's medium.
    pub base: PathBuf,
    /// The kickstart.
    pub kickstart: Option<PathBuf>,
    /// Files and directories to add, each with its path on the disc.
    pub add: Vec<(String, PathBuf)>,
    /// Kernel arguments to add to the boot entries.
    pub add_arguments: Vec<String>,
    /// Kernel arguments to take out of them: names, or names with values.
    pub remove_arguments: Vec<String>,
    /// The new volume id.
    pub volume_id: Option<String>,
    /// Whether a kickstart is taken in which the linter finds errors.
    pub allow_lint_errors: bool,
    /// SOURCE_DATE_EPOCH, when it is set.
    pub epoch: Option<u64>,
}

/// A medium that is planned, with what a person should know of it.
#[derive(Debug)]
pub struct CustomMedium {
    /// What is written.
    pub composition: Composition,
    /// What the medium installs, by its own words: `6.6 for x86_64`.
    pub installs: String,
    /// What the linter says of the kickstart.
    pub findings: Vec<LintFinding>,
    /// Whether the kickstart has a password or its hash.
    pub holds_secret: bool,
    inputs: Vec<InputFile>,
}

/// Why a medium cannot be customised.
#[derive(Debug, thiserror::Error)]
pub enum CustomMediumError {
    /// An input cannot be opened.
    #[error(transparent)]
    Input(#[from] PlanError),
    /// The medium is no installer that a kickstart is known for.
    #[error("{0}: {1}")]
    NotAnInstaller(PathBuf, String),
    /// The kickstart is none.
    #[error("{0}: {1}")]
    Kickstart(PathBuf, String),
    /// The installer would stop at the kickstart.
    #[error("{}, for release {release}: {}", path.display(), findings.join("; "))]
    Lint {
        /// The file.
        path: PathBuf,
        /// The medium's release.
        release: u8,
        /// What the linter found.
        findings: Vec<String>,
    },
    /// A file to add cannot be read.
    #[error("--add {0}: {1}")]
    Add(PathBuf, String),
    /// A file's path is not allowed on a disc.
    #[error(transparent)]
    Path(#[from] DiscPathError),
    /// The medium cannot be extended.
    #[error("{}", .0.display())]
    Compose(PathBuf, #[source] ComposeError),
    /// An input cannot be identified.
    #[error(transparent)]
    Identity(#[from] AtomicFileError),
}

impl CustomMediumError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAnInstaller(..) => Some(
                "give a medium of el6 to el10 or Fedora, with its .treeinfo or .discinfo; for \
                 another installer write a recipe"
                    .to_owned(),
            ),
            Self::Kickstart(..) => Some("give a kickstart as text, in UTF-8".to_owned()),
            Self::Lint { .. } => Some(
                "correct what is named; --allow-lint-errors takes the kickstart as it is"
                    .to_owned(),
            ),
            Self::Add(..) => {
                Some("name a file, a directory, or PATH=FILE with its path on the disc".to_owned())
            }
            Self::Input(_) | Self::Path(_) | Self::Compose(..) | Self::Identity(_) => None,
        }
    }
}

hinted!(CustomMediumError);

impl CustomMedium {
    /// Opens every input and plans the medium. Nothing is written.
    ///
    /// # Errors
    ///
    /// Refuses a medium that no kickstart is known for or that cannot be extended safely, a
    /// kickstart at which its installer would stop, files that cannot be read, and arguments that a
    /// boot loader would take apart.
    pub fn plan(request: &CustomRequest) -> Result<Self, CustomMediumError> {
        let (file, medium) = open_medium(&request.base)?;
        let base = BaseMedium { path: request.base.clone(), file, medium, demanded: None };
        let info = TreeInfo::from_medium(&base.medium);
        let not_an_installer = |why| CustomMediumError::NotAnInstaller(base.path.clone(), why);
        let release = info.major().ok_or_else(|| {
            not_an_installer("neither .treeinfo nor .discinfo names a release".to_owned())
        })?;
        let generation = Generation::try_from(release).map_err(not_an_installer)?;
        let mut inputs = vec![InputFile::from_file(&base.path, &base.file)?];
        let mut payload = Vec::new();
        let (mut findings, mut holds_secret) = (Vec::new(), false);
        if let Some(path) = &request.kickstart {
            let text = read_kickstart(path)?;
            findings = lint_kickstart(path, &text, generation, request.allow_lint_errors)?;
            holds_secret = has_secret(&text);
            inputs.extend(InputFile::from_path(path));
            payload.push(PayloadFile::from_bytes(disc_layout::KICKSTART, text.into_bytes())?);
        }
        for (target, path) in &request.add {
            add_files(target, path, &mut payload, &mut inputs)?;
        }
        let epoch = epoch(request.epoch)?;
        let old = base.medium.volume_id();
        let new = request.volume_id.clone().filter(|new| *new != old);
        let installer = InstallerRelease::from_generation(generation);
        let change = ArgumentChange {
            kickstart: request.kickstart.as_ref().map(|_| {
                let id = new.as_deref().unwrap_or(&old);
                kickstart_argument(installer.kickstart_argument, installer.usb, id)
            }),
            add: request.add_arguments.clone(),
            remove: request.remove_arguments.clone(),
            volume_label: new.clone().map(|new| (old, new)),
        };
        let failed = |source| CustomMediumError::Compose(base.path.clone(), source);
        let changed = menus::change_arguments(&base.medium, &change, epoch)
            .map_err(|error: MenuError| failed(error.into()))?;
        let architecture = info.architecture.as_deref().unwrap_or("an unknown architecture");
        let installs = format!("{} for {architecture}", info.version.as_deref().unwrap_or("?"));
        let additions = Additions {
            manifest: manifest(request, &base, release, &payload, epoch.seconds()),
            payload: &payload,
            changed,
            volume_id: new,
            at: epoch,
        };
        let composition = extend_medium(&base, additions).map_err(failed)?;
        Ok(Self { composition, installs, findings, holds_secret, inputs })
    }

    /// Every file that was read, so that none of them is written over.
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }
}

fn read_kickstart(path: &Path) -> Result<String, CustomMediumError> {
    let refuse = |why: &str| CustomMediumError::Kickstart(path.to_owned(), why.into());
    let file = open_input(path)?;
    let failed = |source| PlanError::Open(path.to_owned(), source);
    if file.metadata().map_err(failed)?.len() > MAX_KICKSTART_BYTES {
        return Err(refuse("it has more than 1 MiB"));
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut &*file, &mut bytes).map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| refuse("it is not text in UTF-8"))
}

/// Returns the findings of rules that every kickstart must obey, and the passwords that can be read.
fn lint_kickstart(
    path: &Path,
    text: &str,
    generation: Generation,
    allow_errors: bool,
) -> Result<Vec<LintFinding>, CustomMediumError> {
    let mut findings = lint(text, generation);
    findings
        .retain(|finding| finding.style == LintStyle::Syntax || finding.code == "plain-password");
    let is_error = |finding: &&LintFinding| {
        finding.severity == LintSeverity::Error && finding.style == LintStyle::Syntax
    };
    let errors: Vec<String> = findings.iter().filter(is_error).map(ToString::to_string).collect();
    if errors.is_empty() || allow_errors {
        return Ok(findings);
    }
    let (path, release) = (path.to_owned(), generation.into());
    Err(CustomMediumError::Lint { path, release, findings: errors })
}

/// Whether a kickstart has a password, a passphrase or the hash of one.
fn has_secret(text: &str) -> bool {
    let secrets = ["--password", "--passphrase", "--wpakey", "--wepkey", "--activation-key"];
    parse(text).commands.iter().any(|placed| {
        let command = &placed.command;
        let is_password = matches!(command.name.as_str(), "rootpw" | "sshpw");
        is_password && !command.arguments().is_empty()
            || secrets.iter().any(|option| command.has(option))
    })
}

/// Adds a file, or all files below a directory.
fn add_files(
    target: &str,
    path: &Path,
    payload: &mut Vec<PayloadFile>,
    inputs: &mut Vec<InputFile>,
) -> Result<(), CustomMediumError> {
    let refuse = |why: String| CustomMediumError::Add(path.to_owned(), why);
    let target = DiscPath::new(target)?;
    for entry in walkdir::WalkDir::new(path).follow_root_links(true).sort_by_file_name() {
        let entry = entry.map_err(|error| refuse(error.to_string()))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(path).expect("it is below");
        let below = below.to_str().ok_or_else(|| refuse("a name is not UTF-8".to_owned()))?;
        let place = if below.is_empty() {
            target.clone()
        } else {
            DiscPath::new(&format!("{}/{below}", target.as_str()))?
        };
        let file = open_input(entry.path())?;
        let failed = |source| PlanError::Open(entry.path().to_owned(), source);
        let (sha256, len) = Sha256::hash_reader(&*file).map_err(failed)?;
        inputs.push(InputFile::from_file(entry.path(), &file)?);
        // A file that is small need not stay open: there may be thousands.
        let source = if len <= 64 * 1024 {
            let bytes = std::fs::read(entry.path()).map_err(failed)?;
            if Sha256::hash(&bytes) != sha256 {
                return Err(refuse("it changed while it was read".to_owned()));
            }
            FileContent::Bytes(Arc::from(bytes))
        } else {
            FileContent::File { file, len }
        };
        payload.push(PayloadFile { path: place, source, sha256 });
        if payload.len() > MAX_FILES {
            return Err(refuse(format!("there are more than {MAX_FILES} files")));
        }
    }
    Ok(())
}

/// The manifest without its files.
fn manifest(
    request: &CustomRequest,
    base: &BaseMedium,
    release: u8,
    payload: &[PayloadFile],
    epoch: u64,
) -> Manifest {
    let name = |path: &Path| {
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let kickstart = payload.iter().find(|file| file.path.as_str() == disc_layout::KICKSTART);
    let files: Vec<(&str, Sha256)> =
        payload.iter().map(|file| (file.path.as_str(), file.sha256)).collect();
    let (add, remove) = (&request.add_arguments, &request.remove_arguments);
    let plan = format!("{files:?} {add:?} {remove:?} {:?} {epoch}", request.volume_id);
    let overridden = [
        (!add.is_empty(), "kernel-arg"),
        (!remove.is_empty(), "remove-kernel-arg"),
        (request.volume_id.is_some(), "volume-id"),
    ];
    let overridden = overridden.into_iter().filter(|(given, _)| *given);
    Manifest {
        schema: manifest::SCHEMA.to_owned(),
        tool: ToolRecord::current(),
        kind: CUSTOM_MEDIUM.to_owned(),
        recipe: RecipeRecord {
            name: request.kickstart.as_deref().map_or_else(|| "none".to_owned(), name),
            sha256: kickstart.map_or_else(|| Sha256::hash(""), |file| file.sha256),
            overridden: overridden.map(|(_, name)| name.to_owned()).collect(),
        },
        plan_sha256: Sha256::hash(plan),
        profile: "none".to_owned(),
        generation: release,
        firmware: "any".to_owned(),
        source_date_epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
        base: Some(BaseRecord {
            name: name(&base.path),
            volume_id: base.medium.volume_id(),
            size: base.medium.file_len(),
            sha256: manifest::SHA256_PLACEHOLDER.to_owned(),
        }),
        agent: None,
        signatures: None,
        pool: None,
        self_check: None,
        registration: None,
        incomplete: Vec::new(),
        boot: None,
        files: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kickstart_with_a_password_is_told() {
        for (text, expected) in [
            ("rootpw secret\n", true),
            ("rootpw --iscrypted $6$a$b\n", true),
            ("rootpw --lock\n", false),
            ("user --name=a --password=b\n", true),
            ("part / --size=1 --encrypted --passphrase=x\n", true),
            ("text\n%post\necho --password\n%end\n", false),
        ] {
            assert_eq!(has_secret(text), expected, "{text}");
        }
    }
}
