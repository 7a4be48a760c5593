//! What a vSphere server is asked about: the machines, the host and the account that are checked.
//!
//! Not for how it is asked: that is `transport`.

use serde::{Deserialize, Serialize};

/// What a server was asked about; a capture keeps it, so that evaluating it later asks the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryScope {
    /// The account that the configuration server discovers with; the one that must have its
    /// privileges, whoever logs in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_account: Option<String>,
    /// The name of the master target's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_target: Option<String>,
    /// The name of the host on which machines that are gone should appear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The name of the datastore that is chosen in Re-protect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datastore: Option<String>,
    /// When the last reprotect began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprotected_at: Option<jiff::Timestamp>,
    /// The names of machines that are to fail back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<String>,
    /// Whether everything is asked that machines can be told by, of all machines.
    #[serde(default, skip_serializing_if = "is_false")]
    pub identities: bool,
    /// Further master targets, each with what fails back through it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Pairing>,
}

/// A master target and the machines that fail back through it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The name of the master target's machine; machines without one are planned for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_target: Option<String>,
    /// When the last reprotect began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprotected_at: Option<jiff::Timestamp>,
    /// The names of machines that are to fail back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl QueryScope {
    /// What a server is asked about several master targets, in one session.
    pub fn from_pairings(discovery_account: Option<String>, pairings: Vec<Pairing>) -> Self {
        let mut pairings = pairings.into_iter();
        let whole = Self { discovery_account, ..Self::default() };
        let first = pairings.next().unwrap_or_default();
        Self { others: pairings.collect(), ..whole.for_pairing(first) }
    }

    /// The same question about one master target and nothing else.
    pub fn for_pairing(&self, pairing: Pairing) -> Self {
        let Pairing { master_target, reprotected_at, protected } = pairing;
        Self { master_target, reprotected_at, protected, others: Vec::new(), ..self.clone() }
    }

    /// This question where it names something, and elsewhere what was asked before. When the last
    /// reprotect began is told of one master target, and of no other.
    pub fn or_recorded(&self, before: &Self) -> Self {
        let same = self.master_target.is_none() || self.master_target == before.master_target;
        let reprotected_at = before.reprotected_at.filter(|_| same);
        let protected = if self.protected.is_empty() {
            before.protected.clone()
        } else {
            self.protected.clone()
        };
        let or = |own: &Option<String>, other: &Option<String>| own.clone().or(other.clone());
        Self {
            discovery_account: or(&self.discovery_account, &before.discovery_account),
            master_target: or(&self.master_target, &before.master_target),
            host: or(&self.host, &before.host),
            datastore: or(&self.datastore, &before.datastore),
            reprotected_at: self.reprotected_at.or(reprotected_at),
            protected,
            identities: self.identities || before.identities,
            others: if self.others.is_empty() {
                before.others.clone()
            } else {
                self.others.clone()
            },
        }
    }

    /// Every master target with what fails back through it.
    pub fn pairings(&self) -> Vec<Pairing> {
        let first = Pairing {
            master_target: self.master_target.clone(),
            reprotected_at: self.reprotected_at,
            protected: self.protected.clone(),
        };
        std::iter::once(first).chain(self.others.iter().cloned()).collect()
    }

    /// Every machine it names, each once.
    pub fn machines(&self) -> impl Iterator<Item = &str> {
        let own = self.master_target.iter().chain(&self.protected);
        let others =
            self.others.iter().flat_map(|pair| pair.master_target.iter().chain(&pair.protected));
        let mut seen = std::collections::BTreeSet::new();
        own.chain(others).map(String::as_str).filter(move |name| seen.insert(*name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_now_stands_before_what_was_named_then() {
        let some = |text: &str| Some(text.to_owned());
        let then = QueryScope {
            discovery_account: some("asr@v"),
            master_target: some("mt1"),
            reprotected_at: Some(jiff::Timestamp::UNIX_EPOCH),
            protected: vec!["app".to_owned()],
            ..QueryScope::default()
        };
        assert_eq!(QueryScope::default().or_recorded(&then), then);
        let now =
            QueryScope { master_target: some("mt2"), host: some("esx1"), ..QueryScope::default() };
        assert_eq!(
            now.or_recorded(&then),
            QueryScope {
                master_target: some("mt2"),
                host: some("esx1"),
                reprotected_at: None,
                ..then.clone()
            }
        );
        let now = QueryScope { protected: vec!["db".to_owned()], ..QueryScope::default() };
        assert_eq!(now.or_recorded(&then), QueryScope { protected: vec!["db".to_owned()], ..then });
    }
}
