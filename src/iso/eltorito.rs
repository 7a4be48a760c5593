//! The El Torito boot catalog ("El Torito" Bootable CD-ROM Format Specification 1.0): what the
//! firmware loads, by sector.
//!
//! Not for changing it: an extended image keeps its catalog and boot images where they are.

use super::bounded_reader::BoundedReader;
use super::bytemap::SECTOR;
use super::endian::{le16, le32};
use super::error::IsoError;

/// The most bytes of a catalog that are read; one sector holds 64 entries.
const CATALOG_MAX: u64 = 4 * SECTOR;
const ENTRY: usize = 32;

/// The firmware that a boot image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootPlatform {
    /// The BIOS of a PC.
    Bios,
    /// UEFI: the image is a FAT file system.
    Uefi,
    /// Another platform id.
    Other(u8),
}

/// The kind of disk that a boot image emulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootMedia {
    /// None: its sectors are loaded and run.
    NoEmulation,
    /// A floppy disk of this many bytes.
    Floppy(u64),
    /// A hard disk.
    HardDisk,
    /// A number that the specification does not define.
    Other(u8),
}

/// One boot image of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootEntry {
    /// The firmware it is for.
    pub platform: BootPlatform,
    /// Whether the catalog marks it as bootable.
    pub bootable: bool,
    /// The kind of disk it emulates.
    pub media: BootMedia,
    /// The sector of 2048 bytes where it starts.
    pub load_rba: u32,
    /// Sectors of 512 bytes to load; UEFI often has 0 or 1 where it means the whole image.
    pub sector_count: u16,
    /// The byte of the image where this entry starts.
    pub entry_at: u64,
}

impl BootEntry {
    /// Returns the offset of the boot image in bytes.
    pub fn at(&self) -> u64 {
        u64::from(self.load_rba) * SECTOR
    }

    /// Returns the least number of bytes that the boot image has, by the catalog.
    pub fn len(&self) -> u64 {
        match self.media {
            BootMedia::Floppy(len) => len,
            _ => u64::from(self.sector_count).max(1) * 512,
        }
    }

    /// Always false: a boot image has at least one sector.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// A boot catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootCatalog {
    /// The byte where it starts.
    pub at: u64,
    /// Its entries, the default one first.
    pub entries: Vec<BootEntry>,
}

impl BootCatalog {
    /// Whether the catalog or a boot image begins within these bytes.
    pub(super) fn points_into(&self, at: u64, len: u64) -> bool {
        let mut starts = self.entries.iter().map(BootEntry::at).chain([self.at]);
        starts.any(|start| at <= start && start < at.saturating_add(len))
    }
}

/// Reads the catalog that begins at `sector`; `end` is the length of the image.
pub(super) fn read_boot_catalog(
    reader: &mut BoundedReader<'_>,
    sector: u32,
    end: u64,
) -> Result<BootCatalog, IsoError> {
    let at = u64::from(sector) * SECTOR;
    let len = end.saturating_sub(at).clamp(SECTOR, CATALOG_MAX);
    let bytes = reader.read("the boot catalog", at, len as usize)?;
    check_validation_entry(&bytes, at)?;
    let mut entries = vec![parse_entry(&bytes, at, ENTRY, parse_platform(bytes[1]))];
    let mut header = 2 * ENTRY;
    while let Some(section) = bytes.get(header..header + ENTRY) {
        let last = match section[0] {
            0x90 => false,
            0x91 => true,
            _ => break,
        };
        let mut offset = header + ENTRY;
        for _ in 0..le16(section, 2) {
            if bytes.len() < offset + ENTRY {
                let why = format!("a section of {} entries does not end", le16(section, 2));
                return Err(malformed(at + header as u64, why));
            }
            entries.push(parse_entry(&bytes, at, offset, parse_platform(section[1])));
            // Bit 5 of the media type announces extension entries (0x44).
            let extended = bytes[offset + 1] & 0x20 != 0;
            offset += ENTRY;
            while extended && bytes.get(offset) == Some(&0x44) {
                offset += ENTRY;
            }
        }
        header = offset;
        if last {
            break;
        }
    }
    for entry in entries.iter().filter(|entry| entry.bootable) {
        reader.claim("a boot image", entry.at(), entry.len())?;
    }
    Ok(BootCatalog { at, entries })
}

fn check_validation_entry(bytes: &[u8], at: u64) -> Result<(), IsoError> {
    if bytes[0] != 1 || bytes[30..32] != [0x55, 0xaa] {
        return Err(malformed(at, "it does not start with a validation entry".to_owned()));
    }
    let sum = (0..ENTRY).step_by(2).fold(0_u16, |sum, word| sum.wrapping_add(le16(bytes, word)));
    if sum != 0 {
        return Err(malformed(
            at,
            format!("the words of its first entry sum to {sum}, expected 0"),
        ));
    }
    Ok(())
}

