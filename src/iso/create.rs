//! Makes a small data disc from nothing: one volume with Rock Ridge and Joliet names.
//!
//! Not for bootable discs, nor for changing an image. A new disc is a blank medium that is
//! extended.

use super::bytemap::{ByteMap, ByteOrigin, SECTOR};
use super::edits::{FileContent, PlannedImage};
use super::error::IsoError;
use super::layout::{LayoutRequest, RootRewrite, lay_out};
use super::medium::Medium;
use super::record::{Extent, NewRecord, SectorPacker};
use super::system_use::RockRidge;
use super::timestamp::Timestamp;
use super::volume::{DescriptorKind, check_volume_id, new_descriptor};
use crate::disc_path::DiscPath;

/// Rock Ridge as RRIP 1.10 has it, which every Linux reads.
const ROCK_RIDGE: RockRidge = RockRidge { skip: 0, px_len: 36, rr_entry: false };
/// The sector of the blank medium's main root directory; Joliet's is the next one.
const ROOT: u32 = 19;

/// Plans a disc with these files. The same files, id and time give the same bytes.
///
/// # Errors
///
/// Fails when the volume id or a name cannot be stored, a path is given twice or lies below a file,
/// or the disc has too many sectors.
pub fn create(
    files: &[(DiscPath, FileContent)],
    volume_id: &str,
    at: Timestamp,
) -> Result<PlannedImage, IsoError> {
    let blank = blank(volume_id, at)?;
    let mut requests: Vec<LayoutRequest<'_>> =
        files.iter().map(|(path, source)| LayoutRequest { path, source, replaces: None }).collect();
    requests.sort_by_key(|request| request.path);
    if let Some(pair) = requests.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(IsoError::Duplicate(pair[0].path.as_str().to_owned()));
    }
    // The blank root directories are rewritten in any case, so their sectors can be used again.
    lay_out(&blank, &requests, &[], u64::from(ROOT) * SECTOR, at, RootRewrite::Always)
}

/// Returns a medium without files: descriptors and two empty root directories.
fn blank(volume_id: &str, at: Timestamp) -> Result<Medium, IsoError> {
    check_volume_id(volume_id)?;
    let root = |sector| Extent { sector, len: SECTOR as u32 };
    let (main, joliet) = (root(ROOT), root(ROOT + 1));
    let mut map = ByteMap::new();
    map.push(16 * SECTOR, ByteOrigin::Zero);
    map.push_bytes(new_descriptor(DescriptorKind::Primary, volume_id, main, at));
    map.push_bytes(new_descriptor(DescriptorKind::Joliet, volume_id, joliet, at));
    map.push_bytes(&b"\xffCD001\x01"[..]);
    map.pad_to(SECTOR);
    let (own, up) = (ROCK_RIDGE.new_root(2, at), ROCK_RIDGE.new_entry(None, true, 2, 0, at));
    for (extent, system_use) in [(main, [&own[..], &up[..]]), (joliet, [&b""[..], b""])] {
        let dot = |identifier: u8| {
            let (identifier, system_use) = (&[identifier][..], system_use[usize::from(identifier)]);
            NewRecord { identifier, extent, directory: true, system_use, at }
                .to_bytes()
                .expect("a record without a name fits")
        };
        let mut packer = SectorPacker::default();
        packer.push(&dot(0));
        packer.push(&dot(1));
        map.push_bytes(packer.finish());
    }
    Medium::from_map(map)
}

#[cfg(test)]
mod tests {
    use super::super::{EntryKind, JolietDifference};
    use super::*;

    fn file(path: &str, bytes: &[u8]) -> (DiscPath, FileContent) {
        (DiscPath::new(path).unwrap(), FileContent::Bytes(bytes.into()))
    }

    fn at() -> Timestamp {
        Timestamp::new(1_413_745_200).unwrap()
    }

    fn bytes_of(map: &ByteMap) -> Vec<u8> {
        let mut bytes = vec![0; map.len() as usize];
        map.read_exact_at(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_new_disc_reads_back() {
        let big = vec![7; 5000];
        let files = [
            file("preflight/manifest.json", b"{}\n"),
            file("ks.cfg", &big),
            file("preflight/repo/A longer name, with blanks.rpm", b""),
        ];
        let disc = create(&files, "PREFLIGHT_KS", at()).unwrap();
        let medium = Medium::from_map(disc.map.clone()).unwrap();
        let seen: Vec<_> =
            medium.entries().map(|entry| (entry.path, entry.kind, entry.len)).collect();
        let expected = [
            ("ks.cfg", EntryKind::File, 5000),
            ("preflight", EntryKind::Directory, 0),
            ("preflight/manifest.json", EntryKind::File, 3),
            ("preflight/repo", EntryKind::Directory, 0),
            ("preflight/repo/A longer name, with blanks.rpm", EntryKind::File, 0),
        ]
        .map(|(path, kind, len)| (path.to_owned(), kind, len));
        assert_eq!(seen, expected);
        assert_eq!(medium.joliet_differences(9), Vec::<JolietDifference>::new());
        assert!(medium.has_rock_ridge() && medium.has_joliet() && !medium.has_udf());
        assert_eq!(medium.volume_id(), "PREFLIGHT_KS");
        assert_eq!(medium.volume_size_bytes(), disc.map.len());
        assert_eq!(medium.content_end(), disc.map.len());
        assert_eq!(medium.read_file("/ks.cfg", 5000).unwrap(), big);
        assert!(medium.read_file("ks.cfg", 4999).is_err());
        for placed in &disc.placed {
            let entry = medium.find(placed.path.as_str()).unwrap();
            let expected = if placed.len == 0 { vec![] } else { vec![(placed.at, placed.len)] };
            assert_eq!(entry.extents, expected, "{}", placed.path);
        }
    }

    #[test]
    fn the_order_of_the_files_makes_no_difference() {
        let mut files = vec![file("b", b"2"), file("a/c", b"3"), file("a/b", b"1")];
        let one = bytes_of(&create(&files, "X", at()).unwrap().map);
        files.reverse();
        assert_eq!(bytes_of(&create(&files, "X", at()).unwrap().map), one);
        let empty = create(&[], "X", at()).unwrap();
        assert_eq!(Medium::from_map(empty.map).unwrap().entries().count(), 0);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let long = format!("{}.rpm", "n".repeat(100));
        for (files, id, message) in [
            (vec![file("a", b""), file("a", b"")], "X", "given twice"),
            (vec![file("a", b""), file("a/b", b"")], "X", "\"a\" is not a directory"),
            (vec![file(&long, b"")], "X", "is longer than 103 characters"),
            (vec![file("a:b", b"")], "X", "Joliet forbids"),
            (vec![file("1/2/3/4/5/6/7/8/f", b"")], "X", "deeper than 8"),
            (vec![], "", "volume id \"\""),
            (vec![], "A\n", "volume id \"A\\n\""),
        ] {
            let error = create(&files, id, at()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
