//! The partition tables in the first 32 KiB and at the end of an image, for firmware that takes it
//! for a disk; and how they change when files are appended: where new data may begin, how long the
//! image becomes, and which bytes of MBR, GPT and Apple partition map are patched.
//!
//! Not for checking a finished image (`partition_report`), nor for ISO 9660 itself.

use std::io;

use super::bytemap::SECTOR;
use super::endian::le32;
use super::partition_apm::Apm;
use super::partition_gpt::{GptEntry, GptHeader};
use super::partition_mbr::{self, BLOCK, MbrEntry};
use super::partition_range::PartitionRange;
use super::read_at::ReadAt;
use crate::hint::hinted;

/// Bytes before the primary volume descriptor.
pub const SYSTEM_AREA: u64 = 16 * SECTOR;

/// The last block at which a partition can begin that holds the whole volume.
const LAST_WHOLE_START: u64 = SYSTEM_AREA / BLOCK;

/// Why the partition tables of an image cannot be read or grown.
#[derive(Debug, thiserror::Error)]
pub enum SystemAreaError {
    /// The image cannot be read.
    #[error("the image cannot be read at byte {0}")]
    Read(u64, #[source] io::Error),
    /// There is no primary volume descriptor.
    #[error("not an ISO 9660 image: no volume descriptor at sector 16")]
    NoVolume,
    /// The file ends before something that its tables say it holds.
    #[error("the image has {len} bytes, but its {what} ends at byte {end}")]
    Truncated {
        /// Bytes of the image.
        len: u64,
        /// What does not fit.
        what: String,
        /// Where that ends.
        end: u64,
    },
}

impl SystemAreaError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read(..) => None,
            Self::NoVolume => Some("give the vendor's ISO image as it was downloaded".to_owned()),
            Self::Truncated { .. } => Some(
                "the download is incomplete: fetch it again and compare its checksum".to_owned(),
            ),
        }
    }
}

hinted!(SystemAreaError);

/// One of the three kinds of partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, derive_more::Display)]
pub enum PartitionTable {
    /// Master boot record.
    #[display("MBR")]
    Mbr,
    /// GUID partition table.
    #[display("GPT")]
    Gpt,
    /// Apple partition map.
    #[display("Apple partition map")]
    Apm,
}

/// Something a person should know about how an image grew.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::Display)]
pub enum GrowthNote {
    /// The system area holds bytes that are no known table. They are kept.
    #[display("the system area holds no partition table: kept as it is")]
    Unknown,
    /// The partition over the old volume keeps its size because another one follows it.
    #[display(
        "{table} partition {number} keeps its size because partition {behind} lies behind it: added files \
         are found on the disc and on the whole device, not through that partition"
    )]
    LeftAlone {
        /// The table.
        table: PartitionTable,
        /// The partition's number.
        number: usize,
        /// The number of the one that follows.
        behind: usize,
    },
    /// The table of the base is broken, and is kept unchanged.
    #[display("the base's {table} is kept as it is, for {why}")]
    Broken {
        /// The table.
        table: PartitionTable,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The changes to an image that grew.
///
/// The image is the base up to [`SystemArea::append_at`] (zeros where the base is a few bytes
/// shorter), then the new data, then zeros up to `len`, and over that the patches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Bytes of the finished image.
    pub len: u64,
    /// Offsets and bytes, in ascending order and inside the image.
    pub patches: Vec<(u64, Vec<u8>)>,
    /// What a person should know.
    pub notes: Vec<GrowthNote>,
}

/// The partition tables of a base image.
#[derive(Clone, Debug)]
pub struct SystemArea {
    area: Vec<u8>,
    len: u64,
    volume_end: u64,
    mbr: Vec<MbrEntry>,
    gpt: Option<PrimaryGpt>,
    apm: Option<Apm>,
    notes: Vec<GrowthNote>,
    append_at: u64,
}

/// A correct primary table, and where its backup is.
#[derive(Clone, Debug)]
struct PrimaryGpt {
    header: GptHeader,
    array: Vec<u8>,
    entries: Vec<GptEntry>,
    /// The ranges of the old backup, as far as it was found: offset and length.
    backup: Vec<(u64, u64)>,
}

