//! The configuration server's port as several hosts see it: one host's own network is told from a server that is down.
//!
//! Not for what one host reaches (`ports`).

use schemars::JsonSchema;
use serde::Serialize;

use super::port_state::PortState;
use crate::facts::{Fact, Unavailable};

/// What one host sees of the configuration server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerView {
    /// The host.
    pub host: String,
    /// What the host is, as "the master target"; it says enough where no other host was asked.
    pub role: &'static str,
    /// What a TCP connection led to; none when it is not known.
    pub state: Option<PortState>,
    /// Whether its web service answers as one that works; none when that is not known.
    pub serves: Option<bool>,
    /// What the host saw, in words.
    pub said: String,
}

impl ServerView {
    /// Says who saw what: by name among several, so that a host and its capture, which have other names, say the same.
    fn words(&self, all: &[Self]) -> String {
        let host = match all {
            [_] => self.role,
            _ => self.host.as_str(),
        };
        format!("asked from {host}: {}", self.said)
    }
}

/// The configuration server as all hosts that were asked see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServerSeen {
    /// Whether its web service works. It does when it answers one of them; it does not when one finds the machine there
    /// without it, or when nothing comes back to several. Nothing that comes back to one alone may be that one's network.
    pub serves: Fact<bool>,
    /// What each of them saw, in words.
    pub words: String,
}

impl ServerSeen {
    /// Puts together what hosts see.
    pub fn from_views(views: &[ServerView]) -> Self {
        let words: Vec<String> = views.iter().map(|view| view.words(views)).collect();
        Self { serves: serves(views).into(), words: words.join("; ") }
    }
}

fn serves(views: &[ServerView]) -> Result<bool, Unavailable> {
    if views.iter().any(|view| view.serves == Some(true)) {
        return Ok(true);
    }
    let in_state = |state: PortState| views.iter().filter(move |view| view.state == Some(state));
    let undecided = in_state(PortState::Open).find(|view| view.serves.is_none());
    if let Some(view) = undecided {
        return Err(view.words(views).into());
    }
    let is_there = in_state(PortState::Open).chain(in_state(PortState::Refused)).next().is_some();
    if is_there || in_state(PortState::Filtered).count() > 1 {
        return Ok(false);
    }
    let saw = views.first().map_or("no host was asked", |view| view.said.as_str());
    Err(format!("{saw}, which may be the network of the one host that was asked").into())
}

#[cfg(test)]
mod tests {
    use super::PortState::{Dns, Filtered, NoRoute, Open, Refused};
    use super::*;

    #[test]
    fn the_network_of_one_host_is_no_server_that_is_down() {
        let view = |host: &str, state, serves| ServerView {
            host: host.to_owned(),
            role: "the master target",
            state: Some(state),
            serves,
            said: "cs01:443 is so".to_owned(),
        };
        let no = Some(false);
        for (seen, expected) in [
            (vec![(Open, Some(true))], Some(true)),
            (vec![(Filtered, no), (Open, Some(true))], Some(true)),
            (vec![(Refused, no), (Open, Some(true))], Some(true)),
            (vec![(Refused, no)], no),
            (vec![(Open, no)], no),
            (vec![(Filtered, no), (Refused, no)], no),
            (vec![(Filtered, no), (Filtered, no)], no),
            (vec![(Filtered, no)], None),
            (vec![(Dns, no), (NoRoute, no)], None),
            (vec![(Filtered, no), (Dns, no)], None),
            // A proxy answers, or nobody could ask by TLS.
            (vec![(Open, None), (Filtered, no)], None),
            (vec![(Open, None), (Open, Some(true))], Some(true)),
            (vec![], None),
        ] {
            let views: Vec<ServerView> = seen
                .iter()
                .enumerate()
                .map(|(number, (state, serves))| view(&format!("mt{number}"), *state, *serves))
                .collect();
            let found = ServerSeen::from_views(&views).serves.known().copied();
            assert_eq!(found, expected, "{seen:?}");
        }
    }

    #[test]
    fn a_host_that_is_asked_alone_is_called_by_its_role() {
        let view = |host: &str| ServerView {
            host: host.to_owned(),
            role: "the master target",
            state: Some(Refused),
            serves: Some(false),
            said: "cs01:443 is refused".to_owned(),
        };
        let alone = ServerSeen::from_views(&[view("capture:mt1.json")]);
        assert_eq!(alone.words, "asked from the master target: cs01:443 is refused");
        let both = ServerSeen::from_views(&[view("mt1"), view("mt2")]);
        assert_eq!(
            both.words,
            "asked from mt1: cs01:443 is refused; asked from mt2: cs01:443 is refused"
        );
    }
}
