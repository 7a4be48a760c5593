//! The arguments of the verbs for images, packages and kickstarts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::report::{ReportArgs, TextOrJson};
use crate::image::recipe::SelfCheckBinaryChoice;

/// The recipe and what overrides it.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// A recipe file, or the name of an embedded one
    #[arg(default_value = "centos-6.6", value_hint = ValueHint::FilePath)]
    pub recipe: String,

    /// Override a key of the recipe, such as network.address=192.0.2.10
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

/// The packages that go beside a medium's own; the recipe's by default.
#[derive(Debug, Default, Args)]
pub struct AddedPackageArgs {
    /// A directory of RPMs to carry along as a repository
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rpms: Option<PathBuf>,

    /// A file of public keys that those RPMs are signed with; any number,
    /// beside the recipe's rpm_keys
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub rpm_key: Vec<PathBuf>,

    /// A directory of Debian packages that go with the medium, and of the
    /// archive's signed lists
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub debs: Option<PathBuf>,

    /// A file of public keys that those lists are signed with; any number,
    /// beside the recipe's deb_keys
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub deb_key: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BuildImageArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,

    /// The vendor's medium to customise; without it: a small kickstart disc
    /// to use beside that medium
    #[arg(long, value_name = "ISO", value_hint = ValueHint::FilePath)]
    pub base: Option<PathBuf>,

    /// The replication agent (Unified Agent) as it was downloaded
    #[arg(long, value_name = "TARBALL", value_hint = ValueHint::FilePath)]
    pub agent: Option<PathBuf>,

    /// Take an agent whose sha256 the recipe does not name
    #[arg(long)]
    pub allow_unpinned: bool,

    #[command(flatten)]
    pub added: AddedPackageArgs,

    /// The static preflight that runs the self-check on the master target:
    /// a file, auto (this program, when it is static) or none [default: the
    /// recipe's, or auto]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub self_check_binary: Option<SelfCheckBinaryChoice>,

    /// The private key that the list of those packages on the disc is signed
    /// with, in a file of mode 0600; it is not put into the image [default:
    /// none, the list is trusted for its digest]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sign_key: Option<PathBuf>,

    /// Rebuild the image that this delta was made of, from --base; the recipe
    /// and its inputs are in it
    #[arg(long, value_name = "DELTA", value_hint = ValueHint::FilePath, requires = "base",
        conflicts_with_all = ["recipe", "settings", "agent", "allow_unpinned", "rpms", "rpm_key",
        "debs", "deb_key", "sign_key", "allow_incomplete"])]
    pub from_delta: Option<PathBuf>,

    #[command(flatten)]
    pub custom: CustomArgs,

    /// Where to write the image; - for standard output [default: RECIPE.iso, or
    /// the delta's name without .delta]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Where to write its manifest [default: OUT.manifest.json; with -o -: nowhere]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub manifest: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long)]
    pub overwrite: bool,

    /// Build an image whose packages are not proven to install; its manifest
    /// says so
    #[arg(long)]
    pub allow_incomplete: bool,

    /// Show what would be built and write nothing
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub report: ReportArgs,
}

/// What is put on a medium without a recipe.
#[derive(Debug, Args)]
#[group(multiple = true, requires = "base", conflicts_with_all = ["recipe", "settings", "agent",
    "allow_unpinned", "rpms", "self_check_binary", "rpm_key", "debs", "deb_key", "sign_key",
    "from_delta", "allow_incomplete"])]
pub struct CustomArgs {
    /// Put your own kickstart on the medium of --base instead of a recipe's:
    /// any of el6 to el10 or Fedora; nothing else is added
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kickstart: Option<PathBuf>,

    /// Add a file or a directory to the medium of --base, in its root or where
    /// PATH says; any number
    #[arg(long, value_name = "[PATH=]FILE", value_parser = parse_added_file)]
    pub add: Vec<(String, PathBuf)>,

    /// Add a kernel argument to its boot entries; any number
    #[arg(long, value_name = "ARG")]
    pub kernel_arg: Vec<String>,

    /// Remove a kernel argument from its boot entries, with any value or, as
    /// NAME=VALUE, with that one; any number
    #[arg(long, value_name = "NAME")]
    pub remove_kernel_arg: Vec<String>,

    /// Give the medium another volume id, and name it in its boot entries
    #[arg(long, value_name = "ID")]
    pub volume_id: Option<String>,

    /// Take a kickstart in which the linter finds errors
    #[arg(long, requires = "kickstart")]
    pub allow_lint_errors: bool,
}

impl CustomArgs {
    /// Whether a medium is customised instead of built by a recipe.
    pub fn is_given(&self) -> bool {
        self.kickstart.is_some()
            || self.volume_id.is_some()
            || !(self.add.is_empty()
                && self.kernel_arg.is_empty()
                && self.remove_kernel_arg.is_empty())
    }
}

/// Reads `FILE`, which is put into the root of the disc, or `PATH=FILE`.
fn parse_added_file(text: &str) -> Result<(String, PathBuf), String> {
    let (target, file) = match text.split_once('=') {
        Some((target, file)) if !std::path::Path::new(text).exists() => (Some(target), file),
        _ => (None, text),
    };
    let path = PathBuf::from(file);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    match (target.map(str::to_owned).or(name), file.is_empty()) {
        (Some(target), false) if !target.is_empty() => Ok((target, path)),
        _ => Err("expected a file or a directory, or PATH=FILE".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct CheckImageArgs {
    /// The image
    #[arg(value_name = "ISO", value_hint = ValueHint::FilePath)]
    pub image: PathBuf,

    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Args)]
pub struct CheckPackagesArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,

    /// The vendor's medium [default: the recipe's]
    #[arg(long, value_name = "ISO", value_hint = ValueHint::FilePath)]
    pub base: Option<PathBuf>,

    #[command(flatten)]
    pub added: AddedPackageArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Subcommand)]
pub enum InspectVerb {
    /// An ISO: file systems, boot entries, kickstart, payload
    Image(InspectArgs),
    /// A replication agent's archive: name, version, what it carries
    Agent(InspectArgs),
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The file
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// text or json
    #[arg(long, default_value = "text", value_enum)]
    pub format: TextOrJson,
}

#[derive(Debug, Subcommand)]
pub enum RenderVerb {
    /// The kickstart, on standard output
    Kickstart(RenderKickstartArgs),
}

#[derive(Debug, Args)]
pub struct RenderKickstartArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,

    /// As it stands on a kickstart disc, not on a customised medium
    #[arg(long)]
    pub kickstart_disc: bool,
}

#[derive(Debug, Subcommand)]
pub enum LintVerb {
    /// A kickstart, ours or anybody's
    Kickstart(LintKickstartArgs),
}

/// The rules that a kickstart is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintStyleArg {
    /// An unattended installation of a master target
    Policy,
    /// What the installer reads and does: any kickstart
    Syntax,
}

#[derive(Debug, Args)]
pub struct LintKickstartArgs {
    /// The kickstart; - reads standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// The distribution it is for
    #[arg(long, default_value = "centos-6.6")]
    pub profile: String,

    /// Which rules: all of them, or only those that every kickstart must obey
    #[arg(long, default_value = "policy", value_enum)]
    pub style: LintStyleArg,

    /// text or json
    #[arg(long, default_value = "text", value_enum)]
    pub format: TextOrJson,
}
