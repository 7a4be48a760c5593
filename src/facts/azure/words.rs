//! The words that Azure's enumerations are known to have, and their reading in whatever case they are written.
//!
//! The service writes one and the same word in several cases, and exports go through programs that write their own. Not for free
//! texts, which are read as they stand (`read`).

use serde_json::Value;

use super::read::{required_text, text};
use crate::facts::Unavailable;

/// The words that are compared somewhere, as the code compares them.
const KNOWN: &[&str] = &[
    // Providers and fabrics.
    "InMageAzureV2",
    "InMage",
    "InMageRcm",
    "InMageRcmFailback",
    "HyperVReplicaAzure",
    "A2A",
    "VMware",
    "HyperVSite",
    "VMM",
    // States of an item.
    "Protected",
    "UnplannedFailoverFailed",
    "PlannedFailoverFailed",
    "UnprotectedStatesBegin",
    "UnplannedFailoverCommitted",
    "UnplannedFailoverCommitPendingStatesBegin",
    "PlannedFailoverCommitPendingStatesBegin",
    "CommitPendingStatesBegin",
    "RestoreFinalized",
    "Primary",
    "Recovery",
    "Azure",
    "OnPrem",
    "None",
    "MarkedForDeletion",
    "Required",
    "NotRequired",
    "PreparedForResynchronization",
    "StartedResynchronization",
    "DifferentialSync",
    // Operations and the scenarios of jobs.
    "Commit",
    "CommitFailover",
    "FinalizeFailback",
    "SwitchProtection",
    "SwitchReplicationGroupProtection",
    "Reprotect",
    "ReverseReplicate",
    "UnplannedFailover",
    "PlannedFailover",
    "Failback",
    "EnableDr",
    "PrimaryIrCompletion",
    "SecondaryIrCompletion",
    "TestFailover",
    "TestFailoverCleanup",
    "AssociateProtectionProfile",
    "ModifyProtectionProfile",
    "UpdateVmProperties",
    "Cancel",
    // States of jobs, servers and associations.
    "NotStarted",
    "InProgress",
    "Succeeded",
    "Failed",
    "Cancelled",
    "Suspended",
    "Running",
    "Completed",
    "Paired",
    "Supported",
    "NotSupported",
    "Deprecated",
    "UpdateRequired",
    "SecurityUpdateRequired",
    // Health, and the levels of errors.
    "Normal",
    "Warning",
    "Critical",
    "Error",
    "Info",
    // Networks.
    "Vpn",
    "ExpressRoute",
    "IPsec",
    "Connected",
    "NotConnected",
    "AzurePrivatePeering",
    "Enabled",
    "Disabled",
    "Provisioned",
];

/// Returns a word as the code compares it, and one that is not known as it stands.
///
/// ```
/// use preflight::facts::azure::words::known_word;
/// assert_eq!(known_word("CRITICAL"), "Critical");
/// assert_eq!(known_word("Peculiar"), "Peculiar");
/// ```
pub fn known_word(word: &str) -> &str {
    KNOWN.iter().find(|known| known.eq_ignore_ascii_case(word)).copied().unwrap_or(word)
}

/// Whether a word is one that is compared somewhere.
pub fn is_known(word: &str) -> bool {
    KNOWN.contains(&known_word(word))
}

/// Returns the word at a path, as [`known_word`]; none where it is missing or empty.
pub fn word<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    text(value, path).map(known_word)
}

/// Returns the word at a path, as [`known_word`].
///
/// # Errors
///
/// Fails where it is missing or empty.
pub fn required_word<'v>(value: &'v Value, path: &str) -> Result<&'v str, Unavailable> {
    required_text(value, path).map(known_word)
}
