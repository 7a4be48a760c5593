//! Deltas, which rebuild an image byte for byte from the vendor's medium it was made of.
//!
//! Not a general patch: both ends are ISO images, whose files begin at sectors of 2048 bytes, so
//! only whole sectors are compared. Not a signature either: the digests inside prove that the
//! rebuilt image is the one the delta was made of, not who made it.
//!
//! # Format, version 1
//!
//! All numbers are unsigned and little-endian.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 16 | `preflight-delta` and a line feed |
//! | 16 | 4 | the version, 1 |
//! | 20 | 8 | bytes of the base |
//! | 28 | 32 | sha256 of the base |
//! | 60 | 8 | bytes of the result |
//! | 68 | 32 | sha256 of the result |
//! | 100 | | pieces, in the order of the result |
//! | end - 32 | 32 | sha256 of all bytes before it |
//!
//! A piece begins with a byte for its kind:
//!
//! | byte | piece | followed by |
//! |---|---|---|
//! | 1 | bytes of the base | offset (8), length (8) |
//! | 2 | zero bytes | length (8) |
//! | 3 | bytes as they are | length (4), the bytes |
//! | 4 | deflated bytes (RFC 1951) | length (4), length when deflated (4), the deflated bytes |
//! | 0 | the end | nothing |
//!
//! No length is 0. Pieces 3 and 4 have at most 262144 bytes of the result each, and a deflated
//! piece is shorter than what it holds. The lengths of all pieces together are the result's. A
//! program that reads another version refuses it; a change that a reader of version 1 would misread
//! is another version.

mod compare;
mod create;
mod error;
mod format;
mod index;
mod pack;
mod read;
mod write;

pub use create::create;
pub use error::{DeltaError, DeltaFault};
pub use read::Delta;
