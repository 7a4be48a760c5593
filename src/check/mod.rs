//! Facts into findings: what must hold, decided purely and totally.
//!
//! Not for collecting facts (`transport`, `image`), nor for showing findings (`report`).

mod answer;
pub mod custom;
pub mod definition;
pub mod diagnosis;
pub mod engine;
mod entry;
pub mod example;
pub mod fault;
pub mod finding;
pub mod found;
mod held;
pub mod matching;
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
pub mod symptom;
pub mod symptom_set;
mod typing;
mod verdict;
pub mod version;
pub mod waiver;
mod wording;

pub use definition::CheckSet;
pub use engine::{Finding, Outcome, judge};
pub use model::{Check, Remedy, Severity, TargetKind};
pub use provider::Provider;
pub use refusal::DefinitionError;
pub use scope::{NotAsked, Target};
pub use symptom_set::SymptomSet;
pub use waiver::Waiver;
