//! What the hosts of a site see of its configuration server, put together for each of them.
//!
//! Not for what one host sees (`facts::network::ports`).

use serde_json::Value;

use crate::check::Target;
use crate::facts::network::port_state::PortState;
use crate::facts::network::server_seen::{ServerSeen, ServerView};

/// The roots of hosts that are asked for ports, and what such a host is.
const HOSTS: [(&str, &str); 2] = [("mt", "the master target"), ("ps", "the process server")];

/// Tells every host what all of them see of the configuration server, where they were asked for the same one.
pub(super) fn share(targets: &mut [Target]) {
    let views: Vec<(String, ServerView)> = targets.iter().filter_map(view_of).collect();
    for target in targets {
        let Some((own, _)) = view_of(target) else { continue };
        let same = views.iter().filter(|(place, _)| *place == own);
        let same: Vec<ServerView> = same.map(|(_, view)| view.clone()).collect();
        let seen = ServerSeen::from_views(&same);
        for (root, _) in HOSTS {
            target.document.set_member(&format!("{root}.ports.configuration_server_seen"), &seen);
        }
    }
}

/// Returns which port a host was asked for, and what it saw.
fn view_of(target: &Target) -> Option<(String, ServerView)> {
    let known = &target.document.known;
    let (server, role) = HOSTS.iter().find_map(|(root, role)| {
        Some((known.pointer(&format!("/{root}/ports/configuration_server"))?, *role))
    })?;
    let text = |key: &str| server.get(key).and_then(Value::as_str);
    let view = ServerView {
        host: target.name.clone(),
        role,
        state: text("state").and_then(PortState::parse),
        serves: server.get("serves").and_then(Value::as_bool),
        said: text("said")?.to_owned(),
    };
    Some((text("place")?.to_owned(), view))
}
