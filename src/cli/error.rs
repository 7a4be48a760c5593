//! Prints why a command could not run: the chain of causes on one line, then a hint.
//!
//! `tests/architecture.rs` checks that every error with a hint is listed here.

use std::error::Error;

use super::answers::AnswerError;
use super::commands::check_packages::PackagesError;
use super::terminal::failure::message;
use crate::agent::AgentError;
use crate::assets::AssetError;
use crate::atomic_file::AtomicFileError;
use crate::boot::BootConfigError;
use crate::check::DefinitionError;
use crate::check::rule_error::RuleError;
use crate::guide::step_set::StepError;
use crate::image::compose::ComposeError;
use crate::image::delta::DeltaError;
use crate::image::menus::MenuError;
use crate::image::payload::PayloadError;
use crate::image::plan::PlanError;
use crate::image::recipe::RecipeError;
use crate::image::resolve::ResolveError;
use crate::image::static_program::StaticProgramError;
use crate::installer::profile::ProfileError;
use crate::installer::service::ServiceError;
use crate::iso::IsoError;
use crate::iso::fat::FatError;
use crate::iso::system_area::SystemAreaError;
use crate::knowledge::search::KnowledgeError;
use crate::knowledge::symptom_set::SymptomError;
use crate::packages::repository::KeyError;
use crate::packages::repository::RepositoryError;
use crate::report::catalogue::UnknownIdError;
use crate::site::inventory::InventoryError;
use crate::site::{AnswerEditError, SiteError, SiteValueError};
use crate::transport::azure::address::VaultAddressError;
use crate::transport::azure::cloud::OriginError;
use crate::transport::azure::export::AzureExportError;
use crate::transport::azure::token::error::TokenError;
use crate::transport::capture::CaptureError;
use crate::transport::http::thumbprint::ThumbprintError;
use crate::transport::target::TargetAddressError;
use crate::transport::vsphere::address::VsphereAddressError;
use crate::transport::vsphere::enable_uuid::EnableUuidError;
use crate::transport::vsphere::error::VsphereError;
use crate::vm::VmError;
use crate::yaml::YamlError;

/// Prints the chain of an error on one line, and a hint below it.
pub fn print_error(error: &anyhow::Error) {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // An error that repeats its source's text adds nothing.
        if causes.last().is_none_or(|last| !last.ends_with(&text)) {
            causes.push(text);
        }
    }
    anstream::eprintln!("preflight: {}", message(&causes.join(": ")));
    if let Some(hint) = error.chain().find_map(hint) {
        anstream::eprintln!("  hint: {}", message(&hint));
    }
}

/// Returns the hint of an error of this crate.
fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    macro_rules! first_hint {
        ($($kind:ty),* $(,)?) => {
            $(if let Some(hint) = error.downcast_ref::<$kind>().and_then(<$kind>::hint) {
                return Some(hint);
            })*
        };
    }
    first_hint!(
        AgentError,
        AnswerEditError,
        AnswerError,
        AssetError,
        AtomicFileError,
        AzureExportError,
        BootConfigError,
        CaptureError,
        ComposeError,
        DefinitionError,
        DeltaError,
        EnableUuidError,
        FatError,
        InventoryError,
        IsoError,
        KeyError,
        KnowledgeError,
        MenuError,
        OriginError,
        UnknownIdError,
        PackagesError,
        PayloadError,
        PlanError,
        ProfileError,
        RecipeError,
        RepositoryError,
        ResolveError,
        RuleError,
        ServiceError,
        SiteError,
        StaticProgramError,
        StepError,
        SymptomError,
        SystemAreaError,
        TargetAddressError,
        ThumbprintError,
        TokenError,
        SiteValueError,
        VaultAddressError,
        VmError,
        VsphereAddressError,
        VsphereError,
        YamlError,
    );
    None
}
