//! Evaluates captures of hosts one after the other: of thousands no more is held than what is said of them.
//!
//! Every capture is read twice: first for what hosts have to do with each other, then for its facts, which are dropped when they
//! are evaluated. Not for captures of a site, whose facts are joined (`evaluate`).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::slice;

use anyhow::Context;

use super::collect::{CollectOptions, Role, at};
use super::evaluation::Evaluation;
use super::hosts::Host;
use super::selection::Selection;
use super::terminal::failure;
use crate::check::engine::{self, Run};
use crate::check::scope::Scope;
use crate::check::{CheckSet, Provider};
use crate::facts::probe::Probe;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{ProbeAnswers, Transcript};
use crate::site::assemble::Coverage;
use crate::site::lone_hosts::HostSurvey;
use crate::transport::capture::{self, CaptureFile};
use crate::transport::fleet;
use crate::uri::target::TargetAddress;

/// Who answers in a run of captures without a site.
const HOST_PROVIDERS: [Provider; 6] = [
    Provider::MasterTarget,
    Provider::WindowsMasterTarget,
    Provider::ProcessServer,
    Provider::ReturnedMachine,
    Provider::CustomProbes,
    Provider::Record,
];

/// The captures of a run, and what they are held against.
pub struct CaptureStream {
    captures: Vec<(CaptureFile, Role)>,
}

impl CaptureStream {
    /// Finds the captures that a selection names; none where one is no capture, or where all must be known before one is
    /// evaluated.
    ///
    /// # Errors
    ///
    /// Fails as reading them does.
    pub fn find(
        selection: &Selection,
        checks: &CheckSet,
        options: &CollectOptions<'_>,
    ) -> anyhow::Result<Option<Self>> {
        let is_fixed = options.fix.is_some_and(|fix| fix.fix);
        if selection.coverage != Coverage::HostsAlone || is_fixed || decides_by_gates(checks) {
            return Ok(None);
        }
        let paths: Option<Vec<(&Host, PathBuf)>> =
            selection.hosts.iter().map(captures_of).collect();
        let Some(paths) = paths.filter(|paths| paths.iter().any(|(_, path)| path.is_dir())) else {
            return Ok(None);
        };
        let mut captures = Vec::new();
        for (host, path) in paths {
            let probes: Vec<Probe> = [host.probes(), checks.probes()].concat();
            for file in capture::find(&path).with_context(|| format!("target {}", host.name))? {
                let (env, probes) = (host.env.clone(), probes.clone());
                captures.push((file, Role::Host { env, probes, is_self_check: false }));
            }
        }
        let places: BTreeSet<(&str, TargetKind)> =
            captures.iter().map(|(file, _)| (file.target.as_str(), file.kind)).collect();
        let is_unique = places.len() == captures.len();
        // Machines that have returned stand behind the hosts.
        captures.sort_by_key(|(file, _)| file.kind == TargetKind::ProtectedVm);
        Ok(is_unique.then_some(Self { captures }))
    }

    /// Evaluates the captures.
    pub fn evaluate(
        &self,
        selection: &Selection,
        checks: &CheckSet,
        options: &CollectOptions<'_>,
        now: jiff::Timestamp,
    ) -> anyhow::Result<Evaluation> {
        let collected = options.now.unwrap_or_else(jiff::Timestamp::now);
        let read = |(file, role): &(CaptureFile, Role)| -> anyhow::Result<Transcript> {
            Ok(at(file.read()?, role, collected))
        };
        let mut survey = HostSurvey::new(&selection.site);
        let (mut asked_at, mut failed) = (None, Vec::new());
        for capture in &self.captures {
            let transcript = read(capture)?;
            survey.add(&transcript, checks)?;
            asked_at = asked_at.max(transcript.asked_at);
            if transcript.connection.failure.is_some() {
                failed.push(Transcript { answers: ProbeAnswers::default(), ..transcript });
            }
        }
        failure::print_failures(&failed);
        let hosts = survey.finish();
        let waivers = &selection.site.waivers;
        let mut run = Run::new(checks, waivers, now);
        let (mut targets, mut skipped) = (Vec::new(), Vec::new());
        let (mut planned, mut left_out) = (0, 0);
        for capture in &self.captures {
            let target = hosts.target(&read(capture)?, checks)?;
            let alone = slice::from_ref(&target);
            let all = Scope::new(checks, alone);
            let before = all.planned.len();
            let scope = all.selected(checks, alone, &selection.choice);
            run.add(&target, scope.planned.iter().map(|&(_, index)| index));
            skipped.extend(run.share_skipped(scope.skipped));
            planned += before;
            left_out += before - scope.planned.len();
            targets.push(target.without_facts());
        }
        let findings = run.finish(&targets);
        Ok(Evaluation {
            waiver_notes: engine::waiver_notes(waivers, &findings, now),
            left_out: selection.left_out_notes(left_out, planned, &targets),
            topology: None,
            skipped,
            findings,
            targets,
            at: asked_at.unwrap_or(now),
            is_complete: !failed.iter().any(fleet::was_interrupted),
        })
    }
}

fn captures_of(host: &Host) -> Option<(&Host, PathBuf)> {
    match &host.address {
        Some(TargetAddress::Captures(path)) => Some((host, path.clone())),
        _ => None,
    }
}

/// Whether a check that hosts alone decide ends the cases of others: then all must be known first.
fn decides_by_gates(checks: &CheckSet) -> bool {
    let hosts = BTreeSet::from(HOST_PROVIDERS);
    checks.checks().iter().any(|check| check.gate && check.missing_providers(&hosts).is_empty())
}
