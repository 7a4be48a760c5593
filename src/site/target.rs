//! Makes targets of the transcript of one system: a host's shell, a vSphere server, an ESXi host's
//! shell.
//!
//! Not for a whole site, where the transcripts of several systems are joined (`assemble`).

use super::model::Site;
use crate::check::{CheckSet, Target};
use crate::facts::host::HostFacts;
use crate::facts::returned::ReturnedFacts;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Transcript};
use crate::facts::vsphere::esxi_host::EsxiFacts;
use crate::facts::vsphere::esxi_shell;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::facts::vsphere::snapshot::VsphereSnapshot;
use crate::facts::windows::WindowsFacts;
use crate::facts::windows::retention::DEFAULT_DRIVE;
use crate::facts::{Document, Fact, age};

/// A transcript of a system of another kind than was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{target}: this is a capture of kind {:?}, but check host takes linux-mt, windows-mt, process-server and protected-vm",
    .kind.as_str()
)]
pub struct WrongKindError {
    /// The system.
    pub target: String,
    /// Its kind.
    pub kind: TargetKind,
}

/// Returns the targets of one vSphere server, from its API or its shell.
pub fn named_targets(transcript: &Transcript, question: &QueryScope) -> Vec<Target> {
    let is_esxi = transcript.kind == TargetKind::Esxi;
    if is_esxi && transcript.connection.by != CollectedBy::Vsphere {
        shell_targets(transcript, question)
    } else {
        server_targets(transcript, question)
    }
}

/// Returns a host as a target, joined with the facts of the site when there is one.
///
/// # Errors
///
/// Fails for the transcript of a system that is no host.
pub fn host_target(
    transcript: &Transcript,
    checks: &CheckSet,
    site: Option<&Site>,
) -> Result<Target, WrongKindError> {
    let name = transcript.target.clone();
    let facts = match transcript.kind {
        TargetKind::LinuxMt => Document::new("mt", &HostFacts::from_transcript(transcript)),
        TargetKind::WindowsMt => {
            let planned = site.and_then(|site| site.master_target(&name)?.retention.as_deref());
            let planned = planned.unwrap_or(DEFAULT_DRIVE);
            Document::new("wmt", &WindowsFacts::from_transcript(transcript, planned))
        }
        TargetKind::ProcessServer => Document::new("ps", &HostFacts::from_transcript(transcript)),
        TargetKind::ProtectedVm => {
            Document::new("guest", &ReturnedFacts::from_transcript(transcript))
        }
        other => return Err(WrongKindError { target: name, kind: other }),
    };
    let mut document = with_failure_reason(facts, transcript);
    if let Some(site) = site {
        document = document.join(site.document(&name));
    }
    let document =
        document.join(checks.custom_facts(transcript)).join(age::evidence_document(transcript));
    Ok(Target::new(name, transcript.kind, document))
}

/// Returns the document with the reason of a failed connection for facts that are missing.
pub fn with_failure_reason(document: Document, transcript: &Transcript) -> Document {
    match &transcript.connection.failure {
        Some(failure) if !transcript.answers.ended => {
            document.explain_incomplete_lists(&failure.summary())
        }
        _ => document,
    }
}

/// Returns the targets of one vSphere server: itself, the master target and its host, and the
/// machines that are to fail back.
///
/// The machines in `question` take precedence over those in the transcript; facts that were not
/// collected are unknown.
pub fn server_targets(transcript: &Transcript, question: &QueryScope) -> Vec<Target> {
    let mut snapshot = VsphereSnapshot::from_transcript(transcript);
    snapshot.scope = question.or_recorded(&snapshot.scope);
    let mut targets = if transcript.kind == TargetKind::Esxi {
        esxi_targets(transcript, &snapshot)
    } else {
        vec![Target::new(
            transcript.target.clone(),
            TargetKind::Vcenter,
            Document::new("vcenter", &snapshot.vcenter(true)),
        )]
    };
    targets.extend(machine_targets(transcript, &snapshot));
    with_age(targets, transcript)
}

/// Returns the targets, each with the age of the transcript.
fn with_age(targets: Vec<Target>, transcript: &Transcript) -> Vec<Target> {
    let aged = |target: Target| Target {
        document: target.document.join(age::evidence_document(transcript)),
        ..target
    };
    targets.into_iter().map(aged).collect()
}

