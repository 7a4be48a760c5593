//! Facts into findings: what must hold, decided purely and totally.
//!
//! Not for collecting facts (`transport`, `image`), nor for showing findings (`report`).

mod answer;
pub mod custom;
pub mod definition;
pub mod engine;
mod entry;
pub mod example;
pub mod fault;
pub mod finding;
pub mod found;
mod held;
pub mod model;
pub mod order;
pub mod provider;
pub mod refusal;
mod remedy;
pub mod rule;
pub mod schema;
pub mod scope;
pub mod source;
pub mod status;
mod steps;
pub mod subject;
mod typing;
mod verdict;
pub mod version;
pub mod waiver;

pub use definition::CheckSet;
pub use engine::{Finding, Outcome, judge};
#[cfg(test)]
pub(crate) use entry::tests::GOOD;
pub use model::{Check, Remedy, Severity, TargetKind};
pub use provider::Provider;
pub use refusal::DefinitionError;
pub use scope::{NotAsked, Target};
pub use waiver::Waiver;
