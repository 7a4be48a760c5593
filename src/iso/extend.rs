//! Extends an image: every file of the base stays where it is, new files and rewritten directories
//! are appended, and the few records that point at what moved are patched in place.
//!
//! Not for the system area, the backup GPT or the media md5, which depend on the final size: they
//! are patched into the result afterwards. Nothing is written here: the result is a `ByteMap`.

use super::edits::{Edits, PlannedImage};
use super::error::IsoError;
use super::layout::{LayoutRequest, ReplacedFile, RootRewrite, lay_out};
use super::medium::Medium;
use super::record::Extent;
use super::timestamp::Timestamp;
use super::tree::{Node, NodeKind, Tree};
use super::volume::check_volume_id;
use crate::disc_path::DiscPath;

/// Plans the changed image. New data starts at byte `append_at`.
///
/// Bytes of the base from `append_at` on are dropped, and zeros fill the gap when the base is
/// shorter. [`Medium::content_end`] is the lowest possible place. Patches alone append nothing and
/// leave the volume size as it is.
///
/// # Errors
///
/// Fails when a path to add exists or lies below a file, a path to replace does not exist or is a
/// boot file (the firmware finds it by sector: patch it in place), a name cannot be stored, a patch
/// or `append_at` would damage what is kept, or the result has too many sectors.
pub fn extend(
    medium: &Medium,
    edits: &Edits,
    append_at: u64,
    at: Timestamp,
) -> Result<PlannedImage, IsoError> {
    if medium.has_udf() {
        return Err(IsoError::Udf);
    }
    let end = medium.content_end();
    if append_at < end {
        return Err(IsoError::AppendAt { append_at, why: "what is kept ends at byte", end });
    }
    check_patches(medium, &edits.patch, append_at)?;
    let requests = layout_requests(medium, edits)?;
    let mut image = lay_out(medium, &requests, &edits.patch, append_at, at, RootRewrite::AsNeeded)?;
    if let Some(id) = &edits.volume_id {
        check_volume_id(id)?;
        for (offset, bytes) in medium.descriptors().volume_id_changes(id) {
            image.map.patch(offset, &bytes);
        }
    }
    Ok(image)
}

/// Returns the files to write, sorted by path, each with the file it replaces.
fn layout_requests<'a>(
    medium: &Medium,
    edits: &'a Edits,
) -> Result<Vec<LayoutRequest<'a>>, IsoError> {
    let mut requests = Vec::with_capacity(edits.add.len() + edits.replace.len());
    for (path, source) in &edits.add {
        requests.push(LayoutRequest { path, source, replaces: None });
    }
    for (path, source) in &edits.replace {
        let replaces = Some(find_replaced(medium, path)?);
        requests.push(LayoutRequest { path, source, replaces });
    }
    requests.sort_by_key(|request| request.path);
    match requests.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(IsoError::Duplicate(pair[0].path.as_str().to_owned())),
        None => Ok(requests),
    }
}

/// Finds the file to replace in both trees.
fn find_replaced(medium: &Medium, path: &DiscPath) -> Result<ReplacedFile, IsoError> {
    let tree = medium.main_tree();
    let path = path.as_str();
    let index = tree.find(path).ok_or_else(|| IsoError::NotFound(path.to_owned()))?;
    let main = tree.nodes[index as usize];
    if main.kind != NodeKind::File {
        return Err(IsoError::NotAFile(path.to_owned()));
    }
    let extents = tree.extents(&main);
    let is_boot_file = medium.boot_catalog().is_some_and(|catalog| {
        extents.iter().any(|extent| catalog.points_into(extent.at(), extent.len.into()))
    });
    if is_boot_file {
        return Err(IsoError::BootFile(path.to_owned()));
    }
    let joliet = medium.joliet_tree().and_then(|tree| find_in_joliet(tree, path, extents));
    Ok(ReplacedFile { main, joliet })
}

