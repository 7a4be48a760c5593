//! The answers of one system as targets: a host by its shell, a vSphere server, an ESXi host by its
//! shell.
//!
//! Not for a whole site, where what several systems answer is joined: that is `whole`.

use super::assemble::with_failure_reason;
use super::model::Site;
use crate::check::{CheckSet, Target, TargetKind};
use crate::facts::host::HostFacts;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::esxi_host::EsxiFacts;
use crate::facts::vsphere::esxi_shell::{self, in_words_of_the_api};
use crate::facts::vsphere::query_scope::QueryScope;
use crate::facts::vsphere::snapshot::VsphereSnapshot;
use crate::facts::{Document, Fact, age};

/// A transcript of a system of another kind than was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target}: a capture of kind {kind:?}, and check host judges linux-mt and process-server")]
pub struct WrongKindError {
    /// The system.
    pub target: String,
    /// What it is.
    pub kind: String,
}

/// One host with everything that is known about it; the site's word is joined in where there is
/// one.
///
/// # Errors
///
/// Fails for a transcript of something that is no Linux host.
pub fn of_host(
    transcript: &Transcript,
    checks: &CheckSet,
    site: Option<&Site>,
) -> Result<Target, WrongKindError> {
    let name = transcript.target.clone();
    let (kind, root) = match transcript.kind.as_str() {
        "linux-mt" => (TargetKind::LinuxMt, "mt"),
        "process-server" => (TargetKind::ProcessServer, "ps"),
        other => return Err(WrongKindError { target: name, kind: other.to_owned() }),
    };
    let facts = HostFacts::from_transcript(transcript);
    let document = match site {
        Some(site) => {
            with_failure_reason(Document::new(root, &facts), transcript).join(site.document(&name))
        }
        None => with_failure_reason(Document::new(root, &facts), transcript),
    };
    let document =
        document.join(checks.custom_facts(transcript)).join(age::evidence_document(transcript));
    Ok(Target { name, kind, document })
}

/// What is judged by one server's answers: itself, the master target and its host, and the
/// machines that are to fail back.
pub fn of_server(transcript: &Transcript) -> Vec<Target> {
    of_server_about(transcript, &QueryScope::default())
}

/// The same for what is named now, which stands before what was named when the server was asked:
/// what it was not asked about is unknown.
pub fn of_server_about(transcript: &Transcript, now: &QueryScope) -> Vec<Target> {
    let mut survey = VsphereSnapshot::from_transcript(transcript);
    survey.scope = now.or_recorded(&survey.scope);
    let mut targets = match transcript.kind == TargetKind::Esxi.as_str() {
        true => esxi_targets(transcript, &survey),
        false => vec![Target {
            name: transcript.target.clone(),
            kind: TargetKind::Vcenter,
            document: Document::new("vcenter", &survey.vcenter(true)),
        }],
    };
    targets.extend(machines_of(transcript, &survey));
    targets
        .into_iter()
        .map(|target| Target {
            document: target.document.join(age::evidence_document(transcript)),
            ..target
        })
        .collect()
}

/// The master target, its host, and the machines that are to fail back.
fn machines_of(transcript: &Transcript, survey: &VsphereSnapshot<'_>) -> Vec<Target> {
    let question = &survey.scope;
    let mut targets = Vec::new();
    let beside = || Document::new("vcenter", &survey.vcenter(false));
    if let Some(name) = &question.master_target {
        let host = survey.host_of(name);
        targets.push(Target {
            name: name.clone(),
            kind: TargetKind::LinuxMt,
            document: Document::new("vm", &survey.master_target(name))
                .join(Document::new("host", &host))
                .join(beside()),
        });
        let name = match &host {
            Fact::Known(host) => host.name.clone(),
            Fact::Unavailable(_) => format!("the host of {name}"),
        };
        // Where hosts are the targets, it is one of them.
        if transcript.kind != TargetKind::Esxi.as_str() {
            let vcenter = Document::new("vcenter", &survey.vcenter_of_host(&host));
            targets.push(esxi(name, &host, vcenter));
        }
    }
    for name in &question.protected {
        targets.push(Target {
            name: name.clone(),
            kind: TargetKind::ProtectedVm,
            document: Document::new("vm", &survey.protected(name)).join(beside()),
        });
    }
    targets
}

/// The hosts that an ESXi host's own API, or a vCenter server asked about its hosts, tells of. A
/// host that could not be asked is a target, too.
fn esxi_targets(transcript: &Transcript, survey: &VsphereSnapshot<'_>) -> Vec<Target> {
    let vcenter = survey.vcenter(true);
    if vcenter.is_vcenter == Fact::Known(true) {
        let hosts = survey.hosts().into_iter().map(|host| {
            let (name, host) = (host.name.clone(), Fact::Known(host));
            let vcenter = Document::new("vcenter", &survey.vcenter_of_host(&host));
            esxi(name, &host, vcenter)
        });
        return hosts.collect();
    }
    let host = match (survey.hosts().into_iter().next(), &transcript.connection.failure) {
        (Some(host), _) => Fact::Known(host),
        (None, Some(failure)) => Fact::unavailable(failure.summary()),
        (None, None) => Fact::unavailable("no host is visible to the account"),
    };
    // A host alone is called what the user calls it; its own name is often localhost.
    vec![esxi(transcript.target.clone(), &host, Document::new("vcenter", &vcenter))]
}

fn esxi(name: String, host: &Fact<EsxiFacts>, vcenter: Document) -> Target {
    let document = Document::new("host", host).join(vcenter);
    Target { name, kind: TargetKind::Esxi, document }
}

/// What is judged by the answers of one host's shell: itself, the master target's machine and
/// those that are to fail back. Machines that are named now stand before those that were named
/// when the host was asked.
pub fn of_esxi_shell(transcript: &Transcript, now: &QueryScope) -> Vec<Target> {
    let api = in_words_of_the_api(transcript, now);
    let survey = VsphereSnapshot::from_transcript(&api);
    let question = survey.scope.clone();
    let host = match (&transcript.connection.failure, survey.hosts().into_iter().next()) {
        (Some(failure), _) if transcript.answers.by_probe.is_empty() => {
            Fact::unavailable(failure.summary())
        }
        (_, Some(host)) => Fact::Known(host),
        (_, None) => Fact::unavailable("the host told nothing of itself"),
    };
    let beside = || Document::new("vcenter", &survey.vcenter_of_host(&host));
    let mut targets = vec![Target {
        name: transcript.target.clone(),
        kind: TargetKind::Esxi,
        document: Document::new("shell", &esxi_shell::from_transcript(transcript))
            .join(Document::new("host", &host))
            .join(beside()),
    }];
    if let Some(name) = &question.master_target {
        targets.push(Target {
            name: name.clone(),
            kind: TargetKind::LinuxMt,
            document: Document::new("vm", &survey.master_target(name)).join(beside()),
        });
    }
    targets.extend(question.protected.iter().map(|name| Target {
        name: name.clone(),
        kind: TargetKind::ProtectedVm,
        document: Document::new("vm", &survey.protected(name)).join(beside()),
    }));
    targets
        .into_iter()
        .map(|target| Target {
            document: target.document.join(age::evidence_document(transcript)),
            ..target
        })
        .collect()
}
