//! The paths of our files on a disc, written once.
//!
//! Not for what is in them. Paths have no leading slash.

/// The kickstart.
pub const KICKSTART: &str = "ks.cfg";

/// The archive with the preseed, which the kernel unpacks over the initial RAM disk. isolinux reads
/// names of the plain ISO 9660 tree, so it is one of 8 and 3 characters.
pub const PRESEED: &str = "preseed.img";

/// What an image was made from and what was added, as JSON.
pub const MANIFEST: &str = "preflight/manifest.json";

/// The list for `sha256sum -c`, from the root of the disc; the kickstart names it.
pub const CHECKSUMS: &str = "preflight/manifest.sha256";

/// The bill of materials: what was added, in CycloneDX; the same is beside the image.
pub const SBOM: &str = "preflight/sbom.cdx.json";

/// The directory of what the installed system gets.
pub const PAYLOAD: &str = "preflight/payload";

/// The replication agent, whatever its archive was called.
pub const AGENT: &str = "preflight/payload/agent.tar.gz";

/// The program that evaluates the self-check's captures on the installed system.
pub const SELF_CHECK_BINARY: &str = "preflight/payload/preflight";

/// The add-on repository.
pub const REPOSITORY: &str = "preflight/repo";

/// The directory that holds nothing but what the manifest names.
pub const PREFLIGHT_DIR: &str = "preflight/";
