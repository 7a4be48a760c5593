//! Digests of files on an image, all taken in the pass that sums the medium.
//!
//! Not for what a digest is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::MediaMd5Check;
use crate::digest::Sha256;
use crate::facts::Fact;
use crate::image::file_digests::FileDigests;
use crate::image::writing::{BufferPool, chunk_len, with_sink};
use crate::iso::media_md5::{Implant, MediaMd5};
use crate::iso::{EntryKind, IsoError, Medium};

/// Digests of files on the disc; each file is read once.
pub struct Digests<'a> {
    medium: &'a Medium,
    requested: BTreeSet<String>,
    known: BTreeMap<String, Result<Sha256, String>>,
    /// Bytes that may still be read: a list that names one large file a thousand times under
    /// other names must not cost a thousand readings.
    bytes_left: u64,
}

impl<'a> Digests<'a> {
    /// Digests of a medium's files; at most twice the medium's own length is read.
    pub fn new(medium: &'a Medium) -> Self {
        let bytes_left = medium.file_len().saturating_mul(2);
        Self { medium, requested: BTreeSet::new(), known: BTreeMap::new(), bytes_left }
    }

    /// Stores a digest that was computed elsewhere.
    pub fn insert(&mut self, path: &str, digest: Sha256) {
        self.known.insert(path.to_owned(), Ok(digest));
    }

    /// Requests the digest of a file, to be computed by [`Digests::compute`].
    pub fn request(&mut self, path: &str) {
        if !self.known.contains_key(path) {
            self.requested.insert(path.to_owned());
        }
    }

    /// Computes every requested digest and the media md5 in one pass over the image. Returns
    /// `absent`, `match` or `mismatch` for the md5.
    pub fn compute(&mut self, md5: MediaMd5Check) -> Fact<String> {
        let mut places: BTreeMap<Vec<(u64, u64)>, Vec<String>> = BTreeMap::new();
        for path in std::mem::take(&mut self.requested) {
            match self.extents(&path) {
                Ok(extents) => places.entry(extents).or_default().push(path),
                Err(why) => drop(self.known.insert(path, Err(why))),
            }
        }
        places.retain(|extents, paths| {
            let len = extents.iter().map(|(_, len)| len).sum();
            match self.bytes_left.checked_sub(len) {
                Some(left) => self.bytes_left = left,
                None => {
                    let why = || Err("is named among too many bytes".to_owned());
                    self.known.extend(paths.drain(..).map(|path| (path, why())));
                }
            }
            !paths.is_empty()
        });
        let mut sweep = FileDigests::new(places.keys().cloned());
        let md5 = self.read_medium(&mut sweep, md5);
        for (paths, digest) in places.into_values().zip(sweep.finish()) {
            // What could not be read is read again by `get`, which returns the reason.
            let Some(digest) = digest else { continue };
            self.known.extend(paths.into_iter().map(|path| (path, Ok(digest))));
        }
        md5
    }

    fn extents(&self, path: &str) -> Result<Vec<(u64, u64)>, String> {
        let entry = self.medium.find(path).ok_or("is missing")?;
        match entry.kind {
            EntryKind::File => Ok(entry.extents),
            _ => Err("is not a regular file".to_owned()),
        }
    }

    fn read_medium(&self, sweep: &mut FileDigests, md5: MediaMd5Check) -> Fact<String> {
        let implanted = Implant::parse(self.medium.primary_descriptor());
        let mut sum = match &implanted {
            Some(implanted) if md5 == MediaMd5Check::Sum => {
                let volume = self.medium.volume_size_bytes();
                Some(MediaMd5::with_skip(volume, implanted.skip_sectors))
            }
            _ => None,
        };
        let summed = sum.as_ref().map_or(0, MediaMd5::covered_bytes);
        let failure = match &mut sum {
            Some(sum) => self.sum_medium(summed, sweep, sum),
            None => Ok(()),
        };
        let failure = failure.and_then(|()| self.read_rest(summed, sweep)).err();
        let Some(implanted) = implanted else { return Fact::Known("absent".to_owned()) };
        let Some(sum) = sum else { return Fact::Known("match".to_owned()) };
        if let Some(why) = failure {
            return Fact::unavailable(why.to_string());
        }
        match sum.finish(implanted.is_supported) {
            Some(found) if found == implanted => Fact::Known("match".to_owned()),
            _ => Fact::Known("mismatch".to_owned()),
        }
    }

    /// Reads what is summed, for the sum on another core and for the files on this one.
    fn sum_medium(
        &self,
        summed: u64,
        sweep: &mut FileDigests,
        sum: &mut MediaMd5,
    ) -> io::Result<()> {
        let mut tap = |chunk: &[u8]| sum.update(chunk);
        with_sink(&mut tap, |carry| {
            let mut buffers = BufferPool::new();
            let mut at = 0;
            while at < summed {
                let len = chunk_len(at, summed);
                let chunk =
                    buffers.fill(len, |buffer| self.medium.source().read_exact_at(at, buffer))?;
                carry(&chunk);
                sweep.update(at, &chunk);
                at += len as u64;
            }
            Ok(())
        })
    }

    /// Reads what files have from a byte on, and nothing between them.
    fn read_rest(&self, from: u64, sweep: &mut FileDigests) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut at = from;
        while let Some(next) = sweep.next_wanted(at).filter(|next| *next < self.medium.file_len()) {
            let len = chunk_len(next, self.medium.file_len());
            buffer.resize(len, 0);
            self.medium.source().read_exact_at(next, &mut buffer)?;
            sweep.update(next, &buffer);
            at = next + len as u64;
        }
        Ok(())
    }

    /// Returns the digest of one file, or why it has none.
    pub fn get(&mut self, path: &str) -> Result<Sha256, String> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let result = self.read(path);
        self.known.insert(path.to_owned(), result.clone());
        result
    }

    fn read(&mut self, path: &str) -> Result<Sha256, String> {
        let map = self.medium.file_map(path).map_err(|error| match error {
            IsoError::NotFound(..) => "is missing".to_owned(),
            error => error.to_string(),
        })?;
        self.bytes_left =
            self.bytes_left.checked_sub(map.len()).ok_or("is named among too many bytes")?;
        let (digest, _) = Sha256::hash_reader(map.reader()).map_err(|error| error.to_string())?;
        Ok(digest)
    }
}