fn malformed(at: u64, why: String) -> IsoError {
    IsoError::Malformed { what: "boot catalog", at, why }
}

fn parse_platform(id: u8) -> BootPlatform {
    match id {
        0 => BootPlatform::Bios,
        0xef => BootPlatform::Uefi,
        other => BootPlatform::Other(other),
    }
}

fn parse_entry(bytes: &[u8], at: u64, offset: usize, platform: BootPlatform) -> BootEntry {
    let entry = &bytes[offset..offset + ENTRY];
    BootEntry {
        platform,
        bootable: entry[0] == 0x88,
        media: match entry[1] & 0x0f {
            0 => BootMedia::NoEmulation,
            1 => BootMedia::Floppy(1_228_800),
            2 => BootMedia::Floppy(1_474_560),
            3 => BootMedia::Floppy(2_949_120),
            4 => BootMedia::HardDisk,
            other => BootMedia::Other(other),
        },
        load_rba: le32(entry, 8),
        sector_count: le16(entry, 6),
        entry_at: at + offset as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::super::bytemap::{ByteMap, ByteOrigin};
    use super::*;

    fn validation() -> Vec<u8> {
        let mut bytes = vec![0; ENTRY];
        bytes[0] = 1;
        bytes[28..30]
            .copy_from_slice(&0x55aa_u16.wrapping_neg().wrapping_sub(1 + 0x5500).to_le_bytes());
        bytes[30..32].copy_from_slice(&[0x55, 0xaa]);
        let sum = bytes.chunks(2).fold(0_u16, |sum, word| sum.wrapping_add(le16(word, 0)));
        let fixed = le16(&bytes, 28).wrapping_sub(sum);
        bytes[28..30].copy_from_slice(&fixed.to_le_bytes());
        bytes
    }

    fn boot(media: u8, count: u16, rba: u32) -> Vec<u8> {
        let mut bytes = vec![0x88, media, 0, 0, 0, 0];
        bytes.extend(count.to_le_bytes());
        bytes.extend(rba.to_le_bytes());
        bytes.resize(ENTRY, 0);
        bytes
    }

    fn header(id: u8, platform: u8, count: u16) -> Vec<u8> {
        let mut bytes = vec![id, platform];
        bytes.extend(count.to_le_bytes());
        bytes.resize(ENTRY, 0);
        bytes
    }

    fn catalog(entries: &[Vec<u8>]) -> Result<BootCatalog, IsoError> {
        let mut bytes = entries.concat();
        bytes.resize(SECTOR as usize, 0);
        let mut map = ByteMap::new();
        map.push(20 * SECTOR, ByteOrigin::Zero);
        map.push_bytes(bytes);
        map.push(40 * SECTOR, ByteOrigin::Zero);
        read_boot_catalog(&mut BoundedReader::new(&map), 20, map.len())
    }

    #[test]
    fn every_section_is_read() {
        let mut extended = boot(0x20, 8, 40);
        extended[1] = 0x20;
        let read = catalog(&[
            validation(),
            boot(0, 4, 30),
            header(0x90, 0, 1),
            extended,
            vec![0x44; ENTRY],
            header(0x91, 0xef, 1),
            boot(0, 16, 50),
        ])
        .unwrap();
        let seen: Vec<_> = read
            .entries
            .iter()
            .map(|entry| (entry.platform, entry.load_rba, entry.sector_count, entry.bootable))
            .collect();
        let expected = [
            (BootPlatform::Bios, 30, 4, true),
            (BootPlatform::Bios, 40, 8, true),
            (BootPlatform::Uefi, 50, 16, true),
        ];
        assert_eq!(seen, expected);
        assert_eq!(read.entries[2].entry_at, 20 * SECTOR + 6 * 32);
        assert!(read.points_into(50 * SECTOR, 1) && read.points_into(19 * SECTOR, 2 * SECTOR));
        assert!(!read.points_into(51 * SECTOR, SECTOR) && !read.points_into(50 * SECTOR, 0));
    }

    #[test]
    fn broken_catalogs_are_refused() {
        let mut sum = validation();
        sum[28] ^= 1;
        for bad in [
            vec![],
            vec![sum, boot(0, 4, 30)],
            vec![validation(), boot(0, 4, 61)],
            vec![validation(), boot(2, 1, 30)],
            vec![validation(), boot(0, 4, 30), header(0x91, 0xef, 65535)],
        ] {
            assert!(catalog(&bad).is_err(), "{bad:?}");
        }
    }
}
