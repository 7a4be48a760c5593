//! Compression of literal bytes, where it is worth the time.
//!
//! Not for the format of pieces (`write`, `read`).

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

/// Bytes of a sample that predicts whether a block can be compressed: agents and packages cannot.
const SAMPLE: usize = 8 * 1024;

/// Returns the deflated bytes of a block, if they are shorter by at least a sixteenth.
pub fn pack(block: &[u8]) -> Option<Vec<u8>> {
    if block.len() > 4 * SAMPLE {
        let middle = block.len() / 2;
        let worthwhile = [&block[..SAMPLE], &block[middle..middle + SAMPLE]]
            .into_iter()
            .any(|sample| deflated(sample, Compression::fast()).is_some());
        if !worthwhile {
            return None;
        }
    }
    deflated(block, Compression::default())
}

/// Every block has its own compressor, which is finished: zlib-rs 0.6.8 panics when an unfinished
/// one is reset and used again.
fn deflated(bytes: &[u8], level: Compression) -> Option<Vec<u8>> {
    let most = bytes.len() - bytes.len() / 16;
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len()), level);
    let wrote = encoder.write_all(bytes).and_then(|()| encoder.finish());
    let packed = wrote.expect("a Vec takes every write");
    (packed.len() < most).then_some(packed)
}

/// Inflates `packed` into `out`. Returns false when it does not fill `out` exactly.
pub fn unpack(packed: &[u8], out: &mut [u8]) -> bool {
    let mut inflate = Decompress::new(false);
    let status = inflate.decompress(packed, out, FlushDecompress::Finish);
    matches!(status, Ok(Status::StreamEnd))
        && inflate.total_out() == out.len() as u64
        && inflate.total_in() == packed.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_noise_is_left() {
        for len in [20, 5000, 100_000, 262_144] {
            let text: Vec<u8> = (0..len).map(|at| b"kickstart "[at % 10]).collect();
            let packed = pack(&text);
            let Some(packed) = packed else { panic!("{len} bytes of text are not packed") };
            let mut back = vec![0; len];
            assert!(unpack(&packed, &mut back) && back == text, "{len}");
            assert!(!unpack(&packed[..packed.len() - 1], &mut back), "{len}: cut short");
            assert!(!unpack(&packed, &mut back[..len - 1]), "{len}: more than fits");
            assert!(!unpack(&packed, &mut vec![0; len + 1]), "{len}: less than said");
            let trailed = [&packed[..], b"x"].concat();
            assert!(!unpack(&trailed, &mut back), "{len}: bytes behind the stream");
        }
        let mut state = 1_u64;
        let mut noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(262_144)
        .collect();
        assert!(pack(&noise).is_none());
        // What looks worthwhile at first and is not, over and over, as a medium's files are.
        for round in 0..200_u8 {
            let text = usize::from(round) * 300;
            noise[..text].fill(round);
            let packed = pack(&noise);
            let mut back = vec![0; noise.len()];
            assert!(packed.is_none_or(|packed| unpack(&packed, &mut back) && back == noise));
            noise.rotate_right(9001);
        }
        assert!(pack(b"x").is_none());
    }
}
