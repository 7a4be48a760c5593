//! The command line for clap: verbs, options, help texts.
//!
//! Not for what the verbs do (`commands`).

mod answer;
mod azure;
mod delta;
mod esxi;
mod fix;
mod guide;
mod init;
mod knowledge;
mod list;
mod select;
mod site;
mod ssh;
mod via;
mod vm;
mod vsphere;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::assets::Assets;
use crate::image::recipe::SelfCheckBinaryChoice;

pub use answer::AnswerArgs;
pub use azure::{AzureArgs, CheckAzureArgs, CollectAzureArgs};
pub use delta::BuildDeltaArgs;
pub use esxi::{CheckEsxiArgs, CollectEsxiArgs, MachineArgs};
pub use fix::FixArgs;
pub use guide::GuideArgs;
pub use init::InitSiteArgs;
pub use knowledge::{ExplainArgs, SearchArgs, TroubleshootArgs};
pub use list::{ListArgs, ListSubject, QuestionArgs};
pub use select::SelectArgs;
pub use site::{CheckSiteArgs, CollectSiteArgs, InventoryArgs, SiteAccessArgs, SiteArgs};
pub use ssh::SshArgs;
pub use via::{ViaArgs, ViaLoginArgs};
pub use vm::BuildVmArgs;
pub use vsphere::{CheckVcenterArgs, CollectVcenterArgs, TlsArgs, TrustArgs, VsphereArgs};

/// Build the Linux master target for Azure Site Recovery failback, and prove it.
///
/// preflight builds unattended CentOS installers for the master target, the
/// machine that receives replication when servers fail back from Azure to
/// VMware, and checks what makes failback fail.
#[derive(Debug, Parser)]
#[command(name = "preflight", version, max_term_width = 80, propagate_version = true)]
#[command(after_help = "Start with: preflight build image demo")]
pub struct CommandLine {
    #[command(subcommand)]
    pub verb: Verb,

    /// Log what is done; twice: in detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// A directory whose images/, kickstart/, templates/ and checks/ override
    /// the embedded ones
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    assets: Option<PathBuf>,
}

impl CommandLine {
    /// Returns the source of recipes, profiles, templates and checks.
    pub fn assets(&self) -> Assets {
        self.assets.clone().map_or_else(Assets::embedded, Assets::with_overlay)
    }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Build an appliance image
    #[command(subcommand)]
    Build(BuildVerb),
    /// Check an image, a host, a server or a site
    #[command(subcommand)]
    Check(CheckVerb),
    /// Save the answers of systems, to check them elsewhere
    #[command(subcommand)]
    Collect(CollectVerb),
    /// Show what is in a file
    #[command(subcommand)]
    Inspect(InspectVerb),
    /// Show what would be put on an image
    #[command(subcommand)]
    Render(RenderVerb),
    /// Find mistakes in a text
    #[command(subcommand)]
    Lint(LintVerb),
    /// Find the causes of a symptom, and the checks that confirm them
    Troubleshoot(Box<TroubleshootArgs>),
    /// Say where each machine is on its way home, and what to do now
    Guide(Box<GuideArgs>),
    /// Answer the questions that nothing but a person can decide
    Answer(Box<AnswerArgs>),
    /// List the checks, symptoms and steps that have some words
    Search(SearchArgs),
    /// Explain a check, a symptom, a step, an error code or words
    Explain(ExplainArgs),
    /// Show the certificate of a vSphere server, and keep its thumbprint
    Trust(TrustArgs),
    /// List what there is to choose from
    List(ListArgs),
    /// Print a commented file to start from
    #[command(subcommand)]
    Init(InitVerb),
    /// Run the examples that checks carry
    #[command(subcommand)]
    Test(TestVerb),
    /// Print the completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, read once")]
pub enum BuildVerb {
    /// An unattended installer of the master target
    Image(BuildImageArgs),
    /// A few MB that rebuild an image from the vendor's medium
    Delta(BuildDeltaArgs),
    /// The descriptors of its virtual machine: .vmx and .ovf
    Vm(BuildVmArgs),
}

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

    /// A directory of RPMs to carry along as a repository
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rpms: Option<PathBuf>,

    /// The static preflight that runs the self-check on the master target:
    /// a file, auto (this program, when it is static) or none [default: the
    /// recipe's, or auto]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub self_check_binary: Option<SelfCheckBinaryChoice>,

    /// A file of public keys that those RPMs are signed with; any number,
    /// beside the recipe's rpm_keys
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub rpm_key: Vec<PathBuf>,

    /// Rebuild the image that this delta was made of, from --base; the recipe
    /// and its inputs are in it
    #[arg(long, value_name = "DELTA", value_hint = ValueHint::FilePath, requires = "base",
        conflicts_with_all = ["recipe", "settings", "agent", "allow_unpinned", "rpms", "rpm_key",
        "allow_incomplete"])]
    pub from_delta: Option<PathBuf>,

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