/// Finds the file of that path in the Joliet tree; where Joliet had to change the name, the only
/// file with the same sectors.
fn find_in_joliet(joliet: &Tree, path: &str, extents: &[Extent]) -> Option<Node> {
    let file = |node: &Node| node.kind == NodeKind::File;
    if let Some(index) = joliet.find(path) {
        return Some(joliet.nodes[index as usize]).filter(file);
    }
    let mut same = joliet
        .nodes
        .iter()
        .filter(|node| file(node) && !extents.is_empty() && joliet.extents(node) == extents);
    same.next().filter(|_| same.next().is_none()).copied()
}

/// Refuses patches that reach past the kept part of the base.
fn check_patches(
    medium: &Medium,
    patches: &[(u64, Vec<u8>)],
    append_at: u64,
) -> Result<(), IsoError> {
    let kept = append_at.min(medium.file_len());
    for (at, bytes) in patches {
        let len = bytes.len() as u64;
        if at.checked_add(len).is_none_or(|end| end > kept) {
            let why = "it reaches past what is kept of the base";
            return Err(IsoError::Patch { at: *at, len, why });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::bounded_reader::BoundedReader;
    use super::super::bytemap::SECTOR;
    use super::super::record::Record;
    use super::super::system_use::visit_entries;
    use super::super::{EntryKind, JolietDifference, create};
    use std::sync::Arc;

    use super::super::edits::FileContent;
    use super::*;

    fn file(path: &str, bytes: &[u8]) -> (DiscPath, FileContent) {
        (DiscPath::new(path).unwrap(), FileContent::Bytes(bytes.into()))
    }

    fn at() -> Timestamp {
        Timestamp::new(1_413_745_200).unwrap()
    }

    fn base() -> Medium {
        let files = [
            file("isolinux/isolinux.cfg", b"default linux\n"),
            file("isolinux/vmlinuz", &[1; 4000]),
            file("Packages/a-1.0-1.el6.noarch.rpm", &[2; 2048]),
            file(".discinfo", b"1.0\n"),
        ];
        Medium::from_map(create(&files, "BASE", at()).unwrap().map).unwrap()
    }

    fn grow(medium: &Medium, edits: &Edits) -> Result<(PlannedImage, Medium), IsoError> {
        let extended = extend(medium, edits, medium.content_end(), at())?;
        let again = Medium::from_map(extended.map.clone())?;
        Ok((extended, again))
    }

    #[test]
    fn files_are_added_and_replaced_and_all_else_stays() {
        let base = base();
        let edits = Edits {
            add: vec![file("preflight/repo/b-2.0.rpm", &[3; 3000]), file("ks.cfg", b"install\n")],
            replace: vec![file("isolinux/isolinux.cfg", &[4; 2100])],
            patch: vec![(5, b"mbr".to_vec())],
            volume_id: Some("Another id of 22 bytes".to_owned()),
        };
        let (extended, medium) = grow(&base, &edits).unwrap();
        assert_eq!(medium.volume_id(), "Another id of 22 bytes");
        assert_eq!(medium.read_file("ks.cfg", 99).unwrap(), b"install\n");
        assert_eq!(medium.read_file("preflight/repo/b-2.0.rpm", 3000).unwrap(), [3; 3000]);
        assert_eq!(medium.read_file("isolinux/isolinux.cfg", 2100).unwrap(), [4; 2100]);
        for path in ["isolinux/vmlinuz", "Packages/a-1.0-1.el6.noarch.rpm", ".discinfo"] {
            assert_eq!(medium.find(path), base.find(path), "{path}");
        }
        assert_eq!(medium.entries().count(), base.entries().count() + 4);
        assert_eq!(medium.joliet_differences(9), Vec::<JolietDifference>::new());
        assert_eq!(medium.volume_size_bytes(), extended.map.len());
        assert_eq!(u64::from(extended.volume_sectors) * SECTOR, extended.map.len());
        let paths: Vec<_> = extended.placed.iter().map(|placed| placed.path.as_str()).collect();
        assert_eq!(paths, ["isolinux/isolinux.cfg", "ks.cfg", "preflight/repo/b-2.0.rpm"]);
        let mut start = [0; 8];
        extended.map.read_exact_at(4, &mut start).unwrap();
        assert_eq!(&start, b"\0mbr\0\0\0\0");
    }

    #[test]
    fn an_extended_image_can_be_extended() {
        let mut medium = base();
        for round in 0..5_u8 {
            let edits = Edits {
                add: vec![file(&format!("more/{round}/file"), &[round; 10])],
                replace: vec![file("isolinux/isolinux.cfg", &[round; 20])],
                ..Edits::default()
            };
            medium = grow(&medium, &edits).unwrap().1;
        }
        for round in 0..5_u8 {
            assert_eq!(medium.read_file(&format!("more/{round}/file"), 10).unwrap(), [round; 10]);
        }
        assert_eq!(medium.read_file("isolinux/isolinux.cfg", 20).unwrap(), [4; 20]);
        assert_eq!(medium.joliet_differences(9), Vec::<JolietDifference>::new());
    }

    #[test]
    fn only_what_must_change_changes() {
        let base = base();
        let edits = Edits { add: vec![file("ks.cfg", b"x")], ..Edits::default() };
        let (extended, _) = grow(&base, &edits).unwrap();
        let mut changed = 0;
        let (mut old, mut new) = ([0; SECTOR as usize], [0; SECTOR as usize]);
        for sector in 0..base.file_len() / SECTOR {
            base.source().read_exact_at(sector * SECTOR, &mut old).unwrap();
            extended.map.read_exact_at(sector * SECTOR, &mut new).unwrap();
            changed += u32::from(old != new);
        }
        // Two descriptors, and `..` of two directories in each of two trees.
        assert_eq!(changed, 6);
    }

    /// The link counts in `.` and `..` of a directory of the main tree, the root when none is
    /// given.
    fn links(medium: &Medium, directory: Option<&str>) -> Vec<u32> {
        let tree = medium.main_tree();
        let index = directory.map_or(0, |path| {
            let node = tree.nodes[tree.find(path).unwrap() as usize];
            let NodeKind::Directory(index) = node.kind else { panic!("{path} is not a directory") };
            index
        });
        let Extent { sector, len } = tree.directories[index as usize].extent;
        let mut links = Vec::new();
        let visit = |reader: &mut BoundedReader<'_>, at, record: Record<'_>| {
            if record.identifier().len() > 1 || record.identifier()[0] > 1 {
                return Ok(());
            }
            visit_entries(reader, tree.rock_ridge.unwrap(), at, record, |entry| {
                if entry.is(b"PX") {
                    links.push(entry.read_u32(12)?);
                }
                Ok(())
            })
        };
        BoundedReader::new(medium.source()).visit_directory(sector, len, visit).unwrap();
        links
    }

    #[test]
    fn directories_count_their_new_sub_directories() {
        let base = base();
        assert_eq!(links(&base, None), [4, 4]);
        assert_eq!(links(&base, Some("isolinux")), [2, 4]);
        let add = ["one/two/f", "one/three/f", "isolinux/more/f"].map(|path| file(path, b""));
        let (_, medium) = grow(&base, &Edits { add: add.to_vec(), ..Edits::default() }).unwrap();
        assert_eq!(links(&medium, None), [5, 5]);
        assert_eq!(links(&medium, Some("isolinux")), [3, 5]);
        assert_eq!(links(&medium, Some("Packages")), [2, 5]);
        assert_eq!(links(&medium, Some("one"))[0], 4);
        assert_eq!(links(&medium, Some("one/two")), [2, 4]);
    }

    #[test]
    fn patches_alone_append_nothing() {
        let base = base();
        let edits = Edits { patch: vec![(0, b"x".to_vec())], ..Edits::default() };
        let (extended, _) = grow(&base, &edits).unwrap();
        assert_eq!(extended.map.len(), base.file_len());
        assert_eq!(u64::from(extended.volume_sectors) * SECTOR, base.volume_size_bytes());
    }

    #[test]
    fn a_file_of_more_than_4_gib_has_two_extents() {
        let sparse = tempfile::tempfile().unwrap();
        let len = (4 << 30) + 5;
        sparse.set_len(len).unwrap();
        let path = DiscPath::new("images/install.img").unwrap();
        let source = FileContent::File { file: Arc::new(sparse), len };
        let edits = Edits { add: vec![(path, source), file("z", b"after")], ..Edits::default() };
        let (extended, medium) = grow(&base(), &edits).unwrap();
        let entry = medium.find("images/install.img").unwrap();
        assert_eq!((entry.len, entry.extents.len()), (len, 2));
        assert_eq!(entry.extents[0].0, extended.placed[0].at);
        assert_eq!(entry.extents[0].0 + entry.extents[0].1, entry.extents[1].0);
        assert_eq!(medium.file_map("images/install.img").unwrap().len(), len);
        assert_eq!(medium.read_file("z", 9).unwrap(), b"after");
        let shorter = Edits { replace: vec![file("images/install.img", b"")], ..Edits::default() };
        let (_, medium) = grow(&medium, &shorter).unwrap();
        assert_eq!(medium.find("images/install.img").unwrap().extents, []);
        assert_eq!(medium.read_file("z", 9).unwrap(), b"after");
    }

    #[test]
    fn a_directory_of_thousands_spans_sectors() {
        let names: Vec<String> =
            (0..3000).map(|n| format!("Packages/package-{n}-1.0-1.el6.x86_64.rpm")).collect();
        let add = names.iter().map(|name| file(name, name.as_bytes())).collect();
        let (_, medium) = grow(&base(), &Edits { add, ..Edits::default() }).unwrap();
        for name in &names {
            assert_eq!(medium.read_file(name, 99).unwrap(), name.as_bytes());
        }
        let packages = medium.entries().filter(|entry| entry.kind == EntryKind::File).count();
        assert_eq!(packages, 3004);
        assert_eq!(medium.joliet_differences(9), Vec::<JolietDifference>::new());
    }

    #[test]
    fn what_would_damage_the_base_is_refused() {
        let base = base();
        let add = |path: &str| Edits { add: vec![file(path, b"")], ..Edits::default() };
        let replace = |path: &str| Edits { replace: vec![file(path, b"")], ..Edits::default() };
        let patch = |at| Edits { patch: vec![(at, vec![0; 4])], ..Edits::default() };
        let mut twice = add("ks.cfg");
        twice.add.extend(twice.add.clone());
        let mut over = patch(32768 + 158);
        over.add = add("ks.cfg").add;
        let end = base.content_end();
        for (edits, at_byte, message) in [
            (add("isolinux/vmlinuz"), end, "exists in the image already"),
            (add("isolinux"), end, "exists in the image already"),
            (add("isolinux/vmlinuz/x"), end, "\"vmlinuz\" is not a directory"),
            (replace("nowhere"), end, "has no \"nowhere\""),
            (replace("isolinux"), end, "not a regular file"),
            (twice, end, "given twice"),
            (patch(end - 3), end, "past what is kept"),
            (patch(u64::MAX), end, "past what is kept"),
            (over, end, "extending rewrites"),
            (add("ks.cfg"), end - SECTOR, "what is kept ends"),
            (add("ks.cfg"), end + 1, "a sector begins before it"),
            (add("ks.cfg"), u64::from(u32::MAX) * SECTOR, "sectors, expected at most"),
        ] {
            let error = extend(&base, &edits, at_byte, at()).unwrap_err().to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
    }
}
