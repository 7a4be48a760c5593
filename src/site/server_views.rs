//! What the hosts of a site see of its configuration server, put together for each of them.
//!
//! Not for what one host sees (`facts::network::ports`).

use std::collections::BTreeMap;

use crate::check::Target;
use crate::facts::network::ports;
use crate::facts::network::server_seen::{ServerSeen, ServerView};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;

/// Tells every host what all of them see of the configuration server, where they were asked for the same one.
pub(super) fn share(targets: &mut [Target], hosts: &[Transcript]) {
    let mut views: BTreeMap<String, Vec<ServerView>> = BTreeMap::new();
    for (place, view) in hosts.iter().filter_map(view_of) {
        views.entry(place).or_default().push(view);
    }
    for seen in views.into_values() {
        let shared = ServerSeen::from_views(&seen);
        for target in targets.iter_mut().filter(|own| seen.iter().any(|view| view.host == own.name))
        {
            for root in ["mt", "ps"] {
                let member = format!("{root}.ports.configuration_server_seen");
                target.document.set_member(&member, &shared);
            }
        }
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
