//! The compressions of packages and lists.
//!
//! Not for the bytes that may come out: the caller bounds them.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

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
            let stream =
                Stream::new_stream_decoder(MOST_MEMORY, CONCATENATED).map_err(io::Error::other)?;
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn streams_behind_one_another_are_all_read() {
        let packed = |ending: &str, text: &[u8]| -> Vec<u8> {
            match ending {
                "gz" => {
                    let mut gz = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                    gz.write_all(text).unwrap();
                    gz.finish().unwrap()
                }
                "bz2" => {
                    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), Default::default());
                    bz.write_all(text).unwrap();
                    bz.finish().unwrap()
                }
                "xz" => {
                    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
                    xz.write_all(text).unwrap();
                    xz.finish().unwrap()
                }
                _ => zstd::stream::encode_all(text, 3).unwrap(),
            }
        };
        for ending in ["gz", "bz2", "xz", "zst"] {
            let name = format!("Packages.{ending}");
            let stored = [packed(ending, b"Package: one\n"), packed(ending, b"two\n")].concat();
            let read = |stored: &[u8]| {
                let mut text = String::new();
                decompress(&name, stored)?.read_to_string(&mut text).map(|_| text)
            };
            assert_eq!(read(&stored).unwrap(), "Package: one\ntwo\n", "{ending}");
            assert!(read(&stored[..stored.len() - 3]).is_err(), "{ending} is cut");
        }
    }
}
