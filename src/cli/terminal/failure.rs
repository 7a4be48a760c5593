//! Printing why a command could not run: one thought, then a hint.

use std::error::Error;

use crate::agent::AgentError;
use crate::assets::AssetError;
use crate::atomic_file::AtomicFileError;
use crate::check::DefinitionError;
use crate::cli::commands::check_packages::PackagesError;
use crate::facts::transcript::Transcript;
use crate::image::compose::ComposeError;
use crate::image::delta::DeltaError;
use crate::image::payload::PayloadError;
use crate::image::plan::PlanError;
use crate::image::recipe::RecipeError;
use crate::image::resolve::ResolveError;
use crate::installer::profile::ProfileError;
use crate::iso::IsoError;
use crate::knowledge::symptom_set::SymptomError;
use crate::packages::repository::RepositoryError;
use crate::report::catalogue::UnknownIdError;
use crate::secret::redact_message;
use crate::site::inventory::InventoryError;
use crate::site::{SiteError, ValueError};
use crate::transport::capture::CaptureError;
use crate::transport::fleet;
use crate::transport::http::thumbprint::ThumbprintError;
use crate::transport::target::TargetAddressError;
use crate::transport::vsphere::address::VsphereAddressError;
use crate::transport::vsphere::error::VsphereError;
use crate::vm::VmError;
use crate::yaml::YamlError;

/// Prints the chain of an error on one line, and below it what to do.
pub fn print_error(error: &anyhow::Error) {
    let mut thought: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // An error that repeats its source's text adds nothing.
        if thought.last().is_none_or(|last| !last.ends_with(&text)) {
            thought.push(text);
        }
    }
    anstream::eprintln!("preflight: {}", message(&thought.join(": ")));
    if let Some(hint) = error.chain().find_map(hint) {
        anstream::eprintln!("  hint: {}", message(&hint));
    }
}

/// How many systems that could not be asked are told one by one.
const MAX_PRINTED: usize = 5;

/// Says which systems could not be asked, why, and what to do about it: the findings say what is
/// unknown for it.
pub fn print_failures<'t>(transcripts: impl IntoIterator<Item = &'t Transcript>) {
    let silent = transcripts.into_iter().filter(|it| !fleet::was_interrupted(it));
    let mut silent = silent.filter_map(|it| Some((&it.target, it.connection.failure.as_ref()?)));
    for (target, failure) in silent.by_ref().take(MAX_PRINTED) {
        anstream::eprintln!("preflight: {}", message(&format!("{target}: {}", failure.reason)));
        if let Some(hint) = &failure.hint {
            anstream::eprintln!("  hint: {}", message(hint));
        }
    }
    match silent.count() {
        0 => {}
        more => anstream::eprintln!("preflight: {more} more could not be asked, see the report"),
    }
}

/// A text for a person: whatever an error quotes, a password in an address is not shown.
fn message(text: &str) -> String {
    crate::cli::terminal::screen::printable(&redact_message(text))
}

/// The hint of any error of ours.
fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    macro_rules! ask {
        ($($kind:ty),* $(,)?) => {
            $(if let Some(hint) = error.downcast_ref::<$kind>().and_then(<$kind>::hint) {
                return Some(hint);
            })*
        };
    }
    ask!(
        VsphereAddressError,
        AgentError,
        AssetError,
        CaptureError,
        ComposeError,
        DefinitionError,
        DeltaError,
        InventoryError,
        IsoError,
        UnknownIdError,
        PackagesError,
        PayloadError,
        PlanError,
        ProfileError,
        RecipeError,
        AtomicFileError,
        RepositoryError,
        SiteError,
        SymptomError,
        ResolveError,
        ThumbprintError,
        VmError,
        VsphereError,
        TargetAddressError,
        ValueError,
        YamlError,
    );
    None
}
