//! Finds the bytes of an image in its base: first at the same offset, which is nearly all of a
//! customised medium, then anywhere.
//!
//! Not for encoding the result (`write`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::super::writing::{BufferPool, CHUNK, Progress, with_sink};
use super::error::DeltaError;
use super::index::{SectorIndex, is_zero};
use super::write::DeltaWriter;
use crate::digest::{Sha256, Sha256Hasher};
use crate::iso::bytemap::SECTOR;

/// The comparison of an image with a base, both read once.
pub struct Comparison {
    /// Digest of the base.
    pub base: Sha256,
    /// Digest of the image.
    pub image: Sha256,
    /// The ranges of the image that differ from the base at the same offset: (first byte, end), in
    /// order.
    pub differing: Vec<(u64, u64)>,
    /// The base's sectors by their content.
    pub index: SectorIndex,
}

/// An open file and its length.
pub struct SizedFile<'a> {
    /// The file.
    pub file: &'a File,
    /// Its length in bytes.
    pub len: u64,
}

/// Reads both files to their ends, side by side.
///
/// # Errors
///
/// Fails when one of them cannot be read.
pub fn compare(
    image: &SizedFile<'_>,
    base: &SizedFile<'_>,
    progress: Progress<'_>,
) -> io::Result<Comparison> {
    let mut whole_base = Sha256Hasher::default();
    let mut index = SectorIndex::for_bytes(base.len);
    let mut whole_image = Sha256Hasher::default();
    let mut differing = Vec::new();
    let mut take_base = |bytes: &[u8]| {
        whole_base.update(bytes);
        index.add(bytes);
    };
    with_sink(&mut take_base, |carry| {
        let mut buffers = BufferPool::new();
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        while at < image.len.max(base.len) {
            let size = |len: u64| {
                let left = usize::try_from(len.saturating_sub(at)).unwrap_or(usize::MAX);
                left.min(CHUNK)
            };
            let theirs =
                buffers.fill(size(base.len), |buffer| base.file.read_exact_at(buffer, at))?;
            let ours = &mut buffer[..size(image.len)];
            image.file.read_exact_at(ours, at)?;
            if !theirs.is_empty() {
                carry(&theirs);
            }
            whole_image.update(ours);
            note_differences(ours, &theirs, at, &mut differing);
            at += CHUNK as u64;
            progress(at.min(image.len));
        }
        Ok::<_, io::Error>(())
    })?;
    index.finish();
    let (base, image) = (whole_base.finish(), whole_image.finish());
    Ok(Comparison { base, image, differing, index })
}

/// Adds the sectors of `ours` that differ from `theirs` to the ranges.
fn note_differences(ours: &[u8], theirs: &[u8], at: u64, differing: &mut Vec<(u64, u64)>) {
    if theirs.starts_with(ours) {
        return;
    }
    let mut first = at;
    for sector in ours.chunks(SECTOR as usize) {
        let end = first + sector.len() as u64;
        let start = usize::try_from(first - at).expect("inside a chunk");
        if theirs.get(start..start + sector.len()) != Some(sector) {
            match differing.last_mut() {
                Some(last) if last.1 == first => last.1 = end,
                _ => differing.push((first, end)),
            }
        }
        first = end;
    }
}

/// Writes one range of the image that differs from the base, sector by sector.
///
/// # Errors
///
/// Fails when a file cannot be read or the delta cannot be written.
pub fn write_range(
    range: (u64, u64),
    image: &SizedFile<'_>,
    base: &SizedFile<'_>,
    index: &SectorIndex,
    writer: &mut DeltaWriter<'_>,
) -> Result<(), DeltaError> {
    let mut buffer = vec![0; CHUNK];
    let mut theirs = [0; SECTOR as usize];
    // The next offset in the base, for a file whose sectors have moved together.
    let mut next = None;
    let (mut at, end) = range;
    while at < end {
        let now = usize::try_from(end - at).unwrap_or(usize::MAX).min(CHUNK);
        let ours = &mut buffer[..now];
        image.file.read_exact_at(ours, at)?;
        for sector in ours.chunks(SECTOR as usize) {
            if is_zero(sector) {
                writer.zeros(sector.len() as u64)?;
                next = None;
                continue;
            }
            let mut is_at = |offset: u64| -> io::Result<bool> {
                if offset + sector.len() as u64 > base.len {
                    return Ok(false);
                }
                let theirs = &mut theirs[..sector.len()];
                base.file.read_exact_at(theirs, offset)?;
                Ok(theirs == sector)
            };
            let mut found = None;
            if let Some(offset) = next
                && is_at(offset)?
            {
                found = next;
            } else if sector.len() == SECTOR as usize
                && let Some(offset) = index.find(sector)
                && is_at(offset)?
            {
                found = Some(offset);
            }
            match found {
                Some(offset) => writer.copy(offset, sector.len() as u64)?,
                None => writer.literal(sector)?,
            }
            next = found.map(|offset| offset + SECTOR);
        }
        at += now as u64;
    }
    Ok(())
}