impl SystemArea {
    /// Reads the tables of an image of `len` bytes.
    ///
    /// # Errors
    ///
    /// Fails when it is not an ISO 9660 image, or when the volume or a partition reaches past its
    /// end.
    pub fn read(base: &dyn ReadAt, len: u64) -> Result<Self, SystemAreaError> {
        let descriptor_end = SYSTEM_AREA + SECTOR;
        if len < descriptor_end {
            return Err(SystemAreaError::NoVolume);
        }
        let mut area = read_bytes(base, 0, SYSTEM_AREA)?;
        let volume_end = volume_bytes(&read_bytes(base, SYSTEM_AREA, SECTOR)?)?;
        require_within(len, "volume", volume_end)?;
        area.truncate(SYSTEM_AREA as usize);

        let mut notes = Vec::new();
        let parsed = partition_mbr::parse_mbr(&area);
        let apm = Apm::parse(&area);
        let gpt = match parse_primary_gpt(&area) {
            PrimaryGptState::Good(header, array) => {
                let backup = find_backup(base, len, &header)?;
                Some(PrimaryGpt { entries: header.entries(&array), header, array, backup })
            }
            PrimaryGptState::Broken(why) => {
                notes.push(GrowthNote::Broken { table: PartitionTable::Gpt, why });
                None
            }
            PrimaryGptState::None => None,
        };
        let is_blank = area.iter().all(|&byte| byte == 0);
        let has_table = parsed.is_some() || apm.is_some() || gpt.is_some() || !notes.is_empty();
        if !is_blank && !has_table {
            notes.push(GrowthNote::Unknown);
        }
        let mbr = parsed.unwrap_or_default();
        let mut this = Self { area, len, volume_end, mbr, gpt, apm, notes, append_at: 0 };
        this.append_at = this.find_append_at()?;
        Ok(this)
    }

    /// Returns the offset at which new data may begin: behind the volume and every partition that
    /// is not the volume itself. Padding and an old backup GPT may be overwritten.
    pub fn append_at(&self) -> u64 {
        self.append_at
    }

    /// Returns the changes when the new data ends at `data_end`, or [`append_at`](Self::append_at)
    /// when that is later. The data should include the padding of the volume.
    pub fn grow(&self, data_end: u64) -> Growth {
        let data_end = data_end.max(self.append_at).next_multiple_of(SECTOR);
        let backup = self.gpt.as_ref().map_or(0, |gpt| gpt.header.backup_blocks() * BLOCK);
        let unit = self.cylinder().unwrap_or(SECTOR);
        let len = (data_end + backup).next_multiple_of(unit);

        let mut patches: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut notes = self.notes.clone();
        let mut ends = Vec::new();
        for (table, whole) in self.partitions().filter(|(_, partition)| self.is_whole(partition)) {
            let number = whole.number;
            if let Some(behind) = self.partition_after(table, &whole) {
                notes.push(GrowthNote::LeftAlone { table, number, behind });
                continue;
            }
            match table {
                PartitionTable::Mbr => {
                    let entry = self.mbr.iter().find(|entry| entry.number == number);
                    let entry = entry.expect("the partition was made from it");
                    patches.push(entry.with_end(&self.area, len / BLOCK));
                }
                PartitionTable::Gpt => ends.push((number, data_end / BLOCK)),
                PartitionTable::Apm => {
                    let apm = self.apm.as_ref().expect("the partition was made from it");
                    let entry = apm.entries.iter().find(|entry| entry.number == number);
                    let entry = entry.expect("the partition was made from it");
                    patches.extend(apm.with_end(entry, data_end / apm.block));
                }
            }
        }
        if let Some(gpt) = &self.gpt {
            for &(at, bytes) in &gpt.backup {
                let kept = bytes.min(self.append_at.saturating_sub(at));
                patches.push((at, vec![0; kept as usize]));
            }
            patches.extend(gpt.header.moved(&gpt.array, len / BLOCK, &ends).patches);
        }
        patches.retain(|(_, bytes)| !bytes.is_empty());
        patches.sort_by_key(|(at, _)| *at);
        Growth { len, patches, notes }
    }

    /// Returns the cylinder that isohybrid padded the base to, if it did.
    fn cylinder(&self) -> Option<u64> {
        let whole = self.mbr.iter().find(|entry| entry.end * BLOCK == self.len)?;
        if whole.start > LAST_WHOLE_START || whole.kind == partition_mbr::PROTECTIVE {
            return None;
        }
        whole.cylinder()
    }

    fn partitions(&self) -> impl Iterator<Item = (PartitionTable, PartitionRange)> {
        let mbr = self.mbr.iter().map(|entry| (PartitionTable::Mbr, entry.range()));
        let gpt = self.gpt.iter().flat_map(|gpt| &gpt.entries);
        let gpt = gpt.map(|entry| (PartitionTable::Gpt, entry.range()));
        let apm = self.apm.iter().flat_map(Apm::ranges);
        mbr.chain(gpt).chain(apm.map(|range| (PartitionTable::Apm, range)))
    }

