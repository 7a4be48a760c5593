//! The numbers of the format, which `mod.rs` describes.
//!
//! Not for reading or writing it.

/// The first bytes of every delta.
pub(super) const MAGIC: &[u8; 16] = b"preflight-delta\n";

/// The version that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

/// Bytes of the header, before the first piece.
pub(super) const HEADER: u64 = 100;

/// Bytes of the digest at the end.
pub(super) const TRAILER: u64 = 32;

/// The most bytes of the result in one literal piece, and the size of a buffer.
pub(super) const MOST_LITERAL: usize = 256 * 1024;

/// The largest image that is compared or rebuilt, in bytes: far larger than any medium, and a limit
/// for a delta of a few bytes that claims an endless result.
pub(super) const MOST_BYTES: u64 = 64 << 30;

/// How many bytes a result may copy or fill with zeros for each byte of the base: an image is at
/// most twice as large as its medium.
pub(super) const MOST_OF_BASE: u64 = 2;

/// How many of them are allowed for any base, for padding.
pub(super) const PADDING: u64 = 64 << 20;

pub(super) const END: u8 = 0;
pub(super) const COPY: u8 = 1;
pub(super) const ZEROS: u8 = 2;
pub(super) const STORED: u8 = 3;
pub(super) const DEFLATED: u8 = 4;
