//! The system use area of a directory record (SUSP 1.12) and Rock Ridge in it (RRIP 1.10, 1.12):
//! names, modes, symbolic links and relocated directories.
//!
//! Not for zisofs, AAIP or other extensions: their entries are kept and not interpreted.

use super::bounded_reader::BoundedReader;
use super::bytemap::SECTOR;
use super::endian::{both32, le32};
use super::error::IsoError;
use super::name::validate_name;
use super::record::Record;
use super::timestamp::Timestamp;

/// The most continuation areas of one record.
const HOPS: u32 = 16;
/// The longest continuation area; the standard allows one sector, writers exceed it.
const CONTINUATION_MAX: u32 = 4 * SECTOR as u32;
/// The longest target of a symbolic link (Linux PATH_MAX).
const LINK_MAX: usize = 4096;

const MODE_FORMAT: u32 = 0o170_000;
const MODE_LINK: u32 = 0o120_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_DIRECTORY: u32 = 0o040_000;

/// The form of Rock Ridge on a medium, for new entries to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RockRidge {
    /// Bytes to skip at the start of each system use area but the root's first.
    pub skip: u8,
    /// Length of a PX entry: 36 in RRIP 1.10, 44 in 1.12.
    pub px_len: u8,
    /// Whether records start with the RR entry of RRIP 1.09.
    pub rr_entry: bool,
}

/// One entry of a record or of a continuation area.
pub(super) struct SystemUseEntry<'a> {
    /// Its offset on the medium.
    pub at: u64,
    bytes: &'a [u8],
}

impl SystemUseEntry<'_> {
    pub(super) fn is(&self, signature: &[u8; 2]) -> bool {
        self.bytes.starts_with(signature)
    }

    /// Returns the bytes behind signature, length and version.
    fn payload(&self) -> &[u8] {
        &self.bytes[4..]
    }

    /// Reads the both-endian number at `at` of the entry.
    pub(super) fn read_u32(&self, at: usize) -> Result<u32, IsoError> {
        match self.bytes.get(at..at + 4) {
            Some(_) => Ok(le32(self.bytes, at)),
            None => Err(self.malformed(format!("its length is {}", self.bytes.len()))),
        }
    }

    fn malformed(&self, why: String) -> IsoError {
        IsoError::Malformed { what: "system use entry", at: self.at, why }
    }
}

/// Detects from the root's own record whether the medium has Rock Ridge, and in which form.
pub(super) fn detect_rock_ridge(
    reader: &mut BoundedReader<'_>,
    at: u64,
    root: Record<'_>,
) -> Result<Option<RockRidge>, IsoError> {
    let tail_at = root.system_use_at();
    let tail = &root.bytes()[tail_at..];
    let Some(start) = first_area_at(tail) else { return Ok(None) };
    let mut rock = RockRidge { skip: tail[start + 6], px_len: 36, rr_entry: false };
    let mut is_rock_ridge = false;
    visit_areas(reader, at + (tail_at + start) as u64, &tail[start..], |entry| {
        if entry.is(b"PX") {
            is_rock_ridge = true;
            rock.px_len = if entry.bytes.len() >= 44 { 44 } else { 36 };
        } else if entry.is(b"RR") {
            is_rock_ridge = true;
            rock.rr_entry = true;
        } else if entry.is(b"ER") {
            let id = entry.bytes.get(8..).unwrap_or_default();
            is_rock_ridge |= [&b"RRIP_1991A"[..], b"IEEE_P1282", b"IEEE_1282"]
                .iter()
                .any(|known| id.starts_with(known));
        }
        Ok(())
    })?;
    Ok(is_rock_ridge.then_some(rock))
}

/// The Rock Ridge attributes of one record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// The name, if the record has one.
    pub name: Option<String>,
    /// The target of a symbolic link.
    pub link: Option<String>,
    /// Whether this is a device, a socket or a pipe.
    pub special: bool,
    /// For the place holder of a relocated directory: the sector of the directory.
    pub moved_to: Option<u32>,
    /// Whether this is a relocated directory, which is hidden here.
    pub moved: bool,
}