/// Returns the master target, its host, and the machines that are to fail back.
fn machine_targets(transcript: &Transcript, snapshot: &VsphereSnapshot<'_>) -> Vec<Target> {
    let question = &snapshot.scope;
    let mut targets = Vec::new();
    let server = || Document::new("vcenter", &snapshot.vcenter(false));
    if let Some(name) = &question.master_target {
        let host = Fact::from(snapshot.host_of(name));
        targets.push(Target::new(
            name.clone(),
            TargetKind::LinuxMt,
            Document::new("vm", &snapshot.master_target(name))
                .join(Document::new("host", &host))
                .join(server()),
        ));
        let name = match &host {
            Fact::Known(host) => host.name.clone(),
            Fact::Unavailable(_) => format!("the host of {name}"),
        };
        // The targets of an ESXi transcript contain the host already.
        if transcript.kind != TargetKind::Esxi {
            let vcenter = Document::new("vcenter", &snapshot.vcenter_of_host(&host));
            targets.push(esxi_target(name, &host, vcenter));
        }
    }
    for name in &question.protected {
        targets.push(Target::new(
            name.clone(),
            TargetKind::ProtectedVm,
            Document::new("vm", &snapshot.protected(name)).join(server()),
        ));
    }
    targets
}

/// Returns the hosts in a transcript of an ESXi host's own API, or of a vCenter server that was
/// asked about its hosts. A host that could not be reached is a target, too.
fn esxi_targets(transcript: &Transcript, snapshot: &VsphereSnapshot<'_>) -> Vec<Target> {
    let vcenter = snapshot.vcenter(true);
    if vcenter.is_vcenter == Fact::Known(true) {
        let hosts = snapshot.hosts().into_iter().map(|host| {
            let (name, host) = (host.name.clone(), Fact::Known(host));
            let vcenter = Document::new("vcenter", &snapshot.vcenter_of_host(&host));
            esxi_target(name, &host, vcenter)
        });
        return hosts.collect();
    }
    let host = match (snapshot.hosts().into_iter().next(), &transcript.connection.failure) {
        (Some(host), _) => Fact::Known(host),
        (None, Some(failure)) => Fact::unavailable(failure.summary()),
        (None, None) => Fact::unavailable("no host is visible to the account"),
    };
    // A single host keeps the name that the user gave; its own name is often localhost.
    vec![esxi_target(transcript.target.clone(), &host, Document::new("vcenter", &vcenter))]
}

fn esxi_target(name: String, host: &Fact<EsxiFacts>, vcenter: Document) -> Target {
    let document = Document::new("host", host).join(vcenter);
    Target::new(name, TargetKind::Esxi, document)
}

/// Returns the targets of one ESXi host's shell: the host, the master target's machine and those
/// that are to fail back. The machines in `question` take precedence over those in the transcript.
pub fn shell_targets(transcript: &Transcript, question: &QueryScope) -> Vec<Target> {
    let snapshot = esxi_shell::snapshot(transcript, question);
    let question = &snapshot.scope;
    let host = shell_host(transcript, &snapshot);
    let vcenter = || Document::new("vcenter", &snapshot.vcenter_of_host(&host));
    let machine = |name: &String, kind, document: Document| {
        Target::new(name.clone(), kind, document.join(vcenter()))
    };
    let shell = Document::new("shell", &esxi_shell::from_transcript(transcript));
    let host = shell.join(Document::new("host", &host));
    let mut targets = vec![machine(&transcript.target, TargetKind::Esxi, host)];
    targets.extend(question.master_target.iter().map(|name| {
        let facts = Document::new("vm", &snapshot.master_target(name));
        machine(name, TargetKind::LinuxMt, facts)
    }));
    targets.extend(question.protected.iter().map(|name| {
        let facts = Document::new("vm", &snapshot.protected(name));
        machine(name, TargetKind::ProtectedVm, facts)
    }));
    with_age(targets, transcript)
}

/// Returns the facts of an ESXi host from its own shell.
pub fn shell_host(transcript: &Transcript, snapshot: &VsphereSnapshot<'_>) -> Fact<EsxiFacts> {
    match (&transcript.connection.failure, snapshot.hosts().into_iter().next()) {
        (Some(failure), _) if transcript.answers.by_probe.is_empty() => {
            Fact::unavailable(failure.summary())
        }
        (_, Some(host)) => Fact::Known(host),
        (_, None) => Fact::unavailable("the host reported nothing about itself"),
    }
}
