//! Facts into findings: what must hold, decided purely and totally.
//!
//! Not for collecting facts (`transport`, `image`), nor for showing findings (`report`).

pub mod definition;
pub mod engine;
pub mod example;
pub mod found;
pub mod rule;
pub mod schema;
pub mod source;
pub mod status;
mod typing;
pub mod version;
pub mod waiver;

pub use definition::{Check, CheckSet, DefinitionError, Remedy, Severity, TargetKind};
pub use engine::{Finding, Outcome, Target, judge};
pub use waiver::Waiver;
