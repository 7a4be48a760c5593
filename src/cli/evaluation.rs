//! What came of evaluating systems, before it is a report.
//!
//! Not for evaluating them (`evaluate`, `capture_stream`).

use crate::check::scope::SkippedCheck;
use crate::check::status::FailOn;
use crate::check::waiver::WaiverNote;
use crate::check::{Finding, Target};
use crate::facts::topology::Topology;
use crate::report::Report;

/// What came of evaluating systems.
pub struct Evaluation {
    /// The targets, with their facts and the stages of their machines.
    pub targets: Vec<Target>,
    /// The outcome of every check in scope.
    pub findings: Vec<Finding>,
    /// The checks that were not run.
    pub skipped: Vec<SkippedCheck>,
    /// What is to be said of waivers.
    pub waiver_notes: Vec<WaiverNote>,
    /// What options left out, in sentences.
    pub left_out: Vec<String>,
    /// How the systems of the site hang together; none without a site.
    pub topology: Option<Topology>,
    /// When the systems were asked.
    pub at: jiff::Timestamp,
    /// Whether nothing interrupted the collection.
    pub is_complete: bool,
}

impl Evaluation {
    /// Returns the report of the evaluation.
    pub fn into_report(self, fail_on: FailOn) -> Report {
        let Self { targets, findings, skipped, waiver_notes, left_out, topology, at, is_complete } =
            self;
        let mut report = Report::new(&targets, findings, &skipped, &waiver_notes, at, fail_on);
        report.notes.extend(left_out);
        let report = match topology {
            Some(topology) => report.with_topology(topology),
            None => report,
        };
        if is_complete { report } else { report.interrupted() }
    }
}
