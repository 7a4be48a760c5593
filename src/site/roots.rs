//! The roots of the facts that no system of a site provides, with the reason why.
//!
//! Not for the facts themselves (`assemble`).

use super::model::Site;
use crate::check::Target;
use crate::facts::Document;
use crate::facts::target_kind::TargetKind;

/// Why nothing is known of a machine that has returned by its own word.
pub(super) const NOT_ASKED_OVER_SSH: &str = "it was not asked over SSH";

/// Why nothing is known of a Windows process server by its own word.
const WINDOWS_SERVER: &str = "it runs Windows, which is not asked over SSH";

/// Why nothing is known of what hosts see of the configuration server.
const NO_HOST_ASKED: &str = "no master target was asked over SSH";

/// Why nothing is known of machines, hosts and vCenter where the site names no vSphere server at all.
pub(super) const NO_VSPHERE: &str = "the site names neither a vCenter server nor an ESXi host";

/// For each root of the facts, why it is missing when no system provides it.
const MISSING_PROVIDER: &[(&str, &str)] = &[
    ("mt", "the site gives it no ssh:"),
    ("wmt", "the site gives it no capture: of the script for Windows"),
    ("ps", "the site gives it no ssh:"),
    ("guest", NOT_ASKED_OVER_SSH),
    ("shell", "the site gives it no ssh:"),
    ("vcenter", "the site names no vCenter server"),
    ("vm", NO_VSPHERE),
    ("host", NO_VSPHERE),
    ("own", "no probe of --checks is run on it"),
    ("evidence", "nothing was collected"),
];

/// Returns the target with a reason for every root that no system provided, so that each of its
/// checks is evaluated.
pub(super) fn with_every_root(target: Target, site: &Site) -> Target {
    let mut document = target.document;
    if document.known.get("site").is_none() {
        document = document.join(site.document(&target.name));
    }
    if document.known.get("answers").is_none() {
        document = document.join(Document::new("answers", &serde_json::json!({})));
    }
    for path in ["site.reiserfs_sources", "site.xfs_sources"] {
        let is_known = document.known["site"].get(path.trim_start_matches("site.")).is_some();
        if !is_known && !document.absent.contains_key(path) {
            let reason = "the site names no machine that fails back";
            document.absent.insert(path.to_owned(), reason.to_owned());
        }
    }
    let is_windows = document.known["site"].pointer("/process_server/is_windows");
    if is_windows.and_then(serde_json::Value::as_bool) == Some(true) {
        document = document.or_absent("ps", WINDOWS_SERVER);
    }
    if site.vcenter.is_none() && site.esxi.is_empty() {
        document = document.or_absent("vcenter", NO_VSPHERE);
    }
    if target.kind == TargetKind::ConfigurationServer {
        document = document.or_absent("mt", NO_HOST_ASKED);
    }
    for (root, reason) in MISSING_PROVIDER {
        document = document.or_absent(root, reason);
    }
    Target { document, ..target }
}
