//! Lays a changed image out: which sector everything new gets, then what every byte is.
//!
//! Not for deciding whether a change is allowed: `extend` and `create` have done that. In the
//! order of the sectors: changed directories of both trees, their path tables, new files.

use super::bytemap::{ByteMap, Origin, SECTOR};
use super::edits::{Extended, PlacedFile, Source};
use super::error::IsoError;
use super::medium::Medium;
use super::planned::{Fixes, Naming, Place, Planned};
use super::sectors::Sectors;
use super::timestamp::Timestamp;
use super::tree::Node;
use super::volume::{Descriptor, Moved, changes};
use crate::disc_path::DiscPath;

/// A file to write.
pub(super) struct Wish<'a> {
    pub path: &'a DiscPath,
    pub source: &'a Source,
    /// The file whose place it takes; none for a new one.
    pub replaces: Option<Replaced>,
}

/// A file of the base, as both trees have it.
pub(super) struct Replaced {
    pub main: Node,
    pub joliet: Option<Node>,
}

/// Whether root directories are rewritten that do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    AsNeeded,
    Always,
}

/// Plans the image: the base up to `append_at`, then everything new.
pub(super) fn lay_out(
    medium: &Medium,
    wishes: &[Wish<'_>],
    patches: &[(u64, Vec<u8>)],
    append_at: u64,
    at: Timestamp,
    roots: Roots,
) -> Result<Extended, IsoError> {
    let mut sectors = Sectors::from(append_at)?;
    let mut branches = branches(medium, wishes, at, roots)?;
    let mut places: Vec<Place> =
        wishes.iter().map(|wish| Place { sector: 0, len: wish.source.len() }).collect();
    for branch in &mut branches {
        branch.tree.place_directories(&mut sectors, &places)?;
    }
    for branch in &mut branches {
        branch.place_tables(&mut sectors)?;
    }
    for place in places.iter_mut().filter(|place| place.len > 0) {
        place.sector = sectors.take(place.len)?;
    }
    let grows = sectors.next_at() > append_at;
    let volume_sectors =
        if grows { sectors.take(0)? } else { medium.descriptors().primary.sectors() };

    let mut fixes = Fixes::new();
    for branch in &branches {
        fixes.extend(branch.tree.fixes()?);
    }
    let directories: Vec<Vec<u8>> =
        branches.iter().flat_map(|branch| branch.tree.directories(&places, &mut fixes)).collect();
    for branch in branches.iter().filter(|_| grows) {
        for (offset, bytes) in changes(volume_sectors, branch.moved) {
            fixes.insert(branch.descriptor.at + offset, bytes);
        }
    }
    refuse_patched_fixes(patches, &fixes)?;
    refuse_fixes_past(append_at, &fixes)?;

    let mut map = base(medium, append_at, patches, &fixes);
    for bytes in directories {
        map.push_bytes(bytes);
    }
    for table in branches.into_iter().flat_map(|branch| branch.tables) {
        map.push_bytes(table);
        map.pad_to(SECTOR);
    }
    for wish in wishes {
        wish.source.push_to(&mut map);
        map.pad_to(SECTOR);
    }
    Ok(Extended { map, volume_sectors, placed: placed_files(wishes, &places) })
}

/// A tree with the descriptor that leads to it.
struct Branch<'a> {
    tree: Planned<'a>,
    descriptor: &'a Descriptor,
    /// Its path tables, little-endian then big-endian, when they change.
    tables: Vec<Vec<u8>>,
    moved: Option<Moved>,
}

