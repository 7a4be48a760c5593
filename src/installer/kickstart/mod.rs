//! Kickstarts: what one must say, rendered, read back, verified, linted and turned into facts.
//!
//! Not for where a kickstart is put on a medium nor for the boot argument that names it
//! (`boot`).

pub mod command;
mod disks;
pub mod facts;
mod first_boot;
pub mod lint;
pub mod model;
pub mod options;
pub mod parse;
pub mod render;
mod script;
pub mod verify;
pub mod words;

pub use facts::facts;
pub use lint::{LintFinding, LintSeverity, LintStyle, lint};
pub use model::{Carrier, Kickstart, Placement, RootAccess};
pub use parse::parse;
pub use render::render;
pub use verify::verify;