    /// Whether a partition is the volume: it begins before the volume descriptor and reaches the
    /// volume's end, or the backup GPT that xorriso counts into the volume. xorriso rounds
    /// such an end down to a sector.
    fn is_whole(&self, partition: &PartitionRange) -> bool {
        let backup = self
            .gpt
            .as_ref()
            .map(|gpt| gpt.header.last_usable.saturating_add(1).saturating_mul(BLOCK));
        let floor = self.volume_end.min(backup.unwrap_or(u64::MAX));
        partition.start <= LAST_WHOLE_START * BLOCK && partition.end.saturating_add(SECTOR) > floor
    }

    /// Returns the first partition of a table that begins behind `whole`.
    fn partition_after(&self, table: PartitionTable, whole: &PartitionRange) -> Option<usize> {
        self.partitions()
            .filter(|(other, partition)| *other == table && partition.start >= whole.end)
            .min_by_key(|(_, partition)| partition.start)
            .map(|(_, partition)| partition.number)
    }

    fn find_append_at(&self) -> Result<u64, SystemAreaError> {
        let mut end = self.volume_end;
        for (table, part) in self.partitions().filter(|(_, part)| !self.is_whole(part)) {
            require_within(self.len, format!("{table} partition {}", part.number), part.end)?;
            end = end.max(part.end);
        }
        Ok(end.next_multiple_of(SECTOR))
    }
}

