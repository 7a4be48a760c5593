//! The structure of an RPM header, checked before its values are read.
//!
//! Not for the values: the `rpm` crate reads those. It allocates by an entry's count and slices by
//! its offset without checking the store (0.30.2, `headers/header.rs`, `parse_header`), so an
//! inconsistent header must not reach it.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::PackageFault;

/// The limits of rpm 4.8 (lib/header.c, `hdrchkTags` and `hdrchkData`): the installer reads no
/// more.
const MOST_ENTRIES: u32 = 0xffff;
const MOST_DATA: u32 = 0x00ff_ffff;

/// Bytes before a header's entries: magic, version, reserved, number of entries, bytes of data.
const INTRO: usize = 16;
const ENTRY: usize = 16;

/// Tags below this one are regions; one may come first, and no other is allowed.
const FIRST_TAG: u32 = 100;
/// `RPMTAG_HEADERIMAGE`, with which very old packages end any region.
const HEADER_IMAGE: u32 = 61;

/// Tags with parallel arrays, which have the length of the first that is present.
const PARALLEL: [&[u32]; 10] = [
    &[1117, 1116, 1028, 1030, 1033, 1034, 1035, 1036, 1037, 1039, 1040], // files
    &[1049, 1048, 1050],                                                 // requires
    &[1047, 1112, 1113],                                                 // provides
    &[1054, 1053, 1055],                                                 // conflicts
    &[1090, 1114, 1115],                                                 // obsoletes
    &[5046, 5048, 5047],                                                 // recommends
    &[5049, 5051, 5050],                                                 // suggests
    &[5052, 5054, 5053],                                                 // supplements
    &[5055, 5057, 5056],                                                 // enhances
    &[1081, 1080, 1082],                                                 // changelog
];

/// Reads the bytes of one header, by the length it states and at most what rpm reads.
pub(super) fn read_header(
    reader: &mut impl Read,
    part: &'static str,
) -> io::Result<Result<Vec<u8>, PackageFault>> {
    let mut bytes = Vec::with_capacity(INTRO);
    reader.take(INTRO as u64).read_to_end(&mut bytes)?;
    if bytes.len() < INTRO {
        return Ok(Err(PackageFault::Cut(part)));
    }
    if !bytes.starts_with(&[0x8e, 0xad, 0xe8, 1]) {
        let what = "it does not start with a header's magic".to_owned();
        return Ok(Err(PackageFault::Header(part, what)));
    }
    let (entries, data) = (be32(&bytes, 8), be32(&bytes, 12));
    if entries == 0 || entries > MOST_ENTRIES || data > MOST_DATA {
        let what = format!("{entries} entries and {data} bytes of data");
        return Ok(Err(PackageFault::Header(part, what)));
    }
    let rest = u64::from(entries) * ENTRY as u64 + u64::from(data);
    reader.take(rest).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != INTRO as u64 + rest {
        return Ok(Err(PackageFault::Cut(part)));
    }
    Ok(check(&bytes).map_err(|what| PackageFault::Header(part, what)).map(|()| bytes))
}

/// Returns the big-endian number at `at`; the caller has checked the length.
fn be32(bytes: &[u8], at: usize) -> u32 {
    let four = bytes[at..at + 4].try_into().expect("four bytes are four bytes");
    u32::from_be_bytes(four)
}

/// Checks every entry of a header against its store.
fn check(header: &[u8]) -> Result<(), String> {
    let entries = be32(header, 8) as usize;
    let (index, store) = header[INTRO..].split_at(entries * ENTRY);
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    // Entries do not share bytes; otherwise a small header could cause much reading.
    let mut covered = 0;
    let mut end = 0;
    for (number, entry) in index.chunks_exact(ENTRY).enumerate() {
        let (tag, kind) = (be32(entry, 0), be32(entry, 4));
        let (offset, count) = (be32(entry, 8) as usize, be32(entry, 12));
        let bytes = entry_len(kind, offset, count, store)
            .ok_or_else(|| format!("entry {tag} of type {kind}: {count} values at {offset}"))?;
        if number == 0 && tag < FIRST_TAG {
            check_region(entry, index.len(), store)?;
        } else if tag < FIRST_TAG {
            return Err(format!("entry {tag} is none of a package's"));
        } else if offset < end {
            // rpm since 4.14 refuses it, and no rpm ever wrote it.
            return Err(format!("entry {tag} shares its bytes with another"));
        } else {
            end = offset + bytes;
        }
        covered += bytes;
        if covered > store.len() {
            return Err(format!("entry {tag} shares its bytes with another"));
        }
        if counts.insert(tag, count).is_some() {
            return Err(format!("entry {tag} is there twice"));
        }
        if tag == 1116 {
            let values = store[offset..offset + bytes].chunks_exact(4);
            let most = values.map(|value| be32(value, 0)).max().unwrap_or(0);
            counts.insert(u32::MAX, most);
        }
    }
    for tags in PARALLEL {
        let mut sizes = tags.iter().filter_map(|tag| Some((tag, counts.get(tag)?)));
        let Some((first, size)) = sizes.next() else { continue };
        if let Some((tag, other)) = sizes.find(|(_, other)| *other != size) {
            return Err(format!("entry {first} has {size} values, entry {tag} has {other}"));
        }
    }
    match (counts.get(&u32::MAX), counts.get(&1118)) {
        (Some(most), Some(dirs)) if most < dirs => Ok(()),
        (None, _) => Ok(()),
        (Some(most), dirs) => {
            Err(format!("a file is in directory {most} of {}", dirs.copied().unwrap_or(0)))
        }
    }
}

