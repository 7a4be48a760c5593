//! Checks, symptoms and steps as one body that can be searched: `troubleshoot`, `search`, `explain`.
//!
//! A document is one of them. A text is answered by exact evidence first (an id, an error code, a message that is
//! quoted, the signature of a line), then by ranking. Not for evaluating checks (`check`).

pub mod candidate;
mod confidence;
pub mod diagnosis;
pub mod document;
mod exact;
mod fitting;
mod literals;
mod ranking;
mod scored;
pub mod search;
pub mod symptom;
pub mod symptom_set;
mod terms;

pub use search::Knowledge;
pub use symptom_set::SymptomSet;