/// Reads the Rock Ridge attributes of the record at byte `at`.
pub(super) fn read_attributes(
    reader: &mut BoundedReader<'_>,
    rock: RockRidge,
    at: u64,
    record: Record<'_>,
) -> Result<Attributes, IsoError> {
    let mut found = Attributes::default();
    let mut name: Option<Vec<u8>> = None;
    let mut link: Option<LinkTarget> = None;
    visit_entries(reader, rock, at, record, |entry| {
        if entry.is(b"NM") {
            let payload = entry.payload();
            let Some((&flags, text)) = payload.split_first() else {
                return Err(entry.malformed("NM without flags".to_owned()));
            };
            if flags & 0x06 != 0 {
                return Err(entry.malformed("NM says . or ..".to_owned()));
            }
            let name = name.get_or_insert_default();
            name.extend_from_slice(text);
            if name.len() > 255 {
                return Err(entry.malformed("a name of more than 255 bytes".to_owned()));
            }
        } else if entry.is(b"PX") {
            let format = entry.read_u32(4)? & MODE_FORMAT;
            found.special = ![MODE_LINK, MODE_FILE, MODE_DIRECTORY, 0].contains(&format);
        } else if entry.is(b"SL") {
            link.get_or_insert_default().add(&entry)?;
        } else if entry.is(b"CL") {
            found.moved_to = Some(entry.read_u32(4)?);
        } else if entry.is(b"RE") {
            found.moved = true;
        }
        Ok(())
    })?;
    found.name = name.map(|bytes| validate_name(&bytes, at)).transpose()?;
    found.link = link.map(|link| link.target(at)).transpose()?;
    Ok(found)
}

/// Returns where the root's own area starts: at its SP entry, which may follow 14 bytes of CD-ROM
/// XA.
fn first_area_at(tail: &[u8]) -> Option<usize> {
    [0, 14].into_iter().find(|&start| {
        tail.get(start..start + 7).is_some_and(|sp| sp.starts_with(b"SP\x07\x01\xbe\xef"))
    })
}

