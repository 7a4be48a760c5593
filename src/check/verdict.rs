//! What the rules of one check say about one target, before prerequisites and waivers.
//!
//! Not for what a finding becomes of it: that is `engine`'s.

use super::unknown::{Unknown, UnknownCause};

/// What the rules of one check say about one target, before prerequisites and waivers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CheckVerdict {
    Pass,
    Warn,
    Fail,
    Unknown {
        unknown: Unknown,
        /// Whether only the grade of a pass is unknown.
        graded: bool,
    },
    NotApplicable {
        why: String,
        /// Whether a prerequisite fails, which the report shows as such; otherwise the check has no
        /// meaning here, which says nothing about checks that require it.
        by_failure: bool,
    },
}

impl CheckVerdict {
    /// The verdict of a rule that was neither true nor false; `graded` when it is the one that
    /// grades a pass.
    pub(super) fn from_cause(cause: UnknownCause, graded: bool) -> Self {
        Self::Unknown { unknown: cause.into(), graded }
    }
}
