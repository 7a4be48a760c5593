//! What the entries of several commands share: exit statuses, environment, files.
//!
//! Not for the entries themselves (`entries`).

/// A word, and what it means.
pub type Rows = &'static [(&'static str, &'static str)];

/// Exit statuses of what only does something.
pub const PLAIN: Rows =
    &[("0", "done"), ("2", "bad input, or a file that cannot be read or written")];

/// Of what reports.
pub const REPORT: Rows = &[
    ("0", "nothing blocks"),
    ("1", "a blocker failed; with --fail-on warning also a warning"),
    ("2", "bad input; nothing was contacted"),
    ("3", "something that blocks could not be decided"),
    ("130", "interrupted; what was collected by then is reported"),
    ("0-3", "with --format nagios: 0 OK, 1 warning, 2 critical, 3 unknown"),
];

/// Of builds.
pub const BUILD: Rows = &[
    ("0", "built and verified, and nothing blocks"),
    ("1", "built, and a blocker failed; the report says which"),
    ("2", "bad input, or packages not proven to install; nothing was written"),
    ("3", "built, and something could not be decided"),
];

/// Of collecting.
pub const COLLECT: Rows = &[
    ("0", "every system answered"),
    ("2", "bad input; nothing was contacted"),
    ("3", "a system did not answer; the capture says why"),
    ("130", "interrupted; what was collected by then is saved"),
];

/// Of the guide.
pub const GUIDE: Rows = &[
    ("0", "there is a next step, and nothing blocks it"),
    ("1", "something blocks"),
    ("2", "bad input; nothing was contacted"),
    ("3", "not everything that counts is known"),
    ("130", "interrupted"),
];

/// Of looking for a symptom.
pub const TROUBLESHOOT: Rows = &[
    ("0", "something is likely; with a target: all causes are ruled out"),
    ("1", "with a target: a cause is confirmed"),
    ("2", "bad input; nothing was contacted"),
    ("3", "nothing is likely, or it is about another product"),
    ("130", "interrupted"),
];

/// Variables that every command reads.
pub const TERMINAL: Rows = &[
    ("NO_COLOR", "when set, nothing is coloured"),
    ("CLICOLOR_FORCE", "when set, colours go to files and pipes, too"),
    ("CLICOLOR", "0: no colours"),
    ("FORCE_HYPERLINK", "0: no links of OSC 8; else links to files and pipes, too"),
    ("TERM", "dumb: no colours, no links and no moving progress"),
];

/// Of what logs in to hosts.
pub const SSH: Rows = &[
    ("PREFLIGHT_PASSWORD", "the password for hosts, or the passphrase of their key"),
    ("PREFLIGHT_PASSWORD_NAME", "that of the system NAME of the site file"),
    ("PREFLIGHT_SUDO_PASSWORD", "the password for sudo, with --ask-sudo"),
    ("SSH_AUTH_SOCK", "the agent whose keys are tried"),
    ("USER, LOGNAME", "the account, where neither target nor configuration names one"),
];

/// Of what logs in to vSphere.
pub const VSPHERE: Rows = &[
    ("PREFLIGHT_PASSWORD", "the password for the server"),
    ("SSH_AUTH_SOCK", "the agent whose keys are tried on the way through SSH"),
    ("XDG_CONFIG_HOME", "where the thumbprints are; ~/.config when it is not set"),
];

/// Of what asks Azure.
pub const AZURE: Rows = &[
    ("AZURE_ACCESS_TOKEN", "a token; nothing else is tried then"),
    ("AZURE_TENANT_ID", "the tenant of a service principal or workload identity"),
    ("AZURE_CLIENT_ID", "its id, or that of a managed identity"),
    ("AZURE_CLIENT_SECRET", "the secret of a service principal"),
    ("AZURE_FEDERATED_TOKEN_FILE", "the file of a workload identity"),
    ("AZURE_CLIENT_CERTIFICATE_PATH", "a certificate; it is refused, not passed over"),
    ("AZURE_TOKEN_CREDENTIALS", "the sources of a token that may be used: prod, dev, or one name"),
    ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "the metadata service, http://HOST[:PORT]"),
    ("AZURE_AUTHORITY_HOST", "who gives tokens, in place of the cloud's own"),
    ("HTTPS_PROXY, NO_PROXY", "the way to hosts on the internet"),
];

/// Of what writes images.
pub const EPOCH: Rows =
    &[("SOURCE_DATE_EPOCH", "the time of everything in the image, in seconds since 1970")];

/// The keys of hosts.
pub const KNOWN_HOSTS: (&str, &str) =
    ("~/.ssh/known_hosts", "the keys of hosts; --accept-new adds to it");
/// The configuration of SSH.
pub const SSH_CONFIG: (&str, &str) =
    ("~/.ssh/config", "ports, accounts, keys and jump hosts of hosts");
/// The certificates of vSphere servers.
pub const THUMBPRINTS: (&str, &str) =
    ("~/.config/preflight/thumbprints", "certificates that were looked at; see preflight trust");
/// What people answered.
pub const ANSWERS: (&str, &str) = ("answers.yaml", "beside the site file: what people answered");

/// The session of Azure's command line.
pub const AZURE_CLI: (&str, &str) = ("~/.azure", "the session of az, which is asked for a token");
/// What stands before what is embedded.
pub const OVERLAY: Rows = &[(
    "images/, kickstart/, templates/, checks/",
    "in the directory of --assets: read in place of the embedded ones",
)];
/// Beside an image.
pub const IMAGE_FILES: Rows = &[
    ("OUT.manifest.json", "every file of the image with its digest; --manifest names another"),
    ("OUT.cdx.json", "the bill of materials"),
    (".OUT.part", "what is being written; it becomes OUT when all of it is verified"),
];
/// Of a machine.
pub const VM_FILES: Rows = &[("NAME.vmx, NAME.ovf", "the two descriptions of the machine")];

/// Where the token for Azure comes from.
pub const TOKEN: &str = "\
The token comes from the first of these that is configured: --azure-token-file
or AZURE_ACCESS_TOKEN; a service principal (AZURE_TENANT_ID, AZURE_CLIENT_ID,
AZURE_CLIENT_SECRET); a workload identity (AZURE_FEDERATED_TOKEN_FILE); az; the
identity of the Azure machine that preflight runs on. Nothing but GETs is asked,
the Reader role is enough; docs/azure.md has the list.";
