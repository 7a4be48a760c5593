//! The way home, step by step: what is done, what to do now, what must never be done, what to look at afterwards.
//!
//! The steps are data (`checks/steps/*.yaml`); which of them is next follows from the stage of a machine and from the findings of
//! an evaluation. Pure. Not for what must hold (`check`), nor for how a guide is shown (`report::guide`).

pub mod circumstances;
pub mod model;
mod open;
pub mod plan;
pub mod progress;
pub mod step;
pub mod step_set;
#[cfg(test)]
mod tests;

pub use circumstances::Circumstances;
pub use model::Guide;
pub use plan::{GuideRequest, plan};
pub use step_set::StepSet;