/// How findings are shown.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Format of the report on standard output
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub format: String,

    /// Also write a report to a file; may be repeated
    #[arg(long = "output", value_name = "FORMAT=FILE")]
    pub files: Vec<String>,

    /// Show the verdict and what to do first, and no details
    #[arg(long)]
    pub brief: bool,

    /// Let warnings decide the exit status too
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOnArg>,

    /// The time of the evaluation, for replaying captures [default: now]
    #[arg(long, value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,

    /// Write the commands that fix what failed to a file, to be read and run
    /// by hand; the file itself does nothing when it is run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub fix_script: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOnArg {
    /// Exit 1 when a warning is found
    Warning,
}

#[derive(Debug, Subcommand)]
pub enum CheckVerb {
    /// A finished appliance image, from the file alone
    Image(CheckImageArgs),
    /// A vendor's medium with add-on RPMs: whether the packages resolve
    Packages(Box<CheckPackagesArgs>),
    /// Linux master targets
    Host(Box<CheckHostArgs>),
    /// A vCenter server: its account, and machines and hosts in it
    Vcenter(Box<CheckVcenterArgs>),
    /// ESXi hosts, by their shell, their own API or their vCenter's
    Esxi(Box<CheckEsxiArgs>),
    /// A vault in Azure: its machines, servers, policies and the way home
    Azure(Box<CheckAzureArgs>),
    /// Everything of a site: vCenter, hosts, machines, and what people answer
    Site(Box<CheckSiteArgs>),
}

#[derive(Debug, Args)]
pub struct CheckHostArgs {
    /// ssh://USER@HOST[:PORT], local: (this machine), capture:FILE|DIR, or a
    /// name in --site [default: every master target of --site or --inventory]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Use the newest capture of each host's own self-check (an appliance
    /// runs one at every boot) instead of collecting now
    #[arg(long)]
    pub newest_capture: bool,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub site: SiteArgs,

    #[command(flatten)]
    pub tls: TlsArgs,

    #[command(flatten)]
    pub many: InventoryArgs,

    /// A directory with the site's own checks, evaluated with the others
    #[arg(long = "checks", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub fix: FixArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

/// How long hosts may take.
#[derive(Debug, Args)]
pub struct HostTimeout {
    /// How long one host may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

#[derive(Debug, Subcommand)]
pub enum CollectVerb {
    /// The answers of one host, for check host capture:FILE
    Host(Box<CollectHostArgs>),
    /// The answers of an ESXi host's shell, for check esxi capture:FILE
    Esxi(Box<CollectEsxiArgs>),
    /// The answers of a vCenter server, for check vcenter capture:FILE
    Vcenter(Box<CollectVcenterArgs>),
    /// The answers of Azure about a vault, for check azure FILE
    Azure(Box<CollectAzureArgs>),
    /// The answers of everything of a site, for check site SITE --captures DIR
    Site(Box<CollectSiteArgs>),
    /// The script that would be sent, for review or for a fleet's own engine
    Script(Box<CollectScriptArgs>),
}

#[derive(Debug, Args)]
pub struct CollectHostArgs {
    /// ssh://USER@HOST[:PORT], local: (this machine), or a name in --site
    pub target: String,

    /// Where to write the capture [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Use the newest capture of each host's own self-check (an appliance
    /// runs one at every boot) instead of collecting now
    #[arg(long)]
    pub newest_capture: bool,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub site: SiteArgs,

    /// A directory with the site's own checks, whose probes are run too
    #[arg(long = "checks", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CollectScriptArgs {
    #[command(flatten)]
    pub site: SiteArgs,

    /// Print the PowerShell script for a Windows master target: its output is
    /// the capture: of --site
    #[arg(long, conflicts_with_all = ["own_checks"])]
    pub windows: bool,

    /// A directory with the site's own checks, whose probes are run too
    #[arg(long = "checks", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,
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

    /// The directory of add-on RPMs [default: the recipe's]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rpms: Option<PathBuf>,

    /// A file of public keys that those RPMs are signed with; any number,
    /// beside the recipe's rpm_keys
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub rpm_key: Vec<PathBuf>,

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people
    Text,
    /// For programs
    Json,
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

#[derive(Debug, Subcommand)]
pub enum InitVerb {
    /// A recipe
    Recipe,
    /// A site: servers, master targets, answers, waivers
    Site(Box<InitSiteArgs>),
}

#[derive(Debug, Subcommand)]
pub enum TestVerb {
    /// The examples of the embedded checks, or of those in a directory
    Checks(TestChecksArgs),
}

#[derive(Debug, Args)]
pub struct TestChecksArgs {
    /// A directory of check files to test instead
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}
