//! Facts to findings: check definitions and their evaluation. Pure and total.
//!
//! Not for collecting facts (`transport`, `image`), nor for showing findings (`report`).

pub mod answer;
pub mod custom;
pub mod definition;
pub mod disturbance;
pub mod engine;
mod entry;
mod entry_examples;
pub mod error;
mod evaluator;
pub mod evidence;
pub mod example;
pub mod fact_context;
pub mod finding;
mod finding_index;
mod found;
pub mod gate;
mod hold;
pub mod message;
pub mod model;
mod moot;
pub mod order;
mod pending_fixes;
pub mod provider;
pub mod question;
pub mod recognition;
mod remedy;
pub mod rule;
pub mod rule_error;
pub mod schema;
pub mod scope;
pub mod severity;
mod shared;
pub mod source;
pub mod status;
mod steps;
mod told_of_server;
mod typing;
pub mod unknown;
mod verdict;
pub mod version;
pub mod waiver;
pub mod window;

pub use definition::CheckSet;
pub use engine::{Finding, Outcome, evaluate};
pub use entry::parse_asset;
#[cfg(test)]
pub(crate) use entry::tests::GOOD;
pub use error::DefinitionError;
pub use model::{Check, Remedy, Severity};
pub use provider::Provider;
pub use scope::{SkippedCheck, Target};
pub use waiver::Waiver;
pub use window::TargetStages;
