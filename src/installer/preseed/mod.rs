//! Preseeds: the answers that debian-installer gets, rendered, read back, verified, linted and
//! turned into facts.
//!
//! Not for how they reach the installer (`image::menus`). What is needed to run is in scripts
//! beside the answers: no value of a recipe stands in an answer that a shell reads.

pub mod answer;
pub mod cpio;
pub mod facts;
pub mod lint;
pub mod model;
pub mod parse;
pub mod partitions;
pub mod pool;
pub mod render;

pub use answer::{AnswerKind, PreseedAnswer};
pub use facts::facts;
pub use lint::lint;
pub use model::Preseed;
pub use render::render;
