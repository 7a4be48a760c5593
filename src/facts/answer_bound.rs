//! How much of one answer counts, whoever gave it and whichever way it came.
//!
//! Not for what becomes of a longer one: `transcript` says that nothing is known by it.

use super::probe::ProbeName;
use super::target_kind::TargetKind;

/// The most bytes of one probe's answer that count: the largest of a good host has a few KiB, and
/// parsers and reports take memory and time by what an answer has.
pub const MAX_ANSWER: usize = 256 * 1024;

/// The most bytes of one answer that holds a whole capture, or that a vSphere server gave: those
/// have a bound of their own on the way, and are read by parsers made for their size.
const MAX_WHOLE_ANSWER: usize = 64 * 1024 * 1024;

/// The name of the probe whose answer is a capture, with answers of its own inside.
pub const NEWEST_CAPTURE: ProbeName = ProbeName::new("newest-capture");

/// The most bytes of the answer to one probe that count, of a system of a kind.
pub fn longest_answer(kind: TargetKind, probe: &str) -> usize {
    match kind {
        TargetKind::Vcenter => MAX_WHOLE_ANSWER,
        _ if probe == NEWEST_CAPTURE.as_str() => MAX_WHOLE_ANSWER,
        _ => MAX_ANSWER,
    }
}
