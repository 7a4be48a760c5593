//! What the hosts of a site see of its configuration server, put together for each of them.
//!
//! Not for what one host sees (`facts::network::ports`).

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Target;
use crate::facts::network::ports;
use crate::facts::network::server_seen::{ServerSeen, ServerView};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;

/// What hosts see, by the server that they were asked for.
#[derive(Default)]
pub(super) struct ServerViews(BTreeMap<String, Vec<ServerView>>);

impl ServerViews {
    /// Adds what a host sees.
    pub(super) fn add(&mut self, host: &Transcript) {
        if let Some((place, view)) = view_of(host) {
            self.0.entry(place).or_default().push(view);
        }
    }

    /// Puts together what is told to the hosts that were asked for the same server.
    pub(super) fn shared(self) -> Vec<SharedView> {
        let together = |views: Vec<ServerView>| {
            let seen = ServerSeen::from_views(&views);
            SharedView { hosts: views.into_iter().map(|view| view.host).collect(), seen }
        };
        self.0.into_values().map(together).collect()
    }
}

/// What hosts see of one server, put together.
pub(super) struct SharedView {
    hosts: BTreeSet<String>,
    seen: ServerSeen,
}

impl SharedView {
    /// Tells a target, if it is one of these hosts.
    pub(super) fn tell(&self, target: &mut Target) {
        if self.hosts.contains(&target.name) {
            for root in ["mt", "ps"] {
                let member = format!("{root}.ports.configuration_server_seen");
                target.document.set_member(&member, &self.seen);
            }
        }
    }
}

/// Tells every host what all of them see of the configuration server, where they were asked for the same one.
pub(super) fn share(targets: &mut [Target], hosts: &[Transcript]) {
    let mut views = ServerViews::default();
    hosts.iter().for_each(|host| views.add(host));
    for shared in views.shared() {
        targets.iter_mut().for_each(|target| shared.tell(target));
    }
}

/// Returns which server a host was asked about, and what it saw.
fn view_of(host: &Transcript) -> Option<(String, ServerView)> {
    match host.kind {
        TargetKind::LinuxMt => ports::server_view(host, "the master target"),
        TargetKind::ProcessServer => ports::server_view(host, "the process server"),
        _ => None,
    }
}
