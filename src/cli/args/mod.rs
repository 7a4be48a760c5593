//! The command line for clap: verbs, options, help texts.
//!
//! Not for what the verbs do (`commands`).

mod answer;
mod azure;
mod delta;
mod diff;
mod esxi;
mod fix;
mod guide;
mod host;
mod image;
mod init;
mod knowledge;
mod list;
mod mask;
mod report;
mod schema;
mod select;
mod site;
mod ssh;
mod via;
mod vm;
mod vsphere;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

use crate::assets::Assets;

pub use answer::AnswerArgs;
pub use azure::{AzureArgs, CheckAzureArgs, CollectAzureArgs};
pub use delta::BuildDeltaArgs;
pub use diff::DiffArgs;
pub use esxi::{CheckEsxiArgs, CollectEsxiArgs, MachineArgs};
pub use fix::FixArgs;
pub use guide::GuideArgs;
pub use host::{CheckHostArgs, CollectHostArgs, CollectScriptArgs};
pub use image::{
    AddedPackageArgs, BuildImageArgs, CheckImageArgs, CheckPackagesArgs, InspectArgs, InspectVerb,
    LintKickstartArgs, LintStyleArg, LintVerb, RecipeArgs, RenderKickstartArgs, RenderVerb,
};
pub use init::InitSiteArgs;
pub use knowledge::{ExplainArgs, SearchArgs, TroubleshootArgs};
pub use list::{ListArgs, ListSubject, QuestionArgs};
pub use mask::MaskArgs;
pub use report::{FailOnArg, ReportArgs, TextOrJson};
pub use schema::{SchemaArgs, WrittenFileArg};
pub use select::SelectArgs;
pub use site::{CheckSiteArgs, CollectSiteArgs, InventoryArgs, SiteAccessArgs, SiteArgs};
pub use ssh::{HostTimeout, SshArgs, SshClientArgs};
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

    /// Use colours and links in texts for people: where a terminal has them,
    /// always, or never
    #[arg(long, global = true, value_name = "WHEN", default_value_t)]
    color: clap::ColorChoice,
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
    /// Compare two reports or captures: new, gone, still failing since when
    Diff(DiffArgs),
    /// Take names, addresses and ids out of a capture or a report
    Mask(MaskArgs),
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
    /// Print the JSON schema of a kind of file, for an editor
    Schema(SchemaArgs),
    /// Print the completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write all of them
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, read once")]
pub enum BuildVerb {
    /// An unattended installer of the master target
    Image(Box<BuildImageArgs>),
    /// A few MB that rebuild an image from the vendor's medium
    Delta(BuildDeltaArgs),
    /// The descriptors of its virtual machine: .vmx and .ovf
    Vm(BuildVmArgs),
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
pub struct ManArgs {
    /// The command whose page is printed, such as check host [default: the
    /// program's own]
    #[arg(value_name = "COMMAND", conflicts_with = "all")]
    pub command: Vec<String>,

    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub all: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TestChecksArgs {
    /// A directory of check files to test instead
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}
