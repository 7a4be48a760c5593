//! The terminal: prompts, progress, errors, and text that is safe to print.
//!
//! Not for reports: `report` renders those.

pub mod failure;
pub mod progress;
pub mod prompt;
pub mod screen;