/// Calls `visit` with each entry of a record.
pub(super) fn visit_entries(
    reader: &mut BoundedReader<'_>,
    rock: RockRidge,
    at: u64,
    record: Record<'_>,
    visit: impl FnMut(SystemUseEntry<'_>) -> Result<(), IsoError>,
) -> Result<(), IsoError> {
    let tail_at = record.system_use_at();
    let skip = first_area_at(&record.bytes()[tail_at..]).unwrap_or(rock.skip.into());
    let start = (tail_at + skip).min(record.bytes().len());
    visit_areas(reader, at + start as u64, &record.bytes()[start..], visit)
}

/// Calls `visit` with the entries of an area and of those that continue it.
fn visit_areas(
    reader: &mut BoundedReader<'_>,
    at: u64,
    area: &[u8],
    mut visit: impl FnMut(SystemUseEntry<'_>) -> Result<(), IsoError>,
) -> Result<(), IsoError> {
    let mut next = visit_area(at, area, &mut visit)?;
    let mut hops = 0;
    while let Some((at, len)) = next {
        hops += 1;
        if hops > HOPS {
            return Err(IsoError::Loop("a continuation area", at));
        }
        if len > CONTINUATION_MAX {
            let why = format!("its length is {len}, expected at most {CONTINUATION_MAX}");
            return Err(IsoError::Malformed { what: "continuation area", at, why });
        }
        let area = reader.read("a continuation area", at, len as usize)?;
        next = visit_area(at, &area, &mut visit)?;
    }
    Ok(())
}

/// Calls `visit` with the entries of one area. Returns place and length of the one that continues
/// it.
fn visit_area(
    at: u64,
    area: &[u8],
    visit: &mut impl FnMut(SystemUseEntry<'_>) -> Result<(), IsoError>,
) -> Result<Option<(u64, u32)>, IsoError> {
    let mut offset = 0;
    let mut next = None;
    while area.len() - offset >= 4 && area[offset] != 0 {
        let entry_at = at + offset as u64;
        let len = usize::from(area[offset + 2]);
        let Some(bytes) = area.get(offset..offset + len).filter(|_| len >= 4) else {
            let why = format!("its length is {len}, with {} bytes left", area.len() - offset);
            return Err(IsoError::Malformed { what: "system use entry", at: entry_at, why });
        };
        let entry = SystemUseEntry { at: entry_at, bytes };
        if entry.is(b"ST") {
            break;
        }
        if entry.is(b"CE") {
            let (sector, skip, len) =
                (entry.read_u32(4)?, entry.read_u32(12)?, entry.read_u32(20)?);
            next = Some((u64::from(sector) * SECTOR + u64::from(skip), len));
        } else {
            visit(entry)?;
        }
        offset += len;
    }
    Ok(next)
}

/// The target of a symbolic link, assembled from its components.
#[derive(Default)]
struct LinkTarget {
    target: Vec<u8>,
    /// Whether the last component continues in the next one.
    open: bool,
}

impl LinkTarget {
    fn add(&mut self, entry: &SystemUseEntry<'_>) -> Result<(), IsoError> {
        let mut rest = entry.payload().get(1..).unwrap_or_default();
        while !rest.is_empty() {
            let component = rest
                .get(1)
                .and_then(|&len| rest.get(2..2 + usize::from(len)))
                .ok_or_else(|| entry.malformed("SL is cut inside a component".to_owned()))?;
            let flags = rest[0];
            if !self.open && !self.target.is_empty() && !self.target.ends_with(b"/") {
                self.target.push(b'/');
            }
            match flags & 0x0e {
                0x02 => self.target.push(b'.'),
                0x04 => self.target.extend_from_slice(b".."),
                0x08 => self.target = b"/".to_vec(),
                _ => self.target.extend_from_slice(component),
            }
            self.open = flags & 0x01 != 0;
            if self.target.len() > LINK_MAX {
                return Err(entry.malformed(format!("a link of more than {LINK_MAX} bytes")));
            }
            rest = &rest[2 + component.len()..];
        }
        Ok(())
    }

    fn target(self, at: u64) -> Result<String, IsoError> {
        let target = String::from_utf8_lossy(&self.target).into_owned();
        if target.is_empty() || target.chars().any(char::is_control) {
            let why = "is a link whose target is empty or has control characters";
            return Err(IsoError::Name { name: target, at, why });
        }
        Ok(target)
    }
}

impl RockRidge {
    /// Returns the system use area of a new file or directory; `.` and `..` have no name.
    pub(super) fn new_entry(
        &self,
        name: Option<&str>,
        directory: bool,
        links: u32,
        serial: u32,
        at: Timestamp,
    ) -> Vec<u8> {
        let mut area = vec![0; usize::from(self.skip)];
        area.extend(self.entries(name, directory, links, serial, at));
        area
    }

    /// Returns the system use area of a new root's own record. Its SP states that all others have
    /// one.
    pub(super) fn new_root(&self, links: u32, at: Timestamp) -> Vec<u8> {
        let mut area = b"SP\x07\x01\xbe\xef".to_vec();
        area.push(self.skip);
        area.extend(self.entries(None, true, links, 0, at));
        area.extend(b"ER\x12\x01\x0a\0\0\x01RRIP_1991A");
        area
    }

    fn entries(
        &self,
        name: Option<&str>,
        directory: bool,
        links: u32,
        serial: u32,
        at: Timestamp,
    ) -> Vec<u8> {
        let mut area = Vec::new();
        if self.rr_entry {
            let present = 0x81 | if name.is_some() { 0x08 } else { 0 };
            area.extend([b'R', b'R', 5, 1, present]);
        }
        if let Some(name) = name {
            let len = u8::try_from(5 + name.len()).unwrap_or(u8::MAX);
            area.extend([b'N', b'M', len, 1, 0]);
            area.extend(name.as_bytes());
        }
        area.extend([b'P', b'X', self.px_len, 1]);
        area.extend(both32(if directory { 0o040_755 } else { 0o100_644 }));
        area.extend(both32(links));
        area.extend([0; 16]);
        if self.px_len == 44 {
            area.extend(both32(serial));
        }
        // Modification, access and attribute change, in the 7 byte form.
        area.extend([b'T', b'F', 5 + 3 * 7, 1, 0x0e]);
        for _ in 0..3 {
            area.extend(at.short());
        }
        area
    }
}

/// Sets all times of short form in the TF entries within a record.
pub(super) fn set_times(rock: RockRidge, record: &mut [u8], at: Timestamp) {
    let mut offset = HEAD_OF_TAIL + usize::from(record[32]);
    offset += (offset & 1) + usize::from(rock.skip);
    while let Some(entry) = record.get_mut(offset..).filter(|rest| rest.len() >= 5) {
        let len = usize::from(entry[2]);
        if len < 4 || len > entry.len() {
            return;
        }
        if entry.starts_with(b"TF") && entry[4] & 0x80 == 0 {
            for time in entry[5..len].as_chunks_mut::<7>().0 {
                *time = at.short();
            }
        }
        offset += len;
    }
}

/// Bytes of a record before its identifier.
const HEAD_OF_TAIL: usize = 33;

#[cfg(test)]
mod tests {
    use super::super::bytemap::ByteMap;
    use super::super::record::{Extent, NewRecord};
    use super::*;

    const ROCK: RockRidge = RockRidge { skip: 0, px_len: 36, rr_entry: false };

    fn at() -> Timestamp {
        Timestamp::new(86_400).unwrap()
    }

    fn read(rock: RockRidge, area: &[u8], continued: &[u8]) -> Result<Attributes, IsoError> {
        let extent = Extent { sector: 0, len: 0 };
        let bytes =
            NewRecord { identifier: b"A.;1", extent, directory: false, system_use: area, at: at() }
                .to_bytes()
                .unwrap();
        let mut source = ByteMap::new();
        source.push_bytes(continued);
        source.pad_to(SECTOR);
        let record = Record::parse(&bytes, 0, 0).unwrap().unwrap();
        read_attributes(&mut BoundedReader::new(&source), rock, 0, record)
    }

    fn ce(skip: u32, len: u32) -> Vec<u8> {
        [&b"CE\x1c\x01"[..], &both32(0), &both32(skip), &both32(len)].concat()
    }

    #[test]
    fn what_is_written_reads_back() {
        for rock in [
            ROCK,
            RockRidge { px_len: 44, ..ROCK },
            RockRidge { rr_entry: true, ..ROCK },
            RockRidge { skip: 6, ..ROCK },
        ] {
            let found = read(rock, &rock.new_entry(Some("Name.rpm"), false, 1, 9, at()), b"");
            let expected = Attributes { name: Some("Name.rpm".into()), ..Attributes::default() };
            assert_eq!(found.unwrap(), expected, "{rock:?}");
        }
    }

    #[test]
    fn names_and_links_continue_elsewhere() {
        let first = [&b"NM\x08\x01\x01abc"[..], b"SL\x0b\x01\x01\x04\0\x01\x02et", &ce(8, 18)];
        let second = b"--------NM\x07\x01\0deSL\x0b\x01\0\0\x01c\0\x01d";
        let found = read(ROCK, &first.concat(), second).unwrap();
        assert_eq!(found.name.as_deref(), Some("abcde"));
        assert_eq!(found.link.as_deref(), Some("../etc/d"));
    }

    #[test]
    fn broken_areas_are_refused() {
        for (area, continued) in [
            (ce(0, 28), ce(0, 28)),
            (ce(0, 2049), vec![]),
            (ce(0, 9000), vec![]),
            (ce(u32::MAX, 1), vec![]),
            (b"NM\0\x01\0a".to_vec(), vec![]),
            (b"NM\x03\x01\0a".to_vec(), vec![]),
            (b"NM\x04\x01".to_vec(), vec![]),
            (b"NM\xff\x01\0a".to_vec(), vec![]),
            (b"NM\x05\x01\x04".to_vec(), vec![]),
            (b"NM\x07\x01\0..".to_vec(), vec![]),
            (b"NM\x09\x01\0../x".to_vec(), vec![]),
            (b"SL\x06\x01\0\0".to_vec(), vec![]),
            (b"SL\x08\x01\0\0\x02a".to_vec(), vec![]),
            (b"SL\x08\x01\0\0\x01\n".to_vec(), vec![]),
            (b"CL\x05\x01\0".to_vec(), vec![]),
        ] {
            assert!(read(ROCK, &area, &continued).is_err(), "{area:?}");
        }
    }

    #[test]
    fn the_times_of_a_record_are_set() {
        let area = ROCK.new_entry(Some("x"), false, 1, 0, Timestamp::new(0).unwrap());
        let extent = Extent { sector: 0, len: 0 };
        let mut record =
            NewRecord { identifier: b"A", extent, directory: false, system_use: &area, at: at() }
                .to_bytes()
                .unwrap();
        set_times(ROCK, &mut record, at());
        let tail = &record[34..];
        assert_eq!(&tail[..area.len()], ROCK.new_entry(Some("x"), false, 1, 0, at()));
    }
}
