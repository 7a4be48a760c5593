//! How bad a failure is.
//!
//! Not for what a failure means for the exit status (`status`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a failure of a check blocks.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// Data may be lost.
    DataLoss,
    /// Reprotect will fail, or what is needed for it.
    BlocksReprotect,
    /// Failback will fail.
    BlocksFailback,
    /// Worth fixing, although nothing fails because of it alone.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// Whether a failure must be fixed before going on.
    pub fn is_blocker(self) -> bool {
        self < Self::Warning
    }

    /// Returns the name in definitions and reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
