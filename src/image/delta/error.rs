//! Errors of making, reading and applying deltas.

use std::io;

use super::format::{MOST_BYTES, MOST_OF_BASE, PADDING, VERSION};
use crate::digest::Sha256;
use crate::hint::hinted;

/// Why a delta cannot be made, read or applied.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The file is not a delta.
    #[error("is not a delta of preflight")]
    NotADelta,
    /// A newer program wrote it.
    #[error("is a delta of version {0}, this program reads version {VERSION}")]
    OtherVersion(u32),
    /// It is damaged: its digest does not match.
    #[error("is damaged: its bytes have sha256 {found}, its end says {stated}")]
    Damaged {
        /// The digest at its end.
        stated: Sha256,
        /// The digest of the bytes before.
        found: Sha256,
    },
    /// Its digest matches, but it contradicts itself.
    #[error("contradicts itself at byte {0}: {1}")]
    Faulty(u64, DeltaFault),
    /// An image is larger than the limit.
    #[error("{0} bytes are more than the {MOST_BYTES} of the largest image that is compared")]
    TooLarge(u64),
    /// Its result repeats more bytes than its base justifies.
    #[error(
        "would repeat {repeated} bytes, which a base of {base} bytes does not justify: at most \
         {MOST_OF_BASE} times as many and {} MiB are",
        PADDING >> 20
    )]
    Unjustified {
        /// Bytes copied from the base and zero bytes.
        repeated: u64,
        /// Bytes of the base.
        base: u64,
    },
    /// The base is another one than it was made against.
    #[error("the base has {found}, the delta was made against {wanted}")]
    BaseMismatch {
        /// The size or digest that the delta requires.
        wanted: String,
        /// Those of the given file.
        found: String,
    },
    /// The rebuilt image has another digest.
    #[error("the rebuilt image has sha256 {found}, the delta promises {wanted}")]
    OtherResult {
        /// The digest of the image that the delta was made of.
        wanted: Sha256,
        /// The digest of what was rebuilt.
        found: Sha256,
    },
    /// An input changed while it was read.
    #[error("what the delta rebuilds differs from the image at byte {0}")]
    DiffersFromImage(u64),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What is wrong with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaFault {
    /// The kind is not one of the format's.
    #[error("no piece is of kind {0}")]
    Kind(u8),
    /// The file ends before the piece does.
    #[error("the piece is cut short")]
    CutShort,
    /// A length of nothing, or more than a literal may have.
    #[error("a length of {0}")]
    Length(u64),
    /// The range is not inside the base.
    #[error("the base has no {len} bytes from {offset} on")]
    OutsideBase {
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
    },
    /// The pieces together are not as long as the result.
    #[error("the pieces do not add up to the result's length")]
    Sum,
    /// The compressed bytes are invalid or have another length.
    #[error("the deflated bytes cannot be inflated to their length")]
    Deflate,
    /// Bytes stand behind the last piece.
    #[error("bytes follow the last piece")]
    AfterTheEnd,
}

impl DeltaError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotADelta => Some("give a file that build delta wrote".to_owned()),
            Self::OtherVersion(_) => Some("use a newer preflight".to_owned()),
            Self::Damaged { .. } => Some("transfer it again".to_owned()),
            Self::BaseMismatch { wanted, .. } => {
                Some(format!("give --base the very medium it was made against: {wanted}"))
            }
            Self::DiffersFromImage(_) => {
                Some("run it again while nothing writes to image or base".to_owned())
            }
            Self::OtherResult { .. } => {
                Some("run it again while nothing writes to delta or base".to_owned())
            }
            Self::Faulty(..) | Self::TooLarge(_) | Self::Unjustified { .. } | Self::Io(_) => None,
        }
    }
}

hinted!(DeltaError);
