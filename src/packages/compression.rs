//! The compressions of packages and lists.
//!
//! Not for the bytes that may come out: the caller bounds them.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// The most memory that decompressing takes: xz -9 needs 65 MiB of it.
const MOST_MEMORY: u64 = 128 << 20;

/// Decompresses by the ending of a name: `.gz`, `.xz`, `.bz2`, `.zst`, or nothing.
///
/// # Errors
///
/// Fails where a decompressor cannot be set up, and at a beginning that none of its kind has.
pub fn decompress<'r>(name: &str, stored: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("gz") => Box::new(MultiGzDecoder::new(stored)),
        Some("bz2") => Box::new(bzip2::read::MultiBzDecoder::new(stored)),
        Some("xz") => {
            let stream = liblzma::stream::Stream::new_stream_decoder(MOST_MEMORY, 0)
                .map_err(io::Error::other)?;
            Box::new(liblzma::read::XzDecoder::new_stream(stored, stream))
        }
        Some("zst") => {
            let mut decoder = zstd::stream::read::Decoder::new(stored)?;
            decoder.window_log_max(MOST_MEMORY.ilog2())?;
            Box::new(decoder)
        }
        _ => Box::new(stored),
    })
}