/// The state of the primary GPT.
enum PrimaryGptState {
    Good(GptHeader, Vec<u8>),
    Broken(&'static str),
    None,
}

/// Parses the primary GPT in the system area, which has header and array on every hybrid image.
/// Blocks have 512 bytes: images for disks with larger ones are not made.
fn parse_primary_gpt(area: &[u8]) -> PrimaryGptState {
    let block = &area[BLOCK as usize..2 * BLOCK as usize];
    let Some(header) = GptHeader::parse(block) else {
        let is_header = block.starts_with(b"EFI PART");
        return if is_header {
            PrimaryGptState::Broken("its header makes no sense")
        } else {
            PrimaryGptState::None
        };
    };
    let start = header.array_at.checked_mul(BLOCK).and_then(|at| usize::try_from(at).ok());
    let end = start.and_then(|start| start.checked_add(header.array_len() as usize));
    let array = start.zip(end).and_then(|(start, end)| area.get(start..end));
    match array {
        _ if !header.is_crc_right => PrimaryGptState::Broken("its header's checksum is wrong"),
        _ if header.at != 1 => PrimaryGptState::Broken("its header says it is not in block 1"),
        Some(array) if header.array_at >= 2 => {
            if header.is_array_crc_right(array) {
                PrimaryGptState::Good(header.clone(), array.to_vec())
            } else {
                PrimaryGptState::Broken("the checksum of its entries is wrong")
            }
        }
        _ => PrimaryGptState::Broken("its entries lie outside of the system area"),
    }
}

/// Returns the ranges of the old backup, as far as there is one.
fn find_backup(
    base: &dyn ReadAt,
    len: u64,
    primary: &GptHeader,
) -> Result<Vec<(u64, u64)>, SystemAreaError> {
    let Some(at) = primary.other.checked_mul(BLOCK) else { return Ok(Vec::new()) };
    if at < SYSTEM_AREA + SECTOR || at.checked_add(BLOCK).is_none_or(|end| end > len) {
        return Ok(Vec::new());
    }
    let block = read_bytes(base, at, BLOCK)?;
    let backup = GptHeader::parse(&block).filter(|backup| {
        backup.is_crc_right && backup.at == primary.other && backup.disk == primary.disk
    });
    let Some(backup) = backup else { return Ok(Vec::new()) };
    let mut ranges = vec![(at, BLOCK)];
    let array_at = backup.array_at.checked_mul(BLOCK).filter(|&array_at| {
        array_at >= SYSTEM_AREA + SECTOR && array_at.saturating_add(backup.array_len()) <= at
    });
    if let Some(array_at) = array_at
        && backup.is_array_crc_right(&read_bytes(base, array_at, backup.array_len())?)
    {
        ranges.push((array_at, backup.array_len()));
    }
    Ok(ranges)
}

/// Returns the length of the volume in bytes, from its primary descriptor.
pub(super) fn volume_bytes(descriptor: &[u8]) -> Result<u64, SystemAreaError> {
    if descriptor.get(..6) != Some(b"\x01CD001") {
        return Err(SystemAreaError::NoVolume);
    }
    Ok(u64::from(le32(descriptor, 80)) * SECTOR)
}

/// Reads `len` bytes; the caller limits `len`.
pub(super) fn read_bytes(base: &dyn ReadAt, at: u64, len: u64) -> Result<Vec<u8>, SystemAreaError> {
    let mut bytes = vec![0; usize::try_from(len).expect("a bounded length")];
    base.read_exact_at(at, &mut bytes).map_err(|source| SystemAreaError::Read(at, source))?;
    Ok(bytes)
}

fn require_within(len: u64, what: impl Into<String>, end: u64) -> Result<(), SystemAreaError> {
    if end > len {
        return Err(SystemAreaError::Truncated { len, what: what.into(), end });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of `sector_allocator` sectors whose volume has `volume` of them.
    fn image(sectors: u32, volume: u32) -> Vec<u8> {
        let mut image = vec![0; (u64::from(sectors) * SECTOR) as usize];
        let descriptor = SYSTEM_AREA as usize;
        image[descriptor..descriptor + 6].copy_from_slice(b"\x01CD001");
        image[descriptor + 80..descriptor + 84].copy_from_slice(&volume.to_le_bytes());
        image
    }

    fn with_mbr(mut image: Vec<u8>, entries: &[(u8, u32, u32)]) -> Vec<u8> {
        for (index, (kind, start, count)) in entries.iter().enumerate() {
            let entry = &mut image[446 + 16 * index..462 + 16 * index];
            entry[4] = *kind;
            entry[8..12].copy_from_slice(&start.to_le_bytes());
            entry[12..16].copy_from_slice(&count.to_le_bytes());
        }
        image[510..512].copy_from_slice(&[0x55, 0xAA]);
        image
    }

    fn open(image: &[u8]) -> Result<SystemArea, SystemAreaError> {
        SystemArea::read(&image.to_vec(), image.len() as u64)
    }

    #[test]
    fn data_begins_behind_the_volume_and_its_partitions() {
        for (what, entries, volume, append_at) in [
            ("no table", &[][..], 300, 300),
            ("padding behind the volume", &[(0x17, 0, 4096)], 300, 300),
            ("appended partition", &[(0, 0, 1200), (0xEF, 1200, 801)], 300, 501),
            ("protective entry", &[(0xEE, 1, 4095)], 300, 300),
            ("partition inside of the volume", &[(0, 0, 4096), (0xEF, 164, 100)], 300, 300),
        ] {
            let area = open(&with_mbr(image(1024, volume), entries)).unwrap();
            assert_eq!(area.append_at(), append_at * SECTOR, "{what}");
        }
    }

    #[test]
    fn only_the_partition_over_the_volume_grows() {
        let base = with_mbr(image(400, 300), &[(0xCD, 1, 1199), (0xEF, 164, 100)]);
        let growth = open(&base).unwrap().grow(1_000_001);
        let mut expected = base[446..462].to_vec();
        expected[12..16].copy_from_slice(&(1_001_472_u32 / 512 - 1).to_le_bytes());
        let expected = Growth { len: 1_001_472, patches: vec![(446, expected)], notes: vec![] };
        assert_eq!(growth, expected);
    }

    #[test]
    fn a_partition_behind_the_volume_stops_it_from_growing() {
        let base = with_mbr(image(1024, 300), &[(0, 0, 1200), (0xEF, 1200, 800)]);
        let growth = open(&base).unwrap().grow(0);
        let note = GrowthNote::LeftAlone { table: PartitionTable::Mbr, number: 1, behind: 2 };
        assert_eq!(growth, Growth { len: 500 * SECTOR, patches: vec![], notes: vec![note] });
    }

    #[test]
    fn what_is_not_understood_stays_and_is_told() {
        assert_eq!(open(&image(400, 300)).unwrap().grow(0).notes, []);
        let mut base = image(400, 300);
        base[100] = 1;
        let growth = open(&base).unwrap().grow(0);
        assert_eq!((growth.patches, growth.notes), (vec![], vec![GrowthNote::Unknown]));

        let mut base = with_mbr(image(400, 300), &[(0xEE, 1, 1599)]);
        base[512..520].copy_from_slice(b"EFI PART");
        let growth = open(&base).unwrap().grow(0);
        assert_eq!(growth.patches.len(), 1);
        assert!(matches!(
            growth.notes[..],
            [GrowthNote::Broken { table: PartitionTable::Gpt, .. }]
        ));
    }

    #[test]
    fn a_file_that_ends_early_is_refused() {
        for (base, what) in [
            (image(299, 300), "volume"),
            (with_mbr(image(400, 300), &[(0xEF, 1200, 801)]), "MBR partition 1"),
        ] {
            let error = open(&base).unwrap_err();
            assert!(error.to_string().contains(what) && error.hint().is_some(), "{error}");
        }
        assert!(matches!(open(&[0; 34816]), Err(SystemAreaError::NoVolume)));
        assert!(matches!(open(&[0; 100]), Err(SystemAreaError::NoVolume)));
    }
}
