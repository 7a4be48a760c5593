//! Digests of many files in one pass over an image, in any order and even if they share bytes.
//!
//! Not for reading: the caller passes the bytes of the image.

use crate::digest::{Sha256, Sha256Hasher};

/// Digests of files, by their extents in the image.
#[derive(Default)]
pub struct FileDigests {
    files: Vec<DigestedFile>,
    /// The files of which no byte has passed, the last one first.
    waiting: Vec<usize>,
    /// The files of which some bytes have passed.
    active: Vec<usize>,
}

struct DigestedFile {
    extents: Vec<(u64, u64)>,
    /// The extent that comes next, and how many bytes of it have passed.
    extent: usize,
    done: u64,
    hasher: Sha256Hasher,
    was_missed: bool,
}

impl DigestedFile {
    /// Returns the next byte of the image that it needs; `None` when it is complete.
    fn next(&self) -> Option<u64> {
        self.extents.get(self.extent).map(|(at, _)| at + self.done)
    }
}

impl FileDigests {
    /// Takes the extents of each file, each a first byte and a length.
    pub fn new(files: impl IntoIterator<Item = Vec<(u64, u64)>>) -> Self {
        let file = |mut extents: Vec<(u64, u64)>| {
            extents.retain(|(_, len)| *len > 0);
            let is_ordered = extents.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0);
            let hasher = Sha256Hasher::default();
            DigestedFile { extents, extent: 0, done: 0, hasher, was_missed: !is_ordered }
        };
        let files: Vec<DigestedFile> = files.into_iter().map(file).collect();
        let mut waiting: Vec<usize> = (0..files.len()).collect();
        waiting.retain(|file| !files[*file].was_missed && files[*file].next().is_some());
        waiting.sort_by_key(|file| std::cmp::Reverse(files[*file].next()));
        Self { files, waiting, active: Vec::new() }
    }

    /// Returns the first byte from `at` on that any file needs.
    pub fn next_wanted(&self, at: u64) -> Option<u64> {
        let active = self.active.iter().filter_map(|file| self.files[*file].next());
        let waiting = self.waiting.last().and_then(|file| self.files[*file].next());
        active.chain(waiting).min().map(|next| next.max(at))
    }

    /// Adds the next bytes of the image, which begin at `at`.
    pub fn update(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        while let Some(file) = self.waiting.last().copied() {
            if self.files[file].next().is_none_or(|next| next >= end) {
                break;
            }
            self.waiting.pop();
            self.active.push(file);
        }
        let Self { files, active, .. } = self;
        active.retain(|file| feed(&mut files[*file], at, bytes));
    }

    /// Returns the digest of each file, in the order given; none where bytes were missing.
    pub fn finish(self) -> Vec<Option<Sha256>> {
        let digest = |file: DigestedFile| {
            let is_whole = !file.was_missed && file.next().is_none();
            is_whole.then(|| file.hasher.finish())
        };
        self.files.into_iter().map(digest).collect()
    }
}

/// Adds bytes to a file. Returns whether it needs more.
fn feed(file: &mut DigestedFile, at: u64, bytes: &[u8]) -> bool {
    while let Some(next) = file.next() {
        let Some(skip) = next.checked_sub(at) else {
            file.was_missed = true;
            return false;
        };
        let Some(rest) = usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)) else {
            return true;
        };
        if rest.is_empty() {
            return true;
        }
        let left = file.extents[file.extent].1 - file.done;
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        file.hasher.update(&rest[..take]);
        file.done += take as u64;
        if file.done == file.extents[file.extent].1 {
            (file.extent, file.done) = (file.extent + 1, 0);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_gets_its_digest_however_the_image_is_cut() {
        let image: Vec<u8> = (0..1000_u32).map(|i| (i % 251) as u8).collect();
        let files =
            [vec![(10, 100)], vec![(50, 300), (700, 20)], vec![], vec![(999, 1)], vec![(10, 100)]];
        let wanted: Vec<Sha256> = files
            .iter()
            .map(|extents| {
                let bytes = extents.iter().flat_map(|(at, len)| &image[*at..at + len]);
                Sha256::hash(bytes.copied().collect::<Vec<_>>())
            })
            .collect();
        let extents = || {
            files
                .iter()
                .map(|file| file.iter().map(|(at, len)| (*at as u64, *len as u64)).collect())
        };
        for chunk in [1, 7, 64, 999, 1000] {
            for skips in [false, true] {
                let mut sweep = FileDigests::new(extents());
                let mut at = 0;
                while at < image.len() {
                    if skips {
                        let Some(next) = sweep.next_wanted(at as u64) else { break };
                        at = next as usize;
                    }
                    let end = image.len().min(at + chunk);
                    sweep.update(at as u64, &image[at..end]);
                    at = end;
                }
                let found: Vec<_> = sweep.finish().into_iter().map(Option::unwrap).collect();
                assert_eq!(found, wanted, "{chunk}");
            }
        }
    }

    #[test]
    fn what_was_not_seen_whole_has_no_digest() {
        let mut sweep = FileDigests::new([vec![(0, 4)], vec![(2, 9)], vec![(8, 1), (0, 1)]]);
        sweep.update(0, &[1; 4]);
        sweep.update(5, &[1; 6]);
        assert_eq!(sweep.finish(), [Some(Sha256::hash([1; 4])), None, None]);
    }
}