/// Both trees with all wishes in them.
fn branches<'a>(
    medium: &'a Medium,
    wishes: &[Wish<'_>],
    at: Timestamp,
    roots: Roots,
) -> Result<Vec<Branch<'a>>, IsoError> {
    let naming =
        if medium.rock_ridge() || medium.joliet() { Naming::Invented } else { Naming::Exact };
    let descriptors = medium.descriptors();
    let branch = |tree, naming, descriptor| Branch {
        tree: Planned::new(tree, medium.source(), naming, at),
        descriptor,
        tables: Vec::new(),
        moved: None,
    };
    let mut main = branch(medium.main_tree(), naming, &descriptors.primary);
    let mut joliet = medium
        .joliet_tree()
        .zip(descriptors.joliet.as_ref())
        .map(|(tree, descriptor)| branch(tree, Naming::Joliet, descriptor));
    for (index, wish) in wishes.iter().enumerate() {
        match &wish.replaces {
            None => main.tree.add(wish.path.as_str(), index)?,
            Some(replaced) => main.tree.replace(&replaced.main, index)?,
        }
        let Some(joliet) = &mut joliet else { continue };
        match &wish.replaces {
            None => joliet.tree.add(wish.path.as_str(), index)?,
            Some(Replaced { joliet: Some(node), .. }) => joliet.tree.replace(node, index)?,
            // Joliet does not show this file under a name that can be recognised.
            Some(Replaced { joliet: None, .. }) => {}
        }
    }
    let mut branches: Vec<Branch<'a>> = [Some(main), joliet].into_iter().flatten().collect();
    if roots == Roots::Always {
        for branch in &mut branches {
            branch.tree.rewrite_root()?;
        }
    }
    Ok(branches)
}

impl Branch<'_> {
    /// Makes the path tables and gives them sectors, when any directory has moved.
    fn place_tables(&mut self, sectors: &mut Sectors) -> Result<(), IsoError> {
        if !self.tree.is_changed() {
            return Ok(());
        }
        let (little, big) = self.tree.path_tables()?;
        self.moved = Some(Moved {
            root: self.tree.root(),
            little: sectors.take(little.len() as u64)?,
            big: sectors.take(big.len() as u64)?,
            table_len: u32::try_from(little.len()).expect("65,535 directories at most"),
        });
        self.tables = vec![little, big];
        Ok(())
    }
}

/// Refuses patches over what is rewritten anyway: one of both would be lost.
fn refuse_patched_fixes(patches: &[(u64, Vec<u8>)], fixes: &Fixes) -> Result<(), IsoError> {
    for (at, bytes) in patches {
        let end = at + bytes.len() as u64;
        let last_fix = fixes.range(..end).next_back();
        if last_fix.is_some_and(|(fix_at, fix)| fix_at + fix.len() as u64 > *at) {
            let why = "extending rewrites some of them";
            return Err(IsoError::Patch { at: *at, len: bytes.len() as u64, why });
        }
    }
    Ok(())
}

/// Refuses to drop what must be changed: only `..` records, whose continuation areas count as
/// content of no file, can reach there.
fn refuse_fixes_past(append_at: u64, fixes: &Fixes) -> Result<(), IsoError> {
    let ends = fixes.iter().map(|(at, bytes)| at + bytes.len() as u64);
    match ends.max().filter(|&end| end > append_at) {
        Some(end) => Err(IsoError::AppendAt { append_at, why: "what is kept ends at byte", end }),
        None => Ok(()),
    }
}

/// The base up to `append_at`, with everything that changes in place.
fn base(medium: &Medium, append_at: u64, patches: &[(u64, Vec<u8>)], fixes: &Fixes) -> ByteMap {
    let mut map = ByteMap::new();
    medium.source().copy_range(0, append_at.min(medium.file_len()), &mut map);
    map.push(append_at - map.len(), Origin::Zero);
    for (at, bytes) in patches {
        map.patch(*at, bytes);
    }
    for (at, bytes) in fixes {
        map.patch(*at, bytes);
    }
    map
}

fn placed_files(wishes: &[Wish<'_>], places: &[Place]) -> Vec<PlacedFile> {
    wishes
        .iter()
        .zip(places)
        .map(|(wish, place)| PlacedFile {
            path: wish.path.clone(),
            at: u64::from(place.sector) * SECTOR,
            len: place.len,
        })
        .collect()
}
