//! The numbers of the format, which the room's description explains.

/// The first bytes of every delta.
pub(super) const MAGIC: &[u8; 16] = b"preflight-delta\n";

/// The version that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

/// Bytes before the first piece.
pub(super) const HEADER: u64 = 100;

/// Bytes of the digest at the end.
pub(super) const TRAILER: u64 = 32;

/// The most bytes of the result that one literal piece holds, and what is carried at once.
pub(super) const MOST_LITERAL: usize = 256 * 1024;

/// The largest image that is compared or rebuilt: far past any medium, and a limit for a delta
/// that claims to make a file without end out of a few bytes.
pub(super) const MOST_BYTES: u64 = 64 << 30;

/// The bytes of the base that a result may take for each one the base has, in copies and zero
/// bytes together: an image is at most its medium twice over.
pub(super) const MOST_OF_BASE: u64 = 2;

/// What of them is allowed whatever the base, for padding.
pub(super) const PADDING: u64 = 64 << 20;

pub(super) const END: u8 = 0;
pub(super) const COPY: u8 = 1;
pub(super) const ZEROS: u8 = 2;
pub(super) const STORED: u8 = 3;
pub(super) const DEFLATED: u8 = 4;
