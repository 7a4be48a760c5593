//! The media check that installers run on their own disc: an MD5 implanted into the primary volume
//! descriptor, byte for byte as `implantisomd5` writes it (rhinstaller/isomd5sum,
//! libimplantisomd5.c and utilities.c).
//!
//! Not for the digests of a manifest: those are SHA-256, of whole files.

use md5::{Digest, Md5};

use super::bytemap::SECTOR;

/// Where the application-use field begins in the primary volume descriptor.
pub const FIELD_OFFSET: usize = 883;
/// Bytes of the application-use field.
pub const FIELD_LEN: usize = 512;
/// Sectors at the end of the volume that `implantisomd5` leaves out of the sum.
pub const SKIP_SECTORS: u64 = 15;

/// The absolute offset of the field: the descriptor is sector 16.
pub const FIELD_AT: u64 = 16 * SECTOR + FIELD_OFFSET as u64;
/// The absolute offset of the first byte behind it.
pub const FIELD_END: u64 = FIELD_AT + FIELD_LEN as u64;
/// The read size of `implantisomd5`, which determines where it takes its fragment sums.
const CHUNK: u64 = 32 * 1024;
const FRAGMENTS: u64 = 20;
const FRAGMENT_DIGITS: usize = 3;
const WARNING: &str = "THIS IS NOT THE SAME AS RUNNING MD5SUM ON THIS ISO!!";

/// The sum that is implanted into a medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implant {
    /// The sum over the volume without its last `skip_sectors`, as lower-case hex.
    pub md5: String,
    /// Three digits of the running sum for each fragment; fewer than 60 on a medium so small
    /// that several fragments share a 32 KiB read.
    pub fragments: String,
    /// Sectors at the end that are not summed.
    pub skip_sectors: u64,
    /// `RHLISOSTATUS`: whether the vendor marks the medium as a release.
    pub is_supported: bool,
}

impl Implant {
    /// Renders the 512 bytes of the application-use field.
    pub fn to_field(&self) -> [u8; FIELD_LEN] {
        let text = format!(
            "ISO MD5SUM = {};SKIPSECTORS = {};RHLISOSTATUS={};FRAGMENT SUMS = {};FRAGMENT COUNT = {FRAGMENTS};{WARNING}",
            self.md5,
            self.skip_sectors,
            u8::from(self.is_supported),
            self.fragments,
        );
        let mut field = [b' '; FIELD_LEN];
        field[..text.len()].copy_from_slice(text.as_bytes());
        field
    }

    /// Parses the sum in the primary volume descriptor `pvd`. Returns `None` when it has none.
    pub fn parse(pvd: &[u8]) -> Option<Self> {
        let field = pvd.get(FIELD_OFFSET..FIELD_OFFSET + FIELD_LEN)?;
        let text = std::str::from_utf8(field).ok()?;
        let value =
            |key: &str| text.split(';').find_map(|part| part.strip_prefix(key)).map(str::trim_end);
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let md5 = value("ISO MD5SUM = ").filter(|sum| sum.len() == 32 && is_hex(sum))?;
        let most = FRAGMENTS as usize * FRAGMENT_DIGITS;
        let fragments = value("FRAGMENT SUMS = ").unwrap_or_default();
        Some(Self {
            md5: md5.to_owned(),
            fragments: Some(fragments).filter(|f| f.len() <= most && is_hex(f))?.to_owned(),
            skip_sectors: value("SKIPSECTORS = ")?.parse().ok()?,
            is_supported: value("RHLISOSTATUS=") == Some("1"),
        })
    }
}

/// Computes the sum of a medium whose bytes come in order, in pieces of any size.
#[derive(Clone, Debug)]
pub struct MediaMd5 {
    digest: Md5,
    at: u64,
    /// Bytes that are summed.
    total: u64,
    skip_sectors: u64,
    /// Offsets at which a fragment sum is taken, ascending.
    snapshots: Vec<u64>,
    next_snapshot: usize,
    fragments: String,
}

impl MediaMd5 {
    /// Starts the sum of a volume of `volume_bytes`: the primary volume descriptor's block count
    /// times 2048, not the length of the file.
    pub fn new(volume_bytes: u64) -> Self {
        Self::with_skip(volume_bytes, SKIP_SECTORS)
    }

    /// As [`MediaMd5::new`], for an [`Implant`] that leaves out another number of sectors.
    pub fn with_skip(volume_bytes: u64, skip_sectors: u64) -> Self {
        let total = volume_bytes.saturating_sub(skip_sectors.saturating_mul(SECTOR));
        Self {
            digest: Md5::new(),
            at: 0,
            total,
            skip_sectors,
            snapshots: snapshots(total),
            next_snapshot: 0,
            fragments: String::with_capacity(FRAGMENTS as usize * FRAGMENT_DIGITS),
        }
    }

    /// Returns how many bytes from the start of the image are summed. More are ignored.
    pub fn covered_bytes(&self) -> u64 {
        self.total
    }

