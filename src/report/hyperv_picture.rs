//! What the picture of a Hyper-V site shows that no system of the site file stands for: its hosts, and the way to Azure.
//!
//! Not for the machines, which are like those of any site (`site_picture`).

use super::outline::Status;
use super::site_picture::{Arrow, Builder, SiteBox, Tier};

/// The check that decides whether the hosts are connected with the vault.
const HOSTS: &str = "hyperv.host-connected";

impl Builder<'_, '_> {
    /// Returns the way to Azure: the provider on the host opens it, and no VPN is part of it.
    pub(super) fn hyperv_way(&self) -> SiteBox {
        SiteBox {
            title: "The way to Azure: HTTPS from the host; no VPN, process server or master target is needed"
                .to_owned(),
            tier: Tier::Way,
            kind: "the way between".to_owned(),
            name: "HTTPS".to_owned(),
            status: None,
            verdict: "no VPN".to_owned(),
            counts: String::new(),
            href: None,
            members: Vec::new(),
        }
    }

    /// Returns the box of the hosts by what is known of their connection.
    pub(super) fn hyperv_hosts(&self) -> SiteBox {
        let (status, found, href) = self.hyperv_connected();
        let verdict = words(status);
        SiteBox {
            title: format!("Hyper-V hosts, or VMM: {verdict}. {found}"),
            tier: Tier::Hosts,
            kind: "Hyper-V host".to_owned(),
            name: "hosts or VMM".to_owned(),
            status,
            verdict: verdict.to_owned(),
            counts: "nobody asks a host".to_owned(),
            href,
            members: Vec::new(),
        }
    }

    /// Returns the arrow from the hosts to the machines in Azure; none when no machine is there.
    pub(super) fn hyperv_connection(&self) -> Option<Arrow> {
        let (status, found, href) = self.hyperv_connected();
        let label = words(status).to_owned();
        let title = format!("The Hyper-V hosts to Azure, TCP 443: {label} ({found}).");
        (self.topology.machines_in_azure > 0).then(|| Arrow {
            port: "443".to_owned(),
            label,
            status,
            href,
            title,
        })
    }

    /// Returns the arrow from machines to the host that they return to.
    pub(super) fn hyperv_way_home(&self, machines: &SiteBox) -> Arrow {
        Arrow {
            port: String::new(),
            label: "not asked".to_owned(),
            status: None,
            href: machines.href.clone(),
            title: format!(
                "{} to its Hyper-V host: not asked (no check asks a host).",
                machines.name
            ),
        }
    }

    /// Returns how the connection of the hosts stands, in words, and where it is told.
    fn hyperv_connected(&self) -> (Option<Status>, &str, Option<String>) {
        let result = self.report.results.iter().find(|result| result.check == HOSTS);
        let found = result.map_or("no part of this run", |result| result.found.as_str());
        let key = result.map(|result| (HOSTS, result.target.as_str()));
        (result.map(Status::from_result), found, key.and_then(|key| self.anchors.finding(key)))
    }
}

fn words(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Pass) => "connected",
        Some(Status::Blocker | Status::Warning) => "not connected",
        Some(Status::Waived) => "waived",
        Some(Status::NotApplicable) => "not needed now",
        Some(Status::Unknown) => "not answered",
        None => "not checked",
    }
}
