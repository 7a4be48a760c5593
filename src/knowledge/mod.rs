//! What is known about failures, as one searchable body: symptoms, what they come from, and which
//! of them a text describes.
//!
//! Not for evaluating checks (`check`), nor for showing what was found (`report`).

pub mod diagnosis;
pub mod matching;
pub mod symptom;
pub mod symptom_set;
mod tokenizer;

pub use symptom_set::SymptomSet;
