//! Literal bytes made smaller where that is worth the time.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Bytes from which it is guessed whether a block can be compressed: agents and packages cannot.
const SAMPLE: usize = 8 * 1024;

/// Deflates blocks.
pub struct Packer {
    guess: Compress,
    deflate: Compress,
    out: Vec<u8>,
}

impl Packer {
    /// A packer; it keeps what the compressor needs from block to block.
    pub fn new() -> Self {
        Self {
            guess: Compress::new(Compression::fast(), false),
            deflate: Compress::new(Compression::default(), false),
            out: Vec::new(),
        }
    }

    /// The deflated bytes, when they are a sixteenth shorter at least.
    pub fn pack(&mut self, block: &[u8]) -> Option<&[u8]> {
        if block.len() > 4 * SAMPLE {
            let middle = block.len() / 2;
            let worthwhile = [&block[..SAMPLE], &block[middle..middle + SAMPLE]]
                .into_iter()
                .any(|sample| deflated(&mut self.guess, sample, &mut self.out).is_some());
            if !worthwhile {
                return None;
            }
        }
        let len = deflated(&mut self.deflate, block, &mut self.out)?;
        Some(&self.out[..len])
    }
}

fn deflated(compress: &mut Compress, bytes: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    out.resize(bytes.len() - bytes.len() / 16, 0);
    compress.reset();
    match compress.compress(bytes, out, FlushCompress::Finish) {
        Ok(Status::StreamEnd) => usize::try_from(compress.total_out()).ok().filter(|n| *n > 0),
        _ => None,
    }
}

/// Inflates `packed` into all of `out`; false when it is not exactly what fits.
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
        let mut packer = Packer::new();
        for len in [20, 5000, 100_000, 262_144] {
            let text: Vec<u8> = (0..len).map(|at| b"kickstart "[at % 10]).collect();
            let packed = packer.pack(&text).map(<[u8]>::to_vec);
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
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(262_144)
        .collect();
        assert!(packer.pack(&noise).is_none());
        assert!(packer.pack(b"x").is_none());
    }
}