    /// Adds the next bytes of the image. The implanted field counts as blanks, whatever it holds.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.at < self.total {
            let stop = self.next_stop();
            let take = usize::try_from(stop - self.at).unwrap_or(usize::MAX).min(bytes.len());
            let (now, rest) = bytes.split_at(take);
            if (FIELD_AT..FIELD_END).contains(&self.at) {
                self.digest.update(&[b' '; FIELD_LEN][..take]);
            } else {
                self.digest.update(now);
            }
            self.at += take as u64;
            bytes = rest;
            if self.snapshots.get(self.next_snapshot) == Some(&self.at) {
                self.next_snapshot += 1;
                self.take_fragment();
            }
        }
    }

    /// Returns the offset up to which bytes can be added at once.
    fn next_stop(&self) -> u64 {
        let snapshot = self.snapshots.get(self.next_snapshot).copied().unwrap_or(self.total);
        let field = [FIELD_AT, FIELD_END].into_iter().find(|&edge| edge > self.at);
        snapshot.min(self.total).min(field.unwrap_or(self.total))
    }

    /// Appends the leading hex digit of the first three bytes of the running sum. `%01x` drops a
    /// leading zero, so a byte below 16 shows its low digit.
    fn take_fragment(&mut self) {
        for byte in self.digest.clone().finalize().into_iter().take(FRAGMENT_DIGITS) {
            let digit = if byte < 16 { byte } else { byte >> 4 };
            self.fragments.push(char::from_digit(digit.into(), 16).expect("a nibble is a digit"));
        }
    }

    /// Ends the sum. Returns `None` when the image ended before the volume.
    pub fn finish(self, is_supported: bool) -> Option<Implant> {
        (self.at == self.total).then(|| Implant {
            md5: hex(&self.digest.finalize()),
            fragments: self.fragments,
            skip_sectors: self.skip_sectors,
            is_supported,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("a nibble is a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Returns the offsets at which `implantisomd5`, reading `total` bytes in chunks, takes its
/// fragment sums: after the first chunk that begins in each new fragment.
fn snapshots(total: u64) -> Vec<u64> {
    let fragment = total / (FRAGMENTS + 1);
    let mut offsets = Vec::with_capacity(FRAGMENTS as usize);
    if fragment == 0 {
        return offsets;
    }
    for number in 1..=FRAGMENTS {
        let chunk = (number * fragment).next_multiple_of(CHUNK);
        if chunk < total {
            offsets.push((chunk + CHUNK).min(total));
        }
    }
    offsets.dedup();
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic bytes of a volume with a primary descriptor of that size and a blank field.
    fn volume(sectors: u32) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut bytes: Vec<u8> = (0..u64::from(sectors) * SECTOR)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect();
        let pvd = 16 * SECTOR as usize;
        bytes[pvd..pvd + 6].copy_from_slice(b"\x01CD001");
        bytes[pvd + 84..pvd + 88].copy_from_slice(&sectors.to_be_bytes());
        bytes[pvd + FIELD_OFFSET..pvd + FIELD_OFFSET + FIELD_LEN].fill(b' ');
        bytes
    }

    fn sum(bytes: &[u8], pieces: usize) -> Implant {
        let mut media = MediaMd5::new(bytes.len() as u64);
        bytes.chunks(pieces).for_each(|piece| media.update(piece));
        media.finish(false).unwrap()
    }

    #[test]
    fn the_sum_does_not_depend_on_the_pieces_or_on_the_field() {
        let mut bytes = volume(1500);
        let whole = sum(&bytes, bytes.len());
        assert_eq!(whole.fragments.len(), 60);
        bytes[33651..34163].copy_from_slice(&whole.to_field());
        for pieces in [1, 7, 2048, 32 * 1024, 100_003] {
            assert_eq!(sum(&bytes, pieces), whole, "pieces of {pieces}");
        }
    }

    #[test]
    fn the_sum_is_the_md5_of_the_volume_less_fifteen_sectors() {
        let bytes = volume(100);
        let expected = Md5::digest(&bytes[..85 * SECTOR as usize]);
        assert_eq!(sum(&bytes, 4096).md5, hex(&expected));
        assert_eq!(hex(&Md5::digest(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn a_volume_that_ends_early_has_no_sum() {
        let bytes = volume(100);
        let mut media = MediaMd5::new(101 * SECTOR);
        media.update(&bytes[..85 * SECTOR as usize]);
        assert_eq!(media.finish(false), None);
        assert_eq!(MediaMd5::new(15 * SECTOR).covered_bytes(), 0);
        assert_eq!(MediaMd5::with_skip(u64::MAX, u64::MAX).covered_bytes(), 0);
    }

    #[test]
    fn an_implant_is_read_back_as_it_was_written() {
        let implant = Implant { is_supported: true, ..sum(&volume(2000), 65536) };
        let mut pvd = vec![0; SECTOR as usize];
        assert_eq!(Implant::parse(&pvd), None);
        pvd[FIELD_OFFSET..FIELD_OFFSET + FIELD_LEN].copy_from_slice(&implant.to_field());
        assert_eq!(Implant::parse(&pvd), Some(implant));
        pvd[FIELD_OFFSET + 13] = b'g';
        assert_eq!(Implant::parse(&pvd), None);
        assert_eq!(Implant::parse(&pvd[..1000]), None);
    }
}