/// Checks the entry that a header's immutable region begins with: its value is an entry with the
/// distance to the start of the region.
fn check_region(entry: &[u8], index_len: usize, store: &[u8]) -> Result<(), String> {
    let (tag, kind, count) = (be32(entry, 0), be32(entry, 4), be32(entry, 12));
    let bad = |what: &str| Err(format!("region {tag} {what}"));
    if !matches!(tag, HEADER_IMAGE..=63) || kind != 7 || count as usize != ENTRY {
        return bad("is none");
    }
    let Some(trailer) = store.get(be32(entry, 8) as usize..).and_then(|rest| rest.get(..ENTRY))
    else {
        return bad("ends behind the data");
    };
    let back = be32(trailer, 8).wrapping_neg() as usize;
    let same = be32(trailer, 0) == tag || be32(trailer, 0) == HEADER_IMAGE;
    if !same || be32(trailer, 4) != 7 || be32(trailer, 12) as usize != ENTRY {
        return bad("is not closed by itself");
    }
    if back == 0 || back > index_len || !back.is_multiple_of(ENTRY) {
        return bad("begins where no entry does");
    }
    Ok(())
}

/// Returns how many bytes an entry has in the store; `None` when it does not lie within.
fn entry_len(kind: u32, offset: usize, count: u32, store: &[u8]) -> Option<usize> {
    let rest = store.get(offset..)?;
    if count == 0 {
        return None;
    }
    let fixed = |width: usize| {
        let bytes = (count as usize).checked_mul(width)?;
        (offset.is_multiple_of(width) && bytes <= rest.len()).then_some(bytes)
    };
    match kind {
        1 | 2 | 7 => fixed(1),
        3 => fixed(2),
        4 => fixed(4),
        5 => fixed(8),
        6 if count != 1 => None,
        6 | 8 | 9 => {
            let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0);
            ends.nth(count as usize - 1).map(|(at, _)| at + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(entries: &[[u32; 4]], store: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        bytes.extend((entries.len() as u32).to_be_bytes());
        bytes.extend((store.len() as u32).to_be_bytes());
        bytes.extend(entries.iter().flatten().flat_map(|word| word.to_be_bytes()));
        bytes.extend(store);
        bytes
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let good = header(&[[1000, 6, 0, 1], [1009, 4, 4, 1]], b"ab\0\0\0\0\0\x07");
        assert!(read_header(&mut &good[..], "header").unwrap().is_ok());
        let region = b"ab\0\0\0\0\0\x3f\0\0\0\x07\xff\xff\xff\xe0\0\0\0\x10";
        let of_region = [[63, 7, 4, 16], [1000, 6, 0, 1]];
        assert!(read_header(&mut &header(&of_region, region)[..], "header").unwrap().is_ok());
        let lying = |at: usize, byte: u8| {
            let mut store = region.to_vec();
            store[at] = byte;
            store
        };
        for (at, byte) in [(7, 62), (11, 6), (15, 0xd0), (15, 0xe1), (19, 8)] {
            let bytes = header(&of_region, &lying(at, byte));
            let fault = read_header(&mut &bytes[..], "header").unwrap();
            assert!(matches!(fault, Err(PackageFault::Header(..))), "{at}: {byte}");
        }
        let cases: [(&[[u32; 4]], &[u8]); 16] = [
            (&[[1000, 6, 9, 1]], b"ab\0"),
            (&[[1000, 6, u32::MAX, 1]], b"ab\0"),
            (&[[1000, 6, 0, 1]], b"ab"),
            (&[[1000, 6, 0, 2]], b"a\0b\0"),
            (&[[1000, 8, 0, u32::MAX]], b"a\0b\0"),
            (&[[1000, 4, 0, 0x4000_0001]], b"abcd"),
            (&[[1000, 4, 1, 1]], b"abcdef"),
            (&[[1000, 0, 0, 1]], b"ab\0"),
            (&[[1000, 99, 0, 1]], b"ab\0"),
            (&[[1000, 6, 0, 1], [1001, 6, 0, 1]], b"ab\0"),
            (&[[1000, 6, 0, 1], [1000, 6, 3, 1]], b"ab\0ab\0"),
            (&[[1000, 6, 3, 1], [1001, 6, 0, 1]], b"ab\0cd\0"),
            (&[[62, 6, 0, 1]], b"ab\0"),
            (&[[1000, 6, 0, 1], [63, 7, 3, 16]], region),
            (&[[11, 7, 0, 2]], b"ab"),
            (&[[1116, 4, 0, 1], [1117, 8, 4, 1], [1118, 8, 6, 1]], b"\0\0\0\x01f\0/\0"),
        ];
        for (entries, store) in cases {
            let bytes = header(entries, store);
            let fault = read_header(&mut &bytes[..], "header").unwrap();
            assert!(matches!(fault, Err(PackageFault::Header(..))), "{entries:?}");
        }
    }

    #[test]
    fn sizes_that_rpm_would_not_read_are_refused_before_anything_is_allocated() {
        for (entries, data) in [(u32::MAX, 0), (1, u32::MAX), (0, 16), (0x1000_0001, 16)] {
            let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
            bytes.extend(entries.to_be_bytes());
            bytes.extend(data.to_be_bytes());
            let fault = read_header(&mut &bytes[..], "header").unwrap().unwrap_err();
            assert_eq!(
                fault.to_string(),
                format!("its header is damaged: {entries} entries and {data} bytes of data")
            );
        }
    }
}
