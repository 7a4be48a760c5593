//! Lays a changed image out: which sector everything new gets, then what every byte is.
//!
//! Not for deciding whether a change is allowed: `extend` and `create` have done that. The order of
//! the sectors is: changed directories of both trees, their path tables, new files.

use super::bytemap::{ByteMap, ByteOrigin, SECTOR};
use super::edits::{FileContent, PlacedFile, PlannedImage};
use super::error::IsoError;
use super::medium::Medium;
use super::planned_tree::{FileLocation, Naming, Patches, PlannedTree};
use super::sector_allocator::SectorAllocator;
use super::timestamp::Timestamp;
use super::tree::Node;
use super::volume::{Descriptor, MovedTree, descriptor_changes};
use crate::disc_path::DiscPath;

/// A file to write.
pub(super) struct LayoutRequest<'a> {
    pub path: &'a DiscPath,
    pub source: &'a FileContent,
    /// The file that it replaces; none for a new one.
    pub replaces: Option<ReplacedFile>,
}

/// A file of the base, in both trees.
pub(super) struct ReplacedFile {
    pub main: Node,
    pub joliet: Option<Node>,
}

/// Whether unchanged root directories are rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootRewrite {
    AsNeeded,
    Always,
}

/// Plans the image: the base up to `append_at`, then everything new.
pub(super) fn lay_out(
    medium: &Medium,
    requests: &[LayoutRequest<'_>],
    patches: &[(u64, Vec<u8>)],
    append_at: u64,
    at: Timestamp,
    roots: RootRewrite,
) -> Result<PlannedImage, IsoError> {
    let mut sectors = SectorAllocator::starting_at(append_at)?;
    let mut branches = plan_branches(medium, requests, at, roots)?;
    let mut places: Vec<FileLocation> = requests
        .iter()
        .map(|request| FileLocation { sector: 0, len: request.source.len() })
        .collect();
    for branch in &mut branches {
        branch.tree.place_directories(&mut sectors, &places)?;
    }
    for branch in &mut branches {
        branch.place_tables(&mut sectors)?;
    }
    for place in places.iter_mut().filter(|place| place.len > 0) {
        place.sector = sectors.allocate(place.len)?;
    }
    let grows = sectors.next_at() > append_at;
    let volume_sectors =
        if grows { sectors.allocate(0)? } else { medium.descriptors().primary.sectors() };

    let mut record_patches = Patches::new();
    for branch in &branches {
        record_patches.extend(branch.tree.patches()?);
    }
    let directories: Vec<Vec<u8>> = branches
        .iter()
        .flat_map(|branch| branch.tree.directories(&places, &mut record_patches))
        .collect();
    for branch in branches.iter().filter(|_| grows) {
        for (offset, bytes) in descriptor_changes(volume_sectors, branch.moved) {
            record_patches.insert(branch.descriptor.at + offset, bytes);
        }
    }
    refuse_overlapping_patches(patches, &record_patches)?;
    refuse_patches_past(append_at, &record_patches)?;

    let mut map = base_map(medium, append_at, patches, &record_patches);
    for bytes in directories {
        map.push_bytes(bytes);
    }
    for table in branches.into_iter().flat_map(|branch| branch.tables) {
        map.push_bytes(table);
        map.pad_to(SECTOR);
    }
    for request in requests {
        request.source.append_to(&mut map);
        map.pad_to(SECTOR);
    }
    Ok(PlannedImage { map, volume_sectors, placed: placed_files(requests, &places) })
}

/// A tree, and the descriptor that points to it.
struct TreeBranch<'a> {
    tree: PlannedTree<'a>,
    descriptor: &'a Descriptor,
    /// Its path tables, little-endian then big-endian, if they change.
    tables: Vec<Vec<u8>>,
    moved: Option<MovedTree>,
}

