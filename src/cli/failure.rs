//! Printing why a command could not run: one thought, then a hint.

use std::error::Error;

use super::packages::PackagesError;
use crate::assets::AssetError;
use crate::check::DefinitionError;
use crate::check::symptom_set::SymptomError;
use crate::image::agent::AgentError;
use crate::image::compose::ComposeError;
use crate::image::delta::DeltaError;
use crate::image::iso::IsoError;
use crate::image::payload::PayloadError;
use crate::image::plan::PlanError;
use crate::image::profile::ProfileError;
use crate::image::recipe::RecipeError;
use crate::image::replacement::ReplacementError;
use crate::image::repository::RepositoryError;
use crate::image::system::SystemError;
use crate::image::vm::VmError;
use crate::report::catalogue::NoSuchCheck;
use crate::site::inventory::InventoryError;
use crate::site::{SiteError, ValueError};
use crate::transport::capture::CaptureError;
use crate::transport::target::TargetError;
use crate::transport::vsphere::address::AddressError;
use crate::transport::vsphere::failure::VsphereError;
use crate::transport::vsphere::thumbprint::ThumbprintError;
use crate::yaml::YamlError;

/// Prints the chain of an error on one line, and below it what to do.
pub fn show(error: &anyhow::Error) {
    let mut thought: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // An error that repeats its source's text adds nothing.
        if thought.last().is_none_or(|last| !last.ends_with(&text)) {
            thought.push(text);
        }
    }
    anstream::eprintln!("preflight: {}", super::screen::printable(&thought.join(": ")));
    if let Some(hint) = error.chain().find_map(hint) {
        anstream::eprintln!("  hint: {}", super::screen::printable(&hint));
    }
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
        AddressError,
        AgentError,
        AssetError,
        CaptureError,
        ComposeError,
        DefinitionError,
        DeltaError,
        InventoryError,
        IsoError,
        NoSuchCheck,
        PackagesError,
        PayloadError,
        PlanError,
        ProfileError,
        RecipeError,
        ReplacementError,
        RepositoryError,
        SiteError,
        SymptomError,
        SystemError,
        ThumbprintError,
        VmError,
        VsphereError,
        TargetError,
        ValueError,
        YamlError,
    );
    None
}