/// Both trees with all wishes in them.
fn plan_branches<'a>(
    medium: &'a Medium,
    requests: &[LayoutRequest<'_>],
    at: Timestamp,
    roots: RootRewrite,
) -> Result<Vec<TreeBranch<'a>>, IsoError> {
    let naming = if medium.has_rock_ridge() || medium.has_joliet() {
        Naming::Invented
    } else {
        Naming::Exact
    };
    let descriptors = medium.descriptors();
    let branch = |tree, naming, descriptor| TreeBranch {
        tree: PlannedTree::new(tree, medium.source(), naming, at),
        descriptor,
        tables: Vec::new(),
        moved: None,
    };
    let mut main = branch(medium.main_tree(), naming, &descriptors.primary);
    let mut joliet = medium
        .joliet_tree()
        .zip(descriptors.joliet.as_ref())
        .map(|(tree, descriptor)| branch(tree, Naming::Joliet, descriptor));
    for (index, request) in requests.iter().enumerate() {
        match &request.replaces {
            None => main.tree.add(request.path.as_str(), index)?,
            Some(replaced) => main.tree.replace(&replaced.main, index)?,
        }
        let Some(joliet) = &mut joliet else { continue };
        match &request.replaces {
            None => joliet.tree.add(request.path.as_str(), index)?,
            Some(ReplacedFile { joliet: Some(node), .. }) => joliet.tree.replace(node, index)?,
            // Joliet does not show this file under a name that can be recognised.
            Some(ReplacedFile { joliet: None, .. }) => {}
        }
    }
    let mut branches: Vec<TreeBranch<'a>> = [Some(main), joliet].into_iter().flatten().collect();
    if roots == RootRewrite::Always {
        for branch in &mut branches {
            branch.tree.rewrite_root()?;
        }
    }
    Ok(branches)
}

impl TreeBranch<'_> {
    /// Builds the path tables and allocates their sectors, if any directory has moved.
    fn place_tables(&mut self, sectors: &mut SectorAllocator) -> Result<(), IsoError> {
        if !self.tree.is_changed() {
            return Ok(());
        }
        let (little, big) = self.tree.path_tables()?;
        self.moved = Some(MovedTree {
            root: self.tree.root(),
            little: sectors.allocate(little.len() as u64)?,
            big: sectors.allocate(big.len() as u64)?,
            table_len: u32::try_from(little.len()).expect("65,535 directories at most"),
        });
        self.tables = vec![little, big];
        Ok(())
    }
}

/// Refuses patches over records that are rewritten: one of the two would be lost.
fn refuse_overlapping_patches(
    patches: &[(u64, Vec<u8>)],
    record_patches: &Patches,
) -> Result<(), IsoError> {
    for (at, bytes) in patches {
        let end = at + bytes.len() as u64;
        let last_fix = record_patches.range(..end).next_back();
        if last_fix.is_some_and(|(fix_at, fix)| fix_at + fix.len() as u64 > *at) {
            let why = "extending rewrites some of them";
            return Err(IsoError::Patch { at: *at, len: bytes.len() as u64, why });
        }
    }
    Ok(())
}

/// Refuses to drop bytes that must be patched: only `..` records can have such bytes, in
/// continuation areas, which belong to no file.
fn refuse_patches_past(append_at: u64, record_patches: &Patches) -> Result<(), IsoError> {
    let ends = record_patches.iter().map(|(at, bytes)| at + bytes.len() as u64);
    match ends.max().filter(|&end| end > append_at) {
        Some(end) => Err(IsoError::AppendAt { append_at, why: "what is kept ends at byte", end }),
        None => Ok(()),
    }
}

/// Returns the base up to `append_at`, with everything that changes in place.
fn base_map(
    medium: &Medium,
    append_at: u64,
    patches: &[(u64, Vec<u8>)],
    record_patches: &Patches,
) -> ByteMap {
    let mut map = ByteMap::new();
    medium.source().copy_range(0, append_at.min(medium.file_len()), &mut map);
    map.push(append_at - map.len(), ByteOrigin::Zero);
    for (at, bytes) in patches {
        map.patch(*at, bytes);
    }
    for (at, bytes) in record_patches {
        map.patch(*at, bytes);
    }
    map
}

fn placed_files(requests: &[LayoutRequest<'_>], places: &[FileLocation]) -> Vec<PlacedFile> {
    requests
        .iter()
        .zip(places)
        .map(|(request, place)| PlacedFile {
            path: request.path.clone(),
            at: u64::from(place.sector) * SECTOR,
            len: place.len,
        })
        .collect()
}
